/* A source of bytes that is read ahead of whoever needs them, by another thread. Refuses to know
 * what the bytes are. */
#ifndef BM_CAPTURE_READAHEAD_H
#define BM_CAPTURE_READAHEAD_H

#include "base/pool.h"
#include "capture/input.h"

struct bm_readahead;

/* fill is called by any thread of the pool, by one at a time and in order; it, ctx, raw and the
 * pool outlive the handle. raw: what fill reads from. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_readahead_new(struct bm_readahead **out, struct bm_pool *pool,
	bm_fill_fn fill, void *ctx, const struct bm_input *raw);

/* A bm_fill_fn; ctx is the struct bm_readahead. */
enum bm_status bm_readahead_fill(void *ctx, uint8_t *p, size_t n, size_t *got, const char **what);

/* Bytes of raw behind what was handed out so far, about. */
uint64_t bm_readahead_offset(const struct bm_readahead *r);

void bm_readahead_free(struct bm_readahead *r); /* wipes; NULL allowed */

#endif
