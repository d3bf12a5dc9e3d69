/* Which parts belong to which connection of the report, and where in its streams they stand.
 * Refuses to know what the streams carry. */
#include "carve/internal.h"

enum { RUNS_TRIED = 3 };

/* Parts between the same ends, one after another, that are of one flow. */
struct flow {
	size_t from, to; /* in the talk's parts */
	uint64_t first_ns, last_ns;
};

static const struct frame *
frame_at(const struct bm_carve *c, const struct part *p)
{
	return &c->frames[p->frame];
}

static bool
opens(const struct part *p)
{
	return (p->flags & (BM_SYN | BM_ACK)) == BM_SYN;
}

/* From a SYN with a new number on it is another connection; of UDP there is one flow. */
static struct flow
next_flow(const struct bm_carve *c, const struct talk *t, size_t from)
{
	struct flow f = {.from = from, .to = from};
	bool has_start = false;
	uint32_t start = 0;

	for (; f.to < t->n; f.to++) {
		const struct part *p = &t->parts[f.to];
		uint64_t ns = frame_at(c, p)->ts_ns;
		if (t->transport == BM_TCP && opens(p)) {
			if (f.to != from && (!has_start || p->seq != start))
				break;
			has_start = true;
			start = p->seq;
		}
		f.first_ns = f.to == from || ns < f.first_ns ? ns : f.first_ns;
		f.last_ns = f.to == from || ns > f.last_ns ? ns : f.last_ns;
	}
	return f;
}

/* The parts of a talk stand in the order of their packets. */
static bool
holds_packet(const struct bm_carve *c, const struct talk *t, const struct flow *f, uint64_t packet)
{
	size_t low = f->from, high = f->to;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t number = frame_at(c, &t->parts[middle])->number;
		if (number == packet)
			return true;
		if (number < packet)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* How many of the packets that the report names it has; a few are enough. */
static unsigned
packets_named(const struct bm_carve *c, const struct item *item, const struct flow *f)
{
	const struct bm_found_connection *found = item->found;
	unsigned n = 0;

	for (size_t i = 0; i < found->failure_count && i < RUNS_TRIED; i++)
		for (size_t k = 0; k < found->failures[i].packet_count && k < RUNS_TRIED; k++)
			n += holds_packet(c, item->talk, f, found->failures[i].packets[k]);
	for (size_t i = 0; i < found->alert_count && i < RUNS_TRIED; i++)
		n += found->alerts[i].packet != BM_FOUND_UNKNOWN &&
			 holds_packet(c, item->talk, f, found->alerts[i].packet);
	return n;
}

static bool
overlaps(const struct flow *f, uint64_t first, uint64_t last)
{
	return f->first_ns <= last && f->last_ns >= first;
}

/* Of ports that were used again, the flow at the time of the report; where there are no times, the
 * one that has the packets that it names. */
static bool
choose_flow(const struct bm_carve *c, const struct item *item, struct flow *best)
{
	uint64_t first = 0, last = UINT64_MAX;
	bool timed = item->found->first_time != NULL && item->found->last_time != NULL &&
				 date_ns(item->found->first_time, &first) && date_ns(item->found->last_time, &last);
	unsigned best_named = 0, found = 0;

	for (size_t at = 0; at < item->talk->n;) {
		struct flow f = next_flow(c, item->talk, at);
		at = f.to;
		if (timed && !overlaps(&f, first, last))
			continue;
		unsigned named = packets_named(c, item, &f);
		if (found++ == 0 || named > best_named) {
			*best = f;
			best_named = named;
		}
	}
	return found != 0;
}

/* Datagrams of one flow may be of several connections, one after another. */
static bool
in_time(const struct bm_carve *c, const struct item *item, const struct part *p)
{
	uint64_t first, last, ns = frame_at(c, p)->ts_ns;

	return item->talk->transport == BM_TCP || item->found->first_time == NULL ||
		   item->found->last_time == NULL || !date_ns(item->found->first_time, &first) ||
		   !date_ns(item->found->last_time, &last) || (ns >= first && ns <= last);
}

static void
want_frame(struct bm_carve *c, const struct item *item, const struct part *p, size_t which)
{
	struct frame *f = &c->frames[which];

	f->wanted = true;
	f->connection = (size_t)(item - c->items) + 1;
	f->part = (size_t)(p - item->talk->parts);
}

static void
want_frames(struct bm_carve *c, const struct item *item, const struct part *p)
{
	want_frame(c, item, p, p->frame);
	want_frame(c, item, p, p->header_frame);
	for (size_t i = 0; i < p->run_count; i++)
		want_frame(c, item, p, p->runs[i].frame);
}

static bool
is_of(const struct bm_carve *c, const struct item *item, const struct part *p)
{
	return p->connection == (size_t)(item - c->items) + 1;
}

/* Stream offset 0: behind the SYN. Without one, what the report says of a damaged octet tells it;
 * else it is where the first segment starts. */
static void
find_base(struct bm_carve *c, struct item *item, unsigned way)
{
	const struct talk *t = item->talk;
	const struct part *earliest = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->parts[i];
		if (!is_of(c, item, p) || p->way != way)
			continue;
		if ((p->flags & BM_SYN) != 0) {
			item->base[way] = p->seq + 1;
			item->has_base[way] = true;
			return;
		}
		if (earliest == NULL || (int32_t)(p->seq - earliest->seq) < 0)
			earliest = p;
	}
	for (size_t i = 0; i < item->found->failure_count; i++) {
		const struct bm_found_failure *f = &item->found->failures[i];
		for (size_t k = 0; k < f->damage_count && (unsigned)f->direction == way; k++) {
			const struct bm_found_damage *d = &f->damage[k];
			uint32_t off;
			const struct part *p = part_at(c, item, d->packet, d->packet_offset, &off);
			if (p == NULL || p->way != way || d->stream_offset == BM_FOUND_UNKNOWN)
				continue;
			item->base[way] = p->seq + off - (uint32_t)(d->stream_offset & UINT32_MAX);
			item->has_base[way] = true;
			return;
		}
	}
	item->has_base[way] = earliest != NULL;
	item->base[way] = earliest != NULL ? earliest->seq : 0;
}

