/* The solver for CCM and CCM_8: one damaged block is where the chain from the start and the one
 * from the tag meet; two are found by running every change of the first on to the second. With 8
 * octets of tag every change is run to the end, and only few are allowed. Refuses to know how
 * chains are run. */
#include "repair/chain.h"

#include <stdlib.h>

#include "base/buf.h"

/* An operation of the cipher takes less than one of the fields of the other solvers. */
static const uint64_t work[] = {
	[BM_QUICK] = UINT64_C(1) << 30, [BM_NORMAL] = UINT64_C(1) << 34, [BM_DEEP] = UINT64_MAX};

enum { OCTETS = 128, BOUNDARIES = 8 }; /* that a worker takes up at once */

struct solver {
	struct bm_chain c;
	bool cut; /* CCM_8 */
};

/* The tag as computed, if its difference to the one received has the shape: so many bits, octets in
 * a row, octets wherever. */
static void
tag_family(struct solver *v, const struct bm_family_name *name, unsigned bits, size_t run,
	size_t octets, double accepted)
{
	struct bm_search *s = v->c.s;
	const struct bm_aead_parts *p = &s->parts;
	uint8_t tag[BM_CHAIN_BLOCK];

	if (!bm_search_open(s, name, BM_QUICK, accepted, (double)v->c.blocks))
		return;
	enum bm_status st =
		bm_aead_tag(p->aead, p->nonce, bm_view(p->aad, p->aad_len), p->text, NULL, tag);
	if (st != BM_OK)
		bm_search_fail(s, st);
	for (size_t i = 0; i < p->tag.n; i++)
		tag[i] ^= p->tag.p[i];
	if (st == BM_OK && bm_weight(tag, p->tag.n) <= bits && bm_within(tag, p->tag.n, run) &&
		bm_octets_set(tag, p->tag.n) <= octets)
		(void)bm_search_try_mask(s, s->n - p->tag.n, tag, p->tag.n);
	bm_search_close(s);
}

/* One block of the text: what must be before it and what is. */
static void
block_family(
	struct solver *v, const struct bm_family_name *name, unsigned bits, size_t octets, double each)
{
	const struct bm_chain *c = &v->c;
	double blocks = (double)(c->blocks - c->first);

	if (v->cut || !bm_search_open(c->s, name, BM_QUICK, each * blocks, 2 * blocks))
		return;
	for (size_t i = c->first; i < c->blocks; i++) {
		uint8_t mask[BM_CHAIN_BLOCK];
		size_t n = bm_chain_text(c, i - c->first);
		memcpy(mask, c->need[i], sizeof(mask));
		bm_chain_mix(mask, c->before[i]);
		if (bm_weight(mask + n, sizeof(mask) - n) == 0 && bm_weight(mask, n) <= bits &&
			bm_within(mask, n, octets))
			bm_chain_try(c, (i - c->first) * BM_CHAIN_BLOCK, mask, n);
	}
	bm_search_close(c->s);
}

static void
header_family(struct solver *v)
{
	static const struct bm_family_name name =
		BM_FAMILY_NAME("type and version in the record header");
	const struct bm_chain *c = &v->c;
	struct bm_search *s = c->s;
	uint8_t mask[BM_CHAIN_BLOCK];
	uint8_t head[BM_HEADER] = {0};

	if (v->cut || c->type_at == SIZE_MAX || !bm_search_open(s, &name, BM_QUICK, 16777215.0, 1))
		return;
	uint8_t *field = mask + c->type_at % BM_CHAIN_BLOCK;
	memcpy(mask, c->need[1], sizeof(mask));
	bm_chain_mix(mask, c->before[1]);
	memcpy(head, field, 3);
	memset(field, 0, 3);
	/* TLS 1.3 authenticates the length as well: it can only be that of the body. */
	if (s->parts.type_at == 0) {
		bm_store16(head + 3, bm_load16(s->parts.aad + 3) ^ (unsigned)s->d->wire.body.n);
		field[3] ^= head[3];
		field[4] ^= head[4];
	}
	if (bm_weight(mask, sizeof(mask)) == 0)
		(void)bm_search_try_mask(s, 0, head, sizeof(head));
	bm_search_close(s);
}

/* A short tag, or another layout of the header. */
static void
header_octets(struct solver *v)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("one octet of the record header");
	struct bm_search *s = v->c.s;
	size_t head = v->c.type_at != SIZE_MAX ? 3 : s->d->wire.header.n;
	double all = 255.0 * (double)head;

	if ((!v->cut && v->c.type_at != SIZE_MAX) || s->parts.aad_len == 0 ||
		!bm_search_open(s, &name, BM_QUICK, all, 3 * all * (double)v->c.blocks))
		return;
	bm_search_try_octets(s, 0, head);
	bm_search_close(s);
}

