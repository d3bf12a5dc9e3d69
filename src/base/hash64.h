/* A hash of many octets, fast, for octets to be known again. Refuses to be cryptography. */
#ifndef BM_BASE_HASH64_H
#define BM_BASE_HASH64_H

#include "base/bytes.h"

/* XXH3, 64 bits. The same on every machine. */
uint64_t bm_hash64(struct bm_view v, uint64_t seed);

/* FNV-1a, 64 bits, octet by octet: for what is chosen or changed on the way. */
#define BM_FNV1A UINT64_C(0xcbf29ce484222325) /* of nothing */

static inline uint64_t
bm_fnv1a(uint64_t h, uint8_t octet)
{
	return (h ^ octet) * UINT64_C(0x100000001b3);
}

#endif
