/* AEAD tags against published vectors and OpenSSL's own encryption, with and without plaintext.
 * Knows nothing of how a tag is had without decrypting. */
#include "vector.h"

#include <openssl/evp.h>

#include "crypto/crypto.h"

struct vector {
	enum bm_cipher cipher;
	enum bm_mode mode;
	size_t tag_size;
	const char *key, *nonce, *aad, *plain, *text, *tag;
};

#define P64                                                                                        \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define SM4_PLAIN                                                                                  \
	"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"                             \
	"eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"

static const struct vector vectors[] = {
	/* The GCM submission's test cases 1, 2, 3, 4, 13, 14, 16 (the ones SP 800-38D stands on). */
	{BM_AES128, BM_MODE_GCM, 16, "00000000000000000000000000000000", "000000000000000000000000", "",
		"", "", "58e2fccefa7e3061367f1d57a4e7455a"},
	{BM_AES128, BM_MODE_GCM, 16, "00000000000000000000000000000000", "000000000000000000000000", "",
		"00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78",
		"ab6e47d42cec13bdf53a67b21257bddf"},
	{BM_AES128, BM_MODE_GCM, 16, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
		P64 "1aafd255",
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
		"4d5c2af327cd64a62cf35abd2ba6fab4"},
	{BM_AES128, BM_MODE_GCM, 16, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		GCM_AAD, P64,
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
		"5bc94fbc3221a5db94fae95ae7121a47"},
	{BM_AES256, BM_MODE_GCM, 16, "0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
	{BM_AES256, BM_MODE_GCM, 16, "0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "00000000000000000000000000000000",
		"cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
	{BM_AES256, BM_MODE_GCM, 16, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", GCM_AAD, P64,
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		"76fc6ece0f4e1768cddf8853bb2d551b"},
	/* CAVS, gcmEncryptExtIV128: no text, 16 octets of associated data. */
	{BM_AES128, BM_MODE_GCM, 16, "77be63708971c4e240d1cb79e8d77feb", "e0e00f19fed7ba0136a797f3",
		"7a43ec1d9c0a5a78a0b16533a6213cab", "", "", "209fcc8d3675ed938e9c7166709dd946"},
	/* RFC 8998, appendices A.1 and A.2. */
	{BM_SM4, BM_MODE_GCM, 16, "0123456789abcdeffedcba9876543210", "00001234567800000000abcd",
		GCM_AAD, SM4_PLAIN,
		"17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
		"d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
		"83de3541e4c2b58177e065a9bf7b62ec"},
	{BM_SM4, BM_MODE_CCM, 16, "0123456789abcdeffedcba9876543210", "00001234567800000000abcd",
		GCM_AAD, SM4_PLAIN,
		"48af93501fa62adbcd414cce6034d895dda1bf8f132f042098661572e7483094"
		"fd12e518ce062c98acee28d95df4416bed31a2f04476c18bb40c84a74b97dc5b",
		"16842d4fa186f56ab33256971fa110f4"},
	/* SP 800-38C, example 3: the one with a nonce of 12 octets, as RFC 6655 has it. */
	{BM_AES128, BM_MODE_CCM, 8, "404142434445464748494a4b4c4d4e4f", "101112131415161718191a1b",
		"000102030405060708090a0b0c0d0e0f10111213",
		"202122232425262728292a2b2c2d2e2f3031323334353637",
		"e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5", "484392fbc1b09951"},
	/* RFC 8439, section 2.8.2. */
	{BM_CHACHA20, BM_MODE_POLY1305, 16,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		"73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		"6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116",
		"1ae10b594f09e26a7e902ecbd0600691"},
};

static void
published(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct vector *v = &vectors[i];
		struct bm_view text = hex(v->text), plain = hex(v->plain), tag = hex(v->tag);
		uint8_t got[16], want[16] = {0}, out[hex_max];
		struct bm_aead *a;
		memcpy(want, tag.p, tag.n);
		assert_true(bm_cipher_available(v->cipher, v->mode));
		CHECK_STATUS(BM_OK, bm_aead_new(&a, v->cipher, v->mode, v->tag_size, hex(v->key)));
		for (int round = 0; round < 2; round++) {
			memset(got, 0xee, sizeof(got));
			CHECK_STATUS(BM_OK, bm_aead_tag(a, hex(v->nonce).p, hex(v->aad), text, NULL, got));
			assert_memory_equal(got, want, 16);
			memset(got, 0xee, sizeof(got));
			CHECK_STATUS(BM_OK, bm_aead_tag(a, hex(v->nonce).p, hex(v->aad), text, out, got));
			assert_memory_equal(got, want, 16);
			assert_memory_equal(out, plain.p, plain.n);
		}
		bm_aead_free(a);
	}
}

struct peer {
	enum bm_cipher cipher;
	enum bm_mode mode;
	size_t tag_size;
	const char *name;
};

static const struct peer peers[] = {
	{BM_AES128, BM_MODE_GCM, 16, "AES-128-GCM"},
	{BM_AES256, BM_MODE_GCM, 16, "AES-256-GCM"},
	{BM_ARIA128, BM_MODE_GCM, 16, "ARIA-128-GCM"},
	{BM_ARIA256, BM_MODE_GCM, 16, "ARIA-256-GCM"},
	{BM_AES128, BM_MODE_CCM, 16, "AES-128-CCM"},
	{BM_AES128, BM_MODE_CCM, 8, "AES-128-CCM"},
	{BM_AES256, BM_MODE_CCM, 16, "AES-256-CCM"},
	{BM_AES256, BM_MODE_CCM, 8, "AES-256-CCM"},
	{BM_ARIA256, BM_MODE_CCM, 16, "ARIA-256-CCM"},
	{BM_ARIA128, BM_MODE_CCM, 8, "ARIA-128-CCM"},
	{BM_CHACHA20, BM_MODE_POLY1305, 16, "ChaCha20-Poly1305"},
};

/* OpenSSL's own one-shot: what an endpoint would have sent. */
static void
seal(const struct peer *p, const uint8_t *key, const uint8_t *nonce, struct bm_view aad,
	struct bm_view plain, uint8_t *text, uint8_t *tag)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, p->name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(c);
	assert_int_equal(1, EVP_EncryptInit_ex2(ctx, c, NULL, NULL, NULL));
	if (p->mode == BM_MODE_CCM) {
		assert_int_equal(1, EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL));
		assert_int_equal(
			1, EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)p->tag_size, NULL));
	}
	assert_int_equal(1, EVP_EncryptInit_ex2(ctx, NULL, key, nonce, NULL));
	if (p->mode == BM_MODE_CCM)
		assert_int_equal(1, EVP_EncryptUpdate(ctx, NULL, &n, NULL, (int)plain.n));
	if (aad.n != 0)
		assert_int_equal(1, EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n));
	/* CCM makes its tag in the update, so that one is due even for an empty text. */
	if (plain.n != 0 || p->mode == BM_MODE_CCM)
		assert_int_equal(1, EVP_EncryptUpdate(ctx, text, &n, plain.p, (int)plain.n));
	assert_int_equal(1, EVP_EncryptFinal_ex(ctx, text + plain.n, &n));
	memset(tag, 0, 16);
	assert_int_equal(1, EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)p->tag_size, tag));
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(c);
}

