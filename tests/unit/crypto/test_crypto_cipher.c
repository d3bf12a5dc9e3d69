/* CBC, RC4 and record number masks against published vectors and OpenSSL's own encryption.
 * Knows nothing of padding and records. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "vector.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "crypto/crypto.h"

/* One block, zero IV: CBC is then the bare cipher. */
static void
check_block(enum bm_cipher c, const char *key, const char *plain, const char *text)
{
	static const uint8_t iv[BM_BLOCK_MAX];
	uint8_t out[32];
	struct bm_cbc *k;
	struct bm_view want = hex(plain);

	assert_true(bm_cipher_available(c, BM_MODE_CBC));
	CHECK_STATUS(BM_OK, bm_cbc_new(&k, c, hex(key)));
	for (int i = 0; i < 2; i++) {
		CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, iv, hex(text), out));
		assert_int_equal(want.n, bm_cipher_block(c));
		assert_memory_equal(want.p, out, want.n);
	}
	bm_cbc_free(k);
}

static void
block_vectors(void **state)
{
	static const char abc[] = "0123456789abcdeffedcba9876543210";
	static const char stairs[] = "00112233445566778899aabbccddeeff";
	static const char key16[] = "000102030405060708090a0b0c0d0e0f";
	static const char key32[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

	(void)state;
	/* FIPS 197, appendix C. */
	check_block(BM_AES128, key16, stairs, "69c4e0d86a7b0430d8cdb78070b4c55a");
	check_block(BM_AES256, key32, stairs, "8ea2b7ca516745bfeafc49904b496089");
	/* RFC 3713, appendix A. */
	check_block(BM_CAMELLIA128, abc, abc, "67673138549669730857065648eabe43");
	check_block(BM_CAMELLIA256, "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
		abc, "9acc237dff16d76c20ef7c919e3a7509");
	/* RFC 5794, appendix A. */
	check_block(BM_ARIA128, key16, stairs, "d718fbd6ab644c739da95f3be6451778");
	check_block(BM_ARIA256, key32, stairs, "f92bd7c79fb72e2f2b8f80c1972d24fc");
	/* RFC 4269, appendix B. */
	check_block(
		BM_SEED, "00000000000000000000000000000000", key16, "5ebac6e0054e166819aff1cc6d346cdb");
	check_block(
		BM_SEED, key16, "00000000000000000000000000000000", "c11f22f20140505084483597e4370f43");
	check_block(BM_SEED, "4706480851e61be85d74bfb3fd956185", "83a2f8a288641fb9a4e9a5cc2f131c7d",
		"ee54d13ebcae706d226bc3142cd40d4a");
	/* RFC 8998's cipher: GB/T 32907, example 1. */
	check_block(BM_SM4, abc, abc, "681edf34d206965e86b3e94f536e4246");
	/* SP 800-17, and the well-known example. */
	check_block(BM_DES, "0101010101010101", "8000000000000000", "95f8a5e5dd31d900");
	check_block(BM_DES, "133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405");
	/* SP 800-67, appendix B. */
	check_block(BM_3DES, "0123456789abcdef23456789abcdef01456789abcdef0123", "5468652071756663",
		"a826fd8ce53b855f");
	/* RFC 2268, section 5: 128 effective bits. */
	check_block(BM_RC2, "88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6");
	/* Lai's thesis, and NESSIE's sets 1 and 2. */
	check_block(
		BM_IDEA, "00010002000300040005000600070008", "0000000100020003", "11fbed2b01986de5");
	check_block(
		BM_IDEA, "80000000000000000000000000000000", "0000000000000000", "b1f5f7f87901370f");
	check_block(
		BM_IDEA, "00000000000000000000000000000000", "8000000000000000", "8001000180008000");
}

/* SP 800-38A, F.2.1 and F.2.5: four chained blocks. */
static void
cbc_sp800_38a(void **state)
{
	static const char plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
								"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
	static const struct {
		enum bm_cipher c;
		const char *key, *text;
	} all[] = {
		{BM_AES128, "2b7e151628aed2a6abf7158809cf4f3c",
			"7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
			"73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
		{BM_AES256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
			"f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
			"39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
	};
	uint8_t out[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bm_cbc *k;
		CHECK_STATUS(BM_OK, bm_cbc_new(&k, all[i].c, hex(all[i].key)));
		CHECK_STATUS(BM_OK,
			bm_cbc_decrypt(k, hex("000102030405060708090a0b0c0d0e0f").p, hex(all[i].text), out));
		assert_memory_equal(out, hex(plain).p, sizeof(out));
		bm_cbc_free(k);
	}
}

/* Chaining over many sizes: what OpenSSL encrypts comes back, in another buffer and in place. */
static void
cbc_round_trip(void **state)
{
	static const struct {
		enum bm_cipher c;
		const char *name;
	} all[] = {{BM_3DES, "DES-EDE3-CBC"}, {BM_AES128, "AES-128-CBC"}, {BM_AES256, "AES-256-CBC"},
		{BM_CAMELLIA128, "CAMELLIA-128-CBC"}, {BM_CAMELLIA256, "CAMELLIA-256-CBC"},
		{BM_ARIA128, "ARIA-128-CBC"}, {BM_ARIA256, "ARIA-256-CBC"}, {BM_SM4, "SM4-CBC"}};
	static uint8_t plain[17008], text[17008 + 15], out[17008 + 15];
	uint64_t seed = 2;

	(void)state;
	for (size_t a = 0; a < sizeof(all) / sizeof(*all); a++) {
		uint8_t key[32], iv[16];
		struct bm_cbc *k;
		random_fill(&seed, key, sizeof(key));
		CHECK_STATUS(BM_OK, bm_cbc_new(&k, all[a].c, bm_view(key, bm_cipher_key_size(all[a].c))));
		for (size_t round = 0; round < 40; round++) {
			size_t n = round < 20 ? round * 16 : (size_t)(random_next(&seed) % 1064) * 16;
			size_t shift = round % 16;
			int got;
			EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
			random_fill(&seed, iv, sizeof(iv));
			random_fill(&seed, plain, n);
			assert_int_equal(
				1, EVP_EncryptInit_ex(ctx, EVP_get_cipherbyname(all[a].name), NULL, key, iv));
			EVP_CIPHER_CTX_set_padding(ctx, 0);
			assert_int_equal(1, EVP_EncryptUpdate(ctx, text + shift, &got, plain, (int)n));
			EVP_CIPHER_CTX_free(ctx);
			CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, iv, bm_view(text + shift, n), out + 15 - shift));
			assert_memory_equal(out + 15 - shift, plain, n);
			CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, iv, bm_view(text + shift, n), text + shift));
			assert_memory_equal(text + shift, plain, n);
		}
		bm_cbc_free(k);
	}
}

