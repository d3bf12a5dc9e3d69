/* What a capture at one place of a relayed connection would have shown: Ethernet, IP and TCP
 * around its octets. */
#ifndef BM_LAB_WIRE_H
#define BM_LAB_WIRE_H

#include "lab/pcapng.h"

/* Octets of payload in a segment on the wire, and in a frame that a host has not yet cut into
 * segments, or has put together from some: 45 of them, for IP counts to 65535. */
enum { LAB_SEGMENT = 1448, LAB_MERGED = 45 * LAB_SEGMENT };

/* How a capture shows segments, by where it is taken. */
enum lab_look {
	LAB_LOOK_WIRE, /* as they are on the wire */
	/* In the host that sends, before its network card: large frames, and of the TCP checksum no
	 * more than the sum over the pseudo-header, which the card is left to finish. */
	LAB_LOOK_SENDER,
	/* In the host that receives, once its kernel has merged what came in a row: such frames have
	 * that same sum, single ones their own. One whose sum is wrong is never merged. */
	LAB_LOOK_RECEIVER
};

/* A TCP connection as it is written down. The addresses are those of RFC 5737. */
struct lab_flow {
	uint16_t client_port, server_port;
	uint32_t first[2]; /* initial sequence numbers, by direction of the sender */
	uint64_t sent[2];  /* octets of payload so far */
	bool fin[2], reset;
	uint16_t ip_id[2];
	enum lab_look look;
	bool ipv6; /* with addresses of RFC 3849 */
};

/* Octets of one direction that are sent at a time. */
struct lab_burst {
	struct bm_view data;
	/* Of the same length as data, what checksums are made over; empty: data. */
	struct bm_view summed;
	/* Segments that touch from..to are sent a second time: with these octets, of the same length as
	 * data; or, if it is empty, just as they were. Nothing is if to is not behind from. */
	struct bm_view again;
	size_t again_from, again_to;
};

void lab_flow_open(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns);
void lab_flow_data(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d,
	const struct lab_burst *b);
void lab_flow_fin(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d);
void lab_flow_reset(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d);

#endif
