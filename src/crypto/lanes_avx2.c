/* Lanes on processors with AVX2: eight words of 32 bits at a time. Refuses to run unasked: whoever
 * calls it has looked what the processor is. */
#ifdef __x86_64__

#include <stdint.h>

#define LANE_TARGET __attribute__((target("avx2")))
#define LANE_NAME "avx2"
enum { WIDTH32 = 8, WIDTH64 = 4 };

typedef uint32_t V32 __attribute__((vector_size(32), may_alias));
typedef uint64_t V64 __attribute__((vector_size(32), may_alias));

#include "crypto/lanes_plain.h"
#include "crypto/lanes_rounds.h"

const struct bm_lane_hash bm_lanes_avx2[BM_LANE_HASHES] = LANE_TABLE;

#endif
