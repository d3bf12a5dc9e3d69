/* What several failures have in common, and whether chance would give it (docs/HTML.md). Takes
 * connections as they end; refuses to know how it is said. */
#ifndef BM_REPORT_ALIKE_H
#define BM_REPORT_ALIKE_H

#include "verdict/model.h"

enum bm_trait {
	BM_TRAIT_BIT,     /* of an octet */
	BM_TRAIT_WAY,     /* of the bits: 0: to 0, 1: to 1 */
	BM_TRAIT_MOD64,   /* where in the record the damage begins, modulo 64 */
	BM_TRAIT_MOD4096, /* modulo 4,096 */
	BM_TRAIT_OFFSET,  /* itself */
	BM_TRAIT_FRAME,   /* where in the packet */
	BM_TRAIT_DIRECTION,
	BM_TRAIT_SERVER,
	BM_TRAIT_CLIENT, /* without its port */
	BM_TRAIT_SUITE,
	BM_TRAIT_SIZE,
	BM_TRAITS_OF_ONE, /* what a failure has by itself ends here */
	BM_TRAIT_BEAT = BM_TRAITS_OF_ONE,
	BM_TRAIT_DAY,
	BM_TRAIT_COUNT
};

struct bm_alike;

struct bm_alike *bm_alike_new(void); /* NULL: no memory */
void bm_alike_free(struct bm_alike *a);
/* listed: its records are there to be counted, and to tell when one failed. What memory is missing
 * for is not compared. */
void bm_alike_connection(struct bm_alike *a, const struct bm_connection *c, bool listed);

struct bm_alike_found {
	enum bm_trait trait;
	uint64_t value;               /* of BEAT: microseconds; of DAY: microseconds since midnight */
	struct bm_address address;    /* of SERVER and CLIENT instead */
	uint64_t with, of;            /* failures: that have it, and that have any */
	uint64_t values;              /* as likely as each other; 0: it is the next two */
	uint64_t records, of_records; /* checked: of that value, of any */
	uint64_t within;              /* of DAY: microseconds */
	double ln_chance;
};

struct bm_alike_result {
	uint64_t compared;                           /* traits */
	struct bm_alike_found found[BM_TRAIT_COUNT]; /* those that are stated, the rarest first */
	size_t n;
};

/* False: there are fewer than two failures. */
bool bm_alike_find(struct bm_alike *a, struct bm_alike_result *r);

#endif
