/* What the layer above reads of a direction. Changes nothing but what it is told to release. */
#include "tcp/internal.h"

#include <stdlib.h>

enum { SHRINK = 512 }; /* runs whose storage is given back once they are released */

/* Is an invalid checksum of this direction no sign of damage? So it is where hardly any is right:
 * captured before the network card filled them in, or edited afterwards. */
bool
checksums_unreliable(const struct bm_stream *s)
{
	uint64_t good = s->checksums[BM_CHECKSUM_VALID], bad = s->checksums[BM_CHECKSUM_INVALID];
	uint64_t partial = s->checksums[BM_CHECKSUM_OFFLOADED] + s->bare_offloaded;

	if (good + bad >= 8)
		return good * 10 < good + bad;
	if (good + s->bare_valid != 0)
		return false;
	return partial >= 2 || bad >= 3 || s->bare_invalid >= 3 || (bad != 0 && s->bare_invalid != 0);
}

void
stream_clear(struct bm_stream *s)
{
	struct data *d = s->d;

	if (d == NULL)
		return;
	(void)runs_clear(s->flow, &d->ready);
	(void)runs_clear(s->flow, &d->gaps);
	(void)runs_clear(s->flow, &d->held);
	(void)runs_clear(s->flow, &d->copies);
	d->ready_bytes = d->held_bytes = d->copy_bytes = 0;
	s->base = s->head;
}

void
stream_free(struct bm_stream *s)
{
	stream_clear(s);
	free(s->d);
	s->d = NULL;
}

struct bm_span
span_of(const struct bm_stream *s, const struct run *r)
{
	enum bm_checksum c = (enum bm_checksum)r->checksum;

	if (c == BM_CHECKSUM_INVALID && checksums_unreliable(s))
		c = BM_CHECKSUM_OFFLOADED;
	return (struct bm_span){r->off - s->origin, bm_view(r->p, (size_t)r->len), r->packet,
		r->packet_off, r->ts_ns, c, r->segment, r->segment_off, r->sum};
}

/* The part [from, to) of a run that has bytes. */
static struct bm_span
span_part(const struct bm_stream *s, const struct run *r, uint64_t from, uint64_t to)
{
	struct bm_span span = span_of(s, r);
	uint64_t skip = from - r->off;

	span.off += skip;
	span.data = bm_view(r->p + skip, (size_t)(to - from));
	span.packet_off += (uint32_t)skip;
	span.segment_off += (uint32_t)skip;
	return span;
}

uint64_t
bm_stream_base(const struct bm_stream *s)
{
	return s->base - s->origin;
}

bool
bm_stream_in_order(const struct bm_stream *s, uint64_t *head)
{
	*head = s->head - s->origin;
	return s->d != NULL && s->has_seq && !s->doubtful && s->settled && s->end == 0 && !s->reset &&
		   s->d->held.n == 0 && s->d->gaps.n == 0;
}

uint64_t
bm_stream_offset(const struct bm_stream *s, uint32_t seq)
{
	return stream_off(s, seq) - s->origin;
}

size_t
bm_stream_avail(const struct bm_stream *s, uint64_t off)
{
	uint64_t at = s->origin + off;

	if (s->d == NULL || off > UINT64_MAX - s->origin || at < s->base || at >= s->head)
		return 0;
	if (s->d->gaps.n == 0)
		return (size_t)(s->head - at);
	uint32_t i = runs_find(&s->d->gaps, at);
	if (i == s->d->gaps.n)
		return (size_t)(s->head - at);
	const struct run *gap = runs_at(&s->d->gaps, i);
	return gap->off > at ? (size_t)(gap->off - at) : 0;
}

uint64_t
bm_stream_gap(const struct bm_stream *s, uint64_t off)
{
	uint64_t at = s->origin + off;

	if (s->d == NULL || s->d->gaps.n == 0 || off > UINT64_MAX - s->origin)
		return 0;
	uint32_t i = runs_find(&s->d->gaps, at);
	if (i == s->d->gaps.n || runs_at(&s->d->gaps, i)->off > at)
		return 0;
	return run_end(runs_at(&s->d->gaps, i)) - at;
}

bool
bm_stream_read(const struct bm_stream *s, uint64_t off, uint8_t *dst, size_t len)
{
	if (bm_stream_avail(s, off) < len)
		return false;
	if (len == 0)
		return true;
	uint64_t at = s->origin + off;
	for (uint32_t i = runs_find(&s->d->ready, at); len != 0; i++) {
		const struct run *r = runs_at(&s->d->ready, i);
		uint64_t skip = at - r->off;
		size_t n = (size_t)(r->len - skip) < len ? (size_t)(r->len - skip) : len;
		memcpy(dst, nearest(s->flow->t, r->p + skip, n), n);
		dst += n;
		at += n;
		len -= n;
	}
	return true;
}

const uint8_t *
bm_stream_peek(const struct bm_stream *s, uint64_t off, size_t len)
{
	if (bm_stream_avail(s, off) < len || s->d == NULL || s->d->ready.n == 0)
		return NULL;
	uint64_t at = s->origin + off;
	uint32_t i = runs_find(&s->d->ready, at);
	if (i == s->d->ready.n)
		return NULL;
	const struct run *r = runs_at(&s->d->ready, i);
	return at >= r->off && run_end(r) - at >= len ? nearest(s->flow->t, r->p + (at - r->off), len)
												  : NULL;
}

