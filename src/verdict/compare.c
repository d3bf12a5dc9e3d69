/* What the other captures of the run say about the place where a record was spoilt: the parties
 * before a capture that shows it good, and those behind one that shows it as bad, are cleared.
 * report/redact_text.c lists where in these sentences a capture's name stands. */
#include "verdict/verdict.h"

enum bm_place
bm_verdict_relative(enum bm_place place, unsigned direction)
{
	if (place == BM_AT_CLIENT)
		return direction == BM_C2S ? BM_AT_SENDER : BM_AT_RECEIVER;
	if (place == BM_AT_SERVER)
		return direction == BM_S2C ? BM_AT_SENDER : BM_AT_RECEIVER;
	return place;
}

/* The place to judge by, seen from the sender: of captures that show the same bad bytes the one
 * that is nearest to him, of captures that show good ones the one that is farthest from him. */
enum bm_place
bm_verdict_place_of_all(const struct bm_why *w, enum bm_place place)
{
	const struct bm_case *c = w->c;
	enum bm_place own = bm_verdict_relative(place, c->direction);
	size_t at;

	for (size_t i = 0; i < w->elsewhere_count; i++) {
		const struct bm_elsewhere *e = &w->elsewhere[i];
		enum bm_place there = bm_verdict_relative((enum bm_place)e->place, c->direction);
		if (c->kind == BM_CASE_REJECTED && !c->shown) {
			if (!e->all_good || e->copy)
				continue;
			if (there == BM_AT_RECEIVER)
				own = there;
			else if (own == BM_AT_SENDER)
				own = BM_AT_MIDDLE;
		} else if (bm_agreement(w, e, &at) == BM_SAYS_THE_SAME) {
			if (there == BM_AT_SENDER)
				own = there;
			else if (own == BM_AT_RECEIVER)
				own = BM_AT_MIDDLE;
		}
	}
	return own;
}

/* Was the sum of what e shows still to be made, by the sender's network card? */
static bool
sums_unfinished(const struct bm_elsewhere *e, size_t at)
{
	for (size_t i = 0; i < e->fragment_count; i++)
		if (at >= e->fragments[i].record_off &&
			at - e->fragments[i].record_off < e->fragments[i].len)
			return e->fragments[i].checksum == BM_CHECKSUM_OFFLOADED;
	return false;
}

/* It was good there: whoever stands before that capture is cleared. */
static void
clear_sender(struct bm_failure *out, bool card)
{
	enum bm_party left[BM_PARTY_COUNT];
	size_t n = 0;

	left[n++] = BM_PARTY_NETWORK;
	if (bm_blames(out, BM_PARTY_RECEIVER_HOST))
		left[n++] = BM_PARTY_RECEIVER_HOST;
	if (card)
		left[n++] = BM_PARTY_SENDER_HOST;
	if (bm_blames(out, BM_PARTY_CAPTURE))
		left[n++] = BM_PARTY_CAPTURE;
	memcpy(out->at_fault, left, sizeof left);
	out->at_fault_count = n;
}

/* It was bad there already: what lies behind that capture is cleared, and the way to it is less
 * likely than the sender. */
static void
clear_receiver(struct bm_failure *out)
{
	enum bm_party left[BM_PARTY_COUNT];
	bool network = bm_blames(out, BM_PARTY_NETWORK);
	size_t n = 0;

	for (size_t i = 0; i < out->at_fault_count; i++) {
		enum bm_party p = out->at_fault[i];
		if (p == BM_PARTY_SENDER_HOST || p == BM_PARTY_SENDER_TLS ||
			p == BM_PARTY_SENDER_APPLICATION || p == BM_PARTY_CONFIGURATION)
			left[n++] = p;
	}
	if (network)
		left[n++] = BM_PARTY_NETWORK;
	if (n == 0)
		return;
	memcpy(out->at_fault, left, n * sizeof left[0]);
	out->at_fault_count = n;
}

void
bm_verdict_compare(const struct bm_why *w, struct bm_finding *f, struct bm_failure *out)
{
	const struct bm_case *c = w->c;
	size_t at;

	for (size_t i = 0; i < w->elsewhere_count; i++) {
		const struct bm_elsewhere *e = &w->elsewhere[i];
		if (c->kind == BM_CASE_REJECTED && !c->shown) {
			if (e->all_good && !e->copy)
				bm_evidence(w, f, "%s shows the same connection: there, too, every record verifies",
					e->capture);
			continue;
		}
		/* What a place does not show that lies behind this one was taken out again, or is not all.
		 */
		if (e->ended && e->order >= 0) {
			bm_evidence(w, f,
				"in %s this record does not stand: all that came there before the complaint is "
				"good",
				e->capture);
			clear_sender(out, false);
			continue;
		}
		enum bm_agreement a = bm_agreement(w, e, &at);
		if (a == BM_SAYS_GOOD || (a == BM_SAYS_OTHER && e->order > 0)) {
			bm_evidence(w, f,
				a == BM_SAYS_GOOD
					? "in %s the record that was due here is good: it was spoilt between that "
					  "capture and this one"
					: "%s was taken nearer the sender: the bytes changed between that capture and "
					  "this one",
				e->capture);
			clear_sender(out, sums_unfinished(e, at));
		} else if (a == BM_SAYS_THE_SAME) {
			bm_evidence(w, f,
				"%s shows the same bytes: what lies between the two captures did not change them",
				e->capture);
			clear_receiver(out);
		}
	}
}
