/* Octets of one record that never came: where they stood and what they were. One solver for each
 * family of MAC, behind the same interface as those for damage. Refuses to know how it came about
 * that they are missing, and how many there are. */
#ifndef BM_REPAIR_HOLE_H
#define BM_REPAIR_HOLE_H

#include "repair/repair.h"

enum { BM_HOLE_MAX = 10 }; /* octets: more can be proved for no tag */

/* d->wire: the header, and a body of the length that it announces: what arrived, and behind it n
 * octets of any value. The hole may begin at octets first to last of the body; a solver that need
 * not choose takes all places. out: as for bm_repair, `sent` with the octets put in; the edges of
 * segments in d are tried first. */
struct bm_hole {
	struct bm_damaged d;
	size_t n;
	size_t first, last;
};

BM_MUST_USE enum bm_status bm_repair_hole(
	const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out);

/* The solvers; same contract. */
BM_MUST_USE enum bm_status bm_hole_linear(
	const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out, bool poly);
BM_MUST_USE enum bm_status bm_hole_ccm(
	const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out);
/* Every place in turn with every value: one octet, and two where that can be done. */
BM_MUST_USE enum bm_status bm_hole_search(
	const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out);

/* The body with the hole at octet `at` instead of at its end; the octets in it are zero. */
void bm_hole_shift(const struct bm_hole *hole, size_t at, uint8_t *body);

#endif
