/* Looks a run of a failed record up in everything that the captures hold: nothing is kept for it
 * while records are good, the captures are read once more. Refuses to know what a find means.
 *
 * The same bytes stand twice in a capture for innocent reasons too: TCP sent them again, or the
 * connection was seen before and behind a relay, a translator or a tunnel. Sightings of the
 * record's own bytes are told by their sequence number; other sightings of the connection by its
 * client random. A connection whose beginning was not captured could be one without showing it:
 * what it carries is not counted as found. */
#include "why/donor.h"
#include "why/record.h"

#include <stdlib.h>

enum {
	PIECES_MAX = 256,
	SIGHTINGS_MAX = 16,
	/* Nanoseconds: to read a frame again, and for a thousand octets of payload. */
	FRAME_COST = 150,
	SUM_COST = 100,
	LOOK_COST = 2500
};

/* A run inside one segment. */
struct piece {
	uint32_t at, n;
	uint32_t seq; /* TCP: of its first octet; UDP: its place in the datagram */
	uint64_t packet;
	struct bm_address src, dst;
	enum bm_transport transport;
	uint32_t tunnel;
	bool same_start;
};

struct ends {
	struct bm_address a, b;
	uint32_t tunnel;
};

struct walk {
	const struct bm_why *w;
	struct bm_repeats *r;
	struct bm_donor_search *out;
	const struct bm_flow *flow;
	uint32_t text_at;
	uint32_t own_seq; /* of the text's first octet */
	const struct bm_segment *now;
	struct piece *pieces;
	size_t piece_count;
	struct piece copies[SIGHTINGS_MAX]; /* of the record, from its header on */
	size_t copy_count;
	struct ends sightings[SIGHTINGS_MAX]; /* of the connection */
	size_t sighting_count;
	uint64_t cost, limit;
};

/* 0: sent the same way as the record, 1: the other way; -1: on other addresses. */
static int
way_of(const struct walk *k, const struct bm_address *src, const struct bm_address *dst)
{
	enum bm_way client = k->w->facts->client_way;
	enum bm_way way = k->w->c->direction == BM_C2S ? client : (enum bm_way)(1 - client);
	const struct bm_address *from = bm_flow_source(k->flow, way);
	const struct bm_address *to = bm_flow_source(k->flow, (enum bm_way)(1 - way));

	if (bm_address_equal(src, from) && bm_address_equal(dst, to))
		return 0;
	return bm_address_equal(src, to) && bm_address_equal(dst, from) ? 1 : -1;
}

static bool
carries_record(const struct bm_case *c, uint64_t packet)
{
	for (size_t i = 0; i < c->packet_count; i++)
		if (c->packets[i] == packet)
			return true;
	return false;
}

static void
note_sighting(struct walk *k)
{
	const struct bm_segment *s = k->now;

	if (k->sighting_count < SIGHTINGS_MAX)
		k->sightings[k->sighting_count++] = (struct ends){s->src, s->dst, s->tunnel};
}

/* Within [off, off + len) of the stream, by sequence numbers? */
static bool
lies_within(const struct walk *k, uint32_t seq, uint32_t n, uint64_t off, uint32_t len)
{
	uint32_t from = seq - (k->own_seq + (uint32_t)(off - (k->w->c->off + k->text_at)));

	return from < len && n <= len - from;
}

/* In a record of the same number that is good: the run is what was not damaged of it. */
static bool
is_of_right_one(const struct walk *k, uint32_t seq, uint32_t n)
{
	const struct bm_case *c = k->w->c;
	size_t count;
	const struct bm_case *all = bm_session_cases(k->w->session, &count);

	if (c->after == BM_AFTER_SAME && lies_within(k, seq, n, c->after_off, c->len))
		return true;
	for (size_t i = 0; i < count; i++)
		if (bm_is_right_one(k->w, &all[i]) && lies_within(k, seq, n, all[i].off, all[i].len))
			return true;
	return false;
}

/* A sighting of the record's own octets, whatever addresses it has. */
static bool
is_itself(const struct walk *k, const struct bm_segment *s, struct bm_repeat m)
{
	const struct bm_case *c = k->w->c;

	if (s->transport != BM_TCP)
		return carries_record(c, s->packet);
	uint32_t seq = s->seq + ((s->flags & BM_SYN) != 0) + (uint32_t)m.from;
	if (seq == k->own_seq + m.at)
		return true;
	if (is_of_right_one(k, seq, m.n))
		return true;
	/* Within the record the repeat has been seen already. */
	return way_of(k, &s->src, &s->dst) == 0 && seq - (k->own_seq - k->text_at) < c->len;
}

/* The IV or nonce that the record brings is there too, with what follows it. */
static bool
has_same_start(const struct walk *k, const struct bm_segment *s, struct bm_repeat m)
{
	size_t header =
		bm_version_is_dtls(k->w->facts->version) ? k->w->c->header_len : (size_t)BM_HEADER;
	size_t n = k->text_at > header ? k->text_at - header : 0;

	return m.at == 0 && n != 0 && m.from >= n &&
		   memcmp(s->payload.p + m.from - n, k->w->c->record + header, n) == 0;
}

