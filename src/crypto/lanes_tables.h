/* Constants of the compression functions, and the tables of what each kind of processor offers.
 * Refuses to be included from anywhere but the lanes' own files. */
#ifndef BM_CRYPTO_LANES_TABLES_H
#define BM_CRYPTO_LANES_TABLES_H

#include "crypto/lanes.h"

/* FIPS 180-4, section 4.2.1. */
#define BM_SHA1_K0 UINT32_C(0x5a827999)
#define BM_SHA1_K1 UINT32_C(0x6ed9eba1)
#define BM_SHA1_K2 UINT32_C(0x8f1bbcdc)
#define BM_SHA1_K3 UINT32_C(0xca62c1d6)

extern const uint32_t bm_md5_k[64];
extern const uint8_t bm_md5_word[64]; /* which word of the block a round takes */
extern const uint32_t bm_sha256_k[64];
extern const uint64_t bm_sha512_k[80];

enum { BM_LANE_HASHES = 4 }; /* MD5, SHA-1, SHA-256, SHA-384 */

extern const struct bm_lane_hash bm_lanes_vector[BM_LANE_HASHES];
#ifdef __x86_64__
extern const struct bm_lane_hash bm_lanes_avx2[BM_LANE_HASHES];
extern const struct bm_lane_hash bm_lanes_avx512[BM_LANE_HASHES];
#endif

#endif