/* IDEA's chain is badmac's own: block i's plaintext is the bare decryption xor block i - 1. */
static void
idea_chain(void **state)
{
	static const uint8_t zero[8];
	uint8_t text[80], out[80], one[8], iv[8], key[16];
	uint64_t seed = 3;
	struct bm_cbc *k;

	(void)state;
	random_fill(&seed, text, sizeof(text));
	random_fill(&seed, key, sizeof(key));
	random_fill(&seed, iv, sizeof(iv));
	CHECK_STATUS(BM_OK, bm_cbc_new(&k, BM_IDEA, bm_view(key, sizeof(key))));
	CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, iv, bm_view(text, sizeof(text)), out));
	for (size_t i = 0; i < sizeof(text); i += 8) {
		CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, zero, bm_view(text + i, 8), one));
		for (size_t j = 0; j < 8; j++)
			assert_int_equal(out[i + j], one[j] ^ (i == 0 ? iv[j] : text[i - 8 + j]));
	}
	CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, iv, bm_view(text, sizeof(text)), text));
	assert_memory_equal(text, out, sizeof(text));
	bm_cbc_free(k);
}

static void
cbc_refuses(void **state)
{
	static const uint8_t zero[32];
	uint8_t out[32];
	struct bm_cbc *k;

	(void)state;
	CHECK_STATUS(BM_USAGE, bm_cbc_new(&k, BM_AES128, bm_view(zero, 15)));
	assert_null(k);
	CHECK_STATUS(BM_USAGE, bm_cbc_new(&k, BM_IDEA, bm_view(NULL, 0)));
	CHECK_STATUS(BM_USAGE, bm_cbc_new(&k, BM_DES, bm_view(zero, 24)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_cbc_new(&k, BM_RC4, bm_view(zero, 16)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_cbc_new(&k, BM_CHACHA20, bm_view(zero, 32)));
	CHECK_STATUS(BM_UNSUPPORTED, bm_cbc_new(&k, (enum bm_cipher)77, bm_view(zero, 0)));
	assert_null(k);
	CHECK_STATUS(BM_OK, bm_cbc_new(&k, BM_AES128, bm_view(zero, 16)));
	CHECK_STATUS(BM_USAGE, bm_cbc_decrypt(k, zero, bm_view(zero, 17), out));
	CHECK_STATUS(BM_OK, bm_cbc_decrypt(k, zero, bm_view(NULL, 0), NULL));
	bm_cbc_free(k);
	bm_cbc_free(NULL);
}

static void
rc4_vectors(void **state)
{
	/* RFC 6229: keystream octets at the offsets given there. */
	static const struct {
		const char *key;
		uint64_t off;
		const char *want;
	} all[] = {
		{"0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8"},
		{"0102030405", 16, "6982944f18fc82d589c403a47a0d0919"},
		{"0102030405", 240, "28cb1132c96ce286421dcaadb8b69eae"},
		{"0102030405", 4096, "ff25b58995996707e51fbdf08b34d875"},
		{"0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97"},
		{"0102030405060708090a0b0c0d0e0f10", 16, "5248c4959014126a6e8a84f11d1a9e1c"},
	};

	(void)state;
	assert_true(bm_cipher_available(BM_RC4, BM_MODE_STREAM));
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct bm_rc4 s;
		uint8_t out[16] = {0};
		bm_rc4_init(&s, hex(all[i].key));
		bm_rc4_skip(&s, all[i].off);
		assert_int_equal(all[i].off, s.position);
		bm_rc4_crypt(&s, bm_view(out, 16), out);
		assert_int_equal(all[i].off + 16, s.position);
		assert_memory_equal(out, hex(all[i].want).p, 16);
	}
}

/* A state copied by assignment goes on from there, and the original is none the wiser. */
static void
rc4_copies(void **state)
{
	static uint8_t in[5000], whole[5000], part[5000];
	uint64_t seed = 4;
	struct bm_rc4 s;

	(void)state;
	random_fill(&seed, in, sizeof(in));
	bm_rc4_init(&s, str("sixteen octets k"));
	struct bm_rc4 start = s;
	bm_rc4_crypt(&s, bm_view(in, sizeof(in)), whole);
	for (size_t cut = 0; cut <= sizeof(in); cut += 61) {
		s = start;
		bm_rc4_crypt(&s, bm_view(in, cut), part);
		struct bm_rc4 saved = s;
		bm_rc4_skip(&s, 77);
		s = saved;
		bm_rc4_crypt(&s, bm_view(in + cut, sizeof(in) - cut), part + cut);
		assert_memory_equal(whole, part, sizeof(whole));
		assert_int_equal(sizeof(in), s.position);
	}
	/* Lengths outside the algorithm's do no harm. */
	bm_rc4_init(&s, bm_view(NULL, 0));
	bm_rc4_init(&s, bm_view(in, sizeof(in)));
	bm_rc4_crypt(&s, bm_view(NULL, 0), NULL);
	assert_int_equal(0, s.position);
}

static void
number_masks(void **state)
{
	uint8_t mask[16];

	(void)state;
	/* AES-ECB: FIPS 197, appendix C. */
	CHECK_STATUS(BM_OK, bm_number_mask(BM_AES128, hex("000102030405060708090a0b0c0d0e0f"),
							hex("00112233445566778899aabbccddeeff").p, mask));
	assert_memory_equal(mask, hex("69c4e0d86a7b0430d8cdb78070b4c55a").p, 16);
	CHECK_STATUS(BM_OK, bm_number_mask(BM_AES256,
							hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
							hex("00112233445566778899aabbccddeeff").p, mask));
	assert_memory_equal(mask, hex("8ea2b7ca516745bfeafc49904b496089").p, 16);
	CHECK_STATUS(BM_OK, bm_number_mask(BM_SM4, hex("0123456789abcdeffedcba9876543210"),
							hex("0123456789abcdeffedcba9876543210").p, mask));
	assert_memory_equal(mask, hex("681edf34d206965e86b3e94f536e4246").p, 16);
	/* RFC 8439, section 2.3.2: counter 1, nonce 000000090000004a00000000. */
	CHECK_STATUS(BM_OK, bm_number_mask(BM_CHACHA20,
							hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
							hex("01000000000000090000004a00000000").p, mask));
	assert_memory_equal(mask, hex("10f1e7e4d13b5915500fdd1fa32071c4").p, 16);
	/* RFC 9001, appendix A.5 uses the same construction for QUIC. */
	CHECK_STATUS(BM_OK, bm_number_mask(BM_CHACHA20,
							hex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4"),
							hex("5e5cd55c41f69080575d7999c25a5bfb").p, mask));
	assert_memory_equal(mask, hex("aefefe7d03").p, 5);

	CHECK_STATUS(BM_USAGE,
		bm_number_mask(BM_AES128, hex("00"), hex("00112233445566778899aabbccddeeff").p, mask));
	CHECK_STATUS(BM_UNSUPPORTED,
		bm_number_mask(BM_RC4, hex("00"), hex("00112233445566778899aabbccddeeff").p, mask));
}

static void
facts_and_backend(void **state)
{
	(void)state;
	assert_int_equal(24, bm_cipher_key_size(BM_3DES));
	assert_int_equal(8, bm_cipher_key_size(BM_DES));
	assert_int_equal(32, bm_cipher_key_size(BM_CHACHA20));
	assert_int_equal(0, bm_cipher_key_size((enum bm_cipher)99));
	assert_int_equal(1, bm_cipher_block(BM_RC4));
	assert_int_equal(8, bm_cipher_block(BM_RC2));
	assert_int_equal(16, bm_cipher_block(BM_SEED));
	assert_int_equal(1, bm_cipher_block((enum bm_cipher)99));
	assert_true(bm_cipher_available(BM_CIPHER_NULL, BM_MODE_STREAM));
	assert_false(bm_cipher_available(BM_AES128, BM_MODE_STREAM));
	assert_false(bm_cipher_available(BM_RC4, BM_MODE_CBC));
	assert_int_equal(0, strncmp(bm_crypto_backend(), "OpenSSL 3.", 10));
	CHECK_STATUS(BM_OK, bm_crypto_choose(BM_BACKEND_OPENSSL));
	assert_null(strchr(bm_crypto_backend() + 8, ' '));
	CHECK_STATUS(BM_OK, bm_crypto_choose(BM_BACKEND_AUTO));
	/* All of it can be given back and had again. */
	bm_crypto_free_all();
	bm_crypto_free_all();
	assert_true(bm_cipher_available(BM_AES128, BM_MODE_CBC));
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
		cmocka_unit_test(block_vectors),
		cmocka_unit_test(cbc_sp800_38a),
		cmocka_unit_test(cbc_round_trip),
		cmocka_unit_test(idea_chain),
		cmocka_unit_test(cbc_refuses),
		cmocka_unit_test(rc4_vectors),
		cmocka_unit_test(rc4_copies),
		cmocka_unit_test(number_masks),
		cmocka_unit_test(facts_and_backend),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
