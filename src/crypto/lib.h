/* What the files of this folder share: the library context and its fetched algorithms.
 * Refuses to be included from anywhere else. */
#ifndef BM_CRYPTO_LIB_H
#define BM_CRYPTO_LIB_H

/* The deprecated calls have states that can be copied by assignment. */
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"

enum bm_use { BM_USE_ECB, BM_USE_CBC, BM_USE_CTR, BM_USE_STREAM };
enum { BM_USES = BM_USE_STREAM + 1, BM_CIPHERS = BM_CHACHA20 + 1 };

/* Borrowed until bm_crypto_free_all. BM_UNSUPPORTED when no provider has it, BM_NOMEM. */
enum bm_status bm_crypto_cipher(enum bm_cipher c, enum bm_use use, const EVP_CIPHER **out);
enum bm_status bm_crypto_poly1305(EVP_MAC **out);
enum bm_status bm_crypto_sm3(const EVP_MD **out);

/* BM_NOMEM when OpenSSL's error queue tells of a failed allocation, else `otherwise`;
 * empties the queue. */
enum bm_status bm_crypto_failure(enum bm_status otherwise);

/* A new context for the cipher without padding; iv may be NULL. */
enum bm_status bm_crypto_cipher_ctx(EVP_CIPHER_CTX **out, enum bm_cipher c, enum bm_use use,
	struct bm_view key, const uint8_t *iv, bool encrypt);

/* As EVP_CipherUpdate for any size that keeps whole blocks whole; true on success. */
bool bm_crypto_update(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t n);

/* bm_hmac_few of what it allows, many at a time. False: it is better done one by one. */
bool hmac_few_in_lanes(enum bm_hash h, const struct bm_view *keys, size_t key_count,
	const struct bm_view *texts, size_t text_count, uint8_t (*tags)[BM_HASH_MAX]);

#endif
