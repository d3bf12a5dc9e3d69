/* After a failure or a gap: finds where the stream and the receiver's view meet again, by
 * looking for a record that verifies. Refuses to say what went wrong in between. */
#include "session/internal.h"

#include <stdlib.h>

enum {
	CHECK_COST = 512, /* octets that could be hashed in the time that a check takes to set up */
	NEAR = 64,        /* sequence numbers tried either way for a candidate */
	GAP_WINDOW = 1 << 16,
	RC4_REACH = 1 << 15, /* octets of keystream that may have been left out */
	RC4_RECORD = 4096,   /* longer records are no material for a keystream search */
	SCAN_STEP = 1 << 14,
	KEEP_BEHIND = 1 << 16 /* bytes kept for the report of a lost frame */
};

static struct lost *
new_lost(struct half *h, uint64_t start)
{
	struct lost *l = calloc(1, sizeof *l);

	if (l == NULL) {
		session_fail(h->s, BM_NOMEM);
		h->over = true;
		return NULL;
	}
	h->lost = l;
	l->start = start;
	l->case_index = SIZE_MAX;
	l->expected = l->counted = h->pos;
	return l;
}

static void
drop_lost(struct half *h)
{
	bm_wipe(h->lost, sizeof *h->lost);
	free(h->lost);
	h->lost = NULL;
}

/* Where the record after [start, start + len) begins if everything between was one record. */
void
lose(struct half *h, uint64_t start, uint32_t len, size_t case_index)
{
	struct lost *l = new_lost(h, start);

	if (l == NULL)
		return;
	l->len = len;
	l->case_index = case_index;
	l->scan = start + 1;
	if (len == 0)
		return;
	l->chain = start + len;
	l->links[0].off = start;
	l->links[0].len = len;
	uint8_t header[BM_HEADER];
	if (h->keys == NULL || !bm_stream_read(h->stream, start, header, sizeof header))
		return;
	struct bm_wire w = wire_at(h, start, bm_record_header(header), header);
	bm_position_after(h->keys, &l->counted, &w, &l->counted);
}

void
lose_in_gap(struct half *h, uint64_t start, uint64_t gap_end)
{
	struct lost *l = new_lost(h, start);

	if (l == NULL)
		return;
	l->over_gap = true;
	l->scan = gap_end;
	l->missing = gap_end - start;
}

void
lose_at_end(struct half *h, uint64_t start)
{
	struct lost *l = new_lost(h, start);

	if (l == NULL)
		return;
	l->tentative = true;
	l->scan = start + 1;
}

/* One try: the record under this position. */
static bool
attempt(struct half *h, const struct bm_wire *w, struct bm_position *pos)
{
	struct bm_outcome o;

	h->lost->tried++;
	h->lost->work += w->body.n + CHECK_COST;
	if (!check(h, h->keys, pos, w, false, &o))
		return false;
	h->pos = *pos;
	return true;
}

/* A search must end on hostile input too: what one loss may cost, less once a run has had many. */
static bool
exhausted(const struct half *h)
{
	uint64_t cases = h->s->env->cases;
	unsigned bits = cases <= 64 ? 30 : cases <= 4096 ? 24 : 20;

	return h->lost->work >> bits != 0;
}

static bool
attempt_near(
	struct half *h, const struct bm_wire *w, struct bm_position *pos, uint64_t ahead, uint64_t back)
{
	uint64_t seq = h->lost->expected.seq;

	for (uint64_t d = 0; d <= ahead || d <= back; d++) {
		if (d <= ahead) {
			pos->seq = seq + d;
			if (attempt(h, w, pos))
				return true;
		}
		if (d != 0 && d <= back && d <= seq) {
			pos->seq = seq - d;
			if (attempt(h, w, pos))
				return true;
		}
	}
	return false;
}

/* TLS 1.0 CBC: the IV is the last ciphertext block that the sender sent before (RFC 2246, 6.2.3.2);
 * with encrypt-then-MAC its MAC stands behind that (RFC 7366, section 3). */
