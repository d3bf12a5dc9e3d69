/* Link layers: from the link type of the capture, or an EtherType, to what stands behind the
 * header. Refuses to know addresses: who spoke is what the IP header says. */
#include "packet/internal.h"

/* LINKTYPE_ values, as registered at https://www.tcpdump.org/linktypes.html. DLT_RAW has a
 * number of its own in some systems (12, 14), and files are found that carry it. */
enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_PPP_HDLC = 50,
	LINK_PPP_ETHER = 51,
	LINK_RAW = 101,
	LINK_C_HDLC = 104,
	LINK_IEEE802_11 = 105,
	LINK_LOOP = 108,
	LINK_LINUX_SLL = 113,
	LINK_RADIOTAP = 127,
	LINK_PPP_WITH_DIR = 204,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_LINUX_SLL2 = 276
};

enum { ETHERTYPE_MIN = 1536, LENGTH_MAX = 1500 };

enum bm_next
bm_ethertype(unsigned type)
{
	switch (type) {
	case 0x0800:
		return BM_NEXT_IPV4;
	case 0x86dd:
		return BM_NEXT_IPV6;
	case 0x8100: /* IEEE 802.1Q */
	case 0x88a8: /* IEEE 802.1ad */
	case 0x9100: /* before it was standardised */
	case 0x9200:
	case 0x9300:
		return BM_NEXT_VLAN;
	case 0x8847:
	case 0x8848:
		return BM_NEXT_MPLS;
	case 0x8863: /* discovery: goes no further than the header */
	case 0x8864:
		return BM_NEXT_PPPOE;
	case 0x880b:
		return BM_NEXT_PPP;
	case 0x6558: /* Transparent Ethernet Bridging */
		return BM_NEXT_ETHERNET;
	case 0x8926: /* VN-Tag */
		return BM_NEXT_VNTAG;
	case 0x893f: /* IEEE 802.1BR */
		return BM_NEXT_ETAG;
	case 0x8909: /* Cisco MetaData */
		return BM_NEXT_CISCO_METADATA;
	case 0x88e7: /* IEEE 802.1ah */
		return BM_NEXT_ITAG;
	default:
		return BM_END_NOT_TRANSPORT;
	}
}

/* A type, or the length of an IEEE 802.2 frame (IEEE 802.3, clause 3.2.6). */
static enum bm_next
type_or_length(struct bm_walk *w, const struct bm_reader *r, unsigned type)
{
	if (r->bad || type >= ETHERTYPE_MIN)
		return bm_walk_past(w, r, bm_ethertype(type));
	if (type > LENGTH_MAX)
		return BM_END_MALFORMED;
	bm_walk_skip(w, r->off);
	bm_walk_length(w, type);
	return BM_NEXT_LLC;
}

enum bm_next
bm_ethernet(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);

	bm_skip(&r, 12);
	return type_or_length(w, &r, bm_u16(&r));
}

/* A tag whose last two octets are the type of what follows. */
static enum bm_next
tag(struct bm_walk *w, size_t before_type)
{
	struct bm_reader r = bm_reader(w->at);

	bm_skip(&r, before_type);
	return type_or_length(w, &r, bm_u16(&r));
}

enum bm_next
bm_vlan(struct bm_walk *w)
{
	return tag(w, 2);
}

enum bm_next
bm_vntag(struct bm_walk *w)
{
	return tag(w, 4);
}

enum bm_next
bm_etag(struct bm_walk *w)
{
	return tag(w, 6);
}

/* Version and length, then one option: the security group tag. */
enum bm_next
bm_cisco_metadata(struct bm_walk *w)
{
	return tag(w, 6);
}

/* Four octets with the I-SID, then the customer's frame. */
enum bm_next
bm_itag(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);

	bm_skip(&r, 4);
	return bm_walk_past(w, &r, BM_NEXT_ETHERNET);
}

