/* Flow table and stream reassembly with a memory: for every byte the packet it
 * came from, and every copy that differs. Refuses to know TLS. */
#ifndef BM_TCP_TCP_H
#define BM_TCP_TCP_H

#include "packet/packet.h"

/* Of a flow's two directions. FORWARD is the way of the flow's initiator (SYN
 * without ACK seen), or of the first segment when no SYN was captured. */
enum bm_way { BM_FORWARD = 0, BM_BACKWARD = 1 };

/* A run of stream bytes that stands in one packet. */
struct bm_span {
	uint64_t off; /* stream offset: 0 is the first byte after the SYN */
	struct bm_view data;
	uint64_t packet;
	uint32_t packet_off; /* in the frame as captured */
	uint64_t ts_ns;
	enum bm_checksum checksum; /* of the segment, judged with the whole direction in view */
	uint64_t segment;          /* spans of one TCP segment share this number */
	uint32_t segment_off;      /* of the first byte in that segment's payload */
	uint16_t sum;              /* of that segment, as in bm_segment */
};

struct bm_flow;
struct bm_stream;

struct bm_tcp_options {
	size_t flow_memory;  /* cap on bytes held per direction; 0: 4 MiB */
	size_t total_memory; /* cap on bytes held in all; 0: 512 MiB */
	size_t max_flows;    /* 0: 1,000,000; past it the least recently used ends */
	uint64_t idle_ns;    /* an idle flow ends; 0: 15 min of capture time (closed ones: 30 s) */
};

/* What stands out on a direction's way, beside its bytes. */
enum bm_oddity_kind {
	BM_ODD_RETRANSMISSION, /* a segment that begins below what has been delivered */
	BM_ODD_CHECKSUM,       /* a segment whose checksum is wrong, where they are not all */
	BM_ODD_GAP,            /* bytes that no packet holds, or that gave way to a limit */
	BM_ODD_FIN,
	BM_ODD_RST
};
struct bm_oddity {
	enum bm_oddity_kind kind;
	uint64_t ts_ns;
	uint64_t packet; /* 0: of none in particular */
	uint64_t off;    /* in the stream */
	uint64_t len;
};

/* What the table tells the layer above. The user pointer of a flow is kept
 * by bm_flow_set_user. All calls happen inside bm_tcp_segment, bm_tcp_settle or bm_tcp_finish. */
struct bm_tcp_events {
	/* New bytes are readable at the stream's head, or a gap was declared there, or `way` was
	 * closed (FIN or RST; bm_stream_ended tells). */
	void (*on_data)(void *ctx, struct bm_flow *f, enum bm_way way);
	/* A copy of bytes that were released already (below the stream's base) or that are held,
	 * whether or not it differs is for the receiver of the call to find out when the
	 * bytes are gone; for held bytes it is called only when it differs, and for the bytes in
	 * which it does. A damaged copy that a good one replaced is told of in the same way. */
	void (*on_copy)(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy);
	/* May be NULL. Of flows that are not ignored; before on_data tells of what it has led to. */
	void (*on_oddity)(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_oddity *o);
	/* A UDP datagram; s borrowed. */
	void (*on_datagram)(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_segment *s);
	/* The flow ends (closed and lingered, idle, evicted, port reused, end of input). Before it
	 * every hole that is left has been declared a gap and handed to on_data. Its streams can be
	 * read until the call returns. */
	void (*on_end)(void *ctx, struct bm_flow *f);
	void *ctx;
};

struct bm_tcp;

BM_MUST_USE enum bm_status bm_tcp_new(
	struct bm_tcp **out, const struct bm_tcp_options *o, const struct bm_tcp_events *ev);
void bm_tcp_free(struct bm_tcp *t); /* ends no flow: call bm_tcp_finish first */

/* `site` separates captures taken at different places. BM_OK or BM_NOMEM. */
BM_MUST_USE enum bm_status bm_tcp_segment(
	struct bm_tcp *t, uint32_t site, const struct bm_segment *s);
