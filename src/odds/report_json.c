/* The answer for programs, badmac.odds.v1. Refuses to know more of the values than docs/ODDS.md
 * says of them. */
#include "report/json_out.h"
#include "odds/report.h"
#include "odds/say.h"

#include <math.h>

/* ln as log10, and the chance itself, 0 where that is too small for a double. */
static void
chance(struct json *j, const char *key, double ln)
{
	char logarithm[64];

	real_or_null(j, key, isnan(ln) ? NAN : exp(ln));
	snprintf(logarithm, sizeof logarithm, "%s_log10", key);
	real_or_null(j, logarithm, ln / log(10));
}

static void
write_pattern(struct json *j, struct bm_pattern p)
{
	char text[BM_PATTERN_NAME];

	bm_pattern_name(p, text);
	string_or_null(j, "pattern", text);
	string_or_null(j, "what", bm_pattern_rule(p.kind)->what);
}

static void
write_row(struct json *j, const struct bm_odds_row *r)
{
	static const char *const keys[BM_ODDS_LEVELS] = {"0.001", "0.01", "0.05", "0.5"};

	next(j);
	raw(j, "\n");
	begin(j, "{");
	write_pattern(j, r->pattern);
	number_or_null(j, "failures", r->failures);
	real_or_null(j, "escape_probability", r->escapes);
	truth(j, "whatever_the_payload", bm_pattern_holds_anywhere(r->pattern));
	real_or_null(j, "expected_escapes", r->mean);
	chance(j, "probability", r->ln_chance);
	chance(j, "likelihood_ratio", r->ln_ratio);
	name(j, "checksum_errors_needed");
	begin(j, "{");
	for (size_t i = 0; i < BM_ODDS_LEVELS; i++)
		number_or_null(j, keys[i], r->needed[i]);
	end(j, "}");
	end(j, "}");
}

static void
write_rows(struct json *j, const char *key, const struct bm_odds_row *rows, size_t n)
{
	name(j, key);
	begin(j, "[");
	for (size_t i = 0; i < n; i++)
		write_row(j, &rows[i]);
	end(j, "]");
}

static void
write_cards(struct json *j, const struct bm_odds_cards *c)
{
	name(j, "links");
	begin(j, "[");
	for (size_t i = 0; i < c->count; i++) {
		const struct bm_odds_card *card = &c->at[i];
		next(j);
		begin(j, "{");
		string_or_null(j, "name", card->name);
		string_or_null(j, "driver", card->driver[0] != '\0' ? card->driver : NULL);
		if (card->rx_checksum >= 0) {
			truth(j, "rx_checksum", card->rx_checksum != 0);
		} else {
			name(j, "rx_checksum");
			raw(j, "null");
		}
		number_or_null(j, "checksum_errors", card->checksum_errors);
		number_or_null(j, "frame_errors", card->frame_errors);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_counters(struct json *j, const struct bm_odds_question *q, const struct bm_odds_context *x)
{
	static const char *const from[] = {"options", "host", "copy"};

	name(j, "counters");
	begin(j, "{");
	string_or_null(j, "from", from[x->from]);
	truth(j, "difference", x->two);
	number_or_null(j, "seconds",
		x->seconds >= 0 && x->seconds < 0x1p53 ? (uint64_t)(x->seconds + 0.5) : BM_UNKNOWN);
	number_or_null(j, "checksum_errors", q->caught);
	number_or_null(j, "segments", q->segments);
	number_or_null(j, "failures", q->diagnosis != NULL ? q->diagnosis->failures : q->failures);
	string_or_null(j, "failures_from",
		q->diagnosis != NULL             ? "report"
		: q->failures == BM_ODDS_UNKNOWN ? NULL
		: x->failures_from_kernel        ? "kernel"
										 : "options");
	number_or_null(j, "tls_decrypt_errors", x->tls_decrypt_errors);
	number_or_null(j, "memory_errors", x->cards.known ? x->cards.memory_errors : BM_UNKNOWN);
	write_cards(j, &x->cards);
	end(j, "}");
}

static void
write_diagnosis(struct json *j, const struct bm_diagnosis *d)
{
	name(j, "diagnosis");
	if (d == NULL) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	number_or_null(j, "failures", d->failures);
	number_or_null(j, "no_damage", d->others);
	number_or_null(j, "checksum_invalid", d->caught);
	number_or_null(j, "left_out", d->left_out);
	truth(j, "undecided", d->undecided);
	end(j, "}");
}

static void
write_mac(struct json *j, const struct bm_suite *s)
{
	struct bm_mac_strength m;

	name(j, "mac");
	if (s == NULL || !bm_mac_strength(s, &m)) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	string_or_null(j, "cipher_suite", s->name);
	string_or_null(j, "algorithm", m.name);
	number_or_null(j, "bits", m.bits);
	real_or_null(j, "miss_log2", m.miss_log2);
	string_or_null(j, "source", m.source);
	end(j, "}");
}

enum bm_status
bm_odds_json(struct bm_out *o, struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w)
{
	struct json j = {.out = o, .bare = true};
	struct bm_said limits = {.n = 0}, steps = {.n = 0}, sources = {.n = 0};
	const char *headline = bm_say_headline(a, q, x, w), *condition = bm_say_condition(a, q, x, w);

	bm_say_limits(a, q, x, w, &limits);
	bm_say_next(a, q, x, w, &steps);
	bm_say_sources(&sources);
	if (a->failed)
		return BM_NOMEM;
	begin(&j, "{");
	string_or_null(&j, "schema", "badmac.odds.v1");
	name(&j, "summary");
	begin(&j, "{");
	string_or_null(&j, "result", bm_verdict_name(w->verdict));
	string_or_null(&j, "text", headline);
	string_or_null(&j, "condition", condition);
	chance(&j, "probability", w->row_count != 0 ? w->rows[w->decisive].ln_chance : NAN);
	end(&j, "}");
	write_counters(&j, q, x);
	real_or_null(&j, "watched_seconds", x->seconds < 0 ? NAN : x->seconds);
	real_or_null(&j, "elsewhere", q->elsewhere < 0 ? NAN : q->elsewhere);
	write_diagnosis(&j, q->diagnosis);
	write_rows(&j, "odds", w->rows, w->row_count);
	write_rows(&j, "by_pattern", w->table, w->table_count);
	write_mac(&j, w->suite);
	strings(&j, "rests_on", limits.text, limits.n);
	strings(&j, "next_steps", steps.text, steps.n);
	strings(&j, "sources", sources.text, sources.n);
	name(&j, "simulation");
	raw(&j, "null");
	end(&j, "}");
	raw(&j, "\n");
	return BM_OK;
}
