/* What the files of src/tie that write reports share. */
#ifndef BM_TIE_REPORT_H
#define BM_TIE_REPORT_H

#include "report/lines.h"
#include "tie/internal.h"

/* That candidate `told` of an incident is this failure. */
struct tie_mention {
	uint64_t connection; /* its id */
	int failure;
	size_t incident, told;
};

/* Those of a failure, in the order of the logs; *n of them. */
const struct tie_mention *tie_mentions_of(
	const struct bm_tie *t, uint64_t connection, size_t failure, size_t *n);

void tie_text_failure(const void *tie, struct bm_lines *l, uint64_t connection, size_t nth);
bool tie_text_rest(const void *tie, struct bm_lines *l, size_t step, bool verbose);
void tie_json(const void *tie, struct bm_out *out);

#endif
