/* Keeps the timeline of a connection, as far as there is room for it. Refuses to judge anything. */
#include "session/internal.h"

#include <stdlib.h>

enum { EPOCH_MOST = (1 << 20) - 1, FIRST_RECORDS = 32, FIRST_EVENTS = 16 };

enum bm_status
bm_timeline_new(struct bm_timeline **out, struct bm_session_env *env)
{
	struct bm_timeline *t = *out = calloc(1, sizeof *t);

	if (t == NULL)
		return BM_NOMEM;
	t->env = env;
	t->next = env->timelines;
	if (t->next != NULL)
		t->next->before = t;
	env->timelines = t;
	return BM_OK;
}

static size_t
octets(const struct bm_timeline *t)
{
	return t->record_cap * sizeof *t->records + t->event_cap * sizeof *t->events;
}

static void
drop(struct bm_timeline *t)
{
	t->env->timeline_held -= octets(t);
	t->records_left_out += t->record_count;
	t->events_left_out += t->event_count;
	free(t->records);
	free(t->events);
	t->records = NULL;
	t->events = NULL;
	t->record_count = t->record_cap = t->event_count = t->event_cap = 0;
}

void
bm_timeline_free(struct bm_timeline *t)
{
	if (t == NULL)
		return;
	drop(t);
	if (t->before != NULL)
		t->before->next = t->next;
	else
		t->env->timelines = t->next;
	if (t->next != NULL)
		t->next->before = t->before;
	free(t);
}

void
bm_timelines_drop(struct bm_session_env *env)
{
	/* Or else they would be looked through again and again. */
	env->timeline_most = 0;
	for (struct bm_timeline *t = env->timelines; t != NULL; t = t->next)
		drop(t);
}

/* Room for one more of n. False: it is left out. */
static bool
room(struct bm_timeline *t, void **items, size_t *cap, size_t n, size_t first, size_t max,
	size_t size)
{
	struct bm_session_env *env = t->env;

	if (n < *cap)
		return true;
	size_t bigger = *cap == 0 ? first : 2 * *cap;
	if (n >= max)
		return false;
	bigger = bigger < max ? bigger : max;
	if (env->timeline_held + (bigger - *cap) * size > env->timeline_most) {
		env->timeline_full = true;
		return false;
	}
	void *moved = realloc(*items, bigger * size);
	if (moved == NULL)
		return false; /* nothing but the timeline suffers */
	*items = moved;
	env->timeline_held += (bigger - *cap) * size;
	*cap = bigger;
	return true;
}

static void
add_record(struct bm_timeline *t, const struct bm_judged *r)
{
	void *items = t->records;
	/* Once one is missing none may follow. */
	bool fits =
		t->records_left_out == 0 && room(t, &items, &t->record_cap, t->record_count, FIRST_RECORDS,
										BM_TIMELINE_RECORDS, sizeof *t->records);

	t->records = items;
	if (fits)
		t->records[t->record_count++] = *r;
	else
		t->records_left_out++;
}

static void
add_event(struct bm_timeline *t, const struct bm_event *e)
{
	void *items = t->events;
	bool fits = t->events_left_out == 0 && room(t, &items, &t->event_cap, t->event_count,
											   FIRST_EVENTS, BM_TIMELINE_EVENTS, sizeof *t->events);

	t->events = items;
	if (fits)
		t->events[t->event_count++] = *e;
	else
		t->events_left_out++;
}

/* The unified header of DTLS 1.3 names none (RFC 9147, section 4), and neither does what is no
 * record. */
static uint8_t
content_type(uint8_t first)
{
	return first >= BM_CCS && first <= BM_DTLS13_ACK ? first : 0;
}

void
timeline_look(struct half *h, uint64_t off, uint64_t len)
{
	struct bm_timeline *t = h->s->timeline;
	struct bm_judged *now = &t->now;
	struct bm_span span;
	uint8_t type;

	if (h->stream != NULL) {
		bool known = bm_stream_last_span(h->stream, off, len != 0 ? len : 1, &span);
		now->packet = known ? span.packet : 0;
		/* Of bytes that are gone: it was no later than now. */
		now->ts_ns = known ? span.ts_ns : bm_flow_last_ts(h->s->flow);
		now->type = bm_stream_read(h->stream, off, &type, 1) ? content_type(type) : 0;
	}
	now->off = off;
	now->len = len <= UINT32_MAX ? (uint32_t)len : 0;
	now->direction = h->side & 1;
}

