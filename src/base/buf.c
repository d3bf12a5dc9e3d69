/* Capped growth. Knows nothing of what is stored. */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

enum bm_status
bm_grow(void **items, size_t *cap, size_t need, size_t max, size_t size)
{
	if (need <= *cap)
		return BM_OK;
	if (need > max || size == 0 || max > SIZE_MAX / size)
		return BM_LIMIT;
	size_t want = *cap < 8 ? 8 : *cap;
	while (want < need)
		want = want > max / 2 ? max : want * 2;
	if (want > max)
		want = max;
	void *p = realloc(*items, want * size);
	if (p == NULL)
		return BM_NOMEM;
	*items = p;
	*cap = want;
	return BM_OK;
}

enum bm_status
bm_buf_reserve(struct bm_buf *b, size_t n)
{
	if (n > b->max || b->n > b->max - n)
		return BM_LIMIT;
	size_t need = b->n + n;
	if (need <= b->cap)
		return BM_OK;
	void *p = b->p;
	enum bm_status s = bm_grow(&p, &b->cap, need, b->max, 1);
	b->p = p;
	return s;
}

enum bm_status
bm_buf_add(struct bm_buf *b, struct bm_view v)
{
	enum bm_status s = bm_buf_reserve(b, v.n);
	if (s != BM_OK || v.n == 0)
		return s;
	memcpy(b->p + b->n, v.p, v.n);
	b->n += v.n;
	return BM_OK;
}

void
bm_buf_clear(struct bm_buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = 0;
	b->cap = 0;
}

void
bm_buf_wipe(struct bm_buf *b)
{
	bm_wipe(b->p, b->cap);
	bm_buf_clear(b);
}

void
bm_wipe(void *p, size_t n)
{
	if (n != 0)
		explicit_bzero(p, n);
}

void
bm_wipe_free(void *p, size_t n)
{
	if (p != NULL)
		bm_wipe(p, n);
	free(p);
}
