/* Where to look at the packets of a failure: filters of Wireshark's, for the capture, or for each
 * of its pieces. Refuses to know what is to be seen there. */
#include "verdict/verdict.h"

enum { RUNS_MAX = 20 };

/* "21", "21, 23", "21..25": what stands between the braces of a set of Wireshark's. Past some
 * runs it ends, and *all says so. */
static const char *
packet_set(struct bm_arena *a, const uint64_t *packets, size_t n, bool *all)
{
	const char *set = "";
	size_t runs = 0;

	*all = true;
	for (size_t i = 0; i < n && set != NULL;) {
		size_t last = i;
		while (last + 1 < n && packets[last + 1] == packets[last] + 1)
			last++;
		if (runs++ == RUNS_MAX) {
			*all = false;
			break;
		}
		unsigned long long from = packets[i], to = packets[last];
		const char *comma = i != 0 ? ", " : "";
		set = from == to ? bm_arena_print(a, "%s%s%llu", set, comma, from)
						 : bm_arena_print(a, "%s%s%llu..%llu", set, comma, from, to);
		i = last + 1;
	}
	return set;
}

/* "frame.number == 21", "frame.number in {21..25}"; *all as above. NULL: no memory. */
static const char *
packet_filter(struct bm_arena *a, const uint64_t *packets, size_t n, bool *all)
{
	*all = true;
	if (n == 1)
		return bm_arena_print(a, "frame.number == %llu", (unsigned long long)packets[0]);
	const char *set = packet_set(a, packets, n, all);
	return set != NULL ? bm_arena_print(a, "frame.number in {%s}", set) : NULL;
}

/* Where in the packet the first damage stands, if that is known. */
static bool
is_place(const struct bm_failure *f, uint64_t packet, unsigned long long *at)
{
	const struct bm_damage *d = f->damage_count != 0 ? &f->damage[0] : NULL;

	if (d == NULL || d->packet != packet || d->packet_offset == BM_UNKNOWN)
		return false;
	*at = d->packet_offset;
	return true;
}

/* of: "", or which packet or packets of what piece; more: what ends the sentence. */
static const char *
look(struct bm_arena *a, const char *of, const char *whose, const unsigned long long *at,
	const char *filter, const char *more)
{
	if (of == NULL || filter == NULL)
		return NULL;
	if (at == NULL)
		return bm_arena_print(a, "in Wireshark,%s display filter: `%s`%s", of, filter, more);
	return bm_arena_print(a,
		"in Wireshark,%s at offset %llu (0x%llx) of %s bytes; display filter: `%s`%s", of, *at, *at,
		whose, filter, more);
}

/* How many at the front of n packets stand in the same piece; own: as they are numbered there. 0:
 * no piece is known to hold the first. */
static size_t
of_one_piece(const struct bm_capture_pieces *pieces, const uint64_t *packets, size_t n,
	uint64_t *own, const struct bm_capture_piece **piece)
{
	size_t k = 0;

	*piece = bm_capture_piece_of(pieces, packets[0], &own[0]);
	while (k < n && *piece != NULL && bm_capture_piece_of(pieces, packets[k], &own[k]) == *piece)
		k++;
	return k;
}

/* Wireshark opens one piece, and numbers its frames from 1 on. */
static size_t
look_at_pieces(const struct bm_case *c, const struct bm_capture_pieces *pieces,
	const struct bm_failure *out, struct bm_arena *a, const char *line[BM_LOOKS_MAX])
{
	uint64_t *own = bm_arena_take(a, c->packet_count, sizeof *own);
	size_t told = 0;

	if (own == NULL) {
		line[0] = NULL;
		return 1;
	}
	for (size_t i = 0, n; i < c->packet_count && told < BM_LOOKS_MAX; i += n) {
		const struct bm_capture_piece *piece;
		unsigned long long at;
		bool all;
		n = of_one_piece(pieces, c->packets + i, c->packet_count - i, own, &piece);
		if (n == 0)
			break;
		const char *filter = packet_filter(a, own, n, &all);
		const char *of = n == 1 ? bm_arena_print(a, " packet %llu of %s,",
									  (unsigned long long)own[0], piece->name)
								: bm_arena_print(a, " packets of %s,", piece->name);
		bool ends = all && (told + 1 < BM_LOOKS_MAX || i + n == c->packet_count);
		line[told++] = look(a, of, "its", n == 1 && is_place(out, c->packets[i], &at) ? &at : NULL,
			filter, ends ? "" : ", and later ones");
	}
	return told;
}

size_t
bm_verdict_looks(const struct bm_case *c, const struct bm_connection *conn,
	const struct bm_failure *out, struct bm_arena *a, const char *line[BM_LOOKS_MAX])
{
	unsigned long long at;
	bool all;

	if (c->packet_count == 0)
		return 0;
	if (conn->pieces != NULL)
		return look_at_pieces(c, conn->pieces, out, a, line);
	const char *filter = packet_filter(a, c->packets, c->packet_count, &all);
	line[0] = look(a, "", "the packet's",
		c->packet_count == 1 && is_place(out, c->packets[0], &at) ? &at : NULL, filter,
		all ? "" : ", and later ones");
	return 1;
}
