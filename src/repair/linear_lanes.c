/* Damage that comes back at a period: a lane of a bus, a cell of a buffer. The same bit or the same
 * mask in every octet that is a period further on, or any of the bits of a lane. Refuses to
 * know periods that are not in its table. */
#include "repair/linear.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "repair/eliminate.h"
#include "repair/join.h"

/* Bits of a lane, any of which may be wrong; octets of a mask that comes back. */
enum { SUSPECTS = 64, WORD = 4 };

/* What workers take up: a period, or some of the masks. */
enum { MASKS = 16, MASK_PARTS = 256 / MASKS };

static void
try_lane(const struct bm_linear *l, size_t from, size_t to, size_t period, uint8_t mask)
{
	uint8_t *text = bm_linear_take(l);

	for (size_t at = from; at <= to; at += period)
		text[at] ^= mask;
	(void)bm_search_try(l->s);
}

/* One for each worker: sums along each lane, before the octet that is looked at. */
struct lanes {
	struct bm_linear *l;
	struct bm_join j;
	struct bm_term *sum; /* 8 a residue */
};

static void
ask_lane(const struct lanes *x, size_t period, size_t at, size_t bit, struct bm_term sum)
{
	const struct bm_linear *l = x->l;

	for (size_t t = 0; t < l->targets; t++) {
		uint64_t key = bm_term_subtract(l, sum, l->target[t]).w[0], cursor = key;
		/* The lane's first octet has no sum before it. */
		if (key == 0)
			try_lane(l, at % period, at, period, (uint8_t)(1u << bit));
		for (uint32_t id; (id = bm_join_get(&x->j, key, &cursor)) != 0;) {
			size_t from = (id - 1) / 8;
			if ((id - 1) % 8 == bit && from % period == at % period)
				try_lane(l, from, at, period, (uint8_t)(1u << bit));
		}
	}
}

