/* GCM and Poly1305: a run that never came. With the hole at one place the sum lacks just what its
 * octets add; one place further on, one octet has moved. So every place costs two multiplications,
 * and one more to see what the octets would have to be. Refuses to know where a hole is likely. */
#include "repair/hole.h"

#include <stdlib.h>

#include "base/buf.h"
#include "repair/filler.h"

static const uint64_t work[] = {
	[BM_QUICK] = UINT64_C(1) << 28, [BM_NORMAL] = UINT64_C(1) << 33, [BM_DEEP] = UINT64_MAX};

/* Every place within the text; the hole stands at its beginning before, at its end afterwards. */
static void
in_text(struct bm_filler *v)
{
	struct bm_linear *l = &v->l;

	for (size_t at = 0; at + v->n <= l->n && !v->s->over; at++) {
		struct bm_term target[BM_TARGETS];
		size_t targets = bm_linear_targets(l, v->s->parts.tag.p, target);
		bm_filler_solve(v, at, target, targets, BM_TERM_BLOCK - at % BM_TERM_BLOCK);
		if (at + v->n == l->n)
			return;
		bm_filler_set(v, at, v->text[at + v->n]);
		bm_filler_set(v, at + v->n, 0);
	}
}

/* The tag of the text as it stands. */
static void
tag_of(const struct bm_filler *v, uint8_t tag[BM_TERM_BLOCK])
{
	const struct bm_linear *l = &v->l;
	uint64_t s[2] = {0, 0};

	if (!l->poly) {
		bm_gf128_store(tag, bm_as_gf(l->sum));
		return;
	}
	for (size_t i = 8; i > 0; i--) {
		s[0] = s[0] << 8 | l->key[15 + i];
		s[1] = s[1] << 8 | l->key[23 + i];
	}
	uint64_t low = l->sum.w[0] + s[0], high = l->sum.w[1] + s[1] + (low < s[0]);
	for (size_t i = 0; i < 8; i++) {
		tag[i] = (uint8_t)(low >> 8 * i);
		tag[8 + i] = (uint8_t)(high >> 8 * i);
	}
}

/* What is left of the text's octets is right, and so is the tag but for [from, to). */
static bool
tag_fits(const struct bm_filler *v, const uint8_t *received, size_t from, size_t to, uint8_t *tag)
{
	tag_of(v, tag);
	return memcmp(tag, received, from) == 0 &&
		   memcmp(tag + to, received + to, BM_TERM_BLOCK - to) == 0;
}

/* The tag as received but for its first octets, of which `head` are missing, follows the hole. */
static void
try_end(struct bm_filler *v, size_t at, const uint8_t *tail, size_t n, const uint8_t tag[])
{
	uint8_t *end = v->body + v->s->d->wire.body.n - BM_TERM_BLOCK;
	uint8_t kept[BM_TERM_BLOCK];

	memcpy(kept, end, sizeof kept);
	memcpy(end, tag, sizeof kept);
	bm_filler_try(v, at, tail, n);
	memcpy(end, kept, sizeof kept);
}

/* GCM: bits of the text's last octets and of the tag's first ones are unknowns alike. */
static void
gcm_over_end(struct bm_filler *v, size_t tail, const uint8_t received[BM_TERM_BLOCK])
{
	struct bm_linear *l = &v->l;
	size_t head = v->n - tail;
	struct bm_basis *b = &v->basis[0];
	struct bm_term target[BM_TARGETS], term[8];
	struct bm_gf128 unknowns = {0, 0};
	uint8_t mask[BM_TERM_BLOCK], tag[BM_TERM_BLOCK];

	bm_basis_empty(b);
	for (size_t i = 0; i < tail; i++) {
		bm_linear_bits(l, l->n - tail + i, term);
		for (unsigned k = 0; k < 8; k++)
			(void)bm_basis_put(b, bm_as_gf(term[7 - k]), (unsigned)(8 * i) + k);
	}
	for (unsigned i = 0; i < 8 * head; i++)
		(void)bm_basis_put(
			b, (struct bm_gf128){UINT64_C(1) << (63 - i % 64), 0}, (unsigned)(8 * tail) + i);
	(void)bm_linear_targets(l, received, target);
	if (!bm_gf128_zero(bm_basis_reduce(b, bm_as_gf(target[0]), &unknowns)))
		return;
	bm_gf128_store(mask, unknowns);
	memcpy(tag, received, sizeof tag);
	for (size_t i = 0; i < head; i++)
		tag[i] ^= mask[tail + i];
	try_end(v, l->n - tail, mask, tail, tag);
}

