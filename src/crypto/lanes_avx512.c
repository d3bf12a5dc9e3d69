/* Lanes on processors with AVX-512: sixteen words of 32 bits at a time. Refuses to run unasked:
 * whoever calls it has looked what the processor is. */
#ifdef __x86_64__

#include <immintrin.h>
#include <stdint.h>

#define LANE_TARGET __attribute__((target("avx512f")))
#define LANE_NAME "avx512"
enum { WIDTH32 = 16, WIDTH64 = 8 };

typedef uint32_t V32 __attribute__((vector_size(64), may_alias));
typedef uint64_t V64 __attribute__((vector_size(64), may_alias));

/* One instruction for any function of three bits: the table of its values is the operand. */
#define TERNARY(x, y, z, table)                                                                    \
	((__typeof__(x))_mm512_ternarylogic_epi64((__m512i)(x), (__m512i)(y), (__m512i)(z), table))
#define SELECT(x, y, z) TERNARY(x, y, z, 0xca)
#define MAJORITY(x, y, z) TERNARY(x, y, z, 0xe8)
#define PARITY(x, y, z) TERNARY(x, y, z, 0x96)
#define MD5_I(x, y, z) TERNARY(x, y, z, 0x39)
#define ROTL32(x, n) ((V32)_mm512_rol_epi32((__m512i)(x), n))
#define ROTR32(x, n) ((V32)_mm512_ror_epi32((__m512i)(x), n))
#define ROTR64(x, n) ((V64)_mm512_ror_epi64((__m512i)(x), n))

#include "crypto/lanes_rounds.h"

const struct bm_lane_hash bm_lanes_avx512[BM_LANE_HASHES] = LANE_TABLE;

#endif
