/* A second opinion: the same inputs through nettle. Knows nothing of OpenSSL. */
#include "vector.h"

#include <nettle/aes.h>
#include <nettle/arcfour.h>
#include <nettle/arctwo.h>
#include <nettle/camellia.h>
#include <nettle/cbc.h>
#include <nettle/ccm.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/des.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>

#include "crypto/crypto.h"

enum { TEXT_MAX = 17000, ROUNDS = 60 };

static uint8_t plain[TEXT_MAX], text[TEXT_MAX], out[TEXT_MAX];
static uint64_t seed = 9;

static size_t
random_size(int round)
{
	return round < 40 ? (size_t)round : (size_t)(random_next(&seed) % TEXT_MAX);
}

static void
rc4(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct arcfour_ctx theirs;
		struct bm_rc4 ours;
		uint8_t key[256];
		size_t n = random_size(i), key_n = 5 + (size_t)i;
		random_fill(&seed, key, sizeof(key));
		random_fill(&seed, plain, n);
		arcfour_set_key(&theirs, key_n, key);
		arcfour_crypt(&theirs, n, text, plain);
		bm_rc4_init(&ours, bm_view(key, key_n));
		bm_rc4_crypt(&ours, bm_view(text, n), out);
		assert_memory_equal(plain, out, n);
	}
}

static void
check_hmac(enum bm_hash h, struct bm_view key, struct bm_view data, const uint8_t *want)
{
	struct bm_hmac *m;
	uint8_t got[BM_HASH_MAX];

	CHECK_STATUS(BM_OK, bm_hmac_new(&m, h, key));
	CHECK_STATUS(BM_OK, bm_hmac_tag(m, &data, 1, got));
	assert_memory_equal(want, got, bm_hash_size(h));
	bm_hmac_free(m);
}

#define HMAC_AGAINST(which, id)                                                                    \
	do {                                                                                           \
		struct hmac_##which##_ctx c;                                                               \
		uint8_t want[64];                                                                          \
		hmac_##which##_set_key(&c, key_n, key);                                                    \
		hmac_##which##_update(&c, n, plain);                                                       \
		hmac_##which##_digest(&c, bm_hash_size(id), want);                                         \
		check_hmac(id, bm_view(key, key_n), bm_view(plain, n), want);                              \
	} while (0)

static void
hmacs(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t key[200];
		size_t n = random_size(i), key_n = (size_t)(random_next(&seed) % sizeof(key));
		random_fill(&seed, key, sizeof(key));
		random_fill(&seed, plain, n);
		HMAC_AGAINST(md5, BM_MD5);
		HMAC_AGAINST(sha1, BM_SHA1);
		HMAC_AGAINST(sha256, BM_SHA256);
		HMAC_AGAINST(sha384, BM_SHA384);
	}
}

static void
check_aead(enum bm_cipher c, enum bm_mode m, size_t tag_size, const uint8_t *key,
	const uint8_t *nonce, struct bm_view aad, size_t n, const uint8_t *want)
{
	struct bm_aead *a;
	uint8_t got[16];

	CHECK_STATUS(BM_OK, bm_aead_new(&a, c, m, tag_size, bm_view(key, bm_cipher_key_size(c))));
	CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, aad, bm_view(text, n), NULL, got));
	assert_memory_equal(want, got, tag_size);
	CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, aad, bm_view(text, n), out, got));
	assert_memory_equal(want, got, tag_size);
	assert_memory_equal(plain, out, n);
	bm_aead_free(a);
}

#define GCM_AGAINST(which, id)                                                                     \
	do {                                                                                           \
		struct gcm_##which##_ctx c;                                                                \
		uint8_t want[16];                                                                          \
		gcm_##which##_set_key(&c, key);                                                            \
		gcm_##which##_set_iv(&c, sizeof(nonce), nonce);                                            \
		gcm_##which##_update(&c, aad_n, aad);                                                      \
		gcm_##which##_encrypt(&c, n, text, plain);                                                 \
		gcm_##which##_digest(&c, sizeof(want), want);                                              \
		check_aead(id, BM_MODE_GCM, 16, key, nonce, bm_view(aad, aad_n), n, want);                 \
	} while (0)

