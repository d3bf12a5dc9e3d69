/* IDEA decryption in CBC mode, plain and unhurried.
 * Refuses to know OpenSSL, which may or may not have it. */
#include "crypto/idea.h"

enum { ROUNDS = 8 };

/* Multiplication modulo 2^16 + 1 where 0 stands for 2^16. */
static uint16_t
multiply(uint16_t a, uint16_t b)
{
	uint64_t x = a != 0 ? a : 0x10000;
	uint64_t y = b != 0 ? b : 0x10000;

	return (uint16_t)(x * y % 0x10001);
}

/* a^(p-2) is a's inverse modulo the prime p = 2^16 + 1: the exponent is sixteen one bits. */
static uint16_t
invert(uint16_t a)
{
	uint16_t r = 1;

	for (int i = 0; i < 16; i++)
		r = multiply(multiply(r, r), a);
	return r;
}

static uint16_t
negate(uint16_t a)
{
	return (uint16_t)(0U - a);
}

void
bm_idea_init(struct bm_idea *k, const uint8_t key[16])
{
	uint16_t e[52];

	/* Eight subkeys are the key itself; the next eight are the key rotated by 25 bits, and so on.
	 */
	for (size_t i = 0; i < 52; i++) {
		size_t bit = i / 8 * 25 + i % 8 * 16;
		uint32_t three = 0;
		for (size_t j = 0; j < 3; j++)
			three = three << 8 | key[(bit / 8 + j) % 16];
		e[i] = (uint16_t)(three >> (8 - bit % 8));
	}
	/* Backwards, each inverted for its operation; the middle pair is swapped except at both ends.
	 */
	for (size_t r = 0; r <= ROUNDS; r++) {
		const uint16_t *s = e + 6 * (ROUNDS - r);
		uint16_t *d = k->key + 6 * r;
		bool edge = r == 0 || r == ROUNDS;
		d[0] = invert(s[0]);
		d[1] = negate(s[edge ? 1 : 2]);
		d[2] = negate(s[edge ? 2 : 1]);
		d[3] = invert(s[3]);
		if (r < ROUNDS) {
			d[4] = s[-2];
			d[5] = s[-1];
		}
	}
	/* The caller's key is a secret, and so are its subkeys. */
	volatile uint16_t *w = e;
	for (size_t i = 0; i < 52; i++)
		w[i] = 0;
}

static void
block(const struct bm_idea *k, const uint8_t in[8], uint8_t out[8])
{
	uint16_t a = bm_load16(in), b = bm_load16(in + 2), c = bm_load16(in + 4), d = bm_load16(in + 6);
	const uint16_t *s = k->key;

	for (int r = 0; r < ROUNDS; r++, s += 6) {
		a = multiply(a, s[0]);
		b = (uint16_t)(b + s[1]);
		c = (uint16_t)(c + s[2]);
		d = multiply(d, s[3]);
		uint16_t t = multiply((uint16_t)(a ^ c), s[4]);
		uint16_t u = multiply((uint16_t)((b ^ d) + t), s[5]);
		t = (uint16_t)(t + u);
		uint16_t old_b = b;
		a ^= u;
		b = (uint16_t)(c ^ u);
		c = (uint16_t)(old_b ^ t);
		d ^= t;
	}
	bm_store16(out, multiply(a, s[0]));
	bm_store16(out + 2, (uint16_t)(c + s[1]));
	bm_store16(out + 4, (uint16_t)(b + s[2]));
	bm_store16(out + 6, multiply(d, s[3]));
}

void
bm_idea_cbc_decrypt(const struct bm_idea *k, uint8_t chain[8], struct bm_view text, uint8_t *plain)
{
	uint8_t now[8], p[8];

	for (size_t off = 0; off + 8 <= text.n; off += 8) {
		memcpy(now, text.p + off, 8);
		block(k, now, p);
		for (size_t i = 0; i < 8; i++)
			plain[off + i] = p[i] ^ chain[i];
		memcpy(chain, now, 8);
	}
}
