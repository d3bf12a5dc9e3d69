/* DTLS: records come with their own epoch and number, in any order and any number of times;
 * each is judged by itself (RFC 6347, RFC 9147, RFC 9146). */
#include "session/internal.h"

#include <stdlib.h>

enum { HELLO_WITHIN = 16 /* datagrams without a hello before a flow is let go */ };

#define SEQ_MASK 0xffffffffffffu

static void
begin(struct bm_session *s, enum bm_way client_way)
{
	s->tls = true;
	s->facts.client_way = client_way;
	for (unsigned side = 0; side < 2; side++) {
		s->half[side].way = side == BM_CLIENT ? client_way : (enum bm_way)(1 - client_way);
		s->half[side].started = true;
	}
}

/* The failed record, copied from its datagram. */
static void
keep_record(struct half *h, struct bm_case *c, const struct bm_dtls_record *r, size_t at,
	const struct bm_segment *d)
{
	size_t n = r->header.n + r->body.n;

	c->off = h->datagram_off + at;
	c->len = c->region = (uint32_t)n;
	c->record = malloc(n);
	c->fragments = calloc(1, sizeof *c->fragments);
	c->packets = calloc(d->piece_count != 0 ? d->piece_count : 1, sizeof *c->packets);
	if (c->record == NULL || c->fragments == NULL || c->packets == NULL) {
		session_fail(h->s, BM_NOMEM);
		return;
	}
	memcpy(c->record, r->header.p, r->header.n);
	memcpy(c->record + r->header.n, r->body.p, r->body.n);
	uint32_t packet_off = 0;
	for (size_t i = 0; i < d->piece_count; i++) {
		const struct bm_piece *p = &d->pieces[i];
		if (p->payload_off + p->len <= at || p->payload_off >= at + n)
			continue;
		if (c->packet_count == 0 && at >= p->payload_off)
			packet_off = p->packet_off + (uint32_t)(at - p->payload_off);
		c->packets[c->packet_count++] = p->packet;
	}
	if (c->packet_count == 0)
		c->packets[c->packet_count++] = d->packet;
	c->fragments[0] = (struct bm_fragment){
		0, (uint32_t)n, c->packets[0], packet_off, d->checksum, 0, (uint32_t)at, d->sum};
	c->fragment_count = 1;
}

/* A record of the epoch verified: the keys are right, the failures before it stand alone. */
static void
confirm(struct half *h, unsigned epoch, uint64_t seq, uint64_t off)
{
	for (size_t i = 0; i < h->s->case_count; i++) {
		struct bm_case *c = &h->s->cases[i];
		if (c->direction == h->side && c->epoch == epoch && c->after == BM_AFTER_NOTHING) {
			c->after = BM_AFTER_NEXT;
			c->after_seq = seq & SEQ_MASK;
			c->after_off = off;
		}
	}
}

/* The keys of an epoch that was entered, or that can come next: a header alone proves nothing. */
static const struct bm_protection *
keys_of(struct half *h, unsigned epoch)
{
	struct bm_session *s = h->s;

	if (epoch >= EPOCHS)
		return NULL;
	if (h->dtls_keys[epoch] != NULL)
		return h->dtls_keys[epoch];
	if (is_tls13(s))
		return epoch <= BM_EPOCH_APPLICATION ? epoch_keys(h, epoch, 0)
			   : epoch == h->epoch + 1       ? next_generation(h)
											 : NULL;
	/* The ChangeCipherSpec was lost or comes later. */
	if (epoch != h->epoch + 1 || !s->client_hello || !s->server_hello)
		return NULL;
	if (!s->pending_made)
		prepare_pending(s);
	/* Those of the epoch before do not serve twice. */
	return s->pending[h->side] != h->dtls_keys[h->epoch] ? s->pending[h->side] : NULL;
}

/* A record of a later epoch verified. */
static void
move_on(struct half *h, unsigned epoch, const struct bm_protection *p)
{
	if (epoch > h->epoch) {
		if (!is_tls13(h->s)) {
			h->protected = true;
			begin_epoch(h, epoch, p);
		} else if (epoch <= BM_EPOCH_APPLICATION) {
			enter_epoch(h, epoch);
		} else {
			enter_next_generation(h);
		}
	}
	h->dtls_keys[epoch] = p;
}

static void
content(
	struct half *h, uint8_t type, struct bm_view plain, const struct bm_segment *d, bool encrypted)
{
	struct bm_message m;

	if (type == BM_ALERT) {
		note_alert(h, h->s->facts.compression != 0 && encrypted ? bm_view(NULL, 0) : plain,
			d->packet, encrypted);
	} else if (type == BM_HANDSHAKE) {
		if (bm_assembler_add_dtls(&h->messages, plain) == BM_NOMEM)
			session_fail(h->s, BM_NOMEM);
		while (bm_assembler_next(&h->messages, &m))
			handle_message(h, &m);
	}
}

static void
plain_record(struct half *h, const struct bm_dtls_record *r, const struct bm_segment *d)
{
	struct bm_session *s = h->s;

	tally(h)->plaintext++;
	if (r->type == BM_CCS) {
		/* Retransmitted flights repeat it: only the first one counts. */
		if (!is_tls13(s) && h->epoch == r->epoch) {
			change_cipher_spec(h);
			if (h->epoch < EPOCHS)
				h->dtls_keys[h->epoch] = h->keys;
		}
		return;
	}
	content(h, r->type, r->body, d, false);
}

