/* What the receiver has got: when held runs follow, when a hole is a gap of the capture, when
 * damaged bytes were taken all the same. Refuses to judge what the bytes are. */
#include "tcp/internal.h"

/* Captures are a little out of order, so nothing is given up at once. Times in nanoseconds. */
#define SECOND ((uint64_t)1000000000)
#define HOLE_TIME SECOND         /* the receiver has acknowledged the bytes */
#define SILENT_TIME (5 * SECOND) /* no acknowledgements are captured at all */
#define DOUBT_TIME (3 * SECOND)
#define BEGIN_TIME (SECOND / 50) /* a stream whose SYN was not captured */
enum {
	HOLE_SEGMENTS = 32,
	HOLE_BYTES = 1 << 18,
	SILENT_BYTES = 1 << 19,
	DOUBT_BYTES = 1 << 18,
	BEGIN_SEGMENTS = 8,
	BEGIN_BYTES = 1 << 16
};

static uint64_t
since(const struct bm_stream *s, uint64_t then)
{
	uint64_t now = s->flow->t->now;

	return now > then ? now - then : 0;
}

/* The peer acknowledges, and not this: it waits for the bytes as we do. */
static bool
peer_waits(const struct bm_stream *s)
{
	return s->acks != s->d->stall_acks;
}

static bool
hole_is_gap(const struct bm_stream *s, const struct run *next)
{
	const struct data *d = s->d;

	if (s->acked >= next->off)
		return d->stall_segments >= HOLE_SEGMENTS || d->held_bytes >= HOLE_BYTES ||
			   since(s, next->ts_ns) >= HOLE_TIME;
	return !peer_waits(s) &&
		   (d->held_bytes >= SILENT_BYTES || since(s, d->stall_ts) >= SILENT_TIME);
}

static bool
was_taken(const struct bm_stream *s, const struct run *r)
{
	const struct data *d = s->d;

	if (!r->waits || (s->acked >= run_end(r) && !r->late))
		return true;
	if (r->checksum == BM_CHECKSUM_INVALID && checksums_unreliable(s))
		return true;
	return !peer_waits(s) && (d->held_bytes >= DOUBT_BYTES || since(s, d->stall_ts) >= DOUBT_TIME);
}

/* Without a SYN the stream begins at the lowest byte that comes within a moment. */
static bool
settle(struct bm_stream *s, bool force)
{
	const struct data *d = s->d;
	const struct run *first = runs_at(&d->held, 0);

	if (!force && s->acked < first->off && !(s->hinted && first->off == ORIGIN) &&
		d->segments < BEGIN_SEGMENTS && d->held_bytes < BEGIN_BYTES &&
		since(s, d->first_ts) < BEGIN_TIME && s->end == 0)
		return false;
	s->origin = s->base = s->head = first->off;
	s->settled = true;
	return true;
}

/* The first gap is remembered after it has been read past. */
static void
note_gap(struct bm_stream *s, uint64_t from, uint64_t to)
{
	struct bm_lack *l = &s->d->lack;

	if (l->len != 0 && l->off + l->len == from) {
		l->len += to - from;
	} else if (l->len == 0) {
		l->off = from;
		l->len = to - from;
	}
	for (uint32_t i = 0; i < s->d->held.n && i < 8 && l->packet == 0; i++)
		if (runs_at(&s->d->held, i)->p != NULL && runs_at(&s->d->held, i)->off >= l->off)
			l->packet = runs_at(&s->d->held, i)->packet;
}

static enum bm_status
declare_gap(struct bm_stream *s, uint64_t from, uint64_t to)
{
	struct runs *gaps = &s->d->gaps;
	struct run gap = {.off = from, .len = to - from};

	if (gaps->n != 0 && run_end(runs_at(gaps, gaps->n - 1)) == from) {
		runs_at(gaps, gaps->n - 1)->len += to - from;
	} else {
		if (runs_reserve(gaps, 1) != BM_OK)
			return BM_NOMEM;
		*runs_add(gaps) = gap;
		s->d->gap_count++;
		s->flow->t->stats.gaps++;
	}
	note_gap(s, from, to);
	tell_oddity(s, &(struct bm_oddity){BM_ODD_GAP, s->flow->t->now, 0, from, to - from});
	s->head = to;
	return BM_OK;
}

void
append(struct bm_stream *s, const struct run *r)
{
	*runs_add(&s->d->ready) = *r;
	s->d->ready_bytes += r->len;
	s->head += r->len;
	if (r->fin && s->end == 0) {
		s->end = s->head;
		s->fin = true;
		tell_oddity(s, &(struct bm_oddity){BM_ODD_FIN, r->ts_ns, r->packet, s->end, 0});
	}
}

/* given_up: nothing says that the receiver took it. */
static enum bm_status
take_first(struct bm_stream *s, bool given_up)
{
	struct data *d = s->d;
	struct run r = *runs_at(&d->held, 0);
	uint64_t len = r.len;
	enum bm_status st = BM_OK;

	if (s->end != 0 && run_end(&r) > s->end)
		r = run_cut(&r, r.off, s->end);
	/* The peer acknowledges, and never acknowledged this: it was dropped, and what came instead was
	 * not captured. */
	bool dropped = given_up && r.waits && s->acks != 0;
	if (r.p == NULL || dropped)
		st = declare_gap(s, r.off, run_end(&r));
	else
		st = runs_reserve(&d->ready, 1);
	if (st != BM_OK)
		return st;
	runs_pop(&d->held);
	if (r.p == NULL)
		return BM_OK;
	d->held_bytes -= len;
	if (dropped)
		block_drop(s->flow, r.block);
	else
		append(s, &r);
	return BM_OK;
}

