/* The bytes of other captures beside the failures of one: what is wanted, and how it is fetched.
 * Refuses to know what it shows. */
#include "api/views_internal.h"

#include <stdlib.h>

enum {
	WANTS_MAX = 1 << 16,
	LEAD = 16 << 10, /* before the failure: an earlier one may have shifted the stream */
	TAIL = 4 << 20,  /* of a stream, before a complaint about no record in particular */
	HELD_MAX = 128 << 20,
	COPIES = 16,
	SPANS = 64
};

static enum bm_status
want(struct views *vs, const struct view *u, const struct view *v, const struct noted *c,
	int64_t delta, uint64_t from, uint64_t to)
{
	void *items = vs->want;
	enum bm_status st = bm_grow(&items, &vs->want_cap, vs->want_n + 1, WANTS_MAX, sizeof *vs->want);

	vs->want = items;
	if (to <= from)
		return BM_OK;
	if (st == BM_LIMIT || vs->held + (to - from) > HELD_MAX) {
		vs->not_compared++;
		return BM_OK;
	}
	if (st != BM_OK)
		return st;
	vs->held += to - from;
	vs->want[vs->want_n++] = (struct want){.site = u->site,
		.flow = u->flow,
		.way = side_way(u, c->direction),
		.from = from,
		.to = to,
		.for_site = v->site,
		.for_flow = v->flow,
		.direction = c->direction,
		.off = c->off,
		.delta = delta};
	return BM_OK;
}

/* Of u's stream what matches [from, to) of v's. */
static enum bm_status
want_shifted(struct views *vs, const struct view *u, const struct view *v, const struct noted *c,
	uint64_t from, uint64_t to)
{
	int64_t delta;

	if (!view_delta(v, u, c->direction, &delta))
		return BM_OK;
	if (delta < 0) {
		uint64_t back = (uint64_t)-delta;
		return want(vs, u, v, c, delta, from > back ? from - back : 0, to > back ? to - back : 0);
	}
	return want(vs, u, v, c, delta, from + (uint64_t)delta, to + (uint64_t)delta);
}

/* Where the end of a stream begins that is compared whole. */
static uint64_t
tail_of(const struct view *v, unsigned side)
{
	uint64_t from = v->hello_off[side], to = v->end[side];

	if (from <= to && to - from <= TAIL)
		return from;
	return to > TAIL ? to - TAIL : 0;
}

/* Records of v that no key opens, and another view's stream is another: that is what to look at. */
static enum bm_status
want_difference(struct views *vs, const struct view *view, size_t n, size_t i, unsigned side)
{
	const struct view *v = &view[i];
	struct noted c = {
		.kind = BM_CASE_DIFFERS, .direction = side, .off = BM_NO_SEQ, .no_keys = true};
	uint64_t from = tail_of(v, side), to = v->end[side];
	bool differs = false;

	for (size_t j = 0; j < n; j++)
		differs = differs || view[j].digest[side] != v->digest[side];
	if (!differs)
		return BM_OK;
	enum bm_status st = want(vs, v, v, &c, 0, from, to);
	for (size_t j = 0; j < n && st == BM_OK; j++)
		if (view[j].digest[side] != v->digest[side])
			st = want_shifted(vs, &view[j], v, &c, from, to);
	return st;
}

enum bm_status
wants_of(struct views *vs, const struct view *view, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct view *v = &view[i];
		if (v->left_out || !v->tcp)
			continue;
		for (unsigned side = 0; v->case_n == 0 && v->undecided != 0 && side < 2; side++) {
			enum bm_status st = want_difference(vs, view, n, i, side);
			if (st != BM_OK)
				return st;
		}
		for (size_t k = 0; k < v->case_n; k++) {
			const struct noted *c = &v->cases[k];
			bool record = c->kind == BM_CASE_BAD_RECORD && c->off != BM_NO_SEQ;
			/* A complaint without keys: everything before it is in doubt. */
			if (!record && (c->kind != BM_CASE_REJECTED || !c->no_keys))
				continue;
			uint64_t from = record ? c->off : v->hello_off[c->direction];
			uint64_t to = record ? c->off + c->len + WANT_TRAIL : v->end[c->direction];
			if (record)
				from -= from < LEAD ? from : LEAD;
			else
				from = tail_of(v, c->direction);
			enum bm_status st = want(vs, v, v, c, 0, record ? c->off : from, to);
			for (size_t j = 0; j < n && st == BM_OK; j++)
				if (j != i)
					st = want_shifted(vs, &view[j], v, c, from, to);
			if (st != BM_OK)
				return st;
		}
	}
	return BM_OK;
}

