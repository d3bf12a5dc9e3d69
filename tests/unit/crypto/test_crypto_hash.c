/* Hashes and HMAC against published vectors and OpenSSL's own HMAC.
 * Knows nothing of how midstates are kept. */
#include "vector.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/crypto.h"

static void
check_hash(enum bm_hash h, struct bm_view data, const char *want)
{
	uint8_t out[BM_HASH_MAX];

	assert_int_equal(strlen(want) / 2, bm_hash_size(h));
	CHECK_STATUS(BM_OK, bm_hash_once(h, &data, 1, out));
	assert_memory_equal(out, hex(want).p, bm_hash_size(h));
	/* The same bytes in every division into three views, the middle one possibly empty. */
	for (size_t i = 0; i <= data.n; i++) {
		struct bm_view v[3] = {
			{data.p, i / 2}, {data.p + i / 2, i - i / 2}, {data.p + i, data.n - i}};
		CHECK_STATUS(BM_OK, bm_hash_once(h, v, 3, out));
		assert_memory_equal(out, hex(want).p, bm_hash_size(h));
	}
}

static void
hash_vectors(void **state)
{
	(void)state;
	/* RFC 1321, FIPS 180-4, GB/T 32905. */
	check_hash(BM_MD5, str("abc"), "900150983cd24fb0d6963f7d28e17f72");
	check_hash(BM_MD5, str(""), "d41d8cd98f00b204e9800998ecf8427e");
	check_hash(BM_SHA1, str("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_hash(
		BM_SHA256, str("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_hash(BM_SHA384, str("abc"),
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		"8086072ba1e7cc2358baeca134c825a7");
	check_hash(
		BM_SM3, str("abc"), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
	check_hash(BM_MD5_SHA1, str("abc"),
		"900150983cd24fb0d6963f7d28e17f72a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void
hash_refuses(void **state)
{
	uint8_t out[BM_HASH_MAX];
	struct bm_hmac *m = (void *)out;

	(void)state;
	CHECK_STATUS(BM_UNSUPPORTED, bm_hash_once(BM_HASH_NONE, NULL, 0, out));
	CHECK_STATUS(BM_UNSUPPORTED, bm_hash_once((enum bm_hash)99, NULL, 0, out));
	assert_int_equal(0, bm_hash_size(BM_HASH_NONE));
	assert_int_equal(0, bm_hash_size((enum bm_hash)99));
	assert_int_equal(0, bm_hash_block((enum bm_hash)99));
	CHECK_STATUS(BM_UNSUPPORTED, bm_hmac_new(&m, BM_MD5_SHA1, str("k")));
	assert_null(m);
	CHECK_STATUS(BM_UNSUPPORTED, bm_hmac_new(&m, BM_HASH_NONE, str("k")));
	CHECK_STATUS(BM_UNSUPPORTED, bm_hmac_new(&m, (enum bm_hash)99, str("k")));
	bm_hmac_free(NULL);
}

static struct bm_view
repeat(uint8_t byte, size_t n)
{
	static uint8_t slot[4][256];
	static size_t next;
	uint8_t *p = slot[next++ % 4];

	memset(p, byte, n);
	return bm_view(p, n);
}

/* want may be shorter than the hash: RFC 4231's fifth case is truncated. */
static void
check_hmac(enum bm_hash h, struct bm_view key, struct bm_view data, const char *want)
{
	struct bm_hmac *m;
	uint8_t out[BM_HASH_MAX];
	struct bm_view w = hex(want);

	CHECK_STATUS(BM_OK, bm_hmac_new(&m, h, key));
	/* Twice: the first use leaves no trace. */
	for (int i = 0; i < 2; i++) {
		memset(out, 0, sizeof(out));
		CHECK_STATUS(BM_OK, bm_hmac_tag(m, &data, 1, out));
		assert_memory_equal(out, w.p, w.n);
	}
	bm_hmac_free(m);
}

static void
hmac_rfc2202(void **state)
{
	static const char case3_key[] = "0102030405060708090a0b0c0d0e0f10111213141516171819";

	(void)state;
	check_hmac(BM_MD5, repeat(0x0b, 16), str("Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
	check_hmac(BM_MD5, str("Jefe"), str("what do ya want for nothing?"),
		"750c783e6ab0b503eaa86e310a5db738");
	check_hmac(BM_MD5, repeat(0xaa, 16), repeat(0xdd, 50), "56be34521d144c88dbb8c733f0e8b3f6");
	check_hmac(BM_MD5, hex(case3_key), repeat(0xcd, 50), "697eaf0aca3a3aea3a75164746ffaa79");
	check_hmac(BM_MD5, repeat(0xaa, 80),
		str("Test Using Larger Than Block-Size Key - Hash Key First"),
		"6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
	check_hmac(
		BM_SHA1, repeat(0x0b, 20), str("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
	check_hmac(BM_SHA1, str("Jefe"), str("what do ya want for nothing?"),
		"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	check_hmac(
		BM_SHA1, repeat(0xaa, 20), repeat(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
	check_hmac(BM_SHA1, repeat(0xaa, 80),
		str("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
		"e8e99d0f45237d786d6bbaa7965c7808bbff1a91");
}

static void
hmac_rfc4231(void **state)
{
	(void)state;
	check_hmac(BM_SHA256, repeat(0x0b, 20), str("Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check_hmac(BM_SHA384, repeat(0x0b, 20), str("Hi There"),
		"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
		"faea9ea9076ede7f4af152e8b2fa9cb6");
	check_hmac(BM_SHA256, str("Jefe"), str("what do ya want for nothing?"),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	check_hmac(BM_SHA384, str("Jefe"), str("what do ya want for nothing?"),
		"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
		"8e2240ca5e69e2c78b3239ecfab21649");
	check_hmac(BM_SHA256, repeat(0x0c, 20), str("Test With Truncation"),
		"a3b6167473100ee06e0c796c2955552b");
	check_hmac(BM_SHA256, repeat(0xaa, 131),
		str("Test Using Larger Than Block-Size Key - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	check_hmac(BM_SHA384, repeat(0xaa, 131),
		str("Test Using Larger Than Block-Size Key - Hash Key First"),
		"4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
		"0c2ef6ab4030fe8296248df163f44952");
}

/* Every key length about the block size and records of every small size, against EVP. */
static void
hmac_as_openssl(void **state)
{
	static const struct {
		enum bm_hash h;
		const char *name;
	} all[] = {{BM_MD5, "MD5"}, {BM_SHA1, "SHA1"}, {BM_SHA256, "SHA256"}, {BM_SHA384, "SHA384"},
		{BM_SM3, "SM3"}};
	static uint8_t data[700];
	uint8_t key[200];
	uint64_t seed = 1;

	(void)state;
	random_fill(&seed, data, sizeof(data));
	random_fill(&seed, key, sizeof(key));
	for (size_t a = 0; a < sizeof(all) / sizeof(*all); a++) {
		for (size_t k = 0; k <= sizeof(key); k += k < 60 || k > 132 ? 13 : 1) {
			struct bm_hmac *m;
			CHECK_STATUS(BM_OK, bm_hmac_new(&m, all[a].h, bm_view(key, k)));
			for (size_t n = k % 7; n <= sizeof(data); n += 37) {
				uint8_t want[EVP_MAX_MD_SIZE], got[BM_HASH_MAX];
				unsigned want_len;
				struct bm_view v[3] = {{data, n / 3}, {NULL, 0}, {data + n / 3, n - n / 3}};
				assert_non_null(
					HMAC(EVP_get_digestbyname(all[a].name), key, (int)k, data, n, want, &want_len));
				CHECK_STATUS(BM_OK, bm_hmac_tag(m, v, 3, got));
				assert_int_equal(want_len, bm_hash_size(all[a].h));
				assert_memory_equal(want, got, want_len);
			}
			bm_hmac_free(m);
		}
	}
}

static int
teardown(void **state)
{
	(void)state;
	bm_crypto_free_all();
	return 0;
}

/* Every number of keys and texts, side by side or not: as one by one. */
static void
hmac_few(void **state)
{
	static const enum bm_hash hashes[] = {BM_MD5, BM_SHA1, BM_SHA256, BM_SHA384, BM_SM3};
	uint8_t bytes[BM_HMAC_FEW * BM_HASH_MAX], tags[BM_HMAC_FEW][BM_HASH_MAX], want[BM_HASH_MAX];
	struct bm_view keys[BM_HMAC_FEW], texts[BM_HMAC_FEW];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 167 + i / 251);
	for (size_t i = 0; i < BM_HMAC_FEW; i++) {
		keys[i] = bm_view(bytes + i * 31, i < 4 ? 48 : i * 9 % (BM_HASH_MAX + 1));
		texts[i] = bm_view(bytes + i * 17, i * 11 % (BM_HMAC_FEW_TEXT + 1));
	}
	for (size_t h = 0; h < sizeof hashes / sizeof *hashes; h++) {
		for (size_t n = 1; n <= BM_HMAC_FEW / 2; n++) {
			size_t m = BM_HMAC_FEW / n;
			CHECK_STATUS(BM_OK, bm_hmac_few(hashes[h], keys, n, texts, m, tags));
			for (size_t i = 0; i < n * m; i++) {
				struct bm_hmac *one;
				CHECK_STATUS(BM_OK, bm_hmac_new(&one, hashes[h], keys[i / m]));
				CHECK_STATUS(BM_OK, bm_hmac_tag(one, &texts[i % m], 1, want));
				bm_hmac_free(one);
				assert_memory_equal(tags[i], want, bm_hash_size(hashes[h]));
			}
		}
	}
	CHECK_STATUS(BM_UNSUPPORTED, bm_hmac_few(BM_HASH_NONE, keys, 1, texts, 1, tags));
	CHECK_STATUS(BM_USAGE, bm_hmac_few(BM_SHA384, keys, 3, texts, 6, tags));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_vectors),
		cmocka_unit_test(hash_refuses),
		cmocka_unit_test(hmac_rfc2202),
		cmocka_unit_test(hmac_rfc4231),
		cmocka_unit_test(hmac_as_openssl),
		cmocka_unit_test(hmac_few),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
