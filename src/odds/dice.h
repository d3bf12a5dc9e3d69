/* Pseudo-random numbers from a seed, the same on every machine of one byte order: xoshiro256++ of
 * Blackman and Vigna (2019), one by one, and eight generators side by side for whole payloads. For
 * simulations and nothing secret. */
#ifndef BM_ODDS_DICE_H
#define BM_ODDS_DICE_H

#include <stddef.h>
#include <stdint.h>

enum { BM_DICE_LANES = 8, BM_DICE_STEP = 8 * BM_DICE_LANES };

typedef uint64_t bm_dice_lanes __attribute__((vector_size(BM_DICE_STEP)));

struct bm_dice {
	uint64_t s[4];
	bm_dice_lanes wide[4];
};

/* Streams of different (seed, stream) have nothing to do with one another. */
void bm_dice_seed(struct bm_dice *d, uint64_t seed, uint64_t stream);
/* n is a multiple of BM_DICE_STEP, p is aligned to it. */
void bm_dice_fill(struct bm_dice *d, void *p, size_t n);

static inline uint64_t
bm_dice_next(struct bm_dice *d)
{
	uint64_t *s = d->s, sum = s[0] + s[3], result = (sum << 23 | sum >> 41) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return result;
}

/* One of n, n below 2^24: off from evenness by less than 2^-40. */
static inline size_t
bm_dice_below(struct bm_dice *d, size_t n)
{
	return (size_t)(((bm_dice_next(d) >> 24) * (uint64_t)n) >> 40);
}

#endif