static int
by_source(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

void
wants_sort(struct views *vs)
{
	if (vs->want_n != 0)
		qsort(vs->want, vs->want_n, sizeof *vs->want, by_source);
}

void
wants_clear(struct views *vs)
{
	for (size_t i = 0; i < vs->want_n; i++) {
		struct want *w = &vs->want[i];
		for (size_t k = 0; k < w->copy_n; k++)
			free((void *)(uintptr_t)w->copies[k].bytes.p);
		free(w->copies);
		free(w->fragments);
		free(w->bytes);
	}
	free(vs->want);
}

/* -- reading them --------------------------------------------------------- */

size_t
wants_first(const struct views *vs, uint32_t site, uint64_t flow)
{
	size_t low = 0, high = vs->want_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct want *w = &vs->want[mid];
		if (w->site < site || (w->site == site && w->flow < flow))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
views_want_site(const struct views *vs, uint32_t site)
{
	size_t i = wants_first(vs, site, 0);

	return i < vs->want_n && vs->want[i].site == site;
}

static bool
is_of(const struct views *vs, size_t i, const struct bm_flow *f)
{
	return i < vs->want_n && vs->want[i].site == bm_flow_site(f) &&
		   vs->want[i].flow == bm_flow_id(f);
}

bool
views_want_flow(const struct views *vs, const struct bm_flow *f)
{
	return is_of(vs, wants_first(vs, bm_flow_site(f), bm_flow_id(f)), f);
}

/* Takes what [off, off + n) of the stream has of w. */
static enum bm_status
take(struct want *w, const struct bm_stream *s, uint64_t off, uint64_t n)
{
	struct bm_span spans[SPANS];
	uint64_t at = w->from + w->got;

	/* Behind a gap there is no use for more. */
	if (at >= w->to || at < off || at >= off + n)
		return BM_OK;
	if (w->bytes == NULL)
		w->bytes = malloc((size_t)(w->to - w->from));
	if (w->bytes == NULL)
		return BM_NOMEM;
	uint64_t end = off + n < w->to ? off + n : w->to;
	while (at < end) {
		size_t count = bm_stream_spans(s, at, (size_t)(end - at), spans, SPANS);
		if (count > SPANS)
			count = SPANS;
		if (count == 0)
			return BM_OK;
		void *items = w->fragments;
		enum bm_status st =
			bm_grow(&items, &w->fragment_cap, w->fragment_n + count, 1 << 20, sizeof *w->fragments);
		w->fragments = items;
		if (st != BM_OK)
			return st == BM_LIMIT ? BM_OK : st;
		for (size_t i = 0; i < count; i++) {
			const struct bm_span *p = &spans[i];
			memcpy(w->bytes + (p->off - w->from), p->data.p, p->data.n);
			w->fragments[w->fragment_n++] =
				(struct bm_fragment){(uint32_t)(p->off - w->from), (uint32_t)p->data.n, p->packet,
					p->packet_off, p->checksum, p->segment, p->segment_off, p->sum};
			at = p->off + p->data.n;
			w->got = at - w->from;
		}
	}
	return BM_OK;
}

enum bm_status
views_data(struct views *vs, struct bm_flow *f, enum bm_way way)
{
	struct bm_stream *s = bm_flow_stream(f, way);
	uint64_t at = bm_stream_base(s);
	size_t first = wants_first(vs, bm_flow_site(f), bm_flow_id(f));
	enum bm_status st = BM_OK;

	for (;;) {
		uint64_t n = bm_stream_avail(s, at);
		for (size_t i = first; n != 0 && is_of(vs, i, f) && st == BM_OK; i++)
			if (vs->want[i].way == way)
				st = take(&vs->want[i], s, at, n);
		if (n == 0)
			n = bm_stream_gap(s, at);
		if (n == 0 || st != BM_OK)
			break;
		at += n;
	}
	bm_stream_release(s, at);
	return st;
}

void
views_copy(struct views *vs, const struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	uint64_t end = copy->off + copy->data.n;

	for (size_t i = wants_first(vs, bm_flow_site(f), bm_flow_id(f)); is_of(vs, i, f); i++) {
		struct want *w = &vs->want[i];
		if (w->way != way || copy->off >= w->to || end <= w->from || w->copy_n == COPIES)
			continue;
		uint64_t from = copy->off > w->from ? copy->off : w->from;
		size_t n = (size_t)((end < w->to ? end : w->to) - from);
		if (w->copies == NULL)
			w->copies = calloc(COPIES, sizeof *w->copies);
		uint8_t *bytes = malloc(n);
		if (w->copies == NULL || bytes == NULL) {
			free(bytes);
			return; /* one fact fewer */
		}
		memcpy(bytes, copy->data.p + (from - copy->off), n);
		w->copies[w->copy_n++] = (struct bm_other_copy){
			(uint32_t)(from - w->from), copy->packet, copy->checksum, bm_view(bytes, n)};
	}
}
