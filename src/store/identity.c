/* Which connection is which: over captures, places and times (docs/STORE.md, "One connection").
 * Refuses to know what failed in it. */
#include "store/put.h"
#include "store/statements.h"

enum {
	SAME_MOST = 64, /* connections that turn out to be one */
	NAMELESS_FEW = 64,
	DISTINCT_LEAST = 16 /* octets: 32 random ones have fewer with a chance of 2^-54 */
};
/* Twice the maximum segment lifetime of RFC 9293, section 3.4.2: for so long a closed connection's
 * ends are not taken for another one. */
#define QUIET_NS ((int64_t)240 * 1000000000)

/* A client whose random is a constant, or counts up, has none: it says nothing about which
 * connection it is. */
static bool
is_random(const uint8_t r[32])
{
	bool seen[256] = {false};
	unsigned distinct = 0, same_step = 0;

	for (unsigned i = 0; i < 32; i++) {
		distinct += !seen[r[i]];
		seen[r[i]] = true;
		same_step += i >= 2 && (uint8_t)(r[i] - r[i - 1]) == (uint8_t)(r[1] - r[0]);
	}
	return distinct >= DISTINCT_LEAST && same_step < 24;
}

struct same {
	uint64_t id[SAME_MOST];
	size_t n;
};

static void
add(struct same *m, uint64_t id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->id[i] == id)
			return;
	if (m->n < SAME_MOST && id != BM_DB_NULL)
		m->id[m->n++] = id;
}

