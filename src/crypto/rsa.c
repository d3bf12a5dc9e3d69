/* RSA private keys out of PEM text, and the raw operation on them.
 * Refuses to know PKCS#1 padding, to open files and to ask for passwords. */
#include "crypto/lib.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/buf.h"

/* 16384 bits are the most that the library computes with. */
enum { MODULUS_MAX = 2048 };

struct bm_rsa {
	EVP_PKEY *key;
	size_t size;
};

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

static enum bm_status
decode(EVP_PKEY **key, const char *name, const uint8_t *der, long len)
{
	OSSL_LIB_CTX *ctx = bm_crypto_context();

	if (ctx == NULL)
		return BM_NOMEM;
	if (strcmp(name, "PRIVATE KEY") == 0) {
		PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, len);
		if (info == NULL)
			return bm_crypto_failure(BM_FORMAT);
		*key = EVP_PKCS82PKEY_ex(info, ctx, NULL);
		PKCS8_PRIV_KEY_INFO_free(info);
	} else if (strcmp(name, "RSA PRIVATE KEY") == 0) {
		*key = d2i_PrivateKey_ex(EVP_PKEY_RSA, NULL, &der, len, ctx, NULL);
	} else {
		return BM_UNSUPPORTED;
	}
	return *key != NULL ? BM_OK : bm_crypto_failure(BM_FORMAT);
}

static enum bm_status
wrap(struct bm_rsa **out, EVP_PKEY *key)
{
	int size = EVP_PKEY_get_size(key);

	if (!EVP_PKEY_is_a(key, "RSA"))
		return BM_UNSUPPORTED;
	if (size <= 0 || size > MODULUS_MAX)
		return BM_LIMIT;
	struct bm_rsa *k = OPENSSL_zalloc(sizeof(*k));
	if (k == NULL)
		return bm_crypto_failure(BM_NOMEM);
	k->key = key;
	k->size = (size_t)size;
	*out = k;
	return BM_OK;
}

/* One PEM block. BM_END when there is none; *other when it is not a private key. */
static enum bm_status
next_block(struct bm_rsa **out, BIO *bio, bool *other)
{
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	long len = 0;
	EVP_PKEY *key = NULL;
	enum bm_status st;

	*other = false;
	ERR_clear_error();
	if (PEM_read_bio(bio, &name, &header, &der, &len) != 1) {
		unsigned long e = ERR_peek_last_error();
		bool none = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
		return bm_crypto_failure(none ? BM_END : BM_FORMAT);
	}
	if (!ends_with(name, "PRIVATE KEY")) {
		*other = true;
		st = BM_OK;
	} else if (strcmp(name, "ENCRYPTED PRIVATE KEY") == 0 || strstr(header, "ENCRYPTED") != NULL) {
		st = BM_UNSUPPORTED;
	} else {
		st = decode(&key, name, der, len);
		if (st == BM_OK)
			st = wrap(out, key);
		if (st != BM_OK)
			EVP_PKEY_free(key);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, (size_t)len);
	ERR_clear_error();
	return st;
}

enum bm_status
bm_rsa_parse(struct bm_rsa **out, struct bm_view pem, size_t *used)
{
	*out = NULL;
	*used = 0;
	if (pem.n == 0)
		return BM_END;
	if (pem.n > INT_MAX)
		return BM_LIMIT;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio == NULL)
		return bm_crypto_failure(BM_NOMEM);
	bool other;
	enum bm_status st;
	do
		st = next_block(out, bio, &other);
	while (st == BM_OK && other);
	*used = pem.n - BIO_ctrl_pending(bio);
	BIO_free(bio);
	return st;
}

size_t
bm_rsa_size(const struct bm_rsa *k)
{
	return k->size;
}

enum bm_status
bm_rsa_decrypt(const struct bm_rsa *k, struct bm_view in, uint8_t *out)
{
	uint8_t padded[MODULUS_MAX] = {0};
	size_t len = k->size;
	enum bm_status st = BM_OK;

	while (in.n > 0 && in.p[0] == 0) {
		in.p++;
		in.n--;
	}
	if (in.n > k->size)
		return BM_FORMAT;
	if (in.n != 0)
		memcpy(padded + k->size - in.n, in.p, in.n);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(bm_crypto_context(), k->key, NULL);
	if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1)
		st = bm_crypto_failure(BM_NOMEM);
	else if (EVP_PKEY_decrypt(ctx, out, &len, padded, k->size) != 1 || len != k->size)
		st = bm_crypto_failure(BM_FORMAT);
	EVP_PKEY_CTX_free(ctx);
	return st;
}

bool
bm_rsa_matches(const struct bm_rsa *k, struct bm_view certificate)
{
	const uint8_t *der = certificate.p;
	OSSL_LIB_CTX *ctx = bm_crypto_context();
	bool same = false;

	if (certificate.n == 0 || certificate.n > LONG_MAX || ctx == NULL)
		return false;
	X509 *x = X509_new_ex(ctx, NULL);
	if (x != NULL && d2i_X509(&x, &der, (long)certificate.n) != NULL) {
		EVP_PKEY *key = X509_get0_pubkey(x);
		same = key != NULL && EVP_PKEY_eq(k->key, key) == 1;
	}
	X509_free(x);
	ERR_clear_error();
	return same;
}

void
bm_rsa_free(struct bm_rsa *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	OPENSSL_free(k);
}
