/* Opens a store, makes one, and refuses what is none. */
#include "store/db.h"
#include "store/schema.h"
#include "store/statements.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ours alone to read and write, from its first moment on. */
static bool
make_file(const char *path, char *problem)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return close(fd) == 0;
	if (errno == EEXIST)
		return true;
	(void)snprintf(problem, BM_STORE_PROBLEM, "cannot be made: %s", strerror(errno));
	return false;
}

/* What an attacker may have put into the file is not executed, and what does not fit together is
 * an error. */
static void
disarm(struct bm_store *s)
{
	static const struct {
		int what, on;
	} switches[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}};

	for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
		int code = sqlite3_db_config(s->db, switches[i].what, switches[i].on, (int *)NULL);
		if (code != SQLITE_OK)
			bm_db_fail(s, code);
	}
	(void)sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	bm_db_run(s, "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON");
}

static uint64_t
ask(struct bm_store *s, const char *sql)
{
	struct bm_db_row r = bm_db_prepare(s, sql);
	uint64_t n = bm_db_next(&r) ? bm_db_number(&r, 0) : BM_DB_NULL;

	bm_db_close(&r);
	return n;
}

static bool
is_empty(struct bm_store *s)
{
	return ask(s, "PRAGMA application_id") == 0 && ask(s, "PRAGMA user_version") == 0 &&
		   ask(s, "SELECT count(*) FROM sqlite_schema") == 0;
}

static void
make_tables(struct bm_store *s)
{
	char pragmas[100];

	(void)snprintf(pragmas, sizeof pragmas,
		"PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", BM_STORE_APPLICATION,
		BM_STORE_SCHEMA);
	/* Another badmac may be making them: whoever comes second finds them made. */
	bm_db_run(s, "BEGIN IMMEDIATE");
	if (s->status == BM_OK && !is_empty(s)) {
		bm_db_run(s, "COMMIT");
		return;
	}
	bm_db_run(s, bm_store_schema);
	bm_db_run(s, pragmas);
	/* What is not committed is undone when the file is closed. */
}

/* What was given in place of a store, by its first octets: the next step depends on it. */
static void
say_what_it_is(const char *path, char *problem)
{
	static const char captures[][4] = {{'\xa1', '\xb2', '\xc3', '\xd4'},
		{'\xd4', '\xc3', '\xb2', '\xa1'}, {'\xa1', '\xb2', '\x3c', '\x4d'},
		{'\x4d', '\x3c', '\xb2', '\xa1'}, {'\x0a', '\x0d', '\x0d', '\x0a'}};
	char head[4] = "";
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(head, 1, sizeof head, f) : 0;
	const char *what = ": badmac diagnose --store, or badmac history --add, makes one";

	if (f != NULL)
		(void)fclose(f);
	if (n != 0 && (head[0] == '{' || head[0] == '<'))
		what = ", but perhaps a report: badmac history STORE --add puts one into a store";
	for (size_t i = 0; i < sizeof captures / sizeof captures[0]; i++)
		if (n == sizeof head && memcmp(head, captures[i], n) == 0)
			what = ", but a capture: badmac diagnose --store STORE puts what failed in it into one";
	(void)snprintf(
		problem, BM_STORE_PROBLEM, "is no store of findings (it is no SQLite database)%s", what);
}

static void
check(struct bm_store *s)
{
	uint64_t application = ask(s, "PRAGMA application_id"), schema = ask(s, "PRAGMA user_version");

	if (s->status != BM_OK)
		return;
	if (application == 0 && is_empty(s))
		bm_db_problem(s, BM_FORMAT,
			"is empty: no findings were put in yet; badmac diagnose --store, or badmac history "
			"--add, does that");
	else if (application != BM_STORE_APPLICATION)
		bm_db_problem(s, BM_FORMAT, "is no store of findings: it is another program's database");
	else if (schema > BM_STORE_SCHEMA)
		bm_db_problem(s, BM_FORMAT,
			"is a store of a newer badmac (schema %llu, this one knows %d): use that one",
			(unsigned long long)schema, BM_STORE_SCHEMA);
	else if (schema != BM_STORE_SCHEMA)
		bm_db_problem(s, BM_FORMAT, "is no store of findings: there is no schema %llu",
			(unsigned long long)schema);
}

static void
open_it(struct bm_store *s, const char *path, bool to_write)
{
	/* Whoever only reads may have to undo what a writer that was killed left half done. SQLite
	 * opens what cannot be written to be read. */
	int flags = SQLITE_OPEN_READWRITE;
	/* A name is a name: neither a URI nor ":memory:". */
	size_t n = strlen(path) + 3;
	char *name = malloc(n);

	if (name == NULL) {
		bm_db_fail(s, SQLITE_NOMEM);
		return;
	}
	(void)snprintf(name, n, "%s%s", path[0] == '/' ? "" : "./", path);
	int code = sqlite3_open_v2(name, &s->db, flags, NULL);
	free(name);
	if (code == SQLITE_CANTOPEN) {
		int error = s->db != NULL ? sqlite3_system_errno(s->db) : 0;
		bm_db_problem(s, BM_IO, "cannot be opened: %s",
			error != 0 ? strerror(error) : "it is no file that can be read");
	} else if (code != SQLITE_OK) {
		bm_db_fail(s, code);
	}
	if (s->status != BM_OK)
		return;
	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, BM_STORE_WAIT_MS);
	disarm(s);
	if (!to_write)
		bm_db_run(s, "PRAGMA query_only = ON");
	if (to_write && is_empty(s))
		make_tables(s);
	check(s);
	/* Stores that were made before have others. */
	if (to_write && s->status == BM_OK)
		bm_db_run(s, bm_store_indexes);
}

enum bm_status
bm_store_open(struct bm_store **out, const char *path, bool to_write, char *problem)
{
	*out = NULL;
	problem[0] = '\0';
	if (to_write && !make_file(path, problem))
		return BM_IO;
	struct bm_store *s = calloc(1, sizeof *s);
	sqlite3_stmt **prepared = calloc(BM_SQL_COUNT, sizeof(sqlite3_stmt *));
	if (s == NULL || prepared == NULL) {
		free(s);
		free(prepared);
		(void)snprintf(problem, BM_STORE_PROBLEM, "%s", bm_status_text(BM_NOMEM));
		return BM_NOMEM;
	}
	s->sql = bm_store_sql;
	s->prepared = prepared;
	s->count = BM_SQL_COUNT;
	open_it(s, path, to_write);
	enum bm_status status = s->status;
	if (status != BM_OK) {
		(void)snprintf(problem, BM_STORE_PROBLEM, "%s", s->problem);
		if (s->db != NULL && (sqlite3_errcode(s->db) & 0xff) == SQLITE_NOTADB)
			say_what_it_is(path, problem);
		bm_store_close(s);
		return status;
	}
	*out = s;
	return BM_OK;
}

void
bm_store_close(struct bm_store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		(void)sqlite3_finalize(s->prepared[i]);
	(void)sqlite3_close(s->db);
	free(s->prepared);
	free(s);
}
