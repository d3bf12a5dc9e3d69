/* What an answer rests on, what to do next, and who says so. */
#include "odds/say.h"
#include "report/lines.h"

#include <math.h>

static void
add(struct bm_said *s, const char *text)
{
	if (s->n < sizeof s->text / sizeof s->text[0])
		s->text[s->n++] = text;
}

static void
limits_of_diagnosis(struct bm_words *a, const struct bm_diagnosis *d, struct bm_said *out)
{
	if (d->undecided)
		add(out, "The report is undecided: some of its records could not be checked.");
	if (d->others != 0)
		add(out, bm_words_print(a,
					 "%s of its failures are left out: by their cause no octet was damaged (keys, "
					 "order, missing or foreign data).",
					 bm_grouped(d->others).s));
	if (d->caught != 0)
		add(out, bm_words_print(a,
					 "%s of its failures are left out: the checksum as captured is invalid, so "
					 "nothing escaped it. A receiver that took such a segment does not check.",
					 bm_grouped(d->caught).s));
	if (d->left_out != 0)
		add(out, "There are more patterns in the report than are weighed here.");
	if (d->group_count > 1)
		add(out, "Each pattern is weighed as if all bad checksums were its own, which favours the "
				 "network; all of them together are no likelier than the least likely.");
}

static const char *
count_of(struct bm_words *a, uint64_t n)
{
	return n == UINT64_MAX ? "none that can be told" : bm_say_amount(a, (double)n);
}

/* What cards counted by themselves may be bad checksums that the kernel never saw, or those that it
 * counted as well. */
static void
counted_by_cards(struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_row *r,
	struct bm_said *out)
{
	double ln = bm_odds_ln_chance_with_cards(q, r);

	if (q->by_cards == 0 || q->by_cards > BM_CHANCE_MOST || q->caught == BM_ODDS_UNKNOWN)
		return;
	const char *so = isnan(ln) ? ""
							   : bm_words_print(a, "; beside all of them the chance is %s",
									 bm_say_chance(a, ln));
	add(out,
		bm_words_print(a,
			"The cards counted %s by themselves, which the kernel may or may not have counted as "
			"well%s.",
			bm_say_bad_sums(a, q->by_cards), so));
}

static void
limits_of_host(struct bm_words *a, const struct bm_odds_cards *c, struct bm_said *out)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct bm_odds_card *card = &c->at[i];
		if (card->rx_checksum != 1)
			continue;
		add(out, bm_words_print(a,
					 "%s%s%s%s sums what it receives (rx-checksum is on) and is believed; bad "
					 "checksums in "
					 "its own counters: %s.",
					 card->name, card->driver[0] != '\0' ? " (" : "", card->driver,
					 card->driver[0] != '\0' ? ")" : "", count_of(a, card->checksum_errors)));
	}
	if (c->known && c->memory_errors != UINT64_MAX && c->memory_errors != 0)
		add(out, "Memory controllers of this host counted errors (EDAC): memory damages what no "
				 "checksum covers.");
}

void
bm_say_limits(struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_context *x,
	const struct bm_odds_answer *w, struct bm_said *out)
{
	const struct bm_odds_row *r = &w->rows[w->decisive];

	if (q->diagnosis != NULL)
		limits_of_diagnosis(a, q->diagnosis, out);
	if (q->diagnosis != NULL && x->from == BM_ODDS_FROM_HOST)
		add(out, "The counters are this host's; they count only if it received what the report is "
				 "about.");
	if (w->row_count != 0)
		counted_by_cards(a, q, r, out);
	limits_of_host(a, &x->cards, out);
	if (q->caught == 0)
		add(out, "0 bad checksums speak against random damage only where the receiver checks sums "
				 "and counts them; they say nothing against patterns that escape often.");
	if (w->row_count != 0 && r->pattern.kind == BM_PATTERN_RANDOM && !q->pattern_given &&
		q->diagnosis == NULL)
		add(out,
			"Random damage is the pattern assumed. Memory and busses make others, which escape "
			"more often: see the table, and let badmac diagnose find the pattern.");
	add(out,
		"Both counts must be of the same path and time. InCsumErrors counts the segments of all "
		"connections of its network namespace, and only those that the kernel sums itself.");
	add(out,
		"A card or driver that drops bad segments counts them elsewhere (ethtool -S: names with "
		"csum) or not at all; one that vouches for sums (rx-checksumming on) is believed, as are "
		"veth, virtio and other local paths. To have the kernel count: `ethtool -K DEV rx off "
		"gro off lro off`");
	add(out,
		"A proxy, and a forwarder that merges segments (GRO, LRO), makes new sums: damage done "
		"in it is counted nowhere and always passes (pattern resummed).");
	if (w->verdict == BM_VERDICT_POSSIBLE)
		add(out,
			"Counters can speak against the network, not convict it: that takes failures on one "
			"path and none on others.");
}

void
bm_say_next(struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_context *x,
	const struct bm_odds_answer *w, struct bm_said *out)
{
	const char *card = bm_odds_card_that_vouches(&x->cards);

	if (card != NULL && q->caught != BM_ODDS_UNKNOWN &&
		(w->verdict == BM_VERDICT_IMPLAUSIBLE || w->verdict == BM_VERDICT_UNKNOWN))
		add(out, bm_words_print(a,
					 "have the kernel sum and count all by itself: `ethtool -K %s rx off gro off "
					 "lro off`; then `badmac odds --watch 60`",
					 card));
	if (q->caught == BM_ODDS_UNKNOWN)
		add(out,
			"count bad checksums at the receiver, before and after: `nstat -az TcpInCsumErrors "
			"TcpInSegs`; or there `badmac odds --watch 60`");
	else if (!x->two)
		add(out, "compare two readings around a failure, which leaves out what was counted before: "
				 "`badmac odds --watch 60`, or with --before and --after");
	if (q->diagnosis == NULL)
		add(out,
			"capture at the receiver, with keys, and let diagnose find the pattern: `badmac "
			"diagnose --format json -o FILE -k keys.log capture.pcap`; then `badmac odds --report "
			"FILE`");
	if (w->verdict == BM_VERDICT_IMPLAUSIBLE || w->verdict == BM_VERDICT_IMPOSSIBLE ||
		w->verdict == BM_VERDICT_OPEN)
		add(out, "what else makes a record fail: `badmac explain LOG`, and docs/causes");
}

void
bm_say_sources(struct bm_said *out)
{
	add(out, "TCP's checksum has 16 bits and is a sum in ones' complement: RFC 9293, section 3.1; "
			 "RFC 1071. 1 in 65,535 and the other patterns: docs/PROBABILITY.md derives them.");
	add(out, "1 in 1,100 to 32,000 segments with bad checksums, measured: Stone and Partridge, "
			 "\"When the CRC and TCP checksum disagree\", SIGCOMM 2000.");
	add(out,
		"MAC lengths: RFC 5246, appendix C; 96 bits are verify_data of Finished (section 7.4.9), "
		"80 bits truncated_hmac (RFC 6066, section 7).");
}
