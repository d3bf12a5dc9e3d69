/* IPv4 and IPv6 headers, extension headers, and the protocols behind them.
 * Refuses to know ports and how fragments become datagrams. */
#include "packet/internal.h"

/* Assigned Internet Protocol Numbers. */
enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_IPV4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_DESTINATION = 60,
	PROTO_ETHERIP = 97,
	PROTO_MOBILITY = 135,
	PROTO_MPLS = 137,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
	PROTO_ETHERNET = 143
};

/* Extension headers belong to IPv6, but for AH. */
static enum bm_next
protocol_next(unsigned protocol, unsigned family)
{
	switch (protocol) {
	case PROTO_TCP:
		return BM_NEXT_TCP;
	case PROTO_UDP:
		return BM_NEXT_UDP;
	case PROTO_IPV4:
		return BM_NEXT_IPV4;
	case PROTO_IPV6:
		return BM_NEXT_IPV6;
	case PROTO_GRE:
		return BM_NEXT_GRE;
	case PROTO_AH:
		return BM_NEXT_AH;
	case PROTO_ETHERIP:
		return BM_NEXT_ETHERIP;
	case PROTO_MPLS:
		return BM_NEXT_MPLS;
	case PROTO_ETHERNET: /* RFC 8986, section 9 */
		return BM_NEXT_ETHERNET;
	default:
		break;
	}
	if (family != 6)
		return BM_END_NOT_TRANSPORT;
	switch (protocol) {
	case PROTO_HOP_BY_HOP:
	case PROTO_DESTINATION:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return BM_NEXT_IPV6_OPTIONS;
	case PROTO_ROUTING:
		return BM_NEXT_IPV6_ROUTING;
	case PROTO_FRAGMENT:
		return BM_NEXT_IPV6_FRAGMENT;
	default:
		return BM_END_NOT_TRANSPORT;
	}
}

/* Of what is known to lead nowhere no fragments are kept. */
static enum bm_next
fragment(struct bm_walk *w, const struct bm_fragment_header *h)
{
	unsigned family = w->s.dst.family;
	unsigned protocol;

	if (protocol_next(h->protocol, family) == BM_END_NOT_TRANSPORT)
		return BM_END_NOT_TRANSPORT;
	if (w->d->apart)
		return BM_END_LATER;
	if (!bm_fragment(w, h, &protocol))
		return BM_END_FRAGMENT;
	return protocol_next(protocol, family);
}

enum bm_next
bm_ip(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);

	switch (bm_u8(&r) >> 4) {
	case 4:
		return BM_NEXT_IPV4;
	case 6:
		return BM_NEXT_IPV6;
	default:
		return BM_END_MALFORMED;
	}
}

static void
set_address(struct bm_address *a, unsigned family, struct bm_view ip)
{
	memset(a, 0, sizeof *a);
	a->family = (uint8_t)family;
	if (ip.n != 0)
		memcpy(a->ip, ip.p, ip.n);
}

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_LSRR = 131, OPTION_SSRR = 137 };

/* RFC 9293, section 3.1, takes the addresses of the pseudo-header from the ends of the way:
 * with a source route that is not used up, the last address in it is the destination
 * (RFC 791, section 3.1). Each option has at least one octet, so this is short. */
static void
source_route(struct bm_walk *w, struct bm_view options)
{
	struct bm_reader r = bm_reader(options);

	while (bm_left(&r) != 0) {
		unsigned kind = bm_u8(&r);
		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		size_t len = bm_u8(&r);
		if (len < 2)
			return;
		struct bm_view body = bm_take(&r, len - 2);
		if (kind != OPTION_LSRR && kind != OPTION_SSRR)
			continue;
		/* body: pointer, then addresses */
		if (body.n >= 5 && body.p[0] >= 4 && body.p[0] <= len)
			set_address(&w->s.dst, 4, bm_view(body.p + body.n - 4, 4));
		return;
	}
}

enum { IPV4_MIN = 20, MORE_FRAGMENTS = 0x2000, OFFSET_MASK = 0x1fff };

/* RFC 791, section 3.1. The header checksum is not asked: network cards fill it in, and the
 * pseudo-header covers what matters. */
