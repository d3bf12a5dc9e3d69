/* Reads a log as it comes and reports what it says of records that failed their check. */
#ifndef BM_EXPLAIN_EXPLAIN_H
#define BM_EXPLAIN_EXPLAIN_H

#include "explain/incident.h"
#include "logs/jsse.h"
#include "report/redact.h"

struct bm_explain;

/* rules are sealed, borrowed until bm_explain_free, and used by one thread at a time. keys: put
 * secrets that javax.net.debug prints into this ring (borrowed); NULL: leave them alone. */
BM_MUST_USE enum bm_status bm_explain_new(
	struct bm_explain **out, struct bm_rules *rules, struct bm_keyring *keys);
void bm_explain_free(struct bm_explain *x); /* wipes; NULL allowed */

/* Before the first octets. */
void bm_explain_watch(struct bm_explain *x, bm_on_occurrence *on_occurrence, void *ctx);

/* Lines longer than this are looked at in pieces that overlap, as parts of one line. */
enum { BM_EXPLAIN_LINE = 1 << 16, BM_EXPLAIN_OVERLAP = 512 };

/* The next octets of the log, cut anywhere. */
BM_MUST_USE enum bm_status bm_explain_feed(struct bm_explain *x, struct bm_view bytes);
/* The end of the log. */
BM_MUST_USE enum bm_status bm_explain_end(struct bm_explain *x);

struct bm_explain_summary {
	uint64_t lines, bytes;
	uint64_t occurrences, doubtful; /* of all incidents; of those that may not be TLS */
	uint64_t left_out;              /* occurrences past the limits */
	uint64_t secrets;               /* put into the ring */
	size_t incident_count;
};
void bm_explain_summary(const struct bm_explain *x, struct bm_explain_summary *out);
const struct bm_gather *bm_explain_gather(const struct bm_explain *x);
struct bm_rules *bm_explain_rules(const struct bm_explain *x);

struct bm_explain_options {
	bool json, color;
	int (*write)(void *ctx, const char *bytes, size_t n); /* 0, or non-zero on failure */
	void *write_ctx;
	unsigned columns;         /* of the text; 0: as is usual */
	bool verbose;             /* text: all causes, exclusions and lines that came before */
	struct bm_redact *redact; /* NULL: nothing is hidden; borrowed */
};
/* After bm_explain_end. With redaction what rules that were given say is replaced in them for good.
 * BM_IO: a write failed. */
BM_MUST_USE enum bm_status bm_explain_report(
	struct bm_explain *x, const struct bm_explain_options *o);

/* The secrets of a ring as an NSS key log; *n counts them. BM_IO: a write failed. */
BM_MUST_USE enum bm_status bm_explain_keys(const struct bm_keyring *k,
	int (*write)(void *ctx, const char *bytes, size_t n), void *ctx, uint64_t *n);

#endif
