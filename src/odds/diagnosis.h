/* What a report of badmac diagnose (badmac.diagnosis.v1) says of damage: how many failures of which
 * pattern. Refuses to know how they were found. */
#ifndef BM_ODDS_DIAGNOSIS_H
#define BM_ODDS_DIAGNOSIS_H

#include "base/bytes.h"
#include "base/status.h"
#include "odds/patterns.h"
#include "tls/suites.h"

enum { BM_DIAGNOSIS_GROUPS = 32, BM_DIAGNOSIS_MOST = 64 << 20 };

/* Failures whose damage has the same pattern. */
struct bm_damage_group {
	struct bm_pattern pattern;
	uint64_t failures;
};

struct bm_diagnosis {
	struct bm_damage_group groups[BM_DIAGNOSIS_GROUPS];
	size_t group_count;
	uint64_t failures; /* all that the report has */
	uint64_t caught;   /* of these: the checksum shows the damage, so a receiver drops it */
	uint64_t others;   /* no octet of the record was damaged: keys, order, endpoints */
	uint64_t left_out; /* past BM_DIAGNOSIS_GROUPS patterns */
	bool undecided;    /* the report as a whole */
	const struct bm_suite *suite; /* of all connections with failures; NULL: several, or unknown */
};

/* BM_FORMAT: no such report; problem says why. BM_NOMEM. BM_LIMIT: longer than BM_DIAGNOSIS_MOST.
 */
BM_MUST_USE enum bm_status bm_diagnosis_read(
	struct bm_view json, struct bm_diagnosis *out, char *problem, size_t n);

#endif
