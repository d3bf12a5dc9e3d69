/* Whole segments, damaged at random, summed by the code that checks captures: how many escape?
 * Refuses to know what they should be. */
#ifndef BM_ODDS_SIMULATE_H
#define BM_ODDS_SIMULATE_H

#include "base/pool.h"
#include "odds/content.h"
#include "odds/patterns.h"

#include <stdbool.h>

struct bm_simulation {
	struct bm_pattern pattern; /* not BM_PATTERN_RESUMMED */
	enum bm_content_kind content;
	uint64_t trials, seed;
	/* Filled in: */
	uint64_t damaged; /* trials in which anything changed at all */
	uint64_t escaped; /* of these, with a sum that still fits */
};

/* Runs it on the threads of p (NULL: this one). The outcome depends on seed, pattern, content and
 * trials alone. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_simulate(struct bm_simulation *s, struct bm_pool *p);

#endif
