/* The record that a claim speaks of: where it stands, in which packets, and that its bytes are
 * those that the report quotes. Refuses to know keys. */
#include "prove/internal.h"

/* Of a stream, or of the datagram that the claim names. */
struct bm_view
judge_captured(const struct judge *j)
{
	const struct window *w = &j->part->record;

	return j->flow->dtls ? j->datagram : bm_view(window_bytes(w), window_have(w));
}

const struct bit *
judge_bits(const struct judge *j, size_t *n, struct bit *own)
{
	const struct kept *k = j->frame;

	*n = j->part->record.bit_count;
	if (!j->flow->dtls)
		return j->part->record.bits;
	uint64_t at = j->claim->altered.packet_offset;
	*own = (struct bit){0, (uint32_t)j->datagram.n, k->number, (uint32_t)at, k->s.checksum,
		(uint32_t)(at - k->payload_off)};
	*n = 1;
	return own;
}

/* Where the record of a datagram begins is said of proofs, and shows from damage. */
static void
place_in_datagram(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	uint64_t at = BADMAC_UNKNOWN;

	if (c->has_proof && c->has_altered)
		at = c->altered.packet_offset;
	if (c->packet_count != 1 || at == BADMAC_UNKNOWN || c->altered.packet != c->packets[0]) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "place",
			"the report does not say where in a packet the record stands");
		return;
	}
	j->frame = frame_kept(j->p, j->flow->site, c->packets[0]);
	if (j->frame == NULL || !j->frame->has_segment) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "place",
			"packet %llu holds no whole datagram, or is not in the capture", ull(c->packets[0]));
		return;
	}
	const struct kept *k = j->frame;
	char from[BM_ADDRESS_TEXT_MAX];
	bm_address_text(&k->s.src, from);
	bool client = c->direction == BADMAC_CLIENT_TO_SERVER;
	if (strcmp(from, client ? j->conn->client : j->conn->server) != 0 || at < k->payload_off ||
		at - k->payload_off > k->s.payload.n) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "place",
			"no record of this direction stands at offset %llu of packet %llu", ull(at),
			ull(c->packets[0]));
		return;
	}
	size_t skip = (size_t)(at - k->payload_off);
	j->datagram = bm_view(k->s.payload.p + skip, k->s.payload.n - skip);
	if (c->length > j->datagram.n) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "place",
			"the datagram ends before the %llu bytes that the report says the record has",
			ull(c->length));
		return;
	}
	step_passes(j, "place", "%llu bytes stand at offset %llu of packet %llu", ull(c->length),
		ull(at), ull(c->packets[0]));
}

void
judge_place(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct window *w = &j->part->record;

	if (c->length == BADMAC_UNKNOWN && c->stream_offset == BADMAC_UNKNOWN)
		return; /* no record is named */
	if (c->length == BADMAC_UNKNOWN || c->length > WINDOW_MOST) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "place",
			"the report says no length, or one that no record has");
		return;
	}
	if (j->flow->dtls) {
		place_in_datagram(j);
		return;
	}
	if (c->stream_offset == BADMAC_UNKNOWN) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "place",
			"the report does not say where in the stream the record stands");
		return;
	}
	if (window_have(w) < c->length) {
		/* A length that was damaged may say more than was ever sent. */
		if (is_cause(j, "header-damaged") && !w->gone && window_have(w) >= BM_HEADER)
			step_passes(j, "place", "%lu of %llu bytes stand at stream offset %llu, then it ends",
				(unsigned long)window_have(w), ull(c->length), ull(c->stream_offset));
		else if (w->gone || j->p->cut)
			step_decides(j, BADMAC_CANNOT_BE_CHECKED, "place",
				"bytes at stream offset %llu are missing in the capture, or were not kept",
				ull(c->stream_offset));
		else
			step_decides(j, BADMAC_DOES_NOT_HOLD, "place",
				"the stream ends before the %llu bytes at its offset %llu", ull(c->length),
				ull(c->stream_offset));
		return;
	}
	step_passes(j, "place", "%llu bytes stand at stream offset %llu", ull(c->length),
		ull(c->stream_offset));
}

