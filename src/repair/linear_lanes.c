/* Damage that comes back at a period: a lane of a bus, a cell of a buffer. The same bit or the same
 * mask in every octet that is a period further on, or any of the bits of a lane. Refuses to
 * know periods that are not in its table. */
#include "repair/linear.h"

#include <stdlib.h>

#include "base/buf.h"
#include "repair/eliminate.h"
#include "repair/join.h"

/* Bits of a lane, any of which may be wrong; octets of a mask that comes back. */
enum { SUSPECTS = 64, WORD = 4 };

/* Sums along each lane, before the octet that is looked at. */
struct lanes {
	struct bm_linear *l;
	struct bm_join j;
	struct bm_term *sum; /* 8 a residue */
};

static void
try_lane(const struct bm_linear *l, size_t from, size_t to, size_t period, uint8_t mask)
{
	for (size_t at = from; at <= to; at += period)
		l->s->trial[l->s->text_at + at] ^= mask;
	(void)bm_search_try(l->s);
}

static void
ask_lane(const struct lanes *x, size_t period, size_t at, size_t bit, struct bm_term sum)
{
	const struct bm_linear *l = x->l;

	for (size_t t = 0; t < l->targets; t++) {
		uint64_t key = bm_term_subtract(l, sum, l->target[t]).w[0], cursor = key;
		for (uint32_t id; (id = bm_join_get(&x->j, key, &cursor)) != 0;) {
			size_t from = (id - 1) / 8;
			if ((id - 1) % 8 == bit && from % period == at % period)
				try_lane(l, from, at, period, (uint8_t)(1u << bit));
		}
	}
}

static void
bit_lanes(const struct lanes *x, size_t period)
{
	struct bm_join j = x->j;
	const struct bm_linear *l = x->l;

	bm_join_empty(&j);
	memset(x->sum, 0, 8 * period * sizeof(*x->sum));
	for (size_t at = 0; at < l->n; at++) {
		struct bm_term bit[8];
		struct bm_term *sum = x->sum + 8 * (at % period);
		bm_linear_bits(l, at, bit);
		for (size_t i = 0; i < 8; i++) {
			bm_join_put(&j, sum[i].w[0], (uint32_t)(8 * at + i + 1));
			sum[i] = bm_term_add(l, sum[i], bit[i]);
			ask_lane(x, period, at, i, sum[i]);
		}
	}
}

/* Runs of a lane from any octet to any other. */
static double
lane_runs(size_t n, size_t period)
{
	double whole = (double)(n / period), rest = (double)(n % period);

	return rest * (whole + 1) * (whole + 2) / 2 + ((double)period - rest) * whole * (whole + 1) / 2;
}

void
bm_linear_bit_lanes(struct bm_linear *l)
{
	static const struct bm_family_name name =
		BM_FAMILY_NAME("one bit inverted at a period of octets");
	struct lanes x = {.l = l};
	size_t longest = 0;
	double runs = 0;

	for (size_t i = 0; i < BM_PERIODS; i++) {
		runs += 8 * lane_runs(l->n, bm_periods[i]);
		longest = bm_periods[i] > longest ? bm_periods[i] : longest;
	}
	if (!bm_search_open(l->s, &name, BM_NORMAL, runs,
			(double)(BM_PERIODS * 8 * l->n) * (double)(1 + l->targets)))
		return;
	x.sum = calloc(8 * longest, sizeof(*x.sum));
	if (x.sum == NULL || bm_join_new(&x.j, 8 * l->n) != BM_OK) {
		bm_search_fail(l->s, BM_NOMEM);
	} else {
		for (size_t i = 0; i < BM_PERIODS; i++)
			bit_lanes(&x, bm_periods[i]);
		bm_search_close(l->s);
	}
	if (x.sum != NULL)
		bm_wipe(x.sum, 8 * longest * sizeof(*x.sum));
	free(x.sum);
	bm_join_free(&x.j);
}

/* One mask, one period: sums from each octet to the end of its segment, or of the text. */
static void
octet_lane(struct bm_linear *l, const struct bm_term *change, struct bm_term *sum,
	const uint32_t *end, size_t period, uint8_t mask)
{
	for (size_t i = l->n; i-- > 0;) {
		sum[i] = i + period < end[i] ? bm_term_add(l, change[i], sum[i + period]) : change[i];
		if (bm_is_target(l, sum[i]))
			try_lane(l, i, end[i] - 1, period, mask);
	}
}

