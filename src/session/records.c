/* The loop over the records of one direction of a TLS stream: plaintext ones are read,
 * protected ones checked. Refuses to know how to go on after a failure. */
#include "session/ahead.h"

#include <stdlib.h>

enum { CLOSE_NOTIFY = 0, BAD_RECORD_MAC = 20, WAIT_MAX = 1 << 18 };

/* TLS 1.0, encrypt-then-MAC: where the IV went with another record, the first block is unreadable
 * (RFC 7366, section 3). Is all the padding that is wrong in there? */
static bool
unreadable_padding(struct half *h, const struct bm_protection *p, const struct bm_wire *w)
{
	const uint8_t *plain = h->s->env->scratch.bytes;
	size_t n = w->body.n - bm_protection_tag_len(p);
	size_t first = bm_cipher_block(bm_protection_keys(p)->suite->cipher);

	if (n <= first)
		return true;
	uint8_t last = plain[n - 1];
	if ((size_t)last + 1 <= n - first)
		return false;
	for (size_t i = first; i < n; i++)
		if (plain[i] != last)
			return false;
	return true;
}

bool
check(struct half *h, const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, bool want_plain, struct bm_outcome *o)
{
	enum bm_status st = bm_verify(p, pos, w, want_plain, &h->s->env->scratch, o);

	if (st != BM_OK) {
		session_fail(h->s, st);
		o->result = BM_BAD_LENGTH;
		return false;
	}
	/* The MAC needs no IV. */
	if (o->result == BM_BAD_PADDING && bm_protection_keys(p)->encrypt_then_mac &&
		bm_protection_chained(p) && unreadable_padding(h, p, w))
		o->result = BM_VERIFIED;
	return o->result == BM_VERIFIED;
}

struct bm_wire
wire_at(struct half *h, uint64_t off, struct bm_record_header hdr, uint8_t *header)
{
	struct bm_wire w = {.type = hdr.type, .version = hdr.version};
	size_t n = (size_t)BM_HEADER + hdr.length;
	const uint8_t *p = bm_stream_peek(h->stream, off, n);

	if (p == NULL) {
		if (bm_stream_read(h->stream, off, h->s->env->linear, n))
			p = h->s->env->linear;
		else
			n = 0;
	}
	if (n != 0)
		memcpy(header, p, BM_HEADER);
	w.header = bm_view(header, n != 0 ? BM_HEADER : 0);
	w.body = n != 0 ? bm_view(p + BM_HEADER, hdr.length) : bm_view(NULL, 0);
	return w;
}

/* Should an endpoint complain of it, the report names them. */
static void
note_packets(struct half *h, uint64_t off, size_t n)
{
	struct bm_span spans[LAST_PACKETS];
	size_t count = bm_stream_spans(h->stream, off, n, spans, LAST_PACKETS);

	if (count > LAST_PACKETS)
		count = LAST_PACKETS;
	h->last_off = off;
	h->last_packet_count = 0;
	void *items = h->last_packets;
	enum bm_status st =
		bm_grow(&items, &h->last_packet_cap, count, LAST_PACKETS, sizeof *h->last_packets);
	h->last_packets = items;
	if (st != BM_OK)
		return; /* only the first one will be named */
	for (size_t i = 0; i < count; i++)
		if (i == 0 || spans[i].packet != spans[i - 1].packet)
			h->last_packets[h->last_packet_count++] = spans[i].packet;
}

/* What a good record at `before` says to those who follow the connection. plain: its content, when
 * it is at hand. */
static void
read_content(struct half *h, const struct bm_wire *w, uint8_t type,
	const struct bm_position *before, const struct bm_view *plain, uint64_t packet)
{
	struct bm_session *s = h->s;
	struct bm_outcome full;

	/* Compressed content cannot be read here; its MAC, over the compressed bytes, has been checked.
	 */
	if (type != BM_HANDSHAKE && type != BM_ALERT && type != BM_CCS)
		return;
	if (s->facts.compression != 0) {
		if (type == BM_ALERT)
			note_alert(h, bm_view(NULL, 0), packet, true);
		else if (type == BM_CCS)
			change_cipher_spec(h);
		return;
	}
	if (plain != NULL)
		full.plain = *plain;
	else if (!check(h, h->keys, before, w, true, &full))
		return;
	if (type == BM_ALERT) {
		note_alert(h, full.plain, packet, true);
		if (full.plain.n == 2 && full.plain.p[1] == CLOSE_NOTIFY)
			h->closed = true;
	} else if (type == BM_HANDSHAKE) {
		handshake_plain(h, full.plain);
	} else if (!is_tls13(s)) {
		change_cipher_spec(h);
	}
	bm_wipe(s->env->scratch.bytes, full.plain.n < sizeof s->env->scratch.bytes ? full.plain.n : 0);
}

