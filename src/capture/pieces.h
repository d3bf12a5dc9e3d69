/* Where a packet stands in captures that are pieces of one: packets are counted over all of them.
 * Refuses to read captures. */
#ifndef BM_CAPTURE_PIECES_H
#define BM_CAPTURE_PIECES_H

#include "base/arena.h"

struct bm_capture_piece {
	const char *name;
	uint64_t before;  /* packets of the pieces before it; UINT64_MAX: not known yet */
	uint64_t packets; /* in it; UINT64_MAX: not known yet */
};

/* The pieces of one capture, in their order. */
struct bm_capture_pieces {
	const struct bm_capture_piece *item;
	size_t n; /* below 2: it is in one piece */
};

/* The piece that holds a packet, and its number in there, from 1 on. NULL: p is NULL or has one
 * piece, or none is known to hold it; *own stays as it was. */
const struct bm_capture_piece *bm_capture_piece_of(
	const struct bm_capture_pieces *p, uint64_t packet, uint64_t *own);
/* " (17 of p2.pcap)" where bm_capture_piece_of names a piece, else "". NULL: out of memory. */
const char *bm_capture_piece_text(
	const struct bm_capture_pieces *p, uint64_t packet, struct bm_arena *a);

#endif
