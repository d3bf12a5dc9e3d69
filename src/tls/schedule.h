/* Key schedules of SSL 3.0 to TLS 1.3 and DTLS: from secrets to traffic keys. */
#ifndef BM_TLS_SCHEDULE_H
#define BM_TLS_SCHEDULE_H

#include "tls/suites.h"
#include "tls/record.h"

enum { BM_MASTER = 48, BM_RANDOM = 32, BM_SECRET_MAX = 64 };

/* The client sends under CLIENT keys, the server under SERVER keys. */
enum bm_side { BM_CLIENT = 0, BM_SERVER = 1 };

/* All that protects one direction in one epoch. Holds secrets: wipe with bm_wipe. */
struct bm_traffic_keys {
	uint16_t version; /* negotiated, TLS or DTLS value */
	const struct bm_suite *suite;
	bool encrypt_then_mac; /* RFC 7366, CBC only */
	bool truncated_hmac;   /* RFC 6066, section 7: 10 octets of MAC */
	uint16_t draft; /* TLS 1.3: of which draft the rules are; 0 for RFC 8446. Set by the caller */
	uint8_t mac_key[BM_HASH_MAX]; /* length bm_hash_size(suite->mac) */
	uint8_t key[BM_KEY_MAX];      /* length suite->key_len */
	uint8_t iv[16];               /* CBC up to TLS 1.0: block; AEAD: 4 or 12 octets; TLS 1.3: 12 */
	uint8_t number_key[BM_KEY_MAX]; /* DTLS 1.3 */
};

/* Every call that takes a version and a suite returns BM_UNSUPPORTED for two that do not go
 * together and for a suite that is not verifiable. What a failing call was to fill is zero then; a
 * secret to be updated in place stays as it was. An empty premaster secret is BM_USAGE. */

/* Master secret from premaster (RFC 6101 6.1, RFC 2246 8.1, RFC 5246 8.1). */
BM_MUST_USE enum bm_status bm_master_secret(unsigned version, const struct bm_suite *s,
	struct bm_view premaster, const uint8_t client_random[BM_RANDOM],
	const uint8_t server_random[BM_RANDOM], uint8_t master[BM_MASTER]);
/* Extended master secret (RFC 7627): transcript is every handshake message up to and including
 * ClientKeyExchange, hashed as the version demands. */
BM_MUST_USE enum bm_status bm_master_secret_extended(unsigned version, const struct bm_suite *s,
	struct bm_view premaster, struct bm_view transcript, uint8_t master[BM_MASTER]);
/* The key block of SSL 3.0 to TLS 1.2 parted: k[BM_CLIENT] and k[BM_SERVER]. The caller then sets
 * encrypt_then_mac and truncated_hmac. */
BM_MUST_USE enum bm_status bm_key_block(unsigned version, const struct bm_suite *s,
	const uint8_t master[BM_MASTER], const uint8_t client_random[BM_RANDOM],
	const uint8_t server_random[BM_RANDOM], struct bm_traffic_keys k[2]);
/* TLS 1.3 and DTLS 1.3 (RFC 8446, 7.3; RFC 9147, 5.9): keys of a traffic secret. BM_USAGE for a
 * secret that is not as long as the suite's hash. */
BM_MUST_USE enum bm_status bm_keys_from_secret(
	unsigned version, const struct bm_suite *s, struct bm_view secret, struct bm_traffic_keys *k);
/* The same of up to BM_KEYS_AT_ONCE secrets, which together take less time. */
enum { BM_KEYS_AT_ONCE = 4 };
BM_MUST_USE enum bm_status bm_keys_from_secrets(unsigned version, const struct bm_suite *s,
	const struct bm_view *secrets, size_t n, struct bm_traffic_keys *k);
/* application_traffic_secret_N+1 (RFC 8446, 7.2); in place. */
BM_MUST_USE enum bm_status bm_secret_update(
	unsigned version, const struct bm_suite *s, uint8_t *secret, size_t secret_len);
/* The PRF itself: TLS 1.0/1.1 when prf is BM_MD5_SHA1, else TLS 1.2 with that hash. */
BM_MUST_USE enum bm_status bm_prf(enum bm_hash prf, struct bm_view secret, const char *label,
	struct bm_view seed, uint8_t *out, size_t n);

#endif
