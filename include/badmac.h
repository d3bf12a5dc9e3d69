/* libbadmac: why did TLS say "bad record MAC"?
 *
 * A diagnosis is fed key material and captures, all of them bytes in memory or
 * behind a read function: the library opens no file, prints nothing, reads no
 * clock and no environment. It hands its report to a write function.
 *
 * Ownership: handles belong to the caller and are freed with the function named
 * for them. Input bytes given as pointers must outlive the diagnosis. Strings that are
 * returned are static unless said otherwise. One diagnosis belongs to one thread
 * at a time; separate diagnoses are independent. The write and progress functions are called from
 * the thread that calls badmac_run. */
#ifndef BADMAC_H
#define BADMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BADMAC_API __attribute__((visibility("default")))
#else
#define BADMAC_API
#endif

enum badmac_status {
	BADMAC_OK,
	BADMAC_NOMEM,       /* out of memory */
	BADMAC_IO,          /* a read or write function reported an error */
	BADMAC_FORMAT,      /* the input is none of the known formats, or is malformed */
	BADMAC_UNSUPPORTED, /* recognised, but cannot be used */
	BADMAC_USAGE        /* arguments that make no sense */
};

/* Where a capture was taken, as far as the caller knows. */
enum badmac_place {
	BADMAC_AT_UNKNOWN,
	BADMAC_AT_SENDER,
	BADMAC_AT_RECEIVER,
	BADMAC_AT_CLIENT,
	BADMAC_AT_SERVER,
	BADMAC_AT_MIDDLE
};

enum badmac_result { BADMAC_VERIFIED, BADMAC_FAILED, BADMAC_UNDECIDED };

/* HTML: one page with both of the others in it (docs/HTML.md). Of explanations there is none. */
enum badmac_format { BADMAC_TEXT, BADMAC_JSON, BADMAC_HTML };

/* How far the search for the cause of a failure goes: about two seconds of one core for each, a
 * tenth of that, or as long as it takes. Where a run has many failures, each gets less. */
enum badmac_effort { BADMAC_NORMAL, BADMAC_QUICK, BADMAC_DEEP };

/* Whose primitives check records: OpenSSL's, or intel-ipsec-mb's for those that it has. The report
 * is the same. Auto takes the latter where badmac was built with it and the processor has AES-NI,
 * PCLMULQDQ and AVX2. */
enum badmac_crypto { BADMAC_CRYPTO_AUTO, BADMAC_CRYPTO_OPENSSL, BADMAC_CRYPTO_IPSEC_MB };

/* What a report hides, so that it can be handed on (docs/REDACT.md): nothing; addresses, and names
 * of hosts, users and files, each of which is replaced by the same other one throughout; those, all
 * octets that are not damaged, absolute times and the lines of logs. Notices and errors are not
 * redacted, but for those in the report. */
enum badmac_redact { BADMAC_REDACT_NOTHING, BADMAC_REDACT_ADDRESSES, BADMAC_REDACT_ALL };

/* Zero means the default everywhere. */
struct badmac_options {
	enum badmac_place place;
	enum badmac_effort effort;
	size_t flow_memory;  /* octets held per direction of a connection; default 4 MiB */
	size_t total_memory; /* octets held in all; default 1 GiB */
	size_t max_flows;    /* flows followed at a time; default 1,000,000 */
	/* Threads that read, check and search, the caller's among them; default 1, at most 64. The
	 * report is the same. They start when there is enough to do, and end with badmac_free. */
	unsigned threads;
	/* Holds for the process: set by badmac_new, for all that is set up after it. Where ipsec-mb
	 * cannot be had, asking for it is BADMAC_UNSUPPORTED. */
	enum badmac_crypto crypto;
	enum badmac_format format;
	int color;   /* text: use ANSI colours */
	int verbose; /* text, HTML: show every connection, not only failing ones */
	/* Receives the report in order. Returns 0, or non-zero to stop: the run then ends with
	 * BADMAC_IO. */
	int (*write)(void *ctx, const char *bytes, size_t n);
	void *write_ctx;
	/* Called now and then with octets of input done and in all (0: unknown); may be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *progress_ctx;
	enum badmac_redact redact;
	unsigned columns; /* text: at which a line is broken; default 96 */
	/* Receives the JSON diagnosis (badmac.diagnosis.v1) besides, whatever the format of the report:
	 * in order, each connection on a line of its own when it ends, and never redacted. Returns as
	 * write does. NULL: it is not wanted. */
	int (*write_json)(void *ctx, const char *bytes, size_t n);
	void *write_json_ctx;
};

struct badmac; /* a diagnosis */

