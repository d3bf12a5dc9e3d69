/* The connections of a run by capture: which are one and the same, which view of them is told of,
 * and what of the others has to be fetched for comparison. */
#include "api/views_internal.h"

#include <stdlib.h>

enum {
	VIEWS_MAX = 1 << 18,
	CLOCK_NS = 2000 /* what two clocks that count microseconds may differ by */
};

/* What tells a connection apart wherever it is seen: the client random, or addresses where no
 * ClientHello was captured. */
static void
name_view(struct view *v, const struct bm_session_facts *facts)
{
	const struct bm_address *ends[2] = {&v->client, &v->server};
	uint8_t *p = v->name;

	if (facts->has_client_random) {
		memcpy(p, facts->client_random, sizeof facts->client_random);
		return;
	}
	for (size_t i = 0; i < 2; i++, p += sizeof v->name / 2) {
		memcpy(p, ends[i]->ip, 16);
		p[16] = (uint8_t)(ends[i]->port >> 8);
		p[17] = (uint8_t)ends[i]->port;
		p[18] = ends[i]->family;
	}
}

static bool
note_cases(struct view *v, const struct bm_session *s)
{
	size_t n;
	const struct bm_case *cases = bm_session_cases(s, &n);

	if (n == 0)
		return true;
	v->cases = calloc(n, sizeof *v->cases);
	if (v->cases == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct bm_case *c = &cases[i];
		if (c->kind == BM_CASE_SUSPECTED)
			continue; /* nothing may be wrong */
		v->cases[v->case_n++] = (struct noted){c->kind, c->direction, c->epoch, c->seq, c->off,
			c->region > c->len ? c->region : c->len, c->no_keys};
		v->bad += c->kind == BM_CASE_BAD_RECORD || c->kind == BM_CASE_PLAINTEXT_ALERT;
		v->complaints += c->kind != BM_CASE_BAD_RECORD;
	}
	return true;
}

enum bm_status
views_note(
	struct views *vs, const struct bm_session *s, const char *capture, const uint64_t digest[2])
{
	const struct bm_session_facts *facts = bm_session_facts(s);
	struct bm_flow *f = bm_session_flow_of(s);
	void *items = vs->item;
	const char *because = NULL;
	struct bm_arena words = {.max = 1 << 16};

	enum bm_status st = bm_grow(&items, &vs->cap, vs->n + 1, VIEWS_MAX, sizeof *vs->item);
	vs->item = items;
	if (st == BM_LIMIT) {
		vs->not_compared++;
		return BM_OK;
	}
	if (st != BM_OK)
		return st;
	struct view *v = &vs->item[vs->n++];
	memset(v, 0, sizeof *v);
	v->site = bm_flow_site(f);
	v->flow = bm_flow_id(f);
	v->capture = capture;
	v->place = bm_verdict_place(s, &words, &because);
	bm_arena_clear(&words);
	v->client_way = facts->client_way;
	v->client = *bm_flow_source(f, facts->client_way);
	v->server = *bm_flow_source(f, (enum bm_way)(1 - facts->client_way));
	name_view(v, facts);
	v->gaps = facts->gaps;
	v->first_ts = bm_flow_first_ts(f);
	v->last_ts = bm_flow_last_ts(f);
	if (facts->hello_ts[BM_CLIENT] != 0 && facts->hello_ts[BM_SERVER] != 0)
		v->answer_ns = (int64_t)(facts->hello_ts[BM_SERVER] - facts->hello_ts[BM_CLIENT]);
	v->tcp = bm_flow_transport(f) == BM_TCP;
	for (unsigned side = 0; side < 2; side++) {
		enum bm_way way = side_way(v, side);
		struct bm_stream *stream = bm_flow_stream(f, way);
		v->undecided += facts->tally[side].undecided;
		v->hello_off[side] = facts->hello_off[side];
		v->ttl[side] = bm_flow_ttl(f, way);
		v->digest[side] = digest[way];
		if (!v->tcp)
			continue;
		v->has_seq[side] = bm_stream_first_seq(stream, &v->first_seq[side]);
		uint64_t base = bm_stream_base(stream);
		v->end[side] = base + bm_stream_avail(stream, base);
	}
	return note_cases(v, s) ? BM_OK : BM_NOMEM;
}

