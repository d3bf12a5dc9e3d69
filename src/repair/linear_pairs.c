/* Two damaged places anywhere in text and tag, and three: joins of all single changes with
 * themselves. Refuses to know how large a record may be but by the limit of work. */
#include "repair/linear.h"

#include <stdlib.h>

#include "base/buf.h"
#include "repair/join.h"

/* PART: octets that a worker takes up at once. */
enum { TAG = 16, FILTER_BITS = 22, PART = 128 };

/* Single changes are numbered: octet of the text, then bit or new value. */
struct pairs {
	struct bm_linear *l;
	struct bm_join j;
	unsigned each; /* changes of an octet: 8 bits, or 256 values */
};

static void
terms_of(const struct pairs *p, size_t at, struct bm_term *term)
{
	if (p->each == 8)
		bm_linear_bits(p->l, at, term);
	else
		bm_linear_octets(p->l, at, term);
}

static void
apply(const struct pairs *p, uint8_t *text, size_t change)
{
	size_t at = change / p->each, value = change % p->each;

	text[at] = (uint8_t)(p->each == 8 ? text[at] ^ 1u << value : value);
}

static void
fill(struct pairs *p)
{
	struct bm_term term[256];

	bm_join_empty(&p->j);
	for (size_t at = 0; at < p->l->n; at++) {
		terms_of(p, at, term);
		for (size_t i = 0; i < p->each; i++)
			if (p->each == 8 || i != p->l->text[at])
				bm_join_put(&p->j, term[i].w[0], (uint32_t)(at * p->each + i + 1));
	}
	bm_wipe(term, sizeof(term));
}

/* Each pair is met twice: it is tried from the one further on. */
static void
ask(const struct pairs *p, struct bm_term sought, size_t change)
{
	uint64_t key = sought.w[0], cursor = key;

	for (uint32_t id; (id = bm_join_get(&p->j, key, &cursor)) != 0;) {
		if ((id - 1) / p->each >= change / p->each)
			continue;
		uint8_t *text = bm_linear_take(p->l);
		apply(p, text, id - 1);
		apply(p, text, change);
		(void)bm_search_try(p->l->s);
	}
}

static void
ask_part(void *ctx, size_t part, unsigned worker)
{
	const struct pairs *p = ctx;
	const struct bm_linear *l = p->l;
	struct bm_term term[256];

	(void)worker;
	for (size_t at = part * PART; at < l->n && at < (part + 1) * PART; at++) {
		terms_of(p, at, term);
		for (size_t i = 0; i < p->each; i++) {
			if (p->each != 8 && i == l->text[at])
				continue;
			for (size_t t = 0; t < l->targets; t++)
				ask(p, bm_term_subtract(l, l->target[t], term[i]), at * p->each + i);
		}
	}
	bm_wipe(term, sizeof(term));
}

/* One change in the tag gives other targets, and the text must meet them alone. */
static void
ask_tag(const struct pairs *p)
{
	const struct bm_linear *l = p->l;
	struct bm_term target[BM_TARGETS];

	for (size_t i = 0; i < (size_t)TAG * p->each; i++) {
		uint8_t tag[TAG];
		size_t at = i / p->each, value = i % p->each;
		memcpy(tag, l->s->parts.tag.p, TAG);
		tag[at] = (uint8_t)(p->each == 8 ? tag[at] ^ 1u << value : value);
		size_t n = bm_linear_targets(l, tag, target);
		for (size_t t = 0; t < n; t++) {
			uint64_t key = target[t].w[0], cursor = key;
			for (uint32_t id; (id = bm_join_get(&p->j, key, &cursor)) != 0;) {
				uint8_t *text = bm_linear_take(l);
				memcpy(text + l->n, tag, TAG);
				apply(p, text, id - 1);
				(void)bm_search_try(l->s);
			}
		}
	}
}

static void
join_pairs(struct bm_linear *l, const struct bm_family_name *name, unsigned each, unsigned changes)
{
	struct pairs p = {.l = l, .each = each};
	double singles = (double)(l->n + TAG) * changes;

	if (!bm_search_open(l->s, name, BM_NORMAL, singles * singles / 2,
			(double)(l->n * each) * (double)(1 + l->targets)))
		return;
	enum bm_status st = bm_join_new(&p.j, l->n * changes);
	if (st != BM_OK) {
		bm_search_fail(l->s, st);
		return;
	}
	for (p.j.pass = 0; p.j.pass < p.j.passes; p.j.pass++) {
		fill(&p);
		bm_search_run(l->s, (l->n + PART - 1) / PART, ask_part, &p);
		ask_tag(&p);
	}
	l->s->complete = !p.j.crowded;
	bm_join_free(&p.j);
	bm_search_close(l->s);
}

