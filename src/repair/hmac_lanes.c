/* Candidates that alter the same blocks of the MAC input, a lane each: from the state before the
 * first altered block to the tag. Refuses to know ciphers and padding. */
#include "repair/hmac.h"

static const struct hs_blocks none = {1, 0};

static bool
empty(struct hs_blocks b)
{
	return b.lo > b.hi;
}

static struct hs_blocks
both(struct hs_blocks a, struct hs_blocks b)
{
	if (empty(a))
		return b;
	if (empty(b))
		return a;
	return (struct hs_blocks){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

static bool
narrow(struct hs_blocks b)
{
	return empty(b) || b.hi - b.lo < HS_SPAN;
}

/* The blocks of MAC input in which an edit changes the content. */
static struct hs_blocks
blocks_of(const struct hs_base *b, const struct hs_edit *e)
{
	if (e->off >= b->content_n || e->n == 0)
		return none;
	size_t to = (size_t)e->off + e->n < b->content_n ? (size_t)e->off + e->n : b->content_n;
	return (struct hs_blocks){
		(b->prefix + e->off) / b->lane->block, (b->prefix + to - 1) / b->lane->block};
}

/* One run of blocks instead of two that overlap. */
static void
settle(struct hs_blocks *first, struct hs_blocks *second)
{
	if (!empty(*second) && (empty(*first) || second->lo <= first->hi)) {
		*first = both(*first, *second);
		*second = none;
	}
}

void
hs_group_add(struct hs_worker *w, const struct hs_candidate *c, const struct hs_edits *e)
{
	const struct hs_base *base = &w->s->base;
	struct hs_group *g = &w->group;
	struct hs_blocks first = blocks_of(base, &e->e[0]);
	struct hs_blocks second = e->n > 1 ? blocks_of(base, &e->e[1]) : none;

	settle(&first, &second);
	for (int again = 0; g->n != 0 && again == 0; again++) {
		struct hs_blocks a = both(g->first, first), b = both(g->second, second);
		settle(&a, &b);
		if (narrow(a) && narrow(b)) {
			first = a;
			second = b;
		} else {
			hs_group_run(w);
		}
	}
	g->first = first;
	g->second = second;
	g->candidate[g->n] = *c;
	g->edits[g->n++] = *e;
	if (g->n == BM_LANES)
		hs_group_run(w);
}

static void
shared_blocks(struct hs_worker *w, size_t from, size_t to)
{
	const struct hs_base *b = &w->s->base;

	if (to > from)
		b->lane->shared(
			&w->lanes, (const uint8_t *)b->schedule + from * b->lane->schedule, to - from);
}

/* The part of the edit that falls into block i of the MAC input. */
static void
put_edit(struct hs_worker *w, size_t lane, size_t i, const struct hs_edit *e)
{
	const struct hs_base *b = &w->s->base;
	size_t block = b->lane->block;
	size_t lo = b->prefix + e->off;
	size_t hi = (size_t)e->off + e->n < b->content_n ? lo + e->n : b->prefix + b->content_n;
	size_t from = i * block, to = from + block;

	if (lo > from)
		from = lo;
	if (hi < to)
		to = hi;
	if (from < to)
		bm_lane_block_put(
			b->rules.hash, &w->block, lane, from - i * block, e->to + (from - lo), to - from);
}

static void
own_blocks(struct hs_worker *w, struct hs_blocks blocks)
{
	const struct hs_base *b = &w->s->base;
	const struct hs_group *g = &w->group;

	for (size_t i = blocks.lo; i <= blocks.hi; i++) {
		bm_lane_block_set(b->rules.hash, &w->block, b->input + i * b->lane->block);
		for (size_t l = 0; l < g->n; l++)
			for (size_t k = 0; k < g->edits[l].n; k++)
				put_edit(w, l, i, &g->edits[l].e[k]);
		b->lane->own(&w->lanes, &w->block);
	}
}

/* The inner digests in &w->lanes become the tags. */
static void
outer_hash(struct hs_worker *w)
{
	const struct hs_base *b = &w->s->base;
	size_t word = b->lane->word, words = bm_hash_size(b->rules.hash) / word;
	uint64_t digest[8 * BM_LANES];
	size_t row = word * BM_LANES;

	memcpy(digest, &w->lanes.s, words * row);
	bm_lanes_set(b->rules.hash, &w->lanes, &b->outer);
	for (size_t i = 0; i < b->outer_blocks; i++) {
		bm_lane_block_set(b->rules.hash, &w->block, b->outer_text + i * b->lane->block);
		for (size_t k = 0; k < words; k++) {
			size_t at = b->hole / word + k;
			if (at / 16 == i)
				memcpy(
					(uint8_t *)&w->block.w + at % 16 * row, (const uint8_t *)digest + k * row, row);
		}
		b->lane->own(&w->lanes, &w->block);
	}
	bm_wipe(digest, sizeof(digest));
}

/* The first n octets of lane l's tag. */
static void
tag_of(const struct hs_worker *w, size_t l, uint8_t *out, size_t n)
{
	size_t word = w->s->base.lane->word;

	for (size_t i = 0; i < n; i++) {
		size_t place = w->s->base.rules.hash == BM_MD5 ? i % word : word - 1 - i % word;
		uint64_t v = word == 8 ? w->lanes.s.w64[i / 8][l] : w->lanes.s.w32[i / 4][l];
		out[i] = (uint8_t)(v >> 8 * place);
	}
}

/* The first octets of the tag that lane l's record carries. */
static void
carried(const struct hs_worker *w, size_t l, uint8_t *out, size_t n)
{
	const struct hs_base *b = &w->s->base;
	const struct hs_edits *e = &w->group.edits[l];

	memcpy(out, b->text + b->content_n, n);
	for (size_t k = 0; k < e->n; k++)
		for (size_t j = 0; j < e->e[k].n; j++) {
			size_t off = (size_t)e->e[k].off + j;
			if (off >= b->content_n && off - b->content_n < n)
				out[off - b->content_n] = e->e[k].to[j];
		}
}

void
hs_group_run(struct hs_worker *w)
{
	enum { HEAD = 8 }; /* enough to look closer; every tag on the wire is longer */
	const struct hs_base *b = &w->s->base;
	struct hs_group *g = &w->group;

	if (g->n == 0)
		return;
	size_t from = g->first.lo;
	size_t next = g->first.hi + 1;
	w->work += (b->blocks - from + b->outer_blocks) * b->lane->block * BM_LANES;
	bm_lanes_set(b->rules.hash, &w->lanes, &b->before[from]);
	own_blocks(w, g->first);
	if (!empty(g->second)) {
		shared_blocks(w, next, g->second.lo);
		own_blocks(w, g->second);
		next = g->second.hi + 1;
	}
	shared_blocks(w, next, b->blocks);
	outer_hash(w);
	for (size_t l = 0; l < g->n; l++) {
		uint8_t is[HEAD], should[HEAD];
		tag_of(w, l, is, HEAD);
		carried(w, l, should, HEAD);
		if (memcmp(is, should, HEAD) == 0)
			hs_confirm(w, &g->candidate[l]);
	}
	g->n = 0;
}

void
hs_run_base(struct hmac_search *s)
{
	struct hs_base *b = &s->base;
	struct hs_worker *w = s->worker[0];

	bm_lanes_set(b->rules.hash, &w->lanes, &b->before[0]);
	for (size_t i = 0; i < b->blocks; i++) {
		for (size_t k = 0; k < 8; k++)
			if (b->lane->word == 8)
				b->before[i].w64[k] = w->lanes.s.w64[k][0];
			else
				b->before[i].w32[k] = w->lanes.s.w32[k][0];
		shared_blocks(w, i, i + 1);
	}
	outer_hash(w);
	tag_of(w, 0, b->computed, b->rules.tag_len);
}
