/* Lanes on any processor: vectors of 128 bits where it has them (every x86-64, every 64-bit Arm),
 * and what the compiler makes of them elsewhere. */
#include <stdint.h>

#define LANE_TARGET
#define LANE_NAME "vector"
enum { WIDTH32 = 4, WIDTH64 = 2 };

typedef uint32_t V32 __attribute__((vector_size(16), may_alias));
typedef uint64_t V64 __attribute__((vector_size(16), may_alias));

#include "crypto/lanes_plain.h"
#include "crypto/lanes_rounds.h"

const struct bm_lane_hash bm_lanes_vector[BM_LANE_HASHES] = LANE_TABLE;
