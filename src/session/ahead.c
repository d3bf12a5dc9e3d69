/* See ahead.h. Before segments go into the flow table, those of a round are shown here. Where a
 * direction is in the midst of an epoch and everything comes in order, the records that they will
 * complete are put together and checked, by several threads if there are; then the segments go
 * their way, and a record that turns out to consist of the very bytes, under the very keys and
 * position, is known to be good. All others are checked when they come, so that nothing depends on
 * what was foreseen. */
#include "session/ahead.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/pool.h"

enum { ROUND = 4 * BM_CHECKS_MAX };

struct bm_ahead {
	struct ahead_record record[ROUND];
	size_t used;
	uint64_t round; /* from 1 */
	bool full;
};

void
ahead_clear(struct bm_session_env *env)
{
	struct bm_ahead *a = env->ahead;

	if (a == NULL)
		return;
	bm_wipe(a, sizeof *a);
	free(a);
	env->ahead = NULL;
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
	while (h->ahead != NULL)
		ahead_done(h);
	if (h->foreseen.record != NULL)
		h->foreseen.record->h = NULL;
	h->foreseen.record = NULL;
	h->foreseen.good = false;
}

static bool
pays(const struct half *h)
{
	return bm_protection_lanes(h->keys) ||
		   (bm_pool_workers(h->s->env->pool) > 1 && bm_protection_shared(h->keys));
}

void
ahead_consider(struct half *h)
{
	if (!h->s->env->foresees && h->keys != NULL)
		h->s->env->foresees = pays(h);
}

/* Nothing but the next record of the same epoch is expected, nothing has gone wrong, and it pays.
 */
static bool
steady(const struct half *h)
{
	return h->protected && h->keys != NULL && h->lost == NULL && !h->unplaced && !h->gave_up &&
		   !h->over && !h->closed && h->verified_in[epoch_slot(h->epoch)] != 0 && pays(h);
}

/* A place for a record of h; NULL when the round has none left. */
static struct ahead_record *
new_record(struct half *h, uint64_t off)
{
	struct bm_ahead *a = h->s->env->ahead;

	if (a->used == ROUND) {
		a->full = true;
		return NULL;
	}
	struct ahead_record *x = &a->record[a->used++];
	x->h = h;
	x->next = NULL;
	x->off = off;
	x->pieces = x->have = x->length = 0;
	h->foreseen.record = x;
	return x;
}

/* Where the record behind `last` is to be checked; NULL: behind what has been read. */
static void
position_behind(const struct half *h, const struct ahead_record *last, struct bm_check *c)
{
	c->before = NULL;
	if (last == NULL) {
		bm_position_copy(h->keys, &h->pos, &c->pos);
		return;
	}
	/* The keystream is not known yet. */
	if (bm_protection_keys(h->keys)->suite->cipher == BM_RC4) {
		c->before = &last->check;
		c->pos.seq = last->check.pos.seq + 1;
		return;
	}
	bm_position_after(h->keys, &last->check.pos, &last->check.w, &c->pos);
}

/* The record is complete: its octets stand at p. */
static void
finish_record(struct half *h, struct ahead_record *x, const uint8_t *p)
{
	struct ahead_record *last = h->ahead != NULL ? h->foreseen.last : NULL;

	memcpy(x->header, p, BM_HEADER);
	x->check.p = h->keys;
	x->check.w = (struct bm_wire){.type = p[0],
		.version = bm_load16(p + 1),
		.header = bm_view(x->header, BM_HEADER),
		.body = bm_view(p + BM_HEADER, x->length - BM_HEADER)};
	position_behind(h, last, &x->check);
	if (last != NULL)
		last->next = x;
	else
		h->ahead = x;
	h->foreseen.last = x;
	h->foreseen.record = NULL;
}

