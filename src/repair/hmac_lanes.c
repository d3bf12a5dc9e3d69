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
hs_group_add(struct hmac_search *s, const struct hs_candidate *c, const struct hs_edits *e)
{
	struct hs_group *g = s->group;
	struct hs_blocks first = blocks_of(&s->base, &e->e[0]);
	struct hs_blocks second = e->n > 1 ? blocks_of(&s->base, &e->e[1]) : none;

	settle(&first, &second);
	for (int again = 0; g->n != 0 && again == 0; again++) {
		struct hs_blocks a = both(g->first, first), b = both(g->second, second);
		settle(&a, &b);
		if (narrow(a) && narrow(b)) {
			first = a;
			second = b;
		} else {
			hs_group_run(s);
		}
	}
	g->first = first;
	g->second = second;
	g->candidate[g->n] = *c;
	g->edits[g->n++] = *e;
	if (g->n == BM_LANES)
		hs_group_run(s);
}

static void
shared_blocks(struct hmac_search *s, size_t from, size_t to)
{
	const struct hs_base *b = &s->base;

	if (to > from)
		b->lane->shared(
			s->lanes, (const uint8_t *)b->schedule + from * b->lane->schedule, to - from);
}

/* The part of the edit that falls into block i of the MAC input. */
static void
put_edit(struct hmac_search *s, size_t lane, size_t i, const struct hs_edit *e)
{
	const struct hs_base *b = &s->base;
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
			b->rules.hash, s->block, lane, from - i * block, e->to + (from - lo), to - from);
}

static void
own_blocks(struct hmac_search *s, struct hs_blocks blocks)
{
	const struct hs_base *b = &s->base;
	const struct hs_group *g = s->group;

	for (size_t i = blocks.lo; i <= blocks.hi; i++) {
		bm_lane_block_set(b->rules.hash, s->block, b->input + i * b->lane->block);
		for (size_t l = 0; l < g->n; l++)
			for (size_t k = 0; k < g->edits[l].n; k++)
				put_edit(s, l, i, &g->edits[l].e[k]);
		b->lane->own(s->lanes, s->block);
	}
}

/* The inner digests in s->lanes become the tags. */
static void
outer_hash(struct hmac_search *s)
{
	const struct hs_base *b = &s->base;
	size_t word = b->lane->word, words = bm_hash_size(b->rules.hash) / word;
	uint64_t digest[8 * BM_LANES];
	size_t row = word * BM_LANES;

	memcpy(digest, &s->lanes->s, words * row);
	bm_lanes_set(b->rules.hash, s->lanes, &b->outer);
	for (size_t i = 0; i < b->outer_blocks; i++) {
		bm_lane_block_set(b->rules.hash, s->block, b->outer_text + i * b->lane->block);
		for (size_t w = 0; w < words; w++) {
			size_t at = b->hole / word + w;
			if (at / 16 == i)
				memcpy((uint8_t *)&s->block->w + at % 16 * row, (const uint8_t *)digest + w * row,
					row);
		}
		b->lane->own(s->lanes, s->block);
	}
	bm_wipe(digest, sizeof(digest));
}

/* The first n octets of lane l's tag. */
static void
tag_of(const struct hmac_search *s, size_t l, uint8_t *out, size_t n)
{
	size_t word = s->base.lane->word;

	for (size_t i = 0; i < n; i++) {
		size_t place = s->base.rules.hash == BM_MD5 ? i % word : word - 1 - i % word;
		uint64_t w = word == 8 ? s->lanes->s.w64[i / 8][l] : s->lanes->s.w32[i / 4][l];
		out[i] = (uint8_t)(w >> 8 * place);
	}
}

/* The first octets of the tag that lane l's record carries. */
static void
carried(const struct hmac_search *s, size_t l, uint8_t *out, size_t n)
{
	const struct hs_base *b = &s->base;
	const struct hs_edits *e = &s->group->edits[l];

	memcpy(out, b->text + b->content_n, n);
	for (size_t k = 0; k < e->n; k++)
		for (size_t j = 0; j < e->e[k].n; j++) {
			size_t off = (size_t)e->e[k].off + j;
			if (off >= b->content_n && off - b->content_n < n)
				out[off - b->content_n] = e->e[k].to[j];
		}
}

void
hs_group_run(struct hmac_search *s)
{
	enum { HEAD = 8 }; /* enough to look closer; every tag on the wire is longer */
	const struct hs_base *b = &s->base;
	struct hs_group *g = s->group;

	if (g->n == 0 || s->status != BM_OK)
		return;
	size_t from = g->first.lo;
	size_t next = g->first.hi + 1;
	s->work += (b->blocks - from + b->outer_blocks) * b->lane->block * BM_LANES;
	bm_lanes_set(b->rules.hash, s->lanes, &b->before[from]);
	own_blocks(s, g->first);
	if (!empty(g->second)) {
		shared_blocks(s, next, g->second.lo);
		own_blocks(s, g->second);
		next = g->second.hi + 1;
	}
	shared_blocks(s, next, b->blocks);
	outer_hash(s);
	for (size_t l = 0; l < g->n; l++) {
		uint8_t is[HEAD], should[HEAD];
		tag_of(s, l, is, HEAD);
		carried(s, l, should, HEAD);
		if (memcmp(is, should, HEAD) == 0)
			hs_confirm(s, &g->candidate[l]);
	}
	g->n = 0;
}

void
hs_run_base(struct hmac_search *s)
{
	struct hs_base *b = &s->base;

	bm_lanes_set(b->rules.hash, s->lanes, &b->before[0]);
	for (size_t i = 0; i < b->blocks; i++) {
		for (size_t w = 0; w < 8; w++)
			if (b->lane->word == 8)
				b->before[i].w64[w] = s->lanes->s.w64[w][0];
			else
				b->before[i].w32[w] = s->lanes->s.w32[w][0];
		shared_blocks(s, i, i + 1);
	}
	outer_hash(s);
	tag_of(s, 0, b->computed, b->rules.tag_len);
}
