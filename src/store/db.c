/* Statements and errors of SQLite. Refuses to know what is stored. */
#include "store/db.h"

#include <stdarg.h>
#include <stdio.h>

static enum bm_status
status_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return BM_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT:
	case SQLITE_AUTH:
		return BM_FORMAT;
	default:
		return BM_IO;
	}
}

void
bm_db_problem(struct bm_store *s, enum bm_status status, const char *format, ...)
{
	va_list ap;

	if (s->status != BM_OK)
		return;
	s->status = status;
	va_start(ap, format);
	(void)vsnprintf(s->problem, sizeof s->problem, format, ap);
	va_end(ap);
}

void
bm_db_fail(struct bm_store *s, int code)
{
	enum bm_status status = status_of(code);

	switch (code & 0xff) {
	case SQLITE_NOMEM:
		bm_db_problem(s, status, "%s", bm_status_text(BM_NOMEM));
		break;
	case SQLITE_NOTADB:
		bm_db_problem(s, status, "is no store of findings: it is no SQLite database");
		break;
	case SQLITE_CORRUPT:
		bm_db_problem(s, status, "is damaged: it holds what no database can");
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		bm_db_problem(s, status, "is in use: another program has held it for too long");
		break;
	case SQLITE_FULL:
		bm_db_problem(s, status, "cannot grow: no space is left");
		break;
	case SQLITE_READONLY:
		bm_db_problem(s, status, "cannot be written: it, or its folder, is read-only");
		break;
	case SQLITE_TOOBIG:
		bm_db_problem(s, status, "a text or a number of octets is too large for it");
		break;
	default:
		/* What SQLite says may quote the file. */
		bm_db_problem(
			s, status, "%s", s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(code));
	}
}

void
bm_db_run(struct bm_store *s, const char *sql)
{
	if (s->status != BM_OK)
		return;
	int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		bm_db_fail(s, code);
}

static sqlite3_stmt *
prepare(struct bm_store *s, const char *sql, unsigned flags)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v3(s->db, sql, -1, flags, &stmt, NULL);

	if (code != SQLITE_OK)
		bm_db_fail(s, code);
	return stmt;
}

struct bm_db_row
bm_db_row(struct bm_store *s, size_t nth)
{
	struct bm_db_row r = {.store = s};

	if (s->status != BM_OK)
		return r;
	sqlite3_stmt **kept = &s->prepared[nth];
	if (*kept == NULL)
		*kept = prepare(s, s->sql[nth], SQLITE_PREPARE_PERSISTENT);
	if (*kept != NULL) {
		/* An error that it ended with before has been told of. */
		(void)sqlite3_reset(*kept);
		(void)sqlite3_clear_bindings(*kept);
	}
	r.stmt = *kept;
	return r;
}

struct bm_db_row
bm_db_prepare(struct bm_store *s, const char *sql)
{
	struct bm_db_row r = {.store = s};

	if (s->status == BM_OK)
		r.stmt = prepare(s, sql, 0);
	return r;
}

void
bm_db_close(struct bm_db_row *r)
{
	(void)sqlite3_finalize(r->stmt);
	r->stmt = NULL;
}

static void
bound(struct bm_db_row *r, int code)
{
	if (code != SQLITE_OK)
		bm_db_fail(r->store, code);
}

void
bm_db_put_signed(struct bm_db_row *r, int64_t n, bool known)
{
	r->at++;
	if (r->stmt != NULL)
		bound(r, known ? sqlite3_bind_int64(r->stmt, r->at, n) : sqlite3_bind_null(r->stmt, r->at));
}

void
bm_db_put(struct bm_db_row *r, uint64_t n)
{
	bool known = n <= INT64_MAX;

	bm_db_put_signed(r, known ? (int64_t)n : 0, known);
}

void
bm_db_put_text(struct bm_db_row *r, const char *text)
{
	r->at++;
	if (r->stmt != NULL)
		bound(r, text != NULL ? sqlite3_bind_text(r->stmt, r->at, text, -1, SQLITE_STATIC)
							  : sqlite3_bind_null(r->stmt, r->at));
}

void
bm_db_put_real(struct bm_db_row *r, double d, bool known)
{
	r->at++;
	if (r->stmt != NULL)
		bound(
			r, known ? sqlite3_bind_double(r->stmt, r->at, d) : sqlite3_bind_null(r->stmt, r->at));
}

bool
bm_db_next(struct bm_db_row *r)
{
	if (r->stmt == NULL || r->store->status != BM_OK)
		return false;
	int code = sqlite3_step(r->stmt);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		bm_db_fail(r->store, code);
	(void)sqlite3_reset(r->stmt);
	return false;
}

void
bm_db_done(struct bm_db_row *r)
{
	while (bm_db_next(r))
		;
}

uint64_t
bm_db_number(const struct bm_db_row *r, int column)
{
	if (sqlite3_column_type(r->stmt, column) == SQLITE_NULL)
		return BM_DB_NULL;
	sqlite3_int64 n = sqlite3_column_int64(r->stmt, column);
	return n >= 0 ? (uint64_t)n : BM_DB_NULL;
}

const char *
bm_db_text(const struct bm_db_row *r, int column)
{
	const char *text = (const char *)sqlite3_column_text(r->stmt, column);

	if (text == NULL && sqlite3_errcode(r->store->db) == SQLITE_NOMEM)
		bm_db_fail(r->store, SQLITE_NOMEM);
	return text;
}
