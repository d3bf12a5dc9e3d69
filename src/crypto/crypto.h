/* The few primitives badmac needs. The one place that knows a crypto library;
 * refuses to know TLS. All calls are thread-compatible: separate objects, separate threads.
 * A const bm_hmac or bm_rsa may be used by several threads at once; a bm_aead or bm_cbc, const
 * or not, by one at a time (it carries the library's scratch state) unless bm_aead_shared or
 * bm_cbc_shared says otherwise.
 * Every _new and _parse sets *out, to NULL when it fails; every _free takes NULL. */
#ifndef BM_CRYPTO_CRYPTO_H
#define BM_CRYPTO_CRYPTO_H

#include "base/bytes.h"
#include "base/status.h"

/* OpenSSL does all of it. intel-ipsec-mb does some of it faster, with the same results, where it is
 * built in and the processor has AES-NI, PCLMULQDQ and AVX2. */
enum bm_backend { BM_BACKEND_AUTO, BM_BACKEND_OPENSSL, BM_BACKEND_IPSEC_MB };
/* For what is set up from now on, by any thread of the process; BM_BACKEND_AUTO, ipsec-mb where it
 * can be had, holds from the start. BM_UNSUPPORTED: it cannot be had here, and nothing has changed.
 */
BM_MUST_USE enum bm_status bm_crypto_choose(enum bm_backend b);
/* The libraries in use, such as "OpenSSL 3.0.19, ipsec-mb 1.3.0"; static to the calling thread. */
const char *bm_crypto_backend(void);
/* Gives back what the calls share. Every object is freed before; calls after it start afresh. */
void bm_crypto_free_all(void);

enum bm_hash { BM_HASH_NONE, BM_MD5, BM_SHA1, BM_SHA256, BM_SHA384, BM_SM3, BM_MD5_SHA1 };
enum { BM_HASH_MAX = 64, BM_BLOCK_MAX = 16, BM_KEY_MAX = 32 };

size_t bm_hash_size(enum bm_hash h);  /* octets of output */
size_t bm_hash_block(enum bm_hash h); /* octets of the compression function's block */

/* One-shot over several views in a row. BM_UNSUPPORTED when the library lacks it. */
BM_MUST_USE enum bm_status bm_hash_once(
	enum bm_hash h, const struct bm_view *v, size_t n, uint8_t out[BM_HASH_MAX]);

/* HMAC with a key set up once; usable any number of times (RFC 2104). Any key length.
 * BM_UNSUPPORTED for BM_HASH_NONE and BM_MD5_SHA1. */
struct bm_hmac;
BM_MUST_USE enum bm_status bm_hmac_new(struct bm_hmac **out, enum bm_hash h, struct bm_view key);
BM_MUST_USE enum bm_status bm_hmac_tag(
	const struct bm_hmac *m, const struct bm_view *v, size_t n, uint8_t out[BM_HASH_MAX]);
/* Many at a time are faster, the more so the more alike their sizes are. tag: BM_HASH_MAX octets of
 * room. */
struct bm_hmac_job {
	const struct bm_hmac *key;
	struct bm_view text;
	uint8_t *tag;
};
bool bm_hmac_lanes(const struct bm_hmac *m); /* is that so? */
BM_MUST_USE enum bm_status bm_hmac_batch(const struct bm_hmac_job *jobs, size_t n);
void bm_hmac_free(struct bm_hmac *m); /* wipes */
/* HMAC of each of `text_count` texts under each of `key_count` keys that are used once, for key
 * schedules: of text j under key i into tags[i * text_count + j]. Keys of BM_HASH_MAX octets and
 * texts of BM_HMAC_FEW_TEXT at most; BM_HMAC_FEW tags at most. */
enum { BM_HMAC_FEW = 16, BM_HMAC_FEW_TEXT = 40 };
BM_MUST_USE enum bm_status bm_hmac_few(enum bm_hash h, const struct bm_view *keys, size_t key_count,
	const struct bm_view *texts, size_t text_count, uint8_t (*tags)[BM_HASH_MAX]);

enum bm_cipher {
	BM_CIPHER_NULL,
	BM_RC4,
	BM_DES,
	BM_3DES,
	BM_IDEA,
	BM_SEED,
	BM_RC2, /* CBC */
	BM_AES128,
	BM_AES256,
	BM_CAMELLIA128,
	BM_CAMELLIA256,
	BM_ARIA128,
	BM_ARIA256,
	BM_SM4,
	BM_CHACHA20
};
enum bm_mode { BM_MODE_STREAM, BM_MODE_CBC, BM_MODE_GCM, BM_MODE_CCM, BM_MODE_POLY1305 };

size_t bm_cipher_key_size(enum bm_cipher c); /* RC4, RC2: 16, what TLS gives them */
size_t bm_cipher_block(enum bm_cipher c);    /* 1 for stream ciphers */
/* Whether it can really be had from the linked library (asked by trying). */
bool bm_cipher_available(enum bm_cipher c, enum bm_mode m);

/* AEAD with a key set up once. `tag_size` 16, or 8 for CCM_8. BM_USAGE for a key or tag of another
 * size, BM_UNSUPPORTED for a pair of cipher and mode that cannot be had. GCM and CCM work with
 * every cipher of 16 octet blocks, whether or not the library itself combines the two. */
