/* Reads a rules file: sections in brackets, then "key: value" lines. Refuses to know any log. */
#include "explain/rules_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "logs/text.h"

/* Which keys a section may have. */
#define IN(section) (1u << BM_RULE_##section)

static const struct {
	const char *name;
	enum bm_field_key key;
	unsigned sections;
	bool once;
} keys[] = {
	{"match", BM_FIELD_MATCH, ~(IN(STACK) | IN(WEIGH)), false},
	{"not", BM_FIELD_NOT, ~(IN(STACK) | IN(WEIGH)), false},
	{"name", BM_FIELD_NAME, ~0u, true},
	{"stack", BM_FIELD_STACK, IN(EVENT) | IN(PROGRAM), true},
	{"program", BM_FIELD_PROGRAM, IN(EVENT), true},
	{"detected", BM_FIELD_DETECTED, IN(EVENT), true},
	{"stage", BM_FIELD_STAGE, IN(EVENT) | IN(CONTEXT), true},
	{"role", BM_FIELD_ROLE, IN(PROGRAM), true},
	{"means", BM_FIELD_MEANS, ~0u, true},
	{"needs", BM_FIELD_NEEDS, IN(EVENT), true},
	{"when", BM_FIELD_WHEN, IN(WEIGH), false},
	{"cause", BM_FIELD_CAUSE, IN(WEIGH) | IN(EVENT) | IN(CONTEXT) | IN(PROGRAM) | IN(STACK), false},
	{"rules-out", BM_FIELD_RULES_OUT, IN(WEIGH) | IN(EVENT), false},
	{"next", BM_FIELD_NEXT, IN(WEIGH) | IN(EVENT) | IN(CONTEXT) | IN(PROGRAM) | IN(STACK), false},
	{"bug", BM_FIELD_BUG, IN(WEIGH) | IN(EVENT) | IN(CONTEXT), false},
	{"source", BM_FIELD_SOURCE, ~0u, true},
	{"keys", BM_FIELD_KEYS, IN(STACK) | IN(PROGRAM), false},
};

static const char *const section_names[] = {
	"stack", "program", "event", "context", "other", "negotiated", "trace", "weigh"};

struct reading {
	struct bm_rules *rules;
	struct bm_rule *rule; /* the section that is being read */
	const char *file;
	bool built_in;
	struct bm_rules_error *e;
	unsigned line;
};

__attribute__((format(printf, 2, 3))) static enum bm_status
wrong(struct reading *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(r->e->what, sizeof r->e->what, format, ap);
	va_end(ap);
	r->e->line = r->line;
	return BM_FORMAT;
}

static enum bm_status
failed(struct reading *r, enum bm_status st)
{
	r->e->line = r->line;
	(void)snprintf(r->e->what, sizeof r->e->what, "%s",
		st == BM_NOMEM ? "out of memory" : "too many rules or patterns");
	return st;
}

/* The first word of v; v goes on after it. */
static struct bm_view
take_word(struct bm_view *v)
{
	size_t n = 0;

	*v = text_trim(*v);
	while (n < v->n && v->p[n] != ' ' && v->p[n] != '\t')
		n++;
	struct bm_view word = bm_view(v->p, n);
	*v = text_trim(bm_view(v->p + n, v->n - n));
	return word;
}

static bool
is(struct bm_view v, const char *word)
{
	return bm_view_equal(v, bm_view(word, strlen(word)));
}

static const char *
keep(struct reading *r, struct bm_view v)
{
	char *s = bm_arena_take(&r->rules->arena, v.n + 1, 1);

	if (s != NULL && v.n != 0)
		memcpy(s, v.p, v.n);
	return s;
}

static bool
is_name(struct bm_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!((v.p[i] >= 'a' && v.p[i] <= 'z') || (v.p[i] >= '0' && v.p[i] <= '9') ||
				v.p[i] == '-' || v.p[i] == '.' || v.p[i] == '_'))
			return false;
	return v.n != 0 && v.n <= 40;
}

static enum bm_status
finish_section(struct reading *r)
{
	const struct bm_rule *rule = r->rule;
	bool matches = false;

	if (rule == NULL)
		return BM_OK;
	for (const struct bm_field *f = rule->fields; f != NULL; f = f->next)
		matches = matches || f->key == BM_FIELD_MATCH;
	if (!matches && rule->section != BM_RULE_STACK && rule->section != BM_RULE_WEIGH) {
		r->line = rule->line;
		return wrong(r, "section %.40s has no match", rule->id);
	}
	return BM_OK;
}

