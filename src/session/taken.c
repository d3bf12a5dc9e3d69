/* Every record is good, and its receiver complains: did it take another copy of one than the one
 * that was captured first? Of octets that were let go nothing is left to compare; so what the
 * captures hold of the last records is read once more. Refuses to say who made the other copy. */
#include "base/buf.h"
#include "session/internal.h"

#include <stdlib.h>

enum {
	MOST = 1 << 17,    /* octets of the stream looked at */
	TAKEN_MAX = 8,     /* differing copies kept */
	PIECES_MAX = 8192, /* segments that carry those octets */
	/* Nanoseconds: to read a frame again, and for a thousand octets of payload. */
	FRAME_COST = 150,
	LOOK_COST = 200,
	OCTET = 2 /* what RC4 takes for one */
};

/* What of the octets that are looked at stands in one packet. */
struct piece {
	uint64_t packet, ts_ns;
	uint32_t at, len; /* in what is looked at */
	uint32_t packet_off, segment_off;
	uint16_t sum;
	enum bm_checksum checksum;
	uint32_t tunnel;
	uint8_t *bytes; /* owned; of copies alone */
};

struct look {
	const struct half *h;
	const struct bm_address *from, *to;
	uint64_t off; /* of the stream: [off, off + n) is looked at */
	uint32_t n;
	uint64_t begun, until; /* ns, and packet: of this connection, before the complaint */
	uint64_t acked;
	uint8_t *bytes;  /* as they came first */
	uint16_t *owner; /* number of the piece that brought each + 1; 0: none */
	uint8_t *other;  /* the same of the last copy that differs */
	struct piece *pieces, copies[TAKEN_MAX];
	size_t piece_count, piece_cap, copy_count;
	uint64_t cost, limit;
	bool cut, no_memory;
};

static void
clear(struct look *k)
{
	for (size_t i = 0; i < k->copy_count; i++)
		free(k->copies[i].bytes);
	free(k->bytes);
	free(k->owner);
	free(k->other);
	free(k->pieces);
}

/* Puts those octets of it in their place that are the first there. *from, *to: in which it differs
 * from what came before. */
static bool
fill(struct look *k, const struct piece *p, const uint8_t *bytes, uint32_t *from, uint32_t *to)
{
	bool news = false;

	*from = *to = 0;
	for (uint32_t i = 0; i < p->len; i++) {
		uint32_t at = p->at + i;
		if (k->owner[at] == 0) {
			news = true;
			k->bytes[at] = bytes[i];
			k->owner[at] = (uint16_t)(k->piece_count + 1);
		} else if (k->bytes[at] != bytes[i] && k->pieces[k->owner[at] - 1].tunnel == p->tunnel) {
			*from = *to == 0 ? at : *from;
			*to = at + 1;
		}
	}
	return news;
}

static void
keep_copy(struct look *k, const struct piece *p, const uint8_t *bytes)
{
	if (k->copy_count == TAKEN_MAX) {
		k->cut = true;
		return;
	}
	uint8_t *own = malloc(p->len);
	if (own == NULL) {
		k->no_memory = true;
		return;
	}
	memcpy(own, bytes, p->len);
	k->copies[k->copy_count] = *p;
	k->copies[k->copy_count++].bytes = own;
	for (uint32_t i = 0; i < p->len; i++)
		k->other[p->at + i] = (uint8_t)k->copy_count;
}

/* What g has of the octets that are looked at. False: nothing. */
static bool
part_of(const struct look *k, const struct bm_segment *g, struct piece *out, uint32_t *skip)
{
	uint64_t off = bm_stream_offset(k->h->stream, g->seq + ((g->flags & BM_SYN) != 0));
	/* Below the stream's beginning it wraps. */
	int64_t at = (int64_t)(off - k->off), end = at + (int64_t)g->payload.n;

	if (end <= 0 || at >= (int64_t)k->n)
		return false;
	*skip = at < 0 ? (uint32_t)-at : 0;
	*out = (struct piece){.packet = g->packet,
		.ts_ns = g->ts_ns,
		.at = at < 0 ? 0 : (uint32_t)at,
		.packet_off = g->pieces[0].packet_off + *skip,
		.segment_off = *skip,
		.sum = g->sum,
		.checksum = g->checksum,
		.tunnel = g->tunnel};
	out->len = (uint32_t)(end < (int64_t)k->n ? end : (int64_t)k->n) - out->at;
	return true;
}

