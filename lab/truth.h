/* truth.json: what was really done. Nothing of it is ever given to diagnose. */
#ifndef BM_LAB_TRUTH_H
#define BM_LAB_TRUTH_H

#include "lab/lane.h"

/* Adds a fault that was put in to plan->truth. at: in the stream as received, of the record that
 * fails. False: out of memory. */
BM_MUST_USE bool lab_truth_add(struct lab_plan *plan, const struct lab_strike *s,
	const struct lab_lane *l, const struct lab_tls *t, uint64_t connection, uint64_t at);
/* False with errno set. */
bool lab_truth_write(const struct lab_plan *plan, const char *path);

#endif
