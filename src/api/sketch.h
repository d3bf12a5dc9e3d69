/* Tells whether two captures hold the same traffic, whatever their clocks and addresses say: a
 * bounded sample of the payloads of each. */
#ifndef BM_API_SKETCH_H
#define BM_API_SKETCH_H

#include "packet/packet.h"

/* All-zero is valid and empty. */
struct sketch {
	uint64_t *hash; /* the smallest ones, a heap until sketch_close */
	size_t n;
	bool full, closed;
};

/* Takes note of a segment. Without memory for it the sample is smaller. */
void sketch_add(struct sketch *k, const struct bm_segment *s);
/* Of a ClientHello or ServerHello its random, which is the same however the rest was cut. */
void sketch_add_hello(struct sketch *k, const struct bm_segment *s);
void sketch_close(struct sketch *k);
/* Do both hold the same traffic, all of it or what one of them has? */
bool sketch_alike(const struct sketch *a, const struct sketch *b);
void sketch_clear(struct sketch *k);

#endif
