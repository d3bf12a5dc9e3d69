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

static void
check(struct bm_store *s)
{
	uint64_t application = ask(s, "PRAGMA application_id"), schema = ask(s, "PRAGMA user_version");

	if (s->status != BM_OK)
		return;
	if (application != BM_STORE_APPLICATION)
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
