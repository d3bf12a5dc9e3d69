/* A running hash of what a direction carries, alike however it was cut into segments: two captures
 * of one connection are compared by it before their bytes are. */
#ifndef BM_API_DIGEST_H
#define BM_API_DIGEST_H

#include "tcp/tcp.h"

struct digest;

/* NULL without memory. */
struct digest *digest_new(void);
void digest_free(struct digest *d); /* NULL allowed */
/* Takes in what has become readable of s; to be called before it is released. */
void digest_data(struct digest *d, struct bm_stream *s);
/* What stands before `off` is no part of it. Only the first call counts. */
void digest_begin(struct digest *d, uint64_t off);
/* 0: bytes were missing. */
uint64_t digest_value(struct digest *d);

#endif
