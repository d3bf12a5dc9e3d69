/* From frame to transport segment: link layers, tunnels, IP, fragments,
 * checksums. Refuses to know streams. */
#ifndef BM_PACKET_PACKET_H
#define BM_PACKET_PACKET_H

#include "capture/capture.h"

struct bm_address {
	uint8_t ip[16]; /* IPv4 in the first four bytes, the rest zero */
	uint8_t family; /* 4 or 6 */
	uint16_t port;
};

static inline bool
bm_address_equal(const struct bm_address *a, const struct bm_address *b)
{
	return a->port == b->port && a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}
/* "192.0.2.1:49152" or "[2001:db8::1]:443" (RFC 5952). */
#define BM_ADDRESS_TEXT_MAX 56
void bm_address_text(const struct bm_address *a, char out[BM_ADDRESS_TEXT_MAX]);

enum bm_checksum {
	BM_CHECKSUM_UNKNOWN, /* bytes missing (snaplen), not computable, or UDP without one */
	BM_CHECKSUM_VALID,
	BM_CHECKSUM_INVALID,
	/* Holds only the pseudo-header sum (with or without the length), or in TCP 0: a network
	 * card was still to fill it in. transport.c says who leaves what. */
	BM_CHECKSUM_OFFLOADED
};

/* TCP flags (RFC 9293, section 3.1). */
enum { BM_FIN = 1, BM_SYN = 2, BM_RST = 4, BM_PSH = 8, BM_ACK = 16 };

/* Where a run of the payload stands in which frame. An unfragmented segment has one. */
struct bm_piece {
	uint32_t payload_off; /* first byte within the transport payload */
	uint32_t len;
	uint64_t packet;     /* frame number */
	uint32_t packet_off; /* of the first byte in the frame as captured */
};

enum { BM_PIECES_MAX = 64 };

enum bm_transport { BM_TCP = 6, BM_UDP = 17 };

struct bm_segment {
	enum bm_transport transport;
	struct bm_address src, dst; /* of the innermost IP header; dst is the end of a source route */
	uint32_t tunnel;            /* VXLAN or Geneve VNI + 1, else 0: part of the flow's identity */
	uint8_t ttl;                /* TTL or hop limit of the innermost IP header */
	uint64_t packet;            /* frame number (of the last fragment) */
	uint64_t ts_ns;
	enum bm_frame_direction direction; /* as in bm_frame, else what the link header says */
	enum bm_checksum checksum;
	uint16_t
		sum; /* over pseudo-header, header and payload, folded: 0xffff when valid; 0: unknown */
	uint16_t checksum_field; /* as captured */
	const uint8_t
		*home; /* where the payload stays, as in bm_frame; NULL for what was reassembled */

	uint32_t seq, ack; /* TCP */
	uint8_t flags;
	uint16_t window;

	struct bm_view payload; /* as captured */
	uint32_t payload_len;   /* as sent; greater than payload.n when snaplen cut it */
	const struct bm_piece
		*pieces; /* at least one, in order, without a gap; an empty payload's is empty */
	size_t piece_count;

	/* The transport header and the pseudo-header sum, so that a checksum can be
	 * computed anew with other payload bytes: header view borrowed like payload. */
	struct bm_view transport_header;
	uint32_t pseudo_sum; /* unfolded 16-bit words sum of the pseudo-header */
};

/* Keeps IP fragments between frames, within a fixed cap. */
struct bm_decoder;

/* fragment_memory: octets that unfinished datagrams may take in all; with 0 none is put
 * together. At most 4096 are held, each for at most 30 s of capture time, the oldest go first.
 * BM_NOMEM leaves *out NULL. */
BM_MUST_USE enum bm_status bm_decoder_new(struct bm_decoder **out, size_t fragment_memory);
void bm_decoder_free(struct bm_decoder *d); /* NULL is allowed */

/* Counts of what was not turned into segments. Each frame is counted once:
 * frames = segments + unknown_link + malformed + not_transport + fragments. */
struct bm_decoder_stats {
	uint64_t frames, segments;
	uint64_t unknown_link;
	uint64_t malformed;     /* a header that is wrong or not all there (snaplen) */
	uint64_t not_transport; /* ARP, ICMP, ...; tunnels that carry such */
	uint64_t fragments;     /* that completed no datagram: kept, or dropped */
	uint64_t
		fragments_dropped; /* whose octets never became part of one: limits, age, contradictions */
	uint32_t last_unknown_link;
};
const struct bm_decoder_stats *bm_decoder_stats(const struct bm_decoder *d);

/* True when the frame completes a TCP segment or UDP datagram; *s then borrows from
 * the frame or, when reassembled, from d until the next call. Else what *s holds says
 * nothing. Never fails: what cannot be decoded is counted. */
bool bm_decode(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s);

/* The same in two steps, so that threads can share out the frames of a capture: each with a decoder
 * of its own for the first (made with fragment_memory 0; its counts mean nothing), which knows of
 * no other frame, and one decoder for the second, in the order of the frames. s borrows from x and
 * the frame. */
struct bm_decoded {
	struct bm_segment s;
	struct bm_piece piece;
	int end; /* internal */
};
void bm_decode_apart(struct bm_decoder *d, const struct bm_frame *f, struct bm_decoded *x);
/* After the first step: it holds a segment; it holds a part of one, so that only the second tells.
 */
bool bm_decoded_whole(const struct bm_decoded *x);
bool bm_decoded_in_part(const struct bm_decoded *x);
/* NULL: the frame completes no segment. */
const struct bm_segment *bm_decode_joined(
	struct bm_decoder *d, const struct bm_frame *f, struct bm_decoded *x);

/* Ones'-complement sum (RFC 1071) of v added to sum; odd tells whether v starts at an
 * odd position of the summed range. Fast: this runs over every payload byte. */
uint64_t bm_sum16(uint64_t sum, struct bm_view v, bool odd);
/* Folded to 16 bits, not complemented. */
static inline uint16_t
bm_sum16_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	/* 33 bits; then 18, 17 and 16. */
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

#endif
