/* Reads captures: keeps every frame between ends that are wanted, and what it carries of TCP or
 * UDP. Refuses to know connections. */
#include "carve/internal.h"

#include <stdlib.h>

enum {
	FRAGMENT_MEMORY = 16 << 20,
	WAITING_MOST = 8192, /* fragments whose ends are not known yet */
	FRAMES_MOST = 1 << 26,
	PARTS_MOST = 1 << 26,
	INTERFACES_MOST = 65536, /* of a section */
	KINDS_MOST = 4096,       /* of them that differ */
	TEXT_MOST = 1024         /* of what an interface is called */
};

/* A fragment that waits for those that complete it, in a ring. */
struct waiting {
	uint64_t number; /* 0: none */
	struct frame frame;
};

struct reading {
	struct bm_carve *c;
	struct bm_decoder *decoder;
	uint32_t site;
	uint64_t before; /* frames of earlier pieces of the site */
	/* The interfaces of the section, by index: which of those written each is. */
	uint32_t *interfaces;
	size_t interface_count, interface_cap;
	struct waiting *waiting;
	size_t waiting_next;
	enum bm_status status;
};

static struct bm_view
keep_text(struct bm_carve *c, struct bm_view v)
{
	v.n = v.n < TEXT_MOST ? v.n : TEXT_MOST;
	return bm_view(bm_arena_copy(&c->arena, v), v.n);
}

static bool
same_interface(const struct bm_interface_info *a, const struct bm_interface_info *b)
{
	return a->link_type == b->link_type && a->snap_len == b->snap_len &&
		   a->ts_resolution == b->ts_resolution && a->ts_offset_s == b->ts_offset_s &&
		   bm_view_equal(a->name, b->name) && bm_view_equal(a->description, b->description) &&
		   bm_view_equal(a->os, b->os) && bm_view_equal(a->hardware, b->hardware);
}

static enum bm_status
note_interface(struct reading *r, const struct bm_interface_info *info)
{
	struct bm_carve *c = r->c;
	struct bm_interface_info i = *info;
	size_t k = 0;

	i.name = keep_text(c, info->name);
	i.description = keep_text(c, info->description);
	i.os = keep_text(c, info->os);
	i.hardware = keep_text(c, info->hardware);
	if (i.name.p == NULL || i.description.p == NULL || i.os.p == NULL || i.hardware.p == NULL)
		return BM_NOMEM;
	while (k < c->interface_count && !same_interface(&c->interfaces[k], &i))
		k++;
	void *items = c->interfaces;
	enum bm_status st =
		bm_grow(&items, &c->interface_cap, k + 1, KINDS_MOST, sizeof *c->interfaces);
	c->interfaces = items;
	if (st != BM_OK)
		return st;
	if (k == c->interface_count)
		c->interfaces[c->interface_count++] = i;
	items = r->interfaces;
	st = bm_grow(
		&items, &r->interface_cap, info->index + (size_t)1, INTERFACES_MOST, sizeof *r->interfaces);
	r->interfaces = items;
	if (st != BM_OK)
		return st;
	r->interfaces[info->index] = (uint32_t)k;
	r->interface_count = info->index + (size_t)1;
	return BM_OK;
}

static void
tell_interface(void *ctx, const struct bm_interface_info *info)
{
	struct reading *r = ctx;

	if (r->status == BM_OK)
		r->status = note_interface(r, info);
}

static enum bm_status
copy_frame(struct reading *r, const struct bm_frame *f, struct frame *out)
{
	struct bm_carve *c = r->c;

	if (c->held + f->data.n > BM_CARVE_MOST)
		return BM_LIMIT;
	*out = (struct frame){.bytes = malloc(f->data.n + 1),
		.n = f->data.n,
		.wire_len = f->wire_len,
		.link_type = f->link_type,
		.interface = f->interface < r->interface_count ? r->interfaces[f->interface] : 0,
		.site = r->site,
		.number = f->number,
		.units = f->units,
		.ts_ns = f->ts_ns,
		.direction = f->direction,
		.stale_alert = f->stale_alert};
	if (out->bytes == NULL)
		return BM_NOMEM;
	if (f->data.n != 0)
		memcpy(out->bytes, f->data.p, f->data.n);
	c->held += f->data.n;
	return BM_OK;
}

/* *out: its index. The frame is the carving's from then on. */
static enum bm_status
add_frame(struct bm_carve *c, const struct frame *f, size_t *out)
{
	void *items = c->frames;
	enum bm_status st =
		bm_grow(&items, &c->frame_cap, c->frame_count + 1, FRAMES_MOST, sizeof *c->frames);

	c->frames = items;
	if (st != BM_OK)
		return st;
	*out = c->frame_count;
	c->frames[c->frame_count++] = *f;
	return BM_OK;
}

