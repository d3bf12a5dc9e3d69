/* Makes the edits: octets in frames, lengths, sequence and acknowledgement numbers, checksums.
 * Refuses to know what is wrong with a record. */
#include "carve/internal.h"

#include <stdlib.h>

enum { SEQ = 4, ACK = 8, TCP_HEADER = 20, OPTION_END = 0, OPTION_NOP = 1, OPTION_SACK = 5 };

/* A part in hand. */
struct work {
	struct bm_carve *c;
	struct item *item;
	struct part *p;
	uint8_t *payload; /* as captured, payload_n octets */
	struct bm_buf out;
	bool changed;            /* octets of the payload */
	int64_t longer;          /* by so much */
	const struct edit *edit; /* the first that was made */
};

/* Whether what the part has of the edit's octets is what was received; a copy that has others is
 * not touched. */
static bool
has_received(const struct work *w, const struct edit *e, size_t from, size_t n)
{
	size_t skip = (size_t)(w->p->at + (int64_t)from - (int64_t)e->off);

	return n == 0 || e->received.n < skip + n ||
		   memcmp(w->payload + from, e->received.p + skip, n) == 0;
}

static bool
add(struct work *w, const uint8_t *p, size_t n)
{
	if (bm_buf_add(&w->out, bm_view(p, n)) == BM_OK)
		return true;
	w->c->nomem = true;
	return false;
}

static void
made(struct work *w, const struct edit *e)
{
	w->changed = true;
	w->edit = w->edit != NULL ? w->edit : e;
}

/* Octets [*done, ...) of the payload are still to be copied. */
static bool
apply(struct work *w, const struct edit *e, size_t *done)
{
	int64_t start = w->p->at, end = start + w->p->payload_n;
	int64_t off = (int64_t)e->off, to = off + (int64_t)e->n;
	bool holds_start = off >= start && (off < end || (e->at_end && off == end));

	if (e->n == 0 ? !holds_start : to <= start || off >= end)
		return true;
	size_t from = off > start ? (size_t)(off - start) : 0;
	size_t until = to < end ? (size_t)(to - start) : w->p->payload_n;
	until = until > from ? until : from;
	if (from < *done || !has_received(w, e, from, until - from))
		return true;
	made(w, e);
	if (!add(w, w->payload + *done, from - *done))
		return false;
	*done = until;
	if (e->sent.n == e->n) {
		size_t skip = (size_t)(start + (int64_t)from - off);
		return add(w, e->sent.p + skip, until - from);
	}
	/* What was sent goes to the packet in which it starts. */
	return !holds_start || add(w, e->sent.p, e->sent.n);
}

static bool
new_payload(struct work *w)
{
	size_t done = 0;

	for (size_t i = 0; i < w->item->edit_count[w->p->way]; i++)
		if (!apply(w, &w->item->edits[w->p->way][i], &done))
			return false;
	w->longer = (int64_t)w->out.n + (int64_t)(w->p->payload_n - done) - (int64_t)w->p->payload_n;
	return !w->changed || add(w, w->payload + done, w->p->payload_n - done);
}

static void
put_in_place(const struct work *w)
{
	for (size_t k = 0; k < w->p->run_count; k++) {
		const struct run *r = &w->p->runs[k];
		memcpy(w->c->frames[r->frame].bytes + r->off, w->out.p + r->payload_off, r->len);
	}
}

/* Edges of blocks that were received out of order (RFC 2018, section 3). */
static bool
move_sack(const struct work *w, struct bm_view option)
{
	unsigned back = 1 - w->p->way;
	bool any = false;

	for (size_t i = 2; i + 4 <= option.n; i += 4) {
		uint8_t *edge = (uint8_t *)(uintptr_t)(option.p + i);
		uint32_t was = bm_load32(edge);
		int64_t at = w->p->acked + (int32_t)(was - w->p->ack);
		int64_t by = moved(w->item, back, at) - at;
		bm_store32(edge, was + (uint32_t)((uint64_t)by & UINT32_MAX));
		any = any || by != 0;
	}
	return any;
}