static void
bit_lanes_part(void *ctx, size_t part, unsigned worker)
{
	struct lanes *x = (struct lanes *)ctx + worker;
	const struct bm_linear *l = x->l;
	size_t period = bm_periods[part];

	bm_join_empty(&x->j);
	memset(x->sum, 0, 8 * period * sizeof(*x->sum));
	for (size_t at = 0; at < l->n; at++) {
		struct bm_term bit[8];
		struct bm_term *sum = x->sum + 8 * (at % period);
		bm_linear_bits(l, at, bit);
		for (size_t i = 0; i < 8; i++) {
			if (at >= period)
				bm_join_put(&x->j, sum[i].w[0], (uint32_t)(8 * at + i + 1));
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
	size_t longest = 0;
	double runs = 0;

	for (size_t i = 0; i < BM_PERIODS; i++) {
		runs += 8 * lane_runs(l->n, bm_periods[i]);
		longest = bm_periods[i] > longest ? bm_periods[i] : longest;
	}
	if (!bm_search_open(l->s, &name, BM_NORMAL, runs,
			(double)(BM_PERIODS * 8 * l->n) * (double)(1 + l->targets)))
		return;
	unsigned workers = bm_search_workers(l->s, BM_PERIODS);
	struct lanes *x = calloc(workers, sizeof(*x));
	enum bm_status st = x != NULL ? BM_OK : BM_NOMEM;
	for (unsigned w = 0; w < workers && st == BM_OK; w++) {
		x[w].l = l;
		x[w].sum = calloc(8 * longest, sizeof(*x[w].sum));
		st = x[w].sum != NULL ? bm_join_new(&x[w].j, 8 * l->n) : BM_NOMEM;
	}
	if (st != BM_OK)
		bm_search_fail(l->s, st);
	else
		bm_search_run(l->s, BM_PERIODS, bit_lanes_part, x);
	for (unsigned w = 0; x != NULL && w < workers; w++) {
		l->s->complete &= !x[w].j.crowded;
		bm_wipe_free(x[w].sum, 8 * longest * sizeof(*x[w].sum));
		bm_join_free(&x[w].j);
	}
	free(x);
	bm_search_close(l->s);
}

/* Masks of an octet, all of them at one place and at every period. */
struct masks {
	const struct bm_linear *l;
	struct bm_term (*bit)[8]; /* of each octet */
	uint32_t *end;            /* of the segment that each octet is in, or of the text */
	struct bm_term *terms;    /* 2 * n for each worker: of the mask at each octet, and sums */
};

/* One mask, one period: sums from each octet to the end of its segment, or of the text. */
static void
octet_lane(const struct masks *x, const struct bm_term *change, struct bm_term *sum, size_t period,
	uint8_t mask)
{
	const struct bm_linear *l = x->l;

	for (size_t i = l->n; i-- > 0;) {
		sum[i] = i + period < x->end[i] ? bm_term_add(l, change[i], sum[i + period]) : change[i];
		if (bm_is_target(l, sum[i]))
			try_lane(l, i, x->end[i] - 1, period, mask);
	}
}

/* Masks in the order of a Gray code: each is the last but for one bit, whose term comes or goes. */
static void
octet_masks_part(void *ctx, size_t part, unsigned worker)
{
	const struct masks *x = ctx;
	const struct bm_linear *l = x->l;
	struct bm_term *change = x->terms + 2 * worker * l->n, *sum = change + l->n;
	unsigned mask = 0;

	memset(change, 0, l->n * sizeof(*change));
	for (unsigned step = (unsigned)part * MASKS; step < (part + 1) * MASKS; step++) {
		unsigned turned = mask ^ step ^ step >> 1;
		mask ^= turned;
		for (unsigned i = 0; i < 8; i++)
			for (size_t at = 0; (turned >> i & 1) != 0 && at < l->n; at++)
				change[at] = (mask >> i & 1) != 0 ? bm_term_add(l, change[at], x->bit[at][i])
												  : bm_term_subtract(l, change[at], x->bit[at][i]);
		for (size_t i = 0; i < BM_PERIODS && mask != 0; i++)
			octet_lane(x, change, sum, bm_periods[i], (uint8_t)mask);
	}
}

static void
octet_lanes(struct bm_linear *l, const struct bm_family_name *name, bool segments)
{
	double tried = 255.0 * BM_PERIODS * (double)l->n;

	if (l->n == 0 || (segments && bm_search_segment_end(l->s, 0) == l->n) ||
		!bm_search_open(l->s, name, BM_NORMAL, tried, tried))
		return;
	size_t terms = 2 * l->n * bm_search_workers(l->s, MASK_PARTS);
	struct masks x = {.l = l,
		.bit = calloc(l->n, sizeof(*x.bit)),
		.end = calloc(l->n, sizeof(*x.end)),
		.terms = calloc(terms, sizeof(*x.terms))};
	if (x.bit == NULL || x.end == NULL || x.terms == NULL) {
		bm_search_fail(l->s, BM_NOMEM);
	} else {
		for (size_t at = 0; at < l->n; at++) {
			bm_linear_bits(l, at, x.bit[at]);
			x.end[at] = (uint32_t)(segments ? bm_search_segment_end(l->s, at) : l->n);
		}
		bm_search_run(l->s, MASK_PARTS, octet_masks_part, &x);
	}
	bm_wipe_free(x.bit, l->n * sizeof(*x.bit));
	bm_wipe_free(x.terms, terms * sizeof(*x.terms));
	free(x.end);
	bm_search_close(l->s);
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
	uint8_t *text = bm_linear_take(l);
	for (size_t i = 0; i < octets; i++)
		for (size_t k = at + i; k < end; k += period)
			text[k] ^= mask[i];
	(void)bm_search_try(l->s);
}

struct words {
	const struct bm_linear *l;
	bool segments;
	struct bm_term *sum; /* n for each worker */
};

static void
word_masks_part(void *ctx, size_t part, unsigned worker)
{
	const struct words *x = ctx;
	const struct bm_linear *l = x->l;
	struct bm_term *sum = x->sum + worker * l->n;
	size_t period = bm_periods[part], octets = period < WORD ? period : WORD;

	/* An octet's own mask has been looked for. */
	if (octets == 1)
		return;
	for (size_t i = l->n; i-- > 0;) {
		size_t end = x->segments ? bm_search_segment_end(l->s, i) : l->n;
		sum[i] = i + period < end ? bm_term_add(l, l->weight[i], sum[i + period]) : l->weight[i];
		word_mask(l, sum, i, end, period, octets);
	}
}

static void
word_lanes(struct bm_linear *l, const struct bm_family_name *name, bool segments)
{
	double starts = (double)l->n * (BM_PERIODS - 1);

	if (l->n == 0 || (segments && bm_search_segment_end(l->s, 0) == l->n) ||
		!bm_search_open(l->s, name, BM_NORMAL, starts * 0x1p32, starts * 200))
		return;
	size_t terms = l->n * bm_search_workers(l->s, BM_PERIODS);
	struct words x = {l, segments, calloc(terms, sizeof(*x.sum))};
	if (x.sum == NULL)
		bm_search_fail(l->s, BM_NOMEM);
	else
		bm_search_run(l->s, BM_PERIODS, word_masks_part, &x);
	bm_wipe_free(x.sum, terms * sizeof(*x.sum));
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

/* What lanes lie in: the whole text, or one of several segments. */
struct stretch {
	size_t from, end;
};

static size_t
lane_length(struct stretch r, size_t first, size_t period)
{
	return (r.end - first + period - 1) / period;
}

/* Of one octet it is no lane. */
static bool
is_few(size_t octets)
{
	return octets >= 2 && octets <= SUSPECTS;
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
	uint8_t *text = bm_linear_take(l);
	for (size_t at = from; wrong.hi != 0; at += period, wrong.hi <<= 1)
		text[at] ^= (uint8_t)((wrong.hi >> 63) << bit);
	(void)bm_search_try(l->s);
}

struct suspects {
	const struct bm_linear *l;
	const struct stretch *stretch;
};

static void
suspects_part(void *ctx, size_t part, unsigned worker)
{
	const struct suspects *x = ctx;
	struct stretch r = x->stretch[part / BM_PERIODS];
	size_t period = bm_periods[part % BM_PERIODS];

	(void)worker;
	for (size_t first = r.from; first < r.from + period && first < r.end; first++)
		for (unsigned bit = 0; bit < 8 && is_few(lane_length(r, first, period)); bit++)
			suspects_of(x->l, first, r.end, period, bit);
}

/* How many alterations the lanes of a stretch have, and how many steps they cost. */
static double
count_suspects(struct stretch r, double *steps)
{
	double all = 0;

	for (size_t i = 0; i < BM_PERIODS; i++)
		for (size_t first = r.from; first < r.from + bm_periods[i] && first < r.end; first++) {
			size_t n = lane_length(r, first, bm_periods[i]);
			if (!is_few(n))
				continue;
			all += ldexp(8, (int)n);
			*steps += 8 * (double)(n + n * n / 8);
		}
	return all;
}

void
bm_linear_suspects(struct bm_linear *l)
{
	static const struct bm_family_name name =
		BM_FAMILY_NAME("any bits of one lane at a period, within a segment or the text");
	double all = 0, steps = 0;
	size_t n = 0;

	/* Modulo 2^130 - 5 it would be a knapsack. */
	if (l->poly || l->s->over || l->n == 0)
		return;
	struct stretch *stretch = calloc(l->s->d->edge_count + 2, sizeof(*stretch));
	if (stretch == NULL) {
		bm_search_fail(l->s, BM_NOMEM);
		return;
	}
	stretch[n++] = (struct stretch){0, l->n};
	for (size_t at = 0; at < l->n; at = stretch[n++].end)
		stretch[n] = (struct stretch){at, bm_search_segment_end(l->s, at)};
	/* The only segment is the text. */
	if (n == 2)
		n = 1;
	for (size_t i = 0; i < n; i++)
		all += count_suspects(stretch[i], &steps);
	if (bm_search_open(l->s, &name, BM_NORMAL, all, steps)) {
		struct suspects x = {l, stretch};
		bm_search_run(l->s, n * BM_PERIODS, suspects_part, &x);
		bm_search_close(l->s);
	}
	free(stretch);
}
