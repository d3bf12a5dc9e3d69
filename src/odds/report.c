/* Takes an answer or a table to the chosen kind of report, and its bytes to the caller. */
#include "odds/report.h"

#include <stdlib.h>

enum { TEXT_MOST = 1 << 20 };

static enum bm_status
finish(struct bm_out *o, struct bm_lines *l, struct bm_words *a, enum bm_status st)
{
	if (st == BM_OK)
		st = a->failed ? BM_NOMEM : l->status;
	if (st == BM_OK) {
		bm_out_add(o, l->buf.p, l->buf.n);
		bm_out_flush(o);
		st = o->failed ? BM_IO : BM_OK;
	}
	bm_buf_clear(&l->buf);
	bm_arena_clear(&a->arena);
	free(o);
	return st;
}

static struct bm_out *
out_new(const struct bm_odds_format *f)
{
	struct bm_out *o = calloc(1, sizeof *o);

	if (o != NULL) {
		o->write = f->write;
		o->ctx = f->write_ctx;
	}
	return o;
}

enum bm_status
bm_odds_report(const struct bm_odds_question *asked, const struct bm_odds_context *x,
	const struct bm_odds_format *f)
{
	struct bm_odds_question whole = *asked, *q = &whole;
	struct bm_out *o = out_new(f);
	struct bm_odds_answer *w = malloc(sizeof *w);
	struct bm_words a = {.arena = {.max = TEXT_MOST}};
	struct bm_lines l = {.buf = {.max = TEXT_MOST}, .color = f->color, .columns = f->columns};
	enum bm_status st = BM_OK;

	if (o == NULL || w == NULL) {
		free(o);
		free(w);
		return BM_NOMEM;
	}
	q->by_cards = bm_odds_cards_checksum_errors(&x->cards);
	bm_odds_weigh(q, w);
	if (f->json)
		st = bm_odds_json(o, &a, q, x, w);
	else
		bm_odds_text(&l, &a, q, x, w, f->verbose);
	free(w);
	return finish(o, &l, &a, st);
}

enum bm_status
bm_odds_table_report(const struct bm_odds_table *t, const struct bm_odds_format *f)
{
	struct bm_out *o = out_new(f);
	struct bm_words a = {.arena = {.max = TEXT_MOST}};
	struct bm_lines l = {.buf = {.max = TEXT_MOST}, .color = f->color, .columns = f->columns};

	if (o == NULL)
		return BM_NOMEM;
	if (f->json)
		bm_odds_table_json(o, t);
	else
		bm_odds_table_text(&l, &a, t);
	return finish(o, &l, &a, BM_OK);
}
