/* Elimination over GF(2) in 128 equations: which of up to 128 unknowns add up to a vector. Refuses
 * to know what the unknowns are. */
#ifndef BM_REPAIR_ELIMINATE_H
#define BM_REPAIR_ELIMINATE_H

#include "crypto/gf128.h"

enum { BM_EQUATIONS = 128 };

/* Vectors by their first bit, each with the unknowns that it is the sum of; unknown i is the i-th
 * bit from the left. Empty when nothing is taken; the rest need not be set then. */
struct bm_basis {
	bool taken[BM_EQUATIONS];
	struct bm_gf128 vector[BM_EQUATIONS];
	struct bm_gf128 unknowns[BM_EQUATIONS];
};

static inline void
bm_basis_empty(struct bm_basis *b)
{
	memset(b->taken, 0, sizeof(b->taken));
}

static inline bool
bm_gf128_zero(struct bm_gf128 v)
{
	return (v.hi | v.lo) == 0;
}

/* What is left of v, 0 when it is a sum of those put in; *unknowns gains those that went into it.
 */
struct bm_gf128 bm_basis_reduce(
	const struct bm_basis *b, struct bm_gf128 v, struct bm_gf128 *unknowns);
/* False, and nothing put in, when v is a sum of others. */
bool bm_basis_put(struct bm_basis *b, struct bm_gf128 v, unsigned unknown);

#endif