static bool
attempt_chained_cbc(struct half *h, const struct bm_wire *w, uint64_t at, uint64_t ahead)
{
	const struct bm_traffic_keys *k = bm_protection_keys(h->keys);
	size_t block = bm_cipher_block(k->suite->cipher);
	size_t behind = block + (k->encrypt_then_mac ? bm_protection_tag_len(h->keys) : 0);
	struct bm_position pos = h->lost->expected;

	if (attempt_near(h, w, &pos, 1, 0))
		return true;
	if (at < behind || at - behind < bm_stream_base(h->stream) ||
		!bm_stream_read(h->stream, at - behind, pos.iv, block))
		return false;
	return attempt_near(h, w, &pos, ahead, NEAR);
}

/* RC4 where octets were left out or put in: any point of the keystream nearby. */
static bool
attempt_keystream(struct half *h, const struct bm_wire *w, bool counted)
{
	struct lost *l = h->lost;
	struct bm_position here = l->expected, pos;

	if (w->body.n > RC4_RECORD || h->s->env->cases > NEAR)
		return false;
	for (uint64_t n = 0; n < RC4_REACH; n++) {
		for (uint64_t k = 0; k < 3; k++) {
			pos = here;
			pos.seq = l->expected.seq + k + (l->len != 0 && counted);
			if (attempt(h, w, &pos))
				return true;
		}
		bm_rc4_skip(&here.rc4, 1);
	}
	return false;
}

/* A record that is the last one, and fails: does it stand further on in the keystream, because one
 * before it was left out? */
static void
last_of_keystream(struct half *h, struct bm_case *c)
{
	struct lost *l = h->lost;

	if (l->len == 0 || c->record == NULL || h->keys == NULL ||
		bm_protection_keys(h->keys)->suite->cipher != BM_RC4)
		return;
	uint8_t header[BM_HEADER];
	memcpy(header, c->record, BM_HEADER);
	struct bm_wire w = {.type = header[0],
		.version = bm_load16(header + 1),
		.header = bm_view(header, BM_HEADER),
		.body = bm_view(c->record + BM_HEADER, c->len - BM_HEADER)};
	if (!attempt_keystream(h, &w, false) || h->pos.seq == l->expected.seq)
		return;
	c->found = true;
	c->found_seq = h->pos.seq;
	c->tried += l->tried;
	/* What it says counts: it may be the alert that ends the connection. */
	struct bm_outcome o;
	if (check(h, h->keys, &h->pos, &w, false, &o)) {
		tally(h)->verified--;
		accept_record(
			h, &w, &o, l->start, c->packet_count != 0 ? c->packets[c->packet_count - 1] : 0, true);
	}
}

/* RC4: every octet of content moves the keystream by one. */
static bool
attempt_rc4(struct half *h, const struct bm_wire *w, uint64_t at, uint64_t ahead)
{
	struct lost *l = h->lost;
	struct bm_position pos = l->expected;
	uint64_t reach = at - l->start;

	if (attempt(h, w, &pos))
		return true;
	pos = l->counted;
	if (attempt(h, w, &pos))
		return true;
	/* k records with five octets of header each stand between. */
	for (uint64_t k = 1; k <= ahead + 1 && 5 * k <= reach; k++) {
		pos = l->expected;
		pos.seq += k;
		bm_rc4_skip(&pos.rc4, reach - 5 * k);
		if (attempt(h, w, &pos))
			return true;
	}
	return attempt_keystream(h, w, at != l->start);
}

/* Does it verify under keys whose epoch begins somewhere before it? */
static bool
attempt_from_start(
	struct half *h, const struct bm_protection *p, const struct bm_wire *w, struct bm_position *pos)
{
	struct bm_outcome o;
	unsigned window = h->lost->over_gap ? NEAR : 1;

	bm_position_start(p, pos);
	for (unsigned i = 0; i < window; i++, pos->seq++) {
		h->lost->tried++;
		h->lost->work += w->body.n + CHECK_COST;
		if (check(h, p, pos, w, false, &o))
			return true;
	}
	return false;
}

