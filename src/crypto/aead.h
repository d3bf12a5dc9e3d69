/* What the AEAD modes have in common. Refuses to be included from outside this folder. */
#ifndef BM_CRYPTO_AEAD_H
#define BM_CRYPTO_AEAD_H

#include "crypto/gf128.h"
#include "crypto/lib.h"
#include "crypto/mb.h"

enum { AEAD_BLOCK = 16, AEAD_PIECE = 4096 };

/* Of a mode, with its key. Each holds what one of the two libraries needs. */
struct bm_aead {
	enum bm_mode mode;
	size_t tag_size;
	EVP_CIPHER_CTX *block;  /* GCM, CCM: the bare block cipher */
	EVP_CIPHER_CTX *stream; /* counter mode, or ChaCha20 */
	EVP_CIPHER_CTX *chain;  /* CCM: CBC for its MAC */
	EVP_MAC_CTX *poly1305;
	struct gcm128_context *gcm;
	struct bm_gf128 h;       /* GCM: the hash key */
	uint8_t *scratch;        /* CCM: plaintext on its way into the MAC */
	struct bm_mb_aes *aes;   /* GCM through ipsec-mb: none of the above */
	bool mb_chacha20;        /* ChaCha20-Poly1305 with ipsec-mb: as well */
	uint8_t key[BM_KEY_MAX]; /* the latter's */
};

/* Starts a context afresh at this IV; true on success. */
bool aead_restart(EVP_CIPHER_CTX *ctx, const uint8_t iv[AEAD_BLOCK]);

/* Each checks its parameters as bm_aead_new says. */
enum bm_status gcm_setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key);
enum bm_status gcm_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *tag);
/* Counter mode from this block on. */
enum bm_status gcm_counter(
	const struct bm_aead *a, const uint8_t counter[AEAD_BLOCK], struct bm_view text, uint8_t *out);
void gcm_free(struct bm_aead *a);

enum bm_status ccm_setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key);
enum bm_status ccm_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *plain, uint8_t *tag);

enum bm_status chacha_setup(struct bm_aead *a, struct bm_view key);
enum bm_status chacha_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *tag);
/* From this block of 64 octets on. */
enum bm_status chacha_stream(const struct bm_aead *a, const uint8_t nonce[12], uint32_t counter,
	struct bm_view text, uint8_t *out);

#endif
