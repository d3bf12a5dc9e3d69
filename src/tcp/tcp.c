/* Life of the flows: opened by a segment, ended by age, by number, by memory or by the end of
 * input. Refuses to know what a segment means for its connection. */
#include "tcp/internal.h"

#include <stdlib.h>

#define LINGER ((uint64_t)30 * 1000000000)
#define IDLE ((uint64_t)15 * 60 * 1000000000)

enum bm_status
bm_tcp_new(struct bm_tcp **out, const struct bm_tcp_options *o, const struct bm_tcp_events *ev)
{
	struct bm_tcp *t = calloc(1, sizeof *t);

	*out = t;
	if (t == NULL)
		return BM_NOMEM;
	if (o != NULL)
		t->o = *o;
	if (t->o.flow_memory == 0)
		t->o.flow_memory = (size_t)4 << 20;
	if (t->o.total_memory == 0)
		t->o.total_memory = (size_t)512 << 20;
	if (t->o.max_flows == 0)
		t->o.max_flows = 1000000;
	if (t->o.idle_ns == 0)
		t->o.idle_ns = IDLE;
	t->ev = *ev;
	t->free_slot = NO_SLOT;
	t->ending = BM_END_BY_SEGMENT;
	list_init(&t->order);
	list_init(&t->open);
	list_init(&t->closed);
	list_init(&t->holders);
	list_init(&t->debtors);
	return BM_OK;
}

static void
drop_flow(struct bm_flow *f)
{
	stream_free(&f->stream[BM_FORWARD]);
	stream_free(&f->stream[BM_BACKWARD]);
	list_remove(&f->order);
	list_remove(&f->use);
	list_remove(&f->debtor);
	table_remove(f);
}

void
bm_tcp_free(struct bm_tcp *t)
{
	if (t == NULL)
		return;
	while (!list_empty(&t->order))
		drop_flow(FLOW_OF(t->order.next, order));
	table_free(t);
	blocks_free(t);
	free(t->scratch);
	free(t);
}

static void
end_flow(struct bm_flow *f)
{
	struct bm_tcp *t = f->t;
	bool news[2] = {false, false};

	for (unsigned way = 0; way < 2 && !f->ignored; way++) {
		struct bm_stream *s = &f->stream[way];
		/* Without memory for it the rest stays unread, and is told of as dropped. */
		if (flush(s, &news[way]) != BM_OK && s->d != NULL) {
			t->stats.dropped_bytes += s->d->held_bytes;
			s->d->lack.dropped += s->d->held_bytes;
		}
	}
	for (unsigned way = 0; way < 2; way++)
		if (news[way])
			tell_data(&f->stream[way]);
	if (t->ev.on_end != NULL)
		t->ev.on_end(t->ev.ctx, f);
	drop_flow(f);
}

void
bm_tcp_finish(struct bm_tcp *t)
{
	t->ending = BM_END_OF_INPUT;
	while (!list_empty(&t->order))
		end_flow(FLOW_OF(t->order.next, order));
}

struct bm_ending
bm_tcp_ending(const struct bm_tcp *t, const struct bm_flow *f)
{
	struct bm_ending e = {.segment = t->passed, .how = t->ending};

	if (e.how == BM_END_OF_INPUT)
		e.since = f->opened;
	else if (e.how != BM_END_BY_SEGMENT)
		e.since = f->touched;
	return e;
}

static void
expire(struct bm_tcp *t, struct link *list, uint64_t age)
{
	while (!list_empty(list)) {
		struct bm_flow *f = FLOW_OF(list->next, use);
		if (t->now <= f->last || t->now - f->last <= age)
			break;
		end_flow(f);
	}
}

/* Time follows the segments, but one clock that is far off must not end every flow: a leap
 * counts once a second segment confirms it. */
