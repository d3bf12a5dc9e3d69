/* Which connections of a run are one and the same, seen from two places. */
#ifndef BM_API_TWINS_H
#define BM_API_TWINS_H

#include "verdict/model.h"

struct twin;

/* All-zero is valid. Bounded: of later connections nothing is said. */
struct twins {
	struct twin *slot;
	size_t used;
	bool wanted;
};

/* 1 when another site showed the connection c before, else 0; it is remembered. Without memory
 * for that it is forgotten. */
unsigned twins_seen(struct twins *t, const struct bm_connection *c, uint32_t site);
void twins_clear(struct twins *t);

#endif
