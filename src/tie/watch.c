/* Follows where the records of a connection stand and when they came, by their headers alone, and
 * keeps the last ones. Refuses to know what is in them. */
#include "tie/internal.h"

#include <stdlib.h>

enum { HEADER = 5 };

struct side {
	struct tie_record *ring; /* the newest is at (count - 1) % TIE_RECORDS */
	size_t cap;
	uint64_t count;
	uint64_t at, end; /* where the next header is due; of a record that has begun its end, else 0 */
	struct tie_record begun;
	bool lost;
};

struct bm_tie_watch {
	struct bm_tie *tie;
	struct side sides[2]; /* by way */
};

struct bm_tie_watch *
bm_tie_watch_new(struct bm_tie *t)
{
	struct bm_tie_watch *w;

	if (t->watching + sizeof *w > t->watch_max || t->incident_count == 0)
		return NULL;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return NULL;
	t->watching += sizeof *w;
	w->tie = t;
	return w;
}

void
bm_tie_watch_free(struct bm_tie_watch *w)
{
	if (w == NULL)
		return;
	for (unsigned i = 0; i < 2; i++) {
		w->tie->watching -= w->sides[i].cap * sizeof *w->sides[i].ring;
		free(w->sides[i].ring);
	}
	w->tie->watching -= sizeof *w;
	free(w);
}

/* Where memory is short, the oldest of them make room earlier. */
static void
note(struct bm_tie_watch *w, struct side *s, const struct tie_record *r)
{
	if (s->count >= s->cap && s->cap < TIE_RECORDS) {
		size_t cap = s->cap != 0 ? 2 * s->cap : 8, more = (cap - s->cap) * sizeof *s->ring;
		struct tie_record *ring = NULL;
		if (w->tie->watching + more <= w->tie->watch_max)
			ring = realloc(s->ring, cap * sizeof *ring);
		if (ring != NULL) {
			w->tie->watching += more;
			s->ring = ring;
			s->cap = cap;
		}
	}
	if (s->cap == 0)
		return;
	if (s->count >= s->cap && s->cap < TIE_RECORDS) {
		memmove(s->ring, s->ring + 1, (s->cap - 1) * sizeof *s->ring);
		s->count = s->cap - 1;
	}
	s->ring[s->count++ % TIE_RECORDS] = *r;
}

/* RFC 8446, section 5.1, and before: what a header can be. */
static bool
read_header(const uint8_t h[HEADER], struct tie_record *r)
{
	r->type = h[0];
	r->len = bm_load16(h + 3);
	return h[0] >= 20 && h[0] <= 24 && h[1] == 3 && h[2] <= 4 && r->len <= 16384 + 2048;
}

/* Whether there is a header where the next record begins; cleartext may come before the first. */
static bool
begin(struct side *s, const struct bm_stream *stream, uint64_t head)
{
	uint8_t h[HEADER];

	if (s->lost || s->at < bm_stream_base(stream)) {
		if (s->count != 0) {
			s->lost = true;
			return false;
		}
		s->lost = false;
		s->at = head;
	}
	if (!bm_stream_read(stream, s->at, h, HEADER)) {
		s->lost = s->lost || bm_stream_gap(stream, s->at) != 0;
		return false;
	}
	if (!read_header(h, &s->begun)) {
		s->lost = true;
		return false;
	}
	s->begun.off = s->at;
	s->end = s->at + HEADER + s->begun.len;
	return true;
}