enum bm_status
advance(struct bm_stream *s, bool force, bool *news)
{
	struct data *d = s->d;
	uint64_t before = s->head;
	enum bm_status st = BM_OK;

	while (d->held.n != 0 && st == BM_OK) {
		if (!s->settled) {
			if (!settle(s, force))
				break;
			before = s->head;
		}
		const struct run *r = runs_at(&d->held, 0);
		if (s->end != 0 && r->off >= s->end) {
			/* RFC 9293, section 3.10.7.4: nothing follows a FIN. */
			(void)runs_clear(s->flow, &d->held);
			d->held_bytes = 0;
			break;
		}
		if (!d->stalled) {
			d->stalled = true;
			d->stall_ts = s->flow->t->now;
			d->stall_segments = 0;
			d->stall_acks = s->acks;
		}
		bool hole = r->off > s->head;
		bool go = hole ? hole_is_gap(s, r) : was_taken(s, r);
		if (!go && !force)
			break;
		if (!go)
			force = false; /* one at a time */
		st = hole ? declare_gap(s, s->head, r->off) : take_first(s, !go);
		d->stalled = false;
	}
	if (d->held.n == 0)
		d->stalled = false;
	if (s->head != before)
		*news = true;
	return st;
}

bool
close_at_end(struct bm_stream *s)
{
	if (s->closed || s->end == 0)
		return false;
	if (!s->settled && (s->d == NULL || s->d->held.n == 0)) {
		s->origin = s->base = s->head = s->end;
		s->settled = true;
	}
	if (!s->settled || s->head < s->end)
		return false;
	s->closed = true;
	return true;
}

enum bm_status
flush(struct bm_stream *s, bool *news)
{
	struct data *d = s->d;
	uint64_t end = s->end;

	while (d != NULL && d->held.n != 0) {
		uint32_t left = d->held.n;
		uint64_t head = s->head;
		if (advance(s, true, news) != BM_OK)
			return BM_NOMEM;
		if (d->held.n == left && s->head == head)
			break;
	}
	/* What was acknowledged and never seen. One octet may be a FIN that was not captured. */
	if (end == 0 && s->acked > s->head + 1)
		end = s->acked;
	if (end > s->head && s->settled) {
		if (data_of(s) == NULL || declare_gap(s, s->head, end) != BM_OK)
			return BM_NOMEM;
		*news = true;
	}
	if (close_at_end(s))
		*news = true;
	return BM_OK;
}

enum bm_status
drop_oldest(struct bm_stream *s, uint64_t bytes, bool *news)
{
	struct data *d = s->d;
	struct runs *gaps = &d->gaps;
	uint64_t dropped = 0, to = s->base;

	if (d->ready.n == 0 || runs_reserve(gaps, 1) != BM_OK)
		return d->ready.n == 0 ? BM_OK : BM_NOMEM;
	while (d->ready.n != 0 && dropped < bytes) {
		struct run *r = runs_at(&d->ready, 0);
		dropped += r->len;
		to = run_end(r);
		block_drop(s->flow, r->block);
		runs_pop(&d->ready);
	}
	d->ready_bytes -= dropped;
	/* One gap from base on, over those that lay between. */
	while (gaps->n != 0 && runs_at(gaps, 0)->off <= to) {
		if (run_end(runs_at(gaps, 0)) > to)
			to = run_end(runs_at(gaps, 0));
		runs_pop(gaps);
	}
	struct run gap = {.off = s->base, .len = to - s->base};
	if (runs_reserve(gaps, 1) != BM_OK)
		return BM_NOMEM;
	if (gaps->n == 0)
		*runs_add(gaps) = gap;
	else
		runs_replace(gaps, 0, 0, &gap, 1);
	d->gap_count++;
	s->flow->t->stats.gaps++;
	s->flow->t->stats.dropped_bytes += dropped;
	d->lack.dropped += dropped;
	note_gap(s, s->base, to);
	tell_oddity(s, &(struct bm_oddity){BM_ODD_GAP, s->flow->t->now, 0, s->base, to - s->base});
	*news = true;
	return BM_OK;
}

bool
drop_spare(struct bm_stream *s)
{
	uint64_t base = s->base;

	if (s->spare > base)
		bm_stream_release(s, s->spare - s->origin);
	return s->base != base;
}

enum bm_status
stream_limit(struct bm_stream *s)
{
	uint64_t max = s->flow->t->o.flow_memory;
	struct data *d = s->d;
	enum bm_status st = BM_OK;

	while (st == BM_OK && !s->flow->ignored && stream_over(s, max)) {
		bool many = held_many(d, max);
		bool news = false;
		if (drop_spare(s))
			continue;
		uint32_t before = d->held.n + d->ready.n;
		if (d->held.n != 0 && (many || d->held_bytes >= d->ready_bytes))
			st = advance(s, true, &news);
		else
			st = drop_oldest(s, stream_cost(d) - max, &news);
		if (news)
			tell_data(s);
		else if (d->held.n + d->ready.n >= before)
			break;
	}
	return st;
}
