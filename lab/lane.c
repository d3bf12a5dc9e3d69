/* Cuts a direction into records and puts the faults in. Refuses to know sockets and files. */
#include "lab/lane.h"

#include "lab/truth.h"

#include <inttypes.h>

/* The n-th of what may be chosen depends on seed, connection and fault alone. */
static struct lab_chance
chance_of(const struct lab_plan *plan, uint64_t connection, enum lab_direction d, uint64_t what)
{
	struct lab_chance c = {plan->seed};

	c.state ^= lab_next(&c) + connection * UINT64_C(0x9e3779b97f4a7c15);
	c.state ^= lab_next(&c) + what * 2 + d;
	return c;
}

/* Without record= and without a probability: the first that is late enough, or one of the second to
 * the fifth. */
static uint64_t
wanted_record(const struct lab_plan *plan, const struct lab_spec *spec)
{
	struct lab_chance c = {plan->seed ^ UINT64_C(0x7265636f7264)};

	if (spec->record >= 0)
		return (uint64_t)spec->record;
	return spec->after_ms >= 0 ? 0 : 1 + lab_below(&c, 4);
}

static bool
is_due(const struct lab_plan *plan, const struct lab_spec *spec, const struct lab_record *r,
	uint64_t connection, uint64_t age_ms)
{
	struct lab_chance c = chance_of(plan, connection, r->direction, r->sequence + 0x10000);

	if (spec->after_ms >= 0 && age_ms < (uint64_t)spec->after_ms)
		return false;
	if (spec->direction >= 0 && spec->direction != (int)r->direction)
		return false;
	if (spec->direction < 0 && plan->probability < 0 && r->direction == LAB_S2C)
		return false;
	if (plan->probability < 0)
		/* One that could not be had there is put into the next that it fits. */
		return r->index >= wanted_record(plan, spec);
	if (spec->record >= 0 && r->index != (uint64_t)spec->record)
		return false;
	return (double)(lab_next(&c) >> 11) / 9007199254740992.0 < plan->probability;
}

static struct bm_view
foreign_record(const struct lab_plan *plan, enum lab_direction d, uint64_t connection)
{
	const struct lab_seen *seen = &plan->seen[d];

	for (size_t i = 0; i < 2; i++)
		if (seen->slot[i].record.n != 0 && seen->slot[i].connection != connection)
			return bm_buf_view(&seen->slot[i].record);
	return bm_view(NULL, 0);
}

static bool
keep_seen(struct lab_seen *seen, uint64_t connection, struct bm_view record)
{
	if (seen->slot[0].record.n != 0 && seen->slot[0].connection != connection) {
		struct bm_buf old = seen->slot[1].record;
		seen->slot[1] = seen->slot[0];
		seen->slot[0].record = old;
	}
	seen->slot[0].connection = connection;
	seen->slot[0].record.n = 0;
	return lab_put(&seen->slot[0].record, record.p, record.n);
}

static void
strike_clear(struct lab_strike *s)
{
	bm_buf_clear(&s->out);
	bm_buf_clear(&s->received);
	bm_buf_clear(&s->sent);
}

/* From the first octet of the record that differs to the last; all of it, if its length does. */
static void
find_damage(const struct lab_strike *s, struct lab_passed *p)
{
	const uint8_t *was = s->record->bytes.p;
	size_t a = 0, b = s->out.n;

	if (b == s->record->bytes.n) {
		while (a < b && s->out.p[a] == was[a])
			a++;
		while (b > a && s->out.p[b - 1] == was[b - 1])
			b--;
	}
	p->from = p->received.n + a;
	p->to = p->received.n + b;
}