static bool
equal(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const char *
transport(const struct bm_found_connection *c)
{
	return c->transport == BM_FOUND_UDP ? "udp" : "tcp";
}

/* A random that was met before is the same connection, seen elsewhere: behind another address, or
 * in front of one. But a client that differs in its port alone makes no new randoms. */
static void
by_random(
	struct bm_store *s, const struct bm_found_connection *c, const char *random, struct same *m)
{
	char address[64];
	uint64_t at = BM_DB_NULL;
	bool ends = false, port = false;

	bm_store_address(c->client, address, sizeof address);
	struct bm_db_row r = bm_db_row(s, BM_SQL_CONNECTION_BY_RANDOM);
	bm_db_put_text(&r, random);
	bm_db_put_text(&r, transport(c));
	while (bm_db_next(&r)) {
		uint64_t id = bm_db_number(&r, 0);
		if (id != at) {
			if (at != BM_DB_NULL && (ends || !port))
				add(m, at);
			at = id;
			ends = port = false;
		}
		bool client = equal(bm_db_text(&r, 1), c->client);
		bool server = equal(bm_db_text(&r, 2), c->server);
		ends = ends || (client && server);
		port = port || (!client && server && equal(bm_db_text(&r, 3), address));
	}
	if (at != BM_DB_NULL && (ends || !port))
		add(m, at);
}

/* Between the two times, 0 where they overlap; INT64_MAX: not near each other. Without times only
 * what has none either is near. */
static int64_t
gap(const struct bm_found_connection *c, uint64_t from, uint64_t to)
{
	int64_t first = 0, last = 0;
	bool known = bm_store_time(c->first_time, &first) && bm_store_time(c->last_time, &last);
	bool has = from != BM_DB_NULL && to != BM_DB_NULL;

	if (!known || !has)
		return known == has ? 0 : INT64_MAX;
	int64_t after = first - (int64_t)to, before = (int64_t)from - last;
	int64_t n = after > before ? after : before;
	return n > QUIET_NS ? INT64_MAX : n > 0 ? n : 0;
}

/* Are there so few sightings without a random that all of them can be looked at? */
static bool
few_nameless(struct bm_store *s)
{
	struct bm_db_row r = bm_db_row(s, BM_SQL_NAMELESS_COUNT);

	bm_db_put(&r, NAMELESS_FEW + 1);
	bool few = bm_db_next(&r) && bm_db_number(&r, 0) <= NAMELESS_FEW;
	if (r.stmt != NULL)
		(void)sqlite3_reset(r.stmt);
	return few;
}

/* Those between its ends that may be near it, and more. The same two ends may have met any number
 * of times: all of them are never looked at. */
static struct bm_db_row
ask_ends(struct bm_store *s, const struct bm_found_connection *c, bool has_random)
{
	int64_t first, last;
	bool dated = bm_store_time(c->first_time, &first) && bm_store_time(c->last_time, &last);
	bool nameless = has_random && few_nameless(s);
	struct bm_db_row r = bm_db_row(s, nameless ? BM_SQL_CONNECTION_NAMELESS
									  : dated  ? BM_SQL_CONNECTION_NEAR
											   : BM_SQL_CONNECTION_UNDATED);

	bm_db_put_text(&r, c->client);
	bm_db_put_text(&r, c->server);
	bm_db_put_text(&r, transport(c));
	if (!nameless && dated) {
		bm_db_put_signed(&r, first - QUIET_NS, true);
		bm_db_put_signed(&r, last < INT64_MAX - QUIET_NS ? last + QUIET_NS : INT64_MAX, true);
	}
	return r;
}

/* The same ends at about the same time, where one of the two shows no random. Of connections that
 * show different ones the nearest is taken. */
static void
by_ends(struct bm_store *s, const struct bm_found_connection *c, const char *random, struct same *m)
{
	uint64_t nearest = BM_DB_NULL;
	int64_t least = INT64_MAX;
	struct bm_db_row r = ask_ends(s, c, random != NULL);

	while (bm_db_next(&r)) {
		int64_t far = gap(c, bm_db_number(&r, 2), bm_db_number(&r, 3));
		bool has_random = bm_db_text(&r, 1) != NULL;
		if (far == INT64_MAX || (random != NULL && has_random))
			continue;
		if (!has_random) {
			add(m, bm_db_number(&r, 0));
		} else if (far < least) {
			least = far;
			nearest = bm_db_number(&r, 0);
		}
	}
	add(m, nearest);
}

static void
run_with(struct bm_store *s, enum bm_sql which, uint64_t a, uint64_t b)
{
	struct bm_db_row r = bm_db_row(s, which);

	bm_db_put(&r, a);
	if (which != BM_SQL_CONNECTION_DROP)
		bm_db_put(&r, b);
	bm_db_done(&r);
}

/* What had been taken for several is one: the oldest takes over. */
static uint64_t
unite(struct bm_store *s, const struct same *m)
{
	uint64_t id = m->id[0];

	for (size_t i = 1; i < m->n; i++)
		id = m->id[i] < id ? m->id[i] : id;
	for (size_t i = 0; i < m->n; i++) {
		if (m->id[i] == id)
			continue;
		run_with(s, BM_SQL_CONNECTION_MOVE_SIGHTINGS, id, m->id[i]);
		run_with(s, BM_SQL_CONNECTION_MOVE_FAILURES, id, m->id[i]);
		run_with(s, BM_SQL_CONNECTION_DROP, m->id[i], 0);
	}
	return id;
}

static uint64_t
make_one(struct bm_store *s, const char *random)
{
	struct bm_db_row r = bm_db_row(s, BM_SQL_CONNECTION_ADD);

	bm_db_put_text(&r, random);
	bm_db_done(&r);
	return s->status == BM_OK ? (uint64_t)sqlite3_last_insert_rowid(s->db) : BM_DB_NULL;
}

uint64_t
bm_connection_find(struct bm_store *s, const struct bm_found_connection *c, bool make)
{
	char text[65];
	const char *random = NULL;
	struct same m = {.n = 0};

	if (c->has_client_random && is_random(c->client_random)) {
		bm_hex(bm_view(c->client_random, sizeof c->client_random), text);
		random = text;
		by_random(s, c, random, &m);
	}
	by_ends(s, c, random, &m);
	if (s->status != BM_OK || (m.n == 0 && !make))
		return BM_DB_NULL;
	if (m.n == 0)
		return make_one(s, random);
	uint64_t id = unite(s, &m);
	if (random != NULL) {
		struct bm_db_row r = bm_db_row(s, BM_SQL_CONNECTION_NAME);
		bm_db_put_text(&r, random);
		bm_db_put(&r, id);
		bm_db_done(&r);
	}
	return id;
}
