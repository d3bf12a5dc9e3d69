/* What a cause takes beside a check that succeeds: where else the bytes stand that are put in, the
 * other record of the same bytes or number, where the damage lies. Refuses to search. */
#include "prove/internal.h"

enum { TEXT_LEAST = 8 }; /* octets */

/* -- other copies --------------------------------------------------------------------- */

/* Do the octets that are put in stand at their place in a segment of frame k? */
static bool
stands_in(const struct judge *j, const struct kept *k, const struct badmac_claimed_damage *d)
{
	unsigned side = j->claim->direction;

	if (k == NULL || !k->has_segment || !j->flow->has_first_seq[side] || d->sent.n == 0)
		return false;
	/* Stream offset 0 stands at the first number; both count modulo 2^32 (RFC 9293, section 3.4).
	 */
	uint32_t at = j->flow->first_seq[side] + (uint32_t)d->stream_offset - k->s.seq;
	return at < k->s.payload.n && d->sent.n <= k->s.payload.n - at &&
		   memcmp(k->s.payload.p + at, d->sent.p, d->sent.n) == 0;
}

static const char *
site_named(const struct bm_prove *p, const char *name)
{
	const char *last = strrchr(name, '/');

	for (size_t i = 0; i < p->site_count; i++)
		if (strcmp(p->sites[i], name) == 0)
			return p->sites[i];
	last = last != NULL ? last + 1 : name;
	for (size_t i = 0; i < p->site_count; i++) {
		const char *own = strrchr(p->sites[i], '/');
		if (strcmp(own != NULL ? own + 1 : p->sites[i], last) == 0)
			return p->sites[i];
	}
	return NULL;
}

static bool
sent_by(const struct judge *j, const struct kept *k)
{
	char from[BM_ADDRESS_TEXT_MAX];

	bm_address_text(&k->s.src, from);
	return strcmp(from, j->claim->direction == BADMAC_CLIENT_TO_SERVER ? j->conn->client
																	   : j->conn->server) == 0;
}

/* In the same capture: each run, at its place in the stream. */
static void
judge_copies(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_change *a = &c->altered;

	if (a->sent_packet_count == 0) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			"the report does not say which packet carries the other bytes");
		return;
	}
	for (size_t i = 0; i < c->damage_count; i++) {
		bool found = false;
		for (size_t n = 0; n < a->sent_packet_count && !found; n++) {
			const struct kept *k = frame_kept(j->p, j->flow->site, a->sent_packets[n]);
			found = stands_in(j, k, &c->damage[i]) && sent_by(j, k);
		}
		if (!found) {
			step_decides(j, BADMAC_DOES_NOT_HOLD, "source",
				"the packets that are named do not carry what damage %zu says was sent", i);
			return;
		}
	}
	step_passes(j, "source", "packet %llu carries the other bytes", ull(a->sent_packets[0]));
}

/* In another capture, where streams may be counted otherwise: the first run, at its place in the
 * frame; of a run that is cut out, what follows it. */
static void
judge_other_capture(struct judge *j)
{
	enum { TELLING = 8 };
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_change *a = &c->altered;
	const struct badmac_claimed_damage *d = &c->damage[0];
	const char *site = site_named(j->p, a->capture);
	struct bm_view all = judge_captured(j), want = bm_view(d->sent.p, d->sent.n);
	size_t behind = (size_t)(d->record_offset + d->length), more = all.n - behind;
	const struct kept *k = site != NULL && a->sent_packet_count != 0
							   ? frame_kept(j->p, site, a->sent_packets[0])
							   : NULL;

	if (site == j->flow->site) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source", "the other capture is this one");
		return;
	}
	if (want.n == 0)
		want = bm_view(all.p + behind, more < TELLING ? more : TELLING);
	if (k == NULL || a->sent_packet_offset == BADMAC_UNKNOWN || want.n == 0) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			site == NULL ? "the other capture is not among those given"
						 : "the report does not say where in the other capture the bytes stand");
		return;
	}
	if (a->sent_packet_offset >= k->n) {
		step_decides(
			j, BADMAC_DOES_NOT_HOLD, "source", "the packet of the other capture ends before");
		return;
	}
	/* A few octets stand anywhere: those around them have to stand there as well. */
	size_t at = (size_t)a->sent_packet_offset, there = k->n - at, from = (size_t)d->record_offset;
	size_t last = c->damage_count > 1 ? (size_t)c->damage[1].record_offset : all.n;
	size_t after = last - behind < TELLING ? last - behind : TELLING;
	size_t before = k->has_segment && at > k->payload_off ? at - k->payload_off : 0;
	before = before < from ? before : from;
	before = before < TELLING ? before : TELLING;
	size_t n = want.n < there ? want.n : there;
	if (d->sent.n == 0 || after > there - n)
		after = d->sent.n == 0 ? 0 : there - n;
	if (memcmp(k->bytes + at, want.p, n) != 0 ||
		memcmp(k->bytes + at + n, all.p + behind, after) != 0 ||
		memcmp(k->bytes + at - before, all.p + from - before, before) != 0) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source",
			"the other capture holds other bytes at the place that is named");
		return;
	}
	if (before + n + after < TELLING) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			"too few bytes stand in the packet of the other capture to tell that they are the "
			"same");
		return;
	}
	step_passes(j, "source", "packet %llu of the other capture holds them", ull(k->number));
}

