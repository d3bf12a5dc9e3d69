/* Poly1305: the ends of a damaged run that lie in two blocks, found at once. Refuses to know GCM,
 * where elimination does it. */
#ifndef BM_WHY_SPLIT_H
#define BM_WHY_SPLIT_H

#include "why/linear.h"

/* One way to lie across a boundary: `tail` octets before it, `head` behind. Secret; all of it wiped
 * by nobody but with the stack: holds multiples of r alone. */
struct bm_split {
	size_t tail, head;
	struct bm_term scale;  /* of the target, so that the tail's change has the factor one */
	struct bm_term factor; /* of the head's change then */
	struct bm_term undo;   /* 1 / factor */
	struct bm_term t;      /* small multiplier, that makes the factor small: t * factor = +-s */
	bool t_is_module;      /* solve for head modulo t, else for tail modulo s */
	uint64_t module;       /* the smaller of the two, below 2^63 */
	uint64_t unknot;       /* inverse modulo it of what the wanted change is multiplied by */
	bool negative;         /* that factor is negative */
};

/* False when there is no split that works for this r: then nothing is found with it. */
bool bm_split_new(struct bm_split *split, const struct bm_linear *l, size_t tail, size_t head);
/* x: the target at the weight of the block before the boundary, which is octet `at` of the text;
 * the record has `end` octets (at most split->head) behind it. mask: of tail + end octets from at -
 * tail. */
bool bm_split_solve(const struct bm_split *split, const struct bm_linear *l, struct bm_term x,
	size_t at, size_t end, uint8_t *mask);

#endif