/* The record is there from its header on: another copy of it rather than a run from elsewhere. */
static bool
has_header(const struct walk *k, const struct bm_segment *s, struct bm_repeat m)
{
	return m.at == 0 && m.from >= k->text_at &&
		   memcmp(s->payload.p + m.from - k->text_at, k->w->c->record, k->text_at) == 0;
}

static void
found(void *ctx, struct bm_repeat m)
{
	struct walk *k = ctx;
	const struct bm_segment *s = k->now;

	if (m.at == k->r->text.n) {
		note_sighting(k);
		return;
	}
	if (is_itself(k, s, m) || bm_repeat_is_copy(k->r->text, s->payload, m))
		return;
	bool tcp = s->transport == BM_TCP;
	struct piece p = {.at = m.at,
		.n = m.n,
		.seq = (tcp ? s->seq + ((s->flags & BM_SYN) != 0) : 0) + (uint32_t)m.from,
		.packet = s->packet,
		.src = s->src,
		.dst = s->dst,
		.transport = s->transport,
		.tunnel = s->tunnel,
		.same_start = has_same_start(k, s, m)};
	/* In its own connection sequence numbers have told. */
	if (has_header(k, s, m) && (!tcp || way_of(k, &s->src, &s->dst) < 0) &&
		k->copy_count < SIGHTINGS_MAX)
		k->copies[k->copy_count++] = p;
	if (k->piece_count < PIECES_MAX) {
		k->pieces[k->piece_count++] = p;
		return;
	}
	/* The shortest one gives way. */
	struct piece *least = &k->pieces[0];
	for (size_t i = 1; i < PIECES_MAX; i++)
		if (k->pieces[i].n < least->n)
			least = &k->pieces[i];
	if (least->n < p.n)
		*least = p;
}

static bool
each(void *ctx, const struct bm_segment *s)
{
	struct walk *k = ctx;
	size_t stride = bm_repeat_stride(k->r->places);
	uint64_t per_1000 = SUM_COST + LOOK_COST / stride;

	if (k->cost > k->limit) {
		k->out->cut = true;
		return false;
	}
	k->cost += FRAME_COST + s->payload.n * per_1000 / 1000;
	k->out->packets++;
	k->now = s;
	if (s->payload.n >= BM_WINDOW)
		bm_repeats_compare(k->r, s->payload, stride, found, k);
	return true;
}

static bool
same_flow(const struct piece *a, const struct piece *b)
{
	return a->transport == b->transport && a->tunnel == b->tunnel &&
		   bm_address_equal(&a->src, &b->src) && bm_address_equal(&a->dst, &b->dst);
}

static bool
seen_elsewhere(const struct walk *k, const struct piece *p)
{
	for (size_t i = 0; i < k->copy_count; i++)
		if (same_flow(&k->copies[i], p) && k->copies[i].seq - k->copies[i].at == p->seq - p->at &&
			(p->transport == BM_TCP || k->copies[i].packet == p->packet))
			return true;
	if (way_of(k, &p->src, &p->dst) >= 0)
		return false;
	for (size_t i = 0; i < k->sighting_count; i++) {
		const struct ends *e = &k->sightings[i];
		if ((bm_address_equal(&e->a, &p->src) && bm_address_equal(&e->b, &p->dst)) ||
			(bm_address_equal(&e->b, &p->src) && bm_address_equal(&e->a, &p->dst)))
			return true;
	}
	return false;
}

static int
by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->packet < y->packet ? -1 : x->packet > y->packet;
}

/* Pieces that go on from one segment to the next are one run. The longest of all. */
static void
join(struct walk *k, struct piece *first)
{
	struct bm_donor *best = &k->out->donor;

	qsort(k->pieces, k->piece_count, sizeof *k->pieces, by_place);
	for (size_t i = 0; i < k->piece_count; i++) {
		const struct piece *p = &k->pieces[i];
		if (seen_elsewhere(k, p))
			continue;
		uint32_t end = p->at + p->n;
		uint64_t last = p->packet;
		for (size_t j = i + 1; p->transport == BM_TCP && j < k->piece_count; j++) {
			const struct piece *q = &k->pieces[j];
			if (q->at > end)
				break;
			if (q->at + q->n > end && same_flow(p, q) && q->seq - q->at == p->seq - p->at) {
				end = q->at + q->n;
				last = q->packet;
			}
		}
		if (end - p->at <= best->n)
			continue;
		*first = *p;
		*best = (struct bm_donor){.at = p->at,
			.n = end - p->at,
			.packet = p->packet,
			.last_packet = last,
			.same_start = p->same_start};
	}
}

