/* The model of a diagnosis: all that a report may see. Mirrors docs/OUTPUT.md field by field. */
#ifndef BM_VERDICT_MODEL_H
#define BM_VERDICT_MODEL_H

#include "base/buf.h"
#include "capture/pieces.h"
#include "packet/packet.h"
#include "session/timeline.h"
#include "tls/alert.h"
#include "tls/keyring.h"
#include "why/altered.h"
#include "why/cause.h"

const char *bm_cause_id(enum bm_cause c); /* "bits-flipped" */

#define BM_PARTY_LIST(X)                                                                           \
	X(SENDER_APPLICATION, "sender-application")                                                    \
	X(SENDER_TLS, "sender-tls")                                                                    \
	X(SENDER_HOST, "sender-host")                                                                  \
	X(NETWORK, "network")                                                                          \
	X(RECEIVER_HOST, "receiver-host")                                                              \
	X(RECEIVER_TLS, "receiver-tls")                                                                \
	X(RECEIVER_APPLICATION, "receiver-application")                                                \
	X(CONFIGURATION, "configuration")                                                              \
	X(CAPTURE, "capture")

enum bm_party {
#define BM_PARTY_ENUM(name, id) BM_PARTY_##name,
	BM_PARTY_LIST(BM_PARTY_ENUM)
#undef BM_PARTY_ENUM
		BM_PARTY_COUNT
};
const char *bm_party_id(enum bm_party p);

enum bm_confidence { BM_POSSIBLE, BM_SUPPORTED, BM_PROVEN };
const char *bm_confidence_id(enum bm_confidence c); /* "possible", ... */

enum bm_conclusion { BM_RESULT_VERIFIED, BM_RESULT_FAILED, BM_RESULT_UNDECIDED };
const char *bm_conclusion_id(enum bm_conclusion c); /* "verified", ... */

enum { BM_CLIENT_TO_SERVER = 0, BM_SERVER_TO_CLIENT = 1 };
const char *bm_side_word(unsigned direction); /* "client", "server": who sends that way */

struct bm_record_counts {
	uint64_t verified, failed, undecided, plaintext, after_close;
};

/* An unknown number in the model. */
#define BM_UNKNOWN UINT64_MAX

struct bm_damage {
	uint64_t record_offset, stream_offset, length;
	uint64_t packet;        /* BM_UNKNOWN allowed */
	uint64_t packet_offset; /* BM_UNKNOWN allowed */
	struct bm_view received;
	struct bm_view sent; /* empty with sent_known false: null */
	bool sent_known;
	/* The record around it, from line_offset on, as received and with every repair of the failure
	 * put in; alike in length. Empty when no run of that shape is known. */
	uint64_t line_offset;
	struct bm_view line_received, line_sent;
};

struct bm_proof {
	const char *method;
	unsigned tag_bits;
	uint64_t candidates;
	double chance_log2;
	struct bm_altered altered; /* what is not known is BM_UNKNOWN; told false: null */
};

struct bm_ruled_out {
	enum bm_cause cause;
	const char *because;
};

/* Octets of a record that stand in one packet. */
struct bm_carrier {
	uint64_t record_offset, length;
	uint64_t packet, packet_offset; /* BM_UNKNOWN allowed */
	const char *checksum;           /* "valid", "invalid", "offloaded" or NULL */
};

/* What stands where a failed record was due: header, body, and as much behind them as was damaged.
 * Octets as they were on the wire, never decrypted. */
struct bm_octets {
	struct bm_view received;
	struct bm_view sent; /* with all damage of the failure undone, perhaps longer or shorter */
	bool sent_known;
	/* Of each octet of either, whether it is shown (1); NULL: all are. Redaction alone sets them.
	 */
	const uint8_t *received_shown, *sent_shown;
	const struct bm_carrier *carriers;
	size_t carrier_count;
};

/* What came of each record of a connection, in the order in which they were judged, and what else
 * happened. Times may go back where those of the capture do. */
struct bm_course {
	const struct bm_judged *records;
	size_t record_count;
	uint64_t records_left_out; /* all behind these */
	const struct bm_event *events;
	size_t event_count;
	uint64_t events_left_out;
};
const char *bm_checksum_name(enum bm_checksum c); /* NULL: unknown */