/* off in a's stream is off + *delta in b's. False: nothing tells. */
bool
view_delta(const struct view *a, const struct view *b, unsigned side, int64_t *delta)
{
	if (a->hello_off[side] != BM_NO_SEQ && b->hello_off[side] != BM_NO_SEQ) {
		*delta = (int64_t)b->hello_off[side] - (int64_t)a->hello_off[side];
		return true;
	}
	if (a->has_seq[side] && b->has_seq[side] && bm_address_equal(&a->client, &b->client) &&
		bm_address_equal(&a->server, &b->server)) {
		*delta = (int32_t)(a->first_seq[side] - b->first_seq[side]);
		return true;
	}
	return false;
}

int
view_order(const struct view *a, const struct view *b, unsigned side)
{
	enum bm_place at = bm_verdict_relative(a->place, side),
				  bt = bm_verdict_relative(b->place, side);

	if (at != bt && (at == BM_AT_SENDER || bt == BM_AT_RECEIVER))
		return 1;
	if (at != bt && (bt == BM_AT_SENDER || at == BM_AT_RECEIVER))
		return -1;
	/* Every router takes one from the TTL (RFC 1812, section 5.3.1). */
	if (a->ttl[side] != 0 && b->ttl[side] != 0 && a->ttl[side] != b->ttl[side])
		return a->ttl[side] > b->ttl[side] ? 1 : -1;
	/* The nearer to the client, the longer its hello waits for the answer, whatever the clocks. */
	int64_t longer = a->answer_ns - b->answer_ns;
	if (a->answer_ns <= 0 || b->answer_ns <= 0 || (longer <= CLOCK_NS && longer >= -CLOCK_NS))
		return 0;
	return (longer > 0) == (side == BM_C2S) ? 1 : -1;
}

static int
by_name(const void *a, const void *b)
{
	const struct view *x = a, *y = b;
	int c = memcmp(x->name, y->name, sizeof x->name);

	if (c != 0)
		return c;
	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return x->flow < y->flow ? -1 : x->flow > y->flow;
}

static int
by_flow(const void *a, const void *b)
{
	const struct view *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return x->flow < y->flow ? -1 : x->flow > y->flow;
}

struct view *
view_of(const struct views *vs, const struct bm_flow *f)
{
	struct view key = {.site = bm_flow_site(f), .flow = bm_flow_id(f)};

	return vs->n != 0 ? bsearch(&key, vs->item, vs->n, sizeof *vs->item, by_flow) : NULL;
}

/* Is the failure c of a one that b shows as well? */
static bool
shows_too(const struct view *a, const struct noted *c, const struct view *b)
{
	int64_t delta;

	for (size_t i = 0; i < b->case_n; i++) {
		const struct noted *d = &b->cases[i];
		if (d->direction != c->direction)
			continue;
		/* What an endpoint complains of is what is seen to be wrong elsewhere. */
		if (c->kind != BM_CASE_BAD_RECORD)
			return true;
		if (d->kind != BM_CASE_BAD_RECORD)
			continue;
		if (a->tcp ? view_delta(a, b, c->direction, &delta) &&
						 (int64_t)c->off + delta == (int64_t)d->off
				   : c->epoch == d->epoch && c->seq == d->seq)
			return true;
	}
	return false;
}

/* The direction in which a and b are known to differ; where bytes were missing nothing is known. */
static unsigned
side_that_differs(const struct view *a, const struct view *b)
{
	for (unsigned side = 0; side < 2; side++)
		if (a->digest[side] != 0 && b->digest[side] != 0 && a->digest[side] != b->digest[side])
			return side;
	return a->digest[0] != b->digest[0] ? 0 : 1;
}

