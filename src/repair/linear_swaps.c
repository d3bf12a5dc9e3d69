/* Octets that changed places: words next to each other, words of one TCP segment, and runs in which
 * every word stands the wrong way round. Refuses to know words of different sizes that trade
 * places. */
#include "repair/linear.h"

#include "repair/join.h"

/* PART: octets that a worker takes up at once. */
enum { SIZES = 3, WORD_MAX = 8, MANY = 1 << 23, PART = 128 };

static const size_t sizes[SIZES] = {2, 4, 8};

static bool
straddles(size_t at, size_t n)
{
	return at % BM_TERM_BLOCK + n > BM_TERM_BLOCK;
}

/* What it adds that the words at a and b trade places. */
static struct bm_term
swap_term(const struct bm_linear *l, size_t a, size_t b, size_t n)
{
	if (straddles(a, n) || straddles(b, n))
		return bm_term_add(
			l, bm_linear_move(l, a, l->text + b, n), bm_linear_move(l, b, l->text + a, n));
	return bm_term_mul(l, bm_linear_difference(l, l->text + a, l->text + b, n),
		bm_term_subtract(l, l->weight[a], l->weight[b]));
}

static void
try_swap(const struct bm_linear *l, size_t a, size_t b, size_t n)
{
	uint8_t *trial = bm_linear_take(l);

	memcpy(trial + a, l->text + b, n);
	memcpy(trial + b, l->text + a, n);
	(void)bm_search_try(l->s);
}

static void
adjacent(struct bm_linear *l, const struct bm_family_name *name, size_t n)
{
	double places = l->n >= 2 * n ? (double)(l->n - 2 * n + 1) : 0;

	if (!bm_search_open(l->s, name, BM_QUICK, places, 2 * places))
		return;
	bm_search_swaps(l->s);
	for (size_t at = 0; at + 2 * n <= l->n; at++)
		if (memcmp(l->text + at, l->text + at + n, n) != 0 &&
			bm_is_target(l, swap_term(l, at, at + n, n)))
			try_swap(l, at, at + n, n);
	bm_search_close(l->s);
}

void
bm_linear_adjacent(struct bm_linear *l)
{
	static const struct bm_family_name names[] = {
		BM_FAMILY_NAME("two octets next to each other swapped"),
		BM_FAMILY_NAME("two words of 16 bits next to each other swapped"),
		BM_FAMILY_NAME("two words of 32 bits next to each other swapped"),
		BM_FAMILY_NAME("two words of 64 bits next to each other swapped"),
	};

	for (size_t i = 0; i <= SIZES; i++)
		adjacent(l, &names[i], (size_t)1 << i);
}

/* Words at the same distance, modulo their size, from anything: segment or record. */
static double
pairs(size_t octets, size_t n)
{
	double sum = 0;

	for (size_t from = 0; from < n && from < octets; from++) {
		double words = (double)((octets - from) / n);
		sum += words * (words - 1) / 2;
	}
	return sum;
}

static void
swaps_from(const struct bm_linear *l, size_t a, size_t end, size_t n)
{
	for (size_t b = a + n; b + n <= end; b += n)
		if (bm_is_target(l, swap_term(l, a, b, n)) && memcmp(l->text + a, l->text + b, n) != 0)
			try_swap(l, a, b, n);
}

struct swapping {
	const struct bm_linear *l;
	size_t n;
};

static void
swaps_part(void *ctx, size_t part, unsigned worker)
{
	const struct swapping *x = ctx;
	size_t end = 0;

	(void)worker;
	for (size_t a = part * PART; a < x->l->n && a < (part + 1) * PART; a++) {
		if (a >= end)
			end = bm_search_segment_end(x->l->s, a);
		swaps_from(x->l, a, end, x->n);
	}
}

