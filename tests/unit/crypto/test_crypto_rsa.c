/* RSA keys out of PEM text of every kind, and the raw operation, against keys made on the spot.
 * Knows no key from a file. */
#include "vector.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/crypto.h"

static EVP_PKEY *key_a, *key_b, *key_ec, *key_pss;

static int
setup(void **state)
{
	(void)state;
	key_a = EVP_RSA_gen(1024);
	key_b = EVP_RSA_gen(1032);
	key_ec = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 1024);
	EVP_PKEY_generate(ctx, &key_pss);
	EVP_PKEY_CTX_free(ctx);
	return key_a != NULL && key_b != NULL && key_ec != NULL && key_pss != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key_a);
	EVP_PKEY_free(key_b);
	EVP_PKEY_free(key_ec);
	EVP_PKEY_free(key_pss);
	bm_crypto_free_all();
	return 0;
}

static struct bm_view
bio_view(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	return bm_view(p, (size_t)n);
}

static void
add_pkcs1(BIO *bio, EVP_PKEY *key, const char *password)
{
	assert_int_equal(
		1, PEM_write_bio_PrivateKey_traditional(bio, key,
			   password != NULL ? EVP_aes_128_cbc() : NULL, (const unsigned char *)password,
			   password != NULL ? (int)strlen(password) : 0, NULL, NULL));
}

static void
add_pkcs8(BIO *bio, EVP_PKEY *key, const char *password)
{
	assert_int_equal(
		1, PEM_write_bio_PKCS8PrivateKey(bio, key, password != NULL ? EVP_aes_128_cbc() : NULL,
			   password, password != NULL ? (int)strlen(password) : 0, NULL, NULL));
}

static X509 *
certify(EVP_PKEY *key)
{
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void
check_decrypts(const struct bm_rsa *k, EVP_PKEY *key)
{
	uint8_t plain[129] = {0}, text[129], out[129];
	size_t size = (size_t)EVP_PKEY_get_size(key), n = sizeof(text);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	assert_int_equal(size, bm_rsa_size(k));
	for (size_t i = 2; i < size; i++)
		plain[i] = (uint8_t)(i * 7);
	assert_int_equal(1, EVP_PKEY_encrypt_init(ctx));
	assert_int_equal(1, EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING));
	assert_int_equal(1, EVP_PKEY_encrypt(ctx, text, &n, plain, size));
	EVP_PKEY_CTX_free(ctx);
	memset(out, 0xee, sizeof(out));
	CHECK_STATUS(BM_OK, bm_rsa_decrypt(k, bm_view(text, n), out));
	assert_memory_equal(plain, out, size);
	if (size < sizeof(out))
		assert_int_equal(0xee, out[size]);
}

static void
both_forms(void **state)
{
	EVP_PKEY *all[] = {key_a, key_b};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		BIO *bio = BIO_new(BIO_s_mem());
		struct bm_rsa *k;
		size_t used;
		if (i < 2)
			add_pkcs1(bio, all[i % 2], NULL);
		else
			add_pkcs8(bio, all[i % 2], NULL);
		CHECK_STATUS(BM_OK, bm_rsa_parse(&k, bio_view(bio), &used));
		assert_int_equal(bio_view(bio).n, used);
		check_decrypts(k, all[i % 2]);
		bm_rsa_free(k);
		BIO_free(bio);
	}
}

/* A server's file as it is found: words, certificates, keys of every kind. */
static void
many_in_one_file(void **state)
{
	static const enum bm_status want[] = {BM_OK, BM_UNSUPPORTED, BM_UNSUPPORTED, BM_UNSUPPORTED,
		BM_UNSUPPORTED, BM_UNSUPPORTED, BM_OK, BM_FORMAT, BM_OK, BM_END};
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *x = certify(key_a);

	(void)state;
	BIO_puts(bio, "Bag Attributes\r\n  friendlyName: a\r\n");
	PEM_write_bio_X509(bio, x);
	add_pkcs8(bio, key_a, NULL);
	add_pkcs8(bio, key_a, "secret");
	add_pkcs1(bio, key_a, "secret");
	add_pkcs8(bio, key_ec, NULL);
	add_pkcs1(bio, key_ec, NULL);
	add_pkcs8(bio, key_pss, NULL);
	PEM_write_bio_PUBKEY(bio, key_a);
	add_pkcs1(bio, key_b, NULL);
	BIO_puts(bio, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
	add_pkcs8(bio, key_b, NULL);
	PEM_write_bio_X509(bio, x);
	struct bm_view rest = bio_view(bio);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct bm_rsa *k;
		size_t used;
		CHECK_STATUS(want[i], bm_rsa_parse(&k, rest, &used));
		assert_true(used > 0 && used <= rest.n);
		assert_true((k != NULL) == (want[i] == BM_OK));
		if (k != NULL)
			check_decrypts(k, i == 0 ? key_a : key_b);
		bm_rsa_free(k);
		rest = bm_view(rest.p + used, rest.n - used);
	}
	assert_int_equal(0, rest.n);
	X509_free(x);
	BIO_free(bio);
}

