/* A diagnosis as claims for the library to prove, and what became of them as text or JSON
 * (badmac.proof.v1, docs/PROVE.md). Refuses to know captures, and to judge. */
#ifndef BM_CLAIMS_CLAIMS_H
#define BM_CLAIMS_CLAIMS_H

#include "badmac.h"

#include "base/arena.h"
#include "findings/findings.h"

struct bm_claims {
	struct badmac_claims claims;
	const struct bm_findings *findings; /* borrowed */
	struct bm_arena arena;
};

/* f outlives *out, which is to be given to bm_claims_clear in any case. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_claims_from(const struct bm_findings *f, struct bm_claims *out);
void bm_claims_clear(struct bm_claims *c); /* an all-zero one is allowed */

/* How many of each kind; of connections and the summary only those that do not hold, or cannot be
 * checked. */
struct bm_claims_count {
	uint64_t hold, do_not_hold, unchecked, not_replayable; /* failures */
	uint64_t counts_hold, counts_wrong, counts_unchecked;  /* connections, and the summary */
};
struct bm_claims_count bm_claims_count(const struct bm_claims *c, const struct badmac *b);
/* The worst of all: BADMAC_DOES_NOT_HOLD, then BADMAC_CANNOT_BE_CHECKED (also for what is not
 * replayable), then BADMAC_HOLDS. */
enum badmac_verdict bm_claims_verdict(const struct bm_claims_count *n);

struct bm_claims_format {
	bool json, color, verbose; /* verbose: the steps of what holds too */
	unsigned columns;          /* of a line of text; 0: 96 */
	/* As in badmac_options. */
	int (*write)(void *ctx, const char *bytes, size_t n);
	void *write_ctx;
};
/* After badmac_prove. BM_NOMEM, BM_IO. */
BM_MUST_USE enum bm_status bm_claims_report(
	const struct bm_claims *c, const struct badmac *b, const struct bm_claims_format *f);

#endif
