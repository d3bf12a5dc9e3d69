/* Copies of bytes that differ from those that were taken. Refuses to say which one is right. */
#include "tcp/internal.h"

static void
keep(struct bm_stream *s, const struct run *copy)
{
	struct data *d = s->d;

	if (d->copies.n >= COPIES_MAX || d->copy_bytes + copy->len > COPIES_BYTES)
		return;
	/* A flood of the same damage is kept once. */
	for (uint32_t i = 0; i < d->copies.n; i++) {
		const struct run *c = runs_at(&d->copies, i);
		if (c->off == copy->off && c->len == copy->len && memcmp(c->p, copy->p, c->len) == 0)
			return;
	}
	/* When memory is out the copy is told of, and forgotten. */
	if (runs_reserve(&d->copies, 1) != BM_OK)
		return;
	block_keep(copy->block);
	*runs_add(&d->copies) = *copy;
	d->copy_bytes += copy->len;
}

void
copy_seen(struct bm_stream *s, const struct run *copy, const struct run *old)
{
	struct bm_flow *f = s->flow;
	struct run cut = *copy;

	if (cut.p == NULL || f->ignored)
		return;
	if (old != NULL) {
		if (old->p == NULL)
			return;
		const uint8_t *a = cut.p, *b = old->p + (cut.off - old->off);
		uint64_t from = 0, to = cut.len;
		if (memcmp(a, b, to) == 0)
			return;
		while (a[from] == b[from])
			from++;
		while (a[to - 1] == b[to - 1])
			to--;
		cut = run_cut(copy, copy->off + from, copy->off + to);
		f->t->stats.differing++;
		keep(s, &cut);
	}
	if (cut.off < s->origin)
		return; /* before the stream began for the layer above */
	if (f->t->ev.on_copy != NULL) {
		struct bm_span span = span_of(s, &cut);
		f->t->ev.on_copy(f->t->ev.ctx, f, stream_way(s), &span);
	}
}

void
copies_release(struct bm_stream *s)
{
	struct runs *c = &s->d->copies;
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		struct run *r = runs_at(c, i);
		if (run_end(r) <= s->base) {
			s->d->copy_bytes -= r->len;
			block_drop(s->flow, r->block);
		} else {
			*runs_at(c, n++) = *r;
		}
	}
	c->n = n;
}
