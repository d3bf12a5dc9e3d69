/* The sending side of SSL 3.0 to TLS 1.2 with HMAC, put together from OpenSSL's calls alone, so
 * that nothing of what is under test takes part. For tests and measurements. */
#ifndef BM_TESTS_WHY_SEAL_H
#define BM_TESTS_WHY_SEAL_H

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "verify/verify.h"

enum { RECORD_MAX = 16384 + 2048 };

struct kind {
	const char *name;
	unsigned suite, version;
	bool encrypt_then_mac, truncated;
};

static const struct kind kinds[] = {
	{"RC4-SHA TLS 1.0", 0x0005, BM_TLS10, false, false},
	{"RC4-MD5 TLS 1.2", 0x0004, BM_TLS12, false, false},
	{"NULL-SHA TLS 1.2", 0x0002, BM_TLS12, false, false},
	{"NULL-SHA256 TLS 1.2", 0x003b, BM_TLS12, false, false},
	{"AES128-SHA TLS 1.0", 0x002f, BM_TLS10, false, false},
	{"AES128-SHA TLS 1.2", 0x002f, BM_TLS12, false, false},
	{"AES128-SHA256 TLS 1.2", 0x003c, BM_TLS12, false, false},
	{"AES128-SHA256 TLS 1.2 EtM", 0x003c, BM_TLS12, true, false},
	{"AES256-SHA384 TLS 1.2", 0xc028, BM_TLS12, false, false},
	{"AES256-SHA384 TLS 1.2 EtM", 0xc028, BM_TLS12, true, false},
	{"3DES-SHA TLS 1.0", 0x000a, BM_TLS10, false, false},
	{"3DES-SHA TLS 1.1", 0x000a, BM_TLS11, false, false},
	{"AES128-SHA TLS 1.0 EtM", 0x002f, BM_TLS10, true, false},
	{"AES128-SHA TLS 1.2 truncated", 0x002f, BM_TLS12, false, true},
	{"AES128-SHA DTLS 1.2", 0x002f, BM_DTLS12, false, false},
	{"RC4-SHA SSL 3.0", 0x0005, BM_SSL3, false, false},
	{"RC4-MD5 SSL 3.0", 0x0004, BM_SSL3, false, false},
	{"AES128-SHA SSL 3.0", 0x002f, BM_SSL3, false, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static uint64_t seed = 0x2545f4914f6cdd1d;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1d >> 16;
}

static void
fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)draw();
}

/* A record, its keys, and what its receiver knows. */
struct sealed {
	struct bm_traffic_keys keys;
	struct bm_position position;
	uint8_t bytes[5 + RECORD_MAX];
	size_t body_n;
	size_t content_n, tag_n;
};

static const EVP_MD *
md_of(enum bm_hash h)
{
	switch (h) {
	case BM_MD5:
		return EVP_md5();
	case BM_SHA1:
		return EVP_sha1();
	case BM_SHA256:
		return EVP_sha256();
	case BM_SM3:
		return EVP_sm3();
	default:
		return EVP_sha384();
	}
}

static void
ssl3_mac(const struct sealed *r, const uint8_t *text, size_t n, uint8_t *mac)
{
	enum bm_hash h = r->keys.suite->mac;
	unsigned size = (unsigned)EVP_MD_get_size(md_of(h));
	uint8_t pad[48], inner[64];
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(pad, 0x36, sizeof pad);
	EVP_DigestInit_ex(c, md_of(h), NULL);
	EVP_DigestUpdate(c, r->keys.mac_key, size);
	EVP_DigestUpdate(c, pad, h == BM_MD5 ? 48 : 40);
	EVP_DigestUpdate(c, text, n);
	EVP_DigestFinal_ex(c, inner, NULL);
	memset(pad, 0x5c, sizeof pad);
	EVP_DigestInit_ex(c, md_of(h), NULL);
	EVP_DigestUpdate(c, r->keys.mac_key, size);
	EVP_DigestUpdate(c, pad, h == BM_MD5 ? 48 : 40);
	EVP_DigestUpdate(c, inner, size);
	EVP_DigestFinal_ex(c, mac, NULL);
	EVP_MD_CTX_free(c);
}

static void
mac_of(const struct sealed *r, const uint8_t *text, size_t n, uint8_t *mac)
{
	static uint8_t input[16 + 5 + RECORD_MAX];
	size_t at = 0;

	for (int i = 7; i >= 0; i--)
		input[at++] = (uint8_t)(r->position.seq >> 8 * i);
	input[at++] = r->bytes[0];
	if (r->keys.version != BM_SSL3) {
		input[at++] = r->bytes[1];
		input[at++] = r->bytes[2];
	}
	input[at++] = (uint8_t)(n >> 8);
	input[at++] = (uint8_t)n;
	memcpy(input + at, text, n);
	if (r->keys.version == BM_SSL3)
		ssl3_mac(r, input, at + n, mac);
	else
		HMAC(md_of(r->keys.suite->mac), r->keys.mac_key, EVP_MD_get_size(md_of(r->keys.suite->mac)),
			input, at + n, mac, NULL);
}

