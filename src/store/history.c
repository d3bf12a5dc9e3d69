/* Asks the store what a report needs, and has it written. */
#include "store/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { HELD = 256 << 20 /* octets of one report's model */ };

static void
fill_totals(struct bm_history_model *m)
{
	struct bm_db_row r = bm_filter_ask(m,
		"count(*), count(DISTINCT f.connection), min(f.time), max(f.time), count(*) - "
		"count(f.time)",
		"");

	m->first = m->last = BM_DB_NULL;
	if (bm_db_next(&r)) {
		m->findings = bm_db_number(&r, 0);
		m->connections = bm_db_number(&r, 1);
		m->first = bm_db_number(&r, 2);
		m->last = bm_db_number(&r, 3);
		m->undated = bm_db_number(&r, 4);
	}
	bm_db_close(&r);
}

static void
fill_runs(struct bm_history_model *m)
{
	struct bm_db_row r =
		bm_db_prepare(m->store, "SELECT count(*), coalesce(sum(connections), 0),"
								" coalesce(sum(records_verified + records_failed + "
								"records_undecided), 0), coalesce(sum(packets), 0)"
								" FROM run WHERE counted = 1 AND (?1 IS NULL OR last_time >= ?1) "
								"AND (?2 IS NULL OR first_time < ?2)");

	bm_db_put_signed(&r, m->question->since, m->question->has_since);
	bm_db_put_signed(&r, m->question->until, m->question->has_until);
	if (bm_db_next(&r)) {
		m->runs = bm_db_number(&r, 0);
		m->run_connections = bm_db_number(&r, 1);
		m->run_records = bm_db_number(&r, 2);
		m->run_packets = bm_db_number(&r, 3);
	}
	bm_db_close(&r);
}

/* Without a wish: what a reader asks first. A page has room for more. */
static void
fill_tables(struct bm_history_model *m)
{
	static const enum bm_history_group page[] = {BM_GROUP_CAUSE, BM_GROUP_FAULT, BM_GROUP_CLIENT,
		BM_GROUP_SERVER, BM_GROUP_SUITE, BM_GROUP_HOUR, BM_GROUP_BIT, BM_GROUP_OFFSET};
	size_t n = m->format->kind == BM_HISTORY_HTML   ? sizeof page / sizeof page[0]
			   : m->format->kind == BM_HISTORY_TEXT ? 2
													: 0;

	if (m->question->group != BM_GROUP_NONE)
		bm_group_fill(m, m->question->group);
	else
		for (size_t i = 0; i < n; i++)
			bm_group_fill(m, page[i]);
}

static enum bm_status
report(struct bm_history_model *m, struct bm_out *o)
{
	enum bm_status st = BM_OK;

	fill_totals(m);
	fill_runs(m);
	bm_days_fill(m);
	fill_tables(m);
	bm_shared_fill(m);
	if (m->store->status != BM_OK)
		return m->store->status;
	switch (m->format->kind) {
	case BM_HISTORY_JSON:
		bm_history_json(m, o);
		break;
	case BM_HISTORY_HTML:
		st = bm_history_html(m, o);
		break;
	case BM_HISTORY_TEXT:
		st = bm_history_text(m, o);
		break;
	}
	bm_out_flush(o);
	return m->store->status != BM_OK ? m->store->status : o->failed ? BM_IO : st;
}

enum bm_status
bm_history(struct bm_store *s, const struct bm_history_question *q,
	const struct bm_history_format *f, char *problem)
{
	struct bm_history_model m = {.question = q, .format = f, .store = s, .arena = {.max = HELD}};
	struct bm_out *o = calloc(1, sizeof *o);

	problem[0] = '\0';
	if (o == NULL) {
		(void)snprintf(problem, BM_STORE_PROBLEM, "%s", bm_status_text(BM_NOMEM));
		return BM_NOMEM;
	}
	o->write = f->write;
	o->ctx = f->write_ctx;
	/* All of it from one state of the store; KiB. */
	bm_db_run(s, "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; BEGIN");
	enum bm_status st = report(&m, o);
	if (s->status != BM_OK)
		(void)snprintf(problem, BM_STORE_PROBLEM, "%s", s->problem);
	else if (st != BM_OK && !o->failed)
		(void)snprintf(problem, BM_STORE_PROBLEM, "%s", bm_status_text(st));
	if (sqlite3_get_autocommit(s->db) == 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->status = BM_OK;
	s->problem[0] = '\0';
	bm_arena_clear(&m.arena);
	free(o);
	return st;
}
