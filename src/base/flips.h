/* Which bits differ between two runs of octets. Refuses to know what they are. */
#ifndef BM_BASE_FLIPS_H
#define BM_BASE_FLIPS_H

#include "base/bytes.h"

/* All-zero: none does. */
struct bm_flips {
	uint64_t bits;
	unsigned columns; /* a mask: of bits in their octet, 1 for the lowest */
	unsigned to;      /* a mask: 1: to 0, 2: to 1 */
};

/* Adds those between what was and what is; runs of unequal length are none. */
void bm_flips_add(struct bm_flips *f, struct bm_view was, struct bm_view is);
/* The one bit of an octet that all of them are; -1: there is no such. */
int bm_flips_column(const struct bm_flips *f);

#endif
