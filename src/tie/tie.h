/* Ties what logs tell of failed records to the connections of a capture and to what failed in them:
 * by time, addresses, lengths of records, and what else both show. What a log says is evidence and
 * decides nothing: no result depends on it. Refuses to know bytes of records. */
#ifndef BM_TIE_TIE_H
#define BM_TIE_TIE_H

#include "explain/explain.h"
#include "report/report.h"
#include "tcp/tcp.h"

struct bm_tie;

/* memory: octets that what is kept may take, and as many that tables for looking it up may take;
 * each at least 32 MiB whatever it says. */
BM_MUST_USE enum bm_status bm_tie_new(struct bm_tie **out, size_t memory);
void bm_tie_free(struct bm_tie *t); /* NULL allowed */

/* Before the first log; text is copied. BM_FORMAT, BM_LIMIT: *e says where and why. */
BM_MUST_USE enum bm_status bm_tie_rules(
	struct bm_tie *t, const char *name, struct bm_view text, struct bm_rules_error *e);
/* The next log begins, and the one before has ended. name is copied; secrets in it go to keys.
 * BM_FORMAT: rules name what is not there; *e and *file say where. */
BM_MUST_USE enum bm_status bm_tie_log(struct bm_tie *t, const char *name, struct bm_keyring *keys,
	const char **file, struct bm_rules_error *e);
/* The next octets of that log. BM_USAGE: there is none. */
BM_MUST_USE enum bm_status bm_tie_feed(struct bm_tie *t, struct bm_view bytes);
/* The last one has ended. */
BM_MUST_USE enum bm_status bm_tie_logs_end(struct bm_tie *t);

/* What goes by on a connection: where its records stand and when they came. NULL: memory for that
 * is used up, which only makes what is told less sure. */
struct bm_tie_watch;
struct bm_tie_watch *bm_tie_watch_new(struct bm_tie *t);
void bm_tie_watch_free(struct bm_tie_watch *w); /* NULL allowed */
/* New octets in that direction of f, before anything is released. */
void bm_tie_watch_data(struct bm_tie_watch *w, struct bm_flow *f, enum bm_way way);
void bm_tie_watch_datagram(struct bm_tie_watch *w, enum bm_way way, const struct bm_segment *s);

/* A connection that is told of; client_way is the way of what its client sent; w may be NULL.
 * Copies all. */
BM_MUST_USE enum bm_status bm_tie_connection(struct bm_tie *t, const struct bm_connection *c,
	enum bm_way client_way, const struct bm_tie_watch *w);
/* A frame was captured then, ns; 0 counts for nothing. */
void bm_tie_frame(struct bm_tie *t, uint64_t ts_ns);
/* All have been told of: ties them. */
BM_MUST_USE enum bm_status bm_tie_settle(struct bm_tie *t);
/* Connections past the limit, which no log was compared with. */
uint64_t bm_tie_left_out(const struct bm_tie *t);

/* Records of each direction of a connection by whose lengths incidents were looked up: the last
 * ones, fewer than are kept where memory does not do for more. *fewer: so it was. */
size_t bm_tie_lengths_of(const struct bm_tie *t, bool *fewer);

/* Then, what is kept and said without what is hidden. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_tie_redact(struct bm_tie *t, struct bm_redact *r);

/* Afterwards, how the report shows it; borrows t. */
struct bm_report_logs bm_tie_report(const struct bm_tie *t);

/* Of the limits: what is past them is counted. */
enum {
	BM_TIE_LOGS = 256,
	BM_TIE_INCIDENTS = 16384,
	BM_TIE_CONNECTIONS = 1 << 18,
	BM_TIE_CANDIDATES = 8 /* told of for one incident */
};

/* For tests: what became of the nth incident; false past the last. */
enum bm_sure { BM_SURE_NONE, BM_SURE_SEVERAL, BM_SURE_POSSIBLE, BM_SURE_LIKELY, BM_SURE_CERTAIN };
struct bm_tied {
	enum bm_sure sure;
	uint64_t connection, failure, alert; /* BM_UNKNOWN: none */
	size_t candidates;
	double utc_offset, skew; /* of its log, seconds */
	const char *because;     /* NULL: not needed */
};
bool bm_tie_nth(const struct bm_tie *t, size_t nth, struct bm_tied *out);

#endif
