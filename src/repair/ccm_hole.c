/* CCM: a run that never came. What stands before it is chained forward as it arrived, what stands
 * behind it backward, moved up by as much as is missing: where the two meet, the plaintext of the
 * block between them is known, and all of it but the run must be what was received. Over a boundary
 * the shorter part of the run is tried. Refuses to know CCM_8, whose tag leads no chain back. */
#include "repair/chain.h"
#include "repair/hole.h"

#include <stdlib.h>

#include "base/buf.h"

enum { TRIED = 2, BATCH = 256 };

static const uint64_t work[] = {
	[BM_QUICK] = UINT64_C(1) << 30, [BM_NORMAL] = UINT64_C(1) << 34, [BM_DEEP] = UINT64_MAX};

struct solver {
	const struct bm_hole *hole;
	size_t n, at; /* octets missing; of the text in the body */
	struct bm_search fore, back;
	struct bm_chain before, behind; /* with the hole at the end, and in front */
	uint8_t *front;                 /* body with the hole in front of the text */
	uint8_t *body;                  /* with the hole where it is tried */
};

/* Octets of plaintext behind a hole at `at`, in block k of the text, are those of `behind`. */
static void
keystream(const struct solver *v, size_t at, uint8_t *to, size_t n)
{
	const struct bm_chain *c = &v->behind;
	const uint8_t *plain = c->block[c->first];

	for (size_t i = 0; i < n; i++)
		to[i] = plain[at + i] ^ v->front[v->at + at + i];
}

/* The plaintext of the run is known. */
static void
try_plain(struct solver *v, size_t at, const uint8_t *plain)
{
	struct bm_search *s = &v->fore;
	uint8_t ks[BM_HOLE_MAX];

	bm_hole_shift(v->hole, v->at + at, v->body);
	keystream(v, at, ks, v->n);
	for (size_t i = 0; i < v->n; i++)
		v->body[v->at + at + i] = plain[i] ^ ks[i];
	memcpy(bm_search_take(s) + s->d->wire.header.n, v->body, s->d->wire.body.n);
	(void)bm_search_try(s);
	bm_wipe(ks, sizeof ks);
}

/* Octets from..to of text block k in plaintext p are those that arrived before, or behind, it. */
static bool
agrees(const struct bm_chain *c, size_t k, const uint8_t *p, size_t from, size_t to)
{
	return from >= to || memcmp(c->block[c->first + k] + from, p + from, to - from) == 0;
}

static bool
meet(struct solver *v, size_t k, const uint8_t *state, const uint8_t *need, uint8_t *p)
{
	static const uint8_t zero[BM_CHAIN_BLOCK];
	(void)k;

	enum bm_status st = bm_cbc_decrypt(v->before.cipher, zero, bm_view(need, BM_CHAIN_BLOCK), p);
	if (st != BM_OK)
		bm_search_fail(&v->fore, st);
	bm_chain_mix(p, state);
	return st == BM_OK;
}

static void
in_block(struct solver *v, size_t k)
{
	const struct bm_chain *f = &v->before, *b = &v->behind;
	size_t n = bm_chain_text(f, k);
	uint8_t p[BM_CHAIN_BLOCK];

	if (!meet(v, k, f->before[f->first + k], b->need[b->first + k + 1], p))
		return;
	/* Past the text there are zeros. */
	for (size_t i = n; i < BM_CHAIN_BLOCK; i++)
		if (p[i] != 0)
			return;
	for (size_t off = 0; off + v->n <= n && !v->fore.over; off++)
		if (agrees(f, k, p, 0, off) && agrees(b, k, p, off + v->n, n))
			try_plain(v, k * BM_CHAIN_BLOCK + off, p + off);
	bm_wipe(p, sizeof p);
}

