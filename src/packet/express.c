/* The short way for the shape that nearly every frame has: Ethernet with at most one VLAN tag, what
 * Linux writes for all interfaces together, or no link header; an IP header without options,
 * extensions or fragments; TCP. It says what the walk from header to header says, at once. Refuses
 * to know any other shape: those are left to the walk, untouched. */
#include "packet/internal.h"

enum {
	LINK_ETHERNET = 1,
	LINK_RAW = 101,
	LINK_LINUX_SLL = 113,
	LINK_LINUX_SLL2 = 276,
	ETHERNET = 14,
	SLL = 16,
	SLL2 = 20,
	TAG = 4,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	IPV4_HEADER = 20,
	IPV4_FRAGMENT = 0x3fff, /* more of them, or an offset */
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	SHORTEST = IPV4_HEADER + TCP_HEADER /* of everything; any link header is shorter */
};

/* Where the TCP segment stands in the frame, and how long it was when sent. */
struct place {
	size_t off, captured, sent;
};

/* Of the n octets behind the IP header the datagram has `sent`; the rest is padding, or cut off. */
static bool
place_tcp(struct place *at, size_t off, size_t n, size_t sent)
{
	*at = (struct place){off, n < sent ? n : sent, sent};
	return at->captured >= TCP_HEADER;
}

static void
ipv4_address(struct bm_address *a, const uint8_t *p)
{
	memcpy(a->ip, p, 4);
	memset(a->ip + 4, 0, sizeof a->ip - 4);
	a->family = 4;
}

static bool
ipv4(const uint8_t *p, size_t n, size_t off, struct bm_segment *s, struct place *at)
{
	if (n < IPV4_HEADER)
		return false;
	size_t total = bm_load16(p + 2);
	if (p[0] != 0x45 || (bm_load16(p + 6) & IPV4_FRAGMENT) != 0 || p[9] != BM_TCP ||
		total < IPV4_HEADER + TCP_HEADER ||
		!place_tcp(at, off + IPV4_HEADER, n - IPV4_HEADER, total - IPV4_HEADER))
		return false;
	s->ttl = p[8];
	ipv4_address(&s->src, p + 12);
	ipv4_address(&s->dst, p + 16);
	return true;
}

static bool
ipv6(const uint8_t *p, size_t n, size_t off, struct bm_segment *s, struct place *at)
{
	if (n < IPV6_HEADER)
		return false;
	size_t sent = bm_load16(p + 4);
	if (p[0] >> 4 != 6 || p[6] != BM_TCP || sent < TCP_HEADER ||
		!place_tcp(at, off + IPV6_HEADER, n - IPV6_HEADER, sent))
		return false;
	s->ttl = p[7];
	s->src.family = s->dst.family = 6;
	memcpy(s->src.ip, p + 8, 16);
	memcpy(s->dst.ip, p + 24, 16);
	return true;
}

/* The EtherType and where what it stands for begins; 0: not here. The frame has SHORTEST octets. */
static unsigned
link_header(const struct bm_frame *f, size_t *off, enum bm_frame_direction *direction)
{
	const uint8_t *p = f->data.p;

	*direction = f->direction;
	switch (f->link_type) {
	case LINK_ETHERNET: {
		unsigned type = bm_load16(p + 12);
		*off = ETHERNET;
		if (type != ETHERTYPE_VLAN)
			return type;
		*off += TAG;
		return bm_load16(p + 16);
	}
	case LINK_RAW:
		*off = 0;
		return p[0] >> 4 == 4 ? ETHERTYPE_IPV4 : p[0] >> 4 == 6 ? ETHERTYPE_IPV6 : 0;
	case LINK_LINUX_SLL:
		*off = SLL;
		*direction = bm_sll_direction(f->direction, bm_load16(p));
		return bm_load16(p + 14);
	case LINK_LINUX_SLL2:
		*off = SLL2;
		*direction = bm_sll_direction(f->direction, p[10]);
		return bm_load16(p);
	default:
		return 0;
	}
}

bool
bm_express(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s)
{
	const uint8_t *p = f->data.p;
	size_t n = f->data.n, off = 0;
	struct place at;

	if (n < SHORTEST || n > UINT32_MAX)
		return false;
	unsigned type = link_header(f, &off, &s->direction);
	if (type == ETHERTYPE_IPV4 ? !ipv4(p + off, n - off, off, s, &at)
							   : type != ETHERTYPE_IPV6 || !ipv6(p + off, n - off, off, s, &at))
		return false;

	struct bm_view segment = bm_view(p + at.off, at.captured);
	size_t header = bm_tcp_fields(s, segment.p);
	if (header < TCP_HEADER || header > at.sent)
		return false;
	s->tunnel = 0;
	s->packet = f->number;
	s->ts_ns = f->ts_ns;
	s->home = f->home;
	bm_judge(s, segment, at.sent);
	size_t captured = header < at.captured ? header : at.captured;
	s->transport_header = bm_view(segment.p, captured);
	s->payload = bm_view(segment.p + captured, at.captured - captured);
	s->payload_len = (uint32_t)(at.sent - header);
	if (s->home != NULL)
		s->home += at.off + captured;
	d->pieces[0] = (struct bm_piece){
		.len = (uint32_t)s->payload.n,
		.packet = f->number,
		.packet_off = (uint32_t)(at.off + captured),
	};
	s->pieces = d->pieces;
	s->piece_count = 1;
	return true;
}