static bool
attempt_other_epoch(struct half *h, const struct bm_wire *w)
{
	struct bm_session *s = h->s;

	if (!is_tls13(s)) {
		/* The ChangeCipherSpec fell into a gap. */
		if (!h->lost->over_gap || h->epoch != 0 || !s->server_hello || !s->client_hello)
			return false;
		if (!s->pending_made) {
			s->pending_made = true;
			(void)make_pending(s, 0);
		}
		const struct bm_protection *p = s->pending[h->side];
		if (p == NULL)
			return false;
		struct bm_position pos;
		if (!attempt_from_start(h, p, w, &pos))
			return false;
		h->protected = true;
		begin_epoch(h, 1, p);
		h->pos = pos;
		return true;
	}
	unsigned last = h->epoch < BM_EPOCH_APPLICATION ? BM_EPOCH_APPLICATION : h->epoch;
	struct bm_position pos;
	for (unsigned e = h->epoch + 1; e <= last; e++) {
		const struct bm_protection *p = epoch_keys(h, e, 0);
		if (p == NULL)
			continue;
		if (!attempt_from_start(h, p, w, &pos))
			continue;
		enter_epoch(h, e);
		choose_secret(h, 0, p);
		h->pos = pos;
		return true;
	}
	/* The KeyUpdate is what was damaged, or fell into the gap. */
	const struct bm_protection *p = next_generation(h);
	if (p == NULL || !attempt_from_start(h, p, w, &pos))
		return false;
	enter_next_generation(h);
	h->pos = pos;
	return true;
}

/* Does the record at `at` verify at any position that the stream up to here could have led to? */
static bool
attempt_all(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct lost *l = h->lost;

	if (h->keys != NULL) {
		uint64_t ahead = NEAR;
		if (l->over_gap) {
			ahead += l->missing / 21;
			if (ahead > GAP_WINDOW)
				ahead = GAP_WINDOW;
		}
		const struct bm_suite *suite = bm_protection_keys(h->keys)->suite;
		struct bm_position pos = l->counted;
		bool ok;
		if (!l->over_gap && attempt(h, w, &pos))
			return true;
		if (!bm_protection_chained(h->keys)) {
			pos = l->expected;
			ok = attempt_near(h, w, &pos, ahead, NEAR);
		} else if (suite->cipher == BM_RC4) {
			ok = attempt_rc4(h, w, at, ahead);
		} else {
			ok = attempt_chained_cbc(h, w, at, ahead);
		}
		if (ok)
			return true;
	}
	return attempt_other_epoch(h, w);
}

/* Two records before `at` changed places: the one that failed verifies right after the one at `at`.
 */
static bool
swapped(struct half *h, const struct bm_wire *w, struct bm_case *c)
{
	struct lost *l = h->lost;
	struct bm_position after;
	struct bm_outcome o;

	if (c == NULL || c->record == NULL || h->pos.seq != l->expected.seq || l->len == 0)
		return false;
	bm_position_after(h->keys, &h->pos, w, &after);
	struct bm_wire failed = {.type = c->record[0],
		.version = bm_load16(c->record + 1),
		.header = bm_view(c->record, BM_HEADER),
		.body = bm_view(c->record + BM_HEADER, c->len - BM_HEADER)};
	l->tried++;
	if (!check(h, h->keys, &after, &failed, false, &o))
		return false;
	c->found = true;
	c->found_seq = after.seq;
	c->came_late = true;
	/* The sender went on from the one that it sent last. */
	bm_position_after(h->keys, &after, &failed, &h->pos);
	return true;
}

