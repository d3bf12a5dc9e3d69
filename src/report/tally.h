/* How often each of many values came, among what may have failed and among what did. Bounded: with
 * more values than BM_TALLY_VALUES, or without memory, all of it is lost, and says so. Refuses to
 * know what the values are. */
#ifndef BM_REPORT_TALLY_H
#define BM_REPORT_TALLY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { BM_TALLY_VALUES = 1 << 16 };

/* A value: a number in the first place, or what fills all of them. */
struct bm_tally_key {
	uint64_t word[3];
};

struct bm_tally_slot {
	struct bm_tally_key key;
	uint64_t records, failures;
	uint64_t first; /* 1 and up: the how manieth failure was the first of this value; 0: none */
};

/* All-zero: nothing yet. */
struct bm_tally {
	struct bm_tally_slot *slot; /* cap of them, a power of two; those with neither count are free */
	size_t cap, used;
	uint64_t records, failures;
	bool lost;
};

void bm_tally_clear(struct bm_tally *t);
void bm_tally_records(struct bm_tally *t, struct bm_tally_key key, uint64_t n);
void bm_tally_failure(struct bm_tally *t, struct bm_tally_key key);
/* The value that most failures have, of several the one that came first; NULL: there is none. */
const struct bm_tally_slot *bm_tally_most(const struct bm_tally *t);
/* ln of the chance that so many of the failures, or more, have any one value, where each record
 * that was counted fails as likely as any other; 0 where no memory is left to sort them. */
double bm_tally_ln_agree(const struct bm_tally *t, uint64_t many);

#endif
