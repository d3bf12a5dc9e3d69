/* The two libraries give the same results, bit for bit: random keys and texts of all sizes, objects
 * set up under each side by side. Where there is only one library the other half is the same one
 * again, and the first test says so. */
#include "vector.h"

#include "crypto/crypto.h"

enum { TEXT_MAX = 18000, AAD_MAX = 40 };

static uint8_t text[TEXT_MAX], out[2][TEXT_MAX];
static uint64_t seed = 77;
static bool two; /* libraries */

static void
choose(unsigned which)
{
	CHECK_STATUS(BM_OK, bm_crypto_choose(which == 0 ? BM_BACKEND_OPENSSL : BM_BACKEND_AUTO));
}

/* All the small ones, then some of every magnitude. */
static size_t
size_of(unsigned round)
{
	return round < 600 ? round : (size_t)(random_next(&seed) % TEXT_MAX);
}

static void
selection(void **state)
{
	(void)state;
	two = bm_crypto_choose(BM_BACKEND_IPSEC_MB) == BM_OK;
	if (two)
		assert_non_null(strstr(bm_crypto_backend(), ", ipsec-mb "));
	else
		print_message("ipsec-mb cannot be had here: OpenSSL against itself\n");
	choose(0);
	assert_null(strstr(bm_crypto_backend(), "ipsec-mb"));
	choose(1);
	assert_int_equal(two, strstr(bm_crypto_backend(), "ipsec-mb") != NULL);
}

static void
aead_alike(enum bm_cipher c, enum bm_mode mode, size_t tag_size)
{
	for (unsigned round = 0; round < 700; round++) {
		uint8_t key[BM_KEY_MAX], nonce[12], aad[AAD_MAX], tag[2][16], blocks[2][80], once[2][32];
		struct bm_aead *a[2];
		enum bm_status st[2];
		size_t n = size_of(round), aad_n = random_next(&seed) % (AAD_MAX + 1);
		size_t skip = n / 2 / BM_AEAD_STEP * BM_AEAD_STEP;

		random_fill(&seed, key, sizeof key);
		random_fill(&seed, nonce, sizeof nonce);
		random_fill(&seed, aad, sizeof aad);
		random_fill(&seed, text, n);
		for (unsigned i = 0; i < 2; i++) {
			choose(i);
			CHECK_STATUS(
				BM_OK, bm_aead_new(&a[i], c, mode, tag_size, bm_view(key, bm_cipher_key_size(c))));
			CHECK_STATUS(BM_OK,
				bm_aead_tag(a[i], nonce, bm_view(aad, aad_n), bm_view(text, n), out[i], tag[i]));
		}
		assert_memory_equal(tag[0], tag[1], 16);
		assert_memory_equal(out[0], out[1], n);
		for (unsigned i = 0; i < 2; i++) {
			uint8_t again[16];
			memset(out[i], 0, n);
			CHECK_STATUS(BM_OK,
				bm_aead_tag(a[i], nonce, bm_view(aad, aad_n), bm_view(text, n), NULL, again));
			assert_memory_equal(tag[0], again, 16);
			CHECK_STATUS(BM_OK, bm_aead_decrypt_at(a[i], nonce, skip,
									bm_view(text + skip, n - skip), out[i] + skip));
			st[i] = bm_aead_blocks(a[i], key, 1, blocks[i]);
			if (st[i] == BM_OK)
				CHECK_STATUS(BM_OK, bm_aead_blocks(a[i], text, 5, blocks[i]));
			else
				CHECK_STATUS(BM_OK, bm_aead_one_time_key(a[i], nonce, once[i]));
		}
		assert_memory_equal(out[0] + skip, out[1] + skip, n - skip);
		assert_int_equal(st[0], st[1]);
		if (st[0] == BM_OK)
			assert_memory_equal(blocks[0], blocks[1], sizeof blocks[0]);
		else
			assert_memory_equal(once[0], once[1], sizeof once[0]);
		bm_aead_free(a[0]);
		bm_aead_free(a[1]);
	}
}

static void
aead(void **state)
{
	(void)state;
	aead_alike(BM_AES128, BM_MODE_GCM, 16);
	aead_alike(BM_AES256, BM_MODE_GCM, 16);
	aead_alike(BM_CHACHA20, BM_MODE_POLY1305, 16);
	aead_alike(BM_AES128, BM_MODE_CCM, 8);
	aead_alike(BM_CAMELLIA128, BM_MODE_GCM, 16);
}