enum { TEXT_MAX = 17000, AAD_MAX = 70000, SHIFT_MAX = 16 };

static void
one_exchange(const struct peer *p, uint64_t *seed, size_t n, size_t aad_n, size_t shift)
{
	static uint8_t plain[TEXT_MAX + 1], text[TEXT_MAX + SHIFT_MAX], out[TEXT_MAX + SHIFT_MAX + 1];
	static uint8_t aad[AAD_MAX + SHIFT_MAX];
	uint8_t key[32], nonce[12], want[16], got[16];
	struct bm_aead *a;
	uint8_t *to = out + SHIFT_MAX - shift; /* aligned unlike the text */
	struct bm_view av = bm_view(aad + shift, aad_n), tv = bm_view(text + shift, n);

	random_fill(seed, key, sizeof(key));
	random_fill(seed, nonce, sizeof(nonce));
	random_fill(seed, aad + shift, aad_n);
	random_fill(seed, plain, n);
	seal(p, key, nonce, av, bm_view(plain, n), text + shift, want);

	CHECK_STATUS(BM_OK, bm_aead_new(&a, p->cipher, p->mode, p->tag_size,
							bm_view(key, bm_cipher_key_size(p->cipher))));
	CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, av, tv, NULL, got));
	assert_memory_equal(want, got, 16);
	to[n] = 0x5a;
	CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, av, tv, to, got));
	assert_memory_equal(want, got, 16);
	assert_memory_equal(plain, to, n);
	assert_int_equal(0x5a, to[n]);

	/* A damaged octet, wherever it is, is another tag. */
	if (n != 0) {
		uint64_t bit = random_next(seed) % (n * 8);
		text[shift + bit / 8] ^= (uint8_t)(1U << bit % 8);
		CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, av, tv, NULL, got));
		assert_memory_not_equal(want, got, p->tag_size);
		text[shift + bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	/* In place, last: the text is gone afterwards. */
	CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, av, tv, text + shift, got));
	assert_memory_equal(want, got, 16);
	assert_memory_equal(plain, text + shift, n);
	bm_aead_free(a);
}

