/* How packets are told of in text: by their number, and, where a capture is in pieces, by the piece
 * and their number in there. Refuses to know why they are told of. */
#include "report/internal.h"

static void
say_number(struct bm_lines *l, bool first, uint64_t n)
{
	bm_say(l, "%s%llu", first ? "" : ", ", (unsigned long long)n);
}

/* What stands behind the numbers of packets of one piece. */
static void
say_own(struct bm_lines *l, const struct bm_capture_pieces *p, const uint64_t *packets, size_t n)
{
	const struct bm_capture_piece *piece = NULL;
	uint64_t own;

	for (size_t i = 0; i < n; i++) {
		piece = bm_capture_piece_of(p, packets[i], &own);
		if (piece == NULL)
			return;
		bm_say(l, i == 0 ? " (" : "");
		say_number(l, i == 0, own);
	}
	if (piece == NULL)
		return;
	bm_say(l, " of ");
	bm_say_safe(l, piece->name);
	bm_say(l, ")");
}

void
bm_say_packet(struct bm_lines *l, const struct bm_capture_pieces *p, uint64_t packet)
{
	bm_say(l, "packet %llu", (unsigned long long)packet);
	say_own(l, p, &packet, 1);
}

void
bm_say_packets(struct bm_lines *l, const struct bm_capture_pieces *p, const uint64_t *packets,
	size_t count, size_t n)
{
	uint64_t own;

	bm_say(l, count == 1 ? "packet " : "packets ");
	for (size_t i = 0, k; i < n; i = k) {
		const struct bm_capture_piece *piece = bm_capture_piece_of(p, packets[i], &own);
		for (k = i; k < n && bm_capture_piece_of(p, packets[k], &own) == piece; k++)
			say_number(l, k == 0, packets[k]);
		say_own(l, p, packets + i, k - i);
	}
	if (n < count)
		bm_say(l, " and %s more", bm_grouped(count - n).s);
}
