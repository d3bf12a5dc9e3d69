/* Rows of chances, and the word that sums them up. */
#include "odds/weigh.h"

#include <math.h>

const double bm_odds_levels[BM_ODDS_LEVELS] = {0.001, 0.01, BM_PLAUSIBLE, 0.5};

const char *
bm_verdict_name(enum bm_verdict v)
{
	static const char *const names[] = {
#define NAME(id, name) name,
		BM_VERDICT_LIST(NAME)
#undef NAME
	};

	return names[v];
}

/* Bad checksums may come of other damage as well: as many of them as make this number of escapes
 * likeliest, if there are as many. */
static uint64_t
fitting(uint64_t caught, uint64_t failures, double rho)
{
	double best = rho <= 0 ? INFINITY : floor((double)failures * (1 - rho) / rho);

	return best < (double)caught ? (uint64_t)best : caught;
}

static struct bm_odds_row
weigh_row(const struct bm_odds_question *q, struct bm_pattern p, uint64_t failures)
{
	struct bm_odds_row r = {.pattern = p,
		.failures = failures,
		.escapes = bm_pattern_escapes(p),
		.mean = NAN,
		.ln_chance = NAN,
		.ln_ratio = NAN};
	bool asked = failures != BM_ODDS_UNKNOWN;

	for (size_t i = 0; i < BM_ODDS_LEVELS; i++)
		/* One failure stands for all where their number is not known. */
		r.needed[i] = bm_caught_needed(asked ? failures : 1, r.escapes, bm_odds_levels[i]);
	if (asked && failures != 0 && r.escapes <= 0)
		r.ln_chance = -INFINITY; /* whatever was counted */
	if (q->caught == BM_ODDS_UNKNOWN)
		return r;
	r.mean = bm_escapes_mean(q->caught, r.escapes);
	if (!asked)
		return r;
	r.ln_chance = bm_ln_escapes_least(failures, q->caught, r.escapes);
	if (r.escapes < 1)
		r.ln_ratio = bm_ln_escapes(failures, fitting(q->caught, failures, r.escapes), r.escapes) -
					 bm_ln_poisson(failures, q->elsewhere < 0 ? (double)failures : q->elsewhere);
	return r;
}

static void
weigh_diagnosis(const struct bm_odds_question *q, struct bm_odds_answer *out)
{
	const struct bm_diagnosis *d = q->diagnosis;

	for (size_t i = 0; i < d->group_count; i++) {
		const struct bm_damage_group *g = &d->groups[i];
		struct bm_odds_row *r = &out->rows[out->row_count++];
		*r = weigh_row(q, q->pattern_given ? q->pattern : g->pattern, g->failures);
		/* What always escapes decides nothing while there is another row. */
		const struct bm_odds_row *least = &out->rows[out->decisive];
		if (least->escapes >= 1 || r->ln_chance < least->ln_chance ||
			(isnan(least->ln_chance) && r->escapes <= 0))
			out->decisive = i;
	}
}

double
bm_odds_ln_chance_with_cards(const struct bm_odds_question *q, const struct bm_odds_row *r)
{
	if (q->by_cards == 0 || q->by_cards > BM_CHANCE_MOST || q->caught == BM_ODDS_UNKNOWN ||
		r->failures == BM_ODDS_UNKNOWN || r->failures == 0)
		return NAN;
	return bm_ln_escapes_least(r->failures, q->caught + q->by_cards, r->escapes);
}

static enum bm_verdict
verdict(const struct bm_odds_question *q, const struct bm_odds_answer *a)
{
	const struct bm_odds_row *r = &a->rows[a->decisive];

	if (a->row_count == 0 && q->diagnosis->undecided)
		return BM_VERDICT_UNKNOWN;
	if (a->row_count == 0 || r->failures == 0)
		return BM_VERDICT_NOTHING;
	if (r->failures == BM_ODDS_UNKNOWN)
		return BM_VERDICT_UNKNOWN;
	if (r->escapes <= 0)
		return BM_VERDICT_IMPOSSIBLE;
	if (r->escapes >= 1)
		return BM_VERDICT_OPEN;
	if (q->caught == BM_ODDS_UNKNOWN)
		return BM_VERDICT_UNKNOWN;
	if (r->ln_chance >= log(BM_PLAUSIBLE))
		return BM_VERDICT_POSSIBLE;
	/* Which of the counts is right decides, and nobody knows. */
	return bm_odds_ln_chance_with_cards(q, r) >= log(BM_PLAUSIBLE) ? BM_VERDICT_UNKNOWN
																   : BM_VERDICT_IMPLAUSIBLE;
}

void
bm_odds_weigh(const struct bm_odds_question *q, struct bm_odds_answer *out)
{
	size_t n;
	const struct bm_pattern *table = bm_pattern_table(&n);

	*out = (struct bm_odds_answer){.suite = q->suite};
	if (q->diagnosis != NULL) {
		weigh_diagnosis(q, out);
		if (out->suite == NULL)
			out->suite = q->diagnosis->suite;
	} else {
		struct bm_pattern p =
			q->pattern_given ? q->pattern : (struct bm_pattern){BM_PATTERN_RANDOM, 0};
		out->rows[out->row_count++] = weigh_row(q, p, q->failures);
		for (size_t i = 0; !q->pattern_given && i < n && i < BM_ODDS_ROWS; i++)
			out->table[out->table_count++] = weigh_row(q, table[i], q->failures);
	}
	out->verdict = verdict(q, out);
}