void
read_second(struct half *h, const struct bm_wire *w, const struct bm_position *at, uint64_t packet)
{
	struct bm_outcome o;
	struct bm_position before = *at;
	bool closed = h->closed;

	if (check(h, h->keys, &before, w, false, &o))
		read_content(h, w, o.type, &before, NULL, packet);
	h->closed = closed; /* the other one may go on */
	bm_wipe(&before, sizeof before);
}

/* fp: its fingerprint. plain: its content was asked for, and the scratch was used for nothing
 * since. */
static void
follow_good(struct half *h, const struct bm_wire *w, const struct bm_outcome *o, uint64_t fp,
	bool plain, uint64_t off, uint64_t packet)
{
	struct bm_session *s = h->s;
	uint8_t type = o->type;
	bool read = type != BM_APPLICATION_DATA;
	struct bm_position before;

	h->verified_in[epoch_slot(h->epoch)]++;
	ahead_consider(h);
	if (s->verified_since_keys++ == 0)
		keys_confirmed(s);
	remember_record(h, w, fp, h->pos.seq, off, packet);
	note_packets(h, off, BM_HEADER + w->body.n);
	if (read)
		bm_position_copy(h->keys, &h->pos, &before);
	bm_position_after_checked(h->keys, &h->pos, w, o, &h->pos);
	if (read)
		read_content(h, w, type, &before, plain ? &o->plain : NULL, packet);
}

static void
accept(struct half *h, const struct bm_wire *w, const struct bm_outcome *o, uint64_t fp, bool plain,
	uint64_t off, uint64_t packet)
{
	judged(h, BM_JUDGED_VERIFIED, off, BM_HEADER + w->body.n, h->pos.seq);
	follow_good(h, w, o, fp, plain, off, packet);
}

void
accept_failed(struct half *h, const struct bm_wire *w, const struct bm_outcome *o, uint64_t off,
	uint64_t packet)
{
	if (h->s->timeline != NULL)
		timeline_look(h, off, BM_HEADER + w->body.n);
	follow_good(h, w, o, fingerprint(w), false, off, packet);
}

void
accept_record(struct half *h, const struct bm_wire *w, const struct bm_outcome *o, uint64_t off,
	uint64_t packet)
{
	accept(h, w, o, fingerprint(w), false, off, packet);
}

static void
plain_record(struct half *h, const struct bm_wire *w, uint64_t off)
{
	struct bm_session *s = h->s;

	judged(h, BM_JUDGED_PLAINTEXT, off, BM_HEADER + w->body.n, BM_NO_SEQ);
	switch (w->type) {
	case BM_HANDSHAKE:
		handshake_plain(h, w->body);
		break;
	case BM_ALERT:
		note_alert(h, w->body, packet_at(h, off), false);
		break;
	case BM_CCS:
		if (!is_tls13(s) && w->body.n == 1)
			change_cipher_spec(h);
		break;
	default:
		break;
	}
}

/* TLS 1.3: an alert in the clear where a protected record was due (RFC 8446, sections 5 and 6). */
static bool
is_plaintext_alert(const struct half *h, const struct bm_wire *w)
{
	return is_tls13(h->s) && w->type == BM_ALERT && w->body.n == 2 &&
		   (w->body.p[0] == 1 || w->body.p[0] == 2);
}

/* Keys were not at hand, or do not fit: does the record belong to a later TLS 1.3 epoch (its
 * first record)? Used where handshake messages that would have told could not be read. */