static enum bm_status
begin_section(struct reading *r, struct bm_view v)
{
	enum bm_status st = finish_section(r);

	if (st != BM_OK)
		return st;
	if (v.n < 2 || v.p[v.n - 1] != ']')
		return wrong(r, "a section is written [kind name]");
	v = bm_view(v.p + 1, v.n - 2);
	struct bm_view kind = take_word(&v);
	for (unsigned s = 0; s < BM_RULE_SECTIONS; s++) {
		if (!is(kind, section_names[s]))
			continue;
		if (!is_name(v))
			return wrong(r, "a section's name is small letters, digits, - . _, at most 40");
		const char *id = keep(r, v);
		r->rule = id != NULL ? rules_add(r->rules, (enum bm_section)s, id) : NULL;
		if (r->rule == NULL)
			return failed(r, r->rules->count == RULES_MAX ? BM_LIMIT : BM_NOMEM);
		r->rule->file = r->file;
		r->rule->built_in = r->built_in;
		r->rule->line = r->line;
		return BM_OK;
	}
	return wrong(r, "there is no kind of section of that name");
}

/* A word out of a list that ends with NULL, by its place; -1: it is none of them. */
static int
place_of(struct bm_view v, const char *const *list)
{
	for (int i = 0; list[i] != NULL; i++)
		if (is(v, list[i]))
			return i;
	return -1;
}

static enum bm_status
take_cause(struct reading *r, struct bm_field *f, struct bm_view v)
{
	struct bm_view id = take_word(&v);
	bool known = false;

	for (unsigned c = 0; c < BM_CAUSE_COUNT && !known; c++)
		if (is(id, bm_cause_id((enum bm_cause)c))) {
			f->cause = (enum bm_cause)c;
			known = true;
		}
	if (!known)
		return wrong(r, "there is no cause of that name");
	if (f->key == BM_FIELD_CAUSE) {
		struct bm_view digits = take_word(&v);
		for (size_t i = 0; i < digits.n; i++) {
			if (digits.p[i] < '0' || digits.p[i] > '9' || i == 3)
				return wrong(r, "a cause needs a weight from 1 to 100");
			f->weight = f->weight * 10 + (unsigned)(digits.p[i] - '0');
		}
		if (f->weight == 0 || f->weight > 100)
			return wrong(r, "a cause needs a weight from 1 to 100");
	}
	f->text = keep(r, v);
	return f->text == NULL ? failed(r, BM_NOMEM) : v.n != 0 ? BM_OK : wrong(r, "without a reason");
}

/* "what it is for | command" */
static enum bm_status
take_parted(struct reading *r, struct bm_field *f, struct bm_view v)
{
	size_t bar = text_find(v, " | ");

	f->text = keep(r, bar != SIZE_MAX ? text_trim(bm_view(v.p, bar)) : v);
	if (bar != SIZE_MAX)
		f->more = keep(r, text_trim(bm_view(v.p + bar + 3, v.n - bar - 3)));
	return f->text == NULL || (bar != SIZE_MAX && f->more == NULL) ? failed(r, BM_NOMEM) : BM_OK;
}

static enum bm_status
take_choice(struct reading *r, const struct bm_field *f, struct bm_view v)
{
	static const char *const detectors[] = {"unknown", "local", "peer", NULL};
	static const char *const stages[] = {"any", "handshake", "after", "first", "later", NULL};
	static const char *const roles[] = {"any", "client", "server", NULL};
	int place;

	switch (f->key) {
	case BM_FIELD_DETECTED:
		place = place_of(v, detectors);
		if (place < 0)
			return wrong(r, "detected is local, peer or unknown");
		r->rule->detected = (enum bm_detector)place;
		return BM_OK;
	case BM_FIELD_STAGE:
		place = place_of(v, stages);
		if (place < 0)
			return wrong(r, "stage is any, handshake, after, first or later");
		r->rule->stage = (enum bm_stage)place;
		return BM_OK;
	case BM_FIELD_ROLE:
		place = place_of(v, roles);
		if (place < 0)
			return wrong(r, "role is any, client or server");
		r->rule->role = (enum bm_role)place;
		return BM_OK;
	default:
		if (!is(v, "tls") && !is(v, "more"))
			return wrong(r, "needs is tls or more");
		r->rule->needs_tls = is(v, "tls");
		r->rule->needs_more = is(v, "more");
		return BM_OK;
	}
}

