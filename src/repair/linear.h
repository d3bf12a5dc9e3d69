/* Tags that are sums over the text: GHASH in GF(2^128) and Poly1305 modulo 2^130 - 5. What a
 * changed octet adds to the sum is its change times the octet's weight, so a change of the text is
 * right when its terms add up to the target. Shared by the families of this solver alone; refuses
 * to know which of the two fields it works in, but for the few lines here and in linear.c. */
#ifndef BM_REPAIR_LINEAR_H
#define BM_REPAIR_LINEAR_H

#include "crypto/gf128.h"
#include "crypto/p1305.h"
#include "repair/eliminate.h"
#include "repair/search.h"

enum { BM_TERM_BLOCK = 16, BM_TARGETS = 4 };

/* An element of either field. GF(2^128): w[0] is lo, w[1] hi, w[2] 0. */
struct bm_term {
	uint64_t w[3];
};

struct bm_linear {
	struct bm_search *s;
	bool poly;
	const uint8_t *text; /* as received */
	size_t n;            /* octets of text */
	size_t blocks;       /* of text */
	size_t aad_blocks;
	struct bm_term base, inverse; /* H or r, and its inverse */
	struct bm_term *weight;       /* of each octet of the text: what a change by one adds */
	/* What a change must add. Poly1305's tag has lost the top two bits of the sum, so there are up
	 * to four. */
	struct bm_term target[BM_TARGETS];
	size_t targets;
	struct bm_term sum; /* Poly1305 of what was received, before s is added */
	uint8_t key[32];    /* GCM: H. Poly1305: r, s */
};

static inline struct bm_gf128
bm_as_gf(struct bm_term a)
{
	return (struct bm_gf128){a.w[1], a.w[0]};
}

static inline struct bm_term
bm_of_gf(struct bm_gf128 a)
{
	return (struct bm_term){{a.lo, a.hi, 0}};
}

static inline struct bm_p1305
bm_as_p(struct bm_term a)
{
	return (struct bm_p1305){{a.w[0], a.w[1], a.w[2]}};
}

static inline struct bm_term
bm_of_p(struct bm_p1305 a)
{
	return (struct bm_term){{a.w[0], a.w[1], a.w[2]}};
}

static inline bool
bm_term_equal(struct bm_term a, struct bm_term b)
{
	return ((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]) | (a.w[2] ^ b.w[2])) == 0;
}

static inline struct bm_term
bm_term_add(const struct bm_linear *l, struct bm_term a, struct bm_term b)
{
	if (l->poly)
		return bm_of_p(bm_p1305_add(bm_as_p(a), bm_as_p(b)));
	return (struct bm_term){{a.w[0] ^ b.w[0], a.w[1] ^ b.w[1], 0}};
}

static inline struct bm_term
bm_term_subtract(const struct bm_linear *l, struct bm_term a, struct bm_term b)
{
	if (l->poly)
		return bm_of_p(bm_p1305_subtract(bm_as_p(a), bm_as_p(b)));
	return (struct bm_term){{a.w[0] ^ b.w[0], a.w[1] ^ b.w[1], 0}};
}

static inline struct bm_term
bm_term_mul(const struct bm_linear *l, struct bm_term a, struct bm_term b)
{
	if (l->poly)
		return bm_of_p(bm_p1305_mul(bm_as_p(a), bm_as_p(b)));
	return bm_of_gf(bm_gf128_mul(bm_as_gf(a), bm_as_gf(b)));
}

/* False without an index of the targets it equals. */
static inline bool
bm_is_target(const struct bm_linear *l, struct bm_term a)
{
	for (size_t i = 0; i < l->targets; i++)
		if (bm_term_equal(a, l->target[i]))
			return true;
	return false;
}

/* Sets up all of l; BM_NOMEM. bm_linear_close in every case: wipes. */
enum bm_status bm_linear_open(struct bm_linear *l, struct bm_search *s, bool poly);
void bm_linear_close(struct bm_linear *l);
/* The targets if the tag that was sent is this one. Their number. */
size_t bm_linear_targets(
	const struct bm_linear *l, const uint8_t tag[16], struct bm_term target[BM_TARGETS]);
/* The one change of a block that adds what `x` adds at weight one, as a mask on its `block` as
 * received. False: there is none (Poly1305). */
bool bm_linear_mask(const struct bm_linear *l, const uint8_t block[BM_TERM_BLOCK], struct bm_term x,
	uint8_t mask[BM_TERM_BLOCK]);
/* base^e. */
struct bm_term bm_linear_power(const struct bm_linear *l, struct bm_term base, size_t e);
/* What it adds that n octets at `at` become `to`: at most 8, which may stand in two blocks. */
struct bm_term bm_linear_move(const struct bm_linear *l, size_t at, const uint8_t *to, size_t n);
/* The difference of two words of n octets, at most 8, as a term of weight one. */
struct bm_term bm_linear_difference(
	const struct bm_linear *l, const uint8_t *from, const uint8_t *to, size_t n);
/* What it adds to flip each bit of the octet at `at`; term[i] for the bit 1 << i. */
void bm_linear_bits(const struct bm_linear *l, size_t at, struct bm_term term[8]);
/* What it adds that the octet at `at` becomes i. */
void bm_linear_octets(const struct bm_linear *l, size_t at, struct bm_term term[256]);
/* bm_search_take, from the text on. */
static inline uint8_t *
bm_linear_take(const struct bm_linear *l)
{
	return bm_search_take(l->s) + l->s->text_at;
}

/* Tries a mask on the text. */
void bm_linear_try(const struct bm_linear *l, size_t at, const uint8_t *mask, size_t n);

/* GCM: the last `tail` octets of one block and the first `head` of the next, whose weight is
 * base^-1 as seen from there. The unknowns, read as octets, are the run. */
void bm_linear_basis(const struct bm_linear *l, size_t tail, size_t head, struct bm_basis *b);

/* The families, each a call that opens it, searches and closes. */
void bm_linear_runs(struct bm_linear *l, const struct bm_family_name *inside,
	const struct bm_family_name *across, size_t octets);
void bm_linear_tag_edge(struct bm_linear *l);
void bm_linear_adjacent(struct bm_linear *l);
/* Segments that are long have many pairs of words, which take seconds: these are a call of their
 * own. */
void bm_linear_swaps(struct bm_linear *l, bool many);
void bm_linear_reversals(struct bm_linear *l);
void bm_linear_two_bits(struct bm_linear *l);
void bm_linear_two_octets(struct bm_linear *l);
void bm_linear_three_bits(struct bm_linear *l);
void bm_linear_bit_lanes(struct bm_linear *l);
void bm_linear_octet_lanes(struct bm_linear *l);
void bm_linear_word_lanes(struct bm_linear *l);
void bm_linear_suspects(struct bm_linear *l);
void bm_linear_shifts(struct bm_linear *l);

/* Inside one block: at most `bits` bits, at most `octets` octets in a row. */
void bm_linear_blocks(struct bm_linear *l, const struct bm_family_name *name, unsigned bits,
	size_t octets, double accepted);

/* Periods of octets at which lanes repeat: buses, caches, chunks of switches, pages. */
enum { BM_PERIODS = 15 };
extern const size_t bm_periods[BM_PERIODS];

#endif
