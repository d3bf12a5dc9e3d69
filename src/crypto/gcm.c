/* GCM: the tag that a ciphertext should carry, without decrypting. Of AES through ipsec-mb where
 * that is chosen, of any block cipher through OpenSSL. */
#include "crypto/aead.h"

#include <openssl/modes.h>

#include "base/buf.h"

enum { BLOCK = AEAD_BLOCK };

static void
gcm_block(const uint8_t in[BLOCK], uint8_t out[BLOCK], const void *key)
{
	/* Cannot fail: the context was tried with its key, and one block needs no memory. */
	EVP_CIPHER_CTX *ctx = *(EVP_CIPHER_CTX *const *)key;
	int n;

	(void)EVP_EncryptUpdate(ctx, out, &n, in, BLOCK);
}

static enum bm_status
set_up_openssl(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	static const uint8_t zero[BLOCK];
	uint8_t h[BLOCK];
	enum bm_status st = bm_crypto_cipher_ctx(&a->block, c, BM_USE_ECB, key, NULL, true);

	if (st == BM_OK)
		st = bm_crypto_cipher_ctx(&a->stream, c, BM_USE_CTR, key, zero, true);
	if (st != BM_OK)
		return st;
	if (!bm_crypto_update(a->block, h, zero, BLOCK))
		return bm_crypto_failure(BM_NOMEM);
	a->gcm = CRYPTO_gcm128_new(&a->block, gcm_block);
	if (a->gcm == NULL)
		return bm_crypto_failure(BM_NOMEM);
	a->h = bm_gf128_load(h);
	bm_wipe(h, sizeof h);
	return BM_OK;
}

enum bm_status
gcm_setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	if (bm_cipher_block(c) != BLOCK || a->tag_size != BLOCK)
		return BM_UNSUPPORTED;
	if ((c != BM_AES128 && c != BM_AES256) || !bm_mb_on())
		return set_up_openssl(a, c, key);
	return key.n == bm_cipher_key_size(c) ? bm_mb_aes_new(&a->aes, key, true) : BM_USAGE;
}

static bool
gcm_hash_padded(GCM128_CONTEXT *gcm, struct bm_view v)
{
	static const uint8_t zero[BLOCK];

	if (v.n == 0)
		return true;
	return CRYPTO_gcm128_aad(gcm, v.p, v.n) == 0 && CRYPTO_gcm128_aad(gcm, zero, -v.n % BLOCK) == 0;
}

/* OpenSSL hashes aad and text alike as associated data, which it can do without decrypting.
 * Its last block then holds the lengths (both together, 0) in place of (aad, text). GHASH is
 * linear and the last block is multiplied by H once, so the tag is put right by adding the
 * difference of the two last blocks times H (SP 800-38D, section 6.4). */
static enum bm_status
tag_openssl(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *tag)
{
	uint64_t aad_bits = (uint64_t)aad.n * 8, text_bits = (uint64_t)text.n * 8;
	uint64_t hashed_bits = (aad_bits + 127) / 128 * 128 + (text_bits + 127) / 128 * 128;
	struct bm_gf128 difference = {aad_bits ^ hashed_bits, text_bits};

	CRYPTO_gcm128_setiv(a->gcm, nonce, 12);
	if (!gcm_hash_padded(a->gcm, aad) || !gcm_hash_padded(a->gcm, text))
		return BM_LIMIT;
	CRYPTO_gcm128_tag(a->gcm, tag, BLOCK);
	bm_gf128_store(tag, bm_gf128_add(bm_gf128_load(tag), bm_gf128_mul(difference, a->h)));
	return BM_OK;
}

enum bm_status
gcm_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad, struct bm_view text,
	uint8_t *tag)
{
	if (a->aes == NULL)
		return tag_openssl(a, nonce, aad, text, tag);
	bm_mb_gcm_tag(a->aes, nonce, aad, text, tag);
	return BM_OK;
}

enum bm_status
gcm_counter(
	const struct bm_aead *a, const uint8_t counter[BLOCK], struct bm_view text, uint8_t *out)
{
	if (a->aes != NULL)
		return bm_mb_aes_counter(a->aes, counter, text, out);
	if (!aead_restart(a->stream, counter) || !bm_crypto_update(a->stream, out, text.p, text.n))
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

void
gcm_free(struct bm_aead *a)
{
	if (a->gcm != NULL)
		CRYPTO_gcm128_release(a->gcm);
	bm_mb_aes_free(a->aes);
}
