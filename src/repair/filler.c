/* A run of unknown octets, solved for at one place. Refuses to know which places are likely. */
#include "repair/filler.h"

#include <stdlib.h>

#include "base/buf.h"

/* The octets are `mask`: where the hole is, zeros stand now. */
void
bm_filler_try(struct bm_filler *v, size_t at, const uint8_t *mask, size_t n)
{
	struct bm_search *s = v->s;
	uint8_t *trial = bm_search_take(s);

	memcpy(trial + s->d->wire.header.n, v->body, s->d->wire.body.n);
	for (size_t i = 0; i < n; i++)
		trial[s->text_at + at + i] ^= mask[i];
	(void)bm_search_try(s);
}

/* The hole lies in one block: nothing else of the block may change. */
static void
inside(struct bm_filler *v, size_t at, struct bm_term target)
{
	const struct bm_linear *l = &v->l;
	size_t q = at / BM_TERM_BLOCK, off = at % BM_TERM_BLOCK, left = l->n - q * BM_TERM_BLOCK;
	uint8_t block[BM_TERM_BLOCK] = {0}, mask[BM_TERM_BLOCK], rest[BM_TERM_BLOCK];

	memcpy(block, v->text + q * BM_TERM_BLOCK, left < BM_TERM_BLOCK ? left : BM_TERM_BLOCK);
	if (!bm_linear_mask(l, block, bm_term_mul(l, target, v->inverse[q]), mask))
		return;
	memcpy(rest, mask, sizeof rest);
	memset(rest + off, 0, v->n);
	if (bm_weight(rest, sizeof rest) == 0)
		bm_filler_try(v, at, mask + off, v->n);
}

/* Over a boundary; slot: of the split or basis for it. */
static void
across(struct bm_filler *v, size_t at, struct bm_term target, size_t slot)
{
	const struct bm_linear *l = &v->l;
	size_t q = at / BM_TERM_BLOCK, tail = (q + 1) * BM_TERM_BLOCK - at, head = v->n - tail;
	struct bm_term x = bm_term_mul(l, target, v->inverse[q]);
	uint8_t mask[BM_TERM_BLOCK];

	if (l->poly) {
		if (bm_split_solve(&v->split[slot], l, x, at + tail, head, mask))
			bm_filler_try(v, at, mask, v->n);
		return;
	}
	struct bm_gf128 unknowns = {0, 0};
	if (!bm_gf128_zero(bm_basis_reduce(&v->basis[slot], bm_as_gf(x), &unknowns)))
		return;
	bm_gf128_store(mask, unknowns);
	bm_filler_try(v, at, mask, v->n);
}

static bool
is_across(const struct bm_filler *v, size_t at)
{
	return at / BM_TERM_BLOCK != (at + v->n - 1) / BM_TERM_BLOCK;
}

void
bm_filler_solve(
	struct bm_filler *v, size_t at, const struct bm_term *target, size_t targets, size_t slot)
{

	for (size_t t = 0; t < targets; t++) {
		if (is_across(v, at))
			across(v, at, target[t], slot);
		else
			inside(v, at, target[t]);
	}
}

/* An octet of the text becomes `to`. */
void
bm_filler_set(struct bm_filler *v, size_t at, uint8_t to)
{
	struct bm_linear *l = &v->l;
	struct bm_term d = bm_linear_difference(l, v->text + at, &to, 1);

	l->sum = bm_term_add(l, l->sum, bm_term_mul(l, d, l->weight[at]));
	v->text[at] = to;
}

enum bm_status
bm_filler_prepare(struct bm_filler *v)
{
	const struct bm_linear *l = &v->l;

	v->inverse = calloc(l->blocks + 1, sizeof *v->inverse);
	v->basis = calloc(v->n + 1, sizeof *v->basis);
	v->split = calloc(v->n + 1, sizeof *v->split);
	if (v->inverse == NULL || v->basis == NULL || v->split == NULL)
		return BM_NOMEM;
	struct bm_term x = bm_term_mul(l, l->inverse, l->inverse);
	for (size_t k = l->blocks; k > 0; k--) {
		v->inverse[k - 1] = x;
		x = bm_term_mul(l, x, l->inverse);
	}
	for (size_t tail = 1; tail < v->n; tail++) {
		if (l->poly)
			bm_split_new(&v->split[tail], l, tail, v->n - tail);
		else
			bm_linear_basis(l, tail, v->n - tail, &v->basis[tail]);
	}
	return BM_OK;
}

void
bm_filler_free(struct bm_filler *v)
{
	bm_wipe_free(v->inverse, (v->l.blocks + 1) * sizeof *v->inverse);
	bm_wipe_free(v->basis, (v->n + 1) * sizeof *v->basis);
	bm_wipe_free(v->split, (v->n + 1) * sizeof *v->split);
	v->inverse = NULL;
	v->basis = NULL;
	v->split = NULL;
}