enum bm_next
bm_ipv4(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned first = bm_u8(&r);

	bm_skip(&r, 1);
	size_t total = bm_u16(&r);
	struct bm_fragment_header h = {.id = bm_u16(&r)};
	unsigned flags = bm_u16(&r);
	w->s.ttl = bm_u8(&r);
	h.protocol = bm_u8(&r);
	bm_skip(&r, 2);
	struct bm_view src = bm_take(&r, 4);
	struct bm_view dst = bm_take(&r, 4);
	size_t header = (size_t)(first & 15) * 4;
	if (r.bad || first >> 4 != 4 || header < IPV4_MIN)
		return BM_END_MALFORMED;
	struct bm_view options = bm_take(&r, header - IPV4_MIN);
	/* 0: longer than the field can tell, or left to the card that will segment it. */
	if (total == 0)
		total = w->sent;
	if (r.bad || total < header)
		return BM_END_MALFORMED;
	set_address(&w->s.src, 4, src);
	set_address(&w->s.dst, 4, dst);
	source_route(w, options);
	bm_walk_length(w, total);
	bm_walk_skip(w, header);

	h.off = (uint32_t)(flags & OFFSET_MASK) * 8;
	h.more = (flags & MORE_FRAGMENTS) != 0;
	if (h.off != 0 || h.more)
		return fragment(w, &h);
	return protocol_next(h.protocol, 4);
}

enum { IPV6_HEADER = 40 };

/* RFC 8200, section 3. */
enum bm_next
bm_ipv6(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned version = bm_u8(&r) >> 4;

	bm_skip(&r, 3);
	size_t payload = bm_u16(&r);
	unsigned next = bm_u8(&r);
	w->s.ttl = bm_u8(&r);
	struct bm_view src = bm_take(&r, 16);
	struct bm_view dst = bm_take(&r, 16);
	if (r.bad || version != 6)
		return BM_END_MALFORMED;
	set_address(&w->s.src, 6, src);
	set_address(&w->s.dst, 6, dst);
	/* 0: a jumbogram, whose option tells no more than the frame does (RFC 2675), or a packet
	 * that a card will segment. */
	if (payload != 0)
		bm_walk_length(w, IPV6_HEADER + payload);
	bm_walk_skip(w, IPV6_HEADER);
	return protocol_next(next, 6);
}

/* RFC 8200, sections 4.3 and 4.6: a length in units of eight octets, the first not counted. */
enum bm_next
bm_ipv6_options(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned next = bm_u8(&r);

	bm_skip(&r, (size_t)bm_u8(&r) * 8 + 6);
	return bm_walk_past(w, &r, protocol_next(next, 6));
}

enum { ROUTING_SOURCE = 0, ROUTING_MOBILE = 2, ROUTING_SEGMENTS = 4 };

/* RFC 8200, sections 4.4 and 8.1: while segments are left, the destination that the
 * pseudo-header means is the last one: at the end of the list for types 0 (RFC 2460,
 * section 4.4) and 2 (RFC 6275, section 6.4), at its start for type 4 (RFC 8754, section 2). */
enum bm_next
bm_ipv6_routing(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned next = bm_u8(&r);
	size_t units = bm_u8(&r);
	unsigned type = bm_u8(&r), left = bm_u8(&r);

	bm_skip(&r, 4);
	struct bm_view list = bm_take(&r, units * 8);
	if (r.bad)
		return BM_END_MALFORMED;
	if (left != 0 && list.n >= 16) {
		size_t last = (list.n / 16 - 1) * 16;
		if (type == ROUTING_SOURCE || type == ROUTING_MOBILE)
			set_address(&w->s.dst, 6, bm_view(list.p + last, 16));
		else if (type == ROUTING_SEGMENTS)
			set_address(&w->s.dst, 6, bm_view(list.p, 16));
	}
	return bm_walk_past(w, &r, protocol_next(next, 6));
}

/* RFC 8200, section 4.5. A fragment that is whole is no fragment (RFC 6946). */
enum bm_next
bm_ipv6_fragment(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	struct bm_fragment_header h = {.protocol = bm_u8(&r)};

	bm_skip(&r, 1);
	unsigned flags = bm_u16(&r);
	h.id = bm_u32(&r);
	h.off = flags & 0xfff8;
	h.more = (flags & 1) != 0;
	if (r.bad)
		return BM_END_MALFORMED;
	bm_walk_skip(w, r.off);
	if (h.off == 0 && !h.more)
		return protocol_next(h.protocol, 6);
	return fragment(w, &h);
}

/* RFC 4302, section 2.2: a length in units of four octets, two not counted. */
enum bm_next
bm_ah(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned next = bm_u8(&r);

	bm_skip(&r, (size_t)bm_u8(&r) * 4 + 6);
	return bm_walk_past(w, &r, protocol_next(next, w->s.dst.family));
}
