/* Forward and backward states of a CBC-MAC, and chains run side by side so that the cipher's
 * pipeline is full. Refuses to know which changes are likely. */
#include "repair/chain.h"

#include <stdlib.h>

#include "base/buf.h"

/* RFC 3610, section 2.2, with L = 3. Associated data of TLS is shorter than 2^16 - 2^8 octets. */
static void
lay_out(struct bm_chain *c)
{
	const struct bm_aead_parts *p = &c->s->parts;
	uint8_t *head = c->block[0];

	head[0] = (uint8_t)((p->aad_len != 0 ? 0x40 : 0) | (c->tag_n - 2) / 2 << 3 | 2);
	memcpy(head + 1, p->nonce, sizeof(p->nonce));
	head[13] = 0;
	bm_store16(head + 14, (unsigned)c->text_n);
	if (p->aad_len == 0)
		return;
	bm_store16(c->block[1], (unsigned)p->aad_len);
	memcpy(c->block[1] + 2, p->aad, p->aad_len);
}

/* The tag's mask, which is the cipher over counter 0, and what the tag says the last state was. */
static enum bm_status
unmask_tag(struct bm_chain *c)
{
	const struct bm_aead_parts *p = &c->s->parts;
	uint8_t counter[BM_CHAIN_BLOCK] = {2};
	uint8_t *end = c->need[c->blocks];
	enum bm_status st;

	memcpy(counter + 1, p->nonce, sizeof(p->nonce));
	st = bm_aead_blocks(p->aead, counter, 1, end);
	for (size_t i = 0; i < c->tag_n; i++)
		end[i] ^= p->tag.p[i];
	return st;
}

static enum bm_status
run_both_ways(struct bm_chain *c)
{
	static const uint8_t zero[BM_CHAIN_BLOCK];
	const struct bm_aead *aead = c->s->parts.aead;
	enum bm_status st = BM_OK;

	for (size_t i = 0; i + 1 < c->blocks && st == BM_OK; i++) {
		uint8_t in[BM_CHAIN_BLOCK];
		memcpy(in, c->before[i], sizeof(in));
		bm_chain_mix(in, c->block[i]);
		st = bm_aead_blocks(aead, in, 1, c->before[i + 1]);
	}
	for (size_t i = c->blocks; i > 0 && c->tag_n == BM_CHAIN_BLOCK && st == BM_OK; i--) {
		st = bm_cbc_decrypt(c->cipher, zero, bm_view(c->need[i], BM_CHAIN_BLOCK), c->need[i - 1]);
		bm_chain_mix(c->need[i - 1], c->block[i - 1]);
	}
	return st;
}

enum bm_status
bm_chain_new(struct bm_chain *c, struct bm_search *s)
{
	const struct bm_aead_parts *p = &s->parts;
	const struct bm_traffic_keys *k = bm_protection_keys(s->d->protection);
	size_t aad = p->aad_len != 0 ? p->aad_len + 2 : 0;

	*c = (struct bm_chain){.s = s, .text_n = p->text.n, .tag_n = p->tag.n};
	c->first = 1 + (aad + BM_CHAIN_BLOCK - 1) / BM_CHAIN_BLOCK;
	c->blocks = c->first + (c->text_n + BM_CHAIN_BLOCK - 1) / BM_CHAIN_BLOCK;
	c->type_at = p->type_at < p->aad_len ? BM_CHAIN_BLOCK + 2 + p->type_at : SIZE_MAX;
	c->block = calloc(c->blocks + 1, sizeof(*c->block));
	c->before = calloc(c->blocks + 1, sizeof(*c->before));
	c->need = calloc(c->blocks + 1, sizeof(*c->need));
	c->lanes = calloc(bm_pool_workers(s->d->pool), sizeof(struct bm_lanes *));
	if (c->lanes == NULL || c->block == NULL || c->before == NULL || c->need == NULL)
		return BM_NOMEM;
	lay_out(c);
	enum bm_status st =
		bm_cbc_new(&c->cipher, k->suite->cipher, bm_view(k->key, k->suite->key_len));
	if (st == BM_OK)
		st = bm_aead_decrypt_at(p->aead, p->nonce, 0, p->text, c->block[c->first]);
	if (st == BM_OK)
		st = unmask_tag(c);
	return st == BM_OK ? run_both_ways(c) : st;
}

static void
lanes_free(struct bm_lanes *x)
{
	if (x == NULL)
		return;
	bm_aead_free(x->aead);
	bm_cbc_free(x->cipher);
	bm_wipe_free(x, sizeof(*x));
}

/* Each worker writes to its own place alone. */
struct bm_lanes *
bm_chain_lanes(const struct bm_chain *c, unsigned worker)
{
	const struct bm_traffic_keys *k = bm_protection_keys(c->s->d->protection);
	struct bm_view key = bm_view(k->key, k->suite->key_len);
	struct bm_lanes *x = c->lanes[worker];

	if (x != NULL)
		return x;
	x = calloc(1, sizeof(*x));
	enum bm_status st = x != NULL ? BM_OK : BM_NOMEM;
	if (st == BM_OK)
		st = bm_aead_new(&x->aead, k->suite->cipher, BM_MODE_CCM, k->suite->tag_len, key);
	if (st == BM_OK)
		st = bm_cbc_new(&x->cipher, k->suite->cipher, key);
	if (st != BM_OK) {
		bm_search_fail(c->s, st);
		lanes_free(x);
		return NULL;
	}
	x->chain = c;
	c->lanes[worker] = x;
	return x;
}