/* The offset next to `near` that has this number. */
static int64_t
unwrap(uint32_t number, uint32_t base, int64_t near)
{
	return near + (int32_t)(number - (base + (uint32_t)((uint64_t)near & UINT32_MAX)));
}

static void
place_segments(struct bm_carve *c, struct item *item)
{
	int64_t near[2] = {0, 0};

	for (size_t i = 0; i < item->talk->n; i++) {
		struct part *p = &item->talk->parts[i];
		if (!is_of(c, item, p))
			continue;
		unsigned way = p->way, back = 1 - p->way;
		p->at = unwrap(p->seq, item->base[way], near[way]);
		near[way] = p->at;
		p->acked = (p->flags & BM_ACK) != 0 ? unwrap(p->ack, item->base[back], near[back]) : -1;
	}
}

static void
place_datagrams(struct bm_carve *c, struct item *item)
{
	int64_t at[2] = {0, 0};

	for (size_t i = 0; i < item->talk->n; i++) {
		struct part *p = &item->talk->parts[i];
		if (!is_of(c, item, p))
			continue;
		p->at = at[p->way];
		at[p->way] += p->payload_len;
	}
}

static void
take_parts(struct bm_carve *c, struct item *item)
{
	struct flow f;

	if (!choose_flow(c, item, &f))
		return;
	for (size_t i = f.from; i < f.to; i++) {
		struct part *p = &item->talk->parts[i];
		if (p->connection != 0 || !in_time(c, item, p))
			continue;
		p->connection = (size_t)(item - c->items) + 1;
		want_frames(c, item, p);
		item->packets++;
	}
	item->in_capture = item->packets != 0;
}

void
find_flows(struct bm_carve *c)
{
	for (size_t k = 0; k < c->item_count; k++) {
		struct item *item = &c->items[k];
		if (item->talk == NULL)
			continue;
		take_parts(c, item);
		if (!item->in_capture) {
			carve_say(c, true, "connection %llu (%s -> %s) is not in the capture",
				(unsigned long long)item->found->id, item->found->client, item->found->server);
			continue;
		}
		if (item->talk->transport == BM_TCP) {
			find_base(c, item, BM_FOUND_CLIENT_TO_SERVER);
			find_base(c, item, BM_FOUND_SERVER_TO_CLIENT);
			place_segments(c, item);
		} else {
			place_datagrams(c, item);
		}
	}
}

struct frame *
frame_of(struct bm_carve *c, const struct item *item, uint64_t packet)
{
	size_t low = 0, high = c->frame_count;

	if (!item->in_capture)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct frame *f = &c->frames[c->order[middle]];
		if (f->site == item->talk->site && f->number == packet)
			return f->connection == (size_t)(item - c->items) + 1 ? f : NULL;
		if (f->site < item->talk->site || (f->site == item->talk->site && f->number < packet))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct part *
part_at(struct bm_carve *c, const struct item *item, uint64_t packet, uint64_t packet_off,
	uint32_t *off)
{
	const struct frame *f = frame_of(c, item, packet);

	if (f == NULL)
		return NULL;
	struct part *p = &item->talk->parts[f->part];
	for (size_t k = 0; k < p->run_count; k++) {
		const struct run *r = &p->runs[k];
		/* Missing octets may have stood behind the last one. */
		if (&c->frames[r->frame] != f || packet_off < r->off ||
			packet_off > (uint64_t)r->off + r->len)
			continue;
		*off = (uint32_t)(packet_off - r->off) + r->payload_off;
		return p;
	}
	return NULL;
}
