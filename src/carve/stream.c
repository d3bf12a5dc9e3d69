/* Octets of streams, put together from the frames that carry them. Refuses to know what they are.
 */
#include "carve/internal.h"

bool
part_octets(const struct bm_carve *c, const struct part *p, uint32_t off, size_t n, uint8_t *out)
{
	for (size_t k = 0; k < p->run_count && n != 0; k++) {
		const struct run *r = &p->runs[k];
		if (off < r->payload_off || off - r->payload_off >= r->len)
			continue;
		uint32_t skip = off - r->payload_off;
		size_t run = r->len - skip < n ? r->len - skip : n;
		memcpy(out, c->frames[r->frame].bytes + r->off + skip, run);
		out += run;
		off += (uint32_t)run;
		n -= run;
	}
	return n == 0;
}

/* Is there an octet of the stream here? */
static bool
covers(const struct part *p, int64_t at)
{
	return at >= p->at && at - p->at < p->payload_n;
}

static bool
copy_octets(const struct bm_carve *c, const struct item *item, unsigned way, int64_t at, size_t n,
	bool with_bad_sums, uint8_t *out)
{
	for (size_t i = 0; i < item->talk->n && n != 0; i++) {
		const struct part *p = &item->talk->parts[i];
		if (p->connection != (size_t)(item - c->items) + 1 || p->way != way || !covers(p, at) ||
			(p->checksum == BM_CHECKSUM_INVALID && !with_bad_sums))
			continue;
		size_t left = p->payload_n - (size_t)(at - p->at), run = left < n ? left : n;
		if (!part_octets(c, p, (uint32_t)(at - p->at), run, out))
			continue;
		out += run;
		at += (int64_t)run;
		n -= run;
		/* What comes next may have been captured earlier. */
		i = SIZE_MAX;
	}
	return n == 0;
}

/* Copies that TCP dropped for their checksum count where there is no other: some receivers, and
 * some captures, know no checksums. */
bool
stream_octets(const struct bm_carve *c, const struct item *item, unsigned way, uint64_t off,
	size_t n, uint8_t *out)
{
	if (off > INT64_MAX - n)
		return false;
	return copy_octets(c, item, way, (int64_t)off, n, false, out) ||
		   copy_octets(c, item, way, (int64_t)off, n, true, out);
}

int64_t
moved(const struct item *item, unsigned way, int64_t at)
{
	int64_t by = 0;

	for (size_t i = 0; i < item->edit_count[way]; i++) {
		const struct edit *e = &item->edits[way][i];
		int64_t off = (int64_t)e->off, end = off + (int64_t)e->n;
		int64_t longer = (int64_t)e->sent.n - (int64_t)e->n;
		bool behind = e->n != 0 || e->at_end ? at >= end : at > off;
		if (longer == 0)
			continue;
		if (behind)
			by += longer;
		else if (at > off)
			by += off + (int64_t)e->sent.n - at; /* inside what goes away */
	}
	return at + by;
}
