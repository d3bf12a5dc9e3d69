/* What stands in a datagram and does not verify where its header says: which bytes of the datagram
 * it takes, whether another header makes it verify, and where the next record begins. Refuses to
 * name a cause. */
#include "session/internal.h"

#include <stdlib.h>

enum {
	CLASSIC = 13,
	FUTILE_MAX = 64 /* searches for the header of what need not be a record at all */
};

/* -- bytes ----------------------------------------------------------------------------------------
 */

/* The failed record, copied from its datagram: n octets, of which c->len are the record's. */
static void
keep_record(struct half *h, struct bm_case *c, size_t at, size_t n, const struct bm_segment *d)
{
	size_t pieces = d->piece_count != 0 ? d->piece_count : 1;

	c->off = h->datagram_off + at;
	c->region = (uint32_t)n;
	c->record = malloc(n != 0 ? n : 1);
	c->fragments = calloc(pieces, sizeof *c->fragments);
	c->packets = calloc(pieces, sizeof *c->packets);
	if (c->record == NULL || c->fragments == NULL || c->packets == NULL) {
		session_fail(h->s, BM_NOMEM);
		return;
	}
	session_holds(h->s, n + pieces * (sizeof *c->fragments + sizeof *c->packets));
	memcpy(c->record, d->payload.p + at, n);
	for (size_t i = 0; i < d->piece_count; i++) {
		const struct bm_piece *p = &d->pieces[i];
		size_t from = p->payload_off > at ? p->payload_off : at;
		size_t to = p->payload_off + p->len < at + n ? p->payload_off + p->len : at + n;
		if (from >= to)
			continue;
		c->packets[c->packet_count++] = p->packet;
		c->fragments[c->fragment_count++] = (struct bm_fragment){(uint32_t)(from - at),
			(uint32_t)(to - from), p->packet, p->packet_off + (uint32_t)(from - p->payload_off),
			d->checksum, 0, (uint32_t)from, d->sum};
	}
	if (c->packet_count == 0) {
		c->packets[c->packet_count++] = d->packet;
		c->fragments[c->fragment_count++] = (struct bm_fragment){
			0, (uint32_t)n, d->packet, 0, d->checksum, 0, (uint32_t)at, d->sum};
	}
}

struct bm_case *
dtls_case(struct half *h, const struct dtls_judged *j, const struct bm_dtls_record *r, size_t at,
	size_t n, const struct bm_segment *d)
{
	struct bm_session *s = h->s;
	struct bm_position pos = h->pos;
	const struct bm_protection *keys = h->keys;
	unsigned epoch = h->epoch;

	size_t len = r != NULL && r->header.n + r->body.n <= n ? r->header.n + r->body.n : n;
	judged_in(h, j->epoch, BM_JUDGED_FAILED, h->datagram_off + at, len, j->seq);
	if (s->status != BM_OK)
		return NULL;
	h->pos = j->pos;
	h->keys = j->keys;
	h->epoch = j->epoch;
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, 0, 0);
	h->pos = pos;
	h->keys = keys;
	h->epoch = epoch;
	bm_wipe(&pos, sizeof pos);
	if (c == NULL)
		return NULL;
	c->seq = j->seq;
	c->compared = h->past_count;
	c->result = j->result;
	c->reflected_cid_len = (uint8_t)s->cid_len[h->side];
	c->len = (uint32_t)len;
	if (r != NULL) {
		c->header_len = (uint16_t)r->header.n;
		c->cid_len = (uint8_t)r->cid.n;
	}
	keep_record(h, c, at, n, d);
	return c;
}

/* -- where records begin --------------------------------------------------------------------------
 */

bool
dtls_next(const struct half *h, struct bm_reader *rd, struct bm_dtls_record *r, bool *bad)
{
	unsigned version = h->s->facts.version;

	if (!bm_dtls_next(rd, h->s->cid_len[1 - h->side], r, bad))
		return false;
	/* A protected record has the header of its version. */
	if (version != 0 && (r->unified ? version != BM_DTLS13 : version == BM_DTLS13 && r->epoch != 0))
		*bad = true;
	return !*bad;
}

static bool
verifies_at(struct half *h, struct bm_view rest, size_t at, uint64_t *work)
{
	struct bm_reader rd = bm_reader(bm_view(rest.p + at, rest.n - at));
	struct bm_dtls_record r;
	bool bad;

	if (!dtls_next(h, &rd, &r, &bad))
		return false;
	/* What anybody can make proves nothing. */
	if (!r.unified && (r.epoch == 0 || r.version != h->s->facts.version))
		return false;
	return dtls_verifies(h, &r, work);
}

/* The next place in rest, behind its first octet, where a record stands that verifies; rest.n where
 * there is none. before: octets of the datagram in front of rest; framed: where the header at its
 * start says. A datagram is searched once. */
