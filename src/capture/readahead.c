/* See readahead.h. Of two buffers one is handed out while the other fills. */
#include "capture/readahead.h"

#include "base/buf.h"

#include <stdlib.h>

enum { SIZE = 1 << 20 };

struct buffer {
	struct bm_readahead *of;
	struct bm_task task;
	size_t n, at; /* filled, and handed out */
	enum bm_status end;
	const char *what;
	uint64_t offset;
	uint8_t bytes[SIZE];
};

struct bm_readahead {
	struct bm_pool *pool;
	bm_fill_fn fill;
	void *ctx;
	const struct bm_input *raw;
	uint64_t offset;
	unsigned current;
	struct buffer buffer[2];
};

static void
fill_buffer(void *ctx)
{
	struct buffer *b = ctx;
	struct bm_readahead *r = b->of;

	b->n = b->at = 0;
	b->end = BM_OK;
	b->what = NULL;
	while (b->n < SIZE && b->end == BM_OK) {
		size_t got = 0, room = SIZE - b->n;
		b->end = r->fill(r->ctx, b->bytes + b->n, room, &got, &b->what);
		if (b->end == BM_OK && (got == 0 || got > room))
			b->end = BM_IO;
		if (b->end == BM_OK)
			b->n += got;
	}
	b->offset = bm_input_offset(r->raw);
}

enum bm_status
bm_readahead_new(struct bm_readahead **out, struct bm_pool *pool, bm_fill_fn fill, void *ctx,
	const struct bm_input *raw)
{
	struct bm_readahead *r = calloc(1, sizeof *r);

	*out = r;
	if (r == NULL)
		return BM_NOMEM;
	r->pool = pool;
	r->fill = fill;
	r->ctx = ctx;
	r->raw = raw;
	r->offset = bm_input_offset(raw);
	r->buffer[0].of = r->buffer[1].of = r;
	bm_task_begin(pool, &r->buffer[0].task, fill_buffer, &r->buffer[0]);
	r->current = 1;
	return BM_OK;
}

/* The other buffer, once it is full; this one is filled next. */
static struct buffer *
turn(struct bm_readahead *r)
{
	struct buffer *old = &r->buffer[r->current];

	r->current = 1 - r->current;
	struct buffer *b = &r->buffer[r->current];
	bm_task_wait(r->pool, &b->task);
	r->offset = b->offset;
	if (b->end == BM_OK)
		bm_task_begin(r->pool, &old->task, fill_buffer, old);
	return b;
}

enum bm_status
bm_readahead_fill(void *ctx, uint8_t *p, size_t n, size_t *got, const char **what)
{
	struct bm_readahead *r = ctx;
	struct buffer *b = &r->buffer[r->current];

	if (b->at == b->n && b->end == BM_OK)
		b = turn(r);
	if (b->at == b->n) {
		*what = b->what;
		return b->end;
	}
	size_t some = b->n - b->at < n ? b->n - b->at : n;
	memcpy(p, b->bytes + b->at, some);
	b->at += some;
	*got = some;
	return BM_OK;
}

uint64_t
bm_readahead_offset(const struct bm_readahead *r)
{
	return r->offset;
}

void
bm_readahead_free(struct bm_readahead *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		bm_task_wait(r->pool, &r->buffer[i].task);
	bm_wipe(r, sizeof *r);
	free(r);
}