/* Of the direction that the donor was sent in: where its stream began, as last seen before it. */
struct begin {
	const struct piece *p;
	bool syn;
	uint32_t seq;
	uint64_t cost, limit;
};

static bool
look_for_begin(void *ctx, const struct bm_segment *s)
{
	struct begin *b = ctx;

	b->cost += FRAME_COST + s->payload.n * SUM_COST / 1000;
	if (s->packet > b->p->packet || b->cost > b->limit)
		return false;
	if (s->transport == b->p->transport && (s->flags & BM_SYN) != 0 && s->tunnel == b->p->tunnel &&
		bm_address_equal(&s->src, &b->p->src) && bm_address_equal(&s->dst, &b->p->dst)) {
		b->syn = true;
		b->seq = s->seq + 1;
	}
	return true;
}

/* Of what is known of the stream. */
static uint64_t
stream_end(const struct bm_stream *s)
{
	uint64_t head = bm_stream_base(s), acked = bm_stream_acked(s), n;

	do {
		n = bm_stream_avail(s, head);
		n += bm_stream_gap(s, head + n);
		head += n;
	} while (n != 0);
	return acked > head ? acked : head;
}

static void
place(struct walk *k, const struct bm_traffic *t, const struct piece *p)
{
	struct bm_donor *d = &k->out->donor;
	const struct bm_case *c = k->w->c;
	int way = way_of(k, &p->src, &p->dst);
	struct begin b = {.p = p, .limit = k->limit};

	d->from = p->src;
	d->to = p->dst;
	d->place = way == 0   ? BM_DONOR_SAME_DIRECTION
			   : way == 1 ? BM_DONOR_OTHER_DIRECTION
						  : BM_DONOR_OTHER_FLOW;
	if (p->transport != BM_TCP)
		return;
	const struct bm_stream *own = NULL;
	if (way >= 0) {
		enum bm_way w = k->w->facts->client_way;
		if ((c->direction == BM_C2S) == (way == 1))
			w = (enum bm_way)(1 - w);
		own = bm_flow_stream(bm_session_flow_of(k->w->session), w);
	}
	(void)t->walk(t->ctx, look_for_begin, &b);
	*k->w->spent += b.cost;
	/* Its sequence numbers are none of the connection's: ports that are used again, or a device
	 * that numbers anew, with both of its sides in the capture. */
	if (own != NULL) {
		uint64_t off = (uint32_t)(p->seq - bm_stream_sequence(own, 0));
		uint64_t end = stream_end(own);
		if ((b.syn && b.seq != bm_stream_sequence(own, 0)) || (end >> 32 == 0 && off > end)) {
			k->out->refuse =
				"they stand in another connection of the same addresses, which may be a second "
				"sighting of this one";
			return;
		}
	}
	if (own != NULL || b.syn) {
		d->has_offset = true;
		d->offset = p->seq - (own != NULL ? bm_stream_sequence(own, 0) : b.seq);
	}
	/* Past 4 GB sequence numbers come again: what is near counts. */
	if (own != NULL && way == 0)
		d->offset = c->off + k->text_at + (uint64_t)(int64_t)(int32_t)(p->seq - k->own_seq);
	if (d->place == BM_DONOR_OTHER_FLOW && !b.syn)
		k->out->refuse =
			"they stand in another connection too, whose beginning was not captured: it may be a "
			"second sighting of this one";
}

struct bm_view
bm_sighting_name(const struct bm_why *w)
{
	return w->facts->has_client_random ? bm_view(w->facts->first_random, BM_RANDOM)
									   : bm_view(NULL, 0);
}

void
bm_look_for_donor(
	const struct bm_why *w, struct bm_repeats *r, uint32_t text_at, struct bm_donor_search *out)
{
	const struct bm_case *c = w->c;
	struct piece first;

	*out = (struct bm_donor_search){.walked = false};
	if (w->session == NULL)
		return;
	const struct bm_traffic *t = &bm_session_env_of(w->session)->traffic;
	if (t->walk == NULL)
		return;
	struct walk k = {.w = w,
		.r = r,
		.out = out,
		.flow = bm_session_flow(w->session),
		.text_at = text_at,
		.limit = w->share / 2};
	k.pieces = calloc(PIECES_MAX, sizeof *k.pieces);
	if (k.pieces == NULL)
		return;
	if (bm_flow_transport(k.flow) == BM_TCP) {
		enum bm_way way = w->facts->client_way;
		if (c->direction != BM_C2S)
			way = (enum bm_way)(1 - way);
		k.own_seq = bm_stream_sequence(
			bm_flow_stream(bm_session_flow_of(w->session), way), c->off + text_at);
	}
	out->walked = true;
	if (!t->walk(t->ctx, each, &k))
		out->cut = true;
	*w->spent += k.cost;
	join(&k, &first);
	if (out->donor.n != 0)
		place(&k, t, &first);
	free(k.pieces);
}
