/* Puts questions to the tables together, out of pieces that are all our own. */
#include "report/report.h"
#include "store/model.h"

#include <math.h>
#include <stdio.h>

/* Whether SQL names a column of s. */
static bool
asks_sighting(const char *sql)
{
	for (const char *p = sql; (p = strstr(p, "s.")) != NULL; p++)
		if (p == sql || strchr(" (,", p[-1]) != NULL)
			return true;
	return false;
}

struct bm_db_row
bm_filter_ask(struct bm_history_model *m, const char *what, const char *tail)
{
	const struct bm_history_question *q = m->question;
	char sql[2048];

	/* Counts of everything need an index alone, in its order; the list needs rows, by time. */
	bool counts = !q->has_since && !q->has_until && strstr(tail, "LIMIT") == NULL;
	int n = snprintf(sql, sizeof sql, "SELECT %s FROM failure f%s%s%s WHERE f.best = 1%s%s%s%s %s",
		what, counts ? " INDEXED BY failure_counts" : "",
		q->peer != NULL || asks_sighting(what) || asks_sighting(tail)
			? " JOIN sighting s ON s.id = f.sighting"
			: "",
		strstr(what, "two.") != NULL ? " CROSS JOIN (SELECT 0 AS e UNION ALL SELECT 1) two" : "",
		q->has_since ? " AND f.time >= ?" : "", q->has_until ? " AND f.time < ?" : "",
		q->cause != NULL ? " AND f.cause = ?" : "",
		q->peer != NULL ? " AND ? IN (s.client_address, s.server_address, s.client, s.server)" : "",
		tail);
	if (n < 0 || (size_t)n >= sizeof sql)
		bm_db_problem(m->store, BM_LIMIT, "too long a question");
	struct bm_db_row r = bm_db_prepare(m->store, sql);
	if (q->has_since)
		bm_db_put_signed(&r, q->since, true);
	if (q->has_until)
		bm_db_put_signed(&r, q->until, true);
	if (q->cause != NULL)
		bm_db_put_text(&r, q->cause);
	if (q->peer != NULL)
		bm_db_put_text(&r, q->peer);
	return r;
}

const char *
bm_history_cause(size_t nth)
{
	return nth < BM_CAUSE_COUNT ? bm_cause_id((enum bm_cause)nth) : NULL;
}

bool
bm_history_has_cause(struct bm_store *s, const char *cause)
{
	struct bm_db_row r =
		bm_db_prepare(s, "SELECT 1 FROM failure WHERE best = 1 AND cause = ? LIMIT 1");

	bm_db_put_text(&r, cause);
	bool has = bm_db_next(&r);
	bm_db_close(&r);
	return has;
}

const char *
bm_model_keep(struct bm_history_model *m, const char *text)
{
	if (text == NULL)
		return NULL;
	const char *kept = bm_arena_print(&m->arena, "%s", text);
	if (kept == NULL)
		bm_db_fail(m->store, SQLITE_NOMEM);
	return kept;
}

static const char list[] =
	"f.finding, f.time, f.epoch, f.sequence_number, f.stream_offset, f.length, f.packet,"
	" (SELECT count(*) FROM failure o WHERE o.connection = f.connection AND o.finding = f.finding),"
	" f.connection, f.damage_record_offset, f.damage_stream_offset, f.damage_packet_offset, "
	"f.bits, f.bit,"
	" s.client, s.server, s.server_name, s.version, s.cipher_suite, f.direction, f.cause, "
	"f.confidence,"
	" f.at_fault, f.summary, f.proof, f.checksum_as_captured, f.checksum_as_sent, f.flip, "
	"s.capture,"
	" f.chance_log2";

static struct bm_history_row
row_of(const struct bm_db_row *r)
{
	struct bm_history_row x = {.id = 0};
	uint64_t *const numbers[] = {&x.id, &x.time, &x.epoch, &x.sequence, &x.offset, &x.length,
		&x.packet, &x.sightings, &x.connection, &x.record_at, &x.stream_at, &x.packet_at, &x.bits,
		&x.bit};
	const char **const texts[] = {&x.client, &x.server, &x.server_name, &x.version, &x.suite,
		&x.direction, &x.cause, &x.confidence, &x.at_fault, &x.summary, &x.proof, &x.captured,
		&x.sent, &x.flip, &x.capture};
	int column = 0;

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		*numbers[i] = bm_db_number(r, column++);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		*texts[i] = bm_db_text(r, column++);
	x.chance_log2 = sqlite3_column_type(r->stmt, column) == SQLITE_NULL
						? NAN
						: sqlite3_column_double(r->stmt, column);
	return x;
}

uint64_t
bm_filter_list(struct bm_history_model *m,
	void (*each)(void *ctx, const struct bm_history_row *row), void *ctx)
{
	uint64_t n = 0;

	if (m->question->limit == 0)
		return 0;
	struct bm_db_row r = bm_filter_ask(m, list, "ORDER BY f.time DESC, f.finding DESC LIMIT ?");
	bm_db_put(&r, m->question->limit <= INT64_MAX ? m->question->limit : INT64_MAX);
	while (bm_db_next(&r)) {
		struct bm_history_row x = row_of(&r);
		if (m->store->status != BM_OK)
			break;
		each(ctx, &x);
		n++;
	}
	bm_db_close(&r);
	return n;
}
