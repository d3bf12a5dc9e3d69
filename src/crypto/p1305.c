/* Multiplication and inversion modulo 2^130 - 5, in limbs of 26 bits so that any compiler can.
 * Takes no care to be constant in time: badmac works on records long sent. */
#include "crypto/p1305.h"

enum { LIMBS = 5, LIMB_BITS = 26 };

static const uint64_t limb_mask = (UINT64_C(1) << LIMB_BITS) - 1;

static void
part(struct bm_p1305 a, uint64_t l[LIMBS])
{
	l[0] = a.w[0] & limb_mask;
	l[1] = a.w[0] >> 26 & limb_mask;
	l[2] = (a.w[0] >> 52 | a.w[1] << 12) & limb_mask;
	l[3] = a.w[1] >> 14 & limb_mask;
	l[4] = a.w[1] >> 40 | a.w[2] << 24;
}

struct bm_p1305
bm_p1305_mul(struct bm_p1305 a, struct bm_p1305 b)
{
	uint64_t x[LIMBS], y[LIMBS], z[LIMBS];

	part(a, x);
	part(b, y);
	/* 2^130 is 5. */
	uint64_t y1 = 5 * y[1], y2 = 5 * y[2], y3 = 5 * y[3], y4 = 5 * y[4];
	z[0] = x[0] * y[0] + x[1] * y4 + x[2] * y3 + x[3] * y2 + x[4] * y1;
	z[1] = x[0] * y[1] + x[1] * y[0] + x[2] * y4 + x[3] * y3 + x[4] * y2;
	z[2] = x[0] * y[2] + x[1] * y[1] + x[2] * y[0] + x[3] * y4 + x[4] * y3;
	z[3] = x[0] * y[3] + x[1] * y[2] + x[2] * y[1] + x[3] * y[0] + x[4] * y4;
	z[4] = x[0] * y[4] + x[1] * y[3] + x[2] * y[2] + x[3] * y[1] + x[4] * y[0];
	/* Once round leaves the lowest two limbs a little above 26 bits, twice none but at most the
	 * value itself not below the modulus. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i + 1 < LIMBS; i++) {
			z[i + 1] += z[i] >> LIMB_BITS;
			z[i] &= limb_mask;
		}
		z[0] += 5 * (z[4] >> LIMB_BITS);
		z[4] &= limb_mask;
	}
	/* z[0] may be a few above its bits: added, not put in place. */
	struct bm_p1305 r =
		bm_p1305_reduce(z[1] << 26 | z[2] << 52, z[2] >> 12 | z[3] << 14 | z[4] << 40, z[4] >> 24);
	return bm_p1305_add(r, (struct bm_p1305){{z[0], 0, 0}});
}

/* a^(p - 2), p - 2 = 2^130 - 7: all bits but those of 2 and 4. */
struct bm_p1305
bm_p1305_inverse(struct bm_p1305 a)
{
	struct bm_p1305 z = {{1, 0, 0}};
	struct bm_p1305 power = a;

	for (size_t i = 0; i < 130; i++) {
		if (i != 1 && i != 2)
			z = bm_p1305_mul(z, power);
		power = bm_p1305_mul(power, power);
	}
	return z;
}