static size_t
next_good(struct half *h, struct bm_view rest, size_t before, size_t framed)
{
	uint64_t most = bm_search_share(h->s->env) / 16, work = 0;
	size_t at = 1;

	if (h->good_at > before)
		return h->good_at - before;
	if (framed != 0 && framed != rest.n && verifies_at(h, rest, framed, &work)) {
		at = framed;
	} else {
		while (at < rest.n && work < most && !verifies_at(h, rest, at, &work))
			at++;
		at = work < most ? at : rest.n;
		h->good_at = before + at;
	}
	h->s->env->spent += work;
	return at;
}

/* Do records follow on each other from `at` on up to the end of the datagram? */
static bool
chained(struct half *h, struct bm_view rest, size_t at)
{
	struct bm_reader rd = bm_reader(bm_view(rest.p + at, rest.n - at));
	struct bm_dtls_record r;
	bool bad = false;

	while (!h->chained && dtls_next(h, &rd, &r, &bad))
		;
	h->chained = !bad;
	return h->chained;
}

/* A header that lacks but one thing: its length, or a connection id. */
static bool
plausible(struct half *h, struct bm_view rest)
{
	const uint8_t *p = rest.p;

	if (h->s->facts.version == BM_DTLS13)
		return p[0] >> 5 == 1;
	if (rest.n < CLASSIC || p[0] < BM_CCS || p[0] > BM_DTLS13_ACK ||
		bm_load16(p + 1) != h->s->facts.version)
		return false;
	unsigned epoch = bm_load16(p + 3);
	return epoch != 0 && dtls_keys_of(h, epoch) != NULL;
}

/* -- headers --------------------------------------------------------------------------------------
 */

static void
add_epoch(struct half *h, struct bm_dtls_headers *search, unsigned epoch)
{
	if (epoch == 0 || search->epoch_count == BM_DTLS_EPOCHS)
		return;
	for (size_t i = 0; i < search->epoch_count; i++)
		if (search->epochs[i].epoch == epoch)
			return;
	const struct bm_protection *p = dtls_keys_of(h, epoch);
	if (p == NULL)
		return;
	struct bm_dtls_epoch *e = &search->epochs[search->epoch_count++];
	*e = (struct bm_dtls_epoch){
		.epoch = epoch, .protection = p, .expected = h->next_seq[epoch_slot(epoch)]};
	e->number_count = dtls_numbers_left(h, epoch_slot(epoch), e->numbers);
}

static void
add_end(struct bm_dtls_headers *search, size_t end)
{
	for (size_t i = 0; i < search->end_count; i++)
		if (search->ends[i] == end)
			return;
	search->ends[search->end_count++] = end;
}

/* Another header for what stands at the start of rest. whole: the datagram was captured to its
 * end. */
static bool
find_header(struct half *h, const struct dtls_judged *j, struct bm_view rest, size_t framed,
	size_t next, bool whole, struct bm_dtls_header *out)
{
	struct bm_session *s = h->s;
	unsigned side = 1 - h->side;
	struct bm_dtls_headers search = {.version = s->facts.version,
		.cid = bm_view(s->cid[side], s->cid_len[side]),
		.bytes = rest,
		.work = bm_search_share(s->env) / 16};

	memset(out, 0, sizeof *out);
	if (s->status != BM_OK || s->case_count >= CASES_MAX ||
		(j->state != DTLS_FAILS && h->futile >= FUTILE_MAX))
		return false;
	if (framed != 0)
		add_end(&search, framed);
	if (next != rest.n || whole)
		add_end(&search, next);
	if (whole)
		add_end(&search, rest.n);
	add_epoch(h, &search, j->epoch);
	add_epoch(h, &search, h->epoch);
	add_epoch(h, &search, h->epoch + 1);
	add_epoch(h, &search, h->epoch - (h->epoch != 0));
	enum bm_status st = bm_find_dtls_header(&search, &s->env->scratch, out);
	if (st != BM_OK)
		session_fail(s, st);
	s->env->spent += out->work;
	h->futile += !out->found && j->state != DTLS_FAILS;
	return out->found;
}

static void
note_header(struct half *h, struct bm_case *c, const struct bm_dtls_header *sent)
{
	c->sent_header = malloc(sent->len);
	if (c->sent_header == NULL) {
		session_fail(h->s, BM_NOMEM);
		return;
	}
	memcpy(c->sent_header, sent->bytes, sent->len);
	c->sent_header_len = sent->len;
	c->sent_len = sent->end;
	c->found = true;
	c->found_seq = sent->seq;
	c->protection = sent->protection;
}

/* -- records --------------------------------------------------------------------------------------
 */