static bool
try_later_epoch(struct half *h, const struct bm_wire *w, struct bm_outcome *o)
{
	if (!is_tls13(h->s))
		return false;
	unsigned last = h->epoch < BM_EPOCH_APPLICATION ? BM_EPOCH_APPLICATION : h->epoch;
	for (unsigned e = h->epoch + 1; e <= last; e++) {
		for (size_t nth = 0;; nth++) {
			const struct bm_protection *p = epoch_keys(h, e, nth);
			if (p == NULL)
				break;
			struct bm_position pos;
			bm_position_start(p, &pos);
			if (check(h, p, &pos, w, false, o)) {
				enter_epoch(h, e);
				choose_secret(h, nth, p);
				return true;
			}
		}
	}
	return false;
}

static void
undecided(struct half *h, const struct bm_wire *w, uint64_t off)
{
	judged(h, BM_JUDGED_UNDECIDED, off, BM_HEADER + w->body.n, BM_NO_SEQ);
	keyless_record(h, w, off);
	h->pos.seq++;
	/* Up to TLS 1.2 the content type shows; what it says does not. */
	if (!is_tls13(h->s)) {
		/* Of two octets it carries no MAC: it was sent in the clear all the same. */
		bool clear = w->body.n == 2 && (w->body.p[0] == 1 || w->body.p[0] == 2);
		if (w->type == BM_ALERT)
			note_alert(h, clear ? w->body : bm_view(NULL, 0), packet_at(h, off), !clear);
		else if (w->type == BM_CCS && (!h->s->middle || h->s->facts.start.found))
			change_cipher_spec(h);
	}
}

/* TLS 1.3: an alert in the clear where protection was due. Its sender could have protected it if it
 * did so before, or if its keys were logged. Else it may be rightful, for want of keys; and to
 * report a bad record is no fault of its own: then only its receiver's complaint makes a failure of
 * it. */
static void
clear_alert(struct half *h, const struct bm_wire *w, uint64_t off)
{
	uint8_t description = w->body.p[1];
	bool tolerated = (!h->encrypts && h->keys == NULL) || description == BAD_RECORD_MAC;

	judged(h, tolerated ? BM_JUDGED_PLAINTEXT : BM_JUDGED_FAILED, off, BM_HEADER + w->body.n,
		tolerated ? BM_NO_SEQ : h->pos.seq);
	note_alert(h, w->body, packet_at(h, off), false);
	if (description == BAD_RECORD_MAC)
		return;
	struct bm_case *c =
		new_case(h, BM_CASE_PLAINTEXT_ALERT, off, (uint32_t)(BM_HEADER + w->body.n));
	if (c != NULL) {
		c->alert = description;
		c->tolerated = tolerated;
	}
}

/* It was checked ahead of its turn. */
static void
known_good(struct half *h, const struct ahead_record *x)
{
	uint64_t off = h->off, n = BM_HEADER + x->check.w.body.n;

	h->records++;
	h->off = off + n;
	h->encrypts = true;
	accept(h, &x->check.w, &x->check.o, x->fingerprint, false, off, packet_at(h, off + n - 1));
	/* Unless its content says that nothing behind it counts as it was thought. */
	if (h->ahead == x)
		ahead_done(h);
}

/* Is there something in it that is read, as far as that shows? */
static bool
is_read(const struct half *h, const struct bm_wire *w)
{
	return is_tls13(h->s) ? h->epoch == BM_EPOCH_HANDSHAKE
						  : w->type == BM_HANDSHAKE || w->type == BM_ALERT || w->type == BM_CCS;
}

