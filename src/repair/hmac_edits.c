/* What a change of the body makes of the text under the MAC. Refuses to compute a MAC.
 *
 * CBC with the MAC inside: P_i = D(C_i) ^ C_(i-1). A changed C_i garbles P_i and flips the same
 * bits in P_(i+1). A changed IV flips bits of the first block alone. */
#include "repair/hmac.h"

/* The octets of one cipher block of the candidate, taken up once. */
static uint8_t *
touch(struct hs_worker *w, size_t i, uint32_t q)
{
	const struct hmac_search *s = w->s;
	struct hs_batch *b = &w->batch;
	size_t block = s->base.rules.block, n = b->touched_n[i];

	for (size_t k = 0; k < n; k++)
		if (b->touched[i][k].q == q)
			return b->cipher + b->touched[i][k].at * block;
	b->touched[i][n] = (struct hs_touched){q, (uint32_t)b->blocks};
	b->touched_n[i]++;
	w->work += s->base.block_cost;
	uint8_t *to = b->cipher + b->blocks++ * block;
	memcpy(to, s->d->wire.body.p + q * block, block);
	return to;
}

void
hs_gather(struct hs_worker *w, const struct hs_candidate *c, size_t i)
{
	const struct hmac_search *s = w->s;
	size_t block = s->base.rules.block;

	w->batch.touched_n[i] = 0;
	if (s->base.rules.order != BM_MAC_THEN_ENCRYPT)
		return;
	for (size_t k = 0; k < c->n; k++)
		for (size_t j = 0; j < c->c[k].n;) {
			size_t off = c->c[k].off + j;
			size_t here = block - off % block;
			if (here > c->c[k].n - j)
				here = c->c[k].n - j;
			memcpy(touch(w, i, (uint32_t)(off / block)) + off % block, c->c[k].to + j, here);
			j += here;
		}
}

/* n octets of the text at `off`, next to the last edit or a new one. NULL: no room, which the sizes
 * of changes do not let happen. */
static uint8_t *
extend(struct hs_edits *out, size_t off, size_t n)
{
	struct hs_edit *e = out->n != 0 ? &out->e[out->n - 1] : NULL;

	if (e == NULL || (size_t)e->off + e->n != off) {
		if (out->n == HS_CHANGES)
			return NULL;
		e = &out->e[out->n++];
		e->off = (uint32_t)off;
		e->n = 0;
	}
	if (n > HS_EDIT - e->n)
		return NULL;
	e->n += (uint32_t)n;
	return e->to + e->n - n;
}

static const struct hs_touched *
find(const struct hs_batch *b, size_t i, uint32_t q)
{
	for (size_t k = 0; k < b->touched_n[i]; k++)
		if (b->touched[i][k].q == q)
			return &b->touched[i][k];
	return NULL;
}

/* Plaintext of block q, which or whose predecessor the candidate changed. */
static void
plain_block(const struct hs_worker *w, size_t i, uint32_t q, struct hs_edits *out)
{
	const struct hmac_search *s = w->s;
	const struct hs_base *base = &s->base;
	const struct hs_batch *b = &w->batch;
	const uint8_t *body = s->d->wire.body.p;
	size_t block = base->rules.block;
	uint32_t shift = base->rules.record_iv != 0 ? 1 : 0;
	const struct hs_touched *own = find(b, i, q);
	const struct hs_touched *before = q != 0 ? find(b, i, q - 1) : NULL;
	size_t off = (q - shift) * block;
	uint8_t *to = extend(out, off, block);

	if (to == NULL)
		return;
	const uint8_t *was = q != 0 ? body + (q - 1) * block : s->d->position->iv;
	const uint8_t *is = before != NULL ? b->cipher + before->at * block : was;
	if (own == NULL) {
		for (size_t k = 0; k < block; k++)
			to[k] = base->text[off + k] ^ was[k] ^ is[k];
		return;
	}
	/* All blocks of the batch were decrypted in one chain: undo its XOR. */
	static const uint8_t zero[BM_BLOCK_MAX];
	const uint8_t *d = b->plain + own->at * block;
	const uint8_t *chain = own->at != 0 ? b->cipher + (own->at - 1) * block : zero;
	for (size_t k = 0; k < block; k++)
		to[k] = d[k] ^ chain[k] ^ is[k];
}

/* A flip touches few octets of its block. What is left empty is dropped. */
static void
trim(const struct hs_base *b, struct hs_edits *out)
{
	size_t kept = 0;

	for (size_t k = 0; k < out->n; k++) {
		struct hs_edit *e = &out->e[k];
		while (e->n != 0 && e->to[e->n - 1] == b->text[e->off + e->n - 1])
			e->n--;
		if (e->n == 0)
			continue;
		if (kept != k)
			out->e[kept] = *e;
		kept++;
	}
	out->n = kept;
}

void
hs_edits_of(const struct hs_worker *w, size_t i, struct hs_edits *out)
{
	const struct hmac_search *s = w->s;
	const struct hs_base *base = &s->base;
	const struct hs_candidate *c = &w->batch.candidate[i];
	const uint8_t *body = s->d->wire.body.p;

	out->n = 0;
	if (base->rules.order != BM_MAC_THEN_ENCRYPT) {
		for (size_t k = 0; k < c->n; k++) {
			uint8_t *to = extend(out, c->c[k].off, c->c[k].n);
			for (size_t j = 0; to != NULL && j < c->c[k].n; j++) {
				size_t off = c->c[k].off + j;
				/* A stream cipher's keystream stays. */
				to[j] = base->text[off] ^ body[off] ^ c->c[k].to[j];
			}
		}
		return;
	}
	uint32_t shift = base->rules.record_iv != 0 ? 1 : 0;
	uint32_t blocks = (uint32_t)(s->d->wire.body.n / base->rules.block);
	for (size_t k = 0; k < w->batch.touched_n[i]; k++) {
		uint32_t q = w->batch.touched[i][k].q;
		bool done = q != 0 && find(&w->batch, i, q - 1) != NULL; /* by the one before */
		if (q >= shift && !done)
			plain_block(w, i, q, out);
		if (q + 1 < blocks)
			plain_block(w, i, q + 1, out);
	}
	trim(base, out);
}