/* The header that stands at p says how long it is. False: it is none that can be foreseen. */
static bool
measure(const struct half *h, struct ahead_record *x, const uint8_t *p)
{
	struct bm_record_header hdr = bm_record_header(p);

	x->length = (size_t)BM_HEADER + hdr.length;
	return hdr.type == BM_APPLICATION_DATA && hdr.length <= BM_CHECK_BODY &&
		   bm_record_plausible(hdr, record_version(h->s));
}

/* The next octets of the direction, which stay at home. False: nothing is foreseen of it any more.
 */
static bool
feed(struct half *h, uint64_t off, const uint8_t *home, struct bm_view v)
{
	while (v.n != 0) {
		struct ahead_record *x = h->foreseen.record;
		if (x == NULL)
			x = new_record(h, off);
		if (x == NULL || x->pieces == AHEAD_PIECES)
			return false;
		if (x->have == 0 && v.n >= BM_HEADER) {
			/* All of it stands here, or it is copied from here on. */
			if (!measure(h, x, v.p))
				return false;
			if (v.n >= x->length) {
				size_t n = x->length;
				x->piece[x->pieces++] = bm_view(home, n);
				finish_record(h, x, v.p);
				v = bm_view(v.p + n, v.n - n);
				home += n;
				off += n;
				continue;
			}
		}
		size_t want = x->length != 0 ? x->length : BM_HEADER;
		size_t n = want - x->have < v.n ? want - x->have : v.n;
		memcpy(x->bytes + x->have, v.p, n);
		x->have += n;
		/* A header that is cut is one piece with what follows it there. */
		if (x->pieces != 0 && x->piece[x->pieces - 1].p + x->piece[x->pieces - 1].n == home)
			x->piece[x->pieces - 1].n += n;
		else
			x->piece[x->pieces++] = bm_view(home, n);
		v = bm_view(v.p + n, v.n - n);
		home += n;
		off += n;
		if (x->length == 0 && x->have == BM_HEADER && !measure(h, x, x->bytes))
			return false;
		if (x->length != 0 && x->have == x->length)
			finish_record(h, x, x->bytes);
	}
	return true;
}

/* What has come already of the record that stands next. */
static bool
feed_begun(struct half *h, uint64_t head)
{
	struct bm_span spans[AHEAD_PIECES];
	size_t left = (size_t)(head - h->off);

	if (left == 0)
		return true;
	if (left > BM_HEADER + BM_CHECK_BODY)
		return false;
	size_t n = bm_stream_spans(h->stream, h->off, left, spans, AHEAD_PIECES);
	if (n == 0 || n > AHEAD_PIECES)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct bm_view v = spans[i].data;
		if (!feed(h, spans[i].off, v.p, bm_view(bm_stream_near(h->stream, v), v.n)))
			return false;
	}
	/* Whole ones would have been read. */
	return h->ahead == NULL;
}

static void
begin(struct half *h)
{
	struct bm_ahead *a = h->s->env->ahead;
	uint64_t head;

	h->foreseen.round = a->round;
	h->foreseen.record = h->foreseen.last = NULL;
	h->foreseen.good = steady(h) && bm_stream_in_order(h->stream, &head) && h->off <= head;
	if (!h->foreseen.good)
		return;
	h->foreseen.next = head;
	if (!feed_begun(h, head))
		ahead_forget(h);
}

bool
bm_session_foresee(struct bm_session *s, enum bm_way way, const struct bm_segment *g)
{
	struct bm_session_env *env = s->env;

	if (env->ahead != NULL && env->ahead->full)
		return false;
	if (!s->tls || s->dtls || g->payload_len == 0 || g->home == NULL)
		return true;
	struct half *h = &s->half[s->half[0].way == way ? 0 : 1];
	if (!h->started)
		return true;
	if (env->ahead == NULL) {
		if (!steady(h))
			return true;
		env->ahead = calloc(1, sizeof *env->ahead);
		if (env->ahead == NULL)
			return true;
		env->ahead->round = 1;
	}
	if (h->foreseen.round != env->ahead->round)
		begin(h);
	if (!h->foreseen.good)
		return true;
	uint64_t off = bm_stream_offset(h->stream, g->seq);
	/* It came before, and changes nothing of what is to come. */
	if (off + g->payload_len <= h->foreseen.next)
		return true;
	bool next = off == h->foreseen.next && g->payload.n == g->payload_len && g->piece_count == 1 &&
				(g->flags & (BM_SYN | BM_RST)) == 0 && g->checksum != BM_CHECKSUM_INVALID;
	if (next && feed(h, off, g->home, g->payload)) {
		h->foreseen.next = off + g->payload_len;
		return true;
	}
	/* Those that are complete are as good as ever. */
	if (h->foreseen.record != NULL)
		h->foreseen.record->h = NULL;
	h->foreseen.record = NULL;
	h->foreseen.good = false;
	return true;
}

