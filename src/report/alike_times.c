/* Times of failures, sorted, and what their distances tell. */
#include "report/alike_times.h"

#include "base/buf.h"

#include <math.h>
#include <stdlib.h>

enum {
	TIMES_MOST = 1 << 20,
	OF_ONE_CONNECTION = 1000, /* each is looked for among all its records */
	BEAT_LEAST = 5,
	DAYS_LEAST = 3
};

#define DAY UINT64_C(86400000000) /* in microseconds */

void
bm_alike_times_clear(struct bm_alike_times *t)
{
	free(t->micros);
	*t = (struct bm_alike_times){.micros = NULL};
}

/* The record that a failure is about: that at its place, or of its number where it has none. */
static const struct bm_judged *
record_of(const struct bm_connection *c, const struct bm_failure *f)
{
	bool by_number = f->stream_offset == BM_UNKNOWN && f->sequence_number != BM_UNKNOWN;

	if (f->stream_offset == BM_UNKNOWN && !by_number)
		return NULL;
	for (size_t i = 0; i < c->course->record_count; i++) {
		const struct bm_judged *r = &c->course->records[i];
		if (r->direction != f->direction)
			continue;
		if (by_number ? r->epoch == f->epoch && r->seq == f->sequence_number
					  : r->off == f->stream_offset)
			return r;
	}
	return NULL;
}

void
bm_alike_times_add(struct bm_alike_times *t, const struct bm_connection *c)
{
	size_t n = c->failure_count < OF_ONE_CONNECTION ? c->failure_count : OF_ONE_CONNECTION;

	if (c->first_ts_ns == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct bm_judged *r = record_of(c, &c->failures[i]);
		if (r != NULL && r->ts_ns != 0 &&
			bm_grow((void **)&t->micros, &t->cap, t->n + 1, TIMES_MOST, sizeof *t->micros) == BM_OK)
			t->micros[t->n++] = r->ts_ns / 1000;
	}
}

static int
rising(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y ? 1 : 0;
}

void
bm_alike_times_sort(struct bm_alike_times *t)
{
	if (t->n != 0)
		qsort(t->micros, t->n, sizeof *t->micros, rising);
}

unsigned
bm_alike_times_compared(const struct bm_alike_times *t)
{
	return (t->n >= BEAT_LEAST ? 1u : 0) + (t->n >= DAYS_LEAST ? 1u : 0);
}

/* The bound that each of m gaps lies within a tenth of their mean by chance. */
bool
bm_alike_beat(const struct bm_alike_times *t, struct bm_alike_found *x)
{
	if (t->n < BEAT_LEAST)
		return false;
	double gaps = (double)(t->n - 1), mean = (double)(t->micros[t->n - 1] - t->micros[0]) / gaps;
	if (mean <= 0)
		return false;
	for (size_t i = 1; i < t->n; i++)
		if (fabs((double)(t->micros[i] - t->micros[i - 1]) - mean) > mean / 10)
			return false;
	x->ln_chance = 0;
	for (size_t i = 1; i + 1 < t->n; i++)
		x->ln_chance += log((double)i * 0.2 / gaps);
	x->with = x->of = t->n;
	x->value = (uint64_t)(mean + 0.5);
	return true;
}

/* Of different days at one time of day: n points of a circle within an arc of share w, n w^(n-1).
 */
bool
bm_alike_day(const struct bm_alike_times *t, struct bm_alike_found *x)
{
	uint64_t widest = 0, from = 0;

	if (t->n < DAYS_LEAST || t->micros[0] / DAY == t->micros[t->n - 1] / DAY)
		return false;
	struct bm_alike_times clock = {.micros = malloc(t->n * sizeof *clock.micros), .n = t->n};
	if (clock.micros == NULL)
		return false;
	for (size_t i = 0; i < t->n; i++)
		clock.micros[i] = t->micros[i] % DAY;
	bm_alike_times_sort(&clock);
	for (size_t i = 0; i < t->n; i++) {
		uint64_t next = i + 1 < t->n ? clock.micros[i + 1] : clock.micros[0] + DAY;
		if (next - clock.micros[i] > widest) {
			widest = next - clock.micros[i];
			from = next % DAY;
		}
	}
	bm_alike_times_clear(&clock);
	/* Nothing is known of less than a microsecond. */
	x->within = DAY > widest ? DAY - widest : 1;
	double n = (double)t->n, share = (double)x->within / (double)DAY;
	if (share > 0.5)
		return false;
	x->ln_chance = log(n) + (n - 1) * log(share);
	x->with = x->of = t->n;
	x->value = from;
	return true;
}
