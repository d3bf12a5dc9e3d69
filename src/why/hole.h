/* Where in a record bytes are missing, and which. */
#ifndef BM_WHY_HOLE_H
#define BM_WHY_HOLE_H

#include "why/why.h"

/* The record arrived but for the `missing` octets that its header announces: adds the change that
 * puts them back, with what is known of it, and evidence. True: `sent` is proved. *look: base-2
 * logarithm of how rarely noise would look like content at the place that the octets behind the
 * hole have in a record so long; 0 where that tells nothing. */
bool bm_note_hole(const struct bm_why *w, struct bm_finding *out, uint32_t missing, double *look);
/* The same where the hole reaches past the end of the record, which has len octets by its header
 * (0: that is gone too): how many of them are missing is not known. */
void bm_note_hole_before(const struct bm_why *w, struct bm_finding *out, uint32_t len);

#endif