/* What went wrong: static text, the byte offset in the input it is about, and the name of that
 * input (NULL when it is about no capture; valid until badmac_free). */
struct badmac_error {
	enum badmac_status status;
	const char *what;
	uint64_t offset;
	const char *input;
};

/* options are copied; a place, effort or format that is none is BADMAC_USAGE. On failure *out is
 * NULL. error may be NULL here and below. */
BADMAC_API enum badmac_status badmac_new(
	struct badmac **out, const struct badmac_options *options, struct badmac_error *error);

/* Key material of any kind, recognised by content; copied (and wiped by badmac_free). */
BADMAC_API enum badmac_status badmac_add_keys(
	struct badmac *b, const void *bytes, size_t n, struct badmac_error *error);
/* The same, with a name for notices about it (copied). */
BADMAC_API enum badmac_status badmac_add_named_keys(
	struct badmac *b, const char *name, const void *bytes, size_t n, struct badmac_error *error);

/* A capture in memory that outlives the diagnosis. Only noted here: it is read by badmac_run,
 * rotated pieces in order of time. name is copied; it appears in reports. */
BADMAC_API enum badmac_status badmac_add_capture(
	struct badmac *b, const char *name, const void *bytes, size_t n, struct badmac_error *error);

/* The same of a file that is mapped, of which read_at copies n bytes, from an offset on, to p;
 * false: it cannot, and they are looked at where they are mapped. That costs less than mapping each
 * page to look at it once. With several threads any of them may call it, one at a time, while
 * badmac_run goes on. */
BADMAC_API enum badmac_status badmac_add_mapped(struct badmac *b, const char *name,
	const void *bytes, size_t n, bool (*read_at)(void *ctx, uint64_t offset, uint8_t *p, size_t n),
	void *ctx, struct badmac_error *error);

/* A capture behind a read function: up to n bytes into p; the count, 0 at the end, -1 on error.
 * With several threads any of them may call it, one at a time, while badmac_run goes on. */
BADMAC_API enum badmac_status badmac_add_stream(struct badmac *b, const char *name,
	long (*read)(void *ctx, uint8_t *p, size_t n), void *ctx, struct badmac_error *error);

/* Rules (docs/EXPLAIN.md) for logs besides those that are built in, before the first log; text and
 * name are copied. BADMAC_FORMAT: error->what says why (valid until badmac_free), error->offset is
 * the line, from 1; 0: the file as a whole. */
BADMAC_API enum badmac_status badmac_add_log_rules(
	struct badmac *b, const char *name, const void *text, size_t n, struct badmac_error *error);

/* A log of either end begins, and the one before has ended; name is copied. The report then says
 * which connection and failure each incident in it is about (docs/LOGS.md). Secrets in it are used
 * like those of badmac_add_keys. No result depends on a log. BADMAC_FORMAT: rules name what is not
 * there; error->input says in which file. */
BADMAC_API enum badmac_status badmac_begin_log(
	struct badmac *b, const char *name, struct badmac_error *error);

/* The next octets of that log, cut anywhere; they need not stay. */
BADMAC_API enum badmac_status badmac_feed_log(
	struct badmac *b, const void *bytes, size_t n, struct badmac_error *error);

/* Reads everything and writes the report. Once per diagnosis; nothing can be added after it. */
BADMAC_API enum badmac_status badmac_run(struct badmac *b, struct badmac_error *error);

/* What badmac_run came to; BADMAC_UNDECIDED before it, or when it could not be carried out. */
BADMAC_API enum badmac_result badmac_result(const struct badmac *b);

/* When the result is BADMAC_UNDECIDED: the nth reason, a sentence without a full stop, and in
 * *connections (may be NULL) of how many connections it holds; NULL past the last. Valid until
 * badmac_free. */
BADMAC_API const char *badmac_undecided_because(
	const struct badmac *b, size_t nth, uint64_t *connections);

/* The nth notice (truncated input, bad key log lines, ...) for a person; NULL past the last. Valid
 * until badmac_free. */
BADMAC_API const char *badmac_notice(const struct badmac *b, size_t nth);
/* Whether an input could not be read to its end for another reason than being cut short. */
BADMAC_API int badmac_input_damaged(const struct badmac *b);

/* Wipes and frees; NULL allowed. */
BADMAC_API void badmac_free(struct badmac *b);

/* An explanation: what a log, without a capture, says of records that failed their check. */
struct badmac_explanation;

