/* A TCP connection made by hand, as a capture, and a report about it. */
#ifndef BM_TESTS_CARVE_MADE_H
#define BM_TESTS_CARVE_MADE_H

#include "base/buf.h"
#include "carve/carve.h"

enum { MADE_CLIENT, MADE_SERVER };

struct made {
	struct bm_buf pcap; /* Ethernet, microseconds */
	uint32_t isn[2];
	bool six;      /* IPv6 */
	unsigned tags; /* VLAN tags in front of IP */
	unsigned packets;
};

void made_start(struct made *m);
void made_clear(struct made *m);

struct made_segment {
	unsigned from;
	uint64_t at;    /* stream offset of the payload */
	uint64_t acked; /* stream offset */
	uint8_t flags;
	struct bm_view payload;
	uint64_t sack[2];  /* stream offsets of one block; equal: none */
	size_t padding;    /* behind the IP datagram */
	bool bad_checksum; /* not right as captured */
	size_t cut;        /* octets that the snap length left away */
};
/* Adds a frame; its number is returned. */
unsigned made_add(struct made *m, const struct made_segment *s);
/* SYN, SYN ACK, ACK. */
void made_hello(struct made *m);

/* A report of one failure of the client's stream. cause, and the JSON of its damage. */
struct made_failure {
	const char *cause;
	uint64_t stream_offset, length;
	const char *damage; /* elements, with commas between them */
};
void made_report(struct bm_buf *out, const struct made *m, const struct made_failure *f, size_t n);
/* One element; sent NULL: not known. In a buffer that is used again by the sixteenth call after it.
 */
const char *made_damage(
	uint64_t stream_offset, struct bm_view received, const struct bm_view *sent);

/* What a repaired capture comes to. */
struct made_result {
	enum bm_status status;
	bool missing;
	struct bm_buf streams[2]; /* put together; 0xee where nothing was */
	struct bm_buf file;
	unsigned packets, bad_checksums, comments;
	uint64_t octets;   /* of payload, in all packets */
	uint64_t acked[2]; /* the highest, of the other's stream */
	uint64_t sack[2];  /* the last block */
};
void made_carve(const struct made *m, struct bm_view report, bool repaired, struct made_result *r);
void made_result_clear(struct made_result *r);

#endif
