/* Octets damaged in a row: inside a block, where the change follows from the target, and over the
 * boundary of two blocks, where two unknown ends share it. Refuses to know longer runs: in a whole
 * block something always fits. */
#include "repair/linear.h"

#include "repair/split.h"

void
bm_linear_basis(const struct bm_linear *l, size_t tail, size_t head, struct bm_basis *b)
{
	struct bm_gf128 v = {0, 1};
	struct bm_gf128 next = bm_as_gf(l->inverse);

	/* One that depends on others adds no solution, and does not occur for a random H. */
	bm_basis_empty(b);
	for (size_t i = 8 * tail; i > 0; i--) {
		(void)bm_basis_put(b, v, (unsigned)i - 1);
		v = (struct bm_gf128){v.hi << 1 | v.lo >> 63, v.lo << 1};
	}
	for (size_t i = 0; i < 8 * head; i++) {
		(void)bm_basis_put(b, next, (unsigned)(8 * tail + i));
		next = bm_gf128_shift(next);
	}
}

static void
gcm_across(struct bm_linear *l, size_t tail, size_t head)
{
	struct bm_basis b;
	struct bm_term x = bm_term_mul(l, l->target[0], bm_linear_power(l, l->inverse, 3));

	bm_linear_basis(l, tail, head, &b);
	for (size_t k = l->blocks - 1; k > 0; k--) {
		struct bm_gf128 unknowns = {0, 0};
		struct bm_gf128 rest = bm_basis_reduce(&b, bm_as_gf(x), &unknowns);
		uint8_t mask[BM_TERM_BLOCK];
		size_t at = k * BM_TERM_BLOCK;
		size_t end = at + head < l->n ? head : l->n - at;
		bm_gf128_store(mask, unknowns);
		if (bm_gf128_zero(rest) && bm_weight(mask + tail + end, head - end) == 0)
			bm_linear_try(l, at - tail, mask, tail + end);
		x = bm_term_mul(l, x, l->inverse);
	}
}

static void
poly_across(struct bm_linear *l, size_t tail, size_t head)
{
	struct bm_split split;

	bm_split_new(&split, l, tail, head);
	for (size_t t = 0; t < l->targets; t++) {
		struct bm_term x = bm_term_mul(l, l->target[t], bm_linear_power(l, l->inverse, 3));
		for (size_t k = l->blocks - 1; k > 0; k--) {
			uint8_t mask[BM_TERM_BLOCK];
			size_t at = k * BM_TERM_BLOCK;
			size_t end = at + head < l->n ? head : l->n - at;
			if (bm_split_solve(&split, l, x, at, end, mask))
				bm_linear_try(l, at - tail, mask, tail + end);
			x = bm_term_mul(l, x, l->inverse);
		}
	}
}

void
bm_linear_runs(struct bm_linear *l, const struct bm_family_name *inside,
	const struct bm_family_name *across, size_t octets)
{
	double boundaries = l->blocks > 1 ? (double)(l->blocks - 1) : 0;
	double splits = (double)(octets - 1);
	double each = splits * 0x1p8;

	bm_linear_blocks(
		l, inside, 128, octets, (double)l->blocks * bm_masks_in_run(BM_TERM_BLOCK, octets));
	for (size_t i = 1; i < octets; i++)
		each *= 0x1p8;
	if (!bm_search_open(l->s, across, BM_QUICK, boundaries * each,
			boundaries * splits * (double)l->targets * 16))
		return;
	for (size_t tail = 1; tail < octets; tail++) {
		if (l->poly)
			poly_across(l, tail, octets - tail);
		else
			gcm_across(l, tail, octets - tail);
	}
	bm_search_close(l->s);
}