struct badmac_explain_options {
	enum badmac_format format;
	int color; /* text: use ANSI colours */
	/* Receives the report in order, as in badmac_options. */
	int (*write)(void *ctx, const char *bytes, size_t n);
	void *write_ctx;
	/* Receives the secrets that the log holds, as an NSS key log; NULL: they are left alone. */
	int (*write_keys)(void *ctx, const char *bytes, size_t n);
	void *write_keys_ctx;
	unsigned columns; /* text: as in badmac_options */
	int verbose; /* text: all causes, all that is ruled out, and the lines before an incident */
	enum badmac_redact redact;
};

/* options are copied. On failure *out is NULL. */
BADMAC_API enum badmac_status badmac_explanation_new(struct badmac_explanation **out,
	const struct badmac_explain_options *options, struct badmac_error *error);

/* Rules (docs/EXPLAIN.md) besides those that are built in, before the first octets of the log; text
 * and name are copied. BADMAC_FORMAT: error->what says why (valid until badmac_explanation_free),
 * error->offset is the line, from 1; 0: the file as a whole. */
BADMAC_API enum badmac_status badmac_explanation_add_rules(struct badmac_explanation *x,
	const char *name, const void *text, size_t n, struct badmac_error *error);

/* The next octets of the log, cut anywhere. BADMAC_FORMAT: rules name what is not there;
 * error->input says in which file. */
BADMAC_API enum badmac_status badmac_explanation_feed(
	struct badmac_explanation *x, const void *bytes, size_t n, struct badmac_error *error);

/* The end of the log: writes the report, and the secrets if they are wanted. Once. */
BADMAC_API enum badmac_status badmac_explanation_finish(
	struct badmac_explanation *x, struct badmac_error *error);

/* After that: BADMAC_FAILED when a line says that a record failed its check, BADMAC_UNDECIDED when
 * no such line is surely about TLS, else BADMAC_VERIFIED. */
BADMAC_API enum badmac_result badmac_explanation_result(const struct badmac_explanation *x);
/* How many secrets were written. */
BADMAC_API uint64_t badmac_explanation_secrets(const struct badmac_explanation *x);

/* Wipes and frees; NULL allowed. */
BADMAC_API void badmac_explanation_free(struct badmac_explanation *x);

/* Proofs: what a report of a diagnosis says of connections and failures, given as claims, is made
 * again from the captures and the keys alone. Nothing is searched for. Instead of badmac_run:
 * badmac_add_claims, then badmac_prove; options.write is not called. docs/PROVE.md says what is
 * checked of each claim. */

/* A number that the report does not know (null). */
#define BADMAC_UNKNOWN UINT64_MAX

/* May be of n 0, and p NULL then. */
struct badmac_bytes {
	const uint8_t *p;
	size_t n;
};

enum badmac_direction { BADMAC_CLIENT_TO_SERVER, BADMAC_SERVER_TO_CLIENT };

/* State of a checksum, as in the report. */
enum badmac_sum { BADMAC_SUM_UNKNOWN, BADMAC_SUM_VALID, BADMAC_SUM_INVALID, BADMAC_SUM_OFFLOADED };

/* Inputs of a check that were otherwise than the receiver had them, as bits: `inputs` of the
 * report. */
enum badmac_input {
	BADMAC_INPUT_BYTES = 1,
	BADMAC_INPUT_SEQUENCE_NUMBER = 2,
	BADMAC_INPUT_EPOCH = 4,
	BADMAC_INPUT_DIRECTION = 8,
	BADMAC_INPUT_CONNECTION = 16,
	BADMAC_INPUT_DERIVATION = 32,
	BADMAC_INPUT_RULE = 64,
	BADMAC_INPUT_PADDING = 128,
	BADMAC_INPUT_KEYSTREAM = 256,
	BADMAC_INPUT_RECORD = 512
};

/* Members of the structures below are those of the report of the same name (docs/OUTPUT.md);
 * strings that are null there are NULL. All that they point to outlives the diagnosis. */
struct badmac_claimed_damage {
	uint64_t record_offset, stream_offset, length, packet, packet_offset;
	struct badmac_bytes received, sent;
	int received_known, sent_known; /* 0: null */
};

struct badmac_claimed_record {
	enum badmac_direction direction;
	uint64_t stream_offset, packet, sequence_number;
};

/* Another rule for the MAC: the words of `mac_rule`. */
struct badmac_claimed_mac_rule {
	const char *order;
	uint64_t tag_length; /* octets */
	const char *mac, *cipher_key, *mac_key, *iv, *nonce, *number, *number_in, *version, *header,
		*length;
};

struct badmac_claimed_change {
	unsigned inputs; /* enum badmac_input */
	enum badmac_direction direction;
	uint64_t epoch, sequence_number, stream_offset, packet, packet_offset;
	const char *sender, *receiver;
	struct badmac_bytes session;
	const char *rule;
	int has_mac_rule; /* 0: null */
	struct badmac_claimed_mac_rule mac_rule;
	uint64_t padding, keystream_offset;
	struct badmac_bytes iv;
	const char *capture;
	const uint64_t *sent_packets;
	size_t sent_packet_count;
	uint64_t sent_packet_offset;
	int has_other_record;
	struct badmac_claimed_record other_record;
};