/* Strings and arrays are owned by the connection's arena and die with it. */
struct bm_failure {
	unsigned direction; /* BM_CLIENT_TO_SERVER, BM_SERVER_TO_CLIENT */
	uint64_t epoch, sequence_number, stream_offset, length; /* BM_UNKNOWN: null */
	const uint64_t *packets;
	size_t packet_count;
	enum bm_cause cause;
	enum bm_confidence confidence;
	enum bm_party at_fault[BM_PARTY_COUNT];
	size_t at_fault_count;
	const char *summary;
	bool has_proof;
	struct bm_proof proof;
	const struct bm_damage *damage;
	size_t damage_count;
	/* NULL: not wanted, not at hand, or under a suite that does not encrypt. */
	const struct bm_octets *octets;
	const char *checksum_as_captured; /* "valid", "invalid", "offloaded" or NULL */
	const char *checksum_as_sent;     /* "valid", "invalid" or NULL */
	const char *const *evidence;
	size_t evidence_count;
	const struct bm_ruled_out *ruled_out;
	size_t ruled_out_count;
	const char *const *next_steps;
	size_t next_step_count;
};
bool bm_blames(const struct bm_failure *f, enum bm_party p); /* does at_fault name it? */

struct bm_alert {
	unsigned direction;
	uint8_t level, description; /* 1 warning, 2 fatal; RFC 8446, section 6 */
	uint64_t packet;
	bool encrypted;
	bool stale; /* what it is about was repaired since */
};

struct bm_connection {
	uint64_t id;
	const char
		*capture; /* name of the capture (the first piece) it was found in; static for the run */
	const struct bm_capture_pieces *pieces; /* of that capture, if it is in several; borrowed */
	const char *const *also_in;             /* other captures that show it; borrowed */
	size_t also_in_count;
	enum bm_transport transport;
	struct bm_address client, server;
	uint64_t first_ts_ns, last_ts_ns;
	unsigned version; /* 0 unknown */
	bool has_suite;
	uint16_t suite;
	bool has_client_random;
	uint8_t client_random[32];
	int resumed; /* 1, 0, -1 unknown */
	enum bm_key_source keys;
	enum bm_conclusion result;
	struct bm_record_counts records[2];
	uint64_t capture_gaps;
	const char *server_name; /* SNI, printable ASCII or escaped; NULL if none */
	bool extended_master_secret, encrypt_then_mac, truncated_hmac;
	unsigned max_fragment_length, record_size_limit, compression; /* 0: not in use */
	const char *undecided_because; /* one sentence when something is undecided, else NULL */
	const char *undecided_detail;  /* about this very connection; NULL if there is none */
	const char *undecided_next;    /* what would settle it */
	bool undecided_wants_keys;     /* no key material was given at all */
	const struct bm_alert *alerts;
	size_t alert_count;
	const struct bm_failure *failures;
	size_t failure_count;
	const struct bm_course *course; /* NULL: not wanted */
};

/* One without failures and undecided records, in one piece of memory to be freed; *size: its
 * octets. What is borrowed or static stays so. NULL: no memory. */
struct bm_connection *bm_connection_keep(const struct bm_connection *c, size_t *size);

/* Something about the input as a whole that the user should know: truncated files, unknown
 * link types, bad key log lines, limits that were reached. Goes to standard error and into JSON as
 * "notices". */
struct bm_notice {
	const char *text;
};

/* One that was read. */
struct bm_capture_read {
	const char *name;
	const char *capture;            /* as connections name it: its first piece */
	uint64_t first_packet, packets; /* BM_UNKNOWN: it was not read to its end */
};

struct bm_summary {
	enum bm_conclusion result;
	uint64_t connections;
	struct bm_record_counts records;
	uint64_t packets, bytes; /* frames read, and their captured octets */
	uint64_t undecoded; /* frames of unknown link types, or with headers that are not all there */
	uint64_t seen_elsewhere; /* connections of other captures that are among those told of */
	const struct bm_capture_read
		*captures; /* in the order of reading; none if one alone was given */
	size_t capture_count;
	const struct bm_notice *notices;
	size_t notice_count;
};

#endif
