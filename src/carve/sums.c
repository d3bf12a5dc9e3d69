/* Lengths and checksums of frames that were changed. Refuses to know why they were. */
#include "carve/internal.h"

#include <stdlib.h>

enum {
	TCP_SUM = 16,
	UDP_SUM = 6,
	UDP_LENGTH = 4,
	IP_MOST = 65535,
	NULL_LINK = 0,
	ETHERNET = 1,
	RAW = 101,
	LOOP = 108,
	SLL = 113,
	RAW4 = 228,
	RAW6 = 229,
	SLL2 = 276
};

/* Where the IP header stands when nothing but a link header of known length is in front of it: no
 * tunnel, whose lengths would have to be changed as well. */
static bool
ip_behind_link(const struct frame *f, size_t *at)
{
	struct bm_reader r = bm_reader(bm_view(f->bytes, f->n));
	unsigned type = 0x0800;

	switch (f->link_type) {
	case NULL_LINK:
	case LOOP:
		bm_skip(&r, 4);
		break;
	case RAW:
	case RAW4:
	case RAW6:
		break;
	case ETHERNET:
		bm_skip(&r, 12);
		type = bm_u16(&r);
		while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
			bm_skip(&r, 2);
			type = bm_u16(&r);
		}
		break;
	case SLL:
		bm_skip(&r, 14);
		type = bm_u16(&r);
		break;
	case SLL2:
		type = bm_u16(&r);
		bm_skip(&r, 18);
		break;
	default:
		return false;
	}
	*at = r.off;
	return !r.bad && (type == 0x0800 || type == 0x86dd);
}

/* The IP header, if TCP or UDP follows it at once. */
static bool
find_ip(const struct frame *f, const struct part *p, size_t *at)
{
	if (p->header_len == 0 || !ip_behind_link(f, at) || *at >= f->n)
		return false;
	uint8_t first = f->bytes[*at];
	size_t len = first >> 4 == 4 ? (size_t)(first & 15) * 4 : first >> 4 == 6 ? 40 : 0;
	return len >= 20 && *at + len == p->header_off;
}

static size_t
ip_length(const struct frame *f, size_t at)
{
	return f->bytes[at] >> 4 == 4 ? bm_load16(f->bytes + at + 2)
								  : 40u + bm_load16(f->bytes + at + 4);
}

bool
can_lengthen(const struct bm_carve *c, const struct part *p, int64_t longer)
{
	const struct frame *f = &c->frames[p->frame];
	size_t at;

	if (p->run_count != 1 || p->runs[0].frame != p->frame || p->header_frame != p->frame ||
		p->payload_n != p->payload_len || p->runs[0].len != p->payload_n || !find_ip(f, p, &at))
		return false;
	/* The length of what a network card was to cut up is 0. */
	int64_t total = (int64_t)ip_length(f, at);
	return total == (int64_t)(p->runs[0].off + p->payload_len - at) && total + longer <= IP_MOST;
}

static void
put_ip_length(struct frame *f, size_t at, int64_t longer)
{
	uint8_t *ip = f->bytes + at;

	if (ip[0] >> 4 == 6) {
		bm_store16(ip + 4, (unsigned)((int64_t)bm_load16(ip + 4) + longer));
		return;
	}
	struct bm_view header = bm_view(ip, (size_t)(ip[0] & 15) * 4);
	bool right = bm_sum16_fold(bm_sum16(0, header, false)) == 0xffff;
	bm_store16(ip + 2, (unsigned)((int64_t)bm_load16(ip + 2) + longer));
	/* One that the network card was still to make stays as it is. */
	if (!right)
		return;
	bm_store16(ip + 10, 0);
	bm_store16(ip + 10, (uint16_t)~bm_sum16_fold(bm_sum16(0, header, false)));
}

bool
lengthen(struct bm_carve *c, struct part *p, struct bm_view payload)
{
	struct frame *f = &c->frames[p->frame];
	int64_t longer = (int64_t)payload.n - (int64_t)p->payload_len;
	size_t at, start = p->runs[0].off, behind = f->n - start - p->payload_n;

	if (!can_lengthen(c, p, longer) || !find_ip(f, p, &at))
		return false;
	uint8_t *bytes = malloc(start + payload.n + behind + 1);
	if (bytes == NULL) {
		c->nomem = true;
		return false;
	}
	memcpy(bytes, f->bytes, start);
	if (payload.n != 0)
		memcpy(bytes + start, payload.p, payload.n);
	memcpy(bytes + start + payload.n, f->bytes + start + p->payload_n, behind);
	free(f->bytes);
	f->bytes = bytes;
	f->n = start + payload.n + behind;
	f->wire_len = (uint32_t)((int64_t)f->wire_len + longer);
	put_ip_length(f, at, longer);
	if (c->items[p->connection - 1].talk->transport == BM_UDP)
		bm_store16(f->bytes + p->header_off + UDP_LENGTH,
			(unsigned)((int64_t)bm_load16(f->bytes + p->header_off + UDP_LENGTH) + longer));
	p->payload_n = p->payload_len = p->runs[0].len = (uint32_t)payload.n;
	return true;
}

bool
part_sum(struct bm_carve *c, const struct part *p, int64_t longer)
{
	bool udp = c->items[p->connection - 1].talk->transport == BM_UDP;
	size_t field = udp ? UDP_SUM : TCP_SUM;

	size_t len = 0;
	for (size_t k = 0; k < p->run_count; k++)
		len += p->runs[k].len;
	if (p->header_len < field + 2 || p->payload_n != p->payload_len || len != p->payload_n)
		return false;
	uint8_t *header = c->frames[p->header_frame].bytes + p->header_off;
	/* UDP may be without one (RFC 768). */
	if (udp && bm_load16(header + field) == 0)
		return true;
	/* The length is in the pseudo-header; a negative difference in ones' complement. */
	uint64_t sum = p->pseudo_sum + (uint64_t)(longer >= 0 ? longer : 0xffff + longer);
	bm_store16(header + field, 0);
	sum = bm_sum16(sum, bm_view(header, p->header_len), false);
	for (size_t k = 0; k < p->run_count; k++) {
		const struct run *r = &p->runs[k];
		sum = bm_sum16_fold(sum);
		sum = bm_sum16(sum, bm_view(c->frames[r->frame].bytes + r->off, r->len),
			((p->header_len + r->payload_off) & 1) != 0);
	}
	uint16_t folded = (uint16_t)~bm_sum16_fold(sum);
	bm_store16(header + field, udp && folded == 0 ? 0xffff : folded);
	return true;
}
