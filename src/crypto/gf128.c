/* Multiplication and inversion in the field of GHASH. Takes time that depends on its operands where
 * that is quicker: badmac works on records long sent, and answers nobody on the network. */
#include "crypto/gf128.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_CLMUL 1
#include <immintrin.h>
#else
#define HAVE_CLMUL 0
#endif

enum { WINDOW = 4 };

/* Folds a product of 256 bits, most significant word (lowest degrees) first, by x^128 = x^7 + x^2 +
 * x + 1. A step up in degree is a shift to the right. */
static inline struct bm_gf128
reduce(uint64_t p3, uint64_t p2, uint64_t p1, uint64_t p0)
{
	p2 ^= p0 ^ p0 >> 1 ^ p0 >> 2 ^ p0 >> 7;
	p1 ^= p0 << 63 ^ p0 << 62 ^ p0 << 57;
	p3 ^= p1 ^ p1 >> 1 ^ p1 >> 2 ^ p1 >> 7;
	p2 ^= p1 << 63 ^ p1 << 62 ^ p1 << 57;
	return (struct bm_gf128){p3, p2};
}

/* Horner's rule over four bits at a time, from the highest degree down. */
struct bm_gf128
bm_gf128_mul_portable(struct bm_gf128 a, struct bm_gf128 b)
{
	struct bm_gf128 table[1 << WINDOW] = {{0, 0}};
	struct bm_gf128 z = {0, 0};

	table[8] = a;
	table[4] = bm_gf128_shift(table[8]);
	table[2] = bm_gf128_shift(table[4]);
	table[1] = bm_gf128_shift(table[2]);
	for (size_t i = 3; i < 1 << WINDOW; i++)
		table[i] = bm_gf128_add(table[i & (i - 1)], table[i & (~i + 1)]);
	for (size_t i = 0; i < 128; i += WINDOW) {
		for (size_t k = 0; k < WINDOW; k++)
			z = bm_gf128_shift(z);
		uint64_t word = i < 64 ? b.lo >> i : b.hi >> (i - 64);
		z = bm_gf128_add(z, table[word & ((1 << WINDOW) - 1)]);
	}
	return z;
}

#if HAVE_CLMUL
/* Both operands are mirrored, so their product is that of the polynomials one bit too low. */
__attribute__((target("pclmul,sse4.1"))) static struct bm_gf128
mul_clmul(struct bm_gf128 a, struct bm_gf128 b)
{
	__m128i x = _mm_set_epi64x((long long)a.hi, (long long)a.lo);
	__m128i y = _mm_set_epi64x((long long)b.hi, (long long)b.lo);
	__m128i low = _mm_clmulepi64_si128(x, y, 0x00);
	__m128i high = _mm_clmulepi64_si128(x, y, 0x11);
	__m128i middle =
		_mm_xor_si128(_mm_clmulepi64_si128(x, y, 0x01), _mm_clmulepi64_si128(x, y, 0x10));
	uint64_t m0 = (uint64_t)_mm_cvtsi128_si64(middle), m1 = (uint64_t)_mm_extract_epi64(middle, 1);
	uint64_t p0 = (uint64_t)_mm_cvtsi128_si64(low);
	uint64_t p1 = (uint64_t)_mm_extract_epi64(low, 1) ^ m0;
	uint64_t p2 = (uint64_t)_mm_cvtsi128_si64(high) ^ m1;
	uint64_t p3 = (uint64_t)_mm_extract_epi64(high, 1);

	return reduce(p3 << 1 | p2 >> 63, p2 << 1 | p1 >> 63, p1 << 1 | p0 >> 63, p0 << 1);
}
#endif

struct bm_gf128
bm_gf128_mul(struct bm_gf128 a, struct bm_gf128 b)
{
#if HAVE_CLMUL
	if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"))
		return mul_clmul(a, b);
#endif
	return bm_gf128_mul_portable(a, b);
}

/* a^(2^128 - 2): the product of a^(2^i) for i from 1 to 127. */
struct bm_gf128
bm_gf128_inverse(struct bm_gf128 a)
{
	struct bm_gf128 power = bm_gf128_mul(a, a);
	struct bm_gf128 z = power;

	for (size_t i = 2; i < 128; i++) {
		power = bm_gf128_mul(power, power);
		z = bm_gf128_mul(z, power);
	}
	return z;
}
