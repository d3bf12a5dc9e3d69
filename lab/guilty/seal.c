/* Puts records together. Refuses to know connections, and why anyone would want a wrong one. */
#include "lab/guilty/seal.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <string.h>

enum { NONCE = 12, FIXED = 4, EXPLICIT = 8, AUTHENTICATED = 13 };

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put64(uint8_t *p, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

size_t
seal_nonce_length(const struct seal_keys *k)
{
	if (k->version >= TLS1_3_VERSION || k->kind == SEAL_CHACHA)
		return 0;
	return k->kind != SEAL_CBC ? EXPLICIT : k->version >= TLS1_1_VERSION ? k->iv_len : 0;
}

/* Sequence number, type, version, length (RFC 5246, section 6.2.3.1). */
static void
put_pseudo_header(
	const struct seal_keys *k, const struct seal_plan *plan, size_t n, uint8_t out[AUTHENTICATED])
{
	put64(out, plan->sequence);
	out[8] = plan->type;
	put16(out + 9, (size_t)k->version);
	put16(out + 11, n);
}

static void
put_header(const struct seal_keys *k, const struct seal_plan *plan, struct record *out)
{
	bool thirteen = k->version >= TLS1_3_VERSION;

	out->p[0] = thirteen ? SEAL_DATA : plan->type;
	put16(out->p + 1, thirteen ? TLS1_2_VERSION : (size_t)k->version);
	put16(out->p + 3, out->n - SEAL_HEADER);
}

static void
put_nonce(const struct seal_keys *k, const struct seal_plan *plan, uint8_t out[NONCE])
{
	uint8_t number[8];

	memcpy(out, k->iv, k->iv_len);
	if (seal_nonce_length(k) != 0) {
		memcpy(out + FIXED, plan->nonce, EXPLICIT);
		return;
	}
	put64(number, plan->sequence);
	for (size_t i = 0; i < sizeof number; i++)
		out[NONCE - 8 + i] ^= number[i];
}

/* out gets n octets of ciphertext and the tag. */
static bool
encrypt_aead(const struct seal_keys *k, const uint8_t nonce[NONCE], const uint8_t *aad,
	size_t aad_n, const uint8_t *text, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	bool ccm = k->kind == SEAL_CCM;
	int done = 0;
	bool good = c != NULL && EVP_EncryptInit_ex(c, k->cipher, NULL, NULL, NULL) == 1 &&
				EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL) == 1 &&
				(!ccm || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int)k->tag, NULL) == 1) &&
				EVP_EncryptInit_ex(c, NULL, NULL, k->key, nonce) == 1 &&
				/* CCM wants to know how much is to come. */
				(!ccm || EVP_EncryptUpdate(c, NULL, &done, NULL, (int)n) == 1) &&
				EVP_EncryptUpdate(c, NULL, &done, aad, (int)aad_n) == 1 &&
				EVP_EncryptUpdate(c, out, &done, text, (int)n) == 1 && done == (int)n &&
				EVP_EncryptFinal_ex(c, out + n, &done) == 1 &&
				EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, (int)k->tag, out + n) == 1;

	EVP_CIPHER_CTX_free(c);
	return good;
}

static bool
seal_aead(const struct seal_keys *k, const struct seal_plan *plan, struct record *out)
{
	bool thirteen = k->version >= TLS1_3_VERSION;
	uint8_t nonce[NONCE], aad[AUTHENTICATED], inner[SEAL_MAX], other[SEAL_MAX];
	size_t front = SEAL_HEADER + seal_nonce_length(k), n = plan->n, aad_n = AUTHENTICATED;

	memcpy(inner, plan->text, n);
	if (thirteen) {
		aad_n = SEAL_HEADER;
		inner[n] = plan->type;
		if (plan->untyped)
			memset(inner, 0, n + 1);
		n++;
	}
	put_nonce(k, plan, nonce);
	out->n = front + n + k->tag;
	put_header(k, plan, out);
	memcpy(out->p + SEAL_HEADER, plan->nonce, front - SEAL_HEADER);
	if (thirteen)
		memcpy(aad, out->p, SEAL_HEADER);
	else
		put_pseudo_header(k, plan, n, aad);
	if (plan->inner_length)
		put16(aad + 3, n);
	if (!encrypt_aead(k, nonce, aad, aad_n, inner, n, out->p + front) || plan->tagged == NULL)
		return plan->tagged == NULL;
	/* The tag alone is that of another content. */
	memcpy(inner, plan->tagged, plan->n);
	if (!encrypt_aead(k, nonce, aad, aad_n, inner, n, other))
		return false;
	memcpy(out->p + front + n, other + n, k->tag);
	return true;
}

