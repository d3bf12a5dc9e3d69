/* What the lab's files share: chance that can be had again, time, appending. */
#ifndef BM_LAB_BASE_H
#define BM_LAB_BASE_H

#include "lab/lab.h"

/* A sequence of numbers that follows from its start alone (splitmix64). */
struct lab_chance {
	uint64_t state;
};

uint64_t lab_next(struct lab_chance *c);
/* 0 to n - 1; 0 when n is 0. */
size_t lab_below(struct lab_chance *c, size_t n);
void lab_random(struct lab_chance *c, uint8_t *p, size_t n);

uint64_t lab_now_ns(void);   /* since 1970 */
uint64_t lab_ticks_ms(void); /* never goes back */

/* b.max is set to the lab's own maximum when it is 0. False: no room. */
BM_MUST_USE bool lab_put(struct bm_buf *b, const void *p, size_t n);
BM_MUST_USE bool lab_puts(struct bm_buf *b, const char *text);
/* Removes the first n octets. */
void lab_drop(struct bm_buf *b, size_t n);

/* Whether SIGINT or SIGTERM came since lab_catch_signals. */
void lab_catch_signals(void);
bool lab_interrupted(void);

#endif