void
timeline_datagram(struct bm_session *s, const struct bm_segment *d, size_t at)
{
	struct bm_judged *now = &s->timeline->now;

	now->packet = d->packet;
	now->ts_ns = d->ts_ns;
	now->type = content_type(d->payload.p[at]);
}

void
timeline_record(
	struct half *h, enum bm_judgement how, uint64_t off, uint64_t len, unsigned epoch, uint64_t seq)
{
	struct bm_timeline *t = h->s->timeline;

	timeline_look(h, off, len);
	t->now.seq = seq;
	t->now.epoch = (epoch < EPOCH_MOST ? epoch : EPOCH_MOST) & EPOCH_MOST;
	t->now.state = how & 3;
	add_record(t, &t->now);
	if (t->now.type == BM_CCS && how != BM_JUDGED_FAILED)
		timeline_said(h, BM_EVENT_CHANGE_CIPHER_SPEC, 0, 0, BM_NO_SEQ);
}

void
timeline_restate(struct bm_session *s, unsigned direction, uint64_t off, enum bm_judgement from,
	enum bm_judgement to)
{
	struct bm_timeline *t = s->timeline;

	for (size_t i = t != NULL ? t->record_count : 0; i-- > 0;) {
		struct bm_judged *r = &t->records[i];
		if (r->direction != direction || r->off != off || r->state != from)
			continue;
		r->state = to & 3;
		return;
	}
}

void
timeline_restate_run(struct bm_session *s, unsigned direction, uint64_t off, uint64_t end,
	enum bm_judgement from, enum bm_judgement to)
{
	struct bm_timeline *t = s->timeline;

	for (size_t i = t != NULL ? t->record_count : 0; i-- > 0;) {
		struct bm_judged *r = &t->records[i];
		if (r->direction == direction && r->off >= off && r->off < end && r->state == from)
			r->state = to & 3;
	}
}

void
timeline_said(struct half *h, enum bm_event_kind kind, uint8_t level, uint8_t code, uint64_t len)
{
	struct bm_timeline *t = h->s->timeline;
	const struct bm_judged *now = &t->now;

	add_event(t, &(struct bm_event){.ts_ns = now->ts_ns,
					 .packet = now->packet,
					 .off = h->stream != NULL ? now->off : BM_NO_SEQ,
					 .len = len,
					 .kind = (uint8_t)kind,
					 .direction = (uint8_t)h->side,
					 .level = level,
					 .code = code});
}

void
timeline_turn(struct bm_session *s)
{
	struct bm_timeline *t = s->timeline;

	if (t == NULL)
		return;
	for (size_t i = 0; i < t->record_count; i++)
		t->records[i].direction ^= 1;
	for (size_t i = 0; i < t->event_count; i++)
		t->events[i].direction ^= 1;
	t->now.direction ^= 1;
}

void
bm_session_event(struct bm_session *s, enum bm_way way, const struct bm_event *e)
{
	struct bm_timeline *t = s->timeline;
	struct bm_event here = *e;
	struct bm_event *last =
		t != NULL && t->event_count != 0 ? &t->events[t->event_count - 1] : NULL;

	if (t == NULL)
		return;
	here.direction = way != s->facts.client_way;
	/* What becomes longer while it is looked at is one gap. */
	if (last != NULL && here.kind == BM_EVENT_GAP && last->kind == BM_EVENT_GAP &&
		last->direction == here.direction && last->off + last->len == here.off)
		last->len += here.len;
	else
		add_event(t, &here);
}

const struct bm_timeline *
bm_session_timeline(const struct bm_session *s)
{
	return s->timeline;
}

struct bm_timeline *
bm_session_take_timeline(struct bm_session *s)
{
	struct bm_timeline *t = s->timeline;

	s->timeline = NULL;
	return t;
}
