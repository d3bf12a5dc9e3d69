/* What a stack's program said, made short. */
#ifndef BM_LAB_SAID_H
#define BM_LAB_SAID_H

#include "lab/base.h"

/* Prints the first lines that tell of trouble, at most that many. Gives how many there were. */
unsigned lab_said_tell(FILE *out, const struct bm_buf *said, unsigned most);
/* The last line that is not empty, or the end of it. */
enum { LAB_LAST = 200 };
void lab_said_last(const struct bm_buf *said, char out[LAB_LAST]);
/* The same of whoever of the two said anything, the first one before the other (which may be NULL);
 * else that nothing was said: never empty. */
void lab_said_why(const struct bm_buf *first, const struct bm_buf *other, char out[LAB_LAST]);

#endif