/* IEEE 802.2; with SNAP an EtherType follows (RFC 1042). */
enum bm_next
bm_llc(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned dsap = bm_u8(&r), ssap = bm_u8(&r), control = bm_u8(&r);

	if (r.bad)
		return BM_END_MALFORMED;
	if (dsap == 0x06 && ssap == 0x06 && control == 0x03)
		return bm_walk_past(w, &r, BM_NEXT_IPV4);
	if (dsap != 0xaa || ssap != 0xaa || control != 0x03)
		return BM_END_NOT_TRANSPORT;
	uint32_t oui = bm_u24(&r);
	unsigned type = bm_u16(&r);
	/* 00-00-f8 was used by bridges for the same purpose (IEEE 802.1H). */
	if (!r.bad && oui != 0 && oui != 0x0000f8)
		return BM_END_NOT_TRANSPORT;
	return bm_walk_past(w, &r, bm_ethertype(type));
}

/* An address family in the byte order of whoever captured; that of IPv6 differs from one
 * system to the next. */
static enum bm_next
loopback(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	uint32_t family = bm_u32(&r);

	if ((family & 0xffffff) == 0)
		family >>= 24;
	switch (family) {
	case 2:
		return bm_walk_past(w, &r, BM_NEXT_IPV4);
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD, Npcap */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return bm_walk_past(w, &r, BM_NEXT_IPV6);
	default:
		return r.bad ? BM_END_MALFORMED : BM_END_NOT_TRANSPORT;
	}
}

static enum bm_next
sll_protocol(struct bm_walk *w, const struct bm_reader *r, unsigned type, unsigned protocol)
{
	if (r->bad)
		return BM_END_MALFORMED;
	w->s.direction = bm_sll_direction(w->s.direction, type);
	if (protocol == 4) /* ETH_P_802_2 */
		return bm_walk_past(w, r, BM_NEXT_LLC);
	return bm_walk_past(w, r, bm_ethertype(protocol));
}

static enum bm_next
sll(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned type = bm_u16(&r);

	bm_skip(&r, 12);
	return sll_protocol(w, &r, type, bm_u16(&r));
}

static enum bm_next
sll2(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned protocol = bm_u16(&r);

	bm_skip(&r, 8);
	unsigned type = bm_u8(&r);
	bm_skip(&r, 9);
	return sll_protocol(w, &r, type, protocol);
}

/* Cisco's framing: address, control, EtherType. */
static enum bm_next
cisco_hdlc(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);

	bm_skip(&r, 2);
	return bm_walk_past(w, &r, bm_ethertype(bm_u16(&r)));
}

/* RFC 1662, section 3.1, where the address octet is 0xff; else Cisco's framing. */
static enum bm_next
ppp_hdlc(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned address = bm_u8(&r);

	if (address == 0x0f || address == 0x8f)
		return cisco_hdlc(w);
	return r.bad ? BM_END_MALFORMED : BM_NEXT_PPP;
}

/* One octet in front: 0 received, else sent. */
static enum bm_next
ppp_with_direction(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned sent = bm_u8(&r);

	if (w->s.direction == BM_FRAME_UNKNOWN)
		w->s.direction = sent == 0 ? BM_FRAME_INBOUND : BM_FRAME_OUTBOUND;
	return bm_walk_past(w, &r, BM_NEXT_PPP);
}

enum bm_next
bm_link(struct bm_walk *w, uint32_t link_type)
{
	switch (link_type) {
	case LINK_ETHERNET:
		return BM_NEXT_ETHERNET;
	case LINK_NULL:
	case LINK_LOOP:
		return loopback(w);
	case LINK_LINUX_SLL:
		return sll(w);
	case LINK_LINUX_SLL2:
		return sll2(w);
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
		return BM_NEXT_IP;
	case LINK_IPV4:
		return BM_NEXT_IPV4;
	case LINK_IPV6:
		return BM_NEXT_IPV6;
	case LINK_PPP:
		return BM_NEXT_PPP;
	case LINK_PPP_HDLC:
		return ppp_hdlc(w);
	case LINK_PPP_WITH_DIR:
		return ppp_with_direction(w);
	case LINK_PPP_ETHER:
		return BM_NEXT_PPPOE;
	case LINK_C_HDLC:
		return cisco_hdlc(w);
	case LINK_IEEE802_11:
		return bm_wireless(w);
	case LINK_RADIOTAP:
		return bm_radiotap(w);
	default:
		return BM_END_UNKNOWN_LINK;
	}
}
