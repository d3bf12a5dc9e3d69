/* What the bytes of other captures show beside the failures of one: what they have there, and where
 * they differ. Refuses to judge records. */
#include "api/views_internal.h"

#include "tls/record.h"

#include <stdlib.h>

enum {
	SYNC_MAX = BM_HEADER + BM_BODY_MAX, /* a record begins within so many octets */
	HEADERS_MAX = 1 << 22               /* looked at on the way to a difference */
};

/* What was wanted of u beside the failure c of v; NULL when there is nothing. */
static const struct want *
beside(const struct views *vs, const struct view *u, const struct view *v, const struct bm_case *c)
{
	for (size_t i = wants_first(vs, u->site, u->flow);
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

/* A capture that was given twice, packed and not for one, is one place. At two places no clocks
 * show a whole connection at the same times. */
static bool
is_copy(const struct view *u, const struct view *v)
{
	return u->first_ts == v->first_ts && u->last_ts == v->last_ts && u->answer_ns == v->answer_ns &&
		   u->ttl[0] == v->ttl[0] && u->ttl[1] == v->ttl[1];
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
			.copy = is_copy(u, v),
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

	if (region > len + WANT_TRAIL)
		region = len + WANT_TRAIL;
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