static enum bm_status
wait_for_rest(struct reading *r, const struct bm_frame *f)
{
	struct waiting *w = &r->waiting[r->waiting_next++ % WAITING_MOST];

	if (w->number != 0) {
		r->c->held -= w->frame.n;
		free(w->frame.bytes);
	}
	w->number = 0;
	enum bm_status st = copy_frame(r, f, &w->frame);
	if (st == BM_OK)
		w->number = f->number;
	return st;
}

/* The frame of a piece: one that waited, or was taken from there before, or the one in hand. */
static bool
frame_of_piece(struct reading *r, uint64_t number, size_t here, uint64_t here_number, size_t *out)
{
	struct bm_carve *c = r->c;

	*out = here;
	if (number == here_number)
		return true;
	for (size_t i = 0; i < WAITING_MOST; i++) {
		struct waiting *w = &r->waiting[i];
		if (w->number != number)
			continue;
		r->status = add_frame(c, &w->frame, out);
		w->number = r->status == BM_OK ? 0 : w->number;
		return r->status == BM_OK;
	}
	for (size_t i = c->frame_count; i-- > 0 && c->frame_count - i < WAITING_MOST;)
		if (c->frames[i].site == r->site && c->frames[i].number == number) {
			*out = i;
			return true;
		}
	return false;
}

static void
find_header(
	const struct bm_carve *c, const struct bm_segment *s, const uint8_t *frame, struct part *p)
{
	const struct frame *here = &c->frames[p->frame];
	struct bm_view h = s->transport_header;
	uintptr_t at = (uintptr_t)h.p, start = (uintptr_t)frame;

	p->header_frame = p->frame;
	if (at >= start && at - start <= here->n && h.n <= here->n - (at - start)) {
		p->header_off = (uint32_t)(at - start);
		p->header_len = (uint32_t)h.n;
	} else if (p->run_count != 0 && p->runs[0].payload_off == 0 && p->runs[0].off >= h.n) {
		/* Put together of fragments: it stands in front of the payload in the first. */
		const struct frame *f = &c->frames[p->runs[0].frame];
		uint32_t off = p->runs[0].off - (uint32_t)h.n;
		if (bm_view_equal(bm_view(f->bytes + off, h.n), h)) {
			p->header_frame = p->runs[0].frame;
			p->header_off = off;
			p->header_len = (uint32_t)h.n;
		}
	}
}

static enum bm_status
note_runs(struct reading *r, const struct bm_segment *s, uint64_t here, struct part *p)
{
	p->runs = calloc(s->piece_count + 1, sizeof *p->runs);
	if (p->runs == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < s->piece_count; i++) {
		const struct bm_piece *from = &s->pieces[i];
		struct run *run = &p->runs[p->run_count];
		if (from->len == 0 || !frame_of_piece(r, from->packet, p->frame, here, &run->frame))
			continue;
		const struct frame *f = &r->c->frames[run->frame];
		if (from->packet_off > f->n || from->len > f->n - from->packet_off)
			continue;
		run->off = from->packet_off;
		run->payload_off = from->payload_off;
		run->len = from->len;
		p->run_count++;
	}
	return r->status;
}

static enum bm_status
add_part(struct reading *r, struct talk *t, unsigned way, const struct bm_segment *s,
	const struct bm_frame *f)
{
	struct frame frame;
	struct part p = {.way = way,
		.seq = s->seq,
		.ack = s->ack,
		.flags = s->flags,
		.checksum = s->checksum,
		.pseudo_sum = s->pseudo_sum,
		.payload_n = (uint32_t)s->payload.n,
		.payload_len = s->payload_len};
	enum bm_status st = copy_frame(r, f, &frame);

	if (st == BM_OK)
		st = add_frame(r->c, &frame, &p.frame);
	if (st != BM_OK) {
		free(frame.bytes);
		return st;
	}
	void *items = t->parts;
	st = bm_grow(&items, &t->cap, t->n + 1, PARTS_MOST, sizeof *t->parts);
	t->parts = items;
	if (st == BM_OK)
		st = note_runs(r, s, f->number, &p);
	if (st != BM_OK) {
		free(p.runs);
		return st;
	}
	find_header(r->c, s, f->data.p, &p);
	t->parts[t->n++] = p;
	return BM_OK;
}

