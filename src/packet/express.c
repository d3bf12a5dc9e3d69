/* The short way for the shape that nearly every frame has: Ethernet with at most one VLAN tag, an
 * IP header without options, extensions or fragments, TCP. It says what the walk from header to
 * header says, at once. Refuses to know any other shape: those are left to the walk, untouched. */
#include "packet/internal.h"

enum {
	LINK_ETHERNET = 1,
	ETHERNET = 14,
	TAG = 4,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	IPV4_HEADER = 20,
	IPV4_FRAGMENT = 0x3fff, /* more of them, or an offset */
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	SHORTEST = ETHERNET + IPV4_HEADER + TCP_HEADER
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
	size_t sent = bm_load16(p + 4);

	if (n < IPV6_HEADER || p[0] >> 4 != 6 || p[6] != BM_TCP || sent < TCP_HEADER ||
		!place_tcp(at, off + IPV6_HEADER, n - IPV6_HEADER, sent))
		return false;
	s->ttl = p[7];
	s->src.family = s->dst.family = 6;
	memcpy(s->src.ip, p + 8, 16);
	memcpy(s->dst.ip, p + 24, 16);
	return true;
}

bool
bm_express(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s)
{
	const uint8_t *p = f->data.p;
	size_t n = f->data.n, off = ETHERNET;
	struct place at;

	if (f->link_type != LINK_ETHERNET || n < SHORTEST || n > UINT32_MAX)
		return false;
	unsigned type = bm_load16(p + 12);
	if (type == ETHERTYPE_VLAN) {
		type = bm_load16(p + 16);
		off += TAG;
	}
	if (type == ETHERTYPE_IPV4 ? !ipv4(p + off, n - off, off, s, &at)
							   : type != ETHERTYPE_IPV6 || !ipv6(p + off, n - off, off, s, &at))
		return false;

	struct bm_view segment = bm_view(p + at.off, at.captured);
	size_t header = bm_tcp_fields(s, segment.p);
	if (header < TCP_HEADER || header > at.sent)
		return false;
	s->direction = f->direction;
	s->tunnel = 0;
	s->packet = f->number;
	s->ts_ns = f->ts_ns;
	s->stable = f->stable;
	bm_judge(s, segment, at.sent);
	size_t captured = header < at.captured ? header : at.captured;
	s->transport_header = bm_view(segment.p, captured);
	s->payload = bm_view(segment.p + captured, at.captured - captured);
	s->payload_len = (uint32_t)(at.sent - header);
	d->pieces[0] = (struct bm_piece){
		.len = (uint32_t)s->payload.n,
		.packet = f->number,
		.packet_off = (uint32_t)(at.off + captured),
	};
	s->pieces = d->pieces;
	s->piece_count = 1;
	return true;
}