static enum bm_status
take_value(struct reading *r, struct bm_field *f, struct bm_view v)
{
	const char *what;
	enum bm_status st;

	if (f->key == BM_FIELD_CAUSE || f->key == BM_FIELD_RULES_OUT)
		return take_cause(r, f, v);
	if (f->key == BM_FIELD_NEXT || f->key == BM_FIELD_KEYS || f->key == BM_FIELD_BUG)
		return take_parted(r, f, v);
	f->text = keep(r, v);
	if (f->text == NULL)
		return failed(r, BM_NOMEM);
	switch (f->key) {
	case BM_FIELD_MATCH:
	case BM_FIELD_NOT:
		st = rules_add_pattern(r->rules, f->text, f->key == BM_FIELD_NOT);
		if (st == BM_FORMAT)
			return wrong(r, "not a pattern: words of two characters or more, * \\< \\> \\* \\\\");
		return st == BM_OK ? st : failed(r, st);
	case BM_FIELD_NAME:
		r->rule->name = f->text;
		return BM_OK;
	case BM_FIELD_STACK:
		r->rule->stack = f->text;
		return BM_OK;
	case BM_FIELD_PROGRAM:
		r->rule->program = f->text;
		return BM_OK;
	case BM_FIELD_MEANS:
		r->rule->means = f->text;
		return BM_OK;
	case BM_FIELD_SOURCE:
		r->rule->source = f->text;
		return BM_OK;
	case BM_FIELD_WHEN:
		return rules_condition_is_good(f->text, &what) ? BM_OK : wrong(r, "%s", what);
	default:
		return take_choice(r, f, v);
	}
}

static enum bm_status
add_field(struct reading *r, struct bm_view line)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);

	if (r->rule == NULL)
		return wrong(r, "a line before the first section");
	if (colon == NULL)
		return wrong(r, "neither a section nor key: value");
	struct bm_view name = bm_view(line.p, (size_t)(colon - line.p));
	struct bm_view value = text_trim(bm_view(colon + 1, line.n - name.n - 1));
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (!is(name, keys[i].name))
			continue;
		if ((keys[i].sections & 1u << r->rule->section) == 0)
			return wrong(
				r, "a %s section has no %s", section_names[r->rule->section], keys[i].name);
		for (const struct bm_field *f = r->rule->fields; keys[i].once && f != NULL; f = f->next)
			if (f->key == keys[i].key)
				return wrong(r, "%s a second time", keys[i].name);
		if (value.n == 0)
			return wrong(r, "%s without a value", keys[i].name);
		struct bm_field *f = bm_arena_take(&r->rules->arena, 1, sizeof *f);
		if (f == NULL)
			return failed(r, BM_NOMEM);
		f->key = keys[i].key;
		*r->rule->last = f;
		r->rule->last = &f->next;
		return take_value(r, f, value);
	}
	return wrong(r, "there is no key of that name");
}

enum bm_status
bm_rules_read(
	struct bm_rules *rules, const char *file, struct bm_view text, struct bm_rules_error *e)
{
	struct reading r = {.rules = rules, .e = e, .built_in = text.p == bm_rules_builtin().p};
	struct bm_view line;
	enum bm_status st = BM_OK;

	*e = (struct bm_rules_error){0};
	r.file = keep(&r, bm_view(file, strlen(file)));
	if (r.file == NULL)
		return failed(&r, BM_NOMEM);
	while (st == BM_OK && text_line(&text, &line)) {
		r.line++;
		line = text_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (memchr(line.p, 0, line.n) != NULL)
			return wrong(&r, "a zero octet: this is no text");
		st = line.p[0] == '[' ? begin_section(&r, line) : add_field(&r, line);
	}
	return st == BM_OK ? finish_section(&r) : st;
}

enum bm_status
bm_rules_seal(struct bm_rules *rules, const char **file, struct bm_rules_error *e)
{
	struct reading r = {.rules = rules, .e = e};

	*file = NULL;
	*e = (struct bm_rules_error){0};
	for (size_t i = 0; i < rules->count; i++) {
		const struct bm_rule *rule = rules->rules[i];
		r.line = rule->line;
		*file = rule->file;
		if (rule->stack != NULL && bm_rules_find(rules, BM_RULE_STACK, rule->stack) == NULL)
			return wrong(&r, "there is no [stack %.40s]", rule->stack);
		if (rule->program != NULL && bm_rules_find(rules, BM_RULE_PROGRAM, rule->program) == NULL)
			return wrong(&r, "there is no [program %.40s]", rule->program);
	}
	r.line = 0;
	enum bm_status st = bm_matcher_seal(rules->matcher);
	return st == BM_OK ? st : failed(&r, st);
}