struct bm_aead;
BM_MUST_USE enum bm_status bm_aead_new(
	struct bm_aead **out, enum bm_cipher c, enum bm_mode m, size_t tag_size, struct bm_view key);
/* The tag that ciphertext `text` should carry; plain (may be NULL) receives text.n bytes of
 * plaintext. plain may be text.p. nonce: 12 bytes. Octets of tag past the tag's size become 0. Does
 * not compare: plain is written whether or not the tag that came with the text is right. BM_LIMIT:
 * CCM text of 2^24 octets or more. */
BM_MUST_USE enum bm_status bm_aead_tag(const struct bm_aead *a, const uint8_t nonce[12],
	struct bm_view aad, struct bm_view text, uint8_t *plain, uint8_t tag[16]);
/* The plaintext of `text`, which stands `offset` octets into its record; the tag is not looked at.
 * offset is a multiple of BM_AEAD_STEP (else BM_USAGE). plain may be text.p. BM_LIMIT as above. */
enum { BM_AEAD_STEP = 64 };
BM_MUST_USE enum bm_status bm_aead_decrypt_at(const struct bm_aead *a, const uint8_t nonce[12],
	uint64_t offset, struct bm_view text, uint8_t *plain);
/* For searches that undo a tag. GCM, CCM: the bare block cipher over n blocks of 16 octets, each by
 * itself; out may be in. BM_UNSUPPORTED for others. */
BM_MUST_USE enum bm_status bm_aead_blocks(
	const struct bm_aead *a, const uint8_t *in, size_t n, uint8_t *out);
/* ChaCha20-Poly1305: r (clamped) and s of one record's Poly1305. Secret. BM_UNSUPPORTED for others.
 */
BM_MUST_USE enum bm_status bm_aead_one_time_key(
	const struct bm_aead *a, const uint8_t nonce[12], uint8_t key[32]);
bool bm_aead_shared(const struct bm_aead *a); /* may several threads use it at once? */
void bm_aead_free(struct bm_aead *a);         /* wipes */
/* AES in GCM: the nonce and the counter of 32 bits behind it (1, if the key is right) that give
 * text this tag. BM_UNSUPPORTED for other ciphers. */
BM_MUST_USE enum bm_status bm_gcm_nonce(enum bm_cipher c, struct bm_view key, struct bm_view aad,
	struct bm_view text, const uint8_t tag[16], uint8_t nonce[16]);

/* CBC decryption, no padding rules; text.n is a multiple of the block (else BM_USAGE). plain has
 * text.n bytes and may be text.p. */
struct bm_cbc;
BM_MUST_USE enum bm_status bm_cbc_new(struct bm_cbc **out, enum bm_cipher c, struct bm_view key);
BM_MUST_USE enum bm_status bm_cbc_decrypt(
	const struct bm_cbc *k, const uint8_t *iv, struct bm_view text, uint8_t *plain);
bool bm_cbc_shared(const struct bm_cbc *k); /* may several threads use it at once? */
void bm_cbc_free(struct bm_cbc *k);         /* wipes */

/* RC4 with a state that can be copied by assignment: a hypothesis starts from any saved one. */
struct bm_rc4 {
	uint32_t word[258]; /* the library's own state, opaque */
	uint64_t position;  /* octets of keystream used */
};
void bm_rc4_init(struct bm_rc4 *s, struct bm_view key);               /* key: 1 to 256 octets */
void bm_rc4_crypt(struct bm_rc4 *s, struct bm_view in, uint8_t *out); /* out may be in.p */
void bm_rc4_skip(struct bm_rc4 *s, uint64_t n);

/* One block (AES-ECB) or ChaCha20 block for DTLS 1.3 record number masks (RFC 9147, 4.2.3). */
BM_MUST_USE enum bm_status bm_number_mask(
	enum bm_cipher c, struct bm_view key, const uint8_t sample[16], uint8_t mask[16]);

/* An RSA private key. */
struct bm_rsa;
/* The first private key in PEM text (PKCS#1 or PKCS#8), whatever stands before it. *used: octets of
 * text up to the end of that key (all of it when there is none), so that a caller can go on after
 * it in every case. BM_END: no private key in the rest of the text. BM_UNSUPPORTED: not RSA, or
 * encrypted (nobody is ever asked for a password). BM_FORMAT: malformed. */
BM_MUST_USE enum bm_status bm_rsa_parse(struct bm_rsa **out, struct bm_view pem, size_t *used);
size_t bm_rsa_size(const struct bm_rsa *k); /* of the modulus, in octets */
/* Textbook decryption, padding and all: out receives bm_rsa_size octets.
 * BM_FORMAT when `in` is not below the modulus. */
BM_MUST_USE enum bm_status bm_rsa_decrypt(const struct bm_rsa *k, struct bm_view in, uint8_t *out);
/* True when the DER certificate holds this key's public half. */
bool bm_rsa_matches(const struct bm_rsa *k, struct bm_view certificate);
void bm_rsa_free(struct bm_rsa *k); /* wipes */

#endif
