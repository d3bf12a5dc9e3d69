/* The answer for people: the conclusion first, then what was counted, then tables. Refuses to know
 * how it was found. */
#include "odds/report.h"

#include "odds/say.h"

#include <ctype.h>
#include <math.h>

enum { LABEL = 12, NAME = 15 /* of a pattern */, TABLE = 86 /* columns of the table */ };

static void
line(struct bm_lines *l, const char *label, const char *text)
{
	bm_say(l, "  %-*s", LABEL - 2, label);
	bm_say_step(l, LABEL, LABEL, text);
	bm_say(l, "\n");
}

static void
list(struct bm_lines *l, const char *label, const struct bm_said *said)
{
	for (size_t i = 0; i < said->n; i++)
		line(l, i == 0 ? label : "", said->text[i]);
}

static void
headline(struct bm_lines *l, const struct bm_odds_answer *w, const char *text)
{
	static const enum bm_style styles[] = {[BM_VERDICT_NOTHING] = BM_GREEN,
		[BM_VERDICT_UNKNOWN] = BM_YELLOW,
		[BM_VERDICT_IMPOSSIBLE] = BM_RED,
		[BM_VERDICT_IMPLAUSIBLE] = BM_RED,
		[BM_VERDICT_POSSIBLE] = BM_YELLOW,
		[BM_VERDICT_OPEN] = BM_YELLOW};
	char word[16];
	size_t n = 0;

	for (const char *p = bm_verdict_name(w->verdict); *p != '\0' && n + 1 < sizeof word; p++)
		word[n++] = (char)toupper((unsigned char)*p);
	word[n] = '\0';
	bm_style(l, styles[w->verdict]);
	bm_say(l, "%s:", word);
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, " ");
	bm_say_wrapped(l, n + 2, 2, text);
	bm_say(l, "\n\n");
}

/* What another cause would have to do with it. */
static const char *
against(struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_row *r)
{
	const char *cause = q->elsewhere < 0
							? "another cause that makes as many failures on average as there are"
							: bm_words_print(a, "another cause that makes %s failures on average",
								  bm_say_amount(a, q->elsewhere));
	double ln = fabs(r->ln_ratio);

	if (isinf(r->ln_ratio))
		return r->ln_ratio < 0 ? "it cannot be this damage"
							   : bm_words_print(a, "it cannot be %s", cause);
	if (fabs(r->ln_ratio) < 0.1)
		return bm_words_print(a, "neither this nor %s", cause);
	return bm_words_print(a, "%s to 1 %s %s",
		ln < 500 ? bm_say_amount(a, exp(ln)) : bm_words_print(a, "10^%.0f", ln / log(10)),
		r->ln_ratio < 0 ? "for" : "against", cause);
}

static const char *
needed(struct bm_words *a, const struct bm_odds_row *r)
{
	if (r->needed[2] == BM_ODDS_UNKNOWN)
		return "no number of bad checksums makes it plausible";
	if (r->needed[2] == 0)
		return "no bad checksum is needed for that to be plausible";
	return bm_words_print(a, "%s bad checksums for a chance of 5 %%, %s for even odds of so many",
		bm_grouped(r->needed[2]).s,
		r->needed[3] == BM_ODDS_UNKNOWN ? "more than can be" : bm_grouped(r->needed[3]).s);
}

static void
tell_row(struct bm_lines *l, struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_row *r)
{
	char name[BM_PATTERN_NAME];
	const char *rule = bm_pattern_rule(r->pattern.kind)->what;

	bm_pattern_name(r->pattern, name);
	line(l, "pattern",
		bm_words_print(a, "%s: %s%s; escapes the checksum: %s%s", name, rule,
			r->pattern.n != 0 ? bm_words_print(a, " (N = %u)", r->pattern.n) : "",
			bm_say_escapes(a, r->escapes),
			bm_pattern_holds_anywhere(r->pattern) ? "" : " (payload: ciphertext)"));
	if (!isnan(r->mean))
		line(l, "expected",
			bm_words_print(a, "escapes beside %s: %s", bm_say_bad_sums(a, q->caught),
				bm_say_amount(a, r->mean)));
	if (!isnan(r->ln_chance) && r->failures != 0)
		line(l, "chance",
			bm_words_print(a, "of %s or more: %s", bm_say_failures(a, r->failures),
				bm_say_chance(a, r->ln_chance)));
	if (r->failures != 0)
		line(l, "needed", needed(a, r));
	if (!isnan(r->ln_ratio) && r->failures != 0)
		line(l, "likelier", against(a, q, r));
}

