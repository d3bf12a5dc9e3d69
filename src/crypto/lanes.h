/* Compression functions side by side: many messages that share most of their blocks are hashed on
 * from states of the caller's. For searches that alter a few bytes of a long message many times.
 * Refuses to know padding, keys and HMAC. Thread-safe. */
#ifndef BM_CRYPTO_LANES_H
#define BM_CRYPTO_LANES_H

#include <stdalign.h>

#include "crypto/crypto.h"

enum {
	BM_LANES = 32,
	BM_LANE_ROUNDS = 80,      /* of the longest compression function */
	BM_LANE_SCHEDULE = 80 * 8 /* octets of the longest schedule of one block */
};

/* States: word i of lane l is [i][l]. SHA-384 has words of 64 bits, the others of 32; MD5 has 4
 * words, SHA-1 5, the others 8. Secret wherever the messages are: wipe. */
struct bm_lanes {
	alignas(64) union {
		uint32_t w32[8][BM_LANES];
		uint64_t w64[8][BM_LANES];
	} s;
};

/* A block of each lane's own: word t of lane l is [t][l], t below 16. The rest is scratch of the
 * call that hashes it. Secret: wipe. */
struct bm_lane_block {
	alignas(64) union {
		uint32_t w32[BM_LANE_ROUNDS][BM_LANES];
		uint64_t w64[BM_LANE_ROUNDS][BM_LANES];
	} w;
};

/* One state, for what all lanes share: word i is [i]. */
union bm_lane_state {
	uint32_t w32[8];
	uint64_t w64[8];
};

/* One hash on one kind of processor. */
struct bm_lane_hash {
	const char *name; /* "avx512", "avx2", "vector" */
	enum bm_hash hash;
	uint8_t words;     /* of the state */
	uint8_t word;      /* octets of one */
	uint8_t block;     /* octets */
	uint16_t schedule; /* octets of one block's schedule; a multiple of 8 */
	/* The same block, by its schedule, for all lanes: n blocks in a row. */
	void (*shared)(struct bm_lanes *s, const void *schedule, size_t n);
	/* One block of each lane's own. */
	void (*own)(struct bm_lanes *s, struct bm_lane_block *b);
	/* The same of the first `lanes` alone, and of what fills up a multiple of `step`. */
	void (*few)(struct bm_lanes *s, struct bm_lane_block *b, size_t lanes);
	uint8_t step;
};

/* The fastest that this processor has; NULL for a hash without lanes (SM3). */
const struct bm_lane_hash *bm_lane_hash(enum bm_hash h);
/* All that this processor has, fastest first: for tests and measurements. NULL past the end. */
const struct bm_lane_hash *bm_lane_hash_at(enum bm_hash h, size_t i);

/* The state before the first block, as the hash's standard has it. */
void bm_lane_start(enum bm_hash h, union bm_lane_state *s);
/* The message words of a block with the rounds' constants, in the order of their use. Aligned like
 * a uint64_t, as long as `schedule` says. Secret like the block: wipe. */
void bm_lane_schedule(enum bm_hash h, const uint8_t *block, void *schedule);
/* All lanes get this state or block; or lane `lane` gets n octets at octet `off` of its block. */
void bm_lanes_set(enum bm_hash h, struct bm_lanes *to, const union bm_lane_state *s);
void bm_lane_block_set(enum bm_hash h, struct bm_lane_block *to, const uint8_t *block);
void bm_lane_block_put(
	enum bm_hash h, struct bm_lane_block *to, size_t lane, size_t off, const uint8_t *p, size_t n);

#endif
