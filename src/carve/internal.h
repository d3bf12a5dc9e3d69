/* What the files of src/carve share. */
#ifndef BM_CARVE_INTERNAL_H
#define BM_CARVE_INTERNAL_H

#include "carve/carve.h"

#include "api/inputs.h"
#include "base/arena.h"
#include "base/buf.h"
#include "packet/packet.h"
#include "tls/keyring.h"

struct text {
	const char *text; /* in the arena */
	struct text *next;
};

/* A frame that may be written. */
struct frame {
	uint8_t *bytes; /* owned */
	size_t n;
	uint32_t wire_len, link_type;
	uint32_t interface; /* of those written */
	uint32_t site;      /* of the inputs */
	uint64_t number;    /* over the pieces of its site, from 1 */
	uint64_t units, ts_ns;
	enum bm_frame_direction direction;
	bool wanted;       /* belongs to a connection that is */
	size_t connection; /* index of bm_carve.items + 1; 0: of none */
	size_t part;       /* of that item's talk */
	bool stale_alert;  /* as captured: its comment says so */
	bool taken_out;    /* and was never sent */
	struct text *comments, **last_comment;
	unsigned comment_count;
};

/* A run of a segment's payload in a frame. */
struct run {
	size_t frame;
	uint32_t off, payload_off, len;
};

/* A TCP segment or UDP datagram. */
struct part {
	unsigned way; /* enum bm_found_direction */
	size_t frame; /* that completes it */
	size_t header_frame;
	uint32_t header_off,
		header_len;   /* of TCP or UDP in that frame; header_len 0: it is not there */
	struct run *runs; /* owned, in order; of what was captured of the payload */
	size_t run_count;
	uint32_t seq, ack;
	uint8_t flags;
	enum bm_checksum checksum;
	uint32_t pseudo_sum;
	uint32_t payload_n, payload_len; /* captured; sent */
	/* Stream offsets, of the first octet of payload and of what is acknowledged. -1: a SYN. Of
	 * UDP, datagrams are counted as if they were a stream. */
	int64_t at, acked;
	size_t connection; /* index of bm_carve.items + 1; 0: of none */
};

/* Those between two ends at a site, in the order of the capture. */
struct talk {
	uint32_t site;
	enum bm_transport transport;
	struct bm_address client, server;
	struct part *parts;
	size_t n, cap;
	struct talk *next; /* in its bucket */
};

/* Octets of a direction to be put as they were sent. */
struct edit {
	uint64_t off, n;         /* of the stream as captured */
	struct bm_view received; /* n octets */
	struct bm_view sent;     /* any number */
	size_t failure;          /* of the report's connection */
	bool at_end;             /* missing octets behind all that was captured */
};

/* A connection of the report that is wanted. */
struct item {
	const struct bm_found_connection *found;
	bool *wanted; /* owned; by failure */
	bool *left;   /* owned; by failure: was not repaired, though it should have been */
	bool *twice;  /* owned; by failure: taken out, as a good copy stands right behind it */
	struct talk *talk;
	bool in_capture;
	bool has_base[2];
	uint32_t base[2]; /* TCP sequence number of stream offset 0, by way */
	struct edit *edits[2];
	size_t edit_count[2], edit_cap[2];
	uint64_t packets, taken_out;
};

struct message {
	const char *text;
	bool missing;
};

enum { BUCKETS = 1024 };

struct bm_carve {
	struct bm_carve_options options;
	struct item *items;
	size_t item_count;
	struct inputs inputs;
	struct bm_keyring *keys;
	struct talk *talks[BUCKETS];
	struct frame *frames;
	size_t frame_count, frame_cap;
	size_t *order;                        /* of the frames, by site and number; owned */
	uint64_t held;                        /* octets of frames */
	struct bm_interface_info *interfaces; /* to be written; texts in the arena */
	size_t interface_count, interface_cap;
	struct bm_arena arena;
	struct message *messages;
	size_t message_count, message_cap;
	struct bm_buf secrets; /* key log lines; wiped */
	bool nomem;            /* something that could not be told at once */
};

