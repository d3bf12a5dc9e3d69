/* A diagnosis read back: what badmac diagnose wrote (badmac.diagnosis.v1, docs/OUTPUT.md), as JSON
 * or inside an HTML report, becomes a plain model. Refuses to know captures and keys, and how
 * anything in the report was found.
 *
 * The report may come from anybody. What the model holds has the types, the ranges and the words
 * that docs/OUTPUT.md promises; whether it is true of any capture is for the reader to find out.
 * Texts are what the report has, control characters included: whoever shows one to a person makes
 * it harmless first. They are UTF-8 and hold no NUL.
 *
 * Members that are unknown are passed over, and so are those about logs. Those that are missing
 * are an error, as are repeated ones. */
#ifndef BM_FINDINGS_FINDINGS_H
#define BM_FINDINGS_FINDINGS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

enum {
	BM_FINDINGS_MOST = 64 << 20,  /* octets of a report */
	BM_FINDINGS_VALUES = 8 << 20, /* values in it, all told */
	BM_FINDINGS_DEPTH = 32,       /* arrays and objects in each other */
	BM_FINDINGS_OF_ONE = 4096,    /* alerts or failures of a connection */
	BM_FINDINGS_HELD = 128 << 20, /* octets that the model takes, at most */
	BM_FINDINGS_PROBLEM = 160     /* enough for any `problem` */
};

/* A number that the report does not know (null). All others are at most 2^53. */
#define BM_FOUND_UNKNOWN UINT64_MAX

enum bm_found_direction { BM_FOUND_CLIENT_TO_SERVER, BM_FOUND_SERVER_TO_CLIENT };
enum bm_found_result { BM_FOUND_VERIFIED, BM_FOUND_FAILED, BM_FOUND_UNDECIDED };
enum bm_found_transport { BM_FOUND_TCP, BM_FOUND_UDP };
enum bm_found_confidence { BM_FOUND_POSSIBLE, BM_FOUND_SUPPORTED, BM_FOUND_PROVEN };
enum bm_found_sum {
	BM_FOUND_SUM_UNKNOWN, /* null */
	BM_FOUND_SUM_VALID,
	BM_FOUND_SUM_INVALID,
	BM_FOUND_SUM_OFFLOADED /* as captured only */
};
/* What the report says of something that may be so, not so, or unknown (null). */
enum bm_found_answer { BM_FOUND_NO, BM_FOUND_YES, BM_FOUND_NO_ANSWER };

struct bm_found_texts {
	const char *const *at; /* count of them, none NULL */
	size_t count;
};

struct bm_found_counts {
	uint64_t verified, failed, undecided, plaintext; /* records */
};

struct bm_found_alert {
	enum bm_found_direction direction;
	const char *level, *description; /* "fatal", "bad_record_mac"; NULL: unknown */
	uint64_t code;                   /* at most 255; BM_FOUND_UNKNOWN */
	uint64_t packet;                 /* from 1; BM_FOUND_UNKNOWN */
	bool encrypted;
	enum bm_found_answer stale; /* NO_ANSWER: a report of before there was any */
};

/* A run of octets that differs from what was sent. */
struct bm_found_damage {
	uint64_t record_offset;  /* octets from the header of the record */
	uint64_t stream_offset;  /* octets from the start of the direction; BM_FOUND_UNKNOWN */
	uint64_t length;         /* octets received that are wrong; 0 where octets are missing */
	uint64_t packet;         /* from 1; BM_FOUND_UNKNOWN */
	uint64_t packet_offset;  /* octets from the start of the frame as captured; BM_FOUND_UNKNOWN */
	struct bm_view received; /* length octets; p is NULL and n 0 where they are not told (null) */
	struct bm_view sent;     /* of any length, empty for inserted octets */
	bool received_known;
	bool sent_known; /* false: null, and sent is empty */
};

/* Inputs of a check, as bits: `inputs` of docs/OUTPUT.md. */
enum bm_found_input {
	BM_FOUND_INPUT_BYTES = 1,
	BM_FOUND_INPUT_SEQUENCE_NUMBER = 2,
	BM_FOUND_INPUT_EPOCH = 4,
	BM_FOUND_INPUT_DIRECTION = 8,
	BM_FOUND_INPUT_CONNECTION = 16,
	BM_FOUND_INPUT_DERIVATION = 32,
	BM_FOUND_INPUT_RULE = 64,
	BM_FOUND_INPUT_PADDING = 128,
	BM_FOUND_INPUT_KEYSTREAM = 256,
	BM_FOUND_INPUT_RECORD = 512,
	BM_FOUND_INPUT_OTHER = 1 << 16 /* one that this version has not heard of */
};

struct bm_found_record {
	enum bm_found_direction direction;
	uint64_t stream_offset, packet, sequence_number; /* each BM_FOUND_UNKNOWN where null */
};

/* Another rule for the MAC. What is as negotiated is NULL, or BM_FOUND_UNKNOWN; the words are those
 * of docs/OUTPUT.md, or some that this version has not heard of. */
struct bm_found_mac_rule {
	const char *order;
	uint64_t tag_length; /* octets */
	const char *mac, *cipher_key, *mac_key, *iv, *nonce, *number, *number_in, *version, *header,
		*length;
};

