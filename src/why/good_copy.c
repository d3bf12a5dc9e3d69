/* The record of the same number that came behind a damaged one, whole and good: what that was when
 * it was sent, and so every way in which it was changed, whatever its shape. Refuses to say why it
 * came again. */
#include "why/donor.h"
#include "why/exchange.h"
#include "why/framing.h"
#include "why/record.h"

enum {
	RUN_LEAST = 8,  /* octets that may stand elsewhere */
	GOOD_LEAST = 4, /* of as many in a row that are right none is part of what was put there */
	CHANCE = -40
};

bool
bm_is_right_one(const struct bm_why *w, const struct bm_case *o)
{
	const struct bm_case *c = w->c;

	return o != c && o->kind == BM_CASE_BAD_RECORD && o->direction == c->direction &&
		   o->epoch == c->epoch && o->found && o->found_seq == c->seq;
}

const struct bm_case *
bm_right_one(const struct bm_why *w)
{
	size_t n = 0;
	const struct bm_case *all = w->session != NULL ? bm_session_cases(w->session, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (bm_is_right_one(w, &all[i]))
			return &all[i];
	return NULL;
}

struct pair {
	struct bm_view got, sent;
	size_t same_front, same_end; /* octets that are alike; they do not overlap in the shorter one */
};

static struct pair
compare(const struct bm_case *c)
{
	struct pair p = {bm_view(c->record, bm_case_octets(c)), bm_view(c->good, c->good_len), 0, 0};
	size_t n = p.got.n < p.sent.n ? p.got.n : p.sent.n;

	while (p.same_front < n && p.got.p[p.same_front] == p.sent.p[p.same_front])
		p.same_front++;
	while (p.same_end < n - p.same_front &&
		   p.got.p[p.got.n - 1 - p.same_end] == p.sent.p[p.sent.n - 1 - p.same_end])
		p.same_end++;
	return p;
}

/* One run of octets was put in, or left out. Where it begins does not show if octets repeat: as far
 * behind as it can. */
static enum bm_cause
show_shift(const struct bm_why *w, const struct pair *p, struct bm_finding *out)
{
	uint32_t at = (uint32_t)p->same_front;
	struct bm_change *ch = &out->changes[0];
	struct bm_view none = bm_view(w->c->record, 0);

	out->change_count = 1;
	if (p->got.n < p->sent.n) {
		*ch = (struct bm_change){at, none, bm_view(p->sent.p + at, p->sent.n - p->got.n), 0, false};
		bm_evidence(w, out, "%zu bytes that stand there from offset %u on are missing here",
			ch->sent.n, at);
		return BM_CAUSE_BYTES_MISSING;
	}
	*ch = (struct bm_change){at, bm_view(p->got.p + at, p->got.n - p->sent.n), none, 0, false};
	bm_evidence(w, out, "%zu bytes from offset %u on do not stand there: \"%s\"", ch->received.n,
		at, bm_quote(w, ch->received));
	return bm_is_text(ch->received) ? BM_CAUSE_PLAINTEXT_INJECTED : BM_CAUSE_BYTES_INSERTED;
}

/* What was received from the first octet that differs to the last one. What is right of it is made
 * what stands nowhere: of several copies of the record it would be found in each. */
static uint8_t *
foreign_octets(const struct bm_why *w, const struct pair *p, size_t n)
{
	size_t end = p->same_front + n;
	uint8_t *text = bm_arena_copy(w->arena, bm_view(p->got.p + p->same_front, n));

	for (size_t i = p->same_front, right; text != NULL && i < end; i += right + (right == 0)) {
		right = 0;
		while (i + right < end && p->got.p[i + right] == p->sent.p[i + right])
			right++;
		for (size_t k = 0; right >= GOOD_LEAST && k < right; k++)
			text[i + k - p->same_front] = (uint8_t)~p->got.p[i + k];
	}
	return text;
}

/* Does it stand elsewhere in the captures? */
static bool
is_stale(const struct bm_why *w, const struct pair *p, struct bm_finding *out)
{
	size_t n = p->got.n - p->same_front - p->same_end;
	struct bm_repeats r;
	struct bm_donor_search s;

	if (n < RUN_LEAST)
		return false;
	uint8_t *text = foreign_octets(w, p, n);
	if (text == NULL || !bm_repeats_new(&r, bm_view(text, n), bm_sighting_name(w)))
		return false;
	bm_look_for_donor(w, &r, (uint32_t)p->same_front, &s);
	bool found =
		s.donor.n != 0 && s.refuse == NULL && bm_repeat_chance(r.places, s.donor.n) <= CHANCE;
	bm_repeats_free(&r);
	if (found)
		bm_tell_donor(w, out, &s.donor, (uint32_t)p->same_front + s.donor.at);
	return found;
}

static enum bm_cause
show_change(const struct bm_why *w, const struct pair *p, struct bm_finding *out)
{
	/* Where the header says another length, it is what was damaged of it. */
	struct bm_case whole = *w->c;
	struct bm_why as_one = *w;
	whole.len = whole.region = (uint32_t)p->got.n;
	as_one.c = &whole;
	enum bm_cause cause = bm_shape_of_change(&as_one, p->sent, out);

	return cause == BM_CAUSE_BYTES_DAMAGED && is_stale(w, p, out) ? BM_CAUSE_STALE_DATA : cause;
}

/* Is next to nothing of the MAC the same? Then it may have been made wrong the first time. */
static bool
has_other_mac(const struct bm_why *w, const struct pair *p)
{
	enum { LAST = 16, ALIKE = 6 };
	size_t n = bm_protection_tag_len(w->c->protection), alike = 0;

	/* As encrypted: what changes in a MAC changes all of its blocks. */
	if (n > LAST || bm_protection_keys(w->c->protection)->suite->mode == BM_MODE_CBC)
		n = LAST;
	/* Of one that was cut short there may be fewer. */
	if (n > p->got.n)
		n = p->got.n;
	for (size_t i = 1; i <= n; i++)
		alike += p->got.p[p->got.n - i] == p->sent.p[p->sent.n - i];
	return alike < ALIKE;
}

/* Searches that alter the record as it stands know better what a small change looks like. */
static bool
is_found_otherwise(const struct bm_why *w, const struct pair *p)
{
	const struct bm_case *c = w->c;

	return p->got.n == p->sent.n && p->got.n == c->len && bm_find_repair(w)->found;
}

enum bm_answer
bm_ask_good_copy(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD || c->good == NULL || bm_case_octets(c) == 0 ||
		c->protection == NULL || c->position == NULL ||
		!bm_try_record(w, c->position, bm_view(c->good, c->good_len)))
		return BM_NOT_ASKED;
	struct pair p = compare(c);
	size_t least = p.got.n < p.sent.n ? p.got.n : p.sent.n;
	bool shift = p.got.n != p.sent.n;
	if (shift && p.same_front + p.same_end != least) {
		*because = bm_arena_print(w->arena,
			"what it was when it was sent came again at stream offset %llu, and differs from it in "
			"more than can be told",
			(unsigned long long)c->good_off);
		return BM_EXCLUDED;
	}
	if (is_found_otherwise(w, &p))
		return BM_NOT_ASKED;
	if (!shift && bm_find_exchange(w, out)) {
		out->cause = BM_CAUSE_STALE_DATA;
		return BM_SHOWN;
	}
	bm_prove(out, "other-record", bm_protection_tag_len(c->protection), 1);
	bm_alter(w, out, BM_INPUT_BYTES);
	bm_alter_other(out, c->direction, c->good_off, c->good_packet, c->seq);
	bm_evidence(w, out,
		"the record at stream offset %llu (packet %llu) verifies at sequence number %llu, where "
		"this one was expected: it is the same record, whole",
		(unsigned long long)c->good_off, (unsigned long long)c->good_packet,
		(unsigned long long)c->seq);
	out->cause = shift ? show_shift(w, &p, out) : show_change(w, &p, out);
	if (has_other_mac(w, &p)) {
		out->strength = BM_STRENGTH_SUPPORTED;
		bm_evidence(w, out,
			"the two have nothing of their MACs in common, and all before them: a sender that made "
			"the first one wrong, and repeated the record, would leave the same");
	}
	return BM_SHOWN;
}