/* carve.c. Both note out of memory in c->nomem. */
__attribute__((format(printf, 3, 4))) void carve_say(
	struct bm_carve *c, bool missing, const char *format, ...);
__attribute__((format(printf, 3, 4))) void frame_comment(
	struct bm_carve *c, struct frame *f, const char *format, ...);

/* ends.c: the talk that an item is to be found in; where there is none it has been said why. */
void find_ends(struct bm_carve *c, struct item *i);
/* NULL: nobody asked for these two. *way: which way a is the sender of. */
struct talk *find_talk(const struct bm_carve *c, uint32_t site, enum bm_transport transport,
	const struct bm_address *a, const struct bm_address *b, unsigned *way);

/* collect.c: reads frames and parts of the wanted ends into talks. */
BM_MUST_USE enum bm_status collect(struct bm_carve *c, struct bm_error *e, const char **input);

/* date.c: nanoseconds since the Unix epoch. False: not such a time. */
bool date_ns(const char *text, uint64_t *ns);

/* flows.c: which parts belong to which item, and where in its streams they stand. */
void find_flows(struct bm_carve *c);
/* The part of the item that has this octet of the payload in this packet; *off: where in its
 * payload. NULL: none. */
struct part *part_at(
	struct bm_carve *c, const struct item *i, uint64_t packet, uint64_t packet_off, uint32_t *off);
/* The frame of that number at the item's site; NULL: it is not there, or not the item's. */
struct frame *frame_of(struct bm_carve *c, const struct item *i, uint64_t packet);

/* stream.c */
/* Copies octets of the payload to out. False: not all of them were captured. */
bool part_octets(
	const struct bm_carve *c, const struct part *p, uint32_t off, size_t n, uint8_t *out);
/* Copies octets of a stream, of the first copy that was captured. False: some were not. */
bool stream_octets(const struct bm_carve *c, const struct item *i, unsigned way, uint64_t off,
	size_t n, uint8_t *out);
/* Where the stream offset of an octet is once all edits are made. */
int64_t moved(const struct item *i, unsigned way, int64_t at);

/* twice.c: does the record that begins there, with the failure's edits made, stand once more right
 * behind? *was: the octets that were captured of it, in the arena. */
bool stands_twice(struct bm_carve *c, const struct item *item, unsigned way, size_t failure,
	uint64_t from, struct bm_view *was);

/* plan.c: what is to be put right. */
void plan_repairs(struct bm_carve *c);

/* rewrite.c: puts it right. */
BM_MUST_USE enum bm_status make_repairs(struct bm_carve *c);

/* sums.c: makes the checksum of TCP or UDP right, of a part that has become longer by so much since
 * it was captured; false, and it stays: not all of the payload was captured. */
bool part_sum(struct bm_carve *c, const struct part *p, int64_t longer);
/* Makes the frame of a part with one run longer or shorter by the difference: the lengths and
 * checksum of IP and UDP too. False: that is not possible. */
bool lengthen(struct bm_carve *c, struct part *p, struct bm_view payload);
bool can_lengthen(const struct bm_carve *c, const struct part *p, int64_t longer);

/* secrets.c: the lines of a key log that open the items. */
BM_MUST_USE enum bm_status gather_secrets(struct bm_carve *c);
/* handshake.c: what of a handshake secrets are found by; what is not there is empty. */
struct handshake {
	unsigned version;
	uint8_t session_id[32]; /* the server's */
	size_t session_id_len;
	struct bm_buf encrypted; /* premaster secret; to be cleared */
};
BM_MUST_USE enum bm_status read_handshake(
	struct bm_carve *c, const struct item *item, struct handshake *h);
/* The premaster secret, by one of the private keys. False: none opens it. */
bool premaster_of(const struct bm_carve *c, struct bm_view encrypted, uint8_t out[BM_MASTER]);

/* comment.c: on frames, and of the file as a whole. */
void comment_all(struct bm_carve *c);
/* After the repairs: those alerts that were about what has been repaired. */
void comment_stale_alerts(struct bm_carve *c);
const char *carve_verdict(struct bm_carve *c);

#endif
