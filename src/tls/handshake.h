/* Handshake messages: what they say, without judging it. Views borrow from the message. */
#ifndef BM_TLS_HANDSHAKE_H
#define BM_TLS_HANDSHAKE_H

#include "base/buf.h"
#include "tls/record.h"

enum bm_handshake_type {
	BM_HELLO_REQUEST = 0,
	BM_CLIENT_HELLO = 1,
	BM_SERVER_HELLO = 2,
	BM_HELLO_VERIFY_REQUEST = 3,
	BM_NEW_SESSION_TICKET = 4,
	BM_END_OF_EARLY_DATA = 5,
	BM_ENCRYPTED_EXTENSIONS = 8,
	BM_REQUEST_CONNECTION_ID = 9,
	BM_NEW_CONNECTION_ID = 10,
	BM_CERTIFICATE = 11,
	BM_SERVER_KEY_EXCHANGE = 12,
	BM_CERTIFICATE_REQUEST = 13,
	BM_SERVER_HELLO_DONE = 14,
	BM_CERTIFICATE_VERIFY = 15,
	BM_CLIENT_KEY_EXCHANGE = 16,
	BM_FINISHED = 20,
	BM_CERTIFICATE_STATUS = 22,
	BM_KEY_UPDATE = 24,
	BM_COMPRESSED_CERTIFICATE = 25
};

/* Extensions of either hello that change how records are protected or tell sessions apart. */
struct bm_extensions {
	bool extended_master_secret, encrypt_then_mac, truncated_hmac;
	bool early_data, session_ticket, pre_shared_key, connection_id, renegotiation_info;
	uint8_t max_fragment_length; /* RFC 6066 code 1 to 4, 0 if absent */
	uint16_t record_size_limit;  /* RFC 8449, 0 if absent */
	uint16_t selected_identity;  /* ServerHello's pre_shared_key */
	uint16_t selected_version; /* ServerHello's supported_versions; drafts 0x7fXX count as 0x0304 */
	uint16_t draft;            /* 0, or the draft number of TLS 1.3 that was selected; 14 when
								* a draft says 0x0304, which those up to 14 did */
	struct bm_view ticket;     /* ClientHello: session_ticket contents */
	struct bm_view psk_identity;       /* ClientHello: first offered */
	struct bm_view cid;                /* connection_id this side wants to be addressed by */
	struct bm_view server_name;        /* host name, not terminated, untrusted */
	struct bm_view alpn;               /* first protocol */
	struct bm_view supported_versions; /* ClientHello list */
};

struct bm_hello {
	bool server;
	bool hello_retry_request; /* ServerHello with the random of RFC 8446, 4.1.3 */
	bool ssl2_format;
	uint16_t version;   /* legacy_version */
	uint8_t random[32]; /* an SSL 2.0-format challenge is right-aligned, zeros in front */
	struct bm_view session_id;
	struct bm_view suites; /* client: list (SSL 2.0 format: of three-byte specs); server: empty */
	uint16_t suite;        /* server */
	uint8_t compression;   /* server: chosen */
	struct bm_view cookie; /* DTLS client */
	struct bm_extensions ext;
};

/* body: the handshake message without its header. Extensions whose contents make no sense are
 * passed over; of duplicates the first counts. dtls: DTLS layout (cookie). False: malformed. */
bool bm_client_hello_parse(struct bm_view body, bool dtls, struct bm_hello *h);
bool bm_server_hello_parse(struct bm_view body, struct bm_hello *h);
/* An SSL 2.0-format ClientHello: bytes from its two-byte header on. */
bool bm_ssl2_hello_parse(struct bm_view record, struct bm_hello *h);
/* The version that a ServerHello selects (TLS or DTLS value as negotiated). */
unsigned bm_hello_version(const struct bm_hello *server);
/* extensions of EncryptedExtensions. False: malformed. */
bool bm_encrypted_extensions_parse(struct bm_view body, struct bm_extensions *ext);
/* TLS 1.2 and before: the ticket of NewSessionTicket (RFC 5077). */
bool bm_ticket_parse(struct bm_view body, struct bm_view *ticket);
/* The first certificate (DER) of a Certificate message of TLS 1.2 and before. */
bool bm_certificate_parse(struct bm_view body, struct bm_view *der);
/* The encrypted premaster secret of an RSA ClientKeyExchange: TLS has a length in front, SSL 3.0
 * has none. */
bool bm_rsa_key_exchange_parse(struct bm_view body, unsigned version, struct bm_view *encrypted);

struct bm_message {
	uint8_t type;
	struct bm_view body;  /* borrowed until the next call */
	struct bm_view whole; /* borrowed likewise: header and body, as it enters the transcript (TLS: 4
							 byte header) */
};

struct bm_handshake_fragments;

/* Puts handshake messages together from the fragments in records. All-zero but `buf.max` is empty.
 * One assembler takes either TLS or DTLS, not both. */
struct bm_assembler {
	struct bm_buf buf; /* buf.max: cap on one message; DTLS: on all in the making together */
	size_t used, skip; /* bytes of buf dealt with; bytes of an overlong message yet to come */
	bool broken;       /* something was passed over: an overlong message, a bad fragment */
	struct bm_handshake_fragments *dtls; /* NULL until the first DTLS fragment */
};

/* Adds the plaintext of one handshake record (TLS). BM_NOMEM, or BM_LIMIT when more than one
 * message's maximum waits for bm_assembler_next: nothing was added then. */
BM_MUST_USE enum bm_status bm_assembler_add(struct bm_assembler *a, struct bm_view fragment);
/* Adds one DTLS handshake record's plaintext, which may hold several fragments, in any order. Of
 * messages that are due later, the next few are kept as buf.max allows; retransmissions are
 * skipped. A new handshake, which counts from 0 again, shows itself by a hello with another random.
 * A hello ends the wait for messages before it. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_assembler_add_dtls(struct bm_assembler *a, struct bm_view fragment);
/* The next complete message. False: none yet. For DTLS `whole` has the 12 byte header as if
 * unfragmented. */
bool bm_assembler_next(struct bm_assembler *a, struct bm_message *m);
size_t bm_assembler_size(const struct bm_assembler *a); /* octets held */
void bm_assembler_clear(struct bm_assembler *a);        /* wipes; a is empty and usable again */

#endif
