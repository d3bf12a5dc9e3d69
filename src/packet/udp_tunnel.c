/* Tunnels over UDP: VXLAN, Geneve, GTP-U, Teredo, MPLS, L2TP. A port is only a hint: what does
 * not look like the tunnel is a datagram like any other, since DTLS may run on any port.
 * Refuses to know what goes on inside a tunnel. */
#include "packet/internal.h"

enum {
	PORT_L2TP = 1701,
	PORT_GTPU = 2152,
	PORT_TEREDO = 3544,
	PORT_VXLAN = 4789,
	PORT_VXLAN_GPE = 4790,
	PORT_GENEVE = 6081,
	PORT_MPLS = 6635,
	PORT_VXLAN_LINUX = 8472 /* before the registration */
};

typedef bool tunnel_fn(struct bm_walk *w, enum bm_next *next);

static bool
leads_to(struct bm_walk *w, const struct bm_reader *r, enum bm_next next, enum bm_next *out)
{
	if (r->bad || next >= BM_NEXT_COUNT)
		return false;
	*out = bm_walk_past(w, r, next);
	return true;
}

/* IP whose first nibble and length say so. */
static bool
leads_to_ip(struct bm_walk *w, const struct bm_reader *r, enum bm_next *out)
{
	struct bm_reader ip = *r;
	unsigned version = bm_u8(&ip) >> 4;

	bm_skip(&ip, 1);
	size_t total = bm_u16(&ip);
	size_t payload = bm_u16(&ip);
	if (ip.bad)
		return false;
	size_t rest = w->sent - r->off;
	if (version == 4 && total <= rest)
		return leads_to(w, r, BM_NEXT_IPV4, out);
	if (version == 6 && payload + 40 <= rest)
		return leads_to(w, r, BM_NEXT_IPV6, out);
	return false;
}

/* RFC 7348, section 5. The group policy extension sets the first bit and uses the reserved
 * octets behind the flags; both exclude the content types of a DTLS record. */
static bool
vxlan(struct bm_walk *w, enum bm_next *next)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned flags = bm_u8(&r);

	bm_skip(&r, 3);
	uint32_t vni = bm_u24(&r);
	unsigned reserved = bm_u8(&r);
	if ((flags != 0x08 && flags != 0x88) || reserved != 0)
		return false;
	if (!leads_to(w, &r, BM_NEXT_ETHERNET, next))
		return false;
	w->s.tunnel = vni + 1;
	return true;
}

/* draft-ietf-nvo3-vxlan-gpe, section 3: flags I and P, and a protocol. */
static bool
vxlan_gpe(struct bm_walk *w, enum bm_next *next)
{
	static const enum bm_next carries[] = {
		BM_END_MALFORMED, BM_NEXT_IPV4, BM_NEXT_IPV6, BM_NEXT_ETHERNET};
	struct bm_reader r = bm_reader(w->at);
	unsigned flags = bm_u8(&r), reserved = bm_u16(&r), protocol = bm_u8(&r);
	uint32_t vni = bm_u24(&r);

	bm_skip(&r, 1);
	if (flags != 0x0c || reserved != 0 || protocol >= sizeof carries / sizeof carries[0])
		return false;
	if (!leads_to(w, &r, carries[protocol], next))
		return false;
	w->s.tunnel = vni + 1;
	return true;
}

/* RFC 8926, section 3.4: version 0, six bits reserved in the second octet. */
static bool
geneve(struct bm_walk *w, enum bm_next *next)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned options = bm_u8(&r), flags = bm_u8(&r), protocol = bm_u16(&r);
	uint32_t vni = bm_u24(&r);
	unsigned reserved = bm_u8(&r);

	bm_skip(&r, (size_t)(options & 0x3f) * 4);
	if (options >> 6 != 0 || (flags & 0x3f) != 0 || reserved != 0)
		return false;
	if (!leads_to(w, &r, bm_ethertype(protocol), next))
		return false;
	w->s.tunnel = vni + 1;
	return true;
}

enum { GTPU_EXTENSION = 4, GTPU_SEQUENCE = 2, GTPU_NPDU = 1, GTPU_GPDU = 255 };