/* RFC 1071 over the record, where it stands in what is sent. */
static unsigned
sum_of(const struct lab_strike *s, const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (s->burst_off + i) % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A receiver drops a segment only for damage that its checksum shows; octets stay in their places
 * then. */
static bool
is_droppable(const struct lab_strike *s)
{
	struct bm_view was = s->record->bytes;

	return s->out.n == was.n && s->extent == 0 && !s->hold && !s->mute && !s->again &&
		   sum_of(s, s->out.p, s->out.n) != sum_of(s, was.p, was.n);
}

/* The record arrives unharmed, behind a copy that does not count. */
static bool
drop(const struct lab_strike *s, struct lab_passed *p)
{
	struct bm_view was = s->record->bytes;

	return lab_put(&p->dropped, p->received.p, p->received.n) &&
		   lab_put(&p->dropped, s->out.p, s->out.n) && lab_put(&p->received, was.p, was.n);
}

/* What the fault left goes its way, and is written down. */
static bool
carry_out(struct lab_strike *s, struct lab_lane *l, const struct lab_tls *tls,
	struct lab_plan *plan, uint64_t connection, struct lab_passed *p)
{
	bool dropped = s->spec->sum == LAB_SUM_DROPPED;

	if (plan->keeps_truth &&
		!lab_truth_add(plan, s, l, tls, connection, l->received + p->received.n + s->at))
		return false;
	l->struck = true;
	plan->struck++;
	(void)snprintf(plan->account, sizeof plan->account,
		"put in on the way from %s at record %" PRIu64 " of its application data, sequence number "
		"%" PRIu64 ", stream offset %" PRIu64 "%s",
		l->direction == LAB_C2S ? "client to server" : "server to client", s->record->index,
		s->record->sequence + s->ahead, l->received + p->received.n + s->at,
		dropped ? "; the receiver dropped that segment and got it again" : "");
	find_damage(s, p);
	if (dropped)
		return drop(s, p);
	l->mute = s->mute;
	p->sum_sent = s->spec->sum == LAB_SUM_SENT;
	p->again = s->again; /* only segments that hold damage were sent twice */
	if (s->hold)
		return lab_put(&l->held, s->record->bytes.p, s->record->bytes.n);
	return lab_put(&p->received, s->out.p, s->out.n);
}

/* Tries each fault that is due. *done: one was put in. */
static bool
strike(struct lab_lane *l, const struct lab_lane *other, const struct lab_tls *tls,
	struct lab_plan *plan, uint64_t connection, const struct lab_record *r, struct lab_passed *p,
	bool *done)
{
	struct lab_chance turn = chance_of(plan, connection, r->direction, r->sequence + 0x20000);
	size_t first =
		plan->probability < 0 || plan->spec_count == 0 ? 0 : lab_below(&turn, plan->spec_count);

	for (size_t k = 0; k < plan->spec_count && !*done; k++) {
		size_t i = (first + k) % plan->spec_count;
		struct lab_chance chance = chance_of(plan, connection, r->direction, i);
		struct lab_strike s = {.record = r,
			.spec = &plan->specs[i],
			.chance = &chance,
			.burst_off = p->sent.n,
			.before = bm_buf_view(&l->last),
			.mirror = bm_buf_view(&other->last),
			.foreign = foreign_record(plan, r->direction, connection)};
		bool good = true;
		if (is_due(plan, s.spec, r, connection, l->age_ms) && s.spec->fault->apply(&s) &&
			(s.spec->sum != LAB_SUM_DROPPED || is_droppable(&s))) {
			good = carry_out(&s, l, tls, plan, connection, p);
			*done = true;
		}
		strike_clear(&s);
		if (!good)
			return false;
	}
	return true;
}

static bool
pass_record(struct lab_lane *l, const struct lab_lane *other, struct lab_tls *tls,
	struct lab_plan *plan, uint64_t connection, struct bm_view bytes, struct lab_passed *p)
{
	struct lab_record r;
	bool done = false;

	lab_tls_record(tls, l->direction, bytes, &r);
	if (l->mute)
		return lab_put(&p->sent, bytes.p, bytes.n);
	if (r.application && !l->struck && !strike(l, other, tls, plan, connection, &r, p, &done))
		return false;
	if (!done) {
		if (!lab_put(&p->received, bytes.p, bytes.n) ||
			!lab_put(&p->received, l->held.p, l->held.n))
			return false;
		l->held.n = 0;
	}
	if (!lab_put(&p->sent, bytes.p, bytes.n))
		return false;
	if (!r.application)
		return true;
	l->records++;
	/* Alerts of TLS 1.3 look like content, and are too short to be told from others. */
	if (bytes.n < LAB_LEAST)
		return true;
	l->last.n = 0;
	return lab_put(&l->last, bytes.p, bytes.n) &&
		   keep_seen(&plan->seen[l->direction], connection, bytes);
}

/* What is no TLS, or the end of it. */
static bool
pass_rest(struct lab_lane *l, struct lab_passed *p)
{
	bool good = lab_put(&p->sent, l->in.p, l->in.n) &&
				(l->mute || (lab_put(&p->received, l->in.p, l->in.n) &&
								lab_put(&p->received, l->held.p, l->held.n)));

	l->in.n = l->held.n = 0;
	return good;
}

bool
lab_lane_feed(struct lab_lane *l, const struct lab_lane *other, struct lab_tls *tls,
	struct lab_plan *plan, uint64_t connection, struct bm_view chunk, bool ended,
	struct lab_passed *p)
{
	size_t used = 0, n;

	p->sent.n = p->received.n = p->dropped.n = 0;
	p->from = p->to = 0;
	p->sum_sent = p->again = false;
	if (!lab_put(&l->in, chunk.p, chunk.n))
		return false;
	if (l->in.p == NULL)
		return true;
	while (!l->raw && (n = lab_record_length(l->in.p + used, l->in.n - used, &l->raw)) != 0 &&
		   n <= l->in.n - used) {
		if (!pass_record(l, other, tls, plan, connection, bm_view(l->in.p + used, n), p))
			return false;
		used += n;
	}
	lab_drop(&l->in, used);
	if ((l->raw || ended) && !pass_rest(l, p))
		return false;
	/* What follows in the same chunk is as it was. */
	if (p->dropped.n != 0 &&
		!lab_put(&p->dropped, p->received.p + p->dropped.n, p->received.n - p->dropped.n))
		return false;
	l->sent += p->sent.n;
	l->received += p->received.n;
	return true;
}

void
lab_lane_clear(struct lab_lane *l)
{
	bm_buf_clear(&l->in);
	bm_buf_clear(&l->held);
	bm_buf_clear(&l->last);
}

void
lab_passed_clear(struct lab_passed *p)
{
	bm_buf_clear(&p->sent);
	bm_buf_clear(&p->received);
	bm_buf_clear(&p->dropped);
}

void
lab_plan_clear(struct lab_plan *p)
{
	for (size_t d = 0; d < 2; d++)
		for (size_t i = 0; i < 2; i++)
			bm_buf_clear(&p->seen[d].slot[i].record);
	bm_buf_clear(&p->truth);
}