/* Does a say more than b? */
static bool
says_more(const struct view *a, const struct view *b)
{
	if ((a->bad != 0) != (b->bad != 0))
		return a->bad != 0;
	if ((a->complaints != 0) != (b->complaints != 0))
		return a->complaints != 0;
	if (a->gaps != b->gaps)
		return a->gaps < b->gaps;
	if (a->bad != b->bad)
		return a->bad > b->bad;
	/* What arrived is told of, beside what was sent. */
	unsigned side = a->case_n != 0 ? a->cases[0].direction : side_that_differs(a, b);
	int order = view_order(a, b, side);
	if (order != 0)
		return order < 0;
	return a->undecided < b->undecided;
}

/* One connection, n views of it, one a site: all that another one covers are left out. */
static void
choose(struct view *view, size_t n, size_t rank)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (says_more(&view[i], &view[best]))
			best = i;
	for (size_t i = 0; i < n; i++) {
		struct view *v = &view[i];
		v->group = rank;
		v->group_n = n;
		v->left_out = i != best;
		for (size_t k = 0; k < v->case_n && v->left_out; k++)
			v->left_out = shows_too(v, &v->cases[k], &view[best]);
	}
}

enum bm_status
views_settle(struct views *vs)
{
	enum bm_status st = BM_OK;

	if (vs->n == 0)
		return BM_OK;
	vs->ranked = calloc(vs->n, sizeof *vs->ranked);
	if (vs->ranked == NULL)
		return BM_NOMEM;
	/* Associations that followed one another on the same UDP ports are not told apart here. */
	qsort(vs->item, vs->n, sizeof *vs->item, by_flow);
	for (size_t i = 1; i < vs->n; i++)
		if (by_flow(&vs->item[i - 1], &vs->item[i]) == 0)
			vs->item[i - 1].alone = vs->item[i].alone = true;
	qsort(vs->item, vs->n, sizeof *vs->item, by_name);
	for (size_t i = 0; i < vs->n;) {
		struct view *first = &vs->item[i];
		size_t n = 1;
		bool clear = !first->alone;
		first->rank = i;
		while (i + n < vs->n && memcmp(first[n].name, first->name, sizeof first->name) == 0) {
			/* Twice at one site: it cannot be told which is which. */
			clear = clear && first[n].site != first[n - 1].site && !first[n].alone;
			first[n].rank = i + n;
			n++;
		}
		if (n > 1 && clear) {
			choose(first, n, i);
			if (st == BM_OK)
				st = wants_of(vs, first, n);
		}
		i += n;
	}
	qsort(vs->item, vs->n, sizeof *vs->item, by_flow);
	for (size_t i = 0; i < vs->n; i++)
		vs->ranked[vs->item[i].rank] = &vs->item[i];
	if (st == BM_OK)
		wants_sort(vs);
	return st;
}

bool
views_left_out(const struct views *vs, const struct bm_flow *f)
{
	const struct view *v = view_of(vs, f);

	return v != NULL && v->left_out;
}

uint64_t
views_left_out_count(const struct views *vs)
{
	uint64_t n = 0;

	for (size_t i = 0; i < vs->n; i++)
		n += vs->item[i].left_out;
	return n;
}

size_t
views_others(const struct views *vs, const struct bm_flow *f, const char **captures, size_t max)
{
	const struct view *v = view_of(vs, f);
	size_t n = 0;

	for (size_t i = 0; v != NULL && i < v->group_n; i++) {
		const struct view *u = vs->ranked[v->group + i];
		if (u == v)
			continue;
		if (n < max)
			captures[n] = u->capture;
		n++;
	}
	return n;
}

void
views_clear(struct views *vs)
{
	for (size_t i = 0; i < vs->n; i++)
		free(vs->item[i].cases);
	free(vs->item);
	free(vs->ranked);
	wants_clear(vs);
	memset(vs, 0, sizeof *vs);
}
