/* The walk over one frame from the link layer inwards, as the files of src/packet/ share it.
 * Seen by src/packet/ only. */
#ifndef BM_PACKET_INTERNAL_H
#define BM_PACKET_INTERNAL_H

#include "packet/packet.h"

/* What stands next, or how the walk ended. */
enum bm_next {
	BM_NEXT_ETHERNET,
	BM_NEXT_VLAN,
	BM_NEXT_VNTAG,
	BM_NEXT_ETAG,
	BM_NEXT_ITAG,
	BM_NEXT_CISCO_METADATA,
	BM_NEXT_LLC,
	BM_NEXT_MPLS,
	BM_NEXT_PPPOE,
	BM_NEXT_PPP,
	BM_NEXT_IP, /* of either version */
	BM_NEXT_IPV4,
	BM_NEXT_IPV6,
	BM_NEXT_IPV6_OPTIONS, /* hop-by-hop, destination, and headers of the same shape */
	BM_NEXT_IPV6_ROUTING,
	BM_NEXT_IPV6_FRAGMENT,
	BM_NEXT_AH,
	BM_NEXT_GRE,
	BM_NEXT_ETHERIP,
	BM_NEXT_TCP,
	BM_NEXT_UDP,
	BM_NEXT_COUNT,

	BM_END_SEGMENT = BM_NEXT_COUNT,
	BM_END_MALFORMED,     /* no such header, or not all of it captured */
	BM_END_NOT_TRANSPORT, /* well-formed, but nothing that leads to TCP or UDP */
	BM_END_UNKNOWN_LINK,
	BM_END_FRAGMENT, /* kept, or dropped */
	BM_END_LATER     /* a fragment, for a decoder that may keep it */
};

/* Where the bytes that are walked over stand: in the frame, or in a reassembled datagram
 * that came from several. payload_off of a piece counts from base. */
struct bm_source {
	const uint8_t *base;
	const struct bm_piece *pieces;
	size_t count;
	bool frame;
};

struct bm_walk {
	struct bm_decoder *d;
	const struct bm_frame *f;
	struct bm_source from;
	struct bm_view at;   /* from the next header on, as captured */
	size_t sent;         /* the same, as sent: at least at.n */
	unsigned layers;     /* walked so far */
	bool tunnels;        /* false: a UDP datagram is nothing but that */
	struct bm_segment s; /* what is known of it so far */
};

struct bm_fragments;

struct bm_decoder {
	struct bm_fragments *fragments;
	struct bm_decoder_stats stats;
	struct bm_piece whole;                 /* the frame itself as a piece */
	struct bm_piece pieces[BM_PIECES_MAX]; /* of the segment that was yielded */
	struct bm_walk fallback;               /* before the last UDP header that may open a tunnel */
	bool has_fallback;
	bool apart; /* knows one frame alone */
};

/* Goes on by n bytes, which are there. */
static inline void
bm_walk_skip(struct bm_walk *w, size_t n)
{
	if (n == 0)
		return;
	w->at.p += n;
	w->at.n -= n;
	w->sent -= n;
}

/* Goes on behind what r, a reader over w->at, has read. */
static inline enum bm_next
bm_walk_past(struct bm_walk *w, const struct bm_reader *r, enum bm_next next)
{
	if (r->bad)
		return BM_END_MALFORMED;
	bm_walk_skip(w, r->off);
	return next;
}

/* What follows is n octets long, says a header. What the frame holds beyond is padding;
 * what it lacks was not captured, whatever the capture says of the frame's length. */
static inline void
bm_walk_length(struct bm_walk *w, size_t n)
{
	w->sent = n;
	if (w->at.n > n)
		w->at.n = n;
}

/* link.c, wireless.c: takes the header of a LINKTYPE_ off. */
enum bm_next bm_link(struct bm_walk *w, uint32_t link_type);
enum bm_next bm_wireless(struct bm_walk *w);
enum bm_next bm_radiotap(struct bm_walk *w);

/* Packet types of Linux: 0 to us, 4 from us; 1 to 3 were not for this host alone. Only what the
 * capture does not say itself is taken from them. */