static void
tick(struct bm_tcp *t, uint64_t ts_ns)
{
	uint64_t off = ts_ns > t->now ? ts_ns - t->now : t->now - ts_ns;
	bool leap = t->now != 0 && off > t->o.idle_ns;

	if (leap && !t->leap) {
		t->leap = true;
		return;
	}
	if (ts_ns <= t->now && !leap) {
		t->leap = false;
		return;
	}
	t->now = ts_ns;
	if (t->leap) {
		/* The one before it was of this time too. */
		struct link *lists[2] = {&t->open, &t->closed};
		for (unsigned i = 0; i < 2; i++)
			if (!list_empty(lists[i]))
				FLOW_OF(lists[i]->prev, use)->last = ts_ns;
		t->leap = false;
		t->stats.leaps++;
	}
	t->ending = BM_END_CLOSED;
	expire(t, &t->closed, LINGER);
	t->ending = BM_END_IDLE;
	expire(t, &t->open, t->o.idle_ns);
	t->ending = BM_END_BY_SEGMENT;
}

static struct bm_flow *
open_flow(
	struct bm_tcp *t, uint32_t hash, uint32_t site, const struct bm_segment *g, enum bm_way *way)
{
	while (t->used >= t->o.max_flows) {
		/* Those that are over have nothing to lose. */
		bool over = !list_empty(&t->closed);
		t->stats.crowded++;
		if (!over)
			t->stats.evicted_flows++;
		end_flow(FLOW_OF(over ? t->closed.next : t->open.next, use));
	}
	struct bm_flow *f = table_add(t, hash, site, g, way);
	if (f == NULL)
		return NULL;
	f->id = t->stats.flows++;
	f->opened = f->touched = t->passed;
	f->first_ts = g->ts_ns;
	f->last = t->now;
	f->last_ts = g->ts_ns;
	list_init(&f->holder);
	list_init(&f->debtor);
	list_append(&t->order, &f->order);
	list_append(&t->open, &f->use);
	return f;
}

struct bm_flow *
flow_restart(struct bm_flow *f, const struct bm_segment *g, enum bm_way *way)
{
	struct bm_tcp *t = f->t;
	uint32_t site = f->site, hash = f->hash, next = f->rival_next;
	bool answered = answers_rival(f, *way, g), by_ack = f->rival_ack;
	struct bm_address rival = f->source[f->rival_way], peer = f->source[1 - f->rival_way];
	bool from_rival = *way == f->rival_way;

	end_flow(f);
	f = open_flow(t, hash, site, g, way);
	if (f == NULL || !answered)
		return f;
	/* The SYN that was answered, or the SYN with ACK. */
	enum bm_way rival_way = by_ack ? BM_BACKWARD : BM_FORWARD;
	f->source[rival_way] = rival;
	f->source[1 - rival_way] = peer;
	*way = from_rival ? rival_way : (enum bm_way)(1 - rival_way);
	struct bm_stream *s = &f->stream[rival_way];
	s->zero_seq = next;
	s->has_seq = s->saw_syn = s->settled = true;
	return f;
}

/* Over the cap of all flows together, those give way that have held on longest. */
static enum bm_status
relieve(struct bm_tcp *t)
{
	while (t->memory > t->o.total_memory && !list_empty(&t->holders)) {
		struct bm_flow *f = FLOW_OF(t->holders.next, holder);
		bool spared = drop_spare(&f->stream[BM_FORWARD]);
		if (drop_spare(&f->stream[BM_BACKWARD]) || spared)
			continue;
		for (unsigned way = 0; way < 2; way++) {
			struct bm_stream *s = &f->stream[way];
			bool news = false;
			if (s->d == NULL)
				continue;
			uint64_t dropped = runs_clear(f, &s->d->held);
			t->stats.dropped_bytes += dropped;
			s->d->lack.dropped += dropped;
			s->d->held_bytes = s->d->copy_bytes = 0;
			s->d->stalled = false;
			(void)runs_clear(f, &s->d->copies);
			if (drop_oldest(s, UINT64_MAX, &news) != BM_OK)
				return BM_NOMEM;
			if (news)
				tell_data(s);
		}
		clear_ignored(f);
	}
	return BM_OK;
}

static bool
opens_flow(const struct bm_segment *g)
{
	if (g->transport != BM_TCP || g->payload_len != 0)
		return true;
	/* A reset of something unknown tells nothing; damaged flags still less. */
	return (g->flags & BM_RST) == 0 &&
		   (g->checksum != BM_CHECKSUM_INVALID || (g->flags & BM_FIN) == 0);
}

