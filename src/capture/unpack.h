/* gzip and zstd: turns compressed input into a source of plain bytes, in constant
 * memory. Refuses to know what the plain bytes are. */
#ifndef BM_CAPTURE_UNPACK_H
#define BM_CAPTURE_UNPACK_H

#include "capture/input.h"

enum bm_packing { BM_PLAIN, BM_GZIP, BM_ZSTD };

/* From the first four bytes of the input. */
enum bm_packing bm_packing_of(const uint8_t magic[4]);

struct bm_unpack;

/* raw outlives the handle. packing is not BM_PLAIN. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_unpack_new(
	struct bm_unpack **out, enum bm_packing packing, struct bm_input *raw);

/* A bm_fill_fn; ctx is the struct bm_unpack. */
enum bm_status bm_unpack_fill(void *ctx, uint8_t *p, size_t n, size_t *got, const char **what);

/* NULL is allowed. */
void bm_unpack_free(struct bm_unpack *u);

#endif