/* A segment that another table takes went by: time passes. Tables that share out the flows of a
 * capture and see each segment in one of the two ways do together what one would. */
void bm_tcp_pass(struct bm_tcp *t, const struct bm_segment *s);
void bm_tcp_finish(struct bm_tcp *t);
/* From now on, what segments say stays at home does so no longer than until bm_tcp_settle, which
 * copies what is still needed of it; or it does for good, as at first. Nothing is to be settled at
 * the time. */
void bm_tcp_homes_pass(struct bm_tcp *t, bool pass);
BM_MUST_USE enum bm_status bm_tcp_settle(struct bm_tcp *t); /* BM_NOMEM */
/* Until the next call but one, n octets that stay at home can be read sooner at `near`; it is where
 * bm_stream_peek and bm_stream_read look for them. With n 0 there is nothing nearer any more. */
void bm_tcp_lend(struct bm_tcp *t, const uint8_t *home, const uint8_t *near, size_t n);
/* The flow that a segment belongs to, if there is one, and its direction. */
struct bm_flow *bm_tcp_find(
	struct bm_tcp *t, uint32_t site, const struct bm_segment *s, enum bm_way *way);
/* In an event: which place has what happens to f among what happens to all flows of the capture?
 * Ordered by its members in turn. */
struct bm_ending {
	uint64_t segment; /* how many have come, or gone by */
	enum bm_ending_how { BM_END_CLOSED, BM_END_IDLE, BM_END_BY_SEGMENT, BM_END_OF_INPUT } how;
	uint64_t since; /* of several that end so: the order among them */
};
struct bm_ending bm_tcp_ending(const struct bm_tcp *t, const struct bm_flow *f);
/* Ends the flow that has been closed longest, or else was used longest ago. False: there is none.
 * Not to be called in an event. */
bool bm_tcp_end_oldest(struct bm_tcp *t);

/* Octets that the flows themselves take, without what belongs to them. */
uint64_t bm_tcp_flows_held(const struct bm_tcp *t);

struct bm_tcp_stats {
	uint64_t segments, flows, gaps, evicted_flows, dropped_bytes /* caps */;
	uint64_t checksum_invalid, retransmitted, differing, out_of_order;
	uint64_t leaps;   /* of time */
	uint64_t crowded; /* flows that ended for want of room, those that were over too */
};
const struct bm_tcp_stats *bm_tcp_stats(const struct bm_tcp *t);

/* -- flows ------------------------------------------------------------- */
uint64_t bm_flow_id(const struct bm_flow *f); /* from 0, in order of appearance */
enum bm_transport bm_flow_transport(const struct bm_flow *f);
uint32_t bm_flow_site(const struct bm_flow *f);
const struct bm_address *bm_flow_source(
	const struct bm_flow *f, enum bm_way way); /* sender's address */
void bm_flow_set_user(struct bm_flow *f, void *user);
void *bm_flow_user(const struct bm_flow *f);
struct bm_stream *bm_flow_stream(struct bm_flow *f, enum bm_way way);
/* The layer above wants no more of this flow: no event but on_end follows. What is held is freed
 * when the segment has been dealt with. */
void bm_flow_ignore(struct bm_flow *f);
bool bm_flow_saw_syn(const struct bm_flow *f, enum bm_way way);
uint64_t bm_flow_first_ts(const struct bm_flow *f);
uint64_t bm_flow_last_ts(const struct bm_flow *f);
/* TTL seen first from that side, 0 if none. */
uint8_t bm_flow_ttl(const struct bm_flow *f, enum bm_way way);
/* What the segments from one side show of where they were captured. */
struct bm_sighting {
	uint8_t ttl;               /* seen first; 0: none */
	uint8_t inbound, outbound; /* segments by what their frames say; 255 and more are 255 */
	/* Segments without payload, which nothing on the way merges; 255 and more are 255. */
	uint8_t bare_valid, bare_offloaded;
	const uint64_t *checksums; /* of those with payload: bm_stream_checksums */
	uint64_t syn_ns;           /* capture time of its SYN; 0: none, or several */
	uint64_t first_ns;         /* of its first segment without SYN; 0: none */
};
struct bm_sighting bm_flow_sighting(const struct bm_flow *f, enum bm_way way);

