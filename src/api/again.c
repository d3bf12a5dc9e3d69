/* The captures of one place, read once more from the first frame on. Refuses to know what for. */
#include "api/again.h"

#include <stdlib.h>

struct reading {
	bool (*each)(void *ctx, const struct bm_segment *s);
	void *ctx;
	struct bm_decoder *decoder;
	bool stopped;
};

static size_t
room_of(size_t n)
{
	return (sizeof(struct bm_frame) + n + 7) & ~(size_t)7;
}

static size_t
size_at(const struct kept *k, size_t at)
{
	struct bm_frame f;

	memcpy(&f, k->bytes + at, sizeof f);
	return room_of(f.data.n);
}

/* The oldest frame goes. */
static void
drop(struct kept *k)
{
	k->tail += size_at(k, k->tail);
	k->lost = true;
	if (k->wrapped && k->tail == k->end) {
		k->tail = 0;
		k->wrapped = false;
	}
}

/* Puts frame and octets behind the newest one. */
static void
put(struct kept *k, const struct bm_frame *f)
{
	size_t n = room_of(f->data.n);

	if (n > k->size) {
		k->lost = true;
		return;
	}
	if (k->size - k->head < n) {
		/* What the new frame would run into at the front has to go first. */
		while (k->wrapped)
			drop(k);
		k->end = k->head;
		k->head = 0;
		k->wrapped = k->tail != k->end;
		if (!k->wrapped)
			k->tail = 0;
	}
	while (k->wrapped && k->tail - k->head < n)
		drop(k);
	struct bm_frame copy = *f;
	copy.home = NULL;
	memcpy(k->bytes + k->head, &copy, sizeof copy);
	if (f->data.n != 0)
		memcpy(k->bytes + k->head + sizeof copy, f->data.p, f->data.n);
	k->head += n;
}

/* Without memory only those are kept that fit already. */
static void
grow(struct kept *k, size_t ring)
{
	struct kept bigger = {.bytes = malloc(ring), .size = ring, .lost = k->lost};

	if (bigger.bytes == NULL) {
		k->lost = true;
		return;
	}
	for (int part = k->wrapped ? 0 : 1; part < 2; part++) {
		size_t at = part == 0 || !k->wrapped ? k->tail : 0, to = part == 0 ? k->end : k->head;
		while (at < to) {
			struct bm_frame f;
			memcpy(&f, k->bytes + at, sizeof f);
			f.data.p = k->bytes + at + sizeof f;
			put(&bigger, &f);
			at += room_of(f.data.n);
		}
	}
	free(k->bytes);
	*k = bigger;
}

void
again_keep(struct again *a, const struct bm_frame *f, size_t ring)
{
	if (a->kept.size < ring)
		grow(&a->kept, ring);
	put(&a->kept, f);
}

void
again_clear(struct again *a)
{
	free(a->kept.bytes);
	a->kept = (struct kept){.bytes = NULL};
}

static void
one(struct reading *r, const struct bm_frame *f)
{
	struct bm_segment s;

	if (bm_decode(r->decoder, f, &s))
		r->stopped = !r->each(r->ctx, &s);
}

static void
walk_part(struct reading *r, const struct kept *k, size_t from, size_t to)
{
	while (from < to && !r->stopped) {
		struct bm_frame f;
		memcpy(&f, k->bytes + from, sizeof f);
		f.data.p = k->bytes + from + sizeof f;
		one(r, &f);
		from += room_of(f.data.n);
	}
}

static void
walk_kept(struct reading *r, const struct kept *k)
{
	if (k->wrapped)
		walk_part(r, k, k->tail, k->end);
	walk_part(r, k, k->wrapped ? 0 : k->tail, k->head);
}

static bool
walk_memory(struct reading *r, struct bm_view bytes, uint64_t *frames)
{
	struct bm_capture *c;
	struct bm_capture_item item;
	uint64_t base = *frames;

	if (bm_capture_open_memory(&c, bytes, NULL) != BM_OK)
		return false;
	while (!r->stopped && bm_capture_next(c, &item, NULL) == BM_OK) {
		if (item.event != BM_CAPTURE_FRAME)
			continue;
		item.frame.number += base;
		*frames = item.frame.number;
		one(r, &item.frame);
	}
	bm_capture_free(c);
	return true;
}

bool
again_walk(void *ctx, bool (*each)(void *each_ctx, const struct bm_segment *s), void *each_ctx)
{
	struct again *a = ctx;
	struct reading r = {.each = each, .ctx = each_ctx};
	uint64_t frames = 0;
	bool whole = true, kept = false;

	if (bm_decoder_new(&r.decoder, a->fragment_memory) != BM_OK)
		return false;
	for (size_t i = 0; i < a->inputs->n && !r.stopped; i++) {
		const struct input *in = &a->inputs->item[i];
		if (in->site != a->site)
			continue;
		if (in->read == NULL && in->piece != NULL && in->piece->before == UINT64_MAX) {
			/* Behind one that is still being read no number is known. */
			whole = false;
			continue;
		}
		if (in->read == NULL) {
			/* Of one that has not been read yet the number follows from those before it. */
			if (frames < in->packets_before)
				frames = in->packets_before;
			whole = walk_memory(&r, in->bytes, &frames) && whole;
			continue;
		}
		if (!kept)
			walk_kept(&r, &a->kept);
		kept = true;
		whole = whole && !a->kept.lost;
	}
	bm_decoder_free(r.decoder);
	return whole;
}