/* The record at `at` verifies at h->pos: go on there. */
static void
meet(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct bm_session *s = h->s;
	struct lost *l = h->lost;
	struct bm_case *c = l->case_index < s->case_count ? &s->cases[l->case_index] : NULL;
	uint32_t n = (uint32_t)(BM_HEADER + w->body.n);

	if (l->tentative) {
		struct bm_position pos = h->pos;
		h->pos = l->expected;
		tally(h)->failed++;
		c = new_case(h, BM_CASE_BAD_RECORD, l->start, 0);
		h->pos = pos;
		if (c != NULL)
			c->result = BM_BAD_LENGTH;
	}
	/* Whole records that stand between the failed one and this one failed on their own, if the
	 * framing leads here; the one behind a failed record may only lack its IV. */
	bool framed = l->chained != 0 && l->chain == at;
	bool iv_lost = h->keys != NULL && bm_protection_chained(h->keys) &&
				   bm_protection_keys(h->keys)->suite->mode == BM_MODE_CBC;
	bool other_epoch = c != NULL && c->epoch != h->epoch;
	uint64_t counted = l->expected.seq + 1 + (framed ? l->chained : 0);
	for (unsigned i = 1; framed && i <= l->chained; i++) {
		if (iv_lost && i == 1) {
			tally(h)->undecided++;
			continue;
		}
		tally(h)->failed++;
		/* Where fewer were counted than stand there, some were never this sender's: one fault. */
		if (h->pos.seq != counted || other_epoch)
			continue;
		struct bm_position pos = h->pos;
		h->pos = l->expected;
		h->pos.seq += i;
		struct bm_case *more = new_case(h, BM_CASE_BAD_RECORD, l->links[i].off, l->links[i].len);
		if (more != NULL) {
			more->result = BM_BAD_TAG;
			more->after = BM_AFTER_NEXT;
			more->after_epoch = h->epoch;
			more->after_seq = pos.seq;
			more->after_off = at;
		}
		h->pos = pos;
		c = l->case_index < s->case_count ? &s->cases[l->case_index] : NULL;
	}
	if (c != NULL) {
		c->after = other_epoch || h->pos.seq == counted ? BM_AFTER_NEXT
				   : h->pos.seq == l->expected.seq      ? BM_AFTER_SAME
														: BM_AFTER_OTHER;
		c->after_epoch = h->epoch;
		c->after_seq = h->pos.seq;
		c->after_off = at;
		c->after_tried = l->tried;
		c->framing_lost = l->len == 0 || (!framed && at != l->start + l->len);
		if (at - l->start <= KEEP_BEHIND && bm_stream_base(h->stream) <= l->start &&
			at - l->start != c->region)
			case_keep_bytes(h, c, l->start, (uint32_t)(at - l->start));
		if (c->len == 0)
			c->len = (uint32_t)(at - l->start);
	}
	struct bm_position pos = h->pos;
	if (swapped(h, w, c)) {
		/* This one has been judged here and now. */
		struct bm_position next = h->pos;
		struct bm_outcome o;
		h->pos = pos;
		h->records++;
		if (check(h, h->keys, &h->pos, w, false, &o))
			accept_record(h, w, &o, at, packet_at(h, at + n - 1), true);
		h->pos = next;
		h->off = at + n;
	} else {
		h->off = at;
	}
	drop_lost(h);
	bm_stream_release(h->stream, h->off);
}

enum step { FOUND, WAIT, NOTHING };

/* The complete record at `at`, if a plausible one stands there. */
static enum step
record_at(struct half *h, uint64_t at, bool final, uint8_t header[BM_HEADER], struct bm_wire *w)
{
	size_t avail = bm_stream_avail(h->stream, at);
	bool cut =
		final || bm_stream_gap(h->stream, at + avail) != 0 || bm_stream_ended(h->stream, NULL);

	if (avail < BM_HEADER)
		return cut ? NOTHING : WAIT;
	if (!bm_stream_read(h->stream, at, header, BM_HEADER))
		return NOTHING;
	struct bm_record_header hdr = bm_record_header(header);
	if (!bm_record_plausible(hdr, record_version(h->s)))
		return NOTHING;
	if (avail - BM_HEADER < hdr.length)
		return cut ? NOTHING : WAIT;
	*w = wire_at(h, at, hdr, header);
	return w->body.p != NULL || hdr.length == 0 ? FOUND : NOTHING;
}

/* Follows the framing from the failed record on. */
static enum step
follow_chain(struct half *h, bool final)
{
	struct lost *l = h->lost;
	uint8_t header[BM_HEADER];
	struct bm_wire w;

	while (l->chain != 0) {
		enum step st = record_at(h, l->chain, final, header, &w);
		if (st == WAIT)
			return WAIT;
		if (st == NOTHING)
			return NOTHING; /* what stands in the chain so far stays known */
		uint64_t at = l->chain;
		if (attempt_all(h, &w, at)) {
			meet(h, &w, at);
			return FOUND;
		}
		if (h->s->status != BM_OK)
			return NOTHING;
		if (l->chained + 1 >= CHAIN_MAX || exhausted(h))
			return NOTHING;
		l->chained++;
		l->links[l->chained].off = at;
		l->links[l->chained].len = (uint32_t)(BM_HEADER + w.body.n);
		if (h->keys != NULL)
			bm_position_after(h->keys, &l->counted, &w, &l->counted);
		l->chain = at + BM_HEADER + w.body.n;
	}
	return NOTHING;
}

