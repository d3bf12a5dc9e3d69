/* From failures to edits: which octets of which direction become which others, so that the records
 * are those that were sent. An edit that the captures do not bear out is not made, and it is said
 * why. Refuses to change a frame. */
#include "carve/internal.h"

#include <stdlib.h>

enum { HEADER = 5, RECORD_MOST = HEADER + 65535, EDITS_MOST = 1024 };

/* One failure in hand. */
struct plan {
	struct bm_carve *c;
	struct item *item;
	size_t which;
	const struct bm_found_failure *x;
	unsigned way;
};

static bool
cannot(struct plan *p, const char *why)
{
	carve_say(p->c, true, "connection %llu, failure %zu (%s) is not repaired: %s",
		(unsigned long long)p->item->found->id, p->which, p->x->cause, why);
	struct frame *f = p->x->packet_count != 0 ? frame_of(p->c, p->item, p->x->packets[0]) : NULL;
	if (f != NULL)
		frame_comment(p->c, f, "badmac: not repaired: %s", why);
	p->item->left[p->which] = true;
	return false;
}

static bool
overlap(const struct edit *a, const struct edit *b)
{
	return a->off < b->off + b->n + (b->n == 0) && b->off < a->off + a->n + (a->n == 0);
}

static bool
is_of(const struct plan *p, const struct part *part)
{
	return part->connection == (size_t)(p->item - p->c->items) + 1 && part->way == p->way;
}

/* Every copy of what becomes longer or shorter has to be in a frame that can. Missing octets go
 * where an octet follows them; behind the last one, to its end. */
static bool
can_be_made(struct plan *p, struct edit *e)
{
	int64_t off = (int64_t)e->off, end = off + (int64_t)e->n;
	int64_t longer = (int64_t)e->sent.n - (int64_t)e->n;
	bool met = false, ends_there = false;

	for (size_t i = 0; i < p->item->talk->n; i++) {
		const struct part *part = &p->item->talk->parts[i];
		if (!is_of(p, part) || part->payload_len == 0)
			continue;
		int64_t from = part->at, to = from + part->payload_len;
		bool inside = e->n != 0 ? from < end && to > off : from <= off && to > off;
		ends_there = ends_there || to == off;
		met = met || inside;
		if (inside && longer != 0 && !can_lengthen(p->c, part, longer))
			return cannot(p, "a packet that would have to become longer or shorter is in "
							 "fragments, cut, merged to full size, or in a tunnel");
	}
	e->at_end = e->n == 0 && !met && ends_there;
	return met || e->at_end || cannot(p, "its bytes are not in the capture");
}

static int
by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static bool
add(struct plan *p, struct edit e)
{
	struct item *item = p->item;
	size_t *n = &item->edit_count[p->way];

	e.failure = p->which;
	if (e.off > INT64_MAX / 2 || e.n > RECORD_MOST || e.sent.n > RECORD_MOST)
		return cannot(p, "the report names more bytes than a record has");
	for (size_t i = 0; i < *n; i++)
		if (overlap(&item->edits[p->way][i], &e))
			return cannot(p, "another repair is about the same bytes");
	if (!can_be_made(p, &e))
		return false;
	void *items = item->edits[p->way];
	enum bm_status st =
		bm_grow(&items, &item->edit_cap[p->way], *n + 1, EDITS_MOST, sizeof(struct edit));
	item->edits[p->way] = items;
	if (st != BM_OK)
		return st == BM_NOMEM ? !(p->c->nomem = true) : cannot(p, "too many repairs");
	item->edits[p->way][(*n)++] = e;
	qsort(item->edits[p->way], *n, sizeof e, by_offset);
	return true;
}

/* Of a stream; of datagrams, which are counted as if they were one. */
static bool
offset_of(struct plan *p, const struct bm_found_damage *d, uint64_t *off)
{
	uint32_t in_payload;

	if (d->stream_offset != BM_FOUND_UNKNOWN && p->item->talk->transport == BM_TCP) {
		*off = d->stream_offset;
		return true;
	}
	if (d->packet == BM_FOUND_UNKNOWN || d->packet_offset == BM_FOUND_UNKNOWN)
		return false;
	const struct part *part = part_at(p->c, p->item, d->packet, d->packet_offset, &in_payload);
	if (part == NULL || part->way != p->way || part->at < 0)
		return false;
	*off = (uint64_t)part->at + in_payload;
	return true;
}