/* One complete record at h->off. Returns false when the loop has to stop (lost). */
static bool
one_record(struct half *h, struct bm_record_header hdr)
{
	struct bm_session *s = h->s;
	uint8_t header[BM_HEADER];
	uint64_t off = h->off;
	struct bm_outcome o;
	size_t n = (size_t)BM_HEADER + hdr.length;

	if (keyless_skim(h, hdr)) {
		h->records++;
		h->off = off + n;
		h->encrypts = true;
		judged(h, BM_JUDGED_UNDECIDED, off, n, BM_NO_SEQ);
		h->pos.seq++;
		return true;
	}
	struct bm_wire w = wire_at(h, off, hdr, header);
	h->records++;
	h->off = off + n;
	if (!h->protected && w.type == BM_APPLICATION_DATA) {
		/* Never in the clear: whatever switched protection on was not captured. */
		h->protected = true;
		h->epoch = is_tls13(s) ? BM_EPOCH_APPLICATION : 1;
		h->keys = NULL;
	}
	if (!h->protected) {
		plain_record(h, &w, off);
		return true;
	}
	if (is_tls13(s)) {
		/* Middlebox compatibility, RFC 8446, appendix D.4. */
		if (w.type == BM_CCS && w.body.n == 1 && w.body.p[0] == 1) {
			judged(h, BM_JUDGED_PLAINTEXT, off, n, BM_NO_SEQ);
			return true;
		}
		if (is_plaintext_alert(h, &w)) {
			clear_alert(h, &w, off);
			return true;
		}
		/* The second ClientHello, after early data and a HelloRetryRequest (RFC 8446, 4.1.2). */
		if (w.type == BM_HANDSHAKE && h->side == BM_CLIENT && h->epoch == BM_EPOCH_EARLY) {
			plain_record(h, &w, off);
			return true;
		}
	}
	h->encrypts = true;
	if (h->gave_up) {
		undecided(h, &w, off);
		return true;
	}
	if (h->keys == NULL) {
		if (try_later_epoch(h, &w, &o) ||
			(try_masters(h, &w) && check(h, h->keys, &h->pos, &w, false, &o)))
			accept_record(h, &w, &o, off, packet_at(h, off + n - 1));
		else
			undecided(h, &w, off);
		return true;
	}
	bool plain = is_read(h, &w);
	if (check(h, h->keys, &h->pos, &w, plain, &o)) {
		accept(h, &w, &o, fingerprint(&w), plain, off, packet_at(h, off + n - 1));
		return true;
	}
	if (s->status != BM_OK)
		return false;
	return record_failed(h, &w, off, &o);
}

/* May the other direction still tell what this one needs? */
static bool
other_can_tell(const struct half *h)
{
	const struct half *other = &h->s->half[1 - h->side];

	/* Of a capture of one direction only there is nothing to wait for. */
	return !other->over && !other->gave_up && bm_stream_avail(h->stream, h->off) <= WAIT_MAX;
}

/* Must this direction wait for the other one, because what it carries next can only be
 * understood with the other's hello (packets may have been captured out of order)? */
static bool
must_wait(struct half *h)
{
	struct bm_session *s = h->s;
	if (h->no_waiting || s->middle || h->protected)
		return false;
	/* The server answers each ClientHello, and nothing of what the client sends after one can be
	 * understood without the answer; after a HelloRetryRequest that is another ClientHello. */
	bool needed = h->side == BM_SERVER ? !s->client_hello || s->hello_due
									   : s->client_hello && !s->server_hello && !s->hello_due;
	return needed && other_can_tell(h);
}

/* A change of keys needs both hellos (RFC 5246, section 7.3), also in a renegotiation. */
static bool
ccs_must_wait(struct half *h, struct bm_record_header hdr)
{
	const struct bm_session *s = h->s;

	return hdr.type == BM_CCS && !is_tls13(s) && (!s->middle || s->facts.start.found) &&
		   s->facts.version != 0 && (!s->client_hello || !s->server_hello) && !h->no_waiting &&
		   other_can_tell(h);
}

/* A renegotiation must not begin in one direction before the other has taken the keys of the last
 * one: when it was held up by a record that did not end where its header said, it is behind. */
static bool
next_negotiation_must_wait(struct half *h, struct bm_record_header hdr)
{
	const struct half *other = &h->s->half[1 - h->side];

	return hdr.type == BM_HANDSHAKE && !is_tls13(h->s) && !h->no_waiting && other->epoch != 0 &&
		   other->epoch < h->epoch && other_can_tell(h);
}

/* Octets of the record at h->off, as its header says; 0: of that not all was captured. */
static uint64_t
length_announced(const struct half *h)
{
	uint8_t raw[BM_HEADER];

	return bm_stream_read(h->stream, h->off, raw, sizeof raw)
			   ? (uint64_t)BM_HEADER + bm_record_header(raw).length
			   : 0;
}

static void
handle_gap(struct half *h, uint64_t at, uint64_t gap)
{
	judged(h, BM_JUDGED_UNDECIDED, h->off, length_announced(h), BM_NO_SEQ);
	lose_in_gap(h, h->off, at + gap);
	if (h->side == BM_SERVER)
		join_without_server_hello(h->s);
}

