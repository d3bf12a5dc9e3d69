/* DTLS: records come with their own epoch and number, in any order and any number of times;
 * each is judged by itself (RFC 6347, RFC 9147, RFC 9146). */
#include "session/internal.h"

enum { HELLO_WITHIN = 16 /* datagrams without a hello before a flow is let go */ };

#define SEQ_MASK 0xffffffffffffu

static void
begin(struct bm_session *s, enum bm_way client_way)
{
	s->tls = true;
	if (client_way != s->facts.client_way)
		timeline_turn(s);
	s->facts.client_way = client_way;
	for (unsigned side = 0; side < 2; side++) {
		s->half[side].way = side == BM_CLIENT ? client_way : (enum bm_way)(1 - client_way);
		s->half[side].started = true;
	}
}

/* A record of the epoch verified: the keys are right, the failures before it stand alone, and none
 * of them had its number. */
static void
confirm(struct half *h, unsigned epoch, uint64_t seq, uint64_t off)
{
	for (size_t i = 0; i < h->s->case_count; i++) {
		struct bm_case *c = &h->s->cases[i];
		if (c->direction != h->side || c->epoch != epoch)
			continue;
		/* What stands under its own mask stays: it may be a copy. */
		size_t n = 0;
		for (size_t k = 0; k < c->number_count; k++)
			if (c->numbers[k] != seq || seq == c->position->seq)
				c->numbers[n++] = c->numbers[k];
		c->number_count = n;
		if (c->after == BM_AFTER_NOTHING) {
			c->after = BM_AFTER_NEXT;
			c->after_seq = seq & SEQ_MASK;
			c->after_off = off;
		}
	}
}

