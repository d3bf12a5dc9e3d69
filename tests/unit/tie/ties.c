/* Logs and connections made by hand. */
#include "ties.h"

#include "tls/record.h"

#include <stdlib.h>

struct bm_tie *
ties_open(void)
{
	struct bm_tie *t;

	assert_int_equal(BM_OK, bm_tie_new(&t, (size_t)256 << 20));
	return t;
}

static struct bm_keyring *ring;

void
ties_log(struct bm_tie *t, const char *name, const char *text)
{
	struct bm_rules_error e;
	const char *file;

	if (ring == NULL)
		assert_int_equal(BM_OK, bm_keyring_new(&ring));
	assert_int_equal(BM_OK, bm_tie_log(t, name, ring, &file, &e));
	assert_int_equal(BM_OK, bm_tie_feed(t, bm_view(text, strlen(text))));
}

static uint64_t
ns(double after_nine)
{
	return (uint64_t)((NINE + after_nine) * 1e9);
}

static void
set_records(struct bm_tie *t, struct tie_connection *c, const struct made *m)
{
	size_t n = 0;

	while (n < 8 && m->lengths[n] != 0)
		n++;
	struct tie_record *r = bm_arena_take(&t->arena, n, sizeof *r);
	uint64_t off = 1000;
	for (size_t i = 0; i < n; i++) {
		r[i] = (struct tie_record){.off = off, .len = m->lengths[i], .type = 23};
		off += 5u + m->lengths[i];
	}
	c->records[m->direction] = r;
	c->record_count[m->direction] = n;
	if (n != 0 && c->failure_count != 0) {
		c->failures[0].off = r[n - 1].off;
		c->failures[0].len = r[n - 1].len + 5u;
	}
}

void
ties_connection(struct bm_tie *t, const struct made *m)
{
	uint64_t packet = 7, length = m->length != 0 ? m->length : 100;
	struct bm_failure f = {.direction = m->direction,
		.stream_offset = 500,
		.length = length + 5,
		.packets = &packet,
		.packet_count = 1,
		.sequence_number = 3,
		.cause = BM_CAUSE_BITS_FLIPPED};
	struct bm_alert a = {
		.direction = !m->direction, .level = 2, .description = 20, .packet = 8, .encrypted = true};
	struct bm_connection c = {.id = t->connection_count,
		.transport = BM_TCP,
		.client = {{192, 0, 2, 1}, 4, m->port},
		.server = {{198, 51, 100, 7}, 4, 443},
		.first_ts_ns = ns(m->from),
		.last_ts_ns = ns(m->to),
		.version = m->version != 0 ? m->version : 0x0303,
		.has_suite = true,
		.suite = 0x009c,
		.keys = m->undecided ? BM_SOURCE_NONE : BM_SOURCE_KEY_LOG,
		.result = m->fails != 0  ? BM_RESULT_FAILED
				  : m->undecided ? BM_RESULT_UNDECIDED
								 : BM_RESULT_VERIFIED,
		.server_name = m->name,
		.failures = &f,
		.failure_count = m->fails != 0,
		.alerts = &a,
		.alert_count = m->alert != 0};

	c.has_client_random = m->random != 0;
	memset(c.client_random, m->random, sizeof c.client_random);
	size_t at = t->connection_count;
	assert_int_equal(BM_OK, bm_tie_connection(t, &c, BM_FORWARD, NULL));
	assert_int_equal(at + 1, t->connection_count);
	struct tie_connection *made = &t->connections[at];
	if (m->fails != 0)
		made->failures[0].ts_ns = ns(m->fails);
	if (m->alert != 0)
		made->alerts[0].ts_ns = ns(m->alert);
	set_records(t, made, m);
}

void
ties_settle(struct bm_tie *t, double from, double to)
{
	assert_int_equal(BM_OK, bm_tie_logs_end(t));
	bm_keyring_free(ring);
	ring = NULL;
	bm_tie_frame(t, ns(from));
	bm_tie_frame(t, ns(to));
	assert_int_equal(BM_OK, bm_tie_settle(t));
}

struct bm_tied
ties_nth(const struct bm_tie *t, size_t nth)
{
	struct bm_tied out;

	assert_true(bm_tie_nth(t, nth, &out));
	return out;
}

bool
ties_ground(const struct bm_tie *t, size_t nth, size_t candidate, const char *kind)
{
	const struct tie_told *told = &t->incidents[nth].told[candidate];

	assert_true(candidate < t->incidents[nth].told_count);
	for (size_t i = 0; i < told->ground_count; i++)
		if (strcmp(told->grounds[i].kind, kind) == 0)
			return true;
	return false;
}

bool
ties_against(const struct bm_tie *t, size_t nth, size_t candidate, const char *words)
{
	const struct tie_told *told = &t->incidents[nth].told[candidate];

	assert_true(candidate < t->incidents[nth].told_count);
	for (size_t i = 0; i < told->against_count; i++)
		if (strstr(told->against[i], words) != NULL)
			return true;
	return false;
}
