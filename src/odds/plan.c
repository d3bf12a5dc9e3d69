/* Which simulations a table has, and running them one after the other. */
#include "odds/odds.h"

#include <math.h>
#include <stdlib.h>

static size_t
choose_rows(const struct bm_odds_plan *p, struct bm_simulation *rows)
{
	size_t count = 0, n;
	const struct bm_pattern *table = bm_pattern_table(&n);

	if (p->one_pattern) {
		table = &p->pattern;
		n = 1;
	}
	for (size_t i = 0; i < n; i++)
		for (enum bm_content_kind c = 0; c < BM_CONTENTS; c++) {
			if (table[i].kind == BM_PATTERN_RESUMMED || (p->one_content && c != p->content))
				continue;
			rows[count++] = (struct bm_simulation){
				.pattern = table[i], .content = c, .trials = p->trials, .seed = p->seed};
		}
	return count;
}

/* What the share should be, where the payload does not decide. */
static double
exact(const struct bm_simulation *s)
{
	bool known = s->content == BM_CONTENT_CIPHERTEXT || bm_pattern_holds_anywhere(s->pattern);

	return known ? bm_pattern_escapes(s->pattern) : NAN;
}

enum bm_status
bm_odds_simulate(const struct bm_odds_plan *p, struct bm_odds_table *t)
{
	struct bm_pool *pool = NULL;
	size_t n;

	(void)bm_pattern_table(&n);
	*t = (struct bm_odds_table){.seed = p->seed};
	t->rows = calloc(n * BM_CONTENTS, sizeof *t->rows);
	t->exact = calloc(n * BM_CONTENTS, sizeof *t->exact);
	if (t->rows == NULL || t->exact == NULL)
		return BM_NOMEM;
	t->count = choose_rows(p, t->rows);
	enum bm_status st = bm_pool_new(&pool, p->threads);
	t->threads = st == BM_OK ? bm_pool_workers(pool) : 1;
	for (size_t i = 0; i < t->count && st == BM_OK; i++) {
		st = bm_simulate(&t->rows[i], pool);
		t->exact[i] = exact(&t->rows[i]);
	}
	bm_pool_free(pool);
	return st;
}

void
bm_odds_table_clear(struct bm_odds_table *t)
{
	free(t->rows);
	free(t->exact);
	*t = (struct bm_odds_table){.rows = NULL};
}
