/* Chained ciphers (RC4, CBC up to TLS 1.0): a record made from a state that its sender had left
 * already, as a forked process makes it that goes on with a copy of the connection. Refuses to say
 * that it was one. */
#include "session/internal.h"

#include <stdlib.h>

struct search {
	struct half *h;
	const struct bm_wire *w;
	struct earlier *e;
	uint64_t cost, left; /* of a check, and nanoseconds that may still be spent */
	bool futile;         /* no record of this length can be good */
};

/* What RC4 takes for an octet, in nanoseconds. */
enum { OCTET = 2 };

static void
pay(struct search *x, uint64_t cost)
{
	x->left -= cost < x->left ? cost : x->left;
	x->h->s->env->spent += cost;
}

static bool
fits(struct search *x, const struct bm_position *pos)
{
	struct bm_outcome o;

	pay(x, x->cost);
	x->e->tried++;
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

	for (size_t n = h->past_count; n-- > 0;) {
		const struct past *p = remembered(h, n);
		if (p->epoch != h->epoch || p->seq >= h->pos.seq)
			continue;
		if (!goes_on(x)) {
			x->e->cut = true;
			return false;
		}
		pos->seq = p->seq;
		memcpy(pos->iv, p->before.iv, sizeof pos->iv);
		if (fits(x, pos))
			return true;
	}
	return false;
}

/* From where a record failed. */
static bool
by_failure(struct search *x, struct bm_position *pos)
{
	const struct bm_session *s = x->h->s;

	for (size_t n = s->case_count; n-- > 0;) {
		const struct bm_case *c = &s->cases[n];
		if (c->kind != BM_CASE_BAD_RECORD || c->direction != x->h->side || c->found ||
			c->protection != x->h->keys || c->position == NULL || c->seq >= x->h->pos.seq)
			continue;
		if (!goes_on(x)) {
			x->e->cut = true;
			return false;
		}
		*pos = *c->position;
		if (fits(x, pos))
			return true;
	}
	return false;
}

/* The latest state that is kept from which the record `p` can be reached. */
static void
nearest_state(const struct search *x, const struct past *p, struct bm_rc4 *out)
{
	const struct half *h = x->h;

	/* Out of reach: those are begun with that come later. */
	if (p->before.keystream * OCTET > x->left / 2 && h->marked != 0)
		*out = h->marked > PAST_MAX / 2 ? h->marks[0] : h->marks[1];
	for (size_t i = h->marked > PAST_MAX / 2 ? 0 : 1; i < 2 && h->marked != 0; i++)
		if (h->marks[i].position <= p->before.keystream)
			*out = h->marks[i];
}

/* Keystream only goes forward. */
static bool
by_keystream(struct search *x, struct bm_position *pos)
{
	struct half *h = x->h;
	bool begun = false;

	for (size_t n = 0; n < h->past_count; n++) {
		const struct past *p = remembered(h, n);
		if (p->epoch != h->epoch || p->seq >= h->pos.seq)
			continue;
		if (!begun)
			nearest_state(x, p, &pos->rc4);
		begun = true;
		uint64_t ahead = p->before.keystream - pos->rc4.position;
		if (p->before.keystream < pos->rc4.position || ahead * OCTET >= x->left || !goes_on(x)) {
			x->e->cut = true;
			continue;
		}
		pay(x, ahead * OCTET);
		bm_rc4_skip(&pos->rc4, ahead);
		pos->seq = p->seq;
		if (fits(x, pos))
			return true;
	}
	return false;
}

/* From where writer n went on; WRITERS: one that is not known yet takes the place of the oldest. */
static bool
go_on_from(struct half *h, const struct bm_wire *w, const struct bm_position *pos, unsigned n)
{
	if (h->second == NULL)
		h->second = calloc(WRITERS, sizeof *h->second);
	if (h->second == NULL) {
		session_fail(h->s, BM_NOMEM);
		return false;
	}
	if (n == WRITERS)
		n = h->seconds++ % WRITERS;
	bm_position_after(h->keys, pos, w, &h->second[n]);
	return true;
}

bool
earlier_state_fits(struct half *h, const struct bm_wire *w, struct earlier *e)
{
	struct search x = {.h = h, .w = w, .e = e};
	struct bm_position pos;
	bool good = false;

	*e = (struct earlier){.tried = 0};
	if (!bm_protection_chained(h->keys))
		return false;
	x.cost = bm_protection_cost(h->keys, w->body.n);
	/* A sixteenth of what a failure may cost. */
	x.left = bm_search_share(h->s->env) / 16;
	unsigned n = 0;
	for (; n < WRITERS && n < h->seconds && goes_on(&x); n++) {
		pos = h->second[n];
		good = fits(&x, &pos);
		if (good)
			break;
	}
	if (!good) {
		n = WRITERS;
		bm_position_start(h->keys, &pos);
		good = bm_protection_keys(h->keys)->suite->cipher == BM_RC4 ? by_keystream(&x, &pos)
																	: by_iv(&x, &pos);
	}
	if (!good)
		good = e->failed = by_failure(&x, &pos);
	e->seq = pos.seq;
	e->at = pos;
	good = good && go_on_from(h, w, &pos, n);
	bm_wipe(&pos, sizeof pos);
	return good;
}

void
mark_keystream(struct half *h)
{
	if (h->marks == NULL)
		h->marks = calloc(2, sizeof *h->marks);
	if (h->marks == NULL)
		return; /* only the search for a second writer suffers */
	if (h->marked++ % (PAST_MAX / 2) != 0)
		return;
	h->marks[0] = h->marks[1];
	h->marks[1] = h->pos.rc4;
}

void
forget_earlier(struct half *h)
{
	bm_wipe_free(h->second, WRITERS * sizeof *h->second);
	bm_wipe_free(h->marks, 2 * sizeof *h->marks);
	h->second = NULL;
	h->marks = NULL;
	h->marked = 0;
	h->seconds = 0;
}