/* -- streams (one direction) -------------------------------------------- */
/* The lowest offset still held; bytes below are gone. */
uint64_t bm_stream_base(const struct bm_stream *s);
/* Has everything come in order and without doubt, but for what may still come? *head: behind the
 * last octet that was delivered. */
bool bm_stream_in_order(const struct bm_stream *s, uint64_t *head);
/* The stream offset of this sequence number. */
uint64_t bm_stream_offset(const struct bm_stream *s, uint32_t seq);
/* Contiguous readable bytes from off (base <= off), 0 when there are none, or a gap, or the end. */
size_t bm_stream_avail(const struct bm_stream *s, uint64_t off);
/* What is left, from off on, of the declared gap that off lies in; 0 when there is none. */
uint64_t bm_stream_gap(const struct bm_stream *s, uint64_t off);
/* Copies len bytes from off to dst. False when they are not all there. */
bool bm_stream_read(const struct bm_stream *s, uint64_t off, uint8_t *dst, size_t len);
/* A pointer to len bytes from off if they lie in one piece, else NULL. Good until they are
 * released, or the memory that they are read from is lent no more. */
const uint8_t *bm_stream_peek(const struct bm_stream *s, uint64_t off, size_t len);
/* Where the bytes of a span of s can be read soonest, for as long as bm_stream_peek says. */
const uint8_t *bm_stream_near(const struct bm_stream *s, struct bm_view v);
/* The spans that make up [off, off + len) into out, at most max. Returns how many there are in
 * all (which may exceed max); 0 when the range is not all there. First and last span are cut to the
 * range. */
size_t bm_stream_spans(
	const struct bm_stream *s, uint64_t off, size_t len, struct bm_span *out, size_t max);
/* Of the spans of [off, off + len), as far as it is there, the one that was captured last. False:
 * none of it is. */
bool bm_stream_last_span(
	const struct bm_stream *s, uint64_t off, uint64_t len, struct bm_span *out);
/* Differing copies held for bytes of [off, off + len), cut to the range, same protocol. */
size_t bm_stream_copies(
	const struct bm_stream *s, uint64_t off, size_t len, struct bm_span *out, size_t max);
/* Everything below off has been dealt with. */
void bm_stream_release(struct bm_stream *s, uint64_t off);
/* Everything below off has been read and may be looked at once more; it is let go without a word
 * when memory is short. */
void bm_stream_spare(struct bm_stream *s, uint64_t off);
/* FIN or RST seen and everything before it delivered up to here; *off (if not NULL) the end. */
bool bm_stream_ended(const struct bm_stream *s, uint64_t *off);
bool bm_stream_reset(const struct bm_stream *s); /* by RST */
/* Runs of missing bytes declared so far. */
uint64_t bm_stream_gaps(const struct bm_stream *s);
/* What a direction lacks, for whoever has to say what to do about it. */
struct bm_lack {
	uint64_t off, len; /* of the first gap; len 0: there is none */
	uint64_t packet;   /* the first one seen that carries bytes behind it; 0 unknown */
	uint64_t cut;      /* segments that the snap length cut */
	uint64_t dropped;  /* bytes that were captured and gave way to a memory limit */
};
struct bm_lack bm_stream_lack(const struct bm_stream *s);
/* The TCP sequence number of stream offset 0. False: none was seen. */
bool bm_stream_first_seq(const struct bm_stream *s, uint32_t *seq);
/* The TCP sequence number of the byte at off. */
uint32_t bm_stream_sequence(const struct bm_stream *s, uint64_t off);
/* Highest stream offset that the peer acknowledged; 0 if none. */
uint64_t bm_stream_acked(const struct bm_stream *s);
/* Segments with payload by checksum state, to judge offload. Index: enum bm_checksum. */
const uint64_t *bm_stream_checksums(const struct bm_stream *s);

#endif