/* RFC 6655, section 3: the nonce goes into everything, so each is tried from the start. */
static void
nonce_family(struct solver *v)
{
	enum { NONCE_OCTETS = 8 };
	static const struct bm_family_name name =
		BM_FAMILY_NAME("one octet of the explicit nonce, or the sequence number in its place");
	struct bm_search *s = v->c.s;
	size_t at = s->d->wire.header.n;
	double all = 255.0 * NONCE_OCTETS + 1;

	if (s->text_at - at != NONCE_OCTETS ||
		!bm_search_open(s, &name, BM_QUICK, all, 3 * all * (double)v->c.blocks))
		return;
	bm_store64(bm_search_take(s) + at, s->d->position->seq);
	(void)bm_search_try(s);
	bm_search_try_octets(s, at, NONCE_OCTETS);
	bm_search_close(s);
}

/* One changed octet after the other. */
struct singles {
	const struct bm_chain *c;
	unsigned each; /* 8: bits, or 255: values */
	bool (*second)(const struct bm_chain *, size_t, const uint8_t *);
};

static void
singles_part(void *ctx, size_t part, unsigned worker)
{
	const struct singles *x = ctx;
	struct bm_lanes *lanes = bm_chain_lanes(x->c, worker);

	if (lanes == NULL)
		return;
	lanes->second = x->second;
	for (size_t at = part * OCTETS; at < x->c->text_n && at < (part + 1) * OCTETS; at++)
		for (unsigned m = 0; m < x->each; m++) {
			struct bm_lane lane = {.changes = 0};
			uint8_t mask = (uint8_t)(x->each == 8 ? 1u << m : m + 1);
			bm_lane_change(&lane, x->c, at, &mask, 1);
			bm_lanes_add(lanes, &lane);
		}
	bm_lanes_run(lanes);
	lanes->second = NULL;
}

static void
run_singles(struct solver *v, unsigned each,
	bool (*second)(const struct bm_chain *, size_t, const uint8_t *))
{
	struct singles x = {&v->c, each, second};

	bm_search_run(v->c.s, (v->c.text_n + OCTETS - 1) / OCTETS, singles_part, &x);
	bm_search_close(v->c.s);
}

/* CCM_8: every one is run to the end. */
static void
one_bit_cut(struct solver *v)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("one bit anywhere");
	double all = 8 * (double)v->c.text_n;

	if (!v->cut || !bm_search_open(v->c.s, &name, BM_QUICK, all, all * bm_chain_to_end(&v->c)))
		return;
	run_singles(v, 8, NULL);
}

static void
one_octet_cut(struct solver *v)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("one octet anywhere");
	double all = 255 * (double)v->c.text_n;

	if (!v->cut || !bm_search_open(v->c.s, &name, BM_NORMAL, all, all * bm_chain_to_end(&v->c)))
		return;
	run_singles(v, 255, NULL);
}

static bool
is_bit(const struct bm_chain *c, size_t at, const uint8_t mask[BM_CHAIN_BLOCK])
{
	uint64_t a = bm_load64(mask), b = bm_load64(mask + 8);

	if ((a != 0) == (b != 0) || ((a | b) & ((a | b) - 1)) != 0)
		return false;
	return bm_weight(mask, bm_chain_text(c, at)) == 1;
}

static bool
is_octet(const struct bm_chain *c, size_t at, const uint8_t mask[BM_CHAIN_BLOCK])
{
	uint64_t a = bm_load64(mask), b = bm_load64(mask + 8);

	/* Nearly all have something in both halves. */
	if (a != 0 && b != 0)
		return false;
	return bm_within(mask, BM_CHAIN_BLOCK, 1) && bm_weight(mask, bm_chain_text(c, at)) != 0;
}

/* Both in one block is a family of its own. */
static void
two_anywhere(struct solver *v, const struct bm_family_name *name, unsigned each,
	enum bm_effort least, bool (*second)(const struct bm_chain *, size_t, const uint8_t *))
{
	double all = (double)v->c.text_n * each;

	if (v->cut || !bm_search_open(v->c.s, name, least, all * all / 2, all * bm_chain_to_end(&v->c)))
		return;
	run_singles(v, each, second);
}

/* Behind a boundary: the end that is tried, as octets of one block, and the other that follows. */
struct edge {
	const struct bm_chain *c;
	const struct bm_lanes *mine; /* for their ciphers */
	size_t block;                /* of the MAC, before the boundary */
	size_t octets;               /* in all */
	uint8_t in[BM_LANES][BM_CHAIN_BLOCK], out[BM_LANES][BM_CHAIN_BLOCK];
};