/* RC4 from its first octet on. */
static void
rc4(const uint8_t *key, size_t key_n, uint8_t *p, size_t n)
{
	uint8_t s[256], i = 0, j = 0;

	for (int k = 0; k < 256; k++)
		s[k] = (uint8_t)k;
	for (int k = 0; k < 256; k++) {
		j = (uint8_t)(j + s[k] + key[(size_t)k % key_n]);
		uint8_t t = s[k];
		s[k] = s[j];
		s[j] = t;
	}
	for (j = 0; n != 0; n--, p++) {
		i++;
		j = (uint8_t)(j + s[i]);
		uint8_t t = s[i];
		s[i] = s[j];
		s[j] = t;
		*p ^= s[(uint8_t)(s[i] + s[j])];
	}
}

static void
cbc(const struct sealed *r, const uint8_t *iv, uint8_t *p, size_t n)
{
	const EVP_CIPHER *e = r->keys.suite->cipher == BM_3DES     ? EVP_des_ede3_cbc()
						  : r->keys.suite->cipher == BM_AES128 ? EVP_aes_128_cbc()
															   : EVP_aes_256_cbc();
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int done = 0;

	EVP_EncryptInit_ex2(c, e, r->keys.key, iv, NULL);
	EVP_CIPHER_CTX_set_padding(c, 0);
	EVP_EncryptUpdate(c, p, &done, p, (int)n);
	assert((size_t)done == n);
	EVP_CIPHER_CTX_free(c);
}

/* n octets of padding behind a block's worth and up to `extra` more blocks (SSL 3.0: none). */
static size_t
add_padding(const struct sealed *r, uint8_t *p, size_t n, size_t extra)
{
	size_t block = r->keys.suite->cipher == BM_3DES ? 8 : 16;
	size_t pad = block - n % block;

	if (r->keys.version != BM_SSL3)
		while (extra-- != 0 && pad + block <= 256)
			pad += block;
	memset(p + n, (int)pad - 1, pad);
	if (r->keys.version == BM_SSL3)
		fill(p + n, pad - 1);
	return n + pad;
}

/* Protects content that lies where it will be sent: behind the header and the IV. */
static void
protect(struct sealed *r, const struct kind *k, size_t n, size_t extra)
{
	bool stream = r->keys.suite->mode == BM_MODE_STREAM;
	size_t block = r->keys.suite->cipher == BM_3DES ? 8 : 16;
	size_t iv_n = !stream && k->version >= BM_TLS11 ? block : 0;
	const uint8_t *iv = iv_n != 0 ? r->bytes + 5 : r->position.iv;
	uint8_t *body = r->bytes + 5, *text = body + iv_n;
	uint8_t mac[64];

	r->content_n = n;
	r->tag_n = k->truncated ? 10 : bm_hash_size(r->keys.suite->mac);
	if (k->encrypt_then_mac) {
		size_t all = add_padding(r, text, n, extra);
		cbc(r, iv, text, all);
		mac_of(r, body, iv_n + all, mac);
		memcpy(text + all, mac, r->tag_n);
		r->body_n = iv_n + all + r->tag_n;
	} else {
		mac_of(r, text, n, mac);
		memcpy(text + n, mac, r->tag_n);
		size_t all = n + r->tag_n;
		if (!stream) {
			all = add_padding(r, text, all, extra);
			cbc(r, iv, text, all);
		} else if (r->keys.suite->cipher == BM_RC4) {
			rc4(r->keys.key, 16, text, all);
		}
		r->body_n = iv_n + all;
	}
	r->bytes[3] = (uint8_t)(r->body_n >> 8);
	r->bytes[4] = (uint8_t)r->body_n;
}

/* Content of n octets, drawn like the keys, in the first record of an epoch. */
static void
seal(struct sealed *r, const struct kind *k, size_t n, size_t extra)
{
	memset(r, 0, sizeof *r);
	r->keys.version = (uint16_t)k->version;
	r->keys.suite = bm_suite_find(k->suite);
	r->keys.encrypt_then_mac = k->encrypt_then_mac;
	r->keys.truncated_hmac = k->truncated;
	fill(r->keys.mac_key, bm_hash_size(r->keys.suite->mac));
	fill(r->keys.key, sizeof r->keys.key);
	fill(r->keys.iv, sizeof r->keys.iv);
	memcpy(r->position.iv, r->keys.iv, 16);
	if (r->keys.suite->cipher == BM_RC4)
		bm_rc4_init(&r->position.rc4, bm_view(r->keys.key, 16));
	r->position.seq = draw() % 1000;
	r->bytes[0] = BM_APPLICATION_DATA;
	r->bytes[1] = (uint8_t)(k->version >> 8);
	r->bytes[2] = (uint8_t)k->version;
	fill(r->bytes + 5, 16 + n);
	protect(r, k, n, extra);
}

#endif