static void
as_openssl_small(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		for (size_t n = 0; n <= 200; n++)
			one_exchange(&peers[i], &seed, n, (n * 7 + i) % 40, n % SHIFT_MAX);
}

static void
as_openssl_large(void **state)
{
	uint64_t seed = 6;

	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		one_exchange(&peers[i], &seed, TEXT_MAX, 13, 0);
		one_exchange(&peers[i], &seed, 16384, 5, 5);
		/* CCM's scratch holds 4096 octets, of which the head takes some. */
		for (size_t n = 4040; n <= 4100; n++)
			one_exchange(&peers[i], &seed, n, 13, n % SHIFT_MAX);
		for (int round = 0; round < 50; round++)
			one_exchange(&peers[i], &seed, (size_t)(random_next(&seed) % TEXT_MAX),
				(size_t)(random_next(&seed) % 64), (size_t)(random_next(&seed) % SHIFT_MAX));
	}
}

/* RFC 3610, section 2.2 writes the length of associated data in another way from 65280 on. */
static void
as_openssl_long_aad(void **state)
{
	static const size_t sizes[] = {4070, 4078, 4079, 4094, 65279, 65280, 65281, AAD_MAX};
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
			one_exchange(&peers[i], &seed, 100, sizes[s], s);
}

/* One object, many records: nothing of one record reaches the next. */
static void
reused(void **state)
{
	static uint8_t text[2000];
	uint64_t seed = 8;

	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		uint8_t key[32], nonce[12] = {0}, want[20][16], got[16], plain[2000];
		struct bm_view kv = bm_view(key, bm_cipher_key_size(peers[i].cipher));
		struct bm_aead *a;
		random_fill(&seed, key, sizeof(key));
		random_fill(&seed, text, sizeof(text));
		for (size_t r = 0; r < 20; r++) {
			nonce[11] = (uint8_t)r;
			CHECK_STATUS(
				BM_OK, bm_aead_new(&a, peers[i].cipher, peers[i].mode, peers[i].tag_size, kv));
			CHECK_STATUS(BM_OK,
				bm_aead_tag(a, nonce, bm_view(text, r), bm_view(text, r * 97), NULL, want[r]));
			bm_aead_free(a);
		}
		CHECK_STATUS(BM_OK, bm_aead_new(&a, peers[i].cipher, peers[i].mode, peers[i].tag_size, kv));
		for (size_t round = 0; round < 100; round++) {
			size_t r = (size_t)(random_next(&seed) % 20);
			nonce[11] = (uint8_t)r;
			CHECK_STATUS(BM_OK, bm_aead_tag(a, nonce, bm_view(text, r), bm_view(text, r * 97),
									random_next(&seed) % 2 != 0 ? plain : NULL, got));
			assert_memory_equal(want[r], got, 16);
		}
		bm_aead_free(a);
	}
}

