/* Sequences of runs, and the blocks that hold bytes whose frame does not stay. Refuses to know TCP.
 */
#include "tcp/internal.h"

#include <stdlib.h>

#include "base/buf.h"

enum {
	RUNS_MAX = 1 << 26,
	BLOCK_COST = 128,
	USUAL_LEAST = 1024,
	USUAL_MOST = 1536,
	SPARES_MAX = 1024
};

uint32_t
runs_search(const struct runs *r, uint64_t off)
{
	uint32_t lo = 0, hi = r->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (run_end(runs_at(r, mid)) > off)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

enum bm_status
runs_grow(struct runs *r, uint32_t n)
{
	/* Sliding down pays for itself when at least half of the room is in front. */
	if (r->first >= r->cap / 2 && n <= r->cap - r->n) {
		memmove(r->v, r->v + r->first, r->n * sizeof *r->v);
		r->first = 0;
		return BM_OK;
	}
	void *items = r->v;
	size_t cap = r->cap;
	enum bm_status st = bm_grow(&items, &cap, (size_t)r->first + r->n + n, RUNS_MAX, sizeof *r->v);
	r->v = items;
	r->cap = (uint32_t)cap;
	return st == BM_OK ? BM_OK : BM_NOMEM;
}

void
runs_replace(struct runs *r, uint32_t i, uint32_t count, const struct run *by, uint32_t n)
{
	struct run *at = runs_at(r, i);

	/* What lies in front of few runs moves at the front, if there is room. */
	if (n > count && i < r->n / 2 && r->first >= n - count) {
		uint32_t more = n - count;
		memmove(r->v + r->first - more, r->v + r->first, i * sizeof *at);
		r->first -= more;
		at -= more;
	} else {
		memmove(at + n, at + count, (r->n - i - count) * sizeof *at);
	}
	memcpy(at, by, n * sizeof *at);
	r->n = r->n - count + n;
}

void
runs_free(struct runs *r)
{
	free(r->v);
	*r = (struct runs){NULL, 0, 0, 0};
}

/* Most segments of a fast connection are that long: such blocks are used again and again. */
static bool
is_usual(size_t n)
{
	return n > USUAL_LEAST && n <= USUAL_MOST;
}

static size_t
room_for(size_t n)
{
	return is_usual(n) ? USUAL_MOST : n;
}

static struct block *
take_block(struct bm_tcp *t, size_t n)
{
	struct block *b = is_usual(n) ? t->spare : NULL;

	if (b == NULL)
		return malloc(sizeof *b + room_for(n));
	t->spare = b->next;
	t->spares--;
	return b;
}

enum bm_status
block_new(struct bm_flow *f, struct bm_view v, struct block **out)
{
	struct bm_tcp *t = f->t;
	struct block *b = take_block(t, v.n);

	*out = b;
	if (b == NULL)
		return BM_NOMEM;
	b->refs = 1;
	b->size = v.n;
	memcpy(b->bytes, v.p, v.n);
	if (f->memory == 0)
		list_append(&t->holders, &f->holder);
	f->memory += room_for(v.n) + BLOCK_COST;
	t->memory += room_for(v.n) + BLOCK_COST;
	return BM_OK;
}

void
block_free(struct bm_flow *f, struct block *b)
{
	struct bm_tcp *t = f->t;

	f->memory -= room_for(b->size) + BLOCK_COST;
	t->memory -= room_for(b->size) + BLOCK_COST;
	if (f->memory == 0)
		list_remove(&f->holder);
	if (!is_usual(b->size) || t->spares == SPARES_MAX) {
		free(b);
		return;
	}
	b->next = t->spare;
	t->spare = b;
	t->spares++;
}

void
blocks_free(struct bm_tcp *t)
{
	while (t->spare != NULL) {
		struct block *b = t->spare;
		t->spare = b->next;
		free(b);
	}
}

enum bm_status
runs_settle(struct bm_flow *f, struct runs *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct run *run = runs_at(r, i);
		if (!run->lent)
			continue;
		if (block_new(f, bm_view(run->p, (size_t)run->len), &run->block) != BM_OK)
			return BM_NOMEM;
		run->p = run->block->bytes;
		run->lent = false;
	}
	return BM_OK;
}

uint64_t
runs_clear(struct bm_flow *f, struct runs *r)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct run *run = runs_at(r, i);
		if (run->p != NULL)
			bytes += run->len;
		block_drop(f, run->block);
	}
	runs_free(r);
	return bytes;
}
