/* A hash table from 64-bit keys to small numbers, filled once and then asked many times: finds the
 * two terms of a sum. Refuses to know what is summed. Keys are as good as random: multiples of a
 * secret. */
#ifndef BM_REPAIR_JOIN_H
#define BM_REPAIR_JOIN_H

#include "base/bytes.h"
#include "base/status.h"

enum {
	BM_JOIN_ID_BITS = 24,
	BM_JOIN_SLOTS_MAX = 1 << 23, /* 64 MB */
	BM_JOIN_PROBES = 4096        /* keys that are not random after all must not take for ever */
};

struct bm_join {
	uint64_t *slot; /* upper bits of the key, number; 0: empty */
	uint64_t mask;
	unsigned passes; /* to be filled and asked this many times, each for its share of the keys */
	unsigned pass;
	bool crowded; /* an entry was left out */
};

BM_MUST_USE enum bm_status bm_join_new(struct bm_join *j, size_t entries);
void bm_join_empty(struct bm_join *j); /* for the next pass */
void bm_join_free(struct bm_join *j);  /* wipes; all-zero allowed */

static inline bool
bm_join_other_pass(const struct bm_join *j, uint64_t key)
{
	return j->passes > 1 && (key >> 32) * j->passes >> 32 != j->pass;
}

/* id: 1 to 2^24 - 1. A key of another pass is left out. */
static inline void
bm_join_put(struct bm_join *j, uint64_t key, uint32_t id)
{
	uint64_t i = key & j->mask;

	if (bm_join_other_pass(j, key))
		return;
	for (size_t probes = 0; j->slot[i] != 0; i = (i + 1) & j->mask)
		if (++probes == BM_JOIN_PROBES) {
			j->crowded = true;
			return;
		}
	j->slot[i] = key >> BM_JOIN_ID_BITS << BM_JOIN_ID_BITS | id;
}

/* The ids under a key, one a call, 0 at the end; *cursor starts as the key. */
static inline uint32_t
bm_join_get(const struct bm_join *j, uint64_t key, uint64_t *cursor)
{
	if (bm_join_other_pass(j, key))
		return 0;
	for (uint64_t i = *cursor & j->mask; j->slot[i] != 0; i = (i + 1) & j->mask)
		if ((j->slot[i] ^ key) >> BM_JOIN_ID_BITS == 0) {
			*cursor = i + 1;
			return (uint32_t)(j->slot[i] & ((UINT64_C(1) << BM_JOIN_ID_BITS) - 1));
		}
	return 0;
}

#endif
