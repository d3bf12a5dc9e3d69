/* What the two kinds of report share. */
#ifndef BM_EXPLAIN_REPORT_H
#define BM_EXPLAIN_REPORT_H

#include "explain/evidence.h"
#include "explain/explain.h"
#include "explain/weigh.h"
#include "report/lines.h"

BM_MUST_USE enum bm_status bm_explain_text(
	const struct bm_explain *x, struct bm_out *out, bool color, unsigned columns);
BM_MUST_USE enum bm_status bm_explain_json(const struct bm_explain *x, struct bm_out *out);

/* "received" or "sent" by the end that wrote the log; NULL: not known. */
const char *bm_incident_way(const struct bm_incident *i);
/* "client_to_server", "server_to_client"; NULL: not known. */
const char *bm_incident_direction(const struct bm_incident *i);
const char *bm_rule_name(const struct bm_rule *r); /* NULL for NULL */

#endif