static void
look_at(struct look *k, const struct bm_segment *g)
{
	struct piece p;
	uint32_t skip, from, to;

	/* What its receiver drops is neither. */
	if (g->piece_count != 1 || g->payload.n == 0 || g->checksum == BM_CHECKSUM_INVALID ||
		!part_of(k, g, &p, &skip))
		return;
	void *items = k->pieces;
	enum bm_status st =
		bm_grow(&items, &k->piece_cap, k->piece_count + 1, PIECES_MAX, sizeof *k->pieces);
	k->pieces = items;
	if (st != BM_OK) {
		k->cut = true;
		return;
	}
	k->pieces[k->piece_count] = p;
	if (fill(k, &p, g->payload.p + skip, &from, &to))
		k->piece_count++;
	/* RFC 9293, section 3.10.7.4: what was acknowledged is not taken again. */
	if (to != 0 && g->checksum == BM_CHECKSUM_VALID && k->off + to > k->acked)
		keep_copy(k, &p, g->payload.p + skip);
}

static bool
each(void *ctx, const struct bm_segment *g)
{
	struct look *k = ctx;

	k->cost += FRAME_COST + g->payload.n * LOOK_COST / 1000;
	if (k->cost > k->limit)
		k->cut = true;
	if (k->cut || k->no_memory || g->packet >= k->until)
		return false;
	if (g->transport != BM_TCP || g->ts_ns < k->begun)
		return true;
	if (bm_address_equal(&g->src, k->from) && bm_address_equal(&g->dst, k->to)) {
		look_at(k, g);
	} else if ((g->flags & BM_ACK) != 0 && bm_address_equal(&g->src, k->to) &&
			   bm_address_equal(&g->dst, k->from)) {
		uint64_t acked = bm_stream_offset(k->h->stream, g->ack);
		if ((int64_t)acked > (int64_t)k->acked)
			k->acked = acked;
	}
	return true;
}

/* What the receiver brought to a record that verified. Secret. */
static bool
position_of(const struct half *h, const struct past *p, uint64_t limit, struct bm_position *pos)
{
	if (h->keys == NULL || p->epoch != h->epoch)
		return false;
	bm_position_start(h->keys, pos);
	pos->seq = p->seq;
	if (!bm_protection_chained(h->keys))
		return true;
	if (bm_protection_keys(h->keys)->suite->cipher != BM_RC4) {
		memcpy(pos->iv, p->before.iv, sizeof pos->iv);
		return true;
	}
	if (p->before.keystream < pos->rc4.position || p->before.keystream > limit / OCTET)
		return false;
	bm_rc4_skip(&pos->rc4, p->before.keystream - pos->rc4.position);
	return true;
}

static bool
verifies(struct half *h, const struct bm_position *pos, const uint8_t *bytes, uint32_t len,
	enum bm_result *result)
{
	struct bm_outcome o = {.result = BM_BAD_LENGTH};
	struct bm_wire w = {.type = bytes[0],
		.version = bm_load16(bytes + 1),
		.header = bm_view(bytes, BM_HEADER),
		.body = bm_view(bytes + BM_HEADER, len - BM_HEADER)};

	bool good = bm_load16(bytes + 3) == w.body.n && check(h, h->keys, pos, &w, false, &o);
	*result = o.result;
	return good;
}

/* The record at `at` of what is looked at, as the other copies have it, into out. False: they have
 * nothing of it, or no word of it but what came first. */