void
judge_packets(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	struct bit own;
	size_t n, at = 0;

	if (c->length == BADMAC_UNKNOWN)
		return;
	const struct bit *bits = judge_bits(j, &n, &own);
	uint64_t begin = j->flow->dtls ? 0 : c->stream_offset, end = begin + c->length, last = 0;
	/* Of a good record that was not the last one, the report knows the packet of its end alone. */
	if (is_cause(j, "record-was-good") && c->packet_count == 1)
		begin = end - 1;
	for (size_t i = 0; i < n; i++) {
		if (bits[i].off + bits[i].len <= begin || bits[i].off >= end || bits[i].packet == last)
			continue;
		last = bits[i].packet;
		if (at >= c->packet_count || c->packets[at] != last) {
			step_decides(j, BADMAC_DOES_NOT_HOLD, "packets",
				"packet %llu carries bytes of the record, and the report does not say so in its "
				"place",
				ull(last));
			return;
		}
		at++;
	}
	if (at != c->packet_count) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "packets",
			"packet %llu carries nothing of the record", ull(c->packets[at]));
		return;
	}
	step_passes(j, "packets", "%zu packet%s carr%s it, as the report says", at, at == 1 ? "" : "s",
		at == 1 ? "ies" : "y");
}

/* Does the byte at record offset `off` stand where the claim says? */
static bool
stands_there(struct judge *j, const struct badmac_claimed_damage *d)
{
	struct bit own;
	size_t n;
	const struct bit *bits = judge_bits(j, &n, &own);
	uint64_t at = (j->flow->dtls ? 0 : j->claim->stream_offset) + d->record_offset;

	for (size_t i = 0; i < n; i++)
		if (at >= bits[i].off && at - bits[i].off < bits[i].len)
			return bits[i].packet == d->packet &&
				   bits[i].packet_off + (at - bits[i].off) == d->packet_offset;
	return d->packet == BADMAC_UNKNOWN && d->packet_offset == BADMAC_UNKNOWN;
}

/* NULL: it is as it says. */
static const char *
wrong_damage(struct judge *j, const struct badmac_claimed_damage *d, uint64_t from)
{
	struct bm_view all = judge_captured(j);

	if (d->record_offset < from)
		return "runs overlap, or are out of order";
	if (d->received.n != d->length)
		return "its length is not that of what was received";
	if (d->length == 0 && d->sent_known && d->sent.n == 0)
		return "nothing was received, and nothing was sent";
	if (d->record_offset > all.n || all.n - d->record_offset < d->length)
		return "the captured bytes end before it";
	if (d->length != 0 && memcmp(all.p + d->record_offset, d->received.p, d->length) != 0)
		return "other bytes were received there";
	if (j->flow->dtls ? d->stream_offset != BADMAC_UNKNOWN
					  : d->stream_offset != j->claim->stream_offset + d->record_offset)
		return "its place in the stream is another one";
	if (!stands_there(j, d))
		return "its place in the packet is another one";
	/* The frame itself, byte by byte, as far as the run goes in it. */
	const struct kept *k = frame_kept(j->p, j->flow->site, d->packet);
	if (k == NULL)
		return d->packet == BADMAC_UNKNOWN || j->p->cut ? NULL : "its packet is not in the capture";
	if (d->packet_offset > k->n || (d->length != 0 && d->packet_offset == k->n))
		return "its packet ends before it";
	if (d->length != 0 && k->bytes[d->packet_offset] != d->received.p[0])
		return "its packet holds another byte";
	if (d->sent_known && d->sent.n == d->received.n && d->length != 0 &&
		memcmp(d->sent.p, d->received.p, d->length) == 0)
		return "what was sent is what was received";
	return NULL;
}

void
judge_received(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	uint64_t from = 0, octets = 0;

	if (c->damage_count == 0)
		return;
	if (c->length == BADMAC_UNKNOWN) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "received", "damage is told of no record");
		return;
	}
	for (size_t i = 0; i < c->damage_count; i++) {
		if (!c->damage[i].received_known) {
			step_decides(j, BADMAC_CANNOT_BE_CHECKED, "received",
				"damage %zu: the report leaves out what was received", i);
			return;
		}
		const char *what = wrong_damage(j, &c->damage[i], from);
		if (what != NULL) {
			step_decides(j, BADMAC_DOES_NOT_HOLD, "received", "damage %zu: %s", i, what);
			return;
		}
		from = c->damage[i].record_offset + c->damage[i].length;
		octets += c->damage[i].length;
	}
	step_passes(j, "received", "%llu byte%s received stand%s where the report says", ull(octets),
		octets == 1 ? "" : "s", octets == 1 ? "s" : "");
}