/* Any part decrypts to that part of the whole. */
static void
in_parts(void **state)
{
	static uint8_t text[TEXT_MAX], whole[TEXT_MAX], part[TEXT_MAX + 1];
	static const enum bm_mode modes[] = {BM_MODE_GCM, BM_MODE_CCM, BM_MODE_POLY1305};
	static const enum bm_cipher ciphers[] = {BM_CAMELLIA256, BM_AES256, BM_CHACHA20};
	uint64_t seed = 9;

	(void)state;
	random_fill(&seed, text, sizeof(text));
	for (size_t m = 0; m < 3; m++) {
		uint8_t key[32], nonce[12], tag[16], none;
		struct bm_aead *a;
		random_fill(&seed, key, sizeof(key));
		random_fill(&seed, nonce, sizeof(nonce));
		CHECK_STATUS(BM_OK, bm_aead_new(&a, ciphers[m], modes[m], 16, bm_view(key, 32)));
		CHECK_STATUS(
			BM_OK, bm_aead_tag(a, nonce, bm_view(NULL, 0), bm_view(text, TEXT_MAX), whole, tag));
		for (size_t from = 0; from < TEXT_MAX; from += BM_AEAD_STEP) {
			size_t n = (size_t)(random_next(&seed) % (TEXT_MAX - from)) + 1;
			part[n] = 0x5a;
			CHECK_STATUS(BM_OK, bm_aead_decrypt_at(a, nonce, from, bm_view(text + from, n), part));
			assert_memory_equal(whole + from, part, n);
			assert_int_equal(0x5a, part[n]);
		}
		CHECK_STATUS(BM_OK, bm_aead_decrypt_at(a, nonce, 64, bm_view(NULL, 0), &none));
		CHECK_STATUS(BM_USAGE, bm_aead_decrypt_at(a, nonce, 16, bm_view(text, 1), part));
		CHECK_STATUS(
			BM_LIMIT, bm_aead_decrypt_at(a, nonce, UINT64_C(1) << 40, bm_view(text, 1), part));
		if (modes[m] == BM_MODE_CCM)
			CHECK_STATUS(BM_LIMIT, bm_aead_decrypt_at(a, nonce, 1 << 24, bm_view(text, 1), part));
		/* In place. */
		memcpy(part, text + 128, 1000);
		CHECK_STATUS(BM_OK, bm_aead_decrypt_at(a, nonce, 128, bm_view(part, 1000), part));
		assert_memory_equal(whole + 128, part, 1000);
		bm_aead_free(a);
	}
}

static void
refuses(void **state)
{
	static const uint8_t zero[32];
	uint8_t tag[16];
	struct bm_aead *a;

	(void)state;
	CHECK_STATUS(BM_USAGE, bm_aead_new(&a, BM_AES128, BM_MODE_GCM, 12, bm_view(zero, 16)));
	assert_null(a);
	CHECK_STATUS(BM_USAGE, bm_aead_new(&a, BM_AES128, BM_MODE_GCM, 16, bm_view(zero, 32)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_aead_new(&a, BM_AES128, BM_MODE_GCM, 8, bm_view(zero, 16)));
	CHECK_STATUS(
		BM_UNSUPPORTED, bm_aead_new(&a, BM_CHACHA20, BM_MODE_POLY1305, 8, bm_view(zero, 32)));
	CHECK_STATUS(BM_USAGE, bm_aead_new(&a, BM_CHACHA20, BM_MODE_POLY1305, 16, bm_view(zero, 16)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_aead_new(&a, BM_3DES, BM_MODE_GCM, 16, bm_view(zero, 24)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_aead_new(&a, BM_CHACHA20, BM_MODE_GCM, 16, bm_view(zero, 32)));
	CHECK_STATUS(
		BM_UNSUPPORTED, bm_aead_new(&a, BM_AES128, BM_MODE_POLY1305, 16, bm_view(zero, 16)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_aead_new(&a, BM_AES128, BM_MODE_CBC, 16, bm_view(zero, 16)));
	CHECK_STATUS(
		BM_UNSUPPORTED, bm_aead_new(&a, BM_AES128, (enum bm_mode)99, 16, bm_view(zero, 16)));
	CHECK_STATUS(
		BM_UNSUPPORTED, bm_aead_new(&a, (enum bm_cipher)99, BM_MODE_GCM, 16, bm_view(zero, 0)));
	assert_null(a);
	/* The length field of CCM has 24 bits; the text is never looked at. */
	CHECK_STATUS(BM_OK, bm_aead_new(&a, BM_AES128, BM_MODE_CCM, 8, bm_view(zero, 16)));
	CHECK_STATUS(
		BM_LIMIT, bm_aead_tag(a, zero, bm_view(NULL, 0), bm_view(zero, 1 << 24), NULL, tag));
	bm_aead_free(a);
	bm_aead_free(NULL);
	assert_true(bm_cipher_available(BM_CAMELLIA256, BM_MODE_GCM));
	assert_false(bm_cipher_available(BM_3DES, BM_MODE_CCM));
	assert_false(bm_cipher_available(BM_CHACHA20, BM_MODE_GCM));
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
		cmocka_unit_test(published),
		cmocka_unit_test(as_openssl_small),
		cmocka_unit_test(as_openssl_large),
		cmocka_unit_test(as_openssl_long_aad),
		cmocka_unit_test(reused),
		cmocka_unit_test(in_parts),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
