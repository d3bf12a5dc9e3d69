/* The bytes of other captures beside the failures of one: what is wanted, how it is fetched, and
 * what it shows. Refuses to judge records. */
#include "api/views_internal.h"

#include "tls/record.h"

#include <stdlib.h>

enum {
	WANTS_MAX = 1 << 16,
	LEAD = 16 << 10,  /* before the failure: an earlier one may have shifted the stream */
	TRAIL = 20 << 10, /* behind it */
	TAIL = 4 << 20,   /* of a stream, before a complaint about no record in particular */
	HELD_MAX = 128 << 20,
	COPIES = 16,
	SPANS = 64,
	SYNC_MAX = BM_HEADER + BM_BODY_MAX, /* a record begins within so many octets */
	HEADERS_MAX = 1 << 22               /* looked at on the way to a difference */
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
			uint64_t to = record ? c->off + c->len + TRAIL : v->end[c->direction];
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

/* The first want of the flow, or where it would stand. */
static size_t
first_of(const struct views *vs, uint32_t site, uint64_t flow)
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
	size_t i = first_of(vs, site, 0);

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
	return is_of(vs, first_of(vs, bm_flow_site(f), bm_flow_id(f)), f);
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
	size_t first = first_of(vs, bm_flow_site(f), bm_flow_id(f));
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