static void
check_part(void *ctx, size_t part, unsigned worker)
{
	struct bm_ahead *a = ctx;
	struct bm_check *checks[BM_CHECKS_MAX];
	struct ahead_record *records[BM_CHECKS_MAX];
	size_t n = 0, from = part * BM_CHECKS_MAX;

	(void)worker;
	for (size_t i = from; i < a->used && i < from + BM_CHECKS_MAX; i++) {
		struct ahead_record *x = &a->record[i];
		if (x->h == NULL || x->h->foreseen.record == x)
			continue;
		records[n] = x;
		checks[n++] = &x->check;
	}
	if (n == 0)
		return;
	bm_verify_batch(checks, n);
	for (size_t i = 0; i < n; i++)
		records[i]->fingerprint = fingerprint(&checks[i]->w);
}

/* Keys that belong to no thread, and states that follow on each other, are for one. */
static bool
can_part(const struct bm_ahead *a)
{
	for (size_t i = 0; i < a->used; i++)
		if (a->record[i].h != NULL && a->record[i].h->foreseen.record != &a->record[i] &&
			(a->record[i].check.before != NULL || !bm_protection_shared(a->record[i].check.p)))
			return false;
	return true;
}

void
bm_session_check_foreseen(struct bm_session_env *env)
{
	struct bm_ahead *a = env->ahead;

	if (a == NULL || a->used == 0)
		return;
	size_t parts = (a->used + BM_CHECKS_MAX - 1) / BM_CHECKS_MAX;
	bm_pool_run(can_part(a) ? env->pool : NULL, parts, check_part, a);
}

void
bm_session_forget_foreseen(struct bm_session_env *env)
{
	struct bm_ahead *a = env->ahead;

	if (a == NULL)
		return;
	for (size_t i = 0; i < a->used; i++)
		if (a->record[i].h != NULL)
			ahead_forget(a->record[i].h);
	a->used = 0;
	a->full = false;
	a->round++;
}

static bool
same_pieces(const struct half *h, const struct ahead_record *x)
{
	struct bm_span spans[AHEAD_PIECES];
	size_t n = bm_stream_spans(h->stream, h->off, x->length, spans, AHEAD_PIECES);

	if (n != x->pieces)
		return false;
	for (size_t i = 0; i < n; i++)
		if (spans[i].data.p != x->piece[i].p || spans[i].data.n != x->piece[i].n)
			return false;
	return true;
}

const struct ahead_record *
ahead_verified(struct half *h)
{
	const struct ahead_record *x = h->ahead;

	/* The record may not be all there yet. */
	if (x == NULL || x->off > h->off || h->lost != NULL ||
		(x->off == h->off && bm_stream_avail(h->stream, h->off) < x->length))
		return NULL;
	if (steady(h) && x->off == h->off && x->check.p == h->keys && x->check.status == BM_OK &&
		x->check.o.result == BM_VERIFIED && x->check.pos.seq == h->pos.seq &&
		(!bm_protection_chained(h->keys) ||
			(memcmp(x->check.pos.iv, h->pos.iv, sizeof h->pos.iv) == 0 &&
				x->check.pos.rc4.position == h->pos.rc4.position)) &&
		same_pieces(h, x))
		return x;
	ahead_forget(h);
	return NULL;
}
