/* The rules of a connection: SYN, ACK, FIN, RST (RFC 9293, section 3.10), each only as far as
 * its segment can be trusted. Refuses to know how bytes are kept. */
#include "tcp/internal.h"

#define WINDOW ((uint64_t)1 << 16) /* slack for a reset, RFC 5961, section 3.2 */

void
tell_data(struct bm_stream *s)
{
	struct bm_flow *f = s->flow;

	if (!f->ignored && f->t->ev.on_data != NULL)
		f->t->ev.on_data(f->t->ev.ctx, f, stream_way(s));
}

void
tell_oddity(struct bm_stream *s, const struct bm_oddity *o)
{
	struct bm_flow *f = s->flow;
	struct bm_oddity here = *o;

	if (f->ignored || f->t->ev.on_oddity == NULL)
		return;
	here.off = here.off > s->origin ? here.off - s->origin : 0;
	f->t->ev.on_oddity(f->t->ev.ctx, f, stream_way(s), &here);
}

static void
tell_segment(
	struct bm_stream *s, enum bm_oddity_kind kind, const struct bm_segment *g, uint64_t off)
{
	tell_oddity(s, &(struct bm_oddity){kind, g->ts_ns, g->packet, off, g->payload_len});
}

static void
count_checksum(struct bm_stream *s, const struct bm_segment *g)
{
	if (g->payload_len != 0) {
		s->checksums[g->checksum]++;
		if (g->checksum == BM_CHECKSUM_VALID && g->payload_len > s->widest)
			s->widest = g->payload_len;
	} else if (g->checksum == BM_CHECKSUM_VALID)
		count_up(&s->bare_valid);
	else if (g->checksum == BM_CHECKSUM_INVALID)
		count_up(&s->bare_invalid);
	else if (g->checksum == BM_CHECKSUM_OFFLOADED)
		count_up(&s->bare_offloaded);
}

static void
take_early_ack(struct bm_stream *s)
{
	if (!s->has_ack_seq)
		return;
	s->has_ack_seq = false;
	uint64_t off = stream_off(s, s->ack_seq);
	if (off + CREDIBLE >= s->head && off <= s->head + CREDIBLE)
		s->acked = off;
}

static void
begin_at_syn(struct bm_stream *s, uint32_t first)
{
	if (!s->has_seq || (s->doubtful && s->d == NULL)) {
		s->zero_seq = first;
	} else if (!s->settled) {
		/* Data was captured first: what it is counted from stays. */
		uint64_t off = stream_off(s, first);
		uint64_t low = s->d != NULL && s->d->held.n != 0 ? runs_at(&s->d->held, 0)->off : off;
		s->origin = s->base = s->head = off < low ? off : low;
	}
	s->has_seq = s->saw_syn = s->settled = true;
}

/* Where the sequence numbers of a direction begin. */
static void
learn_seq(struct bm_stream *s, const struct bm_segment *g, bool good)
{
	if ((g->flags & BM_SYN) != 0) {
		if (!s->saw_syn || s->doubtful) {
			begin_at_syn(s, g->seq + 1);
			s->doubtful = !good;
			take_early_ack(s);
		}
		return;
	}
	if (s->has_seq || (g->flags & BM_RST) != 0)
		return;
	s->has_seq = true;
	s->doubtful = !good;
	s->zero_seq = g->seq;
	s->hinted = g->payload_len == 0;
	take_early_ack(s);
}

/* s is the direction that is acknowledged. */
static enum bm_status
take_ack(struct bm_stream *s, const struct bm_segment *g)
{
	bool news = false;

	if ((g->flags & BM_ACK) == 0 || (g->flags & BM_RST) != 0)
		return BM_OK;
	if (!s->has_seq) {
		if (!s->has_ack_seq || (int32_t)(g->ack - s->ack_seq) > 0)
			s->ack_seq = g->ack;
		s->has_ack_seq = true;
		return BM_OK;
	}
	s->acks++;
	uint64_t off = stream_off(s, g->ack);
	if (off > s->acked && off < s->head + ((uint64_t)1 << 30))
		s->acked = off;
	if (s->d == NULL || s->d->held.n == 0)
		return BM_OK;
	enum bm_status st = advance(s, false, &news);
	if (close_at_end(s))
		news = true;
	if (news)
		tell_data(s);
	return st;
}

