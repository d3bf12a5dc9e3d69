/* Every cipher suite of the IANA registry, as one table. */
#ifndef BM_TLS_SUITES_H
#define BM_TLS_SUITES_H

#include "crypto/crypto.h"

enum bm_key_exchange {
	BM_KX_OTHER, /* (EC)DHE, PSK, SRP, Kerberos, ...: only a key log or secrets block opens it */
	BM_KX_RSA,   /* the server's private key opens it */
	BM_KX_TLS13
};

struct bm_suite {
	uint16_t id;
	const char *name; /* IANA name, "TLS_RSA_WITH_RC4_128_SHA" */
	enum bm_key_exchange kx;
	enum bm_cipher cipher;
	enum bm_mode mode;
	uint8_t key_len;      /* octets of write key from the key block */
	uint8_t fixed_iv_len; /* AEAD before TLS 1.3: 4 (GCM, CCM), 12 (ChaCha20-Poly1305); else 0 */
	uint8_t tag_len;      /* AEAD: 16 or 8; else 0 */
	enum bm_hash mac;     /* HMAC of CBC, stream and NULL suites; BM_HASH_NONE for AEAD */
	enum bm_hash prf;     /* TLS 1.2 PRF and TLS 1.3 HKDF hash: BM_SHA256, BM_SHA384 or BM_SM3 */
	bool verifiable;      /* badmac has the rules and the primitives (export, GOST, ...: false,
						   * and then nothing above but id, name and kx is set) */
};

/* NULL when the id is not registered. */
const struct bm_suite *bm_suite_find(unsigned id);
const struct bm_suite *bm_suite_table(size_t *count);
/* verifiable, and the linked crypto library offers the cipher (asked once). */
bool bm_suite_available(const struct bm_suite *s);

#endif
