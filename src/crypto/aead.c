/* The AEAD modes behind one interface: the tag that a ciphertext should carry, and its plaintext
 * when asked for. Refuses to compare tags, and to decrypt what nobody reads. */
#include "crypto/aead.h"

#include "base/buf.h"

enum { BLOCK = AEAD_BLOCK };

bool
aead_restart(EVP_CIPHER_CTX *ctx, const uint8_t iv[AEAD_BLOCK])
{
	return EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1;
}

static enum bm_status
setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	switch (a->mode) {
	case BM_MODE_GCM:
		return gcm_setup(a, c, key);
	case BM_MODE_CCM:
		return ccm_setup(a, c, key);
	case BM_MODE_POLY1305:
		return c == BM_CHACHA20 ? chacha_setup(a, key) : BM_UNSUPPORTED;
	default:
		return BM_UNSUPPORTED;
	}
}

enum bm_status
bm_aead_new(
	struct bm_aead **out, enum bm_cipher c, enum bm_mode m, size_t tag_size, struct bm_view key)
{
	*out = NULL;
	if (tag_size != 16 && tag_size != 8)
		return BM_USAGE;
	struct bm_aead *a = OPENSSL_zalloc(sizeof(*a));
	if (a == NULL)
		return bm_crypto_failure(BM_NOMEM);
	a->mode = m;
	a->tag_size = tag_size;
	enum bm_status st = setup(a, c, key);
	if (st != BM_OK) {
		bm_aead_free(a);
		return st;
	}
	*out = a;
	return BM_OK;
}

enum bm_status
bm_aead_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *plain, uint8_t tag[16])
{
	enum bm_status st;

	memset(tag, 0, BLOCK);
	if (a->mode == BM_MODE_CCM)
		return ccm_tag(a, nonce, aad, text, plain, tag);
	if (a->mode == BM_MODE_GCM)
		st = gcm_tag(a, nonce, aad, text, tag);
	else
		st = chacha_tag(a, nonce, aad, text, tag);
	return st == BM_OK && plain != NULL ? bm_aead_decrypt_at(a, nonce, 0, text, plain) : st;
}

/* The keystream of the text starts at the counter after the tag's own: 2 in GCM (32 bits), 1 in
 * CCM (24 bits, L = 3) and in ChaCha20-Poly1305 (32 bits, in steps of 64 octets). OpenSSL's counter
 * of GCM is 128 bits wide: they part only after 2^36 octets. */
enum bm_status
bm_aead_decrypt_at(const struct bm_aead *a, const uint8_t nonce[12], uint64_t offset,
	struct bm_view text, uint8_t *plain)
{
	static const uint64_t most = UINT64_C(0xfffffffe) * BLOCK;
	uint8_t counter[BLOCK] = {0};

	if (offset % BM_AEAD_STEP != 0)
		return BM_USAGE;
	if (offset > most || text.n > most - offset ||
		(a->mode == BM_MODE_CCM && offset + text.n > 0xffffff))
		return BM_LIMIT;
	if (text.n == 0)
		return BM_OK;
	switch (a->mode) {
	case BM_MODE_GCM:
		memcpy(counter, nonce, 12);
		bm_store32(counter + 12, (uint32_t)(offset / BLOCK + 2));
		return gcm_counter(a, counter, text, plain);
	case BM_MODE_CCM:
		bm_store32(counter + 12, (uint32_t)(offset / BLOCK + 1));
		counter[0] = 2;
		memcpy(counter + 1, nonce, 12);
		break;
	default:
		return chacha_stream(a, nonce, (uint32_t)(offset / BM_AEAD_STEP + 1), text, plain);
	}
	if (!aead_restart(a->stream, counter) || !bm_crypto_update(a->stream, plain, text.p, text.n))
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

enum bm_status
bm_aead_blocks(const struct bm_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
	if (a->block == NULL && a->aes == NULL)
		return BM_UNSUPPORTED;
	if (n == 0)
		return BM_OK;
	if (a->aes != NULL)
		return bm_mb_aes_blocks(a->aes, in, n, out);
	return bm_crypto_update(a->block, out, in, n * BLOCK) ? BM_OK : bm_crypto_failure(BM_NOMEM);
}

/* RFC 8439, sections 2.5 and 2.6. */
enum bm_status
bm_aead_one_time_key(const struct bm_aead *a, const uint8_t nonce[12], uint8_t key[32])
{
	static const uint8_t zero[32];

	if (a->mode != BM_MODE_POLY1305)
		return BM_UNSUPPORTED;
	enum bm_status st = chacha_stream(a, nonce, 0, bm_view(zero, sizeof zero), key);
	if (st != BM_OK)
		return st;
	for (size_t i = 3; i < BLOCK; i += 4)
		key[i] &= 0x0f;
	for (size_t i = 4; i < BLOCK; i += 4)
		key[i] &= 0xfc;
	return BM_OK;
}

bool
bm_aead_shared(const struct bm_aead *a)
{
	return a->aes != NULL || a->mb_chacha20;
}

void
bm_aead_free(struct bm_aead *a)
{
	if (a == NULL)
		return;
	gcm_free(a);
	EVP_MAC_CTX_free(a->poly1305);
	EVP_CIPHER_CTX_free(a->block);
	EVP_CIPHER_CTX_free(a->stream);
	EVP_CIPHER_CTX_free(a->chain);
	OPENSSL_clear_free(a->scratch, AEAD_PIECE);
	OPENSSL_clear_free(a, sizeof(*a));
}
