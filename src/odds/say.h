/* The sentences of an answer, for people and for programs alike. Refuses to know how they are laid
 * out. All text lives in the words. */
#ifndef BM_ODDS_SAY_H
#define BM_ODDS_SAY_H

#include "odds/odds.h"
#include "odds/words.h"

struct bm_said {
	const char *text[40];
	size_t n;
};

/* "over 99.9 %", "3.4 %", "1 in 65,535", "1 in 10^41.2", "never". */
const char *bm_say_chance(struct bm_words *a, double ln);
/* The same for a pattern; "always". */
const char *bm_say_escapes(struct bm_words *a, double rho);
/* "1 failed record", "1,234 bad checksums". */
const char *bm_say_failures(struct bm_words *a, uint64_t n);
const char *bm_say_bad_sums(struct bm_words *a, uint64_t n);
/* "1.2", "12,345", "1.2 * 10^22". */
const char *bm_say_amount(struct bm_words *a, double x);

/* The answer in one sentence, without the verdict in front of it. */
const char *bm_say_headline(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w);
/* What has to hold for an answer that speaks against the damage, in one sentence; NULL: nothing
 * beyond the limits. The headline has it too. */
const char *bm_say_condition(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w);
/* What was counted, and where. */
const char *bm_say_counted(
	struct bm_words *a, const struct bm_odds_question *q, const struct bm_odds_context *x);
/* What has to hold for the figures to mean what they say; those that matter most here go first. */
void bm_say_limits(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w, struct bm_said *out);
void bm_say_next(struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w, struct bm_said *out);
void bm_say_sources(struct bm_said *out);
/* "HMAC-SHA1, 160 bits: ..."; NULL where nothing is known of the suite's MAC. */
const char *bm_say_mac(struct bm_words *a, const struct bm_suite *s);

#endif