static void
try_edge(const struct edge *e, const uint8_t *tail, const uint8_t *head)
{
	const struct bm_chain *c = e->c;
	size_t k = e->block - c->first;
	size_t n = bm_chain_text(c, k + 1);
	uint8_t mask[2 * BM_CHAIN_BLOCK];

	memcpy(mask, tail, BM_CHAIN_BLOCK);
	memcpy(mask + BM_CHAIN_BLOCK, head, BM_CHAIN_BLOCK);
	if (bm_weight(head + n, BM_CHAIN_BLOCK - n) != 0 ||
		!bm_within(mask, BM_CHAIN_BLOCK + n, e->octets))
		return;
	bm_chain_try(c, k * BM_CHAIN_BLOCK, mask, BM_CHAIN_BLOCK + n);
}

/* The last octets of the first block take every value; what the second must be follows. */
static enum bm_status
tails(struct edge *e, size_t from, size_t n)
{
	const struct bm_chain *c = e->c;
	enum bm_status st;

	for (size_t i = 0; i < n; i++) {
		memcpy(e->in[i], c->before[e->block], BM_CHAIN_BLOCK);
		bm_chain_mix(e->in[i], c->block[e->block]);
		e->in[i][15] ^= (uint8_t)(from + i);
		e->in[i][14] ^= (uint8_t)((from + i) >> 8);
	}
	st = bm_aead_blocks(e->mine->aead, e->in[0], n, e->out[0]);
	for (size_t i = 0; i < n && st == BM_OK; i++) {
		uint8_t tail[BM_CHAIN_BLOCK] = {0};
		bm_chain_mix(e->out[i], c->need[e->block + 1]);
		if (bm_load64(e->out[i] + 8) != 0)
			continue;
		tail[15] = (uint8_t)(from + i);
		tail[14] = (uint8_t)((from + i) >> 8);
		try_edge(e, tail, e->out[i]);
	}
	return st;
}

/* The first octets of the second block take every value; what the first must be follows. */
static enum bm_status
heads(struct edge *e, size_t from, size_t n)
{
	static const uint8_t zero[BM_CHAIN_BLOCK];
	const struct bm_chain *c = e->c;
	enum bm_status st;

	for (size_t i = 0; i < n; i++) {
		memcpy(e->in[i], c->need[e->block + 1], BM_CHAIN_BLOCK);
		e->in[i][0] ^= (uint8_t)(from + i);
		e->in[i][1] ^= (uint8_t)((from + i) >> 8);
	}
	st = bm_cbc_decrypt(e->mine->cipher, zero, bm_view(e->in[0], n * BM_CHAIN_BLOCK), e->out[0]);
	for (size_t i = 0; i < n && st == BM_OK; i++) {
		uint8_t head[BM_CHAIN_BLOCK] = {0};
		/* The library chains what it decrypts. */
		bm_chain_mix(e->out[i], i != 0 ? e->in[i - 1] : zero);
		bm_chain_mix(e->out[i], c->before[e->block]);
		bm_chain_mix(e->out[i], c->block[e->block]);
		if (bm_load64(e->out[i]) != 0)
			continue;
		head[0] = (uint8_t)(from + i);
		head[1] = (uint8_t)((from + i) >> 8);
		try_edge(e, e->out[i], head);
	}
	return st;
}

struct edges {
	const struct bm_chain *c;
	size_t boundaries, values, octets;
};

static void
edges_part(void *ctx, size_t part, unsigned worker)
{
	const struct edges *x = ctx;
	const struct bm_lanes *mine = bm_chain_lanes(x->c, worker);
	enum bm_status st = BM_OK;

	if (mine == NULL)
		return;
	struct edge *e = calloc(1, sizeof(*e));
	if (e == NULL) {
		bm_search_fail(x->c->s, BM_NOMEM);
		return;
	}
	e->c = x->c;
	e->mine = mine;
	e->octets = x->octets;
	for (size_t i = part * BOUNDARIES;
		 i < x->boundaries && i < (part + 1) * BOUNDARIES && st == BM_OK; i++) {
		e->block = x->c->first + i;
		for (size_t from = 1; from < x->values && st == BM_OK; from += BM_LANES) {
			size_t n = x->values - from < BM_LANES ? x->values - from : BM_LANES;
			st = tails(e, from, n);
			if (st == BM_OK)
				st = heads(e, from, n);
		}
	}
	if (st != BM_OK)
		bm_search_fail(x->c->s, st);
	bm_wipe_free(e, sizeof(*e));
}

