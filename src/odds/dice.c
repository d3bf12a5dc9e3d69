/* Seeds, and many random octets at once. */
#include "odds/dice.h"

#include <string.h>

/* SplitMix64 (Steele, Lea and Flood, 2014), which its authors made to seed other generators. */
static uint64_t
split(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void
bm_dice_seed(struct bm_dice *d, uint64_t seed, uint64_t stream)
{
	uint64_t state = seed;

	/* Hashed before they are mixed: neighbouring seeds and streams do not run into each other. */
	state = split(&state) ^ stream;
	state = split(&state);
	for (size_t i = 0; i < 4; i++)
		d->s[i] = split(&state);
	for (size_t i = 0; i < 4; i++)
		for (size_t lane = 0; lane < BM_DICE_LANES; lane++)
			d->wide[i][lane] = split(&state);
}

static inline __attribute__((always_inline)) void
fill(struct bm_dice *d, uint8_t *p, size_t n)
{
	bm_dice_lanes s0 = d->wide[0], s1 = d->wide[1], s2 = d->wide[2], s3 = d->wide[3];

	for (size_t at = 0; at < n; at += BM_DICE_STEP) {
		bm_dice_lanes sum = s0 + s3, t = s1 << 17;
		bm_dice_lanes result = (sum << 23 | sum >> 41) + s0;
		s2 ^= s0;
		s3 ^= s1;
		s1 ^= s2;
		s0 ^= s3;
		s2 ^= t;
		s3 = s3 << 45 | s3 >> 19;
		memcpy(p + at, &result, BM_DICE_STEP);
	}
	d->wide[0] = s0;
	d->wide[1] = s1;
	d->wide[2] = s2;
	d->wide[3] = s3;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void
fill_avx512(struct bm_dice *d, uint8_t *p, size_t n)
{
	fill(d, p, n);
}

__attribute__((target("avx2"))) static void
fill_avx2(struct bm_dice *d, uint8_t *p, size_t n)
{
	fill(d, p, n);
}

void
bm_dice_fill(struct bm_dice *d, void *p, size_t n)
{
	if (__builtin_cpu_supports("avx512f"))
		fill_avx512(d, p, n);
	else if (__builtin_cpu_supports("avx2"))
		fill_avx2(d, p, n);
	else
		fill(d, p, n);
}
#else
void
bm_dice_fill(struct bm_dice *d, void *p, size_t n)
{
	fill(d, p, n);
}
#endif
