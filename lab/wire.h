/* What a capture at one place of a relayed connection would have shown: Ethernet, IPv4 and TCP
 * around its octets. */
#ifndef BM_LAB_WIRE_H
#define BM_LAB_WIRE_H

#include "lab/pcapng.h"

enum { LAB_SEGMENT = 1448 };

/* A TCP connection as it is written down. The addresses are those of RFC 5737. */
struct lab_flow {
	uint16_t client_port, server_port;
	uint32_t first[2]; /* initial sequence numbers, by direction of the sender */
	uint64_t sent[2];  /* octets of payload so far */
	bool fin[2], reset;
	uint16_t ip_id[2];
};

/* Octets of one direction that are sent at a time. */
struct lab_burst {
	struct bm_view data;
	/* Of the same length as data, what checksums are made over; empty: data. */
	struct bm_view summed;
	/* Of the same length, what segments that touch from..to are sent a second time with; empty:
	 * once. */
	struct bm_view again;
	size_t again_from, again_to;
};

void lab_flow_open(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns);
void lab_flow_data(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d,
	const struct lab_burst *b);
void lab_flow_fin(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d);
void lab_flow_reset(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d);

#endif