/* Masks in the order of a Gray code: each is the last but for one bit, whose term comes or goes. */
static void
octet_masks(struct bm_linear *l, struct bm_term *change, struct bm_term *sum,
	const struct bm_term (*bit)[8], const uint32_t *end)
{
	unsigned mask = 0;

	for (unsigned step = 1; step < 256; step++) {
		unsigned turned = (unsigned)__builtin_ctz(step);
		mask ^= 1u << turned;
		for (size_t at = 0; at < l->n; at++)
			change[at] = (mask >> turned & 1) != 0
							 ? bm_term_add(l, change[at], bit[at][turned])
							 : bm_term_subtract(l, change[at], bit[at][turned]);
		for (size_t i = 0; i < BM_PERIODS; i++)
			octet_lane(l, change, sum, end, bm_periods[i], (uint8_t)mask);
	}
}

static void
octet_lanes(struct bm_linear *l, const struct bm_family_name *name, bool segments)
{
	double tried = 255.0 * BM_PERIODS * (double)l->n;

	if (l->n == 0 || (segments && bm_search_segment_end(l->s, 0) == l->n) ||
		!bm_search_open(l->s, name, BM_NORMAL, tried, tried))
		return;
	/* Eight terms for the bits, one for the mask, one for the sum. */
	struct bm_term *terms = calloc(10 * l->n, sizeof(*terms));
	uint32_t *end = calloc(l->n, sizeof(*end));
	if (terms == NULL || end == NULL) {
		bm_search_fail(l->s, BM_NOMEM);
	} else {
		struct bm_term(*bit)[8] = (struct bm_term(*)[8])terms;
		for (size_t at = 0; at < l->n; at++) {
			bm_linear_bits(l, at, bit[at]);
			end[at] = (uint32_t)(segments ? bm_search_segment_end(l->s, at) : l->n);
		}
		octet_masks(l, terms + 8 * l->n, terms + 9 * l->n, (const struct bm_term(*)[8])bit, end);
		bm_search_close(l->s);
	}
	if (terms != NULL)
		bm_wipe(terms, 10 * l->n * sizeof(*terms));
	free(terms);
	free(end);
}

void
bm_linear_octet_lanes(struct bm_linear *l)
{
	static const struct bm_family_name whole =
		BM_FAMILY_NAME("one mask on every octet at a period, up to the end of the text");
	static const struct bm_family_name part =
		BM_FAMILY_NAME("one mask on every octet at a period, up to the end of a segment");

	octet_lanes(l, &whole, false);
	octet_lanes(l, &part, true);
}

/* GCM: masks of several octets, which may stand in two blocks, as unknowns of their own. `sum`: of
 * the weights of the octets from each on at the period, up to its end. */
static void
word_mask(const struct bm_linear *l, const struct bm_term *sum, size_t at, size_t end,
	size_t period, size_t octets)
{
	struct bm_basis b;
	struct bm_gf128 unknowns = {0, 0};
	uint8_t mask[16];

	bm_basis_empty(&b);
	for (size_t i = 0; i < octets && at + i < end; i++) {
		struct bm_gf128 v = bm_as_gf(sum[at + i]);
		for (size_t bit = 0; bit < 8; bit++, v = bm_gf128_shift(v))
			if (!bm_basis_put(&b, v, (unsigned)(8 * i + bit)))
				return;
	}
	if (!bm_gf128_zero(bm_basis_reduce(&b, bm_as_gf(l->target[0]), &unknowns)))
		return;
	bm_gf128_store(mask, unknowns);
	for (size_t i = 0; i < octets; i++)
		for (size_t k = at + i; k < end; k += period)
			l->s->trial[l->s->text_at + k] ^= mask[i];
	(void)bm_search_try(l->s);
}

