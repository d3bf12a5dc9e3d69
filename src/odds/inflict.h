/* Does to a payload what a pattern says. Refuses to know sums. */
#ifndef BM_ODDS_INFLICT_H
#define BM_ODDS_INFLICT_H

#include "odds/dice.h"
#include "odds/patterns.h"

/* p: BM_PAYLOAD octets. other: as many that were or might have been sent elsewhere, for a pattern
 * that puts other data in their place; random: BM_PAYLOAD random octets. */
void bm_inflict(struct bm_pattern pattern, struct bm_dice *d, uint8_t *p, const uint8_t *other,
	const uint8_t *random);

#endif
