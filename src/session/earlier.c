/* Chained ciphers (RC4, CBC up to TLS 1.0): a record made from a state that its sender had left
 * already, as a forked process makes it that goes on with a copy of the connection. Refuses to say
 * that it was one. */
#include "session/internal.h"

#include <stdlib.h>

struct search {
	struct half *h;
	const struct bm_wire *w;
	uint64_t cost, left; /* of a check, and checks that may still be made */
	uint64_t *tried;
	bool futile; /* no record of this length can be good */
};

static bool
fits(struct search *x, const struct bm_position *pos)
{
	struct bm_outcome o;

	x->left--;
	++*x->tried;
	x->h->s->env->spent += x->cost;
	bool good = check(x->h, x->h->keys, pos, x->w, false, &o);
	x->futile = o.result == BM_BAD_LENGTH;
	return good;
}

static bool
goes_on(const struct search *x)
{
	return x->left != 0 && !x->futile && x->h->s->status == BM_OK;
}

/* The nth of the records that verified before, from the oldest that is remembered. */
static const struct past *
remembered(const struct half *h, size_t n)
{
	size_t oldest = h->past_count < PAST_MAX ? 0 : h->past_next + 1;

	return &h->past[(oldest + n) % h->past_count];
}

/* The state that was left last comes first: who forks goes to work at once. */
static bool
by_iv(struct search *x, struct bm_position *pos)
{
	struct half *h = x->h;

	for (size_t n = h->past_count; n-- > 0 && goes_on(x);) {
		const struct past *p = remembered(h, n);
		if (p->epoch != h->epoch || p->seq >= h->pos.seq)
			continue;
		pos->seq = p->seq;
		memcpy(pos->iv, p->before.iv, sizeof pos->iv);
		if (fits(x, pos))
			return true;
	}
	return false;
}

/* Keystream only goes forward: from as far back as there is work for. */
static bool
by_keystream(struct search *x, struct bm_position *pos)
{
	struct half *h = x->h;
	size_t from = h->past_count > x->left ? h->past_count - (size_t)x->left : 0;
	uint64_t most = x->left * x->cost;

	for (size_t n = from; n < h->past_count && goes_on(x); n++) {
		const struct past *p = remembered(h, n);
		if (p->epoch != h->epoch || p->seq >= h->pos.seq || p->before.keystream < pos->rc4.position)
			continue;
		uint64_t skipped = p->before.keystream - pos->rc4.position;
		if (skipped > most)
			return false;
		h->s->env->spent += skipped;
		bm_rc4_skip(&pos->rc4, skipped);
		pos->seq = p->seq;
		if (fits(x, pos))
			return true;
	}
	return false;
}

static bool
go_on_from(struct half *h, const struct bm_wire *w, const struct bm_position *pos)
{
	if (h->second == NULL)
		h->second = malloc(sizeof *h->second);
	if (h->second == NULL) {
		session_fail(h->s, BM_NOMEM);
		return false;
	}
	bm_position_after(h->keys, pos, w, h->second);
	return true;
}

bool
earlier_state_fits(struct half *h, const struct bm_wire *w, uint64_t *found, uint64_t *tried)
{
	struct search x = {.h = h, .w = w, .tried = tried};
	struct bm_position pos;
	bool good = false;

	if (!bm_protection_chained(h->keys))
		return false;
	x.cost = bm_protection_cost(h->keys, w->body.n);
	/* A sixteenth of what a failure may cost. */
	x.left = bm_search_share(h->s->env) / 16 / x.cost + 1;
	if (h->second != NULL) {
		pos = *h->second;
		good = fits(&x, &pos);
	}
	if (!good) {
		bm_position_start(h->keys, &pos);
		good = bm_protection_keys(h->keys)->suite->cipher == BM_RC4 ? by_keystream(&x, &pos)
																	: by_iv(&x, &pos);
	}
	*found = pos.seq;
	good = good && go_on_from(h, w, &pos);
	bm_wipe(&pos, sizeof pos);
	return good;
}

void
forget_second(struct half *h)
{
	bm_wipe_free(h->second, sizeof *h->second);
	h->second = NULL;
}