/* An SSL 2.0-format ClientHello (RFC 5246, appendix E.2). */
static bool
may_be_ssl2_hello(const struct half *h, const uint8_t raw[BM_HEADER])
{
	return (raw[0] & 0x80) != 0 && h->side == BM_CLIENT && !h->s->client_hello && !h->s->middle;
}

static size_t
ssl2_length(const uint8_t raw[BM_HEADER])
{
	return 2 + (((size_t)raw[0] & 0x7f) << 8 | raw[1]);
}

/* Takes one of n octets, if that is what stands at h->off. */
static bool
ssl2_hello(struct half *h, size_t n)
{
	struct bm_session *s = h->s;
	uint8_t *linear = s->env->linear;
	struct bm_hello hello;

	if (n > sizeof s->env->linear || !bm_stream_read(h->stream, h->off, linear, n) ||
		!bm_ssl2_hello_parse(bm_view(linear, n), &hello))
		return false;
	memcpy(s->facts.client_random, hello.random, BM_RANDOM);
	memcpy(s->facts.first_random, hello.random, BM_RANDOM);
	s->facts.has_client_random = true;
	s->client_hello = true;
	if (bm_buf_add(&s->transcript, bm_view(linear + 2, n - 2)) == BM_NOMEM)
		session_fail(s, BM_NOMEM);
	judged(h, BM_JUDGED_PLAINTEXT, h->off, n, BM_NO_SEQ);
	h->records++;
	h->off += n;
	let_go(h, h->off);
	return true;
}

static void
follow(struct half *h, bool final)
{
	struct bm_session *s = h->s;

	while (!h->over && s->status == BM_OK && !s->turn_round) {
		const struct ahead_record *known = ahead_verified(h);
		if (known != NULL) {
			known_good(h, known);
			let_go(h, h->off);
			continue;
		}
		if (h->lost != NULL) {
			if (!resync(h, final))
				return;
			continue;
		}
		if (h->unplaced && place_half(h, final) != PLACE_GO)
			return;
		size_t avail = bm_stream_avail(h->stream, h->off);
		uint64_t gap = bm_stream_gap(h->stream, h->off + avail);
		if (avail < BM_HEADER) {
			if (gap != 0) {
				handle_gap(h, h->off + avail, gap);
				continue;
			}
			if (bm_stream_ended(h->stream, NULL) || final)
				h->over = avail == 0 || final;
			return;
		}
		uint8_t raw[BM_HEADER];
		if (!bm_stream_read(h->stream, h->off, raw, sizeof raw))
			return;
		struct bm_record_header hdr = bm_record_header(raw);
		if (may_be_ssl2_hello(h, raw)) {
			size_t whole = ssl2_length(raw);
			if (avail < whole) {
				h->over = h->over || final;
				return;
			}
			if (ssl2_hello(h, whole))
				continue;
		}
		size_t n = (size_t)BM_HEADER + hdr.length;
		bool plausible = bm_record_plausible(hdr, h->protected ? record_version(s) : 0);
		if (!plausible) {
			if (h->gave_up) {
				h->over = true;
				return;
			}
			struct bm_outcome o = {.result = BM_BAD_LENGTH};
			struct bm_wire none = {.type = hdr.type, .version = hdr.version};
			if (!record_failed(h, &none, h->off, &o))
				continue;
		}
		if (must_wait(h) || ccs_must_wait(h, hdr) || next_negotiation_must_wait(h, hdr))
			return;
		if (avail < n) {
			if (gap != 0) {
				handle_gap(h, h->off + avail, gap);
				continue;
			}
			if (!final)
				return;
			s->facts.cut_off[h->side] = true;
			if (h->keys == NULL || h->gave_up) {
				h->over = true;
				return;
			}
			lose_at_end(h, h->off);
			continue;
		}
		if (one_record(h, hdr))
			let_go(h, h->off);
	}
}

void
run_half(struct half *h, bool final)
{
	follow(h, final);
	if (!h->over)
		return;
	/* Nothing more is read from this direction: its bytes need not be held. */
	for (;;) {
		if (h->off < bm_stream_base(h->stream))
			h->off = bm_stream_base(h->stream);
		uint64_t n = bm_stream_avail(h->stream, h->off);
		n += bm_stream_gap(h->stream, h->off + n);
		if (n == 0)
			return;
		h->off += n;
		let_go(h, h->off);
	}
}
