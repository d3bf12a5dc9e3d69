/* What the two kinds of report share. */
#ifndef BM_EXPLAIN_REPORT_H
#define BM_EXPLAIN_REPORT_H

#include "explain/evidence.h"
#include "explain/explain.h"
#include "explain/weigh.h"
#include "report/lines.h"

/* All that a report may see: what is hidden is not in it any more. */
struct bm_told {
	const struct bm_explain *explain; /* for counts and rules */
	const struct bm_incident *incidents;
	size_t incident_count;
	enum bm_redaction level;
};

BM_MUST_USE enum bm_status bm_explain_text(
	const struct bm_told *t, struct bm_out *out, const struct bm_explain_options *o);
BM_MUST_USE enum bm_status bm_explain_json(const struct bm_told *t, struct bm_out *out);

const char *bm_quote_text(const struct bm_quote *q);

/* "received" or "sent" by the end that wrote the log; NULL: not known. */
const char *bm_incident_way(const struct bm_incident *i);
/* "client_to_server", "server_to_client"; NULL: not known. */
const char *bm_incident_direction(const struct bm_incident *i);
const char *bm_rule_name(const struct bm_rule *r); /* NULL for NULL */

#endif
