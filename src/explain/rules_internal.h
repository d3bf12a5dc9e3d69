/* What the two files about rules share. */
#ifndef BM_EXPLAIN_RULES_INTERNAL_H
#define BM_EXPLAIN_RULES_INTERNAL_H

#include "base/arena.h"
#include "explain/rules.h"

enum { RULES_MAX = 4000 };

struct pattern_owner {
	uint16_t rule;
	bool exception;
};

struct bm_rules {
	struct bm_arena arena;
	struct bm_rule **rules;
	size_t count, cap;
	struct bm_matcher *matcher;
	struct pattern_owner *owners; /* of each pattern */
	size_t owner_count, owner_cap;
};

/* Adds a rule whose fields are yet to come; NULL: out of memory, or too many. */
struct bm_rule *rules_add(struct bm_rules *r, enum bm_section section, const char *id);
/* A pattern of the newest rule. */
BM_MUST_USE enum bm_status rules_add_pattern(struct bm_rules *r, const char *text, bool exception);
/* Whether a condition is one: see weigh.h. *what: what is wrong with it. */
bool rules_condition_is_good(const char *text, const char **what);

#endif