/* What the check was given otherwise than the receiver had it. Numbers are BM_FOUND_UNKNOWN, texts
 * NULL and octets empty where null. */
struct bm_found_altered {
	unsigned inputs; /* enum bm_found_input */
	enum bm_found_direction direction;
	uint64_t epoch, sequence_number, stream_offset, packet, packet_offset;
	const char *sender, *receiver;
	struct bm_view session;
	const char *rule;
	bool has_mac_rule; /* false: null, or a report of before there was any */
	struct bm_found_mac_rule mac_rule;
	uint64_t padding, keystream_offset; /* octets */
	struct bm_view iv;
	const char *capture;
	const uint64_t *sent_packets;
	size_t sent_packet_count;
	uint64_t sent_packet_offset;
	bool has_other_record;
	struct bm_found_record other_record;
};

struct bm_found_proof {
	const char *method;
	uint64_t tag_bits;   /* at least 1 */
	uint64_t candidates; /* at least 1 */
	double chance_log2;  /* below 0, finite */
	bool has_altered;    /* false: null, or a report of before there was any */
	struct bm_found_altered altered;
};

struct bm_found_ruled_out {
	const char *cause, *because;
};

struct bm_found_failure {
	enum bm_found_direction direction;
	/* Each BM_FOUND_UNKNOWN where null. */
	uint64_t epoch, sequence_number, stream_offset, length;
	const uint64_t *packets; /* packet_count of them, from 1, in the order of the report */
	size_t packet_count;
	const char *cause; /* an id of docs/OUTPUT.md, or one that this version has not heard of */
	enum bm_found_confidence confidence;
	struct bm_found_texts at_fault; /* ids of parties, likeliest first; also unheard-of ones */
	const char *summary;
	bool has_proof;
	struct bm_found_proof proof;
	const struct bm_found_damage *damage;
	size_t damage_count;
	enum bm_found_sum checksum_as_captured, checksum_as_sent;
	struct bm_found_texts evidence, next_steps;
	const struct bm_found_ruled_out *ruled_out;
	size_t ruled_out_count;
};

struct bm_found_connection {
	uint64_t id;
	const char *capture; /* NULL: unknown */
	struct bm_found_texts also_in;
	enum bm_found_transport transport;
	const char *client,
		*server;             /* "192.0.2.1:49152", "[2001:db8::1]:443"; other text if redacted */
	const char *server_name; /* NULL: none */
	const char *first_time, *last_time; /* as in the report; NULL: unknown */
	const char *version;                /* "TLS 1.2"; NULL: unknown */
	const char *cipher_suite;           /* NULL: unknown */
	bool has_client_random;
	uint8_t client_random[32];
	enum bm_found_answer resumed;
	const char *keys; /* NULL: none */
	bool extended_master_secret, encrypt_then_mac, truncated_hmac;
	/* Each BM_FOUND_UNKNOWN where not negotiated. */
	uint64_t max_fragment_length, record_size_limit, compression;
	enum bm_found_result result;
	const char *undecided_because, *undecided_detail, *undecided_next; /* NULL: null */
	struct bm_found_counts records[2]; /* by enum bm_found_direction */
	uint64_t records_after_close;      /* BM_FOUND_UNKNOWN: a report of before it was counted */
	uint64_t capture_gaps;
	const struct bm_found_alert *alerts; /* in the order of the report, as are failures */
	size_t alert_count;
	const struct bm_found_failure *failures;
	size_t failure_count;
};

struct bm_findings {
	const struct bm_found_connection *connections; /* in the order of the report */
	size_t connection_count;
	enum bm_found_result result; /* from here on the summary */
	uint64_t connections_told;   /* connections that the summary counts */
	struct bm_found_counts records;
	uint64_t records_after_close; /* as of a connection */
	uint64_t packets, bytes, undecoded, seen_elsewhere;
	struct bm_found_texts notices;
	const char *redacted;  /* what --redact was given; NULL: nothing was hidden */
	struct bm_arena arena; /* owns all of the above */
};

/* Reads a report; nothing in *out borrows from it. What it is, JSON or HTML, is known by its
 * content: HTML starts with '<', and the diagnosis in it is the text of the first
 * <script type="application/json" id="diagnosis">.
 *
 * BM_OK. BM_FORMAT: no such report, or one with a wrong member; BM_LIMIT: past one of the limits
 * above; BM_NOMEM. But for BM_OK *out is empty, and problem, of n octets (BM_FINDINGS_PROBLEM is
 * enough), says what is wrong and where: "connections[2].failures[0].damage[1].sent: no hex". It
 * is ASCII and printable.
 *
 * *out is to be given to bm_findings_clear in either case. */
BM_MUST_USE enum bm_status bm_findings_read(
	struct bm_view report, struct bm_findings *out, char *problem, size_t n);
/* Where the diagnosis stands in a report, which *json borrows from: in a page as above, else all
 * but white space before it. Whether it is one is not looked at, but it holds no more values than
 * BM_FINDINGS_VALUES, and no more than BM_FINDINGS_DEPTH of them in each other. Fails as
 * bm_findings_read. */
BM_MUST_USE enum bm_status bm_findings_find(
	struct bm_view report, struct bm_view *json, char *problem, size_t n);
/* Leaves *f empty; an all-zero one is allowed. */
void bm_findings_clear(struct bm_findings *f);

#endif
