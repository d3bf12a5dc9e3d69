/* From the kernel's counters to a question. Refuses to know how they are read. */
#include "odds/odds.h"

static uint64_t
count(const struct bm_counters *c, enum bm_counter which)
{
	return c->at[which].known ? c->at[which].n : BM_ODDS_UNKNOWN;
}

/* A number that no sum here takes is as good as none; 2^64 - 1 is the mark of one. */
static uint64_t
bounded(uint64_t n)
{
	return n <= BM_CHANCE_MOST ? n : BM_ODDS_UNKNOWN;
}

void
bm_odds_take_counters(
	const struct bm_counters *c, struct bm_odds_question *q, struct bm_odds_context *x)
{
	uint64_t errors = count(c, BM_COUNTER_TLS_DECRYPT_ERROR);

	q->caught = bounded(count(c, BM_COUNTER_TCP_IN_CSUM_ERRORS));
	q->segments = count(c, BM_COUNTER_TCP_IN_SEGS);
	x->tls_decrypt_errors = errors;
	if (q->failures == BM_ODDS_UNKNOWN && q->diagnosis == NULL && errors != 0 &&
		errors <= BM_CHANCE_ESCAPES_MOST) {
		q->failures = errors;
		x->failures_from_kernel = true;
	}
}
