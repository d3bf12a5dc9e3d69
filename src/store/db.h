/* SQLite, as the rest of the store sees it: one connection, statements by name, errors that stick.
 * Refuses to know what is stored. */
#ifndef BM_STORE_DB_H
#define BM_STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

/* An integer that is NULL. */
#define BM_DB_NULL UINT64_MAX

struct bm_store {
	sqlite3 *db;
	enum bm_status status; /* sticky: nothing more is done after the first error */
	char problem[BM_STORE_PROBLEM];
	const char *const *sql; /* texts of the statements */
	sqlite3_stmt **prepared;
	size_t count;
};

/* A statement that is being filled in or read. stmt is NULL after an error; all below then does
 * nothing. */
struct bm_db_row {
	struct bm_store *store;
	sqlite3_stmt *stmt;
	int at; /* parameters bound so far */
};

/* Remembers what SQLite says. */
void bm_db_fail(struct bm_store *s, int code);
/* Remembers another problem, unless there is one. */
__attribute__((format(printf, 3, 4))) void bm_db_problem(
	struct bm_store *s, enum bm_status status, const char *format, ...);

/* Statements without parameters and results. */
void bm_db_run(struct bm_store *s, const char *sql);
/* The nth statement of s->sql, kept for next time. */
struct bm_db_row bm_db_row(struct bm_store *s, size_t nth);
/* One that is put together for once; bm_db_close it. */
struct bm_db_row bm_db_prepare(struct bm_store *s, const char *sql);
void bm_db_close(struct bm_db_row *r);

/* The next parameter. Texts must live until bm_db_next or bm_db_done. */
void bm_db_put(struct bm_db_row *r, uint64_t n);
void bm_db_put_signed(struct bm_db_row *r, int64_t n, bool known);
void bm_db_put_text(struct bm_db_row *r, const char *text); /* NULL: NULL */
void bm_db_put_real(struct bm_db_row *r, double d, bool known);

/* Whether there is another row of results. */
bool bm_db_next(struct bm_db_row *r);
/* For statements without results. */
void bm_db_done(struct bm_db_row *r);

/* Of the row in hand, columns from 0. Texts live until the next call about the statement. */
uint64_t bm_db_number(const struct bm_db_row *r, int column);  /* BM_DB_NULL: NULL or below 0 */
const char *bm_db_text(const struct bm_db_row *r, int column); /* NULL: NULL */

#endif
