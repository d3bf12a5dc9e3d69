/* The end of a connection: are the keys in doubt rather than the records, and did an endpoint
 * complain of records that were good? Refuses to name causes. */
#include "session/internal.h"

#include <stdlib.h>

/* Alerts by which an endpoint says that a record did not pass its check: bad_record_mac and
 * decryption_failed (RFC 5246, section 7.2.2; the latter up to TLS 1.0). */
static bool
complains(const struct bm_alert_seen *a)
{
	/* Always fatal, whatever level it names: TLS 1.3 ignores that (RFC 8446, section 6). */
	return a->description == 20 || (a->description == 21 && a->level == 2);
}

static bool
unsettled(const struct bm_case *c)
{
	return c->kind == BM_CASE_BAD_RECORD && !c->found && c->after == BM_AFTER_NOTHING;
}

/* Do records verify behind it, and all that do under another secret of a TLS 1.3 key log? They say
 * nothing of this one's, and more than one record failed under it. */
static bool
good_elsewhere(const struct bm_session *s, const struct bm_case *c)
{
	return is_tls13(s) && c->kind == BM_CASE_BAD_RECORD && !c->found && c->after == BM_AFTER_NEXT &&
		   c->after_epoch > c->epoch && c->between != 0 && !c->framing_lost && !c->behind_gap &&
		   !c->before_gap;
}

/* Did anybody say that a record sent by `side` was bad? */
static bool
complained_of(const struct bm_session *s, unsigned side)
{
	for (size_t i = 0; i < s->alert_count; i++)
		if (complains(&s->alerts[i]) && s->alerts[i].direction != side)
			return true;
	return false;
}

static bool
verified_later(const struct half *h, unsigned slot)
{
	for (unsigned e = slot + 1; e < EPOCHS; e++)
		if (h->verified_in[e] != 0)
			return true;
	return false;
}

static uint64_t *
counted(struct bm_tally *t, enum bm_judgement how)
{
	return how == BM_JUDGED_VERIFIED    ? &t->verified
		   : how == BM_JUDGED_FAILED    ? &t->failed
		   : how == BM_JUDGED_UNDECIDED ? &t->undecided
										: &t->plaintext;
}

static void
rejudged(
	struct bm_session *s, const struct bm_case *c, enum bm_judgement from, enum bm_judgement to)
{
	struct bm_tally *t = &s->facts.tally[c->direction];

	--*counted(t, from);
	++*counted(t, to);
	timeline_restate(s, c->direction, c->off, from, to);
}

/* It, and the records behind it that failed on its account. */
static void
put_in_doubt(struct bm_session *s, const struct bm_case *c)
{
	struct bm_tally *t = &s->facts.tally[c->direction];

	rejudged(s, c, BM_JUDGED_FAILED, BM_JUDGED_UNDECIDED);
	if (unsettled(c))
		return;
	t->failed -= c->between;
	t->undecided += c->between;
	timeline_restate_run(
		s, c->direction, c->off, c->after_off, BM_JUDGED_FAILED, BM_JUDGED_UNDECIDED);
}

/* A set of sides, as bits. */
static bool
in_doubt(const struct bm_session *s, const struct bm_case *c, unsigned slot, unsigned sides)
{
	return epoch_slot(c->epoch) == slot && (sides >> c->direction & 1) != 0 &&
		   (unsettled(c) || good_elsewhere(s, c));
}

/* Nothing that the sides sent in an epoch verified, and records of it failed: one case about the
 * keys takes the place of those about the records. */
static void
doubt_keys(struct bm_session *s, unsigned epoch, unsigned sides)
{
	/* Keys that a KeyUpdate made come from a secret that has been right (RFC 8446, 7.2). */
	if (is_tls13(s) && epoch > BM_EPOCH_APPLICATION)
		return;
	size_t first = SIZE_MAX, bad = 0;
	unsigned slot = epoch_slot(epoch);
	uint64_t others = 0;
	bool complained = false, went_on = false;

	for (unsigned side = 0; side < 2; side++) {
		if ((sides >> side & 1) == 0)
			continue;
		if (s->half[side].verified_in[slot] != 0)
			return;
		others += s->facts.tally[side].undecided;
		complained = complained || complained_of(s, side);
		went_on = went_on || verified_later(&s->half[side], slot);
	}
	for (size_t i = 0; i < s->case_count; i++) {
		struct bm_case *c = &s->cases[i];
		if (!in_doubt(s, c, slot, sides))
			continue;
		bad++;
		if (first == SIZE_MAX || (c->packet_count != 0 && s->cases[first].packet_count != 0 &&
									 c->packets[0] < s->cases[first].packets[0]))
			first = i;
	}
	if (first == SIZE_MAX)
		return;
	bool only_one = bad == 1 && others == 0 && !went_on;
	/* Of a single record damage is found first, if there is any. */
	if (only_one) {
		s->cases[first].only_one = true;
		s->cases[first].sides = sides;
		return;
	}
	if (sides != 3 && complained)
		return;
	/* A later negotiation of which parts were not captured was perhaps read wrong: no word on its
	 * keys. */
	bool misread = !is_tls13(s) && slot > 1 && s->facts.gaps != 0 && !complained;
	struct bm_case keep = s->cases[first];
	keep.kind = BM_CASE_NO_KEYS_FIT;
	keep.only_one = only_one;
	keep.sides = sides;
	size_t n = 0;
	for (size_t i = 0; i < s->case_count; i++) {
		struct bm_case *c = &s->cases[i];
		if (!in_doubt(s, c, slot, sides)) {
			s->cases[n++] = *c;
			continue;
		}
		put_in_doubt(s, c);
		if (i == first && !misread)
			s->cases[n++] = keep;
		else
			case_clear(c);
	}
	s->case_count = n;
	s->facts.keys_wrong = s->facts.keys_wrong || !misread;
}

