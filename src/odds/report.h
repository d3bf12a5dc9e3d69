/* What the files that write an answer share. */
#ifndef BM_ODDS_REPORT_H
#define BM_ODDS_REPORT_H

#include "odds/words.h"
#include "odds/odds.h"
#include "report/lines.h"

void bm_odds_text(struct bm_lines *l, struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w, bool all);
/* BM_NOMEM. */
enum bm_status bm_odds_json(struct bm_out *o, struct bm_words *a, const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_answer *w);

void bm_odds_table_text(struct bm_lines *l, struct bm_words *a, const struct bm_odds_table *t);
void bm_odds_table_json(struct bm_out *o, const struct bm_odds_table *t);

#endif