/* Does any copy have what was received? Damaged copies fail their checksum at times. */
static bool
was_received(const struct plan *p, uint64_t off, struct bm_view received)
{
	uint8_t *have = received.n != 0 ? malloc(received.n) : NULL;
	bool found = received.n == 0;

	if (have != NULL && stream_octets(p->c, p->item, p->way, off, received.n, have))
		found = memcmp(have, received.p, received.n) == 0;
	for (size_t i = 0; have != NULL && !found && i < p->item->talk->n; i++) {
		const struct part *part = &p->item->talk->parts[i];
		if (!is_of(p, part) || (int64_t)off < part->at ||
			(uint64_t)((int64_t)off - part->at) > part->payload_n)
			continue;
		uint32_t skip = (uint32_t)((int64_t)off - part->at);
		found = received.n <= part->payload_n - skip &&
				part_octets(p->c, part, skip, received.n, have) &&
				memcmp(have, received.p, received.n) == 0;
	}
	free(have);
	return found;
}

static bool
put_back(struct plan *p, const struct bm_found_damage *d)
{
	uint64_t off;

	if (!d->sent_known)
		return cannot(p, "what was sent is not known");
	if (!d->received_known)
		return cannot(p, "the report does not tell what was received");
	if (!offset_of(p, d, &off))
		return cannot(p, "the report does not tell where the bytes stand");
	if (d->received.n > RECORD_MOST || off > INT64_MAX / 2 || !was_received(p, off, d->received))
		return cannot(p, "the capture does not have there what the report says was received");
	return add(
		p, (struct edit){.off = off, .n = d->length, .received = d->received, .sent = d->sent});
}

/* Of a failure, what was planned so far. */
static void
drop_edits(struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->item->edit_count[p->way]; i++)
		if (p->item->edits[p->way][i].failure != p->which)
			p->item->edits[p->way][n++] = p->item->edits[p->way][i];
	p->item->edit_count[p->way] = n;
}

/* Whoever sent the record once did not send it twice: where a good copy follows, what came damaged
 * goes away. */
static bool
leave_good_copy(struct plan *p)
{
	struct bm_view was;

	if (p->x->stream_offset == BM_FOUND_UNKNOWN || p->x->stream_offset > INT64_MAX / 2 ||
		p->item->talk->transport != BM_TCP ||
		!stands_twice(p->c, p->item, p->way, p->which, p->x->stream_offset, &was))
		return true;
	drop_edits(p);
	p->item->twice[p->which] = true;
	return add(p, (struct edit){.off = p->x->stream_offset, .n = was.n, .received = was});
}

static bool
put_all_back(struct plan *p)
{
	bool all = p->x->damage_count != 0 || cannot(p, "the report does not tell which bytes differ");

	/* One that cannot be put back speaks for all: half of a repair opens nothing. */
	for (size_t k = 0; all && k < p->x->damage_count; k++)
		all = put_back(p, &p->x->damage[k]);
	return all && leave_good_copy(p);
}

/* Octets of a stream, kept; empty if they were not captured. */
static struct bm_view
octets(struct plan *p, uint64_t off, uint64_t n)
{
	uint8_t *out = n != 0 && n <= 2 * RECORD_MOST ? bm_arena_take(&p->c->arena, n, 1) : NULL;

	if (out == NULL || !stream_octets(p->c, p->item, p->way, off, n, out))
		return bm_view(NULL, 0);
	return bm_view(out, n);
}

/* The record whose header stands there; empty if not all of it was captured. */
static struct bm_view
record_at(struct plan *p, uint64_t off)
{
	struct bm_view header = octets(p, off, HEADER);

	return header.n != 0 ? octets(p, off, HEADER + (uint64_t)bm_load16(header.p + 3)) : header;
}

static bool
its_record(struct plan *p, struct bm_view *record)
{
	if (p->item->talk->transport != BM_TCP)
		return cannot(p, "records of datagrams are not moved or taken out");
	if (p->x->stream_offset == BM_FOUND_UNKNOWN || p->x->length == BM_FOUND_UNKNOWN)
		return cannot(p, "the report does not tell which record it is");
	*record = record_at(p, p->x->stream_offset);
	if (record->n == 0)
		return cannot(p, "not all of the record was captured");
	return record->n == p->x->length ||
		   cannot(p, "the capture has another record there than the report says");
}

static bool
take_out_record(struct plan *p)
{
	struct bm_view record;

	return its_record(p, &record) &&
		   add(p, (struct edit){.off = p->x->stream_offset, .n = record.n, .received = record});
}