static void
protected_record(
	struct half *h, const struct bm_dtls_record *r, size_t at, const struct bm_segment *d)
{
	struct bm_session *s = h->s;
	unsigned epoch = r->epoch;
	uint8_t header[512];
	struct bm_wire w = {.type = r->type,
		.version = r->version,
		.header = r->header,
		.cid = r->cid,
		.body = r->body};
	struct bm_outcome o;
	struct bm_position pos;
	uint64_t seq = r->seq;

	if (r->unified) {
		/* Two bits of the epoch show (RFC 9147, section 4.2.2): the latest that they can mean. */
		unsigned latest = h->epoch < BM_EPOCH_APPLICATION ? BM_EPOCH_APPLICATION : h->epoch + 1;
		for (epoch = latest; epoch > 0 && (epoch & 3) != r->epoch; epoch--)
			;
	}
	const struct bm_protection *p = epoch != 0 ? keys_of(h, epoch) : NULL;
	unsigned slot = epoch_slot(epoch);
	if (p == NULL) {
		tally(h)->undecided++;
		if (r->type == BM_ALERT)
			note_alert(h, bm_view(NULL, 0), d->packet, true);
		return;
	}
	if (r->unified) {
		if (r->header.n > sizeof header ||
			!bm_dtls13_unmask(p, r, h->next_seq[slot], &seq, header)) {
			tally(h)->undecided++;
			return;
		}
		w.header = bm_view(header, r->header.n);
		w.type = BM_APPLICATION_DATA;
		w.version = BM_DTLS12;
	}
	bm_position_start(p, &pos);
	pos.seq = is_tls13(s) ? seq : (uint64_t)epoch << 48 | (seq & SEQ_MASK);
	/* The sequence number is that of the record, not of a count: cases speak of it. */
	unsigned current = h->epoch;
	if (check(h, p, &pos, &w, true, &o)) {
		move_on(h, epoch, p);
		current = h->epoch;
		h->pos = pos;
		h->keys = p;
		h->epoch = epoch;
		tally(h)->verified++;
		h->verified_in[slot]++;
		if (s->verified_since_keys++ == 0)
			keys_confirmed(s);
		remember_record(h, &w, seq & SEQ_MASK, h->datagram_off + at, d->packet);
		if (seq >= h->next_seq[slot])
			h->next_seq[slot] = seq + 1;
		confirm(h, epoch, pos.seq, h->datagram_off + at);
		h->epoch = current;
		content(h, o.type, o.plain, d, true);
		return;
	}
	h->pos = pos;
	h->keys = p;
	h->epoch = epoch;
	bool protected = h->protected;
	h->protected = true;
	if (s->status == BM_OK) {
		tally(h)->failed++;
		struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, 0, 0);
		if (c != NULL) {
			c->seq = seq & SEQ_MASK; /* the epoch has a place of its own */
			c->result = o.result;
			keep_record(h, c, r, at, d);
		}
	}
	h->protected = protected;
	h->epoch = current;
}

/* The ClientHello of another association on the same addresses and ports (RFC 6347, section 4.2.8),
 * after this one has protected something. */
static bool
starts_anew(const struct bm_session *s, enum bm_way way, struct bm_view datagram)
{
	/* Record header, handshake header, version. */
	enum { TYPE = 13, FRAGMENT = TYPE + 6, RANDOM = TYPE + 12 + 2 };
	const uint8_t *p = datagram.p;

	return s->half[BM_CLIENT].way == way && s->facts.has_client_random &&
		   (s->half[0].protected || s->half[1].protected) && datagram.n >= RANDOM + BM_RANDOM &&
		   bm_dtls_starts(datagram) && p[TYPE] == BM_CLIENT_HELLO && bm_load24(p + FRAGMENT) == 0 &&
		   memcmp(p + RANDOM, s->facts.client_random, BM_RANDOM) != 0;
}

void
dtls_datagram(struct bm_session *s, enum bm_way way, const struct bm_segment *d)
{
	if (!s->tls) {
		if (!bm_dtls_starts(d->payload)) {
			if (++s->hunted > HELLO_WITHIN) {
				bm_flow_ignore(s->flow);
				s->dismissed = true;
			}
			return;
		}
		/* The handshake type follows the 13 bytes of the record header. */
		bool server = d->payload.n > 13 && d->payload.p[13] != BM_CLIENT_HELLO;
		begin(s, server ? (enum bm_way)(1 - way) : way);
	}
	if (starts_anew(s, way, d->payload)) {
		s->superseded = true;
		return;
	}
	struct half *h = &s->half[s->half[BM_CLIENT].way == way ? BM_CLIENT : BM_SERVER];
	struct bm_reader rd = bm_reader(d->payload);
	struct bm_dtls_record r;
	bool bad = false;

	for (;;) {
		size_t at = rd.off;
		if (!bm_dtls_next(&rd, s->cid_len[1 - h->side], &r, &bad))
			break;
		h->records++;
		if (!r.unified && r.epoch == 0)
			plain_record(h, &r, d);
		else
			protected_record(h, &r, at, d);
	}
	/* What is left is no record: a length or a version was damaged, or the datagram was cut. */
	if (bad && h->protected)
		tally(h)->undecided++;
	h->datagram_off += d->payload_len;
}