static enum bm_status
take_frame(struct reading *r, struct bm_frame *f)
{
	const struct bm_decoder_stats *stats = bm_decoder_stats(r->decoder);
	uint64_t fragments = stats->fragments;
	struct bm_segment s;
	unsigned way;

	f->number += r->before;
	if (!bm_decode(r->decoder, f, &s))
		return stats->fragments != fragments ? wait_for_rest(r, f) : BM_OK;
	struct talk *t = find_talk(r->c, r->site, s.transport, &s.src, &s.dst, &way);
	return t != NULL ? add_part(r, t, way, &s, f) : BM_OK;
}

static enum bm_status
read_items(struct reading *r, struct bm_capture *capture, uint64_t *frames, struct bm_error *e)
{
	struct bm_capture_item item;

	for (;;) {
		enum bm_status st = bm_capture_next(capture, &item, e);
		if (st != BM_OK)
			return st;
		if (item.event == BM_CAPTURE_SECRETS) {
			st = bm_keyring_add_key_log(
				r->c->keys, item.secrets.key_log, BM_SOURCE_SECRETS_BLOCK, NULL);
		} else {
			*frames = item.frame.number;
			st = r->status == BM_OK ? take_frame(r, &item.frame) : r->status;
		}
		if (st != BM_OK)
			return bm_fail(e, st, item.frame.offset,
				st == BM_LIMIT
					? "the connections take more than 1 GiB, or there are too many interfaces"
					: bm_status_text(st));
	}
}

/* The numbers of pieces of one capture run on. */
static uint64_t
frames_before(const struct inputs *in, size_t which)
{
	uint64_t n = 0;

	for (size_t i = 0; i < which; i++)
		if (in->item[i].site == in->item[which].site)
			n += in->item[i].packets_before; /* here: its own */
	return n;
}

static enum bm_status
read_input(struct reading *r, size_t which, struct bm_error *e)
{
	struct input *in = &r->c->inputs.item[which];
	struct bm_capture *capture;
	enum bm_status st = in->read != NULL ? bm_capture_open_stream(&capture, in->read, in->ctx, e)
										 : bm_capture_open_memory(&capture, in->bytes, e);

	if (st != BM_OK)
		return st;
	r->site = in->site;
	r->before = frames_before(&r->c->inputs, which);
	r->interface_count = 0;
	bm_capture_tell_interfaces(capture, tell_interface, r);
	st = read_items(r, capture, &in->packets_before, e);
	bm_capture_free(capture);
	if (st == BM_TRUNCATED)
		carve_say(r->c, false, "%s: ends in the middle of a packet", in->name);
	return st == BM_END || st == BM_TRUNCATED ? BM_OK : st;
}

static void
clear(struct reading *r)
{
	for (size_t i = 0; r->waiting != NULL && i < WAITING_MOST; i++)
		if (r->waiting[i].number != 0) {
			r->c->held -= r->waiting[i].frame.n;
			free(r->waiting[i].frame.bytes);
		}
	free(r->waiting);
	free(r->interfaces);
	bm_decoder_free(r->decoder);
}

struct place {
	uint32_t site;
	uint64_t number;
	size_t frame;
};

static int
by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Fragments were taken when they were found to be of use. */
static enum bm_status
put_in_order(struct bm_carve *c)
{
	struct place *places = calloc(c->frame_count + 1, sizeof *places);

	c->order = calloc(c->frame_count + 1, sizeof *c->order);
	if (places == NULL || c->order == NULL) {
		free(places);
		return BM_NOMEM;
	}
	for (size_t i = 0; i < c->frame_count; i++)
		places[i] = (struct place){c->frames[i].site, c->frames[i].number, i};
	qsort(places, c->frame_count, sizeof *places, by_place);
	for (size_t i = 0; i < c->frame_count; i++)
		c->order[i] = places[i].frame;
	free(places);
	return BM_OK;
}

enum bm_status
collect(struct bm_carve *c, struct bm_error *e, const char **input)
{
	struct reading r = {.c = c, .waiting = calloc(WAITING_MOST, sizeof *r.waiting)};
	enum bm_status st = r.waiting != NULL ? bm_decoder_new(&r.decoder, FRAGMENT_MEMORY) : BM_NOMEM;

	for (size_t i = 0; i < c->item_count; i++)
		find_ends(c, &c->items[i]);
	if (st != BM_OK || c->nomem) {
		clear(&r);
		return bm_fail(e, BM_NOMEM, 0, bm_status_text(BM_NOMEM));
	}
	for (size_t i = 0; st == BM_OK && i < c->inputs.n; i++) {
		*input = c->inputs.item[i].name;
		st = read_input(&r, i, e);
	}
	clear(&r);
	if (st != BM_OK)
		return st;
	*input = NULL;
	st = put_in_order(c);
	return st == BM_OK ? st : bm_fail(e, st, 0, bm_status_text(st));
}
