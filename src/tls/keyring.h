/* Everything that was given to open connections with: key logs, private keys, masters,
 * and the sessions learnt on the way. Compact: ten million key log lines fit. */
#ifndef BM_TLS_KEYRING_H
#define BM_TLS_KEYRING_H

#include "tls/schedule.h"

enum bm_label {
	BM_LABEL_CLIENT_RANDOM, /* master secret, by client random */
	BM_LABEL_CLIENT_EARLY_TRAFFIC_SECRET,
	BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET,
	BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET,
	BM_LABEL_CLIENT_TRAFFIC_SECRET_0,
	BM_LABEL_SERVER_TRAFFIC_SECRET_0,
	BM_LABEL_EARLY_EXPORTER_SECRET,
	BM_LABEL_EXPORTER_SECRET,
	BM_LABEL_RSA,               /* premaster, by the first 8 octets of its encryption */
	BM_LABEL_RSA_SESSION_ID,    /* master, by session id */
	BM_LABEL_PMS_CLIENT_RANDOM, /* premaster, by client random */
	BM_LABEL_CONNECTION, /* server random and master secret, by client random: all but the suite */
	BM_LABEL_COUNT
};

/* Where key material came from; the names of the JSON contract follow from it. */
enum bm_key_source {
	BM_SOURCE_NONE,
	BM_SOURCE_KEY_LOG,       /* "key log" */
	BM_SOURCE_SECRETS_BLOCK, /* "secrets block" */
	BM_SOURCE_PRIVATE_KEY,   /* "private key" */
	BM_SOURCE_JSSE_LOG       /* "jsse log" */
};

struct bm_keyring;

BM_MUST_USE enum bm_status bm_keyring_new(struct bm_keyring **out);
void bm_keyring_free(struct bm_keyring *k); /* wipes; NULL allowed */

struct bm_key_counts {
	uint64_t lines; /* all of them, comments and blank ones too */
	uint64_t secrets, duplicates, bad_lines;
	uint64_t unknown_labels; /* well-formed lines under a label nobody has told of */
	uint64_t passed_over;    /* known labels that open no TLS or DTLS record: QUIC, ECH, later
								generations */
	uint64_t first_bad_line; /* from 1 in its own text; 0 when there is none */
	uint64_t private_keys;
};

/* The sum; of two first bad lines, that of `to` stays. */
void bm_key_counts_add(struct bm_key_counts *to, const struct bm_key_counts *c);

/* NSS key log text. Bad lines are counted, never fatal. A last line without newline counts. Labels
 * without the _0 of TRAFFIC_SECRET_0 and DTLS spellings are taken too. counts (may be NULL) is
 * added to. */
BM_MUST_USE enum bm_status bm_keyring_add_key_log(struct bm_keyring *k, struct bm_view text,
	enum bm_key_source source, struct bm_key_counts *counts);
/* Whether a line starts with a label of such a text, whatever comes after it. */
bool bm_keyring_is_key_log_line(struct bm_view line);
/* One secret by hand (JSSE logs). id: client random, session id or encrypted premaster, as the
 * label says. BM_USAGE: lengths that the label does not allow. */
BM_MUST_USE enum bm_status bm_keyring_add(struct bm_keyring *k, enum bm_label label,
	struct bm_view id, struct bm_view secret, enum bm_key_source source);
/* Every RSA private key of a PEM text; certificates and others in it are passed over. BM_FORMAT:
 * none found. BM_UNSUPPORTED: none, but there are private keys of other kinds or encrypted ones.
 * BM_LIMIT: too many. */
BM_MUST_USE enum bm_status bm_keyring_add_pem(
	struct bm_keyring *k, struct bm_view pem, struct bm_key_counts *counts);

struct bm_secret {
	struct bm_view bytes; /* borrowed from the ring; invalid after the next add */
	enum bm_key_source source;
};

enum { BM_SECRETS_PER_ID = 64 };
/* The nth (from 0) distinct secret under this label and id, newest first: a key log may hold
 * several. False when there are no more; only the newest BM_SECRETS_PER_ID are ever told. */
bool bm_keyring_find(const struct bm_keyring *k, enum bm_label label, struct bm_view id, size_t nth,
	struct bm_secret *out);
/* Every secret of the ring in the order in which it came, for connections whose id was not
 * captured. *at: 0 at first. False past the last. */
struct bm_ring_entry {
	enum bm_label label;
	struct bm_view id; /* borrowed, like the secret */
	struct bm_secret secret;
	bool met; /* bm_keyring_met was told of it */
};
bool bm_keyring_walk(const struct bm_keyring *k, uint64_t *at, struct bm_ring_entry *out);
/* All labels are about to be asked for this id: asks for the memory that it will take, at once. */
void bm_keyring_expect(const struct bm_keyring *k, struct bm_view id);
/* A connection with this id was seen: its secrets are of other connections' less likely. */
void bm_keyring_met(struct bm_keyring *k, enum bm_label label, struct bm_view id);
/* Secrets held under a label. */
uint64_t bm_keyring_count(const struct bm_keyring *k, enum bm_label label);
/* The nth private key, NULL past the last. */
const struct bm_rsa *bm_keyring_rsa(const struct bm_keyring *k, size_t nth);
bool bm_keyring_empty(const struct bm_keyring *k);
size_t bm_keyring_memory(const struct bm_keyring *k); /* octets that it takes, about */
uint64_t bm_keyring_size(const struct bm_keyring *k); /* secrets held */

/* The session cache: master secrets seen in full handshakes, by session id or by ticket. Bounded:
 * the oldest are forgotten. Needed to open resumed connections. */
BM_MUST_USE enum bm_status bm_keyring_remember(struct bm_keyring *k, struct bm_view id,
	const uint8_t master[BM_MASTER], enum bm_key_source source);
bool bm_keyring_recall(const struct bm_keyring *k, struct bm_view id, uint8_t master[BM_MASTER],
	enum bm_key_source *source);

#endif
