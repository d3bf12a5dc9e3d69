/* Hashing side by side against the library's hashes: every kind of processor that this machine can
 * play, every lane, every length around the block edges, blocks shared and of each lane's own in
 * every mixture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/lanes.h"

enum { MESSAGE = 128 * 5 };

static const enum bm_hash hashes[] = {BM_MD5, BM_SHA1, BM_SHA256, BM_SHA384};
enum { HASHES = sizeof hashes / sizeof hashes[0] };

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static struct bm_lanes state;
static struct bm_lane_block block;
static uint8_t message[BM_LANES][MESSAGE + 256];

/* Padding as all four have it; MD5's length has its low octet first. */
static size_t
pad(enum bm_hash h, uint8_t *m, size_t n)
{
	size_t b = bm_hash_block(h), field = b / 8;
	size_t total = (n + 1 + field + b - 1) / b * b;

	memset(m + n, 0, total - n);
	m[n] = 0x80;
	for (size_t i = 0; i < 8; i++)
		m[h == BM_MD5 ? total - 8 + i : total - 1 - i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
	return total;
}

static void
digest_of(enum bm_hash h, size_t lane, uint8_t *out)
{
	for (size_t i = 0; i < bm_hash_size(h); i++) {
		size_t word = h == BM_SHA384 ? 8 : 4;
		size_t shift = 8 * (h == BM_MD5 ? i % word : word - 1 - i % word);
		uint64_t w = word == 8 ? state.s.w64[i / 8][lane] : state.s.w32[i / 4][lane];
		out[i] = (uint8_t)(w >> shift);
	}
}

/* Lanes differ in the blocks whose bit in `own` is set; the others are hashed by their schedule. */
static void
try_length(const struct bm_lane_hash *k, size_t n, unsigned own)
{
	static _Alignas(64) uint64_t schedule[8][BM_LANE_SCHEDULE / 8];
	union bm_lane_state start;
	size_t b = k->block, total = 0;

	for (size_t i = 0; i < n; i++)
		message[0][i] = (uint8_t)draw();
	for (size_t l = 0; l < BM_LANES; l++) {
		if (l != 0)
			memcpy(message[l], message[0], n);
		for (size_t i = 0; i < n; i++)
			if ((own >> i / b & 1) != 0 && draw() % 3 == 0)
				message[l][i] ^= (uint8_t)draw();
	}
	for (size_t l = 0; l < BM_LANES; l++)
		total = pad(k->hash, message[l], n);
	bm_lane_start(k->hash, &start);
	bm_lanes_set(k->hash, &state, &start);
	for (size_t i = 0; i < total / b;) {
		size_t run = 0;
		while (i + run < total / b && (own >> (i + run) & 1) == 0) {
			uint8_t *at = (uint8_t *)schedule + run * k->schedule;
			bm_lane_schedule(k->hash, message[0] + (i + run) * b, at);
			run++;
		}
		if (run != 0) {
			k->shared(&state, schedule, run);
			i += run;
			continue;
		}
		bm_lane_block_set(k->hash, &block, message[0] + i * b);
		for (size_t l = 0; l < BM_LANES; l++)
			for (size_t at = 0; at < b;) { /* in pieces, so that every alignment is met */
				size_t piece = 1 + draw() % 9;
				if (piece > b - at)
					piece = b - at;
				bm_lane_block_put(k->hash, &block, l, at, message[l] + i * b + at, piece);
				at += piece;
			}
		k->own(&state, &block);
		i++;
	}
	for (size_t l = 0; l < BM_LANES; l++) {
		uint8_t mine[BM_HASH_MAX], theirs[BM_HASH_MAX];
		struct bm_view v = {message[l], n};
		digest_of(k->hash, l, mine);
		assert_int_equal(bm_hash_once(k->hash, &v, 1, theirs), BM_OK);
		assert_memory_equal(mine, theirs, bm_hash_size(k->hash));
	}
}

static void
as_the_library(void **unused)
{
	(void)unused;
	for (size_t h = 0; h < HASHES; h++) {
		const struct bm_lane_hash *k;
		for (size_t i = 0; (k = bm_lane_hash_at(hashes[h], i)) != NULL; i++) {
			assert_int_equal(k->hash, hashes[h]);
			assert_int_equal(k->block, bm_hash_block(hashes[h]));
			for (size_t n = 0; n < 4 * (size_t)k->block; n++)
				try_length(k, n, (unsigned)draw() & 0x1f);
		}
		assert_non_null(bm_lane_hash_at(hashes[h], 0));
	}
}

static void
every_mixture(void **unused)
{
	(void)unused;
	for (size_t h = 0; h < HASHES; h++) {
		const struct bm_lane_hash *k;
		for (size_t i = 0; (k = bm_lane_hash_at(hashes[h], i)) != NULL; i++)
			for (unsigned own = 0; own < 32; own++)
				try_length(k, 4 * (size_t)k->block - 1 - draw() % 40, own);
	}
}

static void
without_lanes(void **unused)
{
	(void)unused;
	assert_null(bm_lane_hash(BM_SM3));
	assert_null(bm_lane_hash(BM_HASH_NONE));
	assert_null(bm_lane_hash(BM_MD5_SHA1));
	assert_ptr_equal(bm_lane_hash(BM_SHA1), bm_lane_hash_at(BM_SHA1, 0));
	assert_null(bm_lane_hash_at(BM_SHA1, 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_library),
		cmocka_unit_test(every_mixture),
		cmocka_unit_test(without_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
