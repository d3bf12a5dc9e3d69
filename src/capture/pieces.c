/* Where a packet stands in captures that are pieces of one. Refuses to read captures. */
#include "capture/pieces.h"

const struct bm_capture_piece *
bm_capture_piece_of(const struct bm_capture_pieces *p, uint64_t packet, uint64_t *own)
{
	size_t low = 0, high = p != NULL ? p->n : 0;

	if (high < 2 || packet == 0)
		return NULL;
	/* The last one that begins before the packet; those whose place is not known are the last. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->item[middle].before < packet)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct bm_capture_piece *piece = &p->item[low - 1];
	if (packet - piece->before > piece->packets)
		return NULL;
	*own = packet - piece->before;
	return piece;
}

const char *
bm_capture_piece_text(const struct bm_capture_pieces *p, uint64_t packet, struct bm_arena *a)
{
	uint64_t own;
	const struct bm_capture_piece *piece = bm_capture_piece_of(p, packet, &own);

	return piece != NULL ? bm_arena_print(a, " (%llu of %s)", (unsigned long long)own, piece->name)
						 : "";
}
