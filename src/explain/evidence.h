/* Facts of an incident as sentences. */
#ifndef BM_EXPLAIN_EVIDENCE_H
#define BM_EXPLAIN_EVIDENCE_H

#include "explain/incident.h"
#include "verdict/model.h"

enum { BM_EVIDENCE_MAX = 20 };

struct bm_facts_told {
	const char *text[BM_EVIDENCE_MAX]; /* in the arena */
	size_t n;
	bool failed; /* out of memory: some are missing */
};

/* What the lengths in the log say; BM_UNKNOWN where they say nothing. */
struct bm_record_facts {
	uint64_t ordinal;        /* of application data, from 1 */
	uint64_t length;         /* header not counted */
	uint64_t content_length; /* length less the MAC, where the cipher adds nothing else */
	uint64_t mac_bits;
	const char *mac_from; /* "alert", "cipher_suite", NULL */
};

void bm_record_facts(const struct bm_incident *i, struct bm_record_facts *out);
/* The incident in one sentence, and its facts. NULL texts: out of memory. */
const char *bm_headline(struct bm_arena *a, const struct bm_incident *i);
void bm_incident_evidence(
	struct bm_arena *a, const struct bm_incident *i, struct bm_facts_told *out);
const char *bm_stage_text(const struct bm_incident *i);

#endif
