/* Poly1305: the ends of a damaged run that lie in two blocks, found at once. Refuses to know GCM,
 * where elimination does it. */
#ifndef BM_REPAIR_SPLIT_H
#define BM_REPAIR_SPLIT_H

#include "repair/linear.h"

/* One way to lie across a boundary: `tail` octets before it, `head` behind, at most 10 together.
 * Made of r: secret. */
struct bm_split {
	size_t tail, head;
	struct bm_term scale;  /* of a target, so that the tail's change counts once */
	struct bm_term factor; /* of the head's change then */
	struct bm_term undo;   /* 1 / factor */
	struct bm_term t;      /* t * factor = s, both short */
	bool by_head;          /* the head's change is had first, modulo t; else the tail's, modulo s */
	uint64_t module;       /* the one of t and s that is meant, below 2^62 */
	uint64_t inverse;      /* modulo it, of the other one */
};

void bm_split_new(struct bm_split *split, const struct bm_linear *l, size_t tail, size_t head);
/* x: a target at the weight of the block before the boundary, which is octet `at` of the text; the
 * text has `end` octets (at most split->head) that may change behind it. True: mask, of tail + end
 * octets from at - tail on, is the change that adds x. */
bool bm_split_solve(const struct bm_split *split, const struct bm_linear *l, struct bm_term x,
	size_t at, size_t end, uint8_t mask[BM_TERM_BLOCK]);

#endif
