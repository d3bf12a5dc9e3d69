/* See ahead.h. What may wait are records of application data in an epoch that is well under way,
 * until there are enough of them, over all connections, for a round of checks. While one round is
 * checked, perhaps by another thread, the next one fills; then its records are taken, in the order
 * in which they came. Whatever else stands next in a connection ends the waiting of both its
 * directions first. */
#include "session/ahead.h"

#include <stdlib.h>

#include "base/buf.h"

/* As many as multi-buffer hashes take at once, twice: few enough for their octets to be in the
 * cache still when they are checked. */
enum { ROUND = 2 * BM_CHECKS_MAX };

struct round {
	struct ahead_record record[ROUND];
	size_t used;
	bool given; /* to whoever checks it */
	struct bm_task task;
};

struct bm_ahead {
	struct round round[2];
	unsigned filling;
	bool taking; /* the records of a round are being taken */
};

void
ahead_clear(struct bm_session_env *env)
{
	struct bm_ahead *a = env->ahead;

	if (a == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		bm_task_wait(env->pool, &a->round[i].task);
	bm_wipe(a, sizeof *a);
	free(a);
	env->ahead = NULL;
}

static void
check_some(struct ahead_record *const *records, size_t n)
{
	struct bm_check *checks[BM_CHECKS_MAX] = {NULL};

	for (size_t i = 0; i < n; i++)
		checks[i] = &records[i]->check;
	bm_verify_batch(checks, n);
	for (size_t i = 0; i < n; i++)
		records[i]->fingerprint = fingerprint(&checks[i]->w);
}

/* Checks those of a round that `due` says. */
static void
check_round(struct round *r, bool (*due)(const struct ahead_record *x, const struct half *h),
	const struct half *h)
{
	struct ahead_record *records[BM_CHECKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->used; i++) {
		if (!due(&r->record[i], h))
			continue;
		records[n++] = &r->record[i];
		if (n == BM_CHECKS_MAX) {
			check_some(records, n);
			n = 0;
		}
	}
	check_some(records, n);
}

static bool
is_given(const struct ahead_record *x, const struct half *h)
{
	(void)h;
	return x->given;
}

/* Perhaps in another thread: what that may look at is x->given and x->check alone. */
static void
check_given(void *ctx)
{
	check_round(ctx, is_given, NULL);
}

static bool
is_left(const struct ahead_record *x, const struct half *h)
{
	return x->h != NULL && !x->checked && (h == NULL || x->h == h);
}

/* Checks what is not given, of one direction or of all (NULL). */
static void
check_rest(struct round *r, const struct half *h)
{
	check_round(r, is_left, h);
	for (size_t i = 0; i < r->used; i++)
		if (is_left(&r->record[i], h))
			r->record[i].checked = true;
}

/* Waits until what was given is checked, and checks the rest of h (NULL: of all). */
static void
complete(struct bm_session_env *env, struct round *r, const struct half *h)
{
	if (r->given) {
		bm_task_wait(env->pool, &r->task);
		r->given = false;
		for (size_t i = 0; i < r->used; i++) {
			r->record[i].checked |= r->record[i].given;
			r->record[i].given = false;
		}
	}
	check_rest(r, h);
}

/* A round that is checked beside what goes on must not look into another one. */
static void
give(struct bm_session_env *env, struct round *r)
{
	for (size_t i = 0; i < r->used; i++) {
		struct ahead_record *x = &r->record[i];
		x->given = x->h != NULL && !x->checked && bm_protection_shared(x->check.p);
		if (x->check.before == NULL || !x->before_elsewhere)
			continue;
		x->check.pos.rc4 = x->check.before->rc4;
		x->check.before = NULL;
	}
	r->given = true;
	bm_task_begin(env->pool, &r->task, check_given, r);
}

/* All that is left of a round is taken by the connections it belongs to. */
static void
take_round(struct bm_session_env *env, struct round *r)
{
	struct bm_ahead *a = env->ahead;

	complete(env, r, NULL);
	a->taking = true;
	for (size_t i = 0; i < r->used; i++) {
		struct ahead_record *x = &r->record[i];
		if (x->h != NULL)
			run_half(x->h, false);
		if (x->h != NULL)
			ahead_forget(x->h);
	}
	a->taking = false;
	r->used = 0;
}

static bool
alone(const struct bm_session_env *env)
{
	return bm_pool_workers(env->pool) == 1;
}

/* With one thread there is nothing to be done in the meantime: smaller rounds stay in the cache. */
static bool
is_full(const struct bm_session_env *env)
{
	const struct bm_ahead *a = env->ahead;

	return a->round[a->filling].used == (alone(env) ? (size_t)BM_CHECKS_MAX : (size_t)ROUND);
}

static void
next_round(struct bm_session_env *env)
{
	struct bm_ahead *a = env->ahead;

	if (alone(env)) {
		take_round(env, &a->round[a->filling]);
		return;
	}
	take_round(env, &a->round[1 - a->filling]);
	give(env, &a->round[a->filling]);
	a->filling = 1 - a->filling;
}

/* Waits for what is being checked of h, and checks the rest. */
static void
check_half(struct half *h)
{
	struct bm_session_env *env = h->s->env;
	struct bm_ahead *a = env->ahead;

	complete(env, &a->round[1 - a->filling], h);
	check_rest(&a->round[a->filling], h);
}

void
ahead_done(struct half *h)
{
	struct ahead_record *x = h->ahead;

	h->ahead = x->next;
	x->h = NULL;
}

void
ahead_forget(struct half *h)
{
	struct bm_ahead *a = h->s->env->ahead;

	if (h->ahead == NULL)
		return;
	complete(h->s->env, &a->round[1 - a->filling], h);
	while (h->ahead != NULL)
		ahead_done(h);
}

/* Nothing but the next record of the same epoch is expected, and nothing has gone wrong. */
static bool
steady(const struct half *h)
{
	return h->protected && h->keys != NULL && h->lost == NULL && !h->unplaced && !h->gave_up &&
		   !h->over && !h->closed && h->verified_in[epoch_slot(h->epoch)] != 0;
}

static struct ahead_record *
last_of(const struct half *h)
{
	return h->ahead != NULL ? h->ahead_last : NULL;
}

/* Where the record behind `last` is to be checked. */
static void
position_behind(const struct half *h, struct ahead_record *last, struct bm_check *c)
{
	if (last == NULL) {
		bm_position_copy(h->keys, &h->pos, &c->pos);
		c->before = NULL;
		return;
	}
	/* The keystream is not known yet. */
	bool rc4 = bm_protection_keys(h->keys)->suite->cipher == BM_RC4;
	c->before = rc4 ? &last->check : NULL;
	if (rc4)
		c->pos.seq = last->check.pos.seq + 1;
	else
		bm_position_after(h->keys, &last->check.pos, &last->check.w, &c->pos);
}

/* Its bytes stay where they are while the capture does, or are copied. */
static bool
record_bytes(struct half *h, uint64_t off, size_t n, struct ahead_record *x)
{
	struct bm_wire *w = &x->check.w;
	const uint8_t *p = bm_stream_lasting(h->stream, off, n);

	if (p == NULL) {
		if (n > sizeof x->bytes || !bm_stream_read(h->stream, off, x->bytes, n))
			return false;
		p = x->bytes;
	}
	*w = (struct bm_wire){.type = p[0], .version = bm_load16(p + 1)};
	memcpy(x->header, p, BM_HEADER);
	w->header = bm_view(x->header, BM_HEADER);
	w->body = bm_view(p + BM_HEADER, n - BM_HEADER);
	return true;
}

enum next { NEXT_MISSING, NEXT_WAITS, NEXT_OTHER };

/* Puts the record that stands at off among those that wait. NEXT_MISSING: it is not all there;
 * NEXT_OTHER: it is none that could. */
static enum next
put(struct half *h, uint64_t off)
{
	struct bm_session_env *env = h->s->env;
	size_t avail = bm_stream_avail(h->stream, off);
	uint8_t raw[BM_HEADER];

	h->waits_for = off + BM_HEADER;
	if (avail < BM_HEADER || !bm_stream_read(h->stream, off, raw, sizeof raw))
		return bm_stream_gap(h->stream, off + avail) != 0 ? NEXT_OTHER : NEXT_MISSING;
	struct bm_record_header hdr = bm_record_header(raw);
	size_t n = (size_t)BM_HEADER + hdr.length;
	if (hdr.type != BM_APPLICATION_DATA || hdr.length > BM_CHECK_BODY ||
		!bm_record_plausible(hdr, record_version(h->s)))
		return NEXT_OTHER;
	h->waits_for = off + n;
	if (avail < n)
		return bm_stream_gap(h->stream, off + avail) != 0 ? NEXT_OTHER : NEXT_MISSING;
	if (env->ahead == NULL)
		env->ahead = calloc(1, sizeof *env->ahead);
	if (env->ahead == NULL)
		return NEXT_OTHER;
	struct round *r = &env->ahead->round[env->ahead->filling];
	struct ahead_record *last = last_of(h), *x = &r->record[r->used];
	if (!record_bytes(h, off, n, x))
		return NEXT_OTHER;
	position_behind(h, last, &x->check);
	x->before_elsewhere = x->check.before != NULL && (last < r->record || last > x);
	x->check.p = h->keys;
	x->off = off;
	x->acked = other_acked(h);
	x->h = h;
	x->next = NULL;
	x->checked = x->given = false;
	if (last != NULL)
		last->next = x;
	else
		h->ahead = x;
	h->ahead_last = x;
	r->used++;
	return NEXT_WAITS;
}

/* Everything of h that may wait does. True: what stands behind it may not. */
static bool
look_ahead(struct half *h)
{
	struct bm_session_env *env = h->s->env;

	while (steady(h)) {
		const struct ahead_record *last = last_of(h);
		uint64_t off = last != NULL ? last->off + BM_HEADER + last->check.w.body.n : h->off;
		enum next next = put(h, off);
		if (next != NEXT_WAITS)
			return next == NEXT_OTHER || bm_stream_ended(h->stream, NULL);
		if (is_full(env))
			next_round(env);
	}
	return true;
}

bool
ahead_waits(struct half *h, bool final)
{
	const struct bm_ahead *a = h->s->env->ahead;
	bool taking = a != NULL && a->taking, other = false;

	if (h->ahead != NULL && h->ahead->checked)
		return false;
	if (!taking && !final && steady(h))
		other = look_ahead(h);
	if (h->ahead == NULL || h->ahead->checked)
		return false;
	if (taking || (!final && !other))
		return true;
	check_half(h);
	return false;
}

const struct ahead_record *
ahead_verified(struct half *h)
{
	const struct ahead_record *x = h->ahead;

	if (x == NULL)
		return NULL;
	if (x->checked && x->off == h->off && x->check.p == h->keys && x->check.status == BM_OK &&
		x->check.o.result == BM_VERIFIED && x->check.pos.seq == h->pos.seq &&
		(!bm_protection_chained(h->keys) ||
			(memcmp(x->check.pos.iv, h->pos.iv, sizeof h->pos.iv) == 0 &&
				x->check.pos.rc4.position == h->pos.rc4.position)))
		return x;
	ahead_forget(h);
	return NULL;
}

bool
ahead_settle(struct half *h)
{
	if (h->ahead == NULL || h->s->env->ahead->taking)
		return false;
	check_half(h);
	run_half(h, false);
	ahead_forget(h);
	return true;
}