/* -- another record ---------------------------------------------------------------------- */

/* DTLS: the record of that number in the datagram, which verifies; *body: what it protects. */
static bool
other_of_datagram(struct judge *j, const struct key_set *keys, struct bm_view *body)
{
	const struct badmac_claimed_record *o = &j->claim->altered.other_record;
	const struct kept *k = frame_kept(j->p, j->flow->site, o->packet);

	if (k == NULL || !k->has_segment)
		return false;
	for (size_t at = 0; at < k->s.payload.n;) {
		struct checked got;
		struct bm_dtls_record r;
		bool agree, bad;
		struct bm_view rest = bm_view(k->s.payload.p + at, k->s.payload.n - at);
		struct bm_reader rd = bm_reader(rest);
		if (!bm_dtls_next(&rd, j->part->cid_len[0], &r, &bad))
			return false;
		struct check c = {.keys = &keys->keys,
			.seq = o->sequence_number,
			.keystream = BADMAC_UNKNOWN,
			.dtls = true,
			.cid_len = j->part->cid_len[0],
			.record = bm_view(rest.p, r.header.n + r.body.n),
			.padding = BADMAC_UNKNOWN};
		bool itself = rest.p == j->datagram.p;
		if (!itself && check_make(&c, &j->p->scratch, &got, &agree) == BM_OK && agree && got.made &&
			got.result == BM_VERIFIED) {
			*body = r.body;
			return true;
		}
		at += r.header.n + r.body.n;
	}
	return false;
}

/* Of a stream: whole, and it verifies at its number. *checked false: it could not be. */
static bool
other_of_stream(struct judge *j, const struct key_set *keys, struct bm_view *record, bool *checked)
{
	const struct badmac_claimed_record *o = &j->claim->altered.other_record;
	const struct window *w = &j->part->other;
	struct checked got;
	bool agree;

	*checked = true;
	if (window_have(w) < BM_HEADER ||
		window_have(w) - BM_HEADER < bm_record_header(window_bytes(w)).length)
		return false;
	*record =
		bm_view(window_bytes(w), BM_HEADER + (size_t)bm_record_header(window_bytes(w)).length);
	struct check c = {.keys = &keys->keys,
		.seq = o->sequence_number,
		.keystream = BADMAC_UNKNOWN,
		.record = *record,
		.padding = BADMAC_UNKNOWN};
	if (check_is_chained(c.keys) && o->sequence_number != 0) {
		if (c.keys->suite->cipher != BM_RC4)
			c.iv = window_iv(w, c.keys);
		*checked = c.iv.n != 0;
		if (!*checked)
			return true;
	}
	return check_make(&c, &j->p->scratch, &got, &agree) == BM_OK && agree && got.made &&
		   got.result == BM_VERIFIED;
}

/* That carries the octet at off. */
static uint64_t
packet_of(const struct window *w, uint64_t off)
{
	for (size_t i = 0; i < w->bit_count; i++)
		if (off >= w->bits[i].off && off - w->bits[i].off < w->bits[i].len)
			return w->bits[i].packet;
	return BADMAC_UNKNOWN;
}

