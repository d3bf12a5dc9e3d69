/* Redaction of what logs say; docs/REDACT.md has what is replaced by what. */
#ifndef BM_EXPLAIN_REDACT_H
#define BM_EXPLAIN_REDACT_H

#include "explain/incident.h"
#include "report/redact.h"

/* Copies of n incidents without what is hidden, to be freed (on failure too); their texts are in a.
 * BM_NOMEM. */
BM_MUST_USE enum bm_status bm_incidents_redact(const struct bm_incident *from, size_t n,
	struct bm_redact *r, struct bm_arena *a, struct bm_incident **out);
/* What rules that are not built in say, in place; what they match stays. After the log was read.
 * BM_NOMEM. */
BM_MUST_USE enum bm_status bm_rules_redact(struct bm_rules *rules, struct bm_redact *r);

#endif