bool
was_there(const struct past *p, const struct bm_alert_seen *a)
{
	return p->packet < a->packet && (a->acked == 0 || p->off + p->len <= a->acked);
}

/* The packet of what its sender said last before it complained; 0: nothing is known. */
static uint64_t
last_word(const struct bm_session *s, const struct bm_alert_seen *a)
{
	const struct half *receiver = &s->half[a->direction];
	uint64_t last = 0;

	for (size_t i = 0; i < receiver->past_count; i++)
		if (receiver->past[i].packet < a->packet && receiver->past[i].packet > last)
			last = receiver->past[i].packet;
	return last;
}

/* The last record of h that the complaint may be about, and how many there are: those that came
 * after the last word of the side that complains. */
static const struct past *
meant_by(const struct half *h, const struct bm_alert_seen *a, uint64_t since, uint64_t *count)
{
	const struct past *best = NULL;

	*count = 0;
	for (size_t i = 0; i < h->past_count; i++) {
		const struct past *p = &h->past[i];
		if (!was_there(p, a))
			continue;
		*count += p->packet > since;
		if (best == NULL || p->off >= best->off)
			best = p;
	}
	return best;
}

static bool
acknowledged(const struct bm_case *c, const struct bm_alert_seen *a)
{
	return a->acked != 0 && c->off != BM_NO_SEQ && c->off + c->len <= a->acked;
}

/* Is the complaint about a failure that is known? */
static bool
about_a_case(struct bm_session *s, const struct bm_alert_seen *a)
{
	unsigned dir = 1 - a->direction;

	for (size_t i = 0; i < s->case_count; i++) {
		struct bm_case *c = &s->cases[i];
		if (c->direction != dir && c->kind != BM_CASE_NO_KEYS_FIT)
			continue;
		if (c->kind == BM_CASE_REJECTED)
			return true;
		/* A failure that came after the complaint cannot be what it is about, unless the receiver
		 * had acknowledged it: captures may hold packets in another order than they came in. */
		if (c->packet_count != 0 && c->packets[0] > a->packet && !acknowledged(c, a))
			continue;
		if (c->tolerated) {
			c->tolerated = false;
			/* Somebody has read what stands behind close_notify. */
			if (c->behind_close) {
				s->facts.tally[c->direction].after_close--;
				s->facts.tally[c->direction].failed++;
			} else {
				rejudged(s, c, BM_JUDGED_PLAINTEXT, BM_JUDGED_FAILED);
			}
		}
		if (c->kind == BM_CASE_PLAINTEXT_ALERT)
			return true; /* the code in that alert is the reason, not this one */
		if (c->alert == 255) {
			c->alert = a->description;
			c->alert_packet = a->packet;
		}
		return true;
	}
	return false;
}

static void
complaint(struct bm_session *s, struct bm_alert_seen *a)
{
	unsigned dir = 1 - a->direction; /* whose records were rejected */
	struct half *h = &s->half[dir];

	/* Whatever is bad is bad, whoever says that it was repaired. */
	if (about_a_case(s, a)) {
		a->stale = false;
		return;
	}
	if (a->stale)
		return;
	uint64_t meant, since = last_word(s, a);
	const struct past *p = meant_by(h, a, since, &meant);
	bool unread = false;
	if (h->repeated && p != NULL && tell_taken(h, a, since, p, &unread))
		return;
	struct bm_case *c = new_case(h, BM_CASE_REJECTED, p != NULL ? p->off : BM_NO_SEQ, 0);
	if (c == NULL)
		return;
	c->alert = a->description;
	c->alert_packet = a->packet;
	c->over_gap = h->stream != NULL && bm_stream_gaps(h->stream) != 0;
	c->no_keys = s->facts.tally[dir].undecided != 0 || p == NULL;
	c->seq = BM_NO_SEQ;
	c->epoch = p != NULL ? p->epoch : h->epoch;
	c->meant = meant;
	c->not_compared = unread;
	if (c->no_keys && keyless_scope(h, c, a))
		c->epoch = h->epoch;
	c->first_of_epoch = p != NULL && s->half[a->direction].verified_in[epoch_slot(p->epoch)] == 0;
	if (p == NULL || meant > 1) {
		c->off = BM_NO_SEQ;
		return;
	}
	c->seq = p->seq;
	c->found_chain = chain_of(c->protection, p);
	c->len = p->len;
	size_t n = h->last_packet_count != 0 && h->last_off == p->off ? h->last_packet_count : 1;
	c->packets = calloc(n, sizeof *c->packets);
	if (c->packets == NULL) {
		session_fail(s, BM_NOMEM);
		return;
	}
	c->packet_count = n;
	c->packets[0] = p->packet;
	if (n > 1)
		memcpy(c->packets, h->last_packets, n * sizeof *c->packets);
}