/* Every truncation and a sweep of damaged octets: a status, never a question or a crash. */
static void
damaged(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct bm_rsa *k;
	size_t used;
	uint8_t copy[2048];

	(void)state;
	add_pkcs8(bio, key_a, NULL);
	struct bm_view whole = bio_view(bio);
	assert_true(whole.n < sizeof(copy));
	for (size_t n = 0; n + 1 < whole.n; n++) {
		enum bm_status st = bm_rsa_parse(&k, bm_view(whole.p, n), &used);
		assert_true(st == BM_END || st == BM_FORMAT);
		assert_null(k);
		assert_true(used <= n);
	}
	for (size_t i = 0; i < whole.n; i++) {
		memcpy(copy, whole.p, whole.n);
		copy[i] ^= 0x04;
		if (bm_rsa_parse(&k, bm_view(copy, whole.n), &used) == BM_OK)
			bm_rsa_free(k);
		else
			assert_null(k);
		assert_true(used <= whole.n);
	}
	/* An encrypted key under the wrong label asks for no password either. */
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key_a);
	X509_SIG *sig = PKCS8_encrypt(NID_aes_128_cbc, NULL, "x", 1, NULL, 0, 0, info);
	PKCS8_PRIV_KEY_INFO_free(info);
	uint8_t *der = NULL;
	int n = i2d_X509_SIG(sig, &der);
	BIO_reset(bio);
	PEM_write_bio(bio, "PRIVATE KEY", "", der, n);
	CHECK_STATUS(BM_FORMAT, bm_rsa_parse(&k, bio_view(bio), &used));
	BIO_reset(bio);
	PEM_write_bio(bio, "RSA PRIVATE KEY", "", der, n);
	CHECK_STATUS(BM_FORMAT, bm_rsa_parse(&k, bio_view(bio), &used));
	OPENSSL_free(der);
	X509_SIG_free(sig);
	BIO_free(bio);
}

static void
certificates(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *x[3] = {certify(key_a), certify(key_b), certify(key_ec)};
	struct bm_rsa *k;
	size_t used;

	(void)state;
	add_pkcs1(bio, key_a, NULL);
	CHECK_STATUS(BM_OK, bm_rsa_parse(&k, bio_view(bio), &used));
	for (size_t i = 0; i < 3; i++) {
		uint8_t *der = NULL;
		int n = i2d_X509(x[i], &der);
		assert_int_equal(i == 0, bm_rsa_matches(k, bm_view(der, (size_t)n)));
		assert_false(bm_rsa_matches(k, bm_view(der, (size_t)n - 1)));
		assert_false(bm_rsa_matches(k, bm_view(der + 1, (size_t)n - 1)));
		OPENSSL_free(der);
		X509_free(x[i]);
	}
	assert_false(bm_rsa_matches(k, bm_view(NULL, 0)));
	bm_rsa_free(k);
	bm_rsa_free(NULL);
	BIO_free(bio);
}

/* What a damaged ClientKeyExchange can hold: too short, too long, above the modulus. */
static void
odd_inputs(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t in[140], out[128];
	static const uint8_t zero[128];
	struct bm_rsa *k;
	size_t used;

	(void)state;
	add_pkcs1(bio, key_a, NULL);
	CHECK_STATUS(BM_OK, bm_rsa_parse(&k, bio_view(bio), &used));
	CHECK_STATUS(BM_OK, bm_rsa_decrypt(k, bm_view(NULL, 0), out));
	assert_memory_equal(zero, out, sizeof(zero));
	/* 1 is its own root, whatever stands before it. */
	memset(in, 0, sizeof(in));
	in[139] = 1;
	CHECK_STATUS(BM_OK, bm_rsa_decrypt(k, bm_view(in, sizeof(in)), out));
	assert_memory_equal(zero, out, 127);
	assert_int_equal(1, out[127]);
	CHECK_STATUS(BM_OK, bm_rsa_decrypt(k, bm_view(in + 139, 1), out));
	assert_int_equal(1, out[127]);
	memset(in, 0xff, sizeof(in));
	CHECK_STATUS(BM_FORMAT, bm_rsa_decrypt(k, bm_view(in, 128), out));
	CHECK_STATUS(BM_FORMAT, bm_rsa_decrypt(k, bm_view(in, 129), out));
	/* And the modulus itself, which is not below itself. */
	BIGNUM *n = NULL;
	EVP_PKEY_get_bn_param(key_a, OSSL_PKEY_PARAM_RSA_N, &n);
	assert_int_equal(128, BN_bn2binpad(n, in, 128));
	CHECK_STATUS(BM_FORMAT, bm_rsa_decrypt(k, bm_view(in, 128), out));
	BN_free(n);
	bm_rsa_free(k);
	BIO_free(bio);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms),
		cmocka_unit_test(many_in_one_file),
		cmocka_unit_test(damaged),
		cmocka_unit_test(certificates),
		cmocka_unit_test(odd_inputs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
