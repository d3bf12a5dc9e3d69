/* Where in a record bytes are missing, and which. */
#ifndef BM_WHY_HOLE_H
#define BM_WHY_HOLE_H

#include "why/why.h"

/* The record arrived but for the `missing` octets that its header announces: adds the change that
 * puts them back, with what is known of it, and evidence. True: `sent` is proved. */
bool bm_note_hole(const struct bm_why *w, struct bm_finding *out, uint32_t missing);
/* The same where the hole reaches past the end of the record, which has len octets by its header
 * (0: that is gone too): how many of them are missing is not known. */
void bm_note_hole_before(const struct bm_why *w, struct bm_finding *out, uint32_t len);

#endif
