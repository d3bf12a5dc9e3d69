/* Numbers and the answer itself, in words. */
#include "odds/say.h"

#include "report/lines.h"

#include <math.h>

const char *
bm_say_amount(struct bm_words *a, double x)
{
	if (!isfinite(x))
		return "any number";
	if (x >= 1e15)
		return bm_words_print(a, "%.1f * 10^%.0f", x / pow(10, floor(log10(x))), floor(log10(x)));
	if (x >= 100 || x == floor(x))
		return bm_words_print(a, "%s", bm_grouped((uint64_t)llround(x)).s);
	if (x >= 0.001)
		return bm_words_print(a, "%.3g", x);
	return bm_words_print(a, "%.1f * 10^%.0f", x / pow(10, floor(log10(x))), floor(log10(x)));
}

const char *
bm_say_chance(struct bm_words *a, double ln)
{
	double one_in = exp(-ln);

	if (isinf(ln))
		return "never";
	if (ln > log(0.999))
		return "over 99.9 %";
	if (one_in < 10)
		return bm_words_print(a, "%.3g %%", 100 * exp(ln));
	if (one_in < 100)
		return bm_words_print(a, "1 in %.3g", one_in);
	if (one_in < 1e12)
		return bm_words_print(a, "1 in %s", bm_grouped((uint64_t)llround(one_in)).s);
	return bm_words_print(a, "1 in 10^%.1f", -ln / log(10));
}

const char *
bm_say_escapes(struct bm_words *a, double rho)
{
	return rho >= 1 ? "always" : bm_say_chance(a, log(rho));
}

static const char *
plural(struct bm_words *a, uint64_t n, const char *one, const char *many)
{
	return bm_words_print(a, "%s %s", bm_grouped(n).s, n == 1 ? one : many);
}

const char *
bm_say_failures(struct bm_words *a, uint64_t n)
{
	return plural(a, n, "failed record", "failed records");
}

const char *
bm_say_bad_sums(struct bm_words *a, uint64_t n)
{
	return plural(a, n, "bad checksum", "bad checksums");
}

static const char *
kind_of_damage(struct bm_words *a, struct bm_pattern p)
{
	char name[BM_PATTERN_NAME];

	bm_pattern_name(p, name);
	return p.kind == BM_PATTERN_RANDOM ? "random damage"
									   : bm_words_print(a, "damage of pattern %s", name);
}

/* Beside how many bad checksums it is plausible. */
static const char *
plausible_beside(struct bm_words *a, const struct bm_odds_row *r)
{
	if (r->needed[2] == 0)
		return "however few bad checksums there were";
	return bm_words_print(
		a, "beside %s or more, where it has a chance of 5 %%", bm_say_bad_sums(a, r->needed[2]));
}

static const char *
headline_unknown(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_row *r)
{
	const char *what = kind_of_damage(a, r->pattern);

	if (q->diagnosis != NULL && q->diagnosis->group_count == 0)
		return "the report is undecided, and shows no damage that a checksum could have missed.";
	if (r->failures != BM_ODDS_UNKNOWN && q->caught != BM_ODDS_UNKNOWN)
		return bm_words_print(a,
			"the kernel counted %s and the cards %s by themselves, and whether those are the same "
			"is not known. Beside the former %s that slips past TCP's checksum makes %s or more "
			"with a chance of %s, beside all of them of %s.",
			bm_say_bad_sums(a, q->caught), bm_grouped(q->by_cards).s, what,
			bm_say_failures(a, r->failures), bm_say_chance(a, r->ln_chance),
			bm_say_chance(a, bm_odds_ln_chance_with_cards(q, r)));
	if (r->failures != BM_ODDS_UNKNOWN)
		return bm_words_print(a,
			"nobody counted bad checksums, so nothing is said for or against. %s by %s that "
			"escaped would be plausible %s.",
			bm_say_failures(a, r->failures), what, plausible_beside(a, r));
	if (q->caught == BM_ODDS_UNKNOWN)
		return "neither failed records nor bad checksums were counted.";
	return bm_words_print(a,
		"%s%s, and how many records failed was not said (--failures). One by %s that escaped would "
		"be plausible %s.",
		bm_say_bad_sums(a, q->caught), x->two ? " in that time" : "", what, plausible_beside(a, r));
}

/* What the card that vouches has counted itself, if anything. */
static const char *
own_count(struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_context *x,
	const struct bm_odds_row *r)
{
	bool counts = false;

	for (size_t i = 0; i < x->cards.count; i++)
		counts = counts || x->cards.at[i].checksum_errors != UINT64_MAX;
	if (!counts)
		return "and has no counter that would tell of those it drops";
	if (q->by_cards == 0)
		return "and counted none itself";
	return bm_words_print(a, "and counted %s itself, which together make a chance of %s",
		bm_grouped(q->by_cards).s, bm_say_chance(a, bm_odds_ln_chance_with_cards(q, r)));
}

