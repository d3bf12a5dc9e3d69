/* How fast the primitives are: nanoseconds for a short record, gigabytes a second for a full one.
 * Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <time.h>

#include "crypto/crypto.h"

enum { SHORT = 200, FULL = 16384 };

static uint8_t in[FULL], out[FULL], tag[BM_HASH_MAX];
static const uint8_t nonce[16] = {1, 2, 3};

typedef void step(void *object, size_t n);

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
measure(step *f, void *object, size_t n)
{
	double start = now_ns(), spent = 0;
	long times = 0;

	do {
		for (int i = 0; i < 64; i++)
			f(object, n);
		times += 64;
		spent = now_ns() - start;
	} while (spent < 1e8);
	return spent / (double)times;
}

static void
report(const char *name, step *f, void *object)
{
	double little = measure(f, object, SHORT);
	double much = measure(f, object, FULL);

	printf("%-32s %7.0f ns at %d B %8.2f GB/s at %d B\n", name, little, SHORT, (double)FULL / much,
		FULL);
}

static void
failed(enum bm_status st)
{
	if (st != BM_OK)
		printf("failed: %s\n", bm_status_text(st));
}

static void
hmac_step(void *m, size_t n)
{
	struct bm_view v[2] = {{in, 13}, {in, n}};

	failed(bm_hmac_tag(m, v, 2, tag));
}

static void
tag_step(void *a, size_t n)
{
	failed(bm_aead_tag(a, nonce, bm_view(in, 13), bm_view(in, n), NULL, tag));
}

static void
open_step(void *a, size_t n)
{
	failed(bm_aead_tag(a, nonce, bm_view(in, 13), bm_view(in, n), out, tag));
}

static void
cbc_step(void *k, size_t n)
{
	failed(bm_cbc_decrypt(k, nonce, bm_view(in, n & ~(size_t)15), out));
}

static void
rc4_step(void *s, size_t n)
{
	bm_rc4_crypt(s, bm_view(in, n), out);
}

static void
mask_step(void *cipher, size_t n)
{
	enum bm_cipher c = *(enum bm_cipher *)cipher;

	(void)n;
	failed(bm_number_mask(c, bm_view(in, bm_cipher_key_size(c)), nonce, tag));
}

static void
hmacs(void)
{
	static const char *const name[] = {
		"HMAC-MD5", "HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA384", "HMAC-SM3"};

	for (int h = BM_MD5; h <= BM_SM3; h++) {
		struct bm_hmac *m;
		if (bm_hmac_new(&m, (enum bm_hash)h, bm_view(nonce, 16)) != BM_OK)
			continue;
		report(name[h - BM_MD5], hmac_step, m);
		bm_hmac_free(m);
	}
}

static void
aead(const char *name, enum bm_cipher c, enum bm_mode mode)
{
	struct bm_aead *a;
	char line[64];

	if (bm_aead_new(&a, c, mode, 16, bm_view(in, bm_cipher_key_size(c))) != BM_OK)
		return;
	snprintf(line, sizeof(line), "%s, tag alone", name);
	report(line, tag_step, a);
	snprintf(line, sizeof(line), "%s, with plaintext", name);
	report(line, open_step, a);
	bm_aead_free(a);
}

static void
cbc(const char *name, enum bm_cipher c)
{
	struct bm_cbc *k;

	if (bm_cbc_new(&k, c, bm_view(in, bm_cipher_key_size(c))) != BM_OK)
		return;
	report(name, cbc_step, k);
	bm_cbc_free(k);
}

int
main(void)
{
	struct bm_rc4 rc4;
	enum bm_cipher c = BM_AES128;

	printf("%s\n", bm_crypto_backend());
	hmacs();
	aead("AES-128-GCM", BM_AES128, BM_MODE_GCM);
	aead("AES-256-GCM", BM_AES256, BM_MODE_GCM);
	aead("ARIA-128-GCM", BM_ARIA128, BM_MODE_GCM);
	aead("Camellia-128-GCM", BM_CAMELLIA128, BM_MODE_GCM);
	aead("AES-128-CCM", BM_AES128, BM_MODE_CCM);
	aead("ChaCha20-Poly1305", BM_CHACHA20, BM_MODE_POLY1305);
	cbc("AES-128-CBC", BM_AES128);
	cbc("AES-256-CBC", BM_AES256);
	cbc("Camellia-128-CBC", BM_CAMELLIA128);
	cbc("ARIA-128-CBC", BM_ARIA128);
	cbc("SEED-CBC", BM_SEED);
	cbc("SM4-CBC", BM_SM4);
	cbc("3DES-CBC", BM_3DES);
	cbc("DES-CBC", BM_DES);
	cbc("RC2-CBC", BM_RC2);
	cbc("IDEA-CBC", BM_IDEA);
	bm_rc4_init(&rc4, bm_view(nonce, 16));
	report("RC4", rc4_step, &rc4);
	printf("%-32s %7.0f ns\n", "record number mask, AES", measure(mask_step, &c, 0));
	c = BM_CHACHA20;
	printf("%-32s %7.0f ns\n", "record number mask, ChaCha20", measure(mask_step, &c, 0));
	bm_crypto_free_all();
	return 0;
}