/* What one object of ipsec-mb gives several threads at once is tested with the records (verify). */
static void
cbc(void **state)
{
	static const enum bm_cipher ciphers[] = {BM_AES128, BM_AES256, BM_CAMELLIA256, BM_3DES};

	(void)state;
	for (unsigned round = 0; round < 1600; round++) {
		enum bm_cipher c = ciphers[round % 4];
		uint8_t key[BM_KEY_MAX], iv[BM_BLOCK_MAX];
		struct bm_cbc *k[2];
		size_t n = size_of(round / 2) / bm_cipher_block(c) * bm_cipher_block(c);

		random_fill(&seed, key, sizeof key);
		random_fill(&seed, iv, sizeof iv);
		random_fill(&seed, text, n);
		for (unsigned i = 0; i < 2; i++) {
			choose(i);
			CHECK_STATUS(BM_OK, bm_cbc_new(&k[i], c, bm_view(key, bm_cipher_key_size(c))));
			CHECK_STATUS(BM_OK, bm_cbc_decrypt(k[i], iv, bm_view(text, n), out[i]));
		}
		assert_memory_equal(out[0], out[1], n);
		/* In place. */
		CHECK_STATUS(BM_OK, bm_cbc_decrypt(k[1], iv, bm_view(text, n), text));
		assert_memory_equal(out[0], text, n);
		bm_cbc_free(k[0]);
		bm_cbc_free(k[1]);
	}
}

/* Batches of mixed keys, hashes and sizes, against one at a time. */
static void
hmac(void **state)
{
	enum { KEYS = 5, JOBS = 150 };
	static const enum bm_hash hashes[KEYS] = {BM_SHA1, BM_MD5, BM_SHA256, BM_SHA384, BM_SM3};
	static uint8_t big[66000], tags[JOBS][BM_HASH_MAX];

	(void)state;
	random_fill(&seed, big, sizeof big);
	for (unsigned round = 0; round < 60; round++) {
		struct bm_hmac *k[2][KEYS];
		struct bm_hmac_job jobs[JOBS];
		uint8_t key[BM_HASH_MAX];
		size_t n = 1 + random_next(&seed) % JOBS;

		for (unsigned i = 0; i < KEYS; i++) {
			size_t key_n = random_next(&seed) % (sizeof key + 1);
			random_fill(&seed, key, sizeof key);
			for (unsigned b = 0; b < 2; b++) {
				choose(b);
				CHECK_STATUS(BM_OK, bm_hmac_new(&k[b][i], hashes[i], bm_view(key, key_n)));
			}
		}
		for (size_t i = 0; i < n; i++) {
			/* One hash for all in some rounds; lengths that the library refuses, too. */
			size_t which = round % 2 == 0 ? round / 2 % KEYS : random_next(&seed) % KEYS;
			size_t len = i % 17 == 0 ? (i % 2 == 0 ? 0 : 65535) : size_of((unsigned)i * 7);
			jobs[i] = (struct bm_hmac_job){
				k[1][which], bm_view(big + (sizeof big - len) / 2, len), tags[i]};
			memset(tags[i], 0, BM_HASH_MAX);
		}
		CHECK_STATUS(BM_OK, bm_hmac_batch(jobs, n));
		for (size_t i = 0; i < n; i++) {
			uint8_t one[BM_HASH_MAX];
			size_t which = 0;
			while (k[1][which] != jobs[i].key)
				which++;
			CHECK_STATUS(BM_OK, bm_hmac_tag(k[0][which], &jobs[i].text, 1, one));
			assert_memory_equal(one, tags[i], bm_hash_size(hashes[which]));
		}
		for (unsigned i = 0; i < KEYS; i++) {
			bm_hmac_free(k[0][i]);
			bm_hmac_free(k[1][i]);
		}
	}
	CHECK_STATUS(BM_OK, bm_hmac_batch(NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(selection), cmocka_unit_test(aead),
		cmocka_unit_test(cbc), cmocka_unit_test(hmac)};

	return cmocka_run_group_tests_name("crypto: two libraries", tests, NULL, NULL);
}
