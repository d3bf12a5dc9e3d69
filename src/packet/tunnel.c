/* What carries packets or frames over a link or IP: MPLS, PPP, PPPoE, GRE with its relatives,
 * EtherIP. Refuses to know tunnels over UDP and what goes on inside a tunnel. */
#include "packet/internal.h"

static bool
leads_on(enum bm_next next)
{
	return next < BM_NEXT_COUNT;
}

/* Whether an Ethernet header at off would carry something that we know. */
static bool
ethernet_at(const struct bm_walk *w, size_t off)
{
	struct bm_reader r = bm_reader(w->at);

	bm_skip(&r, off + 12);
	unsigned type = bm_u16(&r);
	return !r.bad && leads_on(bm_ethertype(type));
}

/* A label stack does not say what it carries. The first nibble 4 or 6 is IP by
 * agreement (RFC 4928, section 3), unless that nibble begins the address of a pseudowire's
 * Ethernet frame: then the length of the IP header does not fit. 0 is a control word
 * (RFC 4385, section 3), or such an address again. */
static enum bm_next
behind_labels(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned first = bm_u8(&r);

	bm_skip(&r, 1);
	unsigned total = bm_u16(&r);
	unsigned payload = bm_u16(&r);
	if (r.bad)
		return BM_END_MALFORMED;
	bool bridged = ethernet_at(w, 0);
	if (first >> 4 == 4 && !(bridged && total > w->sent))
		return BM_NEXT_IPV4;
	if (first >> 4 == 6 && !(bridged && payload > w->sent))
		return BM_NEXT_IPV6;
	if (first >> 4 == 0 && ethernet_at(w, 4)) {
		bm_walk_skip(w, 4);
		return BM_NEXT_ETHERNET;
	}
	return bridged ? BM_NEXT_ETHERNET : BM_END_NOT_TRANSPORT;
}

/* RFC 3032, section 2.1: one entry; the bit S marks the last one. */
enum bm_next
bm_mpls(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	uint32_t entry = bm_u32(&r);
	enum bm_next next = bm_walk_past(w, &r, BM_NEXT_MPLS);

	if (next != BM_NEXT_MPLS || (entry & 0x100) == 0)
		return next;
	return behind_labels(w);
}

/* RFC 2516, section 4. Only a session's code is 0. */
enum bm_next
bm_pppoe(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned version = bm_u8(&r), code = bm_u8(&r);

	bm_skip(&r, 2);
	unsigned len = bm_u16(&r);
	if (r.bad || version != 0x11)
		return BM_END_MALFORMED;
	if (code != 0)
		return BM_END_NOT_TRANSPORT;
	bm_walk_skip(w, r.off);
	bm_walk_length(w, len);
	return BM_NEXT_PPP;
}

static enum bm_next
ppp_protocol(unsigned protocol)
{
	switch (protocol) {
	case 0x0021:
		return BM_NEXT_IPV4;
	case 0x0057:
		return BM_NEXT_IPV6;
	case 0x0281:
	case 0x0283:
		return BM_NEXT_MPLS;
	default:
		return BM_END_NOT_TRANSPORT;
	}
}

/* RFC 1661, section 2, and RFC 1662, section 3.1: address and control may be left out, and so
 * may the protocol's first octet when it is 0. An odd first octet is the last one. */
enum bm_next
bm_ppp(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	struct bm_reader framed = r;

	if (bm_u16(&framed) == 0xff03 && !framed.bad)
		r = framed;
	unsigned protocol = bm_u8(&r);
	if (protocol % 2 == 0)
		protocol = protocol << 8 | bm_u8(&r);
	return bm_walk_past(w, &r, ppp_protocol(protocol));
}

enum {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080,
	GRE_VERSION = 0x0007
};

enum { TYPE_PPP = 0x880b, TYPE_WCCP = 0x883e, TYPE_ERSPAN = 0x88be, TYPE_ERSPAN_3 = 0x22eb };

/* RFC 2637, section 4.1: a payload only with a sequence number. */
static enum bm_next
enhanced_gre(struct bm_walk *w, struct bm_reader *r, unsigned flags, unsigned type)
{
	unsigned len = bm_u16(r);

	bm_skip(r, 2);
	if ((flags & GRE_SEQUENCE) != 0)
		bm_skip(r, 4);
	if ((flags & GRE_ACK) != 0)
		bm_skip(r, 4);
	if (r->bad || type != TYPE_PPP)
		return BM_END_MALFORMED;
	if ((flags & GRE_SEQUENCE) == 0)
		return BM_END_NOT_TRANSPORT;
	bm_walk_skip(w, r->off);
	if (len < w->sent)
		bm_walk_length(w, len);
	return BM_NEXT_PPP;
}

/* A mirrored frame: type I has no header of its own (and GRE no sequence number), II has 8
 * octets, III has 12 and eight more when the last bit is set
 * (draft-foschiano-erspan, sections 4.1 to 4.3). */
static enum bm_next
erspan(struct bm_walk *w, struct bm_reader *r, unsigned flags, unsigned type)
{
	if (type == TYPE_ERSPAN_3) {
		bm_skip(r, 11);
		if ((bm_u8(r) & 1) != 0)
			bm_skip(r, 8);
	} else if ((flags & GRE_SEQUENCE) != 0) {
		bm_skip(r, 8);
	}
	return bm_walk_past(w, r, BM_NEXT_ETHERNET);
}

/* Redirected IP; version 2 puts four octets in front that cannot be an IP header. */
static enum bm_next
wccp(struct bm_walk *w, struct bm_reader *r)
{
	struct bm_reader probe = *r;

	if (bm_u8(&probe) >> 4 != 4)
		bm_skip(r, 4);
	return bm_walk_past(w, r, BM_NEXT_IPV4);
}

/* RFC 2784, section 2, with RFC 2890, section 2. */
enum bm_next
bm_gre(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned flags = bm_u16(&r), type = bm_u16(&r);

	if (!r.bad && (flags & GRE_VERSION) == 1)
		return enhanced_gre(w, &r, flags, type);
	if ((flags & GRE_VERSION) != 0)
		return BM_END_MALFORMED;
	if ((flags & GRE_ROUTING) != 0) /* RFC 1701: a route that nobody uses */
		return BM_END_NOT_TRANSPORT;
	if ((flags & GRE_CHECKSUM) != 0)
		bm_skip(&r, 4);
	if ((flags & GRE_KEY) != 0)
		bm_skip(&r, 4);
	if ((flags & GRE_SEQUENCE) != 0)
		bm_skip(&r, 4);
	if (type == TYPE_ERSPAN || type == TYPE_ERSPAN_3)
		return erspan(w, &r, flags, type);
	if (type == TYPE_WCCP)
		return wccp(w, &r);
	return bm_walk_past(w, &r, bm_ethertype(type));
}

/* RFC 3378, section 3: version 3, twelve bits reserved. */
enum bm_next
bm_etherip(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned version = bm_u16(&r);

	if (version != 0x3000)
		return BM_END_MALFORMED;
	return bm_walk_past(w, &r, BM_NEXT_ETHERNET);
}