/* Poly1305: the shorter part is tried, as long as that is two octets; the longer one follows. */
static void
poly_over_end(struct bm_filler *v, size_t tail, const uint8_t received[BM_TERM_BLOCK])
{
	enum { TRIED = 2 };
	struct bm_linear *l = &v->l;
	size_t head = v->n - tail, at = l->n - tail, part = tail < head ? tail : head;
	uint8_t tag[BM_TERM_BLOCK], octets[TRIED];

	if (part > TRIED) {
		v->s->complete = false;
		return;
	}
	size_t before = BM_TERM_BLOCK - at % BM_TERM_BLOCK;
	if (part == head && before < tail)
		bm_split_new(&v->split[0], l, before, tail - before);
	for (uint32_t i = 0; i < (uint32_t)1 << 8 * part && !v->s->over; i++) {
		octets[0] = (uint8_t)i;
		octets[1] = (uint8_t)(i >> 8);
		if (part == head) {
			struct bm_term target[BM_TARGETS];
			memcpy(tag, received, sizeof tag);
			memcpy(tag, octets, head);
			size_t targets = bm_linear_targets(l, tag, target);
			uint8_t *end = v->body + v->s->d->wire.body.n - sizeof tag;
			uint8_t kept[BM_TERM_BLOCK];
			size_t n = v->n;
			memcpy(kept, end, sizeof kept);
			memcpy(end, tag, sizeof kept);
			v->n = tail;
			bm_filler_solve(v, at, target, targets, 0);
			v->n = n;
			memcpy(end, kept, sizeof kept);
			continue;
		}
		struct bm_term sum = l->sum;
		l->sum = bm_term_add(l, sum, bm_linear_move(l, at, octets, tail));
		if (tag_fits(v, received, 0, head, tag))
			try_end(v, at, octets, tail, tag);
		l->sum = sum;
	}
}

/* The hole ends in the tag, or lies in it. What stands behind it is what was received last. */
static void
in_tag(struct bm_filler *v, const struct bm_hole *hole)
{
	struct bm_linear *l = &v->l;
	size_t arrived = hole->d.wire.body.n - v->n;
	const uint8_t *p = hole->d.wire.body.p;
	uint8_t received[BM_TERM_BLOCK] = {0}, tag[BM_TERM_BLOCK];

	/* The hole stands at the end of the text, filled with zeros. */
	for (size_t tail = v->n - 1; tail > 0 && !v->s->over; tail--) {
		size_t head = v->n - tail;
		memset(received, 0, sizeof received);
		memcpy(received + head, p + arrived - (BM_TERM_BLOCK - head), BM_TERM_BLOCK - head);
		/* One octet more of the text has arrived. */
		bm_filler_set(v, l->n - tail - 1, p[arrived - BM_TERM_BLOCK + head - 1]);
		if (l->poly)
			poly_over_end(v, tail, received);
		else
			gcm_over_end(v, tail, received);
	}
	bm_filler_set(v, l->n - 1, p[arrived - BM_TERM_BLOCK + v->n - 1]);
	for (size_t from = 0; from + v->n <= BM_TERM_BLOCK && !v->s->over; from++) {
		memset(received, 0, sizeof received);
		memcpy(received, p + arrived - (BM_TERM_BLOCK - v->n), from);
		memcpy(received + from + v->n, p + arrived - (BM_TERM_BLOCK - v->n) + from,
			BM_TERM_BLOCK - from - v->n);
		if (tag_fits(v, received, from, from + v->n, tag))
			try_end(v, l->n, NULL, 0, tag);
	}
}

static void
search(struct bm_filler *v, const struct bm_hole *hole)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("a run at any place");
	struct bm_linear *l = &v->l;
	double places = (double)(l->n + BM_TERM_BLOCK), each = 1;

	for (size_t i = 0; i < v->n; i++)
		each *= 256;
	if (l->n < v->n ||
		!bm_search_open(v->s, &name, BM_QUICK, places * each, places * (double)l->targets * 8))
		return;
	in_text(v);
	in_tag(v, hole);
	bm_search_close(v->s);
}

enum bm_status
bm_hole_linear(
	const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out, bool poly)
{
	struct bm_damaged d = hole->d;
	struct bm_search s;
	struct bm_filler v = {.s = &s, .n = hole->n};
	size_t body_n = d.wire.body.n;

	v.body = malloc(body_n);
	if (v.body == NULL)
		return BM_NOMEM;
	memcpy(v.body, d.wire.body.p, body_n);
	d.wire.body = bm_view(v.body, body_n);
	if (bm_search_begin(
			&s, &d, scratch, out, poly ? "poly1305-difference" : "ghash-syndrome", work)) {
		size_t at = s.text_at - d.wire.header.n;
		enum bm_status st = BM_OK;
		v.text = v.body + at;
		if (at + hole->n <= body_n)
			bm_hole_shift(hole, at, v.body);
		memcpy(s.trial + d.wire.header.n, v.body, body_n);
		st = bm_linear_open(&v.l, &s, poly);
		if (st == BM_OK)
			st = bm_filler_prepare(&v);
		if (st != BM_OK)
			bm_search_fail(&s, st);
		else
			search(&v, hole);
		bm_filler_free(&v);
		bm_linear_close(&v.l);
	}
	free(v.body);
	return bm_search_end(&s);
}