static void
judge_other(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_change *a = &c->altered;
	const struct badmac_claimed_record *o = &a->other_record;
	bool reused = is_cause(j, "sequence-reused"), dtls = j->flow->dtls, checked = true;
	struct bm_view other = bm_view(NULL, 0), own = judge_captured(j);

	if (!a->has_other_record) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			"the report does not say where the other record stands");
		return;
	}
	const struct key_set *keys = flow_keys(j->flow, o->direction, a->epoch, 0);
	if (o->direction == c->direction && a->epoch == c->epoch)
		keys = j->receiver;
	bool good = keys != NULL && o->sequence_number == a->sequence_number &&
				o->direction == a->direction &&
				(dtls ? other_of_datagram(j, keys, &other)
					  : other_of_stream(j, keys, &other, &checked) &&
							(o->direction != c->direction || o->stream_offset != c->stream_offset));
	if (!good) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source",
			"no other record that verifies at number %llu stands where the report says",
			ull(o->sequence_number));
		return;
	}
	own.n = own.n < c->length ? own.n : (size_t)c->length;
	const struct window *w = &j->part->other;
	uint64_t last = dtls ? o->packet : packet_of(w, o->stream_offset + other.n - 1);
	if (o->packet != last) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source",
			"packet %llu does not carry the other record", ull(o->packet));
		return;
	}
	bool same = dtls ? other.n <= own.n && memcmp(own.p + own.n - other.n, other.p, other.n) == 0
					 : other.n == own.n && memcmp(own.p, other.p, own.n) == 0;
	if (same == reused) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source",
			same ? "the bytes of the other record are the same"
				 : "the bytes of the other record differ");
		return;
	}
	step_passes(j, "source", "another record %s%s", same ? "has the same bytes" : "had that number",
		checked ? ", and verifies" : "; that it verifies was seen when the stream was followed");
}

/* Of the same stream, and what comes of putting the bytes right: that verifies at its number. */
static void
judge_same_record(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_record *o = &c->altered.other_record;
	const struct window *w = &j->part->other;
	size_t n = j->rebuilt.n;

	if (!c->altered.has_other_record || j->flow->dtls) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			"the report does not say where the other record stands");
		return;
	}
	if (o->direction != c->direction || o->sequence_number != c->altered.sequence_number ||
		o->stream_offset == c->stream_offset || window_have(w) < n ||
		memcmp(window_bytes(w), j->rebuilt.p, n) != 0 ||
		packet_of(w, o->stream_offset + n - 1) != o->packet) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source",
			"the other record does not stand where the report says, or is another one");
		return;
	}
	step_passes(
		j, "source", "it stands once more at stream offset %llu, as that", ull(o->stream_offset));
}

/* -- by the cause ----------------------------------------------------------------------------- */

static bool
is_readable(struct badmac_bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if ((b.p[i] < ' ' || b.p[i] > '~') && (b.p[i] < '\t' || b.p[i] > '\r'))
			return false;
	return true;
}

/* Where the tag stands last in the record. */
static bool
lies_in_tag(const struct judge *j)
{
	const struct bm_traffic_keys *k = &j->receiver->keys;

	size_t last = j->tag_len;

	/* Behind the MAC is padding, and what garbles its first octet may stand a block before it. */
	if (k->suite->mode == BM_MODE_CBC && !k->encrypt_then_mac)
		last += 256 + 2 * bm_cipher_block(k->suite->cipher);
	for (size_t i = 0; i < j->claim->damage_count; i++)
		if (j->claim->damage[i].record_offset + last < j->rebuilt.n)
			return false;
	return true;
}

/* Every octet up to the record that shows the place. */
static bool
is_all_before(const struct badmac_claim *c)
{
	return c->damage_count == 1 && c->damage[0].record_offset == 0 && c->damage[0].sent_known &&
		   c->damage[0].sent.n == 0 &&
		   c->stream_offset + c->damage[0].length == c->altered.stream_offset;
}

/* From the record that fails to the one that shows the place: one whole record after the other?
 * *count: how many. */
static bool
is_framed(const struct judge *j, uint64_t *count)
{
	struct bm_view all = judge_captured(j);
	uint64_t end = j->claim->altered.stream_offset - j->claim->stream_offset, at = 0;

	*count = 0;
	while (at < end && at + BM_HEADER <= all.n) {
		at += BM_HEADER + (uint64_t)bm_record_header(all.p + at).length;
		++*count;
	}
	return at == end;
}

/* The record behind them verifies at a number that leaves some out. */
static const char *
wrong_record(const struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	uint64_t between;
	bool framed = is_framed(j, &between);

	if (is_cause(j, "bytes-missing") && framed)
		return "up to the record that verifies one whole record stands after the other";
	if (is_cause(j, "record-missing") &&
		(!framed || !check_is_chained(&j->receiver->keys) ||
			c->altered.sequence_number <= c->sequence_number + between))
		return "no number is left out";
	return NULL;
}

/* Is what is cut out the beginning of a record? */
static bool
begins_record(const struct judge *j)
{
	const struct badmac_claimed_damage *d = &j->claim->damage[0];
	unsigned version = j->receiver->keys.version;

	return d->received.n >= BM_HEADER && bm_record_plausible(bm_record_header(d->received.p),
											 version == BM_TLS13 ? BM_TLS12 : version);
}

