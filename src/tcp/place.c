/* Puts a segment's payload where it belongs in its stream: at the head, among what is held, or
 * beside the bytes that it repeats. Refuses to decide when held bytes are given up. */
#include "tcp/internal.h"

#include <stdlib.h>

#include "base/buf.h"

enum {
	NEAR = 1 << 20, /* how far off a damaged segment may lie */
	SCRATCH_MAX = 1 << 26
};
#define REACH ((uint64_t)1 << 30) /* the largest window, RFC 7323, section 2.3 */

struct data *
data_of(struct bm_stream *s)
{
	if (s->d == NULL)
		s->d = calloc(1, sizeof *s->d);
	return s->d;
}

/* Is the new run to stand where an old one stands? The first good one stays. */
static bool
displaces(const struct run *r, const struct run *old)
{
	if (r->p == NULL || old->p == NULL)
		return r->p != NULL;
	return old->waits && !r->waits;
}

struct rebuild {
	struct bm_stream *s;
	const struct run *r; /* the new run */
	struct run *out;
	uint32_t n;
	uint64_t open; /* where a piece of r begins that is not out yet; == at: none */
};

static void
emit(struct rebuild *b, const struct run *r)
{
	block_keep(r->block);
	if (r->p != NULL)
		b->s->d->held_bytes += r->len;
	b->out[b->n++] = *r;
}

/* Puts out what has been gathered of r up to `to`. */
static void
emit_new(struct rebuild *b, uint64_t to)
{
	if (b->open < to) {
		struct run piece = run_cut(b->r, b->open, to);
		emit(b, &piece);
	}
}

/* The old run e overlaps r. */
static void
meet(struct rebuild *b, const struct run *e)
{
	const struct run *r = b->r;
	uint64_t from = e->off > r->off ? e->off : r->off;
	uint64_t to = run_end(e) < run_end(r) ? run_end(e) : run_end(r);
	struct run mine = run_cut(r, from, to), theirs = run_cut(e, from, to);

	if (!displaces(r, e)) {
		emit_new(b, from);
		emit(b, e);
		b->open = to;
		copy_seen(b->s, &mine, &theirs);
		return;
	}
	if (e->off < from) {
		struct run before = run_cut(e, e->off, from);
		emit(b, &before);
	}
	if (to < run_end(e)) {
		struct run behind = run_cut(e, to, run_end(e));
		emit_new(b, to);
		b->open = to;
		emit(b, &behind);
	}
	copy_seen(b->s, &theirs, &mine);
}

/* Fits r in among the held runs. */
static enum bm_status
hold(struct bm_stream *s, const struct run *r)
{
	struct bm_tcp *t = s->flow->t;
	struct runs *held = &s->d->held;
	uint32_t first = runs_find(held, r->off), last = first;

	while (last < held->n && runs_at(held, last)->off < run_end(r))
		last++;
	uint32_t count = last - first;
	void *items = t->scratch;
	enum bm_status st =
		bm_grow(&items, &t->scratch_cap, 2 * (size_t)count + 3, SCRATCH_MAX, sizeof *t->scratch);
	t->scratch = items;
	if (st != BM_OK || runs_reserve(held, count + 3) != BM_OK)
		return BM_NOMEM;
	struct rebuild b = {.s = s, .r = r, .out = t->scratch, .open = r->off};
	for (uint32_t i = first; i < last; i++)
		meet(&b, runs_at(held, i));
	emit_new(&b, run_end(r));
	for (uint32_t i = first; i < last; i++) {
		const struct run *old = runs_at(held, i);
		if (old->p != NULL)
			s->d->held_bytes -= old->len;
		block_drop(s->flow, old->block);
	}
	runs_replace(held, first, count, b.out, b.n);
	return BM_OK;
}

/* The part of r below head: bytes that were taken before. */
static void
repeat(struct bm_stream *s, const struct run *r)
{
	struct runs *ready = &s->d->ready;
	uint64_t at = r->off;

	if (at < s->base) {
		uint64_t to = run_end(r) < s->base ? run_end(r) : s->base;
		struct run gone = run_cut(r, at, to);
		copy_seen(s, &gone, NULL);
		at = to;
	}
	if (at == run_end(r))
		return;
	for (uint32_t i = runs_find(ready, at); i < ready->n; i++) {
		const struct run *old = runs_at(ready, i);
		uint64_t from = old->off > at ? old->off : at;
		uint64_t to = run_end(old) < run_end(r) ? run_end(old) : run_end(r);
		if (from >= to)
			break;
		struct run copy = run_cut(r, from, to), was = run_cut(old, from, to);
		copy_seen(s, &copy, &was);
	}
}

static enum bm_status
put(struct bm_stream *s, struct run r)
{
	struct data *d = s->d;

	if (r.len == 0)
		return BM_OK;
	if (s->settled && r.off < s->head) {
		uint64_t to = run_end(&r) < s->head ? run_end(&r) : s->head;
		struct run below = run_cut(&r, r.off, to);
		if (r.p != NULL)
			repeat(s, &below);
		if (to == run_end(&r) || s->flow->ignored)
			return BM_OK;
		r = run_cut(&r, to, run_end(&r));
	}
	if (s->end != 0 && run_end(&r) > s->end) {
		if (r.off >= s->end)
			return BM_OK;
		r = run_cut(&r, r.off, s->end);
	}
	if (!s->settled || d->held.n != 0 || r.off != s->head || r.waits || r.p == NULL)
		return hold(s, &r);
	if (runs_reserve(&d->ready, 1) != BM_OK)
		return BM_NOMEM;
	block_keep(r.block);
	append(s, &r);
	return BM_OK;
}