static void
word_masks(struct bm_linear *l, struct bm_term *sum, bool segments)
{
	for (size_t p = 0; p < BM_PERIODS; p++) {
		size_t period = bm_periods[p];
		size_t octets = period < WORD ? period : WORD;
		for (size_t i = l->n; i-- > 0;) {
			size_t end = segments ? bm_search_segment_end(l->s, i) : l->n;
			sum[i] =
				i + period < end ? bm_term_add(l, l->weight[i], sum[i + period]) : l->weight[i];
			if (octets > 1)
				word_mask(l, sum, i, end, period, octets);
		}
	}
}

static void
word_lanes(struct bm_linear *l, const struct bm_family_name *name, bool segments)
{
	double starts = (double)l->n * (BM_PERIODS - 1);

	if (l->n == 0 || (segments && bm_search_segment_end(l->s, 0) == l->n) ||
		!bm_search_open(l->s, name, BM_NORMAL, starts * 0x1p32, starts * 200))
		return;
	struct bm_term *sum = calloc(l->n, sizeof(*sum));
	if (sum == NULL) {
		bm_search_fail(l->s, BM_NOMEM);
		return;
	}
	word_masks(l, sum, segments);
	bm_wipe(sum, l->n * sizeof(*sum));
	free(sum);
	bm_search_close(l->s);
}

void
bm_linear_word_lanes(struct bm_linear *l)
{
	static const struct bm_family_name whole =
		BM_FAMILY_NAME("one mask of up to 32 bits at a period, up to the end of the text");
	static const struct bm_family_name part =
		BM_FAMILY_NAME("one mask of up to 32 bits at a period, up to the end of a segment");

	/* Modulo 2^130 - 5 a mask adds what the octets under it make of it. */
	if (l->poly)
		return;
	word_lanes(l, &whole, false);
	word_lanes(l, &part, true);
}

static void
suspects_of(const struct bm_linear *l, size_t from, size_t end, size_t period, unsigned bit)
{
	struct bm_basis b;
	struct bm_gf128 wrong = {0, 0};
	unsigned n = 0;

	bm_basis_empty(&b);
	for (size_t at = from; at < end; at += period) {
		uint8_t to = l->text[at] ^ (uint8_t)(1u << bit);
		/* One change that is a sum of others: no answer would be the only one. */
		if (!bm_basis_put(&b, bm_as_gf(bm_linear_move(l, at, &to, 1)), n++))
			return;
	}
	if (!bm_gf128_zero(bm_basis_reduce(&b, bm_as_gf(l->target[0]), &wrong)))
		return;
	for (size_t at = from; wrong.hi != 0; at += period, wrong.hi <<= 1)
		l->s->trial[l->s->text_at + at] ^= (uint8_t)((wrong.hi >> 63) << bit);
	(void)bm_search_try(l->s);
}

/* Lanes of one bit between two octets that are few enough: how many alterations, and how many steps
 * they cost; with `search` they are searched. */
static double
suspects_in(const struct bm_linear *l, size_t from, size_t end, bool search, double *steps)
{
	double all = 0;

	for (size_t i = 0; i < BM_PERIODS; i++) {
		size_t period = bm_periods[i];
		for (size_t first = from; first < from + period && first < end; first++) {
			size_t n = (end - first + period - 1) / period;
			/* Of one octet it is no lane. */
			if (n > SUSPECTS || n < 2)
				continue;
			double subsets = 8;
			for (size_t k = 0; k < n; k++)
				subsets *= 2;
			all += subsets;
			*steps += 8 * (double)(n + n * n / 8);
			for (unsigned bit = 0; search && bit < 8; bit++)
				suspects_of(l, first, end, period, bit);
		}
	}
	return all;
}

void
bm_linear_suspects(struct bm_linear *l)
{
	static const struct bm_family_name name =
		BM_FAMILY_NAME("any bits of one lane at a period, within a segment or the text");
	double all = 0, steps = 0;
	size_t end;

	/* Modulo 2^130 - 5 it would be a knapsack. */
	if (l->poly || l->s->over)
		return;
	for (int search = 0; search < 2; search++) {
		if (search != 0 && !bm_search_open(l->s, &name, BM_NORMAL, all, steps))
			return;
		all += suspects_in(l, 0, l->n, search != 0, &steps);
		for (size_t at = 0; at < l->n; at = end) {
			end = bm_search_segment_end(l->s, at);
			if (end - at < l->n)
				all += suspects_in(l, at, end, search != 0, &steps);
		}
	}
	bm_search_close(l->s);
}