static enum bm_status
datagram(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	struct bm_tcp *t = f->t;
	struct bm_stream *s = &f->stream[way];

	note_sighting(s, g);
	s->checksums[g->checksum]++;
	flow_touch(f, g);
	if (!f->ignored && t->ev.on_datagram != NULL)
		t->ev.on_datagram(t->ev.ctx, f, way, g);
	return BM_OK;
}

bool
bm_tcp_end_oldest(struct bm_tcp *t)
{
	bool over = !list_empty(&t->closed);

	if (!over && list_empty(&t->open))
		return false;
	if (!over)
		t->stats.evicted_flows++;
	end_flow(FLOW_OF(over ? t->closed.next : t->open.next, use));
	return true;
}

struct bm_flow *
bm_tcp_find(struct bm_tcp *t, uint32_t site, const struct bm_segment *g, enum bm_way *way)
{
	struct bm_flow *f = table_recent(t, site, g, way);

	return f != NULL ? f : table_find(t, flow_hash(t, site, g), site, g, way);
}

void
bm_tcp_homes_pass(struct bm_tcp *t, bool pass)
{
	t->homes_pass = pass;
}

static enum bm_status
settle_flow(struct bm_flow *f)
{
	enum bm_status st = BM_OK;

	for (unsigned way = 0; way < 2 && st == BM_OK; way++) {
		struct data *d = f->stream[way].d;
		if (d == NULL)
			continue;
		st = runs_settle(f, &d->ready);
		if (st == BM_OK)
			st = runs_settle(f, &d->held);
		if (st == BM_OK)
			st = runs_settle(f, &d->copies);
	}
	return st;
}

enum bm_status
bm_tcp_settle(struct bm_tcp *t)
{
	enum bm_status st = BM_OK;

	while (!list_empty(&t->debtors)) {
		struct bm_flow *f = FLOW_OF(t->debtors.next, debtor);
		list_remove(&f->debtor);
		if (settle_flow(f) == BM_OK)
			continue;
		/* What is lent must not be looked at any more. */
		stream_clear(&f->stream[BM_FORWARD]);
		stream_clear(&f->stream[BM_BACKWARD]);
		st = BM_NOMEM;
	}
	return st == BM_OK ? relieve(t) : st;
}

uint64_t
bm_tcp_flows_held(const struct bm_tcp *t)
{
	/* The table is at most half full. */
	return (uint64_t)t->used * (sizeof(struct bm_flow) + 2 * sizeof *t->table);
}

void
bm_tcp_lend(struct bm_tcp *t, const uint8_t *home, const uint8_t *near, size_t n)
{
	if (n == 0) {
		memset(t->lent, 0, sizeof t->lent);
		return;
	}
	memmove(t->lent + 1, t->lent, (LENT - 1) * sizeof *t->lent);
	t->lent[0] = (struct lent){(uintptr_t)home, near, n};
}

void
bm_tcp_pass(struct bm_tcp *t, const struct bm_segment *g)
{
	t->passed++;
	tick(t, g->ts_ns);
}

enum bm_status
bm_tcp_segment(struct bm_tcp *t, uint32_t site, const struct bm_segment *g)
{
	enum bm_way way = BM_FORWARD;

	t->stats.segments++;
	t->passed++;
	if (g->checksum == BM_CHECKSUM_INVALID)
		t->stats.checksum_invalid++;
	tick(t, g->ts_ns);
	struct bm_flow *f = table_recent(t, site, g, &way);
	uint32_t hash = 0;
	if (f == NULL) {
		hash = flow_hash(t, site, g);
		f = table_find(t, hash, site, g, &way);
	}
	if (f == NULL) {
		if (!opens_flow(g))
			return BM_OK;
		f = open_flow(t, hash, site, g, &way);
		if (f == NULL)
			return BM_NOMEM;
	}
	if (g->transport == BM_UDP)
		return datagram(f, way, g);
	enum bm_status st = flow_segment(f, way, g);
	return st == BM_OK && t->memory > t->o.total_memory ? relieve(t) : st;
}

const struct bm_tcp_stats *
bm_tcp_stats(const struct bm_tcp *t)
{
	return &t->stats;
}
