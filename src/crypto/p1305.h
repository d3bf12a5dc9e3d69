/* The field of Poly1305: integers modulo 2^130 - 5 (RFC 8439, section 2.5). Refuses to know keys
 * and records. */
#ifndef BM_CRYPTO_P1305_H
#define BM_CRYPTO_P1305_H

#include "base/bytes.h"

/* Always below 2^130 - 5; w[0] is the least significant word, w[2] has two bits. */
struct bm_p1305 {
	uint64_t w[3];
};

static inline bool
bm_p1305_equal(struct bm_p1305 a, struct bm_p1305 b)
{
	return ((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]) | (a.w[2] ^ b.w[2])) == 0;
}

/* The value of three words below 2^131, brought below the modulus: v - p is v + 5 without its
 * 2^130. */
static inline struct bm_p1305
bm_p1305_reduce(uint64_t w0, uint64_t w1, uint64_t w2)
{
	uint64_t r0 = w0 + 5;
	uint64_t r1 = w1 + (r0 < 5);
	uint64_t r2 = w2 + (r0 < 5 && r1 == 0);

	if (r2 < 4)
		return (struct bm_p1305){{w0, w1, w2}};
	return (struct bm_p1305){{r0, r1, r2 - 4}};
}

static inline struct bm_p1305
bm_p1305_add(struct bm_p1305 a, struct bm_p1305 b)
{
	uint64_t w0 = a.w[0] + b.w[0];
	uint64_t carry = w0 < a.w[0];
	uint64_t w1 = a.w[1] + b.w[1];
	uint64_t w2 = a.w[2] + b.w[2] + (w1 < a.w[1]);

	w1 += carry;
	w2 += w1 < carry;
	return bm_p1305_reduce(w0, w1, w2);
}

static inline struct bm_p1305
bm_p1305_negative(struct bm_p1305 a)
{
	/* p in words: no word but the lowest can be less than a's, and that only for one borrow. */
	static const uint64_t low = UINT64_MAX - 4;
	uint64_t borrow = a.w[0] > low;
	uint64_t w1 = UINT64_MAX - a.w[1];

	if ((a.w[0] | a.w[1] | a.w[2]) == 0)
		return a;
	return (struct bm_p1305){{low - a.w[0], w1 - borrow, 3 - a.w[2] - (w1 < borrow)}};
}

static inline struct bm_p1305
bm_p1305_subtract(struct bm_p1305 a, struct bm_p1305 b)
{
	return bm_p1305_add(a, bm_p1305_negative(b));
}

struct bm_p1305 bm_p1305_mul(struct bm_p1305 a, struct bm_p1305 b);
/* a^-1; 0 for 0. */
struct bm_p1305 bm_p1305_inverse(struct bm_p1305 a);

#endif