const char *
bm_say_condition(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w)
{
	const char *card = bm_odds_card_that_vouches(&x->cards);

	if (w->verdict != BM_VERDICT_IMPLAUSIBLE || card == NULL)
		return NULL;
	return bm_words_print(a,
		"it holds if all bad checksums came to the kernel's count: %s sums what it receives "
		"(rx-checksum is on), %s.",
		card, own_count(a, q, x, &w->rows[w->decisive]));
}

static const char *
headline_weighed(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w, const struct bm_odds_row *r)
{
	const char *condition = bm_say_condition(a, q, x, w);
	const char *claim = bm_words_print(a,
		"%s that slips past TCP's checksum makes %s or more beside %s with a chance of %s",
		kind_of_damage(a, r->pattern), bm_say_failures(a, r->failures),
		bm_say_bad_sums(a, q->caught), bm_say_chance(a, r->ln_chance));
	const char *at_most = w->row_count > 1 ? " at most" : "";

	if (w->verdict == BM_VERDICT_IMPLAUSIBLE)
		return condition != NULL
				   ? bm_words_print(
						 a, "%s%s; %s Then look for another cause.", claim, at_most, condition)
				   : bm_words_print(a, "%s%s. Look for another cause.", claim, at_most);
	return bm_words_print(a, "%s. That excludes neither it nor anything else.", claim);
}

static const char *
headline_nothing(
	struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_answer *w)
{
	if (q->diagnosis != NULL && q->diagnosis->failures != 0)
		return bm_words_print(a,
			"of %s in the report none is damage that a checksum could have missed.",
			bm_say_failures(a, q->diagnosis->failures));
	if (w->row_count == 0 || q->caught == BM_ODDS_UNKNOWN)
		return "no record failed, so there is nothing to be explained.";
	return bm_words_print(a, "no record failed. Beside %s, %s that escape are to be expected.",
		bm_say_bad_sums(a, q->caught), bm_say_amount(a, w->rows[w->decisive].mean));
}

const char *
bm_say_headline(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w)
{
	const struct bm_odds_row *r = &w->rows[w->decisive];

	switch (w->verdict) {
	case BM_VERDICT_NOTHING:
		return headline_nothing(a, q, w);
	case BM_VERDICT_UNKNOWN:
		return headline_unknown(a, q, x, r);
	case BM_VERDICT_IMPOSSIBLE:
		return bm_words_print(a,
			"%s never escapes TCP's checksum, whatever the counters say: it was made before the "
			"sum, behind it, or where nobody checks it.",
			kind_of_damage(a, r->pattern));
	case BM_VERDICT_OPEN:
		return bm_words_print(a,
			"%s always passes TCP's checksum, so counters of bad checksums say nothing for or "
			"against it.",
			kind_of_damage(a, r->pattern));
	default:
		return headline_weighed(a, q, x, w, r);
	}
}

static const char *
where(const struct bm_odds_context *x)
{
	switch (x->from) {
	case BM_ODDS_FROM_HOST:
		return x->two ? "by this host between two readings" : "by this host since it was started";
	case BM_ODDS_FROM_COPY:
		return x->two ? "between the two copies" : "in the copy";
	default:
		return "as given";
	}
}

const char *
bm_say_counted(
	struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_context *x)
{
	const char *sums =
		q->caught != BM_ODDS_UNKNOWN ? bm_say_bad_sums(a, q->caught) : "bad checksums not counted";
	const char *segments =
		q->segments == BM_ODDS_UNKNOWN
			? ""
			: bm_words_print(a, " in %s", plural(a, q->segments, "segment", "segments"));
	const char *rate = q->caught != BM_ODDS_UNKNOWN && q->caught != 0 &&
							   q->segments != BM_ODDS_UNKNOWN && q->segments != 0
						   ? bm_words_print(a, " (1 in %s)",
								 bm_say_amount(a, (double)q->segments / (double)q->caught))
						   : "";

	return bm_words_print(a, "%s%s%s, %s", sums, segments, rate, where(x));
}

const char *
bm_say_mac(struct bm_words *a, const struct bm_suite *s)
{
	struct bm_mac_strength m;

	if (s == NULL || !bm_mac_strength(s, &m))
		return NULL;
	return bm_words_print(a,
		"%s: %s, %u bits (%s). Of damage that gets as far as that it misses %s1 in 2^%.0f.",
		s->name, m.name, m.bits, m.source, m.miss_log2 > -(double)m.bits ? "at most " : "",
		floor(-m.miss_log2));
}