static bool
move_options(const struct work *w, uint8_t *header)
{
	bool any = false;

	for (size_t i = TCP_HEADER; i < w->p->header_len && header[i] != OPTION_END;) {
		if (header[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= w->p->header_len || header[i + 1] < 2 || header[i + 1] > w->p->header_len - i)
			break;
		if (header[i] == OPTION_SACK)
			any = move_sack(w, bm_view(header + i, header[i + 1])) || any;
		i += header[i + 1];
	}
	return any;
}

/* Sequence and acknowledgement numbers count octets. */
static bool
move_numbers(const struct work *w)
{
	const struct part *p = w->p;

	if (w->item->talk->transport != BM_TCP || p->header_len < TCP_HEADER)
		return false;
	uint8_t *header = w->c->frames[p->header_frame].bytes + p->header_off;
	int64_t by = moved(w->item, p->way, p->at) - p->at;
	bm_store32(header + SEQ, p->seq + (uint32_t)((uint64_t)by & UINT32_MAX));
	bool any = by != 0;
	if ((p->flags & BM_ACK) != 0) {
		by = moved(w->item, 1 - p->way, p->acked) - p->acked;
		any = move_options(w, header) || any;
		bm_store32(header + ACK, p->ack + (uint32_t)((uint64_t)by & UINT32_MAX));
		any = any || by != 0;
	}
	return any;
}

static void
tell(struct work *w)
{
	struct frame *f = &w->c->frames[w->p->frame];
	const char *what = w->longer == 0  ? "bytes put as they were sent"
					   : w->longer > 0 ? "missing bytes put in"
									   : "bytes that were not sent taken out";

	frame_comment(w->c, f, "badmac: repaired (%s): %s%s",
		w->item->found->failures[w->edit->failure].cause, what,
		w->longer != 0 ? "; lengths and checksums made right, later numbers moved"
					   : "; checksum made right");
}

static void
rewrite(struct work *w)
{
	struct part *p = w->p;
	bool empty = w->changed && p->payload_n != 0 && w->out.n == 0;

	if (w->changed && w->longer == 0)
		put_in_place(w);
	else if (w->changed && !lengthen(w->c, p, bm_buf_view(&w->out)))
		return; /* cannot be: it was asked before */
	bool numbers = move_numbers(w);
	/* One that was wrong for another reason stays wrong, as does one that was yet to be made. */
	if (w->changed || (numbers && p->checksum == BM_CHECKSUM_VALID))
		if (!part_sum(w->c, p, w->longer) && w->changed)
			frame_comment(w->c, &w->c->frames[p->frame],
				"badmac: not all of this packet was captured, so its checksum stays as it was");
	if (empty && (p->flags & (BM_SYN | BM_FIN | BM_RST)) == 0) {
		w->c->frames[p->frame].taken_out = true;
		w->item->taken_out++;
	} else if (w->changed) {
		tell(w);
	}
}

static enum bm_status
repair_part(struct bm_carve *c, struct item *item, struct part *p)
{
	struct work w = {.c = c, .item = item, .p = p, .out = {.max = 1 << 24}};

	w.payload = malloc(p->payload_n + (size_t)1);
	if (w.payload == NULL)
		return BM_NOMEM;
	/* What of a datagram's fragments was not captured cannot be changed either. */
	bool ok = part_octets(c, p, 0, p->payload_n, w.payload) && new_payload(&w);
	if (ok)
		rewrite(&w);
	bm_buf_clear(&w.out);
	free(w.payload);
	return c->nomem ? BM_NOMEM : BM_OK;
}

enum bm_status
make_repairs(struct bm_carve *c)
{
	enum bm_status st = BM_OK;

	for (size_t i = 0; i < c->item_count; i++) {
		struct item *item = &c->items[i];
		if (!item->in_capture || item->edit_count[0] + item->edit_count[1] == 0)
			continue;
		for (size_t k = 0; st == BM_OK && k < item->talk->n; k++)
			if (item->talk->parts[k].connection == i + 1)
				st = repair_part(c, item, &item->talk->parts[k]);
	}
	return st;
}