/* Some rows of the table: those in which things differ. */
static bool
is_telling(struct bm_pattern p)
{
	switch (p.kind) {
	case BM_PATTERN_BITS:
		return p.n <= 2;
	case BM_PATTERN_BURST:
		return p.n == 15 || p.n == 17;
	case BM_PATTERN_LANE:
		return p.n == 2;
	case BM_PATTERN_RANDOM:
	case BM_PATTERN_SWAP_WORDS:
	case BM_PATTERN_BYTE_ORDER:
	case BM_PATTERN_RESUMMED:
		return true;
	default:
		return false;
	}
}

static void
tell_table(struct bm_lines *l, struct bm_words *a, const struct bm_odds_answer *w, bool all)
{
	char name[BM_PATTERN_NAME];

	bool narrow = l->columns != 0 && l->columns < TABLE;
	if (narrow)
		bm_say(l, "\n  by pattern\n");
	else
		bm_say(l, "\n  %-12s %16s %16s %18s %16s\n", "by pattern", "escapes", "expected", "chance",
			"needed for 5 %");
	for (size_t i = 0; i < w->table_count; i++) {
		const struct bm_odds_row *r = &w->table[i];
		if (!all && !is_telling(r->pattern))
			continue;
		bm_pattern_name(r->pattern, name);
		const char *escapes = bm_say_escapes(a, r->escapes),
				   *mean = isnan(r->mean) ? "-" : bm_say_amount(a, r->mean),
				   *chance = isnan(r->ln_chance) || r->failures == 0
								 ? "-"
								 : bm_say_chance(a, r->ln_chance),
				   *least = r->needed[2] == BM_ODDS_UNKNOWN || r->failures == 0
								? "-"
								: bm_say_amount(a, (double)r->needed[2]);
		if (narrow) {
			bm_say(l, "  %-*s", NAME - 2, name);
			bm_say_step(l, NAME, NAME,
				bm_words_print(a, "escapes: %s, expected: %s, chance: %s, needed for 5 %%: %s",
					escapes, mean, chance, least));
			bm_say(l, "\n");
		} else
			bm_say(l, "  %-12s %16s %16s %18s %16s\n", name, escapes, mean, chance, least);
	}
	bm_say(l, "\n");
}

void
bm_odds_text(struct bm_lines *l, struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w, bool all)
{
	struct bm_said limits = {.n = 0}, next = {.n = 0}, sources = {.n = 0};

	headline(l, w, bm_say_headline(a, q, x, w));
	line(l, "counted", bm_say_counted(a, q, x));
	if (x->failures_from_kernel)
		line(l, "",
			bm_words_print(a, "%s records that kTLS could not decrypt (TlsDecryptError)",
				bm_grouped(q->failures).s));
	for (size_t i = 0; i < w->row_count; i++)
		tell_row(l, a, q, &w->rows[i]);
	if (w->table_count != 0)
		tell_table(l, a, w, all);
	if (w->suite != NULL) {
		const char *mac = bm_say_mac(a, w->suite);
		line(l, "mac", mac != NULL ? mac : "nothing is known of this suite's MAC");
	}
	bm_say_limits(a, q, x, w, &limits);
	bm_say_next(a, q, x, w, &next);
	bm_say_sources(&sources);
	list(l, "rests on", &limits);
	list(l, "next", &next);
	list(l, "sources", &sources);
}