/* Those that are more than a trial of each change take a MAC that is made in one way. */
static bool
is_method_of_suite(const char *method, const struct bm_traffic_keys *k)
{
	static const struct {
		const char *method;
		enum bm_mode mode;
	} algebra[] = {{"ghash-syndrome", BM_MODE_GCM}, {"poly1305-difference", BM_MODE_POLY1305},
		{"ccm-meeting", BM_MODE_CCM}};
	bool aead = k->suite->mac == BM_HASH_NONE;

	for (size_t i = 0; i < sizeof algebra / sizeof algebra[0]; i++)
		if (strcmp(algebra[i].method, method) == 0)
			return k->suite->mode == algebra[i].mode;
	if (strcmp(method, "hmac-search") == 0)
		return !aead;
	return strcmp(method, "tag-search") != 0 || aead;
}

static const char *
wrong_for_cause(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	bool bytes = (c->altered.inputs & BADMAC_INPUT_BYTES) != 0;
	bool record = (c->altered.inputs & BADMAC_INPUT_RECORD) != 0;
	bool epoch = (c->altered.inputs & BADMAC_INPUT_EPOCH) != 0;

	if (is_cause(j, "words-swapped") && !is_exchange(c))
		return "what was sent is not what was received, in another order";
	if (strcmp(c->method, "exchange-search") == 0 && !are_segments_exchanged(j))
		return "it is not the payloads of two packets that changed places";
	if (!is_method_of_suite(c->method, &j->receiver->keys))
		return "its method is for another kind of MAC";
	if (is_cause(j, "tag-damaged") && !lies_in_tag(j))
		return "damage lies outside of the tag";
	if (record && c->altered.stream_offset != BADMAC_UNKNOWN && wrong_record(j) != NULL)
		return wrong_record(j);
	if (is_cause(j, "plaintext-injected") && c->damage_count == 0)
		return "the foreign bytes are not told of";
	if (is_cause(j, "plaintext-injected") && c->damage[0].length < TEXT_LEAST)
		return "the foreign bytes are too few to be called text";
	if (is_cause(j, "records-interleaved") && strcmp(c->method, "cut-search") == 0 &&
		!begins_record(j))
		return "what is cut out begins no record";
	if (is_cause(j, "plaintext-injected") && !is_readable(c->damage[0].received))
		return "the foreign bytes are no text";
	if ((is_cause(j, "bytes-inserted") || is_cause(j, "plaintext-injected")) && record &&
		!is_all_before(c))
		return "the foreign bytes are not all up to the record that verifies";
	if (is_cause(j, "records-reordered") && !bytes && !j->part->came_late)
		return "the record that was expected did not come after it";
	if (is_cause(j, "record-missing") && !bytes && !record && j->part->came_late)
		return "the record that was expected came after it";
	if (is_cause(j, "sender-miscomputed") && c->altered.inputs == BADMAC_INPUT_SEQUENCE_NUMBER &&
		!j->part->number_alone)
		return "the record behind it does not count as if this one had its own number";
	if (is_cause(j, "record-missing") && !bytes && !record && j->part->number_alone)
		return "the record behind it counts as if nothing were missing";
	if (is_cause(j, "record-missing") && epoch && !record && !j->part->epoch_skipped)
		return "nothing of the epoch before is missing";
	if (is_cause(j, "wrong-epoch") && j->part->epoch_skipped)
		return "its receiver had not got to that epoch: what ends the one before is missing";
	return NULL;
}

void
judge_sources(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_change *a = &c->altered;

	if (c->length == BADMAC_UNKNOWN)
		return;
	const char *what = wrong_for_cause(j);
	if (what != NULL) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "source", "%s", what);
		return;
	}
	bool bytes = (a->inputs & BADMAC_INPUT_BYTES) != 0;
	if (is_of_order(j) && a->capture != NULL) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			"that whole records came or went shows from two captures side by side alone");
		return;
	}
	/* Where one of the segments is of another record, that is not named. */
	bool exchange = strcmp(c->method, "exchange-search") == 0 && is_of_two_packets(c);
	if (is_cause(j, "stale-data") && !exchange && !is_moved(c)) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "source",
			"the report does not say where else the bytes stand that were received");
		return;
	}
	if (strcmp(c->method, "other-record") == 0)
		judge_same_record(j);
	else if (bytes && a->capture != NULL)
		judge_other_capture(j);
	else if (bytes && (a->sent_packet_count != 0 || is_cause(j, "retransmission-differs") ||
						  strcmp(c->method, "copy-choice") == 0))
		judge_copies(j);
	else if (a->has_other_record ||
			 (!bytes && (is_cause(j, "record-replayed") || is_cause(j, "sequence-reused"))))
		judge_other(j);
}
