/* Every allocation fails once: the call says so, nothing leaks, and the next call works.
 * Knows nothing of which allocation is for what. */
#include "vector.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "../starve.h"
#include "crypto/crypto.h"

/* Present under LeakSanitizer alone. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

static long live; /* allocations not yet freed */

static void *
counting_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (starve_due())
		return NULL;
	void *p = malloc(n);
	live += p != NULL;
	return p;
}

static void *
counting_realloc(void *old, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (starve_due())
		return NULL;
	void *p = realloc(old, n);
	live += old == NULL && p != NULL;
	return p;
}

static void
counting_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	live -= p != NULL;
	free(p);
}

static struct bm_view key_pem;

static enum bm_status
use_hash(void)
{
	struct bm_view v = str("abc");
	uint8_t out[BM_HASH_MAX];
	struct bm_hmac *m;
	enum bm_status st = bm_hash_once(BM_SM3, &v, 1, out);

	if (st == BM_OK)
		st = bm_hmac_new(&m, BM_SM3, v);
	if (st != BM_OK)
		return st;
	st = bm_hmac_tag(m, &v, 1, out);
	bm_hmac_free(m);
	if (st == BM_OK)
		st = bm_hmac_new(&m, BM_SHA256, v);
	if (st == BM_OK)
		bm_hmac_free(m);
	return st;
}

static enum bm_status
use_aead(enum bm_cipher c, enum bm_mode mode)
{
	static const uint8_t zero[100];
	uint8_t tag[16], plain[100];
	struct bm_aead *a;
	enum bm_status st = bm_aead_new(&a, c, mode, 16, bm_view(zero, bm_cipher_key_size(c)));

	if (st != BM_OK)
		return st;
	st = bm_aead_tag(a, zero, bm_view(zero, 13), bm_view(zero, sizeof(zero)), plain, tag);
	bm_aead_free(a);
	return st;
}

static enum bm_status
use_gcm(void)
{
	return use_aead(BM_AES128, BM_MODE_GCM);
}

static enum bm_status
use_ccm(void)
{
	return use_aead(BM_ARIA256, BM_MODE_CCM);
}

static enum bm_status
use_chacha(void)
{
	return use_aead(BM_CHACHA20, BM_MODE_POLY1305);
}

static enum bm_status
use_cbc(void)
{
	static const uint8_t zero[64];
	uint8_t plain[64];
	struct bm_cbc *k;
	enum bm_status st = bm_cbc_new(&k, BM_DES, bm_view(zero, 8));

	if (st != BM_OK)
		return st;
	st = bm_cbc_decrypt(k, zero, bm_view(zero, 64), plain);
	bm_cbc_free(k);
	if (st == BM_OK)
		st = bm_number_mask(BM_CHACHA20, bm_view(zero, 32), zero, plain);
	return st;
}

static enum bm_status
use_rsa(void)
{
	static const uint8_t one[] = {1};
	uint8_t out[64];
	struct bm_rsa *k;
	size_t used;
	enum bm_status st = bm_rsa_parse(&k, key_pem, &used);

	if (st != BM_OK)
		return st;
	st = bm_rsa_decrypt(k, bm_view(one, 1), out);
	bm_rsa_free(k);
	return st;
}

static enum bm_status (*const uses[])(void) = {
	use_hash, use_gcm, use_ccm, use_chacha, use_cbc, use_rsa};
enum { USES = sizeof(uses) / sizeof(*uses) };

/* Fails allocation `step`, then 2 * step, and so on until none is left to fail.
 * The error queue keeps its texts for reuse until the thread ends, which is not a leak. */
static void
torture(enum bm_status (*use)(void), enum bm_status also, unsigned long step, bool afresh)
{
	unsigned long n = 0;
	bool failed;

	do {
		if (afresh)
			bm_crypto_free_all();
		OPENSSL_thread_stop();
		long before = live;
		n += step;
		starve_at(n - 1);
		if (afresh && __lsan_disable != NULL)
			__lsan_disable();
		enum bm_status st = use();
		if (afresh && __lsan_enable != NULL)
			__lsan_enable();
		failed = starve_stop();
		if (!failed)
			assert_int_equal(BM_OK, st);
		assert_true(st == BM_OK || st == BM_NOMEM || st == also);
		if (!afresh) {
			OPENSSL_thread_stop();
			assert_int_equal(before, live);
		} else {
			bm_crypto_free_all();
		}
		CHECK_STATUS(BM_OK, use());
	} while (failed);
	assert_true(n > step);
}

static void
objects(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 2; b++) {
		CHECK_STATUS(BM_OK, bm_crypto_choose(b == 0 ? BM_BACKEND_AUTO : BM_BACKEND_OPENSSL));
		for (size_t i = 0; i + 1 < USES; i++)
			torture(uses[i], BM_NOMEM, 1, false);
	}
	/* The library's ASN.1 decoder does not always tell want of memory from malformed input. */
	torture(use_rsa, BM_FORMAT, 1, false);
}

/* The library's own start, some thousands of allocations: it loses a few octets and may forget an
 * algorithm, but nothing breaks, and the next start is whole. */
static void
library(void **state)
{
	(void)state;
	CHECK_STATUS(BM_OK, bm_crypto_choose(BM_BACKEND_OPENSSL));
	torture(use_gcm, BM_UNSUPPORTED, 11, true);
}

static int
setup(void **state)
{
	static uint8_t pem[2048];
	EVP_PKEY *key = EVP_RSA_gen(512);
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;

	(void)state;
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	long n = BIO_get_mem_data(bio, &p);
	memcpy(pem, p, (size_t)n);
	key_pem = bm_view(pem, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(key);
	/* What the library allocates once in a process is not for these tests. */
	for (size_t i = 0; i < USES; i++)
		if (uses[i]() != BM_OK)
			return -1;
	return 0;
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
		cmocka_unit_test(objects),
		cmocka_unit_test(library),
	};

	if (CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