static void
edge_family(struct solver *v, const struct bm_family_name *name, size_t small, size_t octets,
	enum bm_effort least)
{
	struct bm_search *s = v->c.s;
	size_t boundaries = v->c.blocks > v->c.first ? v->c.blocks - v->c.first - 1 : 0;
	size_t values = (size_t)1 << 8 * small;
	double each = 2 * (double)values;

	for (size_t i = small; i < octets; i++)
		each *= 0x1p8;
	if (v->cut || !bm_search_open(s, name, least, (double)boundaries * each,
					  2 * (double)boundaries * (double)values))
		return;
	struct edges x = {&v->c, boundaries, values, octets};
	bm_search_run(s, (boundaries + BOUNDARIES - 1) / BOUNDARIES, edges_part, &x);
	bm_search_close(s);
}

static const struct bm_family_name
	one_bit = BM_FAMILY_NAME("one bit anywhere"),
	few_bits = BM_FAMILY_NAME("up to 4 bits in one block of 16 octets"),
	many_bits = BM_FAMILY_NAME("up to 16 bits in one block of 16 octets"),
	short_run = BM_FAMILY_NAME("up to 4 octets in a row, in one block"),
	run = BM_FAMILY_NAME("up to 8 octets in a row, in one block"),
	run_of_9 = BM_FAMILY_NAME("up to 9 octets in a row, in one block"),
	edge_of_1 = BM_FAMILY_NAME("up to 8 octets in a row, one of them beyond a block boundary"),
	edge_of_2 = BM_FAMILY_NAME("up to 8 octets in a row, two of them beyond a block boundary"),
	two_bits = BM_FAMILY_NAME("two bits anywhere in the text"),
	two_octets = BM_FAMILY_NAME("two octets anywhere in the text"),
	tag_bits = BM_FAMILY_NAME("up to 4 bits of the tag"),
	tag_few = BM_FAMILY_NAME("up to 2 bits of the tag"),
	tag_run = BM_FAMILY_NAME("up to 8 octets of the tag in a row"),
	tag_pair = BM_FAMILY_NAME("up to 2 octets of the tag in a row"),
	tag_octets = BM_FAMILY_NAME("up to 4 octets of the tag");

static void
search_all(struct solver *v)
{
	size_t block = BM_CHAIN_BLOCK, tag = v->c.tag_n;

	block_family(v, &one_bit, 1, block, 128);
	one_bit_cut(v);
	if (v->cut) {
		tag_family(v, &tag_few, 2, tag, tag, bm_masks_of_weight(tag, 2));
		tag_family(v, &tag_pair, 64, 2, 2, bm_masks_in_run(tag, 2));
	}
	bm_chain_adjacent(&v->c);
	if (!v->cut)
		tag_family(v, &tag_bits, 4, tag, tag, bm_masks_of_weight(tag, 4));
	header_family(v);
	header_octets(v);
	nonce_family(v);
	block_family(v, &few_bits, 4, block, bm_masks_of_weight(block, 4));
	block_family(v, &short_run, 128, 4, bm_masks_in_run(block, 4));
	two_anywhere(v, &two_bits, 8, BM_NORMAL, is_bit);
	bm_chain_swaps(&v->c);
	bm_chain_reversals(&v->c);
	bm_search_edge_swaps(v->c.s);
	if (!v->cut) {
		tag_family(v, &tag_run, 128, 8, 8, bm_masks_in_run(tag, 8));
		tag_family(v, &tag_octets, 128, tag, 4, bm_masks_of_octets(tag, 4));
	}
	block_family(v, &run, 128, 8, bm_masks_in_run(block, 8));
	edge_family(v, &edge_of_1, 1, 8, BM_QUICK);
	block_family(v, &many_bits, 16, block, bm_masks_of_weight(block, 16));
	edge_family(v, &edge_of_2, 2, 8, BM_NORMAL);
	one_octet_cut(v);
	two_anywhere(v, &two_octets, 255, BM_DEEP, is_octet);
	block_family(v, &run_of_9, 128, 9, bm_masks_in_run(block, 9));
}

enum bm_status
bm_repair_ccm(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out)
{
	struct bm_search s;

	if (bm_search_begin(&s, d, scratch, out, "ccm-meeting", work)) {
		struct solver v = {.cut = s.parts.tag.n < BM_CHAIN_BLOCK};
		enum bm_status st = bm_chain_new(&v.c, &s);
		if (st != BM_OK)
			bm_search_fail(&s, st);
		else
			search_all(&v);
		bm_chain_free(&v.c);
	}
	return bm_search_end(&s);
}
