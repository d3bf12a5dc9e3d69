/* A growable byte buffer with a declared maximum, and growth of plain arrays.
 * A buffer never grows past its maximum, however hostile the input. */
#ifndef BM_BASE_BUF_H
#define BM_BASE_BUF_H

#include "base/bytes.h"
#include "base/status.h"

/* All-zero with max set is a valid empty buffer. */
struct bm_buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t max;
};

/* Appends a copy. BM_LIMIT past b->max, BM_NOMEM; b is unchanged then. */
BM_MUST_USE enum bm_status bm_buf_add(struct bm_buf *b, struct bm_view v);

/* Makes room for n more bytes without adding them: b->p[b->n .. b->n + n - 1] may be written. */
BM_MUST_USE enum bm_status bm_buf_reserve(struct bm_buf *b, size_t n);

/* Frees the storage; b is empty and usable again. */
void bm_buf_clear(struct bm_buf *b);

/* Overwrites, then frees: for keys and plaintext. */
void bm_buf_wipe(struct bm_buf *b);

/* Overwrites n bytes in a way that the compiler does not remove. */
void bm_wipe(void *p, size_t n);
/* The same, and frees p; NULL allowed. */
void bm_wipe_free(void *p, size_t n);

static inline struct bm_view
bm_buf_view(const struct bm_buf *b)
{
	return (struct bm_view){b->p, b->n};
}

/* Ensures that *items (elements of `size` bytes, *cap of them allocated) can
 * hold `need` elements, growing geometrically up to `max` elements.
 * BM_LIMIT, BM_NOMEM: nothing changed. */
BM_MUST_USE enum bm_status bm_grow(void **items, size_t *cap, size_t need, size_t max, size_t size);

#endif
