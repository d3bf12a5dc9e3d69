/* Damage, pattern by pattern, at a random place each time. */
#include "odds/inflict.h"

#include <string.h>

enum { BITS = 8 * BM_PAYLOAD, WORDS = BM_PAYLOAD / 2, MOST = 64 };

static void
flip(uint8_t *p, size_t bit)
{
	p[bit / 8] = (uint8_t)(p[bit / 8] ^ 0x80u >> bit % 8);
}

/* n different numbers below `below`. */
static void
draw(struct bm_dice *d, size_t *out, size_t n, size_t below)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;
		out[i] = bm_dice_below(d, below);
		while (at < i && out[at] != out[i])
			at++;
		if (at < i)
			i--;
	}
}

static void
bits(struct bm_dice *d, uint8_t *p, size_t n)
{
	size_t at[MOST];

	draw(d, at, n, BITS);
	for (size_t i = 0; i < n; i++)
		flip(p, at[i]);
}

static void
lane(struct bm_dice *d, uint8_t *p, size_t n)
{
	size_t at[MOST], column = bm_dice_below(d, 16);

	draw(d, at, n, WORDS);
	for (size_t i = 0; i < n; i++)
		flip(p, 16 * at[i] + column);
}

static void
burst(struct bm_dice *d, uint8_t *p, size_t n)
{
	uint64_t pattern = bm_dice_next(d);
	size_t at = bm_dice_below(d, BITS - n + 1);

	for (size_t i = 0; i < n; i++)
		if (i == 0 || i == n - 1 || (pattern >> i & 1) != 0)
			flip(p, at + i);
}

/* A line of the bus that no longer moves: every 16th word, as a bus of 256 bits would have it. */
static void
stuck(struct bm_dice *d, uint8_t *p)
{
	uint64_t draw_of = bm_dice_next(d);
	size_t column = draw_of % 16, first = draw_of >> 8 & 15;

	for (size_t w = first; w < WORDS; w += 16) {
		uint8_t *octet = p + 2 * w + column / 8;
		unsigned mask = 0x80u >> column % 8;
		*octet = (uint8_t)((draw_of >> 16 & 1) != 0 ? *octet | mask : *octet & ~mask);
	}
}

static void
exchange(uint8_t *p, size_t a, size_t b, size_t n)
{
	uint8_t kept[2];

	memcpy(kept, p + a, n);
	memcpy(p + a, p + b, n);
	memcpy(p + b, kept, n);
}

static void
swap_words(struct bm_dice *d, uint8_t *p)
{
	size_t at[2];

	draw(d, at, 2, WORDS);
	exchange(p, 2 * at[0], 2 * at[1], 2);
}

/* An even and an odd place that do not overlap. */
static void
swap_odd(struct bm_dice *d, uint8_t *p)
{
	size_t even, odd;

	do {
		even = 2 * bm_dice_below(d, WORDS);
		odd = 2 * bm_dice_below(d, WORDS - 1) + 1;
	} while (odd + 1 == even || even + 1 == odd);
	exchange(p, even, odd, 2);
}

static void
byte_order(uint8_t *p)
{
	uint16_t w[WORDS];

	memcpy(w, p, sizeof w);
	for (size_t i = 0; i < WORDS; i++)
		w[i] = (uint16_t)(w[i] << 8 | w[i] >> 8);
	memcpy(p, w, sizeof w);
}

static size_t
even_place(struct bm_dice *d, size_t n)
{
	return 2 * bm_dice_below(d, (BM_PAYLOAD - n) / 2 + 1);
}

/* At least 16 octets move. */
static void
shift(struct bm_dice *d, uint8_t *p, uint8_t last)
{
	size_t at = bm_dice_below(d, BM_PAYLOAD - 16);

	memmove(p + at, p + at + 1, BM_PAYLOAD - at - 1);
	p[BM_PAYLOAD - 1] = last;
}

void
bm_inflict(struct bm_pattern pattern, struct bm_dice *d, uint8_t *p, const uint8_t *other,
	const uint8_t *random)
{
	size_t n = pattern.n, at;

	switch (pattern.kind) {
	case BM_PATTERN_RANDOM:
		memcpy(p, random, BM_PAYLOAD);
		break;
	case BM_PATTERN_BITS:
		bits(d, p, n);
		break;
	case BM_PATTERN_PAIR:
		at = bm_dice_below(d, BITS - n);
		flip(p, at);
		flip(p, at + n);
		break;
	case BM_PATTERN_BURST:
		burst(d, p, n);
		break;
	case BM_PATTERN_LANE:
		lane(d, p, n);
		break;
	case BM_PATTERN_STUCK:
		stuck(d, p);
		break;
	case BM_PATTERN_SWAP_WORDS:
		swap_words(d, p);
		break;
	case BM_PATTERN_SWAP_OCTETS:
		at = bm_dice_below(d, BM_PAYLOAD - 1);
		exchange(p, at, at + 1, 1);
		break;
	case BM_PATTERN_SWAP_ODD:
		swap_odd(d, p);
		break;
	case BM_PATTERN_BYTE_ORDER:
		byte_order(p);
		break;
	case BM_PATTERN_ZEROED:
		memset(p + even_place(d, n), 0, n);
		break;
	case BM_PATTERN_STALE:
		at = even_place(d, n);
		memcpy(p + at, other + at, n);
		break;
	case BM_PATTERN_SHIFT:
		shift(d, p, other[0]);
		break;
	default:
		break;
	}
}