static bool
encrypt_cbc(
	const struct seal_keys *k, const uint8_t *iv, const uint8_t *text, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int done = 0;
	bool good = c != NULL && EVP_EncryptInit_ex(c, k->cipher, NULL, k->key, iv) == 1 &&
				EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
				EVP_EncryptUpdate(c, out, &done, text, (int)n) == 1 && done == (int)n;

	EVP_CIPHER_CTX_free(c);
	return good;
}

/* HMAC over pseudo header and octets; gives how many octets of it are to be used. */
static size_t
put_mac(const struct seal_keys *k, const struct seal_plan *plan, const uint8_t *p, size_t n,
	uint8_t *out)
{
	uint8_t all[AUTHENTICATED + SEAL_MAX];
	unsigned made = 0;

	put_pseudo_header(k, plan, n, all);
	memcpy(all + AUTHENTICATED, p, n);
	if (HMAC(k->mac, k->mac_key, (int)k->mac_len, all, AUTHENTICATED + n, out, &made) == NULL)
		return 0;
	return plan->mac_keep != 0 ? plan->mac_keep : made;
}

/* As much as fills the block, each octet the number of those before the last. */
static size_t
put_padding(const struct seal_keys *k, const struct seal_plan *plan, uint8_t *p, size_t n)
{
	size_t more = k->iv_len - n % k->iv_len;

	memset(p + n, (int)(more - 1 + plan->padding_more), more);
	return n + more;
}

static bool
seal_mac_inside(const struct seal_keys *k, const struct seal_plan *plan, struct record *out)
{
	uint8_t inner[SEAL_MAX];
	size_t front = SEAL_HEADER + k->iv_len;
	size_t made = put_mac(
		k, plan, plan->tagged != NULL ? plan->tagged : plan->text, plan->n, inner + plan->n);

	memcpy(inner, plan->text, plan->n);
	size_t n = put_padding(k, plan, inner, plan->n + made);
	out->n = front + n;
	put_header(k, plan, out);
	memcpy(out->p + SEAL_HEADER, plan->nonce, k->iv_len);
	return made != 0 && encrypt_cbc(k, plan->nonce, inner, n, out->p + front);
}

static bool
seal_mac_outside(const struct seal_keys *k, const struct seal_plan *plan, struct record *out)
{
	uint8_t inner[SEAL_MAX], other[SEAL_MAX];
	size_t front = SEAL_HEADER + k->iv_len;

	memcpy(inner, plan->text, plan->n);
	size_t n = put_padding(k, plan, inner, plan->n);
	memcpy(out->p + SEAL_HEADER, plan->nonce, k->iv_len);
	if (!encrypt_cbc(k, plan->nonce, inner, n, out->p + front))
		return false;
	memcpy(other, out->p + SEAL_HEADER, k->iv_len + n);
	if (plan->tagged != NULL) {
		memcpy(inner, plan->tagged, plan->n);
		if (!encrypt_cbc(k, plan->nonce, inner, n, other + k->iv_len))
			return false;
	}
	size_t made = put_mac(k, plan, other, k->iv_len + n, out->p + front + n);
	out->n = front + n + made;
	put_header(k, plan, out);
	return made != 0;
}

bool
seal(const struct seal_keys *k, const struct seal_plan *plan, struct record *out)
{
	/* Room for everything that is added to the content. */
	if (plan->n > 16384)
		return false;
	if (k->kind != SEAL_CBC)
		return seal_aead(k, plan, out);
	/* TLS 1.0 has no IV of its own for each record. */
	if (seal_nonce_length(k) == 0)
		return false;
	return plan->etm ? seal_mac_outside(k, plan, out) : seal_mac_inside(k, plan, out);
}