/* How far octets have come, from `at` on, past what the capture lacks. */
static uint64_t
reached(const struct bm_stream *stream, uint64_t at, uint64_t end)
{
	if (at < bm_stream_base(stream))
		at = bm_stream_base(stream);
	while (at < end) {
		uint64_t n = bm_stream_avail(stream, at);
		if (n == 0)
			n = bm_stream_gap(stream, at);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

void
bm_tie_watch_data(struct bm_tie_watch *w, struct bm_flow *f, enum bm_way way)
{
	const struct bm_stream *stream = bm_flow_stream(f, way);
	struct side *s = &w->sides[way];
	struct bm_span span;
	uint64_t head = bm_stream_base(stream);

	/* Where the octets begin that came now, as long as nothing was read. */
	if (s->count == 0 && s->end == 0 && s->at > head)
		head = s->at;
	for (;;) {
		if (s->end == 0 && !begin(s, stream, head))
			break;
		if (reached(stream, s->at, s->end) < s->end)
			return;
		s->begun.ts_ns = s->begun.packet = 0;
		if (bm_stream_spans(stream, s->end - 1, 1, &span, 1) != 0) {
			s->begun.ts_ns = span.ts_ns;
			s->begun.packet = span.packet;
		}
		note(w, s, &s->begun);
		s->at = s->end;
		s->end = 0;
	}
	/* Cleartext is passed over as it comes. */
	if (s->lost && s->count == 0)
		s->at = reached(stream, head, UINT64_MAX);
}

void
bm_tie_watch_datagram(struct bm_tie_watch *w, enum bm_way way, const struct bm_segment *d)
{
	struct tie_record r = {.off = BM_UNKNOWN, .packet = d->packet, .ts_ns = d->ts_ns};

	r.type = d->payload.n != 0 ? d->payload.p[0] : 0;
	note(w, &w->sides[way], &r);
}

/* The nth of those that are left, the oldest first; NULL past the last. */
static const struct tie_record *
nth(const struct side *s, uint64_t n)
{
	uint64_t held = s->count < s->cap ? s->count : s->cap;

	return n < held ? &s->ring[(s->count - held + n) % TIE_RECORDS] : NULL;
}

static const struct tie_record *
find(const struct side *s, uint64_t off, uint64_t packet)
{
	const struct tie_record *r, *by_packet = NULL;

	for (uint64_t i = 0; (r = nth(s, i)) != NULL; i++) {
		if (off != BM_UNKNOWN && r->off == off)
			return r;
		if (packet != 0 && r->packet == packet)
			by_packet = r;
	}
	return by_packet;
}

/* Application data of the side, for the lengths that logs show. */
static bool
keep_records(struct bm_tie *t, const struct side *s, struct tie_connection *o, unsigned direction)
{
	const struct tie_record *r;
	size_t n = 0;

	for (uint64_t i = 0; (r = nth(s, i)) != NULL; i++)
		n += r->type == 23 && r->off != BM_UNKNOWN;
	if (n == 0 || !t->want_lengths)
		return true;
	struct tie_record *kept = bm_arena_take(&t->arena, n, sizeof *kept);
	if (kept == NULL)
		return false;
	for (uint64_t i = 0; (r = nth(s, i)) != NULL; i++)
		if (r->type == 23 && r->off != BM_UNKNOWN)
			kept[o->record_count[direction]++] = *r;
	o->records[direction] = kept;
	return true;
}

static bool
keep_failures(struct bm_tie *t, const struct bm_connection *c, struct tie_connection *o)
{
	if (c->failure_count == 0)
		return true;
	o->failures = bm_arena_take(&t->arena, c->failure_count, sizeof *o->failures);
	if (o->failures == NULL)
		return false;
	for (size_t i = 0; i < c->failure_count; i++) {
		const struct bm_failure *f = &c->failures[i];
		o->failures[i] = (struct tie_failure){.direction = f->direction,
			.off = f->stream_offset,
			.len = f->length,
			.packet = f->packet_count != 0 ? f->packets[f->packet_count - 1] : 0,
			.cause = f->cause};
	}
	o->failure_count = c->failure_count;
	return true;
}

static bool
keep_alerts(struct bm_tie *t, const struct bm_connection *c, struct tie_connection *o)
{
	size_t n = c->alert_count < TIE_ALERTS ? c->alert_count : TIE_ALERTS;

	if (n == 0)
		return true;
	o->alerts = bm_arena_take(&t->arena, n, sizeof *o->alerts);
	if (o->alerts == NULL)
		return false;
	/* The last ones: what ended it. */
	for (size_t i = 0; i < n; i++) {
		const struct bm_alert *a = &c->alerts[c->alert_count - n + i];
		o->alerts[i] = (struct tie_alert){.direction = a->direction,
			.level = a->level,
			.description = a->description,
			.packet = a->packet};
	}
	o->alert_count = n;
	return true;
}

/* When its failures and alerts came. */
static void
set_times(struct tie_connection *o, const struct side *by_direction[2])
{
	const struct tie_record *r;

	for (size_t i = 0; i < o->failure_count; i++) {
		struct tie_failure *f = &o->failures[i];
		r = find(by_direction[f->direction], f->off, f->packet);
		f->ts_ns = r != NULL ? r->ts_ns : 0;
	}
	for (size_t i = 0; i < o->alert_count; i++) {
		struct tie_alert *a = &o->alerts[i];
		r = find(by_direction[a->direction], BM_UNKNOWN, a->packet);
		a->ts_ns = r != NULL ? r->ts_ns : 0;
	}
}

static bool
keep_connection(struct bm_tie *t, const struct bm_connection *c, enum bm_way client_way,
	const struct bm_tie_watch *w, struct tie_connection *o)
{
	*o = (struct tie_connection){.id = c->id,
		.client = c->client,
		.server = c->server,
		.first_ns = c->first_ts_ns,
		.last_ns = c->last_ts_ns,
		.version = c->version,
		.suite = c->has_suite ? bm_suite_find(c->suite) : NULL,
		.has_random = c->has_client_random,
		.result = c->result,
		.keys = c->keys != BM_SOURCE_NONE};
	memcpy(o->random, c->client_random, sizeof o->random);
	if (c->server_name != NULL && c->server_name[0] != '\0') {
		o->server_name = bm_arena_print(&t->arena, "%s", c->server_name);
		o->name_hash = bm_clue_name(bm_view(c->server_name, strlen(c->server_name)));
		if (o->server_name == NULL)
			return false;
	}
	if (!keep_failures(t, c, o) || !keep_alerts(t, c, o))
		return false;
	if (w == NULL)
		return true;
	const struct side *sides[2] = {[BM_CLIENT_TO_SERVER] = &w->sides[client_way],
		[BM_SERVER_TO_CLIENT] = &w->sides[client_way == BM_FORWARD ? BM_BACKWARD : BM_FORWARD]};
	set_times(o, sides);
	for (unsigned d = 0; d < 2; d++)
		if (!keep_records(t, sides[d], o, d))
			return false;
	return true;
}

enum bm_status
bm_tie_connection(struct bm_tie *t, const struct bm_connection *c, enum bm_way client_way,
	const struct bm_tie_watch *w)
{
	void *items = t->connections;
	enum bm_status st = bm_grow(&items, &t->connection_cap, t->connection_count + 1,
		BM_TIE_CONNECTIONS, sizeof *t->connections);

	t->connections = items;
	/* The arena's limit and lack of memory are not told apart, and come to the same. */
	if (st == BM_LIMIT || (st == BM_OK && !keep_connection(t, c, client_way, w,
											  &t->connections[t->connection_count]))) {
		t->left_out++;
		return BM_OK;
	}
	if (st == BM_OK)
		t->connection_count++;
	return st;
}

void
bm_tie_frame(struct bm_tie *t, uint64_t ts_ns)
{
	if (ts_ns == 0)
		return;
	if (t->first_ns == 0 || ts_ns < t->first_ns)
		t->first_ns = ts_ns;
	if (ts_ns > t->last_ns)
		t->last_ns = ts_ns;
}