/* A header alone proves nothing: only of epochs that can be. */
const struct bm_protection *
dtls_keys_of(struct half *h, unsigned epoch)
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
plain_record(struct half *h, const struct bm_dtls_record *r, size_t at, const struct bm_segment *d)
{
	struct bm_session *s = h->s;

	judged_in(
		h, r->epoch, BM_JUDGED_PLAINTEXT, h->datagram_off + at, r->header.n + r->body.n, BM_NO_SEQ);
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

/* Two bits of it show in DTLS 1.3 (RFC 9147, section 4.2.2): the latest that they can mean. */
static unsigned
epoch_of(const struct half *h, const struct bm_dtls_record *r)
{
	unsigned epoch = h->epoch < BM_EPOCH_APPLICATION ? BM_EPOCH_APPLICATION : h->epoch + 1;

	if (!r->unified)
		return r->epoch;
	while (epoch > 0 && (epoch & 3) != r->epoch)
		epoch--;
	return epoch;
}

bool
dtls_verifies(struct half *h, const struct bm_dtls_record *r, uint64_t *work)
{
	uint8_t header[BM_DTLS_HEADER_MAX];
	unsigned epoch = epoch_of(h, r);
	const struct bm_protection *p = epoch != 0 ? dtls_keys_of(h, epoch) : NULL;
	struct bm_position pos;
	struct bm_wire w;
	struct bm_outcome o;

	if (p == NULL)
		return false;
	bm_position_start(p, &pos);
	if (!bm_dtls_wire(p, r, h->next_seq[epoch_slot(epoch)], header, &w, &pos.seq))
		return false;
	/* Taking the mask off sets up a key. */
	enum { UNMASK = 1000 };
	*work += bm_protection_cost(p, w.body.n) + (r->unified ? UNMASK : 0);
	return check(h, p, &pos, &w, false, &o);
}

/* Another record of this number that verified and was remembered. */
static const struct past *
other_of_number(const struct half *h, const struct bm_wire *w, unsigned epoch, uint64_t seq)
{
	if (!dtls_number_had(h, epoch_slot(epoch), seq))
		return NULL;
	const struct past *first = verified_at(h, epoch, seq);
	return first != NULL && first->fingerprint != fingerprint(w) ? first : NULL;
}

/* Its receiver discards the second record of a number (RFC 6347, section 4.1.2.6), be it the same
 * or not. The same octets again are the network's doing, others the sender's. True: told. */
static bool
number_reused(struct half *h, const struct dtls_judged *j, const struct bm_dtls_record *r,
	size_t at, const struct bm_segment *d)
{
	const struct past *first = other_of_number(h, &j->wire, j->epoch, j->seq);

	if (first == NULL || h->reuse_told)
		return false;
	h->reuse_told = true;
	struct bm_case *c = dtls_case(h, j, r, at, r->header.n + r->body.n, d);
	if (c != NULL) {
		c->number_reused = c->found = true;
		c->found_seq = first->seq;
		note_first(h, c, first, &j->wire);
	}
	return true;
}

static void
accept(struct half *h, struct dtls_judged *j, const struct bm_dtls_record *r,
	const struct bm_outcome *o, size_t at, const struct bm_segment *d)
{
	struct bm_session *s = h->s;
	unsigned slot = epoch_slot(j->epoch);
	uint64_t off = h->datagram_off + at;

	move_on(h, j->epoch, j->keys);
	unsigned current = h->epoch;
	h->pos = j->pos;
	h->keys = j->keys;
	if (s->verified_since_keys++ == 0)
		keys_confirmed(s);
	h->verified_in[slot]++;
	if (number_reused(h, j, r, at, d))
		return;
	judged_in(h, j->epoch, BM_JUDGED_VERIFIED, off, r->header.n + r->body.n, j->seq);
	h->epoch = j->epoch;
	remember_record(h, &j->wire, fingerprint(&j->wire), j->seq, off, d->packet);
	h->epoch = current;
	dtls_note_number(h, slot, j->seq);
	confirm(h, j->epoch, j->seq, off);
	content(h, o->type, o->plain, d, true);
}

/* True: j says how, and it is counted. False: what to make of it is for others to say. */
static bool
protected_record(struct half *h, const struct bm_dtls_record *r, size_t at,
	const struct bm_segment *d, struct dtls_judged *j)
{
	struct bm_outcome o;

	j->state = DTLS_NO_KEYS;
	j->epoch = epoch_of(h, r);
	j->keys = j->epoch != 0 ? dtls_keys_of(h, j->epoch) : NULL;
	j->wire.type = r->type;
	if (j->keys == NULL)
		return false;
	j->state = DTLS_FAILS;
	bm_position_start(j->keys, &j->pos);
	/* Too short for a sample: receivers refuse it (RFC 9147, section 4.2.3). */
	if (!bm_dtls_wire(
			j->keys, r, h->next_seq[epoch_slot(j->epoch)], j->header, &j->wire, &j->pos.seq)) {
		j->wire.body = bm_view(NULL, 0);
		j->result = BM_BAD_LENGTH;
		return false;
	}
	j->seq = j->pos.seq & SEQ_MASK;
	bool good = check(h, j->keys, &j->pos, &j->wire, true, &o);
	j->result = o.result;
	if (good)
		accept(h, j, r, &o, at, d);
	return good;
}

/* May it go unprotected once there are keys? Handshake messages that are sent again, and what goes
 * with them. */
static bool
may_be_plain(const struct bm_dtls_record *r)
{
	enum { MESSAGE_HEADER = 12, FRAGMENT_AT = 9 };
	const uint8_t *p = r->body.p;

	switch (r->type) {
	case BM_CCS:
		return r->body.n == 1;
	case BM_ALERT:
		return r->body.n == 2;
	case BM_DTLS13_ACK:
		return r->body.n >= 2 && bm_load16(p) == r->body.n - 2;
	case BM_HANDSHAKE:
		return r->body.n >= MESSAGE_HEADER &&
			   bm_load24(p + FRAGMENT_AT) <= r->body.n - MESSAGE_HEADER;
	default:
		return false;
	}
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

/* Judges what stands at `at` of the datagram. Returns where the next record begins. */
static size_t
next_record(struct half *h, const struct bm_segment *d, size_t at)
{
	struct bm_reader rd = bm_reader(bm_view(d->payload.p + at, d->payload.n - at));
	struct bm_dtls_record r;
	bool bad;
	struct dtls_judged j = {
		.state = DTLS_UNFRAMED, .epoch = h->epoch, .seq = BM_NO_SEQ, .result = BM_BAD_LENGTH};

	memset(&j.pos, 0, sizeof j.pos);
	if (!dtls_next(h, &rd, &r, &bad)) {
		j.keys = h->protected ? dtls_keys_of(h, h->epoch) : NULL;
		if (j.keys != NULL) {
			bm_position_start(j.keys, &j.pos);
			j.seq = h->next_seq[epoch_slot(h->epoch)];
		}
		return dtls_bad(h, &j, NULL, at, d);
	}
	h->records++;
	bool known = h->protected && h->keys != NULL;
	if (!r.unified && r.epoch == 0 && (!known || may_be_plain(&r))) {
		plain_record(h, &r, at, d);
		return at + rd.off;
	}
	if (!r.unified && r.epoch == 0)
		j.state = DTLS_ODD_PLAIN;
	else if (protected_record(h, &r, at, d, &j))
		return at + rd.off;
	size_t next = dtls_bad(h, &j, &r, at, d);
	bm_wipe(&j, sizeof j);
	return next;
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
	h->good_at = 0;
	h->chained = false;
	for (size_t at = 0; at < d->payload.n && s->status == BM_OK;) {
		if (s->timeline != NULL)
			timeline_datagram(s, d, at);
		at = next_record(h, d, at);
	}
	h->datagram_off += d->payload_len;
}