static void
take_fin(struct bm_stream *s, const struct bm_segment *g, uint64_t end)
{
	if (s->end != 0 || (s->settled && end < s->head) || end > stream_right(s) + CREDIBLE)
		return;
	s->end = end;
	s->fin = true;
	tell_oddity(s, &(struct bm_oddity){BM_ODD_FIN, g->ts_ns, g->packet, end, 0});
}

/* RFC 5961, section 3.2: a reset counts only within the window. */
static void
take_reset(struct bm_stream *s, const struct bm_segment *g)
{
	if (s->reset)
		return;
	if (s->has_seq && !s->flow->ignored) {
		uint64_t off = stream_off(s, g->seq);
		uint64_t low = s->acked != 0 && s->acked < s->head ? s->acked : s->head;
		if (off + 1 < low || off > stream_right(s) + WINDOW)
			return;
		if (s->end == 0) {
			/* What was sent before it belongs to the stream, though it may have been lost. */
			uint64_t known = s->d != NULL && s->d->held.n != 0 ? stream_right(s) : s->head;
			s->end = s->acked >= off && off > known ? off : known;
		}
	} else if (s->end == 0) {
		s->end = s->head;
	}
	s->reset = true;
	s->flow->closed = true;
	tell_oddity(s, &(struct bm_oddity){BM_ODD_RST, g->ts_ns, g->packet, s->end, 0});
}

static enum bm_status
take_payload(struct bm_stream *s, const struct bm_segment *g, bool good, bool *news)
{
	bool syn = (g->flags & BM_SYN) != 0, ends = (g->flags & BM_FIN) != 0;
	uint64_t off = stream_off(s, g->seq + syn);
	enum bm_status st = BM_OK;

	/* RFC 9293, section 3.5.3: text on a reset is no stream data. */
	if ((g->flags & BM_RST) != 0)
		return BM_OK;
	if (g->payload_len != 0)
		st = place(s, g, off, good, news);
	if (ends && good)
		take_fin(s, g, off + g->payload_len);
	if (s->end != 0 && s->d != NULL && s->d->held.n != 0 && st == BM_OK)
		st = advance(s, false, news);
	if (s->fin && s->flow->stream[1 - stream_way(s)].fin)
		s->flow->closed = true;
	return st;
}

/* Nobody listens: only what ends the connection is followed. */
static void
follow_ignored(struct bm_stream *s, const struct bm_segment *g)
{
	struct bm_stream *peer = &s->flow->stream[1 - stream_way(s)];

	if (s->has_seq && g->payload_len != 0) {
		uint64_t off = stream_off(s, g->seq) + g->payload_len;
		if (off > s->head)
			s->base = s->head = off;
	}
	if ((g->flags & BM_FIN) != 0) {
		s->fin = true;
		s->end = s->head;
	}
	if ((g->flags & BM_RST) != 0)
		take_reset(s, g);
	if (s->fin && peer->fin)
		s->flow->closed = true;
}