/* Old bytes under another number, or of the other direction? */
static bool
known_bytes(struct half *h, const struct dtls_judged *j, const struct bm_dtls_record *r, size_t at,
	const struct bm_segment *d)
{
	const struct past *twin = find_twin(h, &j->wire);
	const struct past *mirror = twin == NULL ? find_twin(&h->s->half[1 - h->side], &j->wire) : NULL;

	if (twin == NULL && mirror == NULL)
		return false;
	struct bm_case *c = dtls_case(h, j, r, at, r->header.n + r->body.n, d);
	if (c == NULL)
		return true;
	if (twin != NULL) {
		c->identical = c->found = true;
		c->twin_off = twin->off;
		c->twin_seq = c->found_seq = twin->seq;
		c->twin_packet = twin->packet;
		c->run = c->len;
	} else {
		c->mirrored = true;
		c->mirror_off = mirror->off;
		c->mirror_epoch = mirror->epoch;
		c->mirror_seq = mirror->seq;
		c->mirror_packet = mirror->packet;
	}
	return true;
}

/* What may be a record, n octets at `at`, and is none that could be judged. j NULL: for want of its
 * end. */
static void
leave_undecided(
	struct half *h, const struct dtls_judged *j, size_t at, size_t n, const struct bm_segment *d)
{
	struct bm_session_facts *f = &h->s->facts;

	judged_in(h, j != NULL ? j->epoch : h->epoch, BM_JUDGED_UNDECIDED, h->datagram_off + at, n,
		BM_NO_SEQ);
	if (j == NULL)
		return;
	if (j->state == DTLS_NO_KEYS && j->wire.type == BM_ALERT)
		note_alert(h, bm_view(NULL, 0), d->packet, true);
	if (j->state != DTLS_NO_KEYS && j->keys != NULL && f->odd_packet == 0)
		f->odd_packet = d->packet;
}

size_t
dtls_bad(struct half *h, const struct dtls_judged *j, const struct bm_dtls_record *r, size_t at,
	const struct bm_segment *d)
{
	struct bm_view rest = bm_view(d->payload.p + at, d->payload.n - at);
	size_t framed = r != NULL ? r->header.n + r->body.n : 0;
	bool whole = d->payload_len <= d->payload.n;
	struct bm_dtls_header sent;

	if (!h->protected && j->state == DTLS_UNFRAMED)
		return d->payload.n;
	if (!h->protected && j->state == DTLS_NO_KEYS) {
		leave_undecided(h, j, at, framed, d);
		return at + framed;
	}
	if (j->state == DTLS_FAILS && known_bytes(h, j, r, at, d))
		return at + framed;
	/* Of what is no record the rest was perhaps not captured; and when much is none, another
	 * protocol shares the ports (RFC 7983). */
	bool likely = r != NULL || plausible(h, rest);
	if (r == NULL && (!whole || (!likely && h->futile >= FUTILE_MAX))) {
		leave_undecided(h, whole ? j : NULL, at, rest.n, d);
		return d->payload.n;
	}
	size_t next = next_good(h, rest, at, framed);
	if (find_header(h, j, rest, framed, next, whole, &sent)) {
		struct dtls_judged as_sent = *j;
		as_sent.epoch = sent.epoch;
		as_sent.seq = sent.seq;
		if (as_sent.keys == NULL) {
			as_sent.keys = sent.protection;
			bm_position_start(sent.protection, &as_sent.pos);
		}
		struct bm_case *c = dtls_case(h, &as_sent, r, at, framed > sent.end ? framed : sent.end, d);
		if (c != NULL) {
			c->tried = sent.tried;
			c->framing_lost = framed != sent.end;
			note_header(h, c, &sent);
		}
		dtls_note_number(h, epoch_slot(sent.epoch), sent.seq);
		h->chained = h->chained && framed == sent.end;
		bm_wipe(&as_sent, sizeof as_sent);
		return at + sent.end;
	}
	if (j->state == DTLS_NO_KEYS || j->state == DTLS_ODD_PLAIN) {
		leave_undecided(h, j, at, framed, d);
		return at + framed;
	}
	/* A good record that begins within this one says that its length is wrong. */
	bool lost = r == NULL || next < framed || (next != framed && !chained(h, rest, framed));
	/* Nothing may show that it ever was a record. */
	if (j->keys == NULL || (!likely && next == rest.n)) {
		leave_undecided(h, j, at, next, d);
		return at + next;
	}
	h->chained = h->chained && !lost;
	struct bm_case *c = dtls_case(h, j, r, at, lost && next > framed ? next : framed, d);
	if (c != NULL) {
		c->tried = sent.tried;
		c->framing_lost = lost;
		if (j->wire.body.p != NULL && is_tls13(h->s))
			dtls_note_numbers(h, c);
	}
	return at + (lost ? next : framed);
}