void
bm_chain_free(struct bm_chain *c)
{
	size_t n = (c->blocks + 1) * BM_CHAIN_BLOCK;

	for (unsigned i = 0; c->lanes != NULL && i < bm_pool_workers(c->s->d->pool); i++)
		lanes_free(c->lanes[i]);
	free(c->lanes);
	bm_wipe_free(c->block, n);
	bm_wipe_free(c->before, n);
	bm_wipe_free(c->need, n);
	bm_cbc_free(c->cipher);
	*c = (struct bm_chain){0};
}

size_t
bm_chain_text(const struct bm_chain *c, size_t k)
{
	size_t left = c->text_n - k * BM_CHAIN_BLOCK;

	return left < BM_CHAIN_BLOCK ? left : BM_CHAIN_BLOCK;
}

void
bm_chain_try(const struct bm_chain *c, size_t at, const uint8_t *mask, size_t n)
{
	(void)bm_search_try_mask(c->s, c->s->text_at + at, mask, n);
}

void
bm_lane_change(
	struct bm_lane *lane, const struct bm_chain *c, size_t at, const uint8_t *mask, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t block = (uint32_t)(c->first + (at + i) / BM_CHAIN_BLOCK);
		if (lane->changes == 0 || lane->change[lane->changes - 1].block != block) {
			memset(&lane->change[lane->changes], 0, sizeof(lane->change[0]));
			lane->change[lane->changes++].block = block;
		}
		lane->change[lane->changes - 1].mask[(at + i) % BM_CHAIN_BLOCK] ^= mask[i];
	}
	lane->at = lane->change[0].block;
	lane->last = lane->change[lane->changes - 1].block;
}

static void
hit(const struct bm_lanes *x, const struct bm_lane *lane, size_t at, const uint8_t *mask)
{
	const struct bm_chain *c = x->chain;
	uint8_t *text = bm_search_take(c->s) + c->s->text_at;

	for (size_t i = 0; i < lane->changes; i++) {
		size_t k = lane->change[i].block - c->first;
		for (size_t b = 0; b < bm_chain_text(c, k); b++)
			text[k * BM_CHAIN_BLOCK + b] ^= lane->change[i].mask[b];
	}
	if (mask != NULL)
		for (size_t b = 0; b < bm_chain_text(c, at); b++)
			text[at * BM_CHAIN_BLOCK + b] ^= mask[b];
	(void)bm_search_try(c->s);
}

void
bm_lanes_add(struct bm_lanes *x, const struct bm_lane *lane)
{
	struct bm_lane *l = &x->lane[x->n];

	*l = *lane;
	/* A cut tag tells nothing of the states before; a second change may lie anywhere behind. */
	if (x->chain->tag_n < BM_CHAIN_BLOCK || x->second != NULL)
		l->last = (uint32_t)x->chain->blocks - 1;
	memcpy(x->state[x->n], x->chain->before[l->at], BM_CHAIN_BLOCK);
	if (++x->n == BM_LANES)
		bm_lanes_run(x);
}

static void
feed(struct bm_lanes *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct bm_lane *l = &x->lane[i];
		bm_chain_mix(x->state[i], x->chain->block[l->at]);
		if (l->done < l->changes && l->change[l->done].block == l->at)
			bm_chain_mix(x->state[i], l->change[l->done++].mask);
		l->at++;
	}
}

static void
look(struct bm_lanes *x, size_t i)
{
	const struct bm_chain *c = x->chain;
	const struct bm_lane *l = &x->lane[i];
	uint8_t mask[BM_CHAIN_BLOCK];

	if (x->second == NULL) {
		if (l->at > l->last && memcmp(x->state[i], c->need[l->at], c->tag_n) == 0)
			hit(x, l, 0, NULL);
		return;
	}
	/* Behind the last block there is nothing more to change. */
	if (l->at == c->blocks)
		return;
	memcpy(mask, x->state[i], sizeof(mask));
	bm_chain_mix(mask, c->need[l->at]);
	if (x->second(c, l->at - c->first, mask))
		hit(x, l, l->at - c->first, mask);
}

void
bm_lanes_run(struct bm_lanes *x)
{
	while (x->n != 0) {
		feed(x);
		enum bm_status st = bm_aead_blocks(x->aead, x->state[0], x->n, x->state[0]);
		if (st != BM_OK) {
			bm_search_fail(x->chain->s, st);
			x->n = 0;
			return;
		}
		for (size_t i = x->n; i-- > 0;) {
			look(x, i);
			if (x->lane[i].at <= x->lane[i].last)
				continue;
			x->n--;
			x->lane[i] = x->lane[x->n];
			memcpy(x->state[i], x->state[x->n], BM_CHAIN_BLOCK);
		}
	}
}