/* Alerts in the clear that nobody took offence at. */
static void
drop_tolerated(struct bm_session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->case_count; i++) {
		if (s->cases[i].tolerated)
			case_clear(&s->cases[i]);
		else
			s->cases[n++] = s->cases[i];
	}
	s->case_count = n;
}

/* A receiver ends the connection at a bad record (RFC 8446, section 5.2). One that goes on, and
 * says nothing, had other bytes than were captured. */
static bool
carried_on(const struct bm_session *s, const struct bm_case *c)
{
	const struct half *receiver = &s->half[1 - c->direction];
	uint64_t last = c->packet_count != 0 ? c->packets[c->packet_count - 1] : UINT64_MAX;
	size_t after = 0;

	/* Those of DTLS go on at any rate, and without a word (RFC 6347, section 4.1.2.7). */
	if (s->dtls || complained_of(s, c->direction))
		return false;
	for (size_t i = 0; i < receiver->past_count; i++)
		after += receiver->past[i].packet > last;
	return after >= 2;
}

/* A record may belong to an epoch that was never entered, or only later. */
static void
make_all_keys(struct bm_session *s)
{
	if (!is_tls13(s))
		return;
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		for (unsigned e = BM_EPOCH_EARLY; e <= BM_EPOCH_APPLICATION; e++)
			(void)epoch_keys(h, e, 0);
		(void)next_generation(h);
	}
}

/* Did TCP mend it? What arrived in segments whose checksum is wrong was dropped and sent again, if
 * the receiver went on; the acknowledgement of what was sent again may have been captured too
 * early.
 */
static bool
mended(struct bm_session *s, const struct bm_case *c)
{
	struct half *h = &s->half[c->direction];
	uint8_t *bytes = c->record != NULL && c->copy_count != 0 && c->protection != NULL &&
							 c->position != NULL && c->len > BM_HEADER && !c->framing_lost
						 ? malloc(c->len)
						 : NULL;
	bool put = false, good = false;
	struct bm_outcome o;

	if (bytes == NULL)
		return false;
	memcpy(bytes, c->record, c->len);
	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *f = &c->fragments[i];
		for (size_t k = 0; f->checksum == BM_CHECKSUM_INVALID && k < c->copy_count; k++) {
			const struct bm_other_copy *x = &c->copies[k];
			uint32_t from = x->record_off > f->record_off ? x->record_off : f->record_off;
			size_t to = x->record_off + x->bytes.n < (size_t)f->record_off + f->len
							? x->record_off + x->bytes.n
							: (size_t)f->record_off + f->len;
			to = to < c->len ? to : c->len;
			if (x->checksum != BM_CHECKSUM_VALID || from >= to)
				continue;
			memcpy(bytes + from, x->bytes.p + (from - x->record_off), to - from);
			put = true;
		}
	}
	struct bm_wire w = {.type = bytes[0],
		.version = bm_load16(bytes + 1),
		.header = bm_view(bytes, BM_HEADER),
		.body = bm_view(bytes + BM_HEADER, c->len - BM_HEADER)};
	good = put && check(h, c->protection, c->position, &w, false, &o);
	free(bytes);
	return good;
}

void
judge(struct bm_session *s)
{
	if (s->case_count != 0)
		make_all_keys(s);
	for (unsigned e = 0; e < EPOCHS; e++) {
		doubt_keys(s, e, 3);
		/* The two directions of TLS 1.3 have secrets of their own (RFC 8446, 7.1). */
		for (unsigned side = 0; is_tls13(s) && side < 2; side++)
			doubt_keys(s, e, 1u << side);
	}
	for (size_t i = 0; i < s->case_count; i++) {
		struct bm_case *c = &s->cases[i];
		c->epoch_verified = s->half[c->direction].verified_in[epoch_slot(c->epoch)] != 0;
		c->carried_on = c->kind == BM_CASE_BAD_RECORD && carried_on(s, c);
		if (c->carried_on && !c->behind_close && !s->dtls && mended(s, c)) {
			c->tolerated = true;
			rejudged(s, c, BM_JUDGED_FAILED, BM_JUDGED_VERIFIED);
		}
	}
	for (size_t i = 0; i < s->alert_count; i++)
		if (complains(&s->alerts[i]))
			complaint(s, &s->alerts[i]);
	drop_tolerated(s);
	keyless_judge(s);
}
