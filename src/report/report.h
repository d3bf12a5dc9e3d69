/* Reports: text and JSON, written as connections end. Refuses to know how anything was found. */
#ifndef BM_REPORT_REPORT_H
#define BM_REPORT_REPORT_H

#include "verdict/model.h"

struct bm_report;

struct bm_report_options {
	bool json, color, verbose;
	int (*write)(void *ctx, const char *bytes, size_t n); /* 0, or non-zero on failure */
	void *write_ctx;
};

BM_MUST_USE enum bm_status bm_report_new(struct bm_report **out, const struct bm_report_options *o);
/* One connection that has ended. Borrowed for the call. BM_IO when a write failed (from then on
 * always). */
BM_MUST_USE enum bm_status bm_report_connection(struct bm_report *r, const struct bm_connection *c);
/* The end: summary, and for text the whole report with its one-line answer first. */
BM_MUST_USE enum bm_status bm_report_finish(struct bm_report *r, const struct bm_summary *s);
void bm_report_free(struct bm_report *r);

#endif
