/* Octets that a claim says changed their places: words, segments, the rest of a segment. Refuses to
 * know keys. */
#include "prove/internal.h"

/* The same octets in another order? */
bool
is_exchange(const struct badmac_claim *c)
{
	size_t count[256] = {0};

	for (size_t i = 0; i < c->damage_count; i++) {
		if (c->damage[i].sent.n != c->damage[i].received.n)
			return false;
		for (size_t b = 0; b < c->damage[i].sent.n; b++) {
			count[c->damage[i].sent.p[b]]++;
			count[c->damage[i].received.p[b]]--;
		}
	}
	for (size_t i = 0; i < 256; i++)
		if (count[i] != 0)
			return false;
	return true;
}

/* Octets that moved over by a few: what was sent stands there, earlier or later. */
bool
is_moved(const struct badmac_claim *c)
{
	enum { FEW = 16 };

	for (size_t i = 0; i < c->damage_count; i++) {
		const struct badmac_claimed_damage *d = &c->damage[i];
		bool moved = false;
		for (size_t by = 1; by <= FEW && by < d->sent.n && d->sent.n == d->received.n; by++)
			moved = moved || memcmp(d->received.p, d->sent.p + by, d->sent.n - by) == 0 ||
					memcmp(d->received.p + by, d->sent.p, d->sent.n - by) == 0;
		if (moved && d->sent.n > (size_t)2 * FEW)
			return true;
	}
	return false;
}

/* The other packet that carries damage; BADMAC_UNKNOWN: there is none, or more than one. */
static uint64_t
other_packet(const struct badmac_claim *c, uint64_t packet)
{
	uint64_t other = BADMAC_UNKNOWN;

	for (size_t i = 0; i < c->damage_count; i++) {
		if (c->damage[i].packet == packet)
			continue;
		if (other != BADMAC_UNKNOWN && other != c->damage[i].packet)
			return BADMAC_UNKNOWN;
		other = c->damage[i].packet;
	}
	return other;
}

/* Does d hold all that the record has of one packet, and is what was sent what the other one has in
 * the same place? */
static bool
is_segment_of(struct judge *j, const struct badmac_claimed_damage *d)
{
	uint64_t begin = j->claim->stream_offset, end = begin + j->claim->length;
	const struct kept *k = frame_kept(j->p, j->flow->site, other_packet(j->claim, d->packet));
	struct bit own;
	size_t n;
	const struct bit *bits = judge_bits(j, &n, &own);

	if (k == NULL || !k->has_segment)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct bit *b = &bits[i];
		uint64_t from = b->off > begin ? b->off : begin;
		uint64_t to = b->off + b->len < end ? b->off + b->len : end;
		if (b->packet != d->packet || d->stream_offset != from || from >= to)
			continue;
		uint64_t at = b->segment_off + (from - b->off);
		return d->length == to - from && d->sent.n == d->length && at <= k->s.payload.n &&
			   d->sent.n <= k->s.payload.n - at &&
			   memcmp(k->s.payload.p + at, d->sent.p, d->sent.n) == 0;
	}
	return false;
}

bool
is_of_two_packets(const struct badmac_claim *c)
{
	return c->damage_count != 0 && other_packet(c, c->damage[0].packet) != BADMAC_UNKNOWN;
}

/* One of them may be of another record that fails too: then the report does not name it. */
bool
are_segments_exchanged(struct judge *j)
{
	const struct badmac_claim *c = j->claim;

	if (c->damage_count == 0 || c->packet_count < 2 || j->flow->dtls)
		return false;
	for (size_t i = 0; i < c->damage_count; i++)
		if (c->damage[i].packet != c->damage[0].packet && !is_of_two_packets(c))
			return false;
	for (size_t i = 0; i < c->damage_count && is_of_two_packets(c); i++)
		if (!is_segment_of(j, &c->damage[i]))
			return false;
	return true;
}
