/* Gaussian elimination, a vector at a time. Refuses to look for more than one solution: where
 * vectors depend on each other the caller is told. */
#include "repair/eliminate.h"

static unsigned
first_bit(struct bm_gf128 v)
{
	if (v.hi != 0)
		return (unsigned)__builtin_clzll(v.hi);
	return 64 + (unsigned)__builtin_clzll(v.lo);
}

struct bm_gf128
bm_basis_reduce(const struct bm_basis *b, struct bm_gf128 v, struct bm_gf128 *unknowns)
{
	while (!bm_gf128_zero(v)) {
		unsigned i = first_bit(v);
		if (!b->taken[i])
			break;
		v = bm_gf128_add(v, b->vector[i]);
		*unknowns = bm_gf128_add(*unknowns, b->unknowns[i]);
	}
	return v;
}

bool
bm_basis_put(struct bm_basis *b, struct bm_gf128 v, unsigned unknown)
{
	struct bm_gf128 u = {0, 0};

	if (unknown < 64)
		u.hi = UINT64_C(1) << (63 - unknown);
	else
		u.lo = UINT64_C(1) << (127 - unknown);
	v = bm_basis_reduce(b, v, &u);
	if (bm_gf128_zero(v))
		return false;
	unsigned i = first_bit(v);
	b->vector[i] = v;
	b->unknowns[i] = u;
	b->taken[i] = true;
	return true;
}
