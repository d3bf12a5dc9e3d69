/* What the files that tell of judgements share. */
#ifndef BM_CLAIMS_REPORT_H
#define BM_CLAIMS_REPORT_H

#include "claims/claims.h"
#include "report/lines.h"

const char *bm_verdict_id(enum badmac_verdict v); /* "does-not-hold" */
void bm_claims_json(struct bm_out *o, const struct bm_claims *c, const struct badmac *b);
void bm_claims_text(struct bm_lines *l, const struct bm_claims *c, const struct badmac *b,
	bool verbose, struct bm_out *o);

#endif