/* `tail` octets end block k, the others begin the one behind it. */
static void
over_boundary(struct solver *v, size_t k, size_t tail)
{
	const struct bm_chain *f = &v->before, *b = &v->behind;
	size_t head = v->n - tail, small = tail < head ? tail : head;
	size_t off = BM_CHAIN_BLOCK - tail, n = bm_chain_text(f, k + 1);
	uint8_t in[BATCH][BM_CHAIN_BLOCK], out[BATCH][BM_CHAIN_BLOCK], last[BM_CHAIN_BLOCK];
	uint8_t run[2 * BM_CHAIN_BLOCK];
	static const uint8_t zero[BM_CHAIN_BLOCK];
	bool forward = tail <= head;

	if (head > n || !meet(v, k + 1, zero, b->need[b->first + k + 2], last))
		return;
	/* last: the state before block k + 1, mixed with its plaintext. */
	for (uint32_t from = 0; from < (uint32_t)1 << 8 * small && !v->fore.over; from += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++) {
			uint32_t x = from + i;
			memcpy(in[i], forward ? f->block[f->first + k] : b->block[b->first + k + 1],
				BM_CHAIN_BLOCK);
			uint8_t *to = forward ? in[i] + off : in[i];
			for (size_t j = 0; j < small; j++)
				to[j] = (uint8_t)(x >> 8 * j);
			bm_chain_mix(in[i], forward ? f->before[f->first + k] : last);
		}
		/* Forward to the state before block k + 1; backward from it. */
		enum bm_status st =
			forward ? bm_aead_blocks(f->s->parts.aead, in[0], BATCH, out[0])
					: bm_cbc_decrypt(f->cipher, zero, bm_view(in[0], sizeof in), out[0]);
		if (st != BM_OK) {
			bm_search_fail(&v->fore, st);
			break;
		}
		for (uint32_t i = 0; i < BATCH; i++) {
			uint8_t *p = out[i];
			if (forward)
				bm_chain_mix(p, last);
			else {
				if (i != 0)
					bm_chain_mix(p, in[i - 1]);
				bm_chain_mix(p, f->before[f->first + k]);
			}
			size_t known = forward ? n : 0;
			if (forward ? !agrees(b, k + 1, p, head, known) : !agrees(f, k, p, 0, off))
				continue;
			bool zeros = true;
			for (size_t j = n; forward && j < BM_CHAIN_BLOCK; j++)
				zeros = zeros && p[j] == 0;
			if (!zeros)
				continue;
			uint32_t x = from + i;
			for (size_t j = 0; j < small; j++)
				run[forward ? j : tail + j] = (uint8_t)(x >> 8 * j);
			memcpy(forward ? run + tail : run, forward ? p : p + off, forward ? head : tail);
			try_plain(v, k * BM_CHAIN_BLOCK + off, run);
		}
	}
	bm_wipe(in, sizeof in);
	bm_wipe(out, sizeof out);
	bm_wipe(run, sizeof run);
	bm_wipe(last, sizeof last);
}

static void
search(struct solver *v)
{
	static const struct bm_family_name inside = BM_FAMILY_NAME("a run in one block"),
									   across = BM_FAMILY_NAME("a run over a block boundary");
	const struct bm_chain *f = &v->before;
	double blocks = (double)(f->blocks - f->first), each = 1;

	for (size_t i = 0; i < v->n; i++)
		each *= 256;
	double places = blocks * (double)(BM_CHAIN_BLOCK - v->n + 1);
	if (bm_search_open(&v->fore, &inside, BM_QUICK, places * each, 4 * blocks)) {
		for (size_t k = 0; k < f->blocks - f->first && !v->fore.over; k++)
			in_block(v, k);
		bm_search_close(&v->fore);
	}
	double steps = 0;
	size_t splits = 0;
	for (size_t tail = 1; tail < v->n; tail++) {
		size_t small = tail < v->n - tail ? tail : v->n - tail;
		if (small > TRIED)
			continue;
		splits++;
		steps += small == TRIED ? 65536 : 256;
	}
	if (splits == 0 || blocks < 2 ||
		!bm_search_open(
			&v->fore, &across, BM_QUICK, (blocks - 1) * (double)splits * each, blocks * steps / 2))
		return;
	for (size_t k = 0; k + 1 < f->blocks - f->first; k++)
		for (size_t tail = 1; tail < v->n && !v->fore.over; tail++)
			if (tail <= TRIED || v->n - tail <= TRIED)
				over_boundary(v, k, tail);
	if (splits + 1 < v->n)
		v->fore.complete = false;
	bm_search_close(&v->fore);
}

enum bm_status
bm_hole_ccm(const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out)
{
	struct bm_damaged d = hole->d, e = hole->d;
	struct bm_repair spare = {.sent = out->sent};
	struct solver v = {.hole = hole, .n = hole->n};
	size_t n = d.wire.body.n;

	v.body = malloc(n);
	v.front = malloc(n);
	bool ready = v.body != NULL && v.front != NULL &&
				 bm_search_begin(&v.fore, &d, scratch, out, "ccm-meeting", work);
	if (ready) {
		v.at = v.fore.text_at - d.wire.header.n;
		if (v.at + v.n <= n)
			bm_hole_shift(hole, v.at, v.front);
		e.wire.body = bm_view(v.front, n);
		ready = bm_search_begin(&v.back, &e, scratch, &spare, "ccm-meeting", work);
		if (ready && v.fore.parts.text.n >= v.n) {
			enum bm_status st = bm_chain_new(&v.before, &v.fore);
			if (st == BM_OK)
				st = bm_chain_new(&v.behind, &v.back);
			if (st == BM_OK)
				search(&v);
			else
				bm_search_fail(&v.fore, st);
			bm_chain_free(&v.before);
			bm_chain_free(&v.behind);
		}
		(void)bm_search_end(&v.back);
	}
	enum bm_status st = v.body == NULL || v.front == NULL ? BM_NOMEM : bm_search_end(&v.fore);
	free(v.body);
	free(v.front);
	return st;
}
