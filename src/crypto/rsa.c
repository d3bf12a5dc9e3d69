/* RSA private keys out of PEM text, and the raw operation on them.
 * Refuses to know PKCS#1 padding, to open files and to ask for passwords. */
#include "crypto/lib.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/buf.h"

/* 16384 bits are the most that the library computes with. */
enum { MODULUS_MAX = 2048 };

/* The library's plain RSA object: its newer one is built by machinery of thousands of allocations
 * and belongs to a provider that draws random numbers. */
struct bm_rsa {
	RSA *key;
};

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

/* PKCS#8 (RFC 5208, section 5) is an algorithm in front of what PKCS#1 has alone. */
static enum bm_status
decode(RSA **key, const char *name, const uint8_t *der, long len)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	enum bm_status st = BM_OK;

	if (strcmp(name, "PRIVATE KEY") == 0) {
		const ASN1_OBJECT *algorithm;
		int n;
		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, len);
		if (info == NULL || PKCS8_pkey_get0(&algorithm, &der, &n, NULL, info) != 1)
			st = bm_crypto_failure(BM_FORMAT);
		else if (OBJ_obj2nid(algorithm) != NID_rsaEncryption)
			st = BM_UNSUPPORTED;
		else
			len = n;
	} else if (strcmp(name, "RSA PRIVATE KEY") != 0) {
		st = BM_UNSUPPORTED;
	}
	if (st == BM_OK) {
		*key = d2i_RSAPrivateKey(NULL, &der, len);
		if (*key == NULL)
			st = bm_crypto_failure(BM_FORMAT);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	return st;
}

static enum bm_status
wrap(struct bm_rsa **out, RSA *key)
{
	int size = RSA_size(key);

	if (size > MODULUS_MAX)
		return BM_LIMIT;
	/* Every modulus of two odd primes is odd; the arithmetic relies on it. */
	if (size <= 0 || BN_is_negative(RSA_get0_n(key)) || !BN_is_odd(RSA_get0_n(key)))
		return BM_FORMAT;
	struct bm_rsa *k = OPENSSL_zalloc(sizeof(*k));
	if (k == NULL)
		return bm_crypto_failure(BM_NOMEM);
	/* Blinding hides the time it takes from a peer: there is none here, and no randomness either.
	 */
	RSA_blinding_off(key);
	RSA_set_flags(key, RSA_FLAG_NO_BLINDING);
	k->key = key;
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
	RSA *key = NULL;
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
			RSA_free(key);
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
	return (size_t)RSA_size(k->key);
}

enum bm_status
bm_rsa_decrypt(const struct bm_rsa *k, struct bm_view in, uint8_t *out)
{
	uint8_t padded[MODULUS_MAX] = {0};
	size_t size = bm_rsa_size(k);

	while (in.n > 0 && in.p[0] == 0) {
		in.p++;
		in.n--;
	}
	if (in.n > size)
		return BM_FORMAT;
	if (in.n != 0)
		memcpy(padded + size - in.n, in.p, in.n);
	if (RSA_private_decrypt((int)size, padded, out, k->key, RSA_NO_PADDING) != (int)size)
		return bm_crypto_failure(BM_FORMAT);
	return BM_OK;
}

bool
bm_rsa_matches(const struct bm_rsa *k, struct bm_view certificate)
{
	const uint8_t *der = certificate.p;
	ASN1_OBJECT *algorithm;
	int n;
	bool same = false;

	if (certificate.n == 0 || certificate.n > LONG_MAX)
		return false;
	X509 *x = d2i_X509(NULL, &der, (long)certificate.n);
	if (x != NULL &&
		X509_PUBKEY_get0_param(&algorithm, &der, &n, NULL, X509_get_X509_PUBKEY(x)) == 1 &&
		OBJ_obj2nid(algorithm) == NID_rsaEncryption) {
		RSA *theirs = d2i_RSAPublicKey(NULL, &der, n);
		same = theirs != NULL && BN_cmp(RSA_get0_n(theirs), RSA_get0_n(k->key)) == 0 &&
			   BN_cmp(RSA_get0_e(theirs), RSA_get0_e(k->key)) == 0;
		RSA_free(theirs);
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
	RSA_free(k->key); /* overwrites its numbers */
	OPENSSL_free(k);
}
