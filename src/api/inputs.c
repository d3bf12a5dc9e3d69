/* Order and grouping of the captures of a run. Refuses to know connections. */
#include "api/inputs.h"

#include "base/buf.h"

#include <stdlib.h>

enum { INPUTS_MAX = 65536, SKETCHED_MAX = 64 };

enum bm_status
inputs_add(struct inputs *all, const char *name, const struct input *in)
{
	void *items = all->item;
	enum bm_status st = bm_grow(&items, &all->cap, all->n + 1, INPUTS_MAX, sizeof *all->item);

	all->item = items;
	if (st != BM_OK)
		return st;
	size_t len = strlen(name);
	char *copy = malloc(len + 1);
	if (copy == NULL)
		return BM_NOMEM;
	memcpy(copy, name, len + 1);
	all->item[all->n] = *in;
	all->item[all->n++].name = copy;
	return BM_OK;
}

/* When it was taken, and, with a decoder, a sample of what it holds. */
static void
survey(struct input *i, struct bm_decoder *d)
{
	struct bm_capture *c;
	struct bm_capture_item item;
	struct bm_segment segment;

	if (i->read != NULL || bm_capture_open_memory(&c, i->bytes, NULL) != BM_OK)
		return;
	while (bm_capture_next(c, &item, NULL) == BM_OK) {
		i->secrets = i->secrets || item.event == BM_CAPTURE_SECRETS;
		if (item.event != BM_CAPTURE_FRAME)
			continue;
		i->packets++;
		if (d != NULL && bm_decode(d, &item.frame, &segment)) {
			sketch_add(&i->sketch, &segment);
			sketch_add_hello(&i->hellos, &segment);
		}
		if (item.frame.ts_ns == 0)
			continue;
		if (!i->timed || item.frame.ts_ns < i->first_ns)
			i->first_ns = item.frame.ts_ns;
		if (!i->timed || item.frame.ts_ns > i->last_ns)
			i->last_ns = item.frame.ts_ns;
		i->timed = true;
	}
	bm_capture_free(c);
	sketch_close(&i->sketch);
	sketch_close(&i->hellos);
}

/* One without packets has no time, and goes last as a piece of what is there: with secrets first,
 * so that they come before what they open. */
static bool
has_place(struct input *i)
{
	if (i->read != NULL || i->packets != 0)
		return i->timed;
	i->first_ns = i->last_ns = i->secrets ? 0 : UINT64_MAX;
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Pieces of a rotated capture follow one another; captures from two places run side by side. A
 * twentieth of the shorter one may overlap: several queues are not written out in step. */
static bool
follows(const struct input *last, const struct input *next)
{
	if (next->first_ns >= last->last_ns)
		return true;
	uint64_t overlap =
		(last->last_ns < next->last_ns ? last->last_ns : next->last_ns) - next->first_ns;
	uint64_t a = last->last_ns - last->first_ns, b = next->last_ns - next->first_ns;
	return overlap <= (a < b ? a : b) / 20;
}

/* Does one of the first n captures of a site hold the same traffic? Then that was another place,
 * even if the two clocks say that one came after the other. */
static bool
holds_the_same(const struct inputs *in, size_t n, uint32_t site, const struct input *now)
{
	for (size_t i = 0; i < n; i++)
		if (in->item[i].site == site && (sketch_alike(&in->item[i].sketch, &now->sketch) ||
											sketch_alike(&in->item[i].hellos, &now->hellos)))
			return true;
	return false;
}

/* Puts each capture behind the earliest one that it follows and that is the last of its site. */
static enum bm_status
group(struct inputs *in, bool all_timed)
{
	size_t *last = calloc(in->n != 0 ? in->n : 1, sizeof *last); /* by site */
	uint32_t sites = 0;

	if (last == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < in->n; i++) {
		struct input *now = &in->item[i];
		size_t best = i;
		for (uint32_t k = 0; k < sites; k++)
			if (last[k] < best && (!all_timed || follows(&in->item[last[k]], now)) &&
				!holds_the_same(in, i, k, now))
				best = last[k];
		now->site = best != i ? in->item[best].site : sites++;
		now->site_name = best != i ? in->item[best].site_name : now->name;
		last[now->site] = i;
	}
	free(last);
	return BM_OK;
}

enum bm_status
inputs_order(struct inputs *in)
{
	bool all_timed = true;

	if (in->n > 1) {
		struct bm_decoder *d = NULL;
		/* More captures than that are rotated pieces. */
		if (in->n <= SKETCHED_MAX && bm_decoder_new(&d, 0) != BM_OK)
			return BM_NOMEM;
		for (size_t i = 0; i < in->n; i++) {
			survey(&in->item[i], d);
			all_timed = has_place(&in->item[i]) && all_timed;
		}
		bm_decoder_free(d);
		/* Streams cannot be looked at twice: then the order given stands. */
		if (all_timed)
			qsort(in->item, in->n, sizeof *in->item, by_time);
	}
	return group(in, all_timed);
}

void
inputs_clear(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->item[i].name);
		sketch_clear(&in->item[i].sketch);
		sketch_clear(&in->item[i].hellos);
	}
	free(in->item);
	memset(in, 0, sizeof *in);
}