static inline enum bm_frame_direction
bm_sll_direction(enum bm_frame_direction known, unsigned type)
{
	if (known != BM_FRAME_UNKNOWN)
		return known;
	return type == 0 ? BM_FRAME_INBOUND : type == 4 ? BM_FRAME_OUTBOUND : BM_FRAME_UNKNOWN;
}

/* link.c: what an EtherType stands for. */
enum bm_next bm_ethertype(unsigned type);
enum bm_next bm_ethernet(struct bm_walk *w);
enum bm_next bm_vlan(struct bm_walk *w);
enum bm_next bm_vntag(struct bm_walk *w);
enum bm_next bm_etag(struct bm_walk *w);
enum bm_next bm_itag(struct bm_walk *w);
enum bm_next bm_cisco_metadata(struct bm_walk *w);
enum bm_next bm_llc(struct bm_walk *w);

/* tunnel.c */
enum bm_next bm_mpls(struct bm_walk *w);
enum bm_next bm_pppoe(struct bm_walk *w);
enum bm_next bm_ppp(struct bm_walk *w);
enum bm_next bm_gre(struct bm_walk *w);
enum bm_next bm_etherip(struct bm_walk *w);

/* udp_tunnel.c: w stands behind a UDP header. False, with w as it was, when the datagram is
 * not what its ports suggest. */
bool bm_udp_tunnel(struct bm_walk *w, unsigned src_port, unsigned dst_port, enum bm_next *next);
/* True when these ports may carry a tunnel. */
bool bm_udp_tunnel_port(unsigned src_port, unsigned dst_port);

/* ip.c */
enum bm_next bm_ip(struct bm_walk *w);
enum bm_next bm_ipv4(struct bm_walk *w);
enum bm_next bm_ipv6(struct bm_walk *w);
enum bm_next bm_ipv6_options(struct bm_walk *w);
enum bm_next bm_ipv6_routing(struct bm_walk *w);
enum bm_next bm_ipv6_fragment(struct bm_walk *w);
enum bm_next bm_ah(struct bm_walk *w);

/* transport.c */
enum bm_next bm_tcp_header(struct bm_walk *w);
enum bm_next bm_udp_header(struct bm_walk *w);
/* What the checksum of s says, once addresses, ports and fields are known. `segment` is what was
 * captured of header and payload, together `sent` long. */
void bm_judge(struct bm_segment *s, struct bm_view segment, size_t sent);

/* The first 20 octets of a TCP header (RFC 9293, section 3.1). Returns how long it says it is. */
static inline size_t
bm_tcp_fields(struct bm_segment *s, const uint8_t *p)
{
	s->transport = BM_TCP;
	s->src.port = bm_load16(p);
	s->dst.port = bm_load16(p + 2);
	s->seq = bm_load32(p + 4);
	s->ack = bm_load32(p + 8);
	s->flags = p[13];
	s->window = bm_load16(p + 14);
	s->checksum_field = bm_load16(p + 16);
	return (size_t)(p[12] >> 4) * 4;
}

/* express.c: the segment of one of the commonest frames. False: it is none of those, and *s holds
 * nothing; d counts nothing either way. */
bool bm_express(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s);
/* packet.c: bm_decode for every frame, which is what the short way must not differ from. */
bool bm_decode_walk(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s);

/* fragment.c: one IP fragment, which is what w->at holds. */
struct bm_fragment_header {
	uint32_t id;
	unsigned protocol; /* of what is fragmented; part of the identity in IPv4 only */
	uint32_t off;
	bool more;
};

BM_MUST_USE enum bm_status bm_fragments_new(struct bm_fragments **out, size_t memory);
void bm_fragments_free(struct bm_fragments *t);
/* Forgets the datagrams that were put together for the frame before. */
void bm_fragments_forget_done(struct bm_fragments *t);
/* True when it completes a datagram: w then stands at the datagram's start, and *protocol
 * is what it carries. */
bool bm_fragment(struct bm_walk *w, const struct bm_fragment_header *h, unsigned *protocol);

/* pieces.c: where [off, off + len) of the source stands, at most max pieces whose payload_off
 * counts from payload_off. Returns how many there are in all. An empty range is one empty piece. */
size_t bm_source_map(const struct bm_source *from, size_t off, size_t len, uint32_t payload_off,
	struct bm_piece *out, size_t max);

#endif