#define CCM_AGAINST(which, id, size)                                                               \
	do {                                                                                           \
		struct ccm_##which##_ctx c;                                                                \
		uint8_t want[16];                                                                          \
		ccm_##which##_set_key(&c, key);                                                            \
		ccm_##which##_set_nonce(&c, sizeof(nonce), nonce, aad_n, n, size);                         \
		ccm_##which##_update(&c, aad_n, aad);                                                      \
		ccm_##which##_encrypt(&c, n, text, plain);                                                 \
		ccm_##which##_digest(&c, size, want);                                                      \
		check_aead(id, BM_MODE_CCM, size, key, nonce, bm_view(aad, aad_n), n, want);               \
	} while (0)

static void
aeads(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t key[32], nonce[12], aad[64];
		size_t n = random_size(i), aad_n = (size_t)(random_next(&seed) % sizeof(aad));
		random_fill(&seed, key, sizeof(key));
		random_fill(&seed, nonce, sizeof(nonce));
		random_fill(&seed, aad, sizeof(aad));
		random_fill(&seed, plain, n);
		GCM_AGAINST(aes128, BM_AES128);
		GCM_AGAINST(aes256, BM_AES256);
		/* OpenSSL has no Camellia in GCM: here nothing else could contradict badmac. */
		GCM_AGAINST(camellia128, BM_CAMELLIA128);
		GCM_AGAINST(camellia256, BM_CAMELLIA256);
		CCM_AGAINST(aes128, BM_AES128, 16);
		CCM_AGAINST(aes128, BM_AES128, 8);
		CCM_AGAINST(aes256, BM_AES256, 16);
		CCM_AGAINST(aes256, BM_AES256, 8);

		struct chacha_poly1305_ctx c;
		uint8_t want[16];
		chacha_poly1305_set_key(&c, key);
		chacha_poly1305_set_nonce(&c, nonce);
		chacha_poly1305_update(&c, aad_n, aad);
		chacha_poly1305_encrypt(&c, n, text, plain);
		chacha_poly1305_digest(&c, sizeof(want), want);
		check_aead(BM_CHACHA20, BM_MODE_POLY1305, 16, key, nonce, bm_view(aad, aad_n), n, want);
	}
}

static void
check_cbc(enum bm_cipher c, const uint8_t *key, const uint8_t *iv, size_t n)
{
	struct bm_cbc *k;

	CHECK_STATUS(BM_OK, bm_cbc_new(&k, c, bm_view(key, bm_cipher_key_size(c))));
	CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, iv, bm_view(text, n), out));
	assert_memory_equal(plain, out, n);
	bm_cbc_free(k);
}

#define CBC_AGAINST(context, set_key, encrypt, block, id)                                          \
	do {                                                                                           \
		struct context c;                                                                          \
		uint8_t chain[block];                                                                      \
		memcpy(chain, iv, block);                                                                  \
		set_key;                                                                                   \
		cbc_encrypt(&c, (nettle_cipher_func *)encrypt, block, chain, n, text, plain);              \
		check_cbc(id, key, iv, n);                                                                 \
	} while (0)

static void
cbcs(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t key[32], iv[16];
		size_t n = random_size(i) / 16 * 16;
		random_fill(&seed, key, sizeof(key));
		random_fill(&seed, iv, sizeof(iv));
		random_fill(&seed, plain, n);
		CBC_AGAINST(des_ctx, des_set_key(&c, key), des_encrypt, 8, BM_DES);
		CBC_AGAINST(des3_ctx, des3_set_key(&c, key), des3_encrypt, 8, BM_3DES);
		CBC_AGAINST(arctwo_ctx, arctwo_set_key_ekb(&c, 16, key, 128), arctwo_encrypt, 8, BM_RC2);
		CBC_AGAINST(aes128_ctx, aes128_set_encrypt_key(&c, key), aes128_encrypt, 16, BM_AES128);
		CBC_AGAINST(camellia256_ctx, camellia256_set_encrypt_key(&c, key), camellia256_crypt, 16,
			BM_CAMELLIA256);
	}
}

static int
teardown(void **state)
{
	(void)state;
	bm_crypto_free_all();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rc4),
		cmocka_unit_test(hmacs),
		cmocka_unit_test(aeads),
		cmocka_unit_test(cbcs),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