/* A failure. */
struct badmac_claim {
	enum badmac_direction direction;
	uint64_t epoch, sequence_number, stream_offset, length;
	const uint64_t *packets;
	size_t packet_count;
	const char *cause;
	int proven;                  /* confidence */
	const char *const *at_fault; /* ids of parties */
	size_t at_fault_count;
	int has_proof;
	const char *method;
	uint64_t tag_bits, candidates;
	double chance_log2;
	int has_altered;
	struct badmac_claimed_change altered;
	const struct badmac_claimed_damage *damage;
	size_t damage_count;
	enum badmac_sum checksum_as_captured, checksum_as_sent;
};

struct badmac_counts {
	uint64_t verified, failed, undecided, plaintext; /* records */
};

struct badmac_claimed_alert {
	enum badmac_direction direction;
	const char *level, *description;
	uint64_t code, packet;
	int encrypted;
	int stale; /* 1, 0; -1: the report does not say */
};

/* Where keys came from, as in the report; OTHER: a word that this version has not heard of. */
enum badmac_keys_from {
	BADMAC_KEYS_NONE,
	BADMAC_KEYS_KEY_LOG,
	BADMAC_KEYS_SECRETS_BLOCK,
	BADMAC_KEYS_PRIVATE_KEY,
	BADMAC_KEYS_JSSE_LOG,
	BADMAC_KEYS_OTHER
};

/* NULL, and BADMAC_UNKNOWN: null in the report. */
struct badmac_claimed_connection {
	const char *capture, *client, *server, *server_name;
	int udp;
	uint64_t first_ns, last_ns; /* of its packets, since 1970 */
	const char *version, *cipher_suite;
	struct badmac_bytes client_random; /* empty: null */
	int resumed;                       /* 1, 0; -1: null */
	enum badmac_keys_from keys;
	int extended_master_secret, encrypt_then_mac, truncated_hmac;
	uint64_t max_fragment_length, record_size_limit, compression;
	enum badmac_result result;
	struct badmac_counts records[2]; /* by enum badmac_direction */
	uint64_t records_after_close, capture_gaps;
	const struct badmac_claimed_alert *alerts;
	size_t alert_count;
	const struct badmac_claim *failures;
	size_t failure_count;
};

struct badmac_claims {
	const struct badmac_claimed_connection *connections;
	size_t connection_count;
	struct badmac_counts records; /* the summary's, as what follows */
	enum badmac_result result;
	uint64_t connections_told, records_after_close, packets, bytes, undecoded, seen_elsewhere;
};

/* Once, before badmac_prove; *claims too outlives the diagnosis. */
BADMAC_API enum badmac_status badmac_add_claims(
	struct badmac *b, const struct badmac_claims *claims, struct badmac_error *error);

/* Reads everything and judges every claim. Once, and not beside badmac_run. Whatever
 * options.crypto says, checks are made by every library there is; the choice holds again
 * afterwards. */
BADMAC_API enum badmac_status badmac_prove(struct badmac *b, struct badmac_error *error);

enum badmac_verdict {
	BADMAC_HOLDS,
	BADMAC_DOES_NOT_HOLD,
	BADMAC_CANNOT_BE_CHECKED, /* keys, packets or what the report would have to say are lacking */
	BADMAC_NOT_REPLAYABLE     /* there is no check that could be made again */
};

/* What was looked at, in order. */
struct badmac_step {
	const char *id;   /* "received"; docs/PROVE.md lists them */
	const char *says; /* a sentence without a full stop */
	int passed;
};

struct badmac_judgement {
	enum badmac_verdict verdict;
	const char *step;    /* the id of the one that decided; NULL: it holds */
	const char *because; /* a sentence without a full stop; NULL: it holds */
	const struct badmac_step *steps;
	size_t step_count;
};

/* After badmac_prove: what it came to for the nth failure of the nth connection of the claims; of
 * failure BADMAC_WHOLE for the connection itself, its records' counts; of connection BADMAC_WHOLE
 * for the summary. NULL: there is no such one. Valid until badmac_free. */
#define BADMAC_WHOLE SIZE_MAX
BADMAC_API const struct badmac_judgement *badmac_judgement(
	const struct badmac *b, size_t connection, size_t failure);

/* "0.1.0". */
BADMAC_API const char *badmac_version(void);

#ifdef __cplusplus
}
#endif

#endif
