/* Keys from secrets: RFC 5246, section 6.3, and RFC 8446, section 7. Refuses to know records. */
#include "lab/guilty/seal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

enum {
	NONCE = 12,
	FIXED = 4,
	KEY_BLOCK = 2 * (EVP_MAX_MD_SIZE + EVP_MAX_KEY_LENGTH + EVP_MAX_IV_LENGTH)
};

static bool
derive(const char *name, OSSL_PARAM *params, uint8_t *out, size_t n)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *c = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool good = c != NULL && EVP_KDF_derive(c, out, n, params) == 1;

	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	return good;
}

static OSSL_PARAM
octets(const char *key, const void *p, size_t n)
{
	return OSSL_PARAM_construct_octet_string(key, (void *)(uintptr_t)p, n);
}

static OSSL_PARAM
digest(const char *name)
{
	return OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)name, strlen(name));
}

/* Which primitives the suite has, and how long their keys are. */
static bool
read_suite(struct seal_keys *k, const SSL *ssl)
{
	const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
	int mac = suite != NULL ? SSL_CIPHER_get_digest_nid(suite) : NID_undef;

	*k = (struct seal_keys){.version = SSL_version(ssl)};
	if (suite == NULL)
		return false;
	k->cipher = EVP_get_cipherbynid(SSL_CIPHER_get_cipher_nid(suite));
	if (k->cipher == NULL)
		return false;
	k->key_len = (size_t)EVP_CIPHER_get_key_length(k->cipher);
	k->iv_len = (size_t)EVP_CIPHER_get_iv_length(k->cipher);
	k->mac = mac != NID_undef ? EVP_get_digestbynid(mac) : NULL;
	const char *name = SSL_CIPHER_standard_name(suite);
	bool short_tag = name != NULL && strstr(name, "CCM_8") != NULL;
	k->tag = short_tag ? 8 : 16;
	if (SSL_CIPHER_get_cipher_nid(suite) == NID_chacha20_poly1305) {
		k->kind = SEAL_CHACHA;
		return true;
	}
	switch (EVP_CIPHER_get_mode(k->cipher)) {
	case EVP_CIPH_GCM_MODE:
		k->kind = SEAL_GCM;
		break;
	case EVP_CIPH_CCM_MODE:
		k->kind = SEAL_CCM;
		break;
	case EVP_CIPH_CBC_MODE:
		k->kind = SEAL_CBC;
		k->mac_len = k->mac != NULL ? (size_t)EVP_MD_get_size(k->mac) : 0;
		return k->mac_len != 0 && k->iv_len != 0;
	default:
		return false;
	}
	k->iv_len = k->version >= TLS1_3_VERSION ? NONCE : FIXED;
	return true;
}

static const EVP_MD *
handshake_hash(const SSL *ssl)
{
	const EVP_MD *md = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));

	/* The suites that are older than TLS 1.2 have SHA-256 there. */
	if (md == EVP_md5_sha1() && SSL_version(ssl) >= TLS1_2_VERSION)
		return EVP_sha256();
	return SSL_version(ssl) >= TLS1_2_VERSION ? md : EVP_md5_sha1();
}

bool
seal_keys_12(struct seal_keys *k, const SSL *ssl, const struct secret *master, bool client)
{
	static const char label[] = "key expansion";
	uint8_t block[KEY_BLOCK], randoms[2][SSL3_RANDOM_SIZE];

	if (master->n == 0 || !read_suite(k, ssl))
		return false;
	(void)SSL_get_client_random(ssl, randoms[1], SSL3_RANDOM_SIZE);
	(void)SSL_get_server_random(ssl, randoms[0], SSL3_RANDOM_SIZE);
	OSSL_PARAM params[] = {digest(EVP_MD_get0_name(handshake_hash(ssl))),
		octets(OSSL_KDF_PARAM_SECRET, master->p, master->n),
		octets(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
		octets(OSSL_KDF_PARAM_SEED, randoms, sizeof randoms), OSSL_PARAM_construct_end()};
	if (!derive("TLS1-PRF", params, block, 2 * (k->mac_len + k->key_len + k->iv_len)))
		return false;
	/* Each kind for the client first, then for the server. */
	const uint8_t *p = block;
	size_t second = client ? 0 : 1;
	memcpy(k->mac_key, p + second * k->mac_len, k->mac_len);
	p += 2 * k->mac_len;
	memcpy(k->key, p + second * k->key_len, k->key_len);
	p += 2 * k->key_len;
	memcpy(k->iv, p + second * k->iv_len, k->iv_len);
	OPENSSL_cleanse(block, sizeof block);
	return true;
}

/* HKDF-Expand-Label (RFC 8446, section 7.1) with an empty context. */
static bool
expand(const SSL *ssl, const struct secret *s, const char *label, uint8_t *out, size_t n)
{
	uint8_t info[64] = {(uint8_t)(n >> 8), (uint8_t)n};
	size_t len = strlen(label);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

	info[2] = (uint8_t)(6 + len);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, len);
	info[9 + len] = 0;
	OSSL_PARAM params[] = {digest(EVP_MD_get0_name(handshake_hash(ssl))),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		octets(OSSL_KDF_PARAM_KEY, s->p, s->n), octets(OSSL_KDF_PARAM_INFO, info, 10 + len),
		OSSL_PARAM_construct_end()};
	return derive("HKDF", params, out, n);
}

bool
seal_keys_13(struct seal_keys *k, const SSL *ssl, const struct secret *traffic)
{
	return traffic->n != 0 && read_suite(k, ssl) &&
		   expand(ssl, traffic, "key", k->key, k->key_len) &&
		   expand(ssl, traffic, "iv", k->iv, k->iv_len);
}

bool
seal_next_secret(const SSL *ssl, const struct secret *now, struct secret *next)
{
	next->n = now->n;
	return expand(ssl, now, "traffic upd", next->p, next->n);
}
