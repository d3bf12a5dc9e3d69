/* A hash of many octets, fast, for octets to be known again. Refuses to be cryptography. */
#ifndef BM_BASE_HASH64_H
#define BM_BASE_HASH64_H

#include "base/bytes.h"

/* XXH3, 64 bits. The same on every machine. */
uint64_t bm_hash64(struct bm_view v, uint64_t seed);

#endif
