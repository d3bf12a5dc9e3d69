/* What a stack says that it can negotiate. */
#ifndef BM_LAB_OFFER_H
#define BM_LAB_OFFER_H

#include "lab/stacks.h"

/* Asks it; said becomes its answer, for the others. False: it has no way to say, or did not. */
bool lab_offer_ask(const struct lab_stack *s, struct bm_buf *said);
bool lab_offer_has_version(const struct bm_buf *said, unsigned version);
/* In some version. */
bool lab_offer_has_suite(const struct bm_buf *said, const struct bm_suite *s);

/* Whether its server, or its client, is there; missing becomes the program that is not. A stack
 * without that part has none that is missing. */
bool lab_stack_has(const struct lab_stack *s, bool server, const char **missing);

#endif
