/* Octets of one text that stand in another as well, found by their windows. Refuses to know where
 * either comes from, and what a repeat means. */
#ifndef BM_WHY_REPEATS_H
#define BM_WHY_REPEATS_H

#include "base/bytes.h"

enum { BM_WINDOW = 8 }; /* octets by which a repeat is found */

struct bm_repeats {
	struct bm_view text;
	struct bm_view name; /* looked for as well, behind the text; may be empty */
	uint32_t *slot;      /* position + 1 of a window, by its hash; 0: none */
	unsigned slot_bits;
	uint64_t places; /* pairs of positions compared so far */
};

struct bm_repeat {
	uint32_t at, n; /* of the text; at text.n: the name */
	size_t from;    /* in what it was compared with */
};

typedef void (*bm_repeat_fn)(void *ctx, struct bm_repeat r);

/* Views are borrowed. False: out of memory. */
bool bm_repeats_new(struct bm_repeats *r, struct bm_view text, struct bm_view name);
void bm_repeats_free(struct bm_repeats *r);
/* Tells of runs of `bytes` that stand in the text, each made as long as it goes; none of one value
 * throughout. Of equal windows of the text the first one counts. Every stride-th place of bytes is
 * looked at: what is shorter than BM_WINDOW + stride - 1 may be passed over. Linear. */
void bm_repeats_compare(
	struct bm_repeats *r, struct bm_view bytes, size_t stride, bm_repeat_fn tell, void *ctx);
/* The same of the text itself: runs that stand in it twice; the later place is `at`. */
void bm_repeats_within(struct bm_repeats *r, bm_repeat_fn tell, void *ctx);
/* May some `least` octets of the text stand in it twice? False: they do not. Much faster than to
 * look which. */
bool bm_repeats_possible(struct bm_view text, size_t least);
/* Base-2 logarithm of the chance that some n octets among `places` pairs of places are equal. */
double bm_repeat_chance(uint64_t places, size_t n);
/* The stride at which nothing is passed over that could be rarer than 2^-40 among these places. */
size_t bm_repeat_stride(uint64_t places);

/* Is text alike, outside the run too, with what stands around the run there (an eighth of the
 * octets; by chance one in 256 is)? Then that is the same record, and the run is what is good of
 * it. */
bool bm_repeat_is_copy(struct bm_view text, struct bm_view place, struct bm_repeat r);

#endif