const uint8_t *
bm_stream_near(const struct bm_stream *s, struct bm_view v)
{
	return nearest(s->flow->t, v.p, v.n);
}

size_t
bm_stream_spans(
	const struct bm_stream *s, uint64_t off, size_t len, struct bm_span *out, size_t max)
{
	if (len == 0 || bm_stream_avail(s, off) < len)
		return 0;
	uint64_t at = s->origin + off, to = at + len;
	size_t n = 0;
	for (uint32_t i = runs_find(&s->d->ready, at); at < to; i++) {
		const struct run *r = runs_at(&s->d->ready, i);
		uint64_t end = run_end(r) < to ? run_end(r) : to;
		if (n < max)
			out[n] = span_part(s, r, at, end);
		n++;
		at = end;
	}
	return n;
}

bool
bm_stream_last_span(const struct bm_stream *s, uint64_t off, uint64_t len, struct bm_span *out)
{
	size_t avail = bm_stream_avail(s, off);
	const struct run *last = NULL;

	if (avail == 0 || len == 0)
		return false;
	uint64_t at = s->origin + off, to = at + (len < avail ? len : avail);
	for (uint32_t i = runs_find(&s->d->ready, at); at < to; i++) {
		const struct run *r = runs_at(&s->d->ready, i);
		if (last == NULL || r->packet > last->packet)
			last = r;
		at = run_end(r);
	}
	*out = span_of(s, last);
	return true;
}

size_t
bm_stream_copies(
	const struct bm_stream *s, uint64_t off, size_t len, struct bm_span *out, size_t max)
{
	uint64_t from = s->origin + off, to = from + len;
	size_t n = 0;

	if (s->d == NULL || to < from)
		return 0;
	for (uint32_t i = 0; i < s->d->copies.n; i++) {
		const struct run *r = runs_at(&s->d->copies, i);
		uint64_t a = r->off > from ? r->off : from;
		uint64_t b = run_end(r) < to ? run_end(r) : to;
		if (a >= b)
			continue;
		if (n < max)
			out[n] = span_part(s, r, a, b);
		n++;
	}
	return n;
}

static void
release_gaps(struct runs *gaps, uint64_t base)
{
	while (gaps->n != 0 && run_end(runs_at(gaps, 0)) <= base)
		runs_pop(gaps);
	if (gaps->n != 0 && runs_at(gaps, 0)->off < base)
		*runs_at(gaps, 0) = run_cut(runs_at(gaps, 0), base, run_end(runs_at(gaps, 0)));
}

void
bm_stream_release(struct bm_stream *s, uint64_t off)
{
	struct data *d = s->d;
	uint64_t to = off > UINT64_MAX - s->origin ? UINT64_MAX : s->origin + off;

	if (to > s->head)
		to = s->head;
	if (d == NULL || to <= s->base)
		return;
	s->base = to;
	while (d->ready.n != 0) {
		struct run *r = runs_at(&d->ready, 0);
		if (run_end(r) > to) {
			if (r->off < to) {
				d->ready_bytes -= to - r->off;
				*r = run_cut(r, to, run_end(r));
			}
			break;
		}
		d->ready_bytes -= r->len;
		block_drop(s->flow, r->block);
		runs_pop(&d->ready);
	}
	if (d->ready.n == 0 && d->ready.cap > SHRINK)
		runs_free(&d->ready);
	if (d->gaps.n != 0)
		release_gaps(&d->gaps, to);
	if (d->copies.n != 0)
		copies_release(s);
}

void
bm_stream_spare(struct bm_stream *s, uint64_t off)
{
	uint64_t to = off > UINT64_MAX - s->origin ? UINT64_MAX : s->origin + off;

	s->spare = to < s->head ? to : s->head;
}

bool
bm_stream_ended(const struct bm_stream *s, uint64_t *off)
{
	if (s->closed && off != NULL)
		*off = s->head - s->origin;
	return s->closed;
}

bool
bm_stream_reset(const struct bm_stream *s)
{
	return s->reset;
}

uint64_t
bm_stream_gaps(const struct bm_stream *s)
{
	return s->d != NULL ? s->d->gap_count : 0;
}

struct bm_lack
bm_stream_lack(const struct bm_stream *s)
{
	struct bm_lack l = {0};

	if (s->d != NULL)
		l = s->d->lack;
	if (l.len != 0)
		l.off = l.off > s->origin ? l.off - s->origin : 0;
	return l;
}

bool
bm_stream_first_seq(const struct bm_stream *s, uint32_t *seq)
{
	*seq = s->zero_seq + (uint32_t)(s->origin - ORIGIN);
	return s->has_seq;
}

uint64_t
bm_stream_acked(const struct bm_stream *s)
{
	uint64_t acked = s->end != 0 && s->acked > s->end ? s->end : s->acked;

	return acked > s->origin ? acked - s->origin : 0;
}

uint32_t
bm_stream_sequence(const struct bm_stream *s, uint64_t off)
{
	return s->zero_seq + (uint32_t)(off + s->origin - ORIGIN);
}

const uint64_t *
bm_stream_checksums(const struct bm_stream *s)
{
	return s->checksums;
}
