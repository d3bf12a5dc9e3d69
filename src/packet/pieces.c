/* Where a run of bytes stands in the frames it came from. Refuses to know what the bytes are. */
#include "packet/internal.h"

static void
put(const struct bm_piece *p, size_t skip, size_t len, size_t payload_off, struct bm_piece *out)
{
	*out = (struct bm_piece){
		.payload_off = (uint32_t)payload_off,
		.len = (uint32_t)len,
		.packet = p->packet,
		.packet_off = (uint32_t)(p->packet_off + skip),
	};
}

size_t
bm_source_map(const struct bm_source *from, size_t off, size_t len, uint32_t payload_off,
	struct bm_piece *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < from->count; i++) {
		const struct bm_piece *p = &from->pieces[i];
		size_t end = (size_t)p->payload_off + p->len;
		/* An empty range at the very end still belongs to the last piece. */
		bool last = i + 1 == from->count;
		if (off < p->payload_off || off > end || (off == end && !(last && len == 0 && n == 0)))
			continue;
		size_t run = end - off < len ? end - off : len;
		if (n < max)
			put(p, off - p->payload_off, run, payload_off, &out[n]);
		n++;
		off += run;
		len -= run;
		payload_off += (uint32_t)run;
		if (len == 0)
			break;
	}
	return n;
}
