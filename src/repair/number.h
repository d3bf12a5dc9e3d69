/* The sequence number under which a record verifies, read out of its tag. */
#ifndef BM_REPAIR_NUMBER_H
#define BM_REPAIR_NUMBER_H

#include "verify/verify.h"

enum { BM_NUMBER_BITS = 32 }; /* numbers below 2^32 are told */

/* TLS with GCM: the only number under which w can verify with p's keys, in a few operations of the
 * cipher. False: there is none, or the suite or version does not allow it; then *possible tells
 * which. Whoever gets a number verifies the record at it. */
bool bm_number_of(
	const struct bm_protection *p, const struct bm_wire *w, uint64_t *seq, bool *possible);

#endif
