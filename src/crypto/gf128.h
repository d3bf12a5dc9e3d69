/* The field of GHASH: GF(2^128) as SP 800-38D, section 6.3 writes it. Carry-less multiplication of
 * the processor where there is one, the same results without. Refuses to know keys and records. */
#ifndef BM_CRYPTO_GF128_H
#define BM_CRYPTO_GF128_H

#include "base/bytes.h"

/* Coefficients run from the left: the top bit of hi is that of x^0, the lowest of lo x^127's. */
struct bm_gf128 {
	uint64_t hi, lo;
};

static inline struct bm_gf128
bm_gf128_load(const uint8_t p[16])
{
	return (struct bm_gf128){bm_load64(p), bm_load64(p + 8)};
}

static inline void
bm_gf128_store(uint8_t p[16], struct bm_gf128 a)
{
	bm_store64(p, a.hi);
	bm_store64(p + 8, a.lo);
}

static inline struct bm_gf128
bm_gf128_add(struct bm_gf128 a, struct bm_gf128 b)
{
	return (struct bm_gf128){a.hi ^ b.hi, a.lo ^ b.lo};
}

/* a times x. */
static inline struct bm_gf128
bm_gf128_shift(struct bm_gf128 a)
{
	uint64_t carry = (a.lo & 1) != 0 ? UINT64_C(0xe1) << 56 : 0;
	return (struct bm_gf128){a.hi >> 1 ^ carry, a.lo >> 1 | a.hi << 63};
}

struct bm_gf128 bm_gf128_mul(struct bm_gf128 a, struct bm_gf128 b);
/* The same without instructions of the processor's own. */
struct bm_gf128 bm_gf128_mul_portable(struct bm_gf128 a, struct bm_gf128 b);
/* a^-1; 0 for 0. */
struct bm_gf128 bm_gf128_inverse(struct bm_gf128 a);

#endif
