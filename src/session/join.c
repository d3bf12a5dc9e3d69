/* Finds records in a direction whose beginning was not captured, by their headers alone. Refuses to
 * know what protects them. */
#include "session/internal.h"

/* Two of the longest records and a header tell of every place whether records begin there. */
enum { WINDOW = 2 * (BM_HEADER + BM_BODY_MAX) + BM_HEADER, TAIL = 64 };

enum fit { NO, MAYBE, YES };

/* Three headers in a row, or records up to the exact end of what is there. *whole: how many are
 * there to their ends. */
static enum fit
records_at(struct bm_view v, size_t *whole)
{
	unsigned version = 0;
	size_t off = 0;

	for (*whole = 0; v.n - off >= BM_HEADER;) {
		struct bm_record_header h = bm_record_header(v.p + off);
		if (!bm_record_plausible(h, version))
			return NO;
		if (*whole == 2)
			return YES;
		version = h.version;
		if (v.n - off - BM_HEADER < h.length)
			return MAYBE;
		++*whole;
		off += (size_t)BM_HEADER + h.length;
	}
	return off == v.n ? YES : MAYBE;
}

/* Where records begin. YES or MAYBE: *at says where; NO: nowhere up to *at. `last`: nothing will be
 * added to v. */
static enum fit
find_records(struct bm_view v, bool last, size_t *at)
{
	size_t whole, second_best = SIZE_MAX;

	*at = v.n > TAIL ? v.n - TAIL : 0;
	for (size_t i = 0; i + BM_HEADER < v.n; i++) {
		if (v.p[i] < BM_CCS || v.p[i] > BM_HEARTBEAT || v.p[i + 1] != 3)
			continue;
		enum fit fit = records_at(bm_view(v.p + i, v.n - i), &whole);
		/* Looked at from there on, every place can be decided. */
		if (fit == YES || (fit == MAYBE && !last && (i != 0 || v.n < WINDOW))) {
			*at = i;
			return fit;
		}
		/* One that is whole, and the beginning of the next. */
		if (fit == MAYBE && whole != 0 && second_best == SIZE_MAX)
			second_best = i;
	}
	if (second_best == SIZE_MAX)
		return NO;
	*at = second_best;
	return YES;
}

static bool
is_last(const struct bm_stream *st, uint64_t off, bool final)
{
	return final || bm_stream_ended(st, NULL) ||
		   bm_stream_gap(st, off + bm_stream_avail(st, off)) != 0;
}

bool
join_middle(struct bm_session *s, enum bm_way way, bool final)
{
	struct bm_stream *st = bm_flow_stream(s->flow, way);
	uint64_t base = s->hunt_from[way];
	struct bm_view v = stream_window(s, st, base, WINDOW);
	size_t at;
	enum fit fit = find_records(v, is_last(st, base, final), &at);

	if (fit == NO)
		return false;
	if (fit == MAYBE) {
		s->hunt_from[way] = base + at;
		bm_stream_release(st, base + at);
		return true;
	}
	/* Without a hello the lower port is taken for the server's. */
	const struct bm_address *from = bm_flow_source(s->flow, way);
	const struct bm_address *to = bm_flow_source(s->flow, (enum bm_way)(1 - way));
	enum bm_way client = from->port >= to->port ? way : (enum bm_way)(1 - way);
	session_start(s, client, 0);
	s->facts.hello_off[BM_CLIENT] = BM_NO_SEQ;
	s->middle = true;
	struct half *h = &s->half[client == way ? BM_CLIENT : BM_SERVER];
	struct half *other = &s->half[1 - h->side];
	h->started = true;
	h->off = base + at;
	other->started = false;
	h->protected = other->protected = true;
	h->epoch = other->epoch = 1;
	h->unplaced = other->unplaced = true;
	return true;
}

void
join_second(struct half *h, bool final)
{
	struct bm_session *s = h->s;
	size_t at;

	for (;;) {
		uint64_t base = s->hunt_from[h->way];
		base += bm_stream_gap(h->stream, base);
		struct bm_view v = stream_window(s, h->stream, base, WINDOW);
		bool last = is_last(h->stream, base, final);
		enum fit fit = find_records(v, last, &at);
		if (fit == YES) {
			h->started = true;
			h->off = base + at;
			return;
		}
		/* What stands before a gap and is none is passed over. */
		if (fit == NO && v.n != 0 && v.n == bm_stream_avail(h->stream, base) &&
			bm_stream_gap(h->stream, base + v.n) != 0)
			at = v.n;
		s->hunt_from[h->way] = base + at;
		bm_stream_release(h->stream, base + at);
		if (fit == MAYBE || at == 0)
			return;
	}
}

/* The ServerHello fell into a gap. TLS 1.3 needs it for the suite alone, if secrets of the client's
 * random are there. */
void
join_without_server_hello(struct bm_session *s)
{
	struct bm_view random = bm_view(s->facts.client_random, BM_RANDOM);
	struct bm_secret secret;

	if (s->dtls || s->server_hello || s->facts.version != 0 || !s->facts.has_client_random ||
		(!bm_keyring_find(s->env->keys, BM_LABEL_SERVER_TRAFFIC_SECRET_0, random, 0, &secret) &&
			!bm_keyring_find(s->env->keys, BM_LABEL_CLIENT_TRAFFIC_SECRET_0, random, 0, &secret)))
		return;
	s->middle = true;
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		h->protected = h->unplaced = true;
		h->epoch = 1;
	}
}