static void
swaps(struct bm_linear *l, const struct bm_family_name *name, size_t n, bool many)
{
	double all = 0;
	size_t end;

	for (size_t at = 0; at < l->n; at = end) {
		end = bm_search_segment_end(l->s, at);
		all += pairs(end - at, n);
	}
	if ((all > MANY) != many || !bm_search_open(l->s, name, BM_NORMAL, all, all))
		return;
	bm_search_swaps(l->s);
	struct swapping x = {l, n};
	bm_search_run(l->s, (l->n + PART - 1) / PART, swaps_part, &x);
	bm_search_close(l->s);
}

void
bm_linear_swaps(struct bm_linear *l, bool many)
{
	static const struct bm_family_name names[SIZES] = {
		BM_FAMILY_NAME("two words of 16 bits of one segment swapped"),
		BM_FAMILY_NAME("two words of 32 bits of one segment swapped"),
		BM_FAMILY_NAME("two words of 64 bits of one segment swapped"),
	};

	for (size_t i = 0; i < SIZES; i++)
		swaps(l, &names[i], sizes[i], many);
}

/* A word of n octets with its parts of `part` octets in reverse order. */
static void
reverse(const uint8_t *from, size_t n, size_t part, uint8_t *to)
{
	for (size_t i = 0; i < n; i += part)
		memcpy(to + n - part - i, from + i, part);
}

static void
try_reversal(const struct bm_linear *l, size_t from, size_t to, size_t n, size_t part)
{
	uint8_t *trial = bm_linear_take(l);

	for (size_t at = from; at < to; at += n)
		reverse(l->text + at, n, part, trial + at);
	(void)bm_search_try(l->s);
}

/* Runs of reversed words are differences of two sums from the start on. */
static void
reversals_at(const struct bm_linear *l, struct bm_join *j, size_t phase, size_t n, size_t part)
{
	struct bm_term sum = {{0, 0, 0}};

	bm_join_empty(j);
	for (size_t at = phase; at + n <= l->n; at += n) {
		uint8_t word[WORD_MAX];
		bm_join_put(j, sum.w[0], (uint32_t)at + 1);
		reverse(l->text + at, n, part, word);
		sum = bm_term_add(l, sum, bm_linear_move(l, at, word, n));
		for (size_t t = 0; t < l->targets; t++) {
			uint64_t key = bm_term_subtract(l, sum, l->target[t]).w[0], cursor = key;
			for (uint32_t id; (id = bm_join_get(j, key, &cursor)) != 0;)
				try_reversal(l, id - 1, at + n, n, part);
		}
	}
}

void
bm_linear_reversals(struct bm_linear *l)
{
	static const struct {
		struct bm_family_name name;
		size_t n, part;
	} kinds[] = {
		{BM_FAMILY_NAME("the octets of every word of 16 bits in a run reversed"), 2, 1},
		{BM_FAMILY_NAME("the octets of every word of 32 bits in a run reversed"), 4, 1},
		{BM_FAMILY_NAME("the halves of every word of 32 bits in a run swapped"), 4, 2},
		{BM_FAMILY_NAME("the octets of every word of 64 bits in a run reversed"), 8, 1},
	};
	struct bm_join j = {0};

	if (l->s->over || l->s->d->effort < BM_NORMAL)
		return;
	enum bm_status st = bm_join_new(&j, l->n / 2 + 1);
	if (st != BM_OK)
		bm_search_fail(l->s, st);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double words = (double)(l->n / kinds[i].n);
		double runs = (double)kinds[i].n * words * (words + 1) / 2;
		if (!bm_search_open(
				l->s, &kinds[i].name, BM_NORMAL, runs, (double)l->n * (double)(3 + l->targets)))
			continue;
		bm_search_swaps(l->s);
		for (size_t phase = 0; phase < kinds[i].n; phase++)
			reversals_at(l, &j, phase, kinds[i].n, kinds[i].part);
		l->s->complete = !j.crowded;
		bm_search_close(l->s);
	}
	bm_join_free(&j);
}
