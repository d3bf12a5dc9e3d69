/* From facts to causes: the rules whose conditions hold, added up. */
#ifndef BM_EXPLAIN_WEIGH_H
#define BM_EXPLAIN_WEIGH_H

#include "explain/incident.h"

enum { BM_REASONS = 6, BM_NEXT_MAX = 24, BM_BUGS_MAX = 12 };

struct bm_weighed {
	enum bm_cause cause;
	unsigned weight;
	const char *reasons[BM_REASONS];
	size_t reason_count;
};

struct bm_excluded {
	enum bm_cause cause;
	const char *reason;
};

struct bm_next {
	const char *what, *command; /* command: NULL if there is none to type */
};

struct bm_opinion {
	struct bm_weighed causes[BM_CAUSE_COUNT]; /* likeliest first */
	size_t cause_count;
	struct bm_excluded excluded[BM_CAUSE_COUNT];
	size_t excluded_count;
	struct bm_next keys[BM_NEXT_MAX]; /* how to get the keys */
	size_t key_count;
	struct bm_next next[BM_NEXT_MAX];
	size_t next_count;
	struct bm_next bugs[BM_BUGS_MAX]; /* what: the reference */
	size_t bug_count;
};

/* A condition is terms parted by blanks, all of which must hold: name=word or name!=word, with
 * several words parted by commas any of which will do. */
void bm_weigh(const struct bm_rules *rules, const struct bm_incident *i, struct bm_opinion *out);

#endif
