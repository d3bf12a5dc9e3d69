/* GCM and Poly1305: a run of unknown octets in a text that is otherwise known, and that is altered
 * octet by octet between tries. Shared by the families that need it; refuses to know how the text
 * is altered. */
#ifndef BM_REPAIR_FILLER_H
#define BM_REPAIR_FILLER_H

#include "repair/linear.h"
#include "repair/split.h"

/* Set s, body, text, n and l, then bm_filler_prepare. */
struct bm_filler {
	struct bm_search *s;
	struct bm_linear l;
	uint8_t *body;           /* with the hole where it is tried */
	uint8_t *text;           /* in body */
	size_t n;                /* octets missing */
	struct bm_term *inverse; /* of the weight of each block */
	/* For a hole over a boundary, by the octets before it. */
	struct bm_basis *basis; /* GCM */
	struct bm_split *split; /* Poly1305 */
};

/* BM_NOMEM. bm_filler_free in every case: wipes what was made here, and not what was set. */
enum bm_status bm_filler_prepare(struct bm_filler *v);
void bm_filler_free(struct bm_filler *v);
/* An octet of the text becomes `to`. */
void bm_filler_set(struct bm_filler *v, size_t at, uint8_t to);
/* The n octets at `at`, which are zero now, would have to add this: tries those that do. slot: of
 * the split or basis for a run over a boundary, as many as its octets before that. */
void bm_filler_solve(
	struct bm_filler *v, size_t at, const struct bm_term *target, size_t targets, size_t slot);
/* Tries the text as it is with a mask put on it. */
void bm_filler_try(struct bm_filler *v, size_t at, const uint8_t *mask, size_t n);

#endif
