/* What the reports of a history are made from, and what they share. */
#ifndef BM_STORE_MODEL_H
#define BM_STORE_MODEL_H

#include "base/arena.h"
#include "report/lines.h"
#include "store/db.h"
#include "store/history.h"

enum {
	BM_HISTORY_GROUPS = 1000, /* values that are listed */
	BM_HISTORY_TABLES = 8     /* groupings of one report */
};

/* Of a word that so many are. */
static inline const char *
bm_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

struct bm_group_row {
	const char *value; /* as shown; NULL: unknown */
	uint64_t findings, connections;
};

struct bm_group_table {
	enum bm_history_group group;
	struct bm_group_row *rows;
	size_t n;
	uint64_t values, left_out; /* all that there are; findings of those that are not listed */
	bool in_order;             /* by value and not by count */
};

/* Findings a day, from the first day that has one to the last. */
struct bm_days {
	uint64_t first; /* days since 1970 */
	uint64_t *count;
	size_t n;
};

/* A property that findings may share: the value most have, and the chance of that. */
struct bm_shared {
	const char *what, *value; /* value: NULL: no finding has the property */
	const char *null;         /* what chance would give, in words */
	uint64_t of, with;        /* connections that have the property, and that value of it */
	double share;             /* of that value by chance */
	uint64_t values;          /* it could have been any of */
	double ln_chance; /* of so many or more with any value; corrected for all that was tried */
	bool stated;
};

enum { BM_SHARED_MOST = 9 };

struct bm_history_model {
	const struct bm_history_question *question;
	const struct bm_history_format *format;
	struct bm_store *store;
	struct bm_arena arena;
	uint64_t findings, connections, undated;
	uint64_t first, last; /* ns; BM_DB_NULL: none */
	/* Of runs that are counted. */
	uint64_t runs, run_connections, run_records, run_packets;
	struct bm_days days;
	struct bm_group_table tables[BM_HISTORY_TABLES];
	size_t table_count;
	struct bm_shared shared[BM_SHARED_MOST];
	size_t shared_count;
};

/* A finding of the list. Texts as they are in the store, from wherever; NULL, BM_DB_NULL: unknown.
 * Borrowed for the call. */
struct bm_history_row {
	uint64_t id, time, epoch, sequence, offset, length, packet, sightings, connection;
	uint64_t record_at, stream_at, packet_at, bits, bit;
	const char *client, *server, *server_name, *version, *suite, *direction, *cause, *confidence,
		*at_fault, *summary, *proof, *captured, *sent, *flip, *capture;
	double chance_log2; /* NAN: none */
};

/* filter.c */
/* "SELECT what FROM failure f JOIN sighting s ... WHERE ... tail", filled in; bm_db_close it. */
struct bm_db_row bm_filter_ask(struct bm_history_model *m, const char *what, const char *tail);
/* The list, the newest first; false from `each` ends it. How many there were. */
uint64_t bm_filter_list(struct bm_history_model *m,
	void (*each)(void *ctx, const struct bm_history_row *row), void *ctx);
/* A copy that lives as long as the model; NULL for NULL. */
const char *bm_model_keep(struct bm_history_model *m, const char *text);

/* groups.c */
void bm_group_fill(struct bm_history_model *m, enum bm_history_group g);
void bm_days_fill(struct bm_history_model *m);
/* "2026-11-24" of days since 1970. */
void bm_day_text(uint64_t day, char out[16]);
/* "by cause", for headings. */
const char *bm_group_heading(enum bm_history_group g);

/* shared.c */
void bm_shared_fill(struct bm_history_model *m);
/* "12 of 14 connections share bit 4 ..."; lives as long as the model. */
const char *bm_shared_sentence(struct bm_history_model *m, const struct bm_shared *x);
extern const char bm_shared_rule[];

/* The reports. */
enum bm_status bm_history_text(struct bm_history_model *m, struct bm_out *o);
void bm_history_json(struct bm_history_model *m, struct bm_out *o);
enum bm_status bm_history_html(struct bm_history_model *m, struct bm_out *o);

#endif