void
bm_linear_two_bits(struct bm_linear *l)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("two bits anywhere");

	join_pairs(l, &name, 8, 8);
}

void
bm_linear_two_octets(struct bm_linear *l)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("two octets anywhere");

	join_pairs(l, &name, 256, 255);
}

/* The lowest words of all bits' terms, and their top ones: sums modulo 2^130 - 5 are told apart by
 * them. A filter in front of the table keeps the inner loop in the nearest cache. */
struct triples {
	struct pairs p;
	uint64_t *low, *top;
	uint64_t *filter;
	size_t n;
};

static uint64_t
top_of(struct bm_term a)
{
	return a.w[2] << 62 | a.w[1] >> 2;
}

static bool
triples_new(struct triples *x, struct bm_linear *l)
{
	*x = (struct triples){.p = {.l = l, .each = 8}, .n = 8 * l->n};
	x->low = calloc(x->n + 1, sizeof(*x->low));
	x->top = calloc(x->n + 1, sizeof(*x->top));
	x->filter = calloc((size_t)1 << (FILTER_BITS - 6), sizeof(*x->filter));
	if (x->low == NULL || x->top == NULL || x->filter == NULL ||
		bm_join_new(&x->p.j, x->n) != BM_OK)
		return false;
	fill(&x->p);
	for (size_t at = 0; at < l->n; at++) {
		struct bm_term term[8];
		bm_linear_bits(l, at, term);
		for (size_t i = 0; i < 8; i++) {
			uint64_t slot = term[i].w[0] >> (64 - FILTER_BITS);
			x->low[8 * at + i] = term[i].w[0];
			x->top[8 * at + i] = top_of(term[i]);
			x->filter[slot / 64] |= UINT64_C(1) << slot % 64;
		}
	}
	return true;
}

static void
triples_free(struct triples *x)
{
	if (x->low != NULL)
		bm_wipe(x->low, x->n * sizeof(*x->low));
	if (x->top != NULL)
		bm_wipe(x->top, x->n * sizeof(*x->top));
	free(x->low);
	free(x->top);
	free(x->filter);
	bm_join_free(&x->p.j);
}

static void
ask_third(const struct triples *x, uint64_t key, size_t first, size_t second)
{
	uint64_t cursor = key;

	for (uint32_t id; (id = bm_join_get(&x->p.j, key, &cursor)) != 0;) {
		if (id - 1 >= second)
			continue;
		uint8_t *text = bm_linear_take(x->p.l);
		apply(&x->p, text, first);
		apply(&x->p, text, second);
		apply(&x->p, text, id - 1);
		(void)bm_search_try(x->p.l->s);
	}
}

/* Third below second below first. Where the top words of the two sides are equal the lowest word is
 * a guess, wrong in one of 2^64 cases: a find more or less, and every one is verified. */
static void
triples_from(const struct triples *x, size_t first, struct bm_term rest)
{
	uint64_t low = rest.w[0], top = top_of(rest);
	bool poly = x->p.l->poly;

	for (size_t i = 0; i < first; i++) {
		uint64_t key = poly ? low - x->low[i] - (top < x->top[i] ? 5 : 0) : low ^ x->low[i];
		uint64_t slot = key >> (64 - FILTER_BITS);
		if ((x->filter[slot / 64] >> slot % 64 & 1) != 0)
			ask_third(x, key, first, i);
	}
}

static void
triples_part(void *ctx, size_t at, unsigned worker)
{
	const struct triples *x = ctx;
	const struct bm_linear *l = x->p.l;
	struct bm_term term[8];

	(void)worker;
	bm_linear_bits(l, at, term);
	for (size_t i = 0; i < 8; i++)
		for (size_t t = 0; t < l->targets; t++)
			triples_from(x, 8 * at + i, bm_term_subtract(l, l->target[t], term[i]));
}

void
bm_linear_three_bits(struct bm_linear *l)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("three bits of the text anywhere");
	double n = 8 * (double)l->n;
	struct triples x;

	if (!bm_search_open(l->s, &name, BM_DEEP, n * n * n / 6, n * n / 2 * (double)l->targets))
		return;
	if (!triples_new(&x, l)) {
		bm_search_fail(l->s, BM_NOMEM);
	} else {
		bm_search_run(l->s, l->n, triples_part, &x);
		l->s->complete = !x.p.j.crowded;
		bm_search_close(l->s);
	}
	triples_free(&x);
}
