/* Holds the rules and finds those that fit a line. Refuses to know their syntax. */
#include "explain/rules_internal.h"

#include <stdlib.h>

const char *
bm_detector_id(enum bm_detector d)
{
	static const char *const ids[] = {"unknown", "local", "peer"};

	return ids[d];
}

const char *
bm_stage_id(enum bm_stage s)
{
	static const char *const ids[] = {
		NULL, "handshake", "after_handshake", "first_record", "later"};

	return ids[s];
}

enum bm_status
bm_rules_new(struct bm_rules **out)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return BM_NOMEM;
	(*out)->arena.max = 16 << 20;
	enum bm_status st = bm_matcher_new(&(*out)->matcher);
	if (st != BM_OK) {
		free(*out);
		*out = NULL;
	}
	return st;
}

void
bm_rules_free(struct bm_rules *r)
{
	if (r == NULL)
		return;
	bm_matcher_free(r->matcher);
	bm_arena_clear(&r->arena);
	free(r->rules);
	free(r->owners);
	free(r);
}

struct bm_rule *
rules_add(struct bm_rules *r, enum bm_section section, const char *id)
{
	struct bm_rule *rule = bm_arena_take(&r->arena, 1, sizeof *rule);

	if (rule == NULL || bm_grow((void **)&r->rules, &r->cap, r->count + 1, RULES_MAX,
							sizeof(struct bm_rule *)) != BM_OK)
		return NULL;
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i]->section == section && strcmp(r->rules[i]->id, id) == 0)
			r->rules[i]->replaced = true;
	rule->section = section;
	rule->id = id;
	rule->order = (unsigned)r->count;
	rule->last = &rule->fields;
	r->rules[r->count++] = rule;
	return rule;
}

enum bm_status
rules_add_pattern(struct bm_rules *r, const char *text, bool exception)
{
	enum bm_status st = bm_grow(
		(void **)&r->owners, &r->owner_cap, r->owner_count + 1, BM_PATTERNS_MAX, sizeof *r->owners);

	if (st == BM_OK)
		st = bm_matcher_add(r->matcher, text);
	if (st == BM_OK)
		r->owners[r->owner_count++] = (struct pattern_owner){(uint16_t)(r->count - 1), exception};
	return st;
}

size_t
bm_rules_count(const struct bm_rules *r)
{
	return r->count;
}

const struct bm_rule *
bm_rules_at(const struct bm_rules *r, size_t n)
{
	return r->rules[n];
}

const struct bm_rule *
bm_rules_find(const struct bm_rules *r, enum bm_section section, const char *id)
{
	for (size_t i = r->count; id != NULL && i-- > 0;)
		if (r->rules[i]->section == section && strcmp(r->rules[i]->id, id) == 0)
			return r->rules[i];
	return NULL;
}

bool
bm_rules_may(const struct bm_rules *r, struct bm_view line)
{
	return bm_matcher_may(r->matcher, line);
}

void
bm_rules_scan(const struct bm_rules *r, struct bm_view text, uint64_t hits[BM_SCAN_WORDS])
{
	bm_matcher_scan(r->matcher, text, hits);
}

size_t
bm_rules_run(struct bm_rules *r, struct bm_view line, const struct bm_rule *hits[BM_RULE_HITS])
{
	uint32_t numbers[4 * BM_RULE_HITS];
	size_t found = bm_matcher_run(r->matcher, line, numbers, 4 * (size_t)BM_RULE_HITS);
	size_t n = 0;

	/* Patterns were added rule by rule, so those of one rule stand together. */
	for (size_t i = 0; i < found && n < BM_RULE_HITS;) {
		unsigned rule = r->owners[numbers[i]].rule;
		bool yes = false, no = false;
		for (; i < found && r->owners[numbers[i]].rule == rule; i++) {
			yes = yes || !r->owners[numbers[i]].exception;
			no = no || r->owners[numbers[i]].exception;
		}
		if (yes && !no && !r->rules[rule]->replaced)
			hits[n++] = r->rules[rule];
	}
	return n;
}