	for (size_t i = first_of(vs, bm_flow_site(f), bm_flow_id(f)); is_of(vs, i, f); i++) {
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

/* -- what they show --------------------------------------------------------- */

/* What was wanted of u beside the failure c of v; NULL when there is nothing. */
static const struct want *
beside(const struct views *vs, const struct view *u, const struct view *v, const struct bm_case *c)
{
	for (size_t i = first_of(vs, u->site, u->flow);
		 i < vs->want_n && vs->want[i].site == u->site && vs->want[i].flow == u->flow; i++) {
		const struct want *w = &vs->want[i];
		bool same =
			c->shown || c->kind != BM_CASE_BAD_RECORD ? w->off == BM_NO_SEQ : w->off == c->off;
		if (same && w->for_site == v->site && w->for_flow == v->flow &&
			w->direction == c->direction && w->got != 0)
			return w;
	}
	return NULL;
}

size_t
views_elsewhere(const struct views *vs, const struct bm_flow *f, const struct bm_case *c,
	struct bm_elsewhere *out, size_t max)
{
	const struct view *v = view_of(vs, f);
	size_t n = 0;

	for (size_t k = 0; v != NULL && k < v->group_n && n < max; k++) {
		const struct view *u = vs->ranked[v->group + k];
		if (u == v)
			continue;
		struct bm_elsewhere *e = &out[n++];
		*e = (struct bm_elsewhere){.capture = u->capture,
			.place = u->place,
			.order = view_order(u, v, c->direction),
			.all_good = u->bad == 0 && u->undecided == 0 && u->gaps == 0};
		const struct want *w = c->off != BM_NO_SEQ ? beside(vs, u, v, c) : NULL;
		int64_t lead = w != NULL ? (int64_t)c->off + w->delta - (int64_t)w->from : -1;
		e->ended = lead > 0 && (uint64_t)lead == w->got && w->from + w->got < w->to &&
				   c->kind == BM_CASE_BAD_RECORD && u->tcp && e->all_good && u->complaints != 0;
		if (lead < 0 || (uint64_t)lead >= w->got)
			continue;
		const struct want *own = beside(vs, v, v, c);
		if (own != NULL && c->off >= own->from && c->off - own->from < own->got)
			e->here = bm_view(own->bytes + (c->off - own->from), own->got - (c->off - own->from));
		e->bytes = bm_view(w->bytes, (size_t)w->got);
		e->lead = (size_t)lead;
		e->fragments = w->fragments;
		e->fragment_count = w->fragment_n;
		e->copies = w->copies;
		e->copy_count = w->copy_n;
	}
	return n;
}

/* The record of p that octet `at` belongs to, if the first one begins at start. False: there is no
 * sense in the framing, or no header left that may be looked at. */
static bool
find_record(struct bm_view p, size_t start, size_t at, size_t *headers, size_t *off, size_t *len)
{
	size_t here = start;

	while (here + BM_HEADER <= p.n && *headers != 0) {
		--*headers;
		struct bm_record_header h = bm_record_header(p.p + here);
		if (!bm_record_plausible(h, 0))
			return false;
		size_t n = (size_t)BM_HEADER + h.length;
		if (at < here + n) {
			*off = here;
			*len = n < p.n - here ? n : p.n - here;
			return true;
		}
		here += n;
	}
	return false;
}

/* Where they differ first, and which record that is by the framing of either. */
static bool
locate(const struct want *own, const struct want *other, size_t *off, size_t *len)
{
	int64_t skew = (int64_t)own->from + other->delta - (int64_t)other->from;
	size_t a = skew < 0 ? (size_t)-skew : 0, b = skew > 0 ? (size_t)skew : 0;
	size_t n = (size_t)own->got;

	if (a >= n || b >= other->got)
		return false;
	size_t both = n - a < other->got - b ? n - a : (size_t)other->got - b;
	size_t at = 0;
	while (at < both && own->bytes[a + at] == other->bytes[b + at])
		at++;
	if (at == both)
		return false;
	at += a;
	/* Good bytes tell where records begin: those before the difference. */
	struct bm_view good = bm_view(other->bytes + b, (size_t)other->got - b);
	size_t headers = HEADERS_MAX;
	for (size_t sync = 0; sync <= SYNC_MAX && sync <= at - a; sync++) {
		if (!find_record(good, sync, at - a, &headers, off, len))
			continue;
		*off += a;
		if (*len > n - *off)
			*len = n - *off;
		return true;
	}
	return false;
}

/* Is the record at off of a type that only protected ones have, or behind a change of keys? */
static bool
is_protected(const struct want *own, size_t off)
{
	for (size_t at = 0; at + BM_HEADER <= off;) {
		struct bm_record_header h = bm_record_header(own->bytes + at);
		if (!bm_record_plausible(h, 0))
			break;
		if (h.type == BM_CCS || h.type == BM_APPLICATION_DATA)
			return true;
		at += (size_t)BM_HEADER + h.length;
	}
	return own->got - off >= BM_HEADER && own->bytes[off] == BM_APPLICATION_DATA;
}

static enum bm_status
show(struct bm_session *s, size_t nth, const struct want *own, size_t off, size_t len)
{
	size_t region = (size_t)own->got - off, n = 0;

	if (region > len + TRAIL)
		region = len + TRAIL;
	struct bm_fragment *fragments =
		calloc(own->fragment_n != 0 ? own->fragment_n : 1, sizeof *fragments);
	if (fragments == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < own->fragment_n; i++) {
		struct bm_fragment g = own->fragments[i];
		size_t end = (size_t)g.record_off + g.len;
		if (end <= off || g.record_off >= off + region)
			continue;
		if (g.record_off < off) {
			uint32_t skip = (uint32_t)(off - g.record_off);
			g.record_off += skip;
			g.packet_off += skip;
			g.segment_off += skip;
			g.len -= skip;
		}
		if (end > off + region)
			g.len = (uint32_t)(off + region - g.record_off);
		g.record_off -= (uint32_t)off;
		fragments[n++] = g;
	}
	enum bm_status st = bm_session_show(
		s, nth, own->from + off, (uint32_t)len, bm_view(own->bytes + off, region), fragments, n);
	free(fragments);
	return st;
}

/* Shows the record of the case nth, or of a new one, that the others have otherwise. */
static enum bm_status
show_difference(const struct views *vs, const struct view *v, struct bm_session *s,
	const struct bm_case *c, size_t nth)
{
	const struct want *own = beside(vs, v, v, c);
	size_t off, len;

	for (size_t k = 0; own != NULL && k < v->group_n; k++) {
		const struct view *u = vs->ranked[v->group + k];
		const struct want *w = u != v ? beside(vs, u, v, c) : NULL;
		if (w == NULL || !locate(own, w, &off, &len))
			continue;
		/* Handshake messages in the clear are for those who do not agree on them to tell of. */
		bool fresh = c->kind == BM_CASE_DIFFERS;
		if (fresh && !is_protected(own, off))
			continue;
		if (fresh && !bm_session_differs(s, c->direction, &nth))
			return bm_session_status(s);
		return show(s, nth, own, off, len);
	}
	return BM_OK;
}

enum bm_status
views_show(const struct views *vs, struct bm_session *s)
{
	const struct view *v = view_of(vs, bm_session_flow(s));
	size_t n;
	const struct bm_case *cases = bm_session_cases(s, &n);
	enum bm_status st = BM_OK;

	if (v == NULL)
		return BM_OK;
	for (size_t i = 0; i < n && st == BM_OK; i++)
		if (cases[i].kind == BM_CASE_REJECTED && cases[i].no_keys && cases[i].off == BM_NO_SEQ)
			st = show_difference(vs, v, s, &cases[i], i);
	bool clean = true;
	for (size_t i = 0; i < n; i++)
		clean = clean && cases[i].kind == BM_CASE_SUSPECTED;
	for (unsigned side = 0; clean && side < 2 && st == BM_OK; side++) {
		struct bm_case c = {.kind = BM_CASE_DIFFERS, .direction = side, .off = BM_NO_SEQ};
		st = show_difference(vs, v, s, &c, 0);
	}
	return st;
}
