/* Reports: text, JSON and HTML, written as connections end. Refuses to know how anything was found.
 */
#ifndef BM_REPORT_REPORT_H
#define BM_REPORT_REPORT_H

#include "report/redact.h"

struct bm_report;

/* What logs say of what is reported, put in where it belongs when the report ends. */
struct bm_out;
struct bm_lines;
struct bm_report_logs {
	const void *ctx;
	/* Text about failure `nth` of a connection. */
	void (*failure)(const void *ctx, struct bm_lines *l, uint64_t connection, size_t nth);
	/* Text about all else, from step 0 on; false: there is no such step. */
	bool (*rest)(const void *ctx, struct bm_lines *l, size_t step, bool verbose);
	/* Members of the report's object, each with a comma and the end of a line behind it. */
	void (*json)(const void *ctx, struct bm_out *out);
};

struct bm_report_options {
	bool json, html, color, verbose; /* html: and not json */
	unsigned columns;                /* of the text; 0: BM_COLUMNS */
	bool logs;                       /* bm_report_set_logs will be called */
	struct bm_redact *redact;        /* NULL: nothing is hidden; borrowed */
	size_t detail_memory;            /* HTML: octets that the detail of connections may take */
	int (*write)(void *ctx, const char *bytes, size_t n); /* 0, or non-zero on failure */
	void *write_ctx;
};

BM_MUST_USE enum bm_status bm_report_new(struct bm_report **out, const struct bm_report_options *o);
/* One connection that has ended. Borrowed for the call. BM_IO when a write failed (from then on
 * always). */
BM_MUST_USE enum bm_status bm_report_connection(struct bm_report *r, const struct bm_connection *c);
/* Before the end; what ctx points to lives until then. */
void bm_report_set_logs(struct bm_report *r, const struct bm_report_logs *logs);
/* The end: summary, and for text the whole report with its one-line answer first. */
BM_MUST_USE enum bm_status bm_report_finish(struct bm_report *r, const struct bm_summary *s);
void bm_report_free(struct bm_report *r);

#endif