static bool
put_other(const struct look *k, uint32_t at, uint32_t len, uint8_t *out)
{
	bool other = false;

	for (uint32_t i = 0; i < len; i++) {
		const struct piece *x = k->other[at + i] != 0 ? &k->copies[k->other[at + i] - 1] : NULL;
		if (k->owner[at + i] == 0)
			return false;
		out[i] = x != NULL ? x->bytes[at + i - x->at] : k->bytes[at + i];
		other = other || out[i] != k->bytes[at + i];
	}
	return other;
}

/* Where the octet at `at` was taken from. */
static const struct piece *
source_of(const struct look *k, uint32_t at)
{
	return k->other[at] != 0 ? &k->copies[k->other[at] - 1] : &k->pieces[k->owner[at] - 1];
}

/* Octets from `at` on that came in the same two packets, [end) at most. */
static uint32_t
run_at(const struct look *k, uint32_t at, uint32_t end)
{
	uint32_t n = 1;

	while (at + n < end && k->other[at + n] == k->other[at] && k->owner[at + n] == k->owner[at])
		n++;
	return n;
}

/* Whole packets alone tell: pieces of one that another first copy parts are one fragment. */
static void
add_fragment(
	struct bm_case *c, const struct piece *p, uint32_t record_off, uint32_t skip, uint32_t n)
{
	struct bm_fragment *last = c->fragment_count != 0 ? &c->fragments[c->fragment_count - 1] : NULL;

	if (last != NULL && last->packet == p->packet &&
		last->segment_off + last->len == p->segment_off + skip) {
		last->len += n;
		return;
	}
	c->fragments[c->fragment_count++] = (struct bm_fragment){record_off, n, p->packet,
		p->packet_off + skip, p->checksum, p->packet, p->segment_off + skip, p->sum};
	if (c->packet_count == 0 || c->packets[c->packet_count - 1] != p->packet)
		c->packets[c->packet_count++] = p->packet;
}

/* The copies that came first are the others now. */
static void
keep_first(struct half *h, const struct look *k, struct bm_case *c, uint32_t at, uint32_t n)
{
	const struct piece *first = &k->pieces[k->owner[at] - 1], *taken = source_of(k, at);
	struct bm_span span = {.off = k->off + at,
		.data = bm_view(k->bytes + at, n),
		.packet = first->packet,
		.checksum = first->checksum};
	size_t held = case_add_copy(c, &span);

	session_holds(h->s, held);
	if (held == 0 || c->good_first)
		return;
	c->good_first = true;
	c->other_packet = taken->packet;
	c->apart_ns = taken->ts_ns > first->ts_ns ? taken->ts_ns - first->ts_ns : 0;
}

static bool
keep_bytes(struct half *h, const struct look *k, struct bm_case *c, const uint8_t *bytes)
{
	uint32_t at = (uint32_t)(c->off - k->off), end = at + c->len;
	size_t runs = 0;

	for (uint32_t i = at; i < end; i += run_at(k, i, end))
		runs++;
	c->record = malloc(c->len);
	c->fragments = calloc(runs + 1, sizeof *c->fragments);
	c->packets = calloc(runs + 1, sizeof *c->packets);
	if (c->record == NULL || c->fragments == NULL || c->packets == NULL)
		return false;
	memcpy(c->record, bytes, c->len);
	c->region = c->len;
	session_holds(h->s, c->len + runs * (sizeof *c->fragments + sizeof *c->packets));
	for (uint32_t i = at, n; i < end; i += n) {
		n = run_at(k, i, end);
		const struct piece *p = source_of(k, i);
		add_fragment(c, p, i - at, i - p->at, n);
		if (k->other[i] != 0)
			keep_first(h, k, c, i, n);
	}
	return true;
}

/* Does p verify as it came first, at *pos, and not as it came then? That goes into bytes. */
static bool
fails_later(struct half *h, struct look *k, const struct past *p, uint8_t *bytes,
	struct bm_position *pos, enum bm_result *result)
{
	uint32_t at = (uint32_t)(p->off - k->off);

