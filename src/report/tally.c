/* A table of values by open addressing, and what their shares make of a coincidence. */
#include "report/tally.h"

#include "base/chance.h"
#include "base/hash64.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST = 16, SHARES = 500 /* of the most frequent values; the others count as the last */ };

void
bm_tally_clear(struct bm_tally *t)
{
	free(t->slot);
	*t = (struct bm_tally){.slot = NULL};
}

static bool
is_free(const struct bm_tally_slot *s)
{
	return s->records == 0 && s->failures == 0;
}

/* The slot of that value, or the free one where it belongs. At least one is free. */
static struct bm_tally_slot *
place(const struct bm_tally *t, const struct bm_tally_key *key)
{
	size_t at = (size_t)bm_hash64(bm_view(key, sizeof *key), 0);

	for (;; at++) {
		struct bm_tally_slot *s = &t->slot[at & (t->cap - 1)];
		if (is_free(s) || memcmp(&s->key, key, sizeof *key) == 0)
			return s;
	}
}

static void
lose(struct bm_tally *t)
{
	bm_tally_clear(t);
	t->lost = true;
}

/* Twice as many slots. */
static bool
grow(struct bm_tally *t)
{
	struct bm_tally bigger = *t;

	bigger.cap = t->cap != 0 ? 2 * t->cap : FIRST;
	bigger.slot = calloc(bigger.cap, sizeof *bigger.slot);
	if (bigger.slot == NULL)
		return false;
	for (size_t i = 0; i < t->cap; i++)
		if (!is_free(&t->slot[i]))
			*place(&bigger, &t->slot[i].key) = t->slot[i];
	free(t->slot);
	*t = bigger;
	return true;
}

/* NULL: it is lost. Whoever asks counts something in it. */
static struct bm_tally_slot *
slot_of(struct bm_tally *t, const struct bm_tally_key *key)
{
	if (t->lost)
		return NULL;
	if (2 * t->used >= t->cap && !grow(t)) {
		lose(t);
		return NULL;
	}
	struct bm_tally_slot *s = place(t, key);
	if (is_free(s)) {
		if (t->used == BM_TALLY_VALUES) {
			lose(t);
			return NULL;
		}
		t->used++;
		s->key = *key;
	}
	return s;
}

void
bm_tally_records(struct bm_tally *t, struct bm_tally_key key, uint64_t n)
{
	struct bm_tally_slot *s = n != 0 ? slot_of(t, &key) : NULL;

	if (s == NULL)
		return;
	s->records += n;
	t->records += n;
}

void
bm_tally_failure(struct bm_tally *t, struct bm_tally_key key)
{
	struct bm_tally_slot *s = slot_of(t, &key);

	if (s == NULL)
		return;
	t->failures++;
	if (s->failures++ == 0)
		s->first = t->failures;
}

const struct bm_tally_slot *
bm_tally_most(const struct bm_tally *t)
{
	const struct bm_tally_slot *best = NULL;

	for (size_t i = 0; i < t->cap; i++) {
		const struct bm_tally_slot *s = &t->slot[i];
		if (s->failures == 0)
			continue;
		if (best == NULL || s->failures > best->failures ||
			(s->failures == best->failures && s->first < best->first))
			best = s;
	}
	return best;
}

static int
falling(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

double
bm_tally_ln_agree(const struct bm_tally *t, uint64_t many)
{
	uint64_t *counts = malloc((t->used != 0 ? t->used : 1) * sizeof *counts);
	size_t n = 0;
	double sum = 0, most = -INFINITY;

	if (counts == NULL)
		return 0;
	for (size_t i = 0; i < t->cap && n < t->used; i++)
		if (t->slot[i].records != 0)
			counts[n++] = t->slot[i].records;
	qsort(counts, n, sizeof *counts, falling);
	/* The first is the largest: the sum is made in units of it, so that it cannot vanish. */
	for (size_t i = 0; i < n && i <= SHARES; i++) {
		double ln = bm_ln_at_least(t->failures, many, (double)counts[i] / (double)t->records);
		most = i == 0 ? ln : most;
		if (isinf(most))
			break;
		sum += exp(ln - most) * (i == SHARES ? (double)(n - SHARES) : 1);
	}
	free(counts);
	double ln = sum > 0 ? most + log(sum) : 0;
	return ln < 0 ? ln : 0;
}