/* Without keys only the framing itself can tell: a plausible header that leads to another one, or
 * to the exact end of what there is. */
static bool
framing_holds(struct half *h, uint64_t at, const struct bm_wire *w, bool final)
{
	uint64_t next = at + BM_HEADER + w->body.n;
	uint8_t header[BM_HEADER];
	size_t avail = bm_stream_avail(h->stream, next);

	if (avail >= BM_HEADER && bm_stream_read(h->stream, next, header, sizeof header))
		return bm_record_plausible(bm_record_header(header), w->version);
	return avail == 0 && (final || bm_stream_ended(h->stream, NULL));
}

static enum step
scan(struct half *h, bool final)
{
	struct lost *l = h->lost;
	uint8_t header[BM_HEADER], chunk[512];
	struct bm_wire w;

	for (;;) {
		size_t avail = bm_stream_avail(h->stream, l->scan);
		uint64_t gap = bm_stream_gap(h->stream, l->scan + avail);
		if (avail < BM_HEADER) {
			if (gap == 0)
				return WAIT;
			if (!l->over_gap)
				h->s->facts.gaps++;
			l->over_gap = true;
			l->missing += gap;
			l->scan += avail + gap;
			l->chain = 0;
			continue;
		}
		size_t n = avail < sizeof chunk ? avail : sizeof chunk;
		if (!bm_stream_read(h->stream, l->scan, chunk, n))
			return NOTHING;
		for (size_t i = 0; i + BM_HEADER <= n; i++) {
			uint64_t at = l->scan + i;
			if (chunk[i] < BM_CCS || chunk[i] > BM_HEARTBEAT || chunk[i + 1] != 3 ||
				!bm_record_plausible(bm_record_header(chunk + i), record_version(h->s)))
				continue;
			enum step st = record_at(h, at, final, header, &w);
			if (st == WAIT) {
				l->scan = at;
				return WAIT;
			}
			if (st == NOTHING)
				continue;
			bool ok =
				attempt_all(h, &w, at) || (h->keys == NULL && framing_holds(h, at, &w, final));
			if (ok) {
				meet(h, &w, at);
				return FOUND;
			}
			if (h->s->status != BM_OK || exhausted(h))
				return NOTHING;
		}
		l->scan += n - (BM_HEADER - 1);
		if (l->scan > l->start + KEEP_BEHIND)
			bm_stream_release(h->stream, l->scan - 64);
	}
}

/* Nothing verifies any more: count what can be framed, without more attempts. */
static void
give_up(struct half *h)
{
	struct lost *l = h->lost;

	for (unsigned i = 1; i <= l->chained; i++)
		tally(h)->undecided++;
	h->off = l->chained != 0 || l->len != 0 ? l->chain : l->scan;
	h->gave_up = true;
	drop_lost(h);
	bm_stream_release(h->stream, h->off);
}

bool
resync(struct half *h, bool final)
{
	struct lost *l = h->lost;

	if (l->chain != 0) {
		enum step st = follow_chain(h, final);
		if (st == FOUND)
			return true;
		if (st == WAIT)
			return false;
		if (h->s->status != BM_OK)
			return false;
		if (l->chained + 1 >= CHAIN_MAX || exhausted(h)) {
			give_up(h);
			return true;
		}
	}
	if (scan(h, final) == FOUND)
		return true;
	if (h->s->status != BM_OK)
		return false;
	if (exhausted(h)) {
		give_up(h);
		return true;
	}
	if (!final)
		return false;
	/* The end, and nothing verified. */
	if (l->chain != 0 && l->chained != 0)
		for (unsigned i = 1; i <= l->chained; i++)
			tally(h)->undecided++;
	struct bm_case *c = l->case_index < h->s->case_count ? &h->s->cases[l->case_index] : NULL;
	if (c != NULL) {
		c->after = BM_AFTER_NOTHING;
		c->after_tried = l->tried;
		uint64_t end = l->scan + bm_stream_avail(h->stream, l->scan);
		if (c->len == 0 && end > l->start && bm_stream_base(h->stream) <= l->start &&
			end - l->start <= KEEP_BEHIND)
			case_keep_bytes(h, c, l->start, (uint32_t)(end - l->start));
		if (l->chained == 0)
			last_of_keystream(h, c);
	}
	h->over = true;
	drop_lost(h);
	return false;
}
