/* Arithmetic of the two linear tags, and the families inside one block. Refuses to know which
 * damage is likely. */
#include "repair/linear.h"

const size_t bm_periods[BM_PERIODS] = {
	1, 2, 4, 8, 16, 32, 64, 128, 204, 256, 512, 1024, 2048, 4096, 1500};

static uint64_t
load64_little(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

static void
store64_little(uint8_t *p, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* GCM: the difference of the tags. Poly1305: the sum before s was added is the tag less s, and a
 * multiple of 2^128 (RFC 8439, section 2.5.1). */
size_t
bm_linear_targets(
	const struct bm_linear *l, const uint8_t tag[16], struct bm_term target[BM_TARGETS])
{
	size_t n = 0;

	if (!l->poly) {
		target[0] = bm_term_subtract(l, bm_of_gf(bm_gf128_load(tag)), l->sum);
		return 1;
	}
	uint64_t low = load64_little(tag, 8), high = load64_little(tag + 8, 8);
	uint64_t s_low = load64_little(l->key + 16, 8), s_high = load64_little(l->key + 24, 8);
	struct bm_term sent = {{low - s_low, high - s_high - (low < s_low), 0}};
	for (uint64_t top = 0; top < BM_TARGETS; top++) {
		sent.w[2] = top;
		/* Not below the modulus: no sum is. */
		if (top == 3 && sent.w[1] == UINT64_MAX && sent.w[0] >= UINT64_MAX - 4)
			continue;
		target[n++] = bm_term_subtract(l, sent, l->sum);
	}
	return n;
}

bool
bm_linear_mask(const struct bm_linear *l, const uint8_t block[BM_TERM_BLOCK], struct bm_term x,
	uint8_t mask[BM_TERM_BLOCK])
{
	if (!l->poly) {
		bm_gf128_store(mask, bm_as_gf(x));
		return true;
	}
	struct bm_term c = {{load64_little(block, 8), load64_little(block + 8, 8), 0}};
	struct bm_term sent = bm_term_add(l, c, x);
	store64_little(mask, sent.w[0] ^ c.w[0]);
	store64_little(mask + 8, sent.w[1] ^ c.w[1]);
	return sent.w[2] == 0;
}

struct bm_term
bm_linear_power(const struct bm_linear *l, struct bm_term base, size_t e)
{
	struct bm_term z =
		l->poly ? (struct bm_term){{1, 0, 0}} : (struct bm_term){{0, UINT64_C(1) << 63, 0}};

	for (; e != 0; e >>= 1) {
		if ((e & 1) != 0)
			z = bm_term_mul(l, z, base);
		base = bm_term_mul(l, base, base);
	}
	return z;
}

/* GCM: the octets are coefficients from x^0 on. Poly1305: little-endian numbers (section 2.5). */
struct bm_term
bm_linear_difference(const struct bm_linear *l, const uint8_t *from, const uint8_t *to, size_t n)
{
	if (!l->poly) {
		uint64_t d = 0;
		for (size_t i = 0; i < n; i++)
			d |= (uint64_t)(from[i] ^ to[i]) << (56 - 8 * i);
		return (struct bm_term){{0, d, 0}};
	}
	struct bm_term a = {{load64_little(to, n), 0, 0}}, b = {{load64_little(from, n), 0, 0}};
	return bm_term_subtract(l, a, b);
}

struct bm_term
bm_linear_move(const struct bm_linear *l, size_t at, const uint8_t *to, size_t n)
{
	size_t room = BM_TERM_BLOCK - at % BM_TERM_BLOCK;
	size_t first = n < room ? n : room;
	struct bm_term z =
		bm_term_mul(l, bm_linear_difference(l, l->text + at, to, first), l->weight[at]);

	if (first == n)
		return z;
	at += first;
	return bm_term_add(l, z,
		bm_term_mul(
			l, bm_linear_difference(l, l->text + at, to + first, n - first), l->weight[at]));
}

void
bm_linear_bits(const struct bm_linear *l, size_t at, struct bm_term term[8])
{
	static const struct bm_term zero;
	struct bm_term x = l->weight[at];

	for (size_t i = 0; i < 8; i++) {
		if (!l->poly) {
			term[7 - i] = x;
			x = bm_of_gf(bm_gf128_shift(bm_as_gf(x)));
			continue;
		}
		bool set = (l->text[at] >> i & 1) != 0;
		term[i] = set ? bm_term_subtract(l, zero, x) : x;
		x = bm_term_add(l, x, x);
	}
}

void
bm_linear_octets(const struct bm_linear *l, size_t at, struct bm_term term[256])
{
	static const struct bm_term zero;
	struct bm_term bit[8];
	uint8_t received = l->text[at];

	if (l->poly) {
		term[received] = zero;
		for (size_t i = received; i < 255; i++)
			term[i + 1] = bm_term_add(l, term[i], l->weight[at]);
		for (size_t i = received; i > 0; i--)
			term[i - 1] = bm_term_subtract(l, term[i], l->weight[at]);
		return;
	}
	bm_linear_bits(l, at, bit);
	term[received] = zero;
	for (unsigned i = 1; i < 256; i++)
		term[i ^ received] =
			bm_term_add(l, term[(i & (i - 1)) ^ received], bit[(unsigned)__builtin_ctz(i)]);
}

void
bm_linear_try(const struct bm_linear *l, size_t at, const uint8_t *mask, size_t n)
{
	(void)bm_search_try_mask(l->s, l->s->text_at + at, mask, n);
}

static void
try_block(const struct bm_linear *l, size_t k, struct bm_term x, unsigned bits, size_t octets)
{
	uint8_t block[BM_TERM_BLOCK] = {0};
	uint8_t mask[BM_TERM_BLOCK];
	size_t left = l->n - k * BM_TERM_BLOCK;
	size_t n = left < BM_TERM_BLOCK ? left : BM_TERM_BLOCK;

	memcpy(block, l->text + k * BM_TERM_BLOCK, n);
	if (!bm_linear_mask(l, block, x, mask) || bm_weight(mask + n, sizeof(mask) - n) != 0)
		return;
	if (bm_weight(mask, n) <= bits && bm_within(mask, n, octets))
		bm_linear_try(l, k * BM_TERM_BLOCK, mask, n);
}

/* The last block of text has the weight base^2, each before it one power more. */
void
bm_linear_blocks(struct bm_linear *l, const struct bm_family_name *name, unsigned bits,
	size_t octets, double accepted)
{
	double steps = (double)(l->blocks * l->targets);

	if (l->blocks == 0 || !bm_search_open(l->s, name, BM_QUICK, accepted, steps))
		return;
	struct bm_term square = bm_term_mul(l, l->inverse, l->inverse);
	for (size_t t = 0; t < l->targets; t++) {
		struct bm_term x = bm_term_mul(l, l->target[t], square);
		for (size_t k = l->blocks; k > 0; k--) {
			try_block(l, k - 1, x, bits, octets);
			x = bm_term_mul(l, x, l->inverse);
		}
	}
	bm_search_close(l->s);
}