/* 3GPP TS 29.281, section 5: version 1, protocol type 1, and a G-PDU. */
static bool
gtpu(struct bm_walk *w, enum bm_next *next)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned flags = bm_u8(&r), type = bm_u8(&r);
	size_t len = bm_u16(&r);

	bm_skip(&r, 4);
	if (r.bad || (flags & 0xf8) != 0x30 || type != GTPU_GPDU || len + 8 != w->sent)
		return false;
	if ((flags & (GTPU_EXTENSION | GTPU_SEQUENCE | GTPU_NPDU)) != 0) {
		bm_skip(&r, 3);
		unsigned extension = bm_u8(&r);
		/* Of four octets or more each, so the datagram's length bounds the walk. */
		while ((flags & GTPU_EXTENSION) != 0 && extension != 0 && !r.bad) {
			size_t words = bm_u8(&r);
			if (words == 0)
				return false;
			bm_skip(&r, words * 4 - 2);
			extension = bm_u8(&r);
		}
	}
	return !r.bad && leads_to_ip(w, &r, next);
}

/* RFC 4380, section 5.1.1: authentication, then origin indication, then IPv6. */
static bool
teredo(struct bm_walk *w, enum bm_next *next)
{
	struct bm_reader r = bm_reader(w->at);
	struct bm_reader probe = r;

	if (bm_u16(&probe) == 0x0001) {
		size_t client = bm_u8(&probe), authentication = bm_u8(&probe);
		bm_skip(&probe, client + authentication + 9);
		r = probe;
	}
	probe = r;
	if (bm_u16(&probe) == 0x0000 && !probe.bad) {
		bm_skip(&probe, 6);
		r = probe;
	}
	probe = r;
	if (bm_u8(&probe) >> 4 != 6)
		return false;
	return leads_to_ip(w, &r, next);
}

/* RFC 7510, section 3: a label stack. */
static bool
mpls(struct bm_walk *w, enum bm_next *next)
{
	struct bm_reader r = bm_reader(w->at);
	struct bm_reader labels = r;
	uint32_t entry;

	do
		entry = bm_u32(&labels);
	while (!labels.bad && (entry & 0x100) == 0);
	struct bm_reader ip = labels;
	unsigned version = bm_u8(&ip) >> 4;
	if (ip.bad || (version != 4 && version != 6))
		return false;
	return leads_to_ip(w, &labels, next);
}

enum {
	L2TP_CONTROL = 0x8000,
	L2TP_LENGTH = 0x4000,
	L2TP_SEQUENCE = 0x0800,
	L2TP_OFFSET = 0x0200,
	L2TP_RESERVED = 0x34f0,
	L2TP_VERSION = 0x000f
};

/* RFC 2661, section 3.1: data messages of version 2, with PPP inside. */
static bool
l2tp(struct bm_walk *w, enum bm_next *next)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned flags = bm_u16(&r);

	if ((flags & (L2TP_CONTROL | L2TP_RESERVED)) != 0 || (flags & L2TP_VERSION) != 2)
		return false;
	if ((flags & L2TP_LENGTH) != 0 && bm_u16(&r) != w->sent)
		return false;
	bm_skip(&r, 4);
	if ((flags & L2TP_SEQUENCE) != 0)
		bm_skip(&r, 4);
	if ((flags & L2TP_OFFSET) != 0)
		bm_skip(&r, bm_u16(&r));
	return leads_to(w, &r, BM_NEXT_PPP, next);
}

static tunnel_fn *
by_port(unsigned port)
{
	switch (port) {
	case PORT_VXLAN:
	case PORT_VXLAN_LINUX:
		return vxlan;
	case PORT_VXLAN_GPE:
		return vxlan_gpe;
	case PORT_GENEVE:
		return geneve;
	case PORT_MPLS:
		return mpls;
	case PORT_GTPU:
		return gtpu;
	case PORT_TEREDO:
		return teredo;
	case PORT_L2TP:
		return l2tp;
	default:
		return NULL;
	}
}

/* The destination port names the tunnel. GTP-U, Teredo and L2TP also answer to whatever
 * port they were called from. */
static tunnel_fn *
by_ports(unsigned src_port, unsigned dst_port)
{
	tunnel_fn *f = by_port(dst_port);

	if (f == NULL && (src_port == PORT_GTPU || src_port == PORT_TEREDO || src_port == PORT_L2TP))
		f = by_port(src_port);
	return f;
}

bool
bm_udp_tunnel_port(unsigned src_port, unsigned dst_port)
{
	return by_ports(src_port, dst_port) != NULL;
}

bool
bm_udp_tunnel(struct bm_walk *w, unsigned src_port, unsigned dst_port, enum bm_next *next)
{
	tunnel_fn *f = by_ports(src_port, dst_port);

	return f != NULL && f(w, next);
}
