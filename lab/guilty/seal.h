/* Records of TLS made by hand, from secrets that libssl gave away: right ones, and ones that depart
 * from the rule on purpose. An implementation of its own, by RFC 5246, 7366, 7905 and 8446: nothing
 * of what badmac itself checks records with is in it. */
#ifndef BM_LAB_GUILTY_SEAL_H
#define BM_LAB_GUILTY_SEAL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEAL_HEADER = 5,
	SEAL_MAX = SEAL_HEADER + 16384 + 256,
	SEAL_ALERT = 21,
	SEAL_HANDSHAKE,
	SEAL_DATA
};

struct record {
	uint8_t p[SEAL_MAX];
	size_t n;
};

struct secret {
	uint8_t p[64];
	size_t n; /* 0: there is none */
};

enum seal_kind { SEAL_CBC, SEAL_GCM, SEAL_CCM, SEAL_CHACHA };

struct seal_keys {
	enum seal_kind kind;
	int version;
	const EVP_CIPHER *cipher;
	const EVP_MD *mac; /* CBC alone */
	size_t tag;        /* AEAD alone */
	size_t mac_len, key_len, iv_len;
	uint8_t mac_key[EVP_MAX_MD_SIZE], key[EVP_MAX_KEY_LENGTH], iv[EVP_MAX_IV_LENGTH];
};

/* Of an SSL whose version and suite are settled; side: whose writing keys, the client's or the
 * server's. False: a suite of a kind that is not made here. */
bool seal_keys_12(struct seal_keys *k, const SSL *ssl, const struct secret *master, bool client);
bool seal_keys_13(struct seal_keys *k, const SSL *ssl, const struct secret *traffic);
/* The traffic secret after a KeyUpdate (RFC 8446, section 7.2). */
bool seal_next_secret(const SSL *ssl, const struct secret *now, struct secret *next);

struct seal_plan {
	uint64_t sequence;
	uint8_t type;
	const uint8_t *text;
	size_t n;
	const uint8_t *nonce; /* explicit nonce of GCM and CCM, IV of CBC; both before TLS 1.3 */
	bool etm;             /* RFC 7366 */
	/* How it departs from the rule. All zero: it does not. */
	const uint8_t *tagged; /* MAC or tag are over this, of n octets as well */
	size_t mac_keep;       /* so many octets of the MAC */
	unsigned padding_more; /* the padding says that it is so much longer than it is */
	bool untyped;          /* TLS 1.3: no content type behind the content */
	bool inner_length; /* TLS 1.3: the length before the tag was added is what is authenticated */
};

bool seal(const struct seal_keys *k, const struct seal_plan *plan, struct record *out);
/* The octets of explicit nonce or IV that a record begins with. */
size_t seal_nonce_length(const struct seal_keys *k);

#endif
