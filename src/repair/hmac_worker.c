/* Rounds of candidates, and the workers that go through them. Refuses to know what trying one
 * takes. */
#include "repair/hmac.h"

#include <stdlib.h>

/* WORTH: octets of MAC input below which waking threads up gains nothing. */
enum { WORTH = 1 << 22 };

void
hs_fail(struct hmac_search *s, enum bm_status status)
{
	bm_pool_lock(s->d->pool);
	s->status = status;
	bm_pool_unlock(s->d->pool);
}

struct hs_worker *
hs_worker_new(struct hmac_search *s)
{
	enum { ALIGNED = 64 };
	const struct bm_traffic_keys *k = bm_protection_keys(s->d->protection);
	enum bm_status st = BM_OK;
	struct hs_worker *w = aligned_alloc(ALIGNED, (sizeof(*w) + ALIGNED - 1) / ALIGNED * ALIGNED);

	if (w == NULL) {
		hs_fail(s, BM_NOMEM);
		return NULL;
	}
	memset(w, 0, sizeof(*w));
	w->s = s;
	if (s->base.rules.order == BM_MAC_THEN_ENCRYPT)
		st = bm_cbc_new(&w->cbc, k->suite->cipher, bm_view(k->key, k->suite->key_len));
	if (st == BM_OK)
		return w;
	hs_fail(s, st);
	hs_worker_free(w);
	return NULL;
}

void
hs_worker_free(struct hs_worker *w)
{
	if (w == NULL)
		return;
	bm_cbc_free(w->cbc);
	bm_wipe_free(w, sizeof(*w));
}

/* Candidates stand in the middle of the record on average. */
double
hs_cost(const struct hmac_search *s)
{
	const struct hs_base *b = &s->base;
	double each = (double)s->d->wire.body.n;

	if (b->lane != NULL && b->layout)
		each = (double)((b->blocks / 2 + 3 + b->outer_blocks) * b->lane->block);
	return each + 128 + 2 * (double)b->block_cost;
}

static void
try_part(void *ctx, size_t part, unsigned worker)
{
	struct hmac_search *s = ctx;
	size_t from = part * HS_CHUNK, left = s->n - from;

	if (s->worker[worker] == NULL)
		s->worker[worker] = hs_worker_new(s);
	if (s->worker[worker] != NULL)
		hs_try_chunk(s->worker[worker], s->round + from, left < HS_CHUNK ? left : HS_CHUNK);
}

void
hs_finish(struct hmac_search *s)
{
	bool worth = s->base.lane != NULL && (double)s->n * hs_cost(s) >= WORTH;
	unsigned workers = bm_pool_workers(s->d->pool);

	bm_pool_run(worth ? s->d->pool : NULL, (s->n + HS_CHUNK - 1) / HS_CHUNK, try_part, s);
	for (unsigned i = 0; i < workers; i++) {
		if (s->worker[i] == NULL)
			continue;
		s->work += s->worker[i]->work;
		s->worker[i]->work = 0;
	}
	s->n = 0;
}

/* As many as what is left of the work lasts for. Those at the front of a record cost twice the
 * mean.
 */
static size_t
room(const struct hmac_search *s)
{
	double n = (double)(s->limit - s->work) / (2 * hs_cost(s)) + 1;

	return n < HS_CHUNKS * HS_CHUNK ? (size_t)n : HS_CHUNKS * HS_CHUNK;
}

bool
hs_try(struct hmac_search *s, const struct hs_candidate *c)
{
	if (s->n == s->room)
		hs_finish(s);
	if (s->status != BM_OK || s->work >= s->limit)
		return false;
	if (s->n == 0)
		s->room = room(s);
	s->round[s->n++] = *c;
	hs_count(s, 1);
	return true;
}
