/* In the place of mb.c where intel-ipsec-mb is not built in. */
#include "crypto/mb.h"

bool
bm_mb_usable(void)
{
	return false;
}

const char *
bm_mb_version(void)
{
	return NULL;
}

void
bm_mb_free_thread(void)
{
}

enum bm_status
bm_mb_aes_new(struct bm_mb_aes **out, struct bm_view key, bool gcm)
{
	(void)key, (void)gcm;
	*out = NULL;
	return BM_UNSUPPORTED;
}

void
bm_mb_aes_free(struct bm_mb_aes *k)
{
	(void)k;
}

enum bm_status
bm_mb_aes_blocks(const struct bm_mb_aes *k, const uint8_t *in, size_t n, uint8_t *out)
{
	(void)k, (void)in, (void)n, (void)out;
	return BM_UNSUPPORTED;
}

enum bm_status
bm_mb_aes_counter(
	const struct bm_mb_aes *k, const uint8_t block[16], struct bm_view text, uint8_t *out)
{
	(void)k, (void)block, (void)text, (void)out;
	return BM_UNSUPPORTED;
}

enum bm_status
bm_mb_aes_cbc_decrypt(
	const struct bm_mb_aes *k, const uint8_t *iv, struct bm_view text, uint8_t *plain)
{
	(void)k, (void)iv, (void)text, (void)plain;
	return BM_UNSUPPORTED;
}

void
bm_mb_gcm_tag(const struct bm_mb_aes *k, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t tag[16])
{
	(void)k, (void)nonce, (void)aad, (void)text, (void)tag;
}

enum bm_status
bm_mb_poly1305(const uint8_t key[32], struct bm_view text, uint8_t tag[16])
{
	(void)key, (void)text, (void)tag;
	return BM_UNSUPPORTED;
}

bool
bm_mb_hashes(enum bm_hash h)
{
	(void)h;
	return false;
}

enum bm_status
bm_mb_hmac_batch(
	enum bm_hash h, const struct bm_mb_hmac *keys, const struct bm_hmac_job *jobs, size_t n)
{
	(void)h, (void)keys, (void)jobs, (void)n;
	return BM_UNSUPPORTED;
}