static enum bm_status
follow(struct bm_stream *s, const struct bm_segment *g, bool good)
{
	struct bm_flow *f = s->flow;
	struct bm_stream *peer = &f->stream[1 - stream_way(s)];
	bool news = false;
	enum bm_status st = BM_OK;

	note_sighting(s, g);
	if (!s->has_seq || (good && (g->flags & BM_SYN) != 0))
		learn_seq(s, g, good);
	if (!good && g->checksum == BM_CHECKSUM_INVALID && s->has_seq)
		tell_segment(s, BM_ODD_CHECKSUM, g, stream_off(s, g->seq + ((g->flags & BM_SYN) != 0)));
	if (good)
		st = take_ack(peer, g);
	if (st == BM_OK && !f->ignored && s->has_seq)
		st = take_payload(s, g, good, &news);
	if (good && (g->flags & BM_RST) != 0)
		take_reset(s, g);
	if (close_at_end(s))
		news = true;
	if (news)
		tell_data(s);
	if (st == BM_OK && stream_over(s, f->t->o.flow_memory))
		st = stream_limit(s);
	return st;
}

/* A checksum that looks like a partial sum, among many that are right, is a damaged one: the
 * network card fills in all of a direction or none. But a receiver that joins segments (GRO) leaves
 * such sums on what it joined, and none on the others. */
static bool
lone_offload(const struct bm_stream *s, const struct bm_segment *g)
{
	uint64_t partial = s->checksums[BM_CHECKSUM_OFFLOADED] + s->bare_offloaded;

	return g->checksum == BM_CHECKSUM_OFFLOADED && g->payload_len <= s->widest &&
		   s->checksums[BM_CHECKSUM_VALID] >= 4 && partial * 4 <= s->checksums[BM_CHECKSUM_VALID];
}

/* What nearly every segment is: it acknowledges, and carries nothing or the next bytes of its
 * stream, all captured in one frame, while nothing is held in either direction or in doubt. */
static bool
is_plain(const struct bm_stream *s, const struct bm_stream *peer, const struct bm_segment *g)
{
	const struct bm_flow *f = s->flow;

	if ((g->flags & (BM_ACK | BM_SYN | BM_FIN | BM_RST)) != BM_ACK || f->ignored || f->rival ||
		f->closed || s->end != 0 || !s->has_seq || s->doubtful ||
		(peer->d != NULL && peer->d->held.n != 0))
		return false;
	if (g->payload_len == 0)
		return s->d == NULL || s->d->held.n == 0;
	return s->settled && s->d != NULL && s->d->held.n == 0 && stream_off(s, g->seq) == s->head &&
		   g->piece_count == 1 && g->payload.n == g->payload_len && g->pieces[0].payload_off == 0 &&
		   g->pieces[0].len == g->payload_len;
}

/* What flow_identity, flow_touch and follow come to then. */
static enum bm_status
follow_plain(struct bm_stream *s, struct bm_stream *peer, const struct bm_segment *g)
{
	flow_touch(s->flow, g);
	note_sighting(s, g);
	enum bm_status st = take_ack(peer, g);
	if (st == BM_OK && g->payload_len != 0) {
		s->strange = 0;
		st = place_next(s, g);
		if (st == BM_OK)
			tell_data(s);
	}
	if (st == BM_OK && stream_over(s, s->flow->t->o.flow_memory))
		st = stream_limit(s);
	return st;
}

enum bm_status
flow_segment(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	struct bm_stream *s = &f->stream[way];

	count_checksum(s, g);
	bool good =
		(g->checksum != BM_CHECKSUM_INVALID && !lone_offload(s, g)) || checksums_unreliable(s);
	if (good && is_plain(s, &f->stream[1 - way], g)) {
		enum bm_status st = follow_plain(s, &f->stream[1 - way], g);
		clear_ignored(f);
		return st;
	}
	if (good) {
		enum identity who = flow_identity(f, way, g);
		if (who == NO_FLOW)
			return BM_OK;
		if (who == OTHER_FLOW) {
			f = flow_restart(f, g, &way);
			if (f == NULL)
				return BM_NOMEM;
			s = &f->stream[way];
			count_checksum(s, g);
		}
		flow_touch(f, g);
	}
	enum bm_status st = BM_OK;
	if (!f->ignored)
		st = follow(s, g, good);
	else if (good)
		follow_ignored(s, g);
	clear_ignored(f);
	flow_linger(f);
	return st;
}