/* What was captured there, with its first part behind the rest. */
static bool
move_behind(struct plan *p, uint64_t off, size_t first, size_t rest)
{
	struct bm_view was = octets(p, off, (uint64_t)first + rest);
	uint8_t *is = was.n != 0 ? bm_arena_take(&p->c->arena, was.n, 1) : NULL;

	if (is == NULL)
		return cannot(p, "not all of the bytes around it were captured");
	memcpy(is, was.p + first, rest);
	memcpy(is + rest, was.p, first);
	return add(
		p, (struct edit){.off = off, .n = was.n, .received = was, .sent = bm_view(is, was.n)});
}

/* It came before the record that was due: that one follows. */
static bool
put_in_order(struct plan *p)
{
	struct bm_view record;

	if (!its_record(p, &record))
		return false;
	struct bm_view next = record_at(p, p->x->stream_offset + record.n);
	if (next.n == 0)
		return cannot(p, "the record that it changed places with was not captured whole");
	return move_behind(p, p->x->stream_offset, record.n, next.n);
}

/* The foreign run within the record is the start of the next, or all of it. */
static bool
part_records(struct plan *p)
{
	const struct bm_found_damage *d = p->x->damage;

	if (p->x->damage_count != 1 || !d->sent_known || d->sent.n != 0 ||
		d->stream_offset == BM_FOUND_UNKNOWN || p->x->length == BM_FOUND_UNKNOWN ||
		d->record_offset >= p->x->length || d->length == 0 || d->length > RECORD_MOST ||
		p->x->length > RECORD_MOST || p->item->talk->transport != BM_TCP)
		return cannot(p, "the report does not tell how its bytes are mixed");
	if (!d->received_known || !was_received(p, d->stream_offset, d->received))
		return cannot(p, "the capture does not have there what the report says was received");
	return move_behind(
		p, d->stream_offset, (size_t)d->length, (size_t)(p->x->length - d->record_offset));
}

static bool
leave_alone(struct plan *p)
{
	(void)p;
	return true;
}

static bool
never_came(struct plan *p)
{
	return cannot(p, "the record that is missing is not in the capture");
}

static bool
sender_did_it(struct plan *p)
{
	return cannot(p, "the record was sent as it is: no other bytes would be those that were sent");
}

static bool
keys_do_not_fit(struct plan *p)
{
	return cannot(p, "the keys at hand do not open it, whatever its bytes");
}

static bool
not_captured(struct plan *p)
{
	return cannot(p, "the capture lacks bytes of it");
}

static bool
not_known(struct plan *p)
{
	return cannot(p, "what was sent is not known");
}

static const struct {
	const char *cause;
	bool (*plan)(struct plan *p);
} ways[] = {
	{"record-was-good", leave_alone},
	{"bits-flipped", put_all_back},
	{"bytes-damaged", put_all_back},
	{"words-swapped", put_all_back},
	{"tag-damaged", put_all_back},
	{"header-damaged", put_all_back},
	{"stale-data", put_all_back},
	{"retransmission-differs", put_all_back},
	{"bytes-missing", put_all_back},
	{"bytes-inserted", put_all_back},
	{"plaintext-injected", put_all_back},
	{"record-replayed", take_out_record},
	{"reflected-record", take_out_record},
	{"foreign-record", take_out_record},
	{"records-reordered", put_in_order},
	{"records-interleaved", part_records},
	{"record-missing", never_came},
	{"sequence-reused", sender_did_it},
	{"sender-miscomputed", sender_did_it},
	{"bad-padding", sender_did_it},
	{"mac-construction", sender_did_it},
	{"plaintext-alert", sender_did_it},
	{"wrong-epoch", sender_did_it},
	{"wrong-keys", keys_do_not_fit},
	{"capture-incomplete", not_captured},
};

static void
plan_failure(struct bm_carve *c, struct item *item, size_t which)
{
	const struct bm_found_failure *x = &item->found->failures[which];
	struct plan p = {c, item, which, x, (unsigned)x->direction};
	bool (*plan)(struct plan *) = not_known;

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		if (strcmp(ways[i].cause, x->cause) == 0)
			plan = ways[i].plan;
	if (plan(&p))
		return;
	/* What was planned of it before is not made either. */
	drop_edits(&p);
	item->twice[which] = false;
}

void
plan_repairs(struct bm_carve *c)
{
	for (size_t i = 0; i < c->item_count; i++)
		for (size_t k = 0; c->items[i].in_capture && k < c->items[i].found->failure_count; k++)
			if (c->items[i].wanted[k])
				plan_failure(c, &c->items[i], k);
}
