/* The odds that failures are damage which slipped past a checksum. What the command calls; all it
 * shows goes through a write function. Refuses to know files, clocks and terminals. */
#ifndef BM_ODDS_ODDS_H
#define BM_ODDS_ODDS_H

#include "host/counters.h"
#include "odds/cards.h"
#include "odds/mac.h"
#include "odds/simulate.h"
#include "odds/weigh.h"

/* Where the counters come from. */
enum bm_odds_from { BM_ODDS_FROM_OPTIONS, BM_ODDS_FROM_HOST, BM_ODDS_FROM_COPY };

/* What goes with a question into its report. */
struct bm_odds_context {
	enum bm_odds_from from;
	double seconds; /* between two readings of this host; below 0: none, or a copy */
	bool two;       /* the counts are what two readings differ by */
	/* kTLS counts records that it could not decrypt; BM_ODDS_UNKNOWN where there is none. */
	uint64_t tls_decrypt_errors;
	bool failures_from_kernel; /* these are the failures of the question */
	struct bm_odds_cards cards;
};

/* Fills in what counters have: bad checksums, segments, and the failures of kTLS if the question
 * has none and some are counted. */
void bm_odds_take_counters(
	const struct bm_counters *c, struct bm_odds_question *q, struct bm_odds_context *x);

struct bm_odds_format {
	bool json, color;
	bool verbose;                                         /* text: every pattern in the table */
	unsigned columns;                                     /* of the text; 0: as is usual */
	int (*write)(void *ctx, const char *bytes, size_t n); /* 0, or non-zero on failure */
	void *write_ctx;
};

/* BM_NOMEM, BM_IO (a write failed). */
BM_MUST_USE enum bm_status bm_odds_report(const struct bm_odds_question *q,
	const struct bm_odds_context *x, const struct bm_odds_format *f);

/* Simulations to be run: of one pattern and one kind of payload, or of all. */
struct bm_odds_plan {
	bool one_pattern, one_content;
	struct bm_pattern pattern; /* not BM_PATTERN_RESUMMED: that escapes by definition */
	enum bm_content_kind content;
	uint64_t trials, seed; /* trials of each row */
	unsigned threads;
};

/* Those that were run. */
struct bm_odds_table {
	struct bm_simulation *rows;
	double *exact; /* of each row what its share should be; NAN where the payload decides */
	size_t count;
	uint64_t seed;
	unsigned threads;
	/* What it took, filled in by the caller, who has a clock: on the wall, and of all processors.
	 */
	double seconds, processor_seconds;
};

/* BM_NOMEM. The table is to be cleared in either case. */
BM_MUST_USE enum bm_status bm_odds_simulate(const struct bm_odds_plan *p, struct bm_odds_table *t);
void bm_odds_table_clear(struct bm_odds_table *t);
BM_MUST_USE enum bm_status bm_odds_table_report(
	const struct bm_odds_table *t, const struct bm_odds_format *f);

/* Intervals miss the truth this often at most. */
#define BM_ODDS_OUTSIDE 0.01

#endif
