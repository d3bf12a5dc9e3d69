/* GCM: a run over the edge of ciphertext and tag. The changed end of the text adds its terms to the
 * sum, the changed front of the tag adds itself: together they are the target, and of so few
 * unknown bits there is one solution at most. Refuses to know Poly1305, whose tag has lost bits of
 * its sum.
 */
#include "repair/linear.h"

/* Unknowns are the bits of the run in the order of the wire. False: some depend on others. */
static bool
fill_basis(const struct bm_linear *l, size_t tail, size_t head, struct bm_basis *b)
{
	bool good = true;

	bm_basis_empty(b);
	for (size_t i = 0; i < tail; i++) {
		struct bm_term bit[8];
		bm_linear_bits(l, l->n - tail + i, bit);
		for (size_t k = 0; k < 8; k++)
			good = bm_basis_put(b, bm_as_gf(bit[7 - k]), (unsigned)(8 * i + k)) && good;
	}
	for (size_t i = 0; i < 8 * head; i++) {
		uint8_t tag[BM_TERM_BLOCK] = {0};
		tag[i / 8] = (uint8_t)(0x80 >> i % 8);
		good = bm_basis_put(b, bm_gf128_load(tag), (unsigned)(8 * tail + i)) && good;
	}
	return good;
}

void
bm_linear_tag_edge(struct bm_linear *l)
{
	enum { RUN = 8 };
	static const struct bm_family_name name =
		BM_FAMILY_NAME("up to 8 octets in a row, over the edge of ciphertext and tag");
	size_t most = l->n < RUN - 1 ? l->n : RUN - 1;

	if (l->poly || most == 0 ||
		!bm_search_open(l->s, &name, BM_QUICK, (double)most * 0x1p64, (double)most * 64))
		return;
	for (size_t tail = 1; tail <= most; tail++) {
		struct bm_basis b;
		struct bm_gf128 unknowns = {0, 0};
		uint8_t mask[BM_TERM_BLOCK];
		if (!fill_basis(l, tail, RUN - tail, &b))
			continue;
		struct bm_gf128 rest = bm_basis_reduce(&b, bm_as_gf(l->target[0]), &unknowns);
		bm_gf128_store(mask, unknowns);
		if (bm_gf128_zero(rest))
			bm_linear_try(l, l->n - tail, mask, RUN);
	}
	bm_search_close(l->s);
}