/* Every piece of the payload, and what the capture cut off. */
static enum bm_status
put_pieces(struct bm_stream *s, const struct bm_segment *g, struct run r, uint64_t off)
{
	const struct bm_piece whole = {0, (uint32_t)g->payload.n, g->packet, 0};
	size_t count = g->piece_count != 0 ? g->piece_count : 1, n = g->payload.n, at = 0;
	const uint8_t *bytes = r.block != NULL   ? r.block->bytes
						   : g->home != NULL ? g->home
											 : g->payload.p;
	bool fin = r.fin;
	enum bm_status st = BM_OK;

	for (size_t i = 0; i < count && st == BM_OK; i++) {
		const struct bm_piece *p = g->piece_count != 0 ? &g->pieces[i] : &whole;
		size_t from = p->payload_off > at ? p->payload_off : at;
		size_t to = p->len < n && p->payload_off < n - p->len ? p->payload_off + p->len : n;
		if (from >= to)
			continue;
		r.off = off + from;
		r.len = to - from;
		r.p = bytes + from;
		r.packet = p->packet;
		r.packet_off = p->packet_off + (uint32_t)(from - p->payload_off);
		r.segment_off = (uint32_t)from;
		r.fin = fin && to == g->payload_len;
		st = put(s, r);
		at = to;
	}
	if (st == BM_OK && n < g->payload_len) {
		if (s->d != NULL)
			s->d->lack.cut++;
		struct run missing = {.off = off + n,
			.len = g->payload_len - n,
			.waits = r.waits,
			.ts_ns = r.ts_ns,
			.fin = fin};
		st = put(s, missing);
	}
	return st;
}

/* RFC 9293, section 3.8.4: a keep-alive may carry one garbage octet below the next one. */
static bool
is_keep_alive(const struct bm_stream *s, const struct bm_segment *g, uint64_t off)
{
	if (g->payload_len != 1)
		return false;
	if (s->settled)
		return off + 1 == s->head;
	return s->d->held.n == 0 && g->payload.n == 1 && g->payload.p[0] == 0;
}

/* Can a segment at off belong here at all? */
static bool
is_near(const struct bm_stream *s, uint64_t off, uint32_t len, bool good)
{
	uint64_t reach = good ? REACH : NEAR, right = stream_right(s);

	return off <= right + reach && off + len + reach >= s->head;
}

enum bm_status
place_next(struct bm_stream *s, const struct bm_segment *g)
{
	struct bm_tcp *t = s->flow->t;
	struct data *d = s->d;
	struct block *block = NULL;

	if (d->segments++ == 0)
		d->first_ts = t->now;
	uint64_t segment = t->next_segment++;
	if (g->home == NULL && block_new(s->flow, g->payload, &block) != BM_OK)
		return BM_NOMEM;
	if (runs_reserve(&d->ready, 1) != BM_OK) {
		block_drop(s->flow, block);
		return BM_NOMEM;
	}
	bool lent = flow_borrows(s->flow, g);
	*runs_add(&d->ready) = (struct run){.off = s->head,
		.len = g->payload_len,
		.p = block != NULL ? block->bytes : g->home,
		.block = block,
		.packet = g->pieces[0].packet,
		.ts_ns = g->ts_ns,
		.segment = segment,
		.packet_off = g->pieces[0].packet_off,
		.sum = g->sum,
		.checksum = (uint8_t)g->checksum,
		.lent = lent};
	d->ready_bytes += g->payload_len;
	s->head += g->payload_len;
	return BM_OK;
}

enum bm_status
place(struct bm_stream *s, const struct bm_segment *g, uint64_t off, bool good, bool *news)
{
	struct bm_tcp *t = s->flow->t;
	struct data *d = data_of(s);
	uint64_t before = s->head;
	bool on_syn = (g->flags & BM_SYN) != 0;

	if (d == NULL)
		return BM_NOMEM;
	if (!is_near(s, off, g->payload_len, good) || is_keep_alive(s, g, off))
		return BM_OK;
	if (d->segments++ == 0)
		d->first_ts = t->now;
	if (d->stalled)
		d->stall_segments++;
	if (s->settled && off > s->head)
		t->stats.out_of_order++;
	if (s->settled && off < s->head) {
		t->stats.retransmitted++;
		tell_oddity(s,
			&(struct bm_oddity){BM_ODD_RETRANSMISSION, g->ts_ns, g->packet, off, g->payload_len});
	}
	struct run r = {.ts_ns = g->ts_ns,
		.segment = t->next_segment++,
		.sum = g->sum,
		.checksum = (uint8_t)g->checksum,
		.waits = !good || on_syn,
		.late = !good && s->has_seq && s->acked >= off + g->payload_len,
		.fin = (g->flags & BM_FIN) != 0 && !good,
		.lent = flow_borrows(s->flow, g)};
	if (g->home == NULL && g->payload.n != 0 && (!s->settled || off + g->payload.n > s->base) &&
		block_new(s->flow, g->payload, &r.block) != BM_OK)
		return BM_NOMEM;
	enum bm_status st = put_pieces(s, g, r, off);
	if (s->head != before)
		*news = true;
	block_drop(s->flow, r.block);
	if (st == BM_OK && d->held.n != 0 && !s->flow->ignored)
		st = advance(s, false, news);
	return st;
}
