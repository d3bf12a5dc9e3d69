/* The few primitives badmac needs. The one place that knows a crypto library;
 * refuses to know TLS. All calls are thread-compatible: separate objects, separate threads. */
#ifndef BM_CRYPTO_CRYPTO_H
#define BM_CRYPTO_CRYPTO_H

#include "base/bytes.h"
#include "base/status.h"

enum bm_hash { BM_HASH_NONE, BM_MD5, BM_SHA1, BM_SHA256, BM_SHA384, BM_SM3, BM_MD5_SHA1 };
enum { BM_HASH_MAX = 64, BM_BLOCK_MAX = 16, BM_KEY_MAX = 32 };

size_t bm_hash_size(enum bm_hash h);   /* octets of output */
size_t bm_hash_block(enum bm_hash h);  /* octets of the compression function's block */

/* One-shot over several views in a row. BM_UNSUPPORTED when the library lacks it. */
BM_MUST_USE enum bm_status bm_hash_once(enum bm_hash h, const struct bm_view *v, size_t n,
    uint8_t out[BM_HASH_MAX]);

/* HMAC with a key set up once; usable any number of times (RFC 2104). */
struct bm_hmac;
BM_MUST_USE enum bm_status bm_hmac_new(struct bm_hmac **out, enum bm_hash h, struct bm_view key);
BM_MUST_USE enum bm_status bm_hmac_tag(const struct bm_hmac *m, const struct bm_view *v, size_t n,
    uint8_t out[BM_HASH_MAX]);
void bm_hmac_free(struct bm_hmac *m); /* wipes */

enum bm_cipher {
	BM_CIPHER_NULL,
	BM_RC4,
	BM_DES, BM_3DES, BM_IDEA, BM_SEED, BM_RC2,                       /* CBC */
	BM_AES128, BM_AES256, BM_CAMELLIA128, BM_CAMELLIA256, BM_ARIA128, BM_ARIA256, BM_SM4,
	BM_CHACHA20
};
enum bm_mode { BM_MODE_STREAM, BM_MODE_CBC, BM_MODE_GCM, BM_MODE_CCM, BM_MODE_POLY1305 };

size_t bm_cipher_key_size(enum bm_cipher c);
size_t bm_cipher_block(enum bm_cipher c); /* 1 for stream ciphers */
/* Whether the linked library really offers it (asked once, by trying). */
bool bm_cipher_available(enum bm_cipher c, enum bm_mode m);

/* AEAD with a key set up once. `tag_size` 16, or 8 for CCM_8. */
struct bm_aead;
BM_MUST_USE enum bm_status bm_aead_new(struct bm_aead **out, enum bm_cipher c, enum bm_mode m,
    size_t tag_size, struct bm_view key);
/* The tag that ciphertext `text` should carry; plain (may be NULL) receives text.n bytes of plaintext.
 * nonce: 12 bytes. Does not compare. Never releases plaintext checks: the caller compares tags. */
BM_MUST_USE enum bm_status bm_aead_tag(const struct bm_aead *a, const uint8_t nonce[12],
    struct bm_view aad, struct bm_view text, uint8_t *plain, uint8_t tag[16]);
void bm_aead_free(struct bm_aead *a); /* wipes */

/* CBC decryption, no padding rules; text.n is a multiple of the block. plain has text.n bytes. */
struct bm_cbc;
BM_MUST_USE enum bm_status bm_cbc_new(struct bm_cbc **out, enum bm_cipher c, struct bm_view key);
BM_MUST_USE enum bm_status bm_cbc_decrypt(const struct bm_cbc *k, const uint8_t *iv,
    struct bm_view text, uint8_t *plain);
void bm_cbc_free(struct bm_cbc *k);

/* RC4 with a state that can be copied by assignment: a hypothesis starts from any saved one. */
struct bm_rc4 {
	uint32_t word[258];  /* the library's own state, opaque */
	uint64_t position;   /* octets of keystream used */
};
void bm_rc4_init(struct bm_rc4 *s, struct bm_view key);
void bm_rc4_crypt(struct bm_rc4 *s, struct bm_view in, uint8_t *out); /* out may be in.p */
void bm_rc4_skip(struct bm_rc4 *s, uint64_t n);

/* One block (AES-ECB) or ChaCha20 block for DTLS 1.3 record number masks (RFC 9147, 4.2.3). */
BM_MUST_USE enum bm_status bm_number_mask(enum bm_cipher c, struct bm_view key,
    const uint8_t sample[16], uint8_t mask[16]);

/* An RSA private key. */
struct bm_rsa;
/* PEM text (PKCS#1 or PKCS#8, unencrypted); *used: bytes of text consumed by the first key in it. */
BM_MUST_USE enum bm_status bm_rsa_parse(struct bm_rsa **out, struct bm_view pem, size_t *used);
/* Textbook decryption; out receives the modulus' size in bytes. */
size_t bm_rsa_size(const struct bm_rsa *k);
BM_MUST_USE enum bm_status bm_rsa_decrypt(const struct bm_rsa *k, struct bm_view in, uint8_t *out);
/* True when the DER certificate holds this key's public half. */
bool bm_rsa_matches(const struct bm_rsa *k, struct bm_view certificate);
void bm_rsa_free(struct bm_rsa *k);

#endif
