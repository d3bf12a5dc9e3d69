/* Octets left out or put in twice, and the rest of the TCP segment moved over by as many: what a
 * copy makes that starts or ends at the wrong place. The octets that are lost then follow from the
 * tag. Refuses to know moves over the end of a segment. */
#include <stdlib.h>

#include "base/buf.h"
#include "repair/filler.h"

static const size_t sizes[] = {1, 2, 4, 8};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void
solve(struct bm_filler *v, size_t at)
{
	struct bm_term target[BM_TARGETS];
	size_t targets = bm_linear_targets(&v->l, v->s->parts.tag.p, target);

	bm_filler_solve(v, at, target, targets, BM_TERM_BLOCK - at % BM_TERM_BLOCK);
}

/* n octets never came, what was behind them moved up, and at the segment's end stand n that have
 * nothing to do there. */
static void
left_out(struct bm_filler *v, const uint8_t *received, size_t from, size_t end)
{
	size_t n = v->n;

	for (size_t i = from; i < end; i++)
		bm_filler_set(v, i, i < from + n ? 0 : received[i - n]);
	for (size_t at = from; !v->s->over; at++) {
		solve(v, at);
		if (at + n == end)
			break;
		bm_filler_set(v, at, received[at]);
		bm_filler_set(v, at + n, 0);
	}
}

/* n octets were put in, what was behind them moved down, and the segment's last n are lost. */
static void
put_in(struct bm_filler *v, const uint8_t *received, size_t from, size_t end)
{
	size_t n = v->n;

	for (size_t i = from; i < end; i++)
		bm_filler_set(v, i, i + n < end ? received[i + n] : 0);
	for (size_t at = from; !v->s->over; at++) {
		solve(v, end - n);
		if (at + n >= end)
			break;
		bm_filler_set(v, at, received[at]);
	}
}

typedef void (*moving)(struct bm_filler *v, const uint8_t *received, size_t from, size_t end);

static void
every_segment(struct bm_filler *v, const uint8_t *received, moving move)
{
	for (size_t from = 0, end; from < v->l.n && !v->s->over; from = end) {
		end = bm_search_segment_end(v->s, from);
		if (end - from < 2 * v->n)
			continue;
		struct bm_term sum = v->l.sum;
		move(v, received, from, end);
		memcpy(v->text + from, received + from, end - from);
		v->l.sum = sum;
	}
}

static void
family(struct bm_linear *l, const struct bm_family_name *name, moving move)
{
	double accepted = 0, each = 1;
	struct bm_search *s = l->s;
	size_t size = s->d->wire.body.n;

	for (size_t i = 1; i <= sizes[SIZES - 1]; i++) {
		each *= 256;
		for (size_t k = 0; k < SIZES; k++)
			accepted += sizes[k] == i ? (double)l->n * each : 0;
	}
	if (l->n < 2 ||
		!bm_search_open(s, name, BM_QUICK, accepted, (double)(SIZES * l->n * (5 + 2 * l->targets))))
		return;
	bm_search_moves(s);
	uint8_t *body = malloc(size);
	if (body == NULL)
		bm_search_fail(s, BM_NOMEM);
	for (size_t k = 0; k < SIZES && !s->over; k++) {
		struct bm_filler v = {.s = s, .l = *l, .body = body, .n = sizes[k]};
		memcpy(body, s->d->wire.body.p, size);
		v.text = body + (l->text - s->d->wire.body.p);
		v.l.text = v.text;
		enum bm_status st = bm_filler_prepare(&v);
		if (st != BM_OK)
			bm_search_fail(s, st);
		else
			every_segment(&v, l->text, move);
		bm_filler_free(&v);
		bm_wipe(&v.l, sizeof v.l);
	}
	free(body);
	bm_search_close(s);
}

void
bm_linear_shifts(struct bm_linear *l)
{
	static const struct bm_family_name
		up = BM_FAMILY_NAME("1, 2, 4 or 8 octets left out, the rest of the segment moved up"),
		down = BM_FAMILY_NAME("1, 2, 4 or 8 octets put in, the rest of the segment moved down");

	family(l, &up, left_out);
	family(l, &down, put_in);
}
