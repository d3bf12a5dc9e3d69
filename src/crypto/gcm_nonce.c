/* The nonce behind a GCM tag: the tag is the cipher over nonce and counter, plus GHASH, so the
 * cipher run backwards over the two gives them. Without contexts, for searches over very many keys
 * that each are used once. Refuses to know what a nonce has to look like. */
#include "crypto/lib.h"

#include <openssl/aes.h>

#include "base/buf.h"
#include "crypto/gf128.h"

enum { BLOCK = 16 };

static struct bm_gf128
absorb(struct bm_gf128 sum, struct bm_gf128 h, struct bm_view v)
{
	for (size_t at = 0; at < v.n; at += BLOCK) {
		uint8_t block[BLOCK] = {0};
		memcpy(block, v.p + at, v.n - at < BLOCK ? v.n - at : BLOCK);
		sum = bm_gf128_mul(bm_gf128_add(sum, bm_gf128_load(block)), h);
	}
	return sum;
}

enum bm_status
bm_gcm_nonce(enum bm_cipher c, struct bm_view key, struct bm_view aad, struct bm_view text,
	const uint8_t tag[16], uint8_t nonce[16])
{
	static const uint8_t zero[BLOCK];
	uint8_t h[BLOCK];
	AES_KEY k;

	if ((c != BM_AES128 && c != BM_AES256) || key.n != bm_cipher_key_size(c))
		return BM_UNSUPPORTED;
	if (AES_set_encrypt_key(key.p, (int)(8 * key.n), &k) != 0)
		return BM_USAGE;
	AES_encrypt(zero, h, &k);
	struct bm_gf128 base = bm_gf128_load(h);
	struct bm_gf128 sum = absorb((struct bm_gf128){0, 0}, base, aad);
	sum = absorb(sum, base, text);
	sum = bm_gf128_add(sum, (struct bm_gf128){(uint64_t)aad.n * 8, (uint64_t)text.n * 8});
	sum = bm_gf128_add(bm_gf128_mul(sum, base), bm_gf128_load(tag));
	bm_gf128_store(nonce, sum);
	enum bm_status st = AES_set_decrypt_key(key.p, (int)(8 * key.n), &k) == 0 ? BM_OK : BM_USAGE;
	if (st == BM_OK)
		AES_decrypt(nonce, nonce, &k);
	bm_wipe(&k, sizeof k);
	bm_wipe(h, sizeof h);
	return st;
}
