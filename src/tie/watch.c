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

const struct tie_record *
tie_watch_nth(const struct bm_tie_watch *w, enum bm_way way, uint64_t n)
{
	const struct side *s = &w->sides[way];
	uint64_t held = s->count < s->cap ? s->count : s->cap;

	return n < held ? &s->ring[(s->count - held + n) % TIE_RECORDS] : NULL;
}
