/* Payloads of two TCP segments that stand in each other's place. */
#ifndef BM_WHY_EXCHANGE_H
#define BM_WHY_EXCHANGE_H

#include "why/why.h"

/* True: with two segments of the failed records put back into each other's place the record
 * verifies; method, changes and evidence are filled in. */
bool bm_find_exchange(const struct bm_why *w, struct bm_finding *out);

#endif