	if (p->len <= BM_HEADER || !put_other(k, at, p->len, bytes))
		return false;
	bool good = position_of(h, p, k->limit, pos) && verifies(h, pos, k->bytes + at, p->len, result);
	/* What was read again is not what was checked, or cannot be checked any more. */
	k->cut = k->cut || !good;
	return good && !verifies(h, pos, bytes, p->len, result) && h->s->status == BM_OK;
}

/* If so, tells of it. */
static bool
tell(struct half *h, struct look *k, const struct past *p, const struct bm_alert_seen *a)
{
	uint8_t *bytes = malloc(p->len);
	struct bm_position pos = {.seq = p->seq};
	enum bm_result result;
	struct bm_case *c = NULL;

	if (bytes == NULL) {
		session_fail(h->s, BM_NOMEM);
		return false;
	}
	if (fails_later(h, k, p, bytes, &pos, &result))
		c = new_case(h, BM_CASE_BAD_RECORD, p->off, 0);
	if (c != NULL && c->position != NULL) {
		c->len = p->len;
		c->seq = p->seq;
		*c->position = pos;
		c->result = result;
		c->alert = a->description;
		c->alert_packet = a->packet;
		c->epoch_verified = true;
		if (!keep_bytes(h, k, c, bytes))
			session_fail(h->s, BM_NOMEM);
	}
	bm_wipe(&pos, sizeof pos);
	free(bytes);
	return c != NULL;
}

/* The records that may be meant: from the first of them on. */
static uint64_t
first_meant(
	const struct half *h, const struct bm_alert_seen *a, uint64_t since, const struct past *last)
{
	uint64_t off = last->off, end = last->off + last->len;

	for (size_t i = 0; i < h->past_count; i++) {
		const struct past *p = &h->past[i];
		if (was_there(p, a) && p->packet > since && p->off < off && end - p->off <= MOST)
			off = p->off;
	}
	return off;
}

/* In the order of the stream: a receiver stops at the first that is bad. */
static bool
tell_first(struct half *h, struct look *k, const struct bm_alert_seen *a)
{
	uint64_t at = k->off, end = k->off + k->n;

	while (at < end) {
		const struct past *next = NULL;
		for (size_t i = 0; i < h->past_count; i++) {
			const struct past *p = &h->past[i];
			if (p->off >= at && p->off + p->len <= end && (next == NULL || p->off < next->off))
				next = p;
		}
		if (next == NULL)
			return false;
		if (tell(h, k, next, a))
			return true;
		at = next->off + next->len;
	}
	return false;
}

static bool
all_there(const struct look *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (k->owner[i] == 0)
			return false;
	return true;
}

bool
tell_taken(struct half *h, const struct bm_alert_seen *a, uint64_t since, const struct past *last,
	bool *unread)
{
	struct bm_session *s = h->s;
	struct bm_session_env *env = s->env;
	uint64_t off = first_meant(h, a, since, last);
	struct look k = {.h = h,
		.from = bm_flow_source(s->flow, h->way),
		.to = bm_flow_source(s->flow, (enum bm_way)(1 - h->way)),
		.off = off,
		.n = (uint32_t)(last->off + last->len - off),
		.begun = bm_flow_first_ts(s->flow),
		.until = a->packet,
		.limit = bm_search_share(env)};

	/* Whoever follows one part of the flows has all of it read once more on account of the case. */
	if (s->dtls || h->stream == NULL || env->apart || k.n > MOST)
		return false;
	*unread = true;
	if (env->traffic.walk == NULL)
		return false;
	k.bytes = malloc(k.n);
	k.owner = calloc(k.n, sizeof *k.owner);
	k.other = calloc(k.n, sizeof *k.other);
	k.no_memory = k.bytes == NULL || k.owner == NULL || k.other == NULL;
	if (!k.no_memory)
		(void)env->traffic.walk(env->traffic.ctx, each, &k);
	if (k.no_memory)
		session_fail(s, BM_NOMEM);
	env->spent += k.cost;
	bool told = false;
	if (!k.no_memory) {
		told = k.copy_count != 0 && tell_first(h, &k, a);
		*unread = k.cut || !all_there(&k);
	}
	clear(&k);
	return told;
}
