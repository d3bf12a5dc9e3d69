/* Keeps of a connection what a log can speak of: ends, names, failures, alerts, and where its last
 * records stand. Refuses to know logs. */
#include "tie/internal.h"

static const struct tie_record *
find(const struct bm_tie_watch *w, enum bm_way way, uint64_t off, uint64_t packet)
{
	const struct tie_record *r, *by_packet = NULL;

	for (uint64_t i = 0; (r = tie_watch_nth(w, way, i)) != NULL; i++) {
		if (off != BM_UNKNOWN && r->off == off)
			return r;
		if (packet != 0 && r->packet == packet)
			by_packet = r;
	}
	return by_packet;
}

/* Application data of that way, for the lengths that logs show. */
static bool
keep_records(struct bm_tie *t, const struct bm_tie_watch *w, enum bm_way way,
	struct tie_connection *o, unsigned direction)
{
	const struct tie_record *r;
	size_t n = 0;

	for (uint64_t i = 0; (r = tie_watch_nth(w, way, i)) != NULL; i++)
		n += r->type == 23 && r->off != BM_UNKNOWN;
	if (n == 0 || !t->want_lengths)
		return true;
	struct tie_record *kept = bm_arena_take(&t->arena, n, sizeof *kept);
	if (kept == NULL)
		return false;
	for (uint64_t i = 0; (r = tie_watch_nth(w, way, i)) != NULL; i++)
		if (r->type == 23 && r->off != BM_UNKNOWN)
			kept[o->record_count[direction]++] = *r;
	o->records[direction] = kept;
	return true;
}

static bool
keep_failures(struct bm_tie *t, const struct bm_connection *c, struct tie_connection *o)
{
	if (c->failure_count == 0)
		return true;
	o->failures = bm_arena_take(&t->arena, c->failure_count, sizeof *o->failures);
	if (o->failures == NULL)
		return false;
	for (size_t i = 0; i < c->failure_count; i++) {
		const struct bm_failure *f = &c->failures[i];
		o->failures[i] = (struct tie_failure){.direction = f->direction,
			.off = f->stream_offset,
			.len = f->length,
			.packet = f->packet_count != 0 ? f->packets[f->packet_count - 1] : 0,
			.cause = f->cause};
	}
	o->failure_count = c->failure_count;
	return true;
}

static bool
keep_alerts(struct bm_tie *t, const struct bm_connection *c, struct tie_connection *o)
{
	size_t n = c->alert_count < TIE_ALERTS ? c->alert_count : TIE_ALERTS;

	if (n == 0)
		return true;
	o->alerts = bm_arena_take(&t->arena, n, sizeof *o->alerts);
	if (o->alerts == NULL)
		return false;
	/* The last ones: what ended it. */
	for (size_t i = 0; i < n; i++) {
		const struct bm_alert *a = &c->alerts[c->alert_count - n + i];
		o->alerts[i] = (struct tie_alert){.direction = a->direction,
			.level = a->level,
			.description = a->description,
			.packet = a->packet};
	}
	o->alert_count = n;
	return true;
}

/* When its failures and alerts came. */
static void
set_times(struct tie_connection *o, const struct bm_tie_watch *w, const enum bm_way way_of[2])
{
	const struct tie_record *r;

	for (size_t i = 0; i < o->failure_count; i++) {
		struct tie_failure *f = &o->failures[i];
		r = find(w, way_of[f->direction], f->off, f->packet);
		f->ts_ns = r != NULL ? r->ts_ns : 0;
	}
	for (size_t i = 0; i < o->alert_count; i++) {
		struct tie_alert *a = &o->alerts[i];
		r = find(w, way_of[a->direction], BM_UNKNOWN, a->packet);
		a->ts_ns = r != NULL ? r->ts_ns : 0;
	}
}

static bool
keep_connection(struct bm_tie *t, const struct bm_connection *c, enum bm_way client_way,
	const struct bm_tie_watch *w, struct tie_connection *o)
{
	*o = (struct tie_connection){.id = c->id,
		.client = c->client,
		.server = c->server,
		.first_ns = c->first_ts_ns,
		.last_ns = c->last_ts_ns,
		.version = c->version,
		.suite = c->has_suite ? bm_suite_find(c->suite) : NULL,
		.has_random = c->has_client_random,
		.result = c->result,
		.keys = c->keys != BM_SOURCE_NONE};
	memcpy(o->random, c->client_random, sizeof o->random);
	if (c->server_name != NULL && c->server_name[0] != '\0') {
		o->server_name = bm_arena_print(&t->arena, "%s", c->server_name);
		o->name_hash = bm_clue_name(bm_view(c->server_name, strlen(c->server_name)));
		if (o->server_name == NULL)
			return false;
	}
	if (!keep_failures(t, c, o) || !keep_alerts(t, c, o))
		return false;
	if (w == NULL)
		return true;
	const enum bm_way way_of[2] = {[BM_CLIENT_TO_SERVER] = client_way,
		[BM_SERVER_TO_CLIENT] = client_way == BM_FORWARD ? BM_BACKWARD : BM_FORWARD};
	set_times(o, w, way_of);
	for (unsigned d = 0; d < 2; d++)
		if (!keep_records(t, w, way_of[d], o, d))
			return false;
	return true;
}

/* Octets outside of the arena: its place in an array that may grow to twice what it needs, and
 * entries in tables. */
static size_t
size_of(const struct bm_connection *c)
{
	return 2 * sizeof(struct tie_connection) +
		   (TIE_ENTRIES + c->failure_count) * sizeof(struct tie_entry);
}

enum bm_status
bm_tie_connection(struct bm_tie *t, const struct bm_connection *c, enum bm_way client_way,
	const struct bm_tie_watch *w)
{
	void *items = t->connections;
	size_t size = size_of(c);

	if (size > t->tables_max - t->tables) {
		t->left_out++;
		return BM_OK;
	}
	enum bm_status st = bm_grow(&items, &t->connection_cap, t->connection_count + 1,
		BM_TIE_CONNECTIONS, sizeof *t->connections);
	t->connections = items;
	/* The arena's limit and lack of memory are not told apart, and come to the same. */
	if (st == BM_LIMIT || (st == BM_OK && !keep_connection(t, c, client_way, w,
											  &t->connections[t->connection_count]))) {
		t->left_out++;
		return BM_OK;
	}
	if (st == BM_OK) {
		t->connection_count++;
		t->tables += size;
	}
	return st;
}
