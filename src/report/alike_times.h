/* When records failed: in a beat, at one time of day. Refuses to know what else failures share. */
#ifndef BM_REPORT_ALIKE_TIMES_H
#define BM_REPORT_ALIKE_TIMES_H

#include "report/alike.h"

/* All-zero: none. */
struct bm_alike_times {
	uint64_t *micros; /* since 1970, of the packets that completed the records that failed */
	size_t n, cap;
};

void bm_alike_times_clear(struct bm_alike_times *t);
/* Those of a connection, as far as its records tell. What there is no memory for is left out. */
void bm_alike_times_add(struct bm_alike_times *t, const struct bm_connection *c);
/* Before the questions that follow. */
void bm_alike_times_sort(struct bm_alike_times *t);
/* How many questions can be asked of so many times. */
unsigned bm_alike_times_compared(const struct bm_alike_times *t);
/* False: they do not. Else value, within and the chance are set. */
bool bm_alike_beat(const struct bm_alike_times *t, struct bm_alike_found *x);
bool bm_alike_day(const struct bm_alike_times *t, struct bm_alike_found *x);

#endif
