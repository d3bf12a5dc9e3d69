/* Traffic keys made ready: contexts set up once, lengths worked out once.
 * Refuses to know records. */
#include "verify/internal.h"

#include <stdlib.h>

#include "base/buf.h"

/* Which suites go with which version: as the key schedule has it, and what the record layer adds.
 */
static bool
fits(const struct bm_traffic_keys *k, unsigned rules)
{
	const struct bm_suite *s = k->suite;

	if (s == NULL || !s->verifiable || rules < BM_SSL3 || rules > BM_TLS13)
		return false;
	if ((rules == BM_TLS13) != (s->kx == BM_KX_TLS13))
		return false;
	bool aead = s->mode != BM_MODE_STREAM && s->mode != BM_MODE_CBC;
	/* AEAD came with TLS 1.2 (RFC 5246, section 6.2.3.3), TLS 1.3 has nothing else. */
	if (aead ? rules < BM_TLS12 : rules == BM_TLS13)
		return false;
	/* No MAC: nothing to verify. */
	if (!aead && bm_hash_size(s->mac) == 0)
		return false;
	/* SSL 3.0's MAC has paddings for these two alone (RFC 6101, section 5.2.3.1). */
	if (rules == BM_SSL3 && s->mac != BM_MD5 && s->mac != BM_SHA1)
		return false;
	/* Datagrams get lost, and with them the keystream (RFC 6347, section 4.1.2.2). */
	return !(s->cipher == BM_RC4 && bm_version_is_dtls(k->version));
}

static void
measure(struct bm_protection *p)
{
	const struct bm_suite *s = p->keys.suite;
	bool tls = p->rules >= BM_TLS10 && p->rules <= BM_TLS12;

	p->block = bm_cipher_block(s->cipher);
	if (s->mode == BM_MODE_CBC) {
		p->encrypt_then_mac = tls && p->keys.encrypt_then_mac;
		p->record_iv = p->rules >= BM_TLS11 ? p->block : 0;
	} else if (s->mode == BM_MODE_GCM || s->mode == BM_MODE_CCM) {
		p->record_iv = p->rules == BM_TLS12 ? (size_t)(NONCE - s->fixed_iv_len) : 0;
	}
	if (s->mac == BM_HASH_NONE) {
		p->tag_len = s->tag_len;
		return;
	}
	p->tag_len = bm_hash_size(s->mac);
	if (tls && p->keys.truncated_hmac && p->tag_len > TRUNCATED_MAC)
		p->tag_len = TRUNCATED_MAC;
}

static enum bm_status
rc4_new(struct bm_rc4 **out, struct bm_view key)
{
	*out = malloc(sizeof **out);
	if (*out == NULL)
		return BM_NOMEM;
	bm_rc4_init(*out, key);
	return BM_OK;
}

static enum bm_status
set_up(struct bm_protection *p)
{
	const struct bm_suite *s = p->keys.suite;
	struct bm_view key = bm_view(p->keys.key, s->key_len);
	enum bm_status st = BM_OK;

	if (s->mode == BM_MODE_CBC)
		st = bm_cbc_new(&p->cbc, s->cipher, key);
	else if (s->mode != BM_MODE_STREAM)
		st = bm_aead_new(&p->aead, s->cipher, s->mode, s->tag_len, key);
	else if (s->cipher == BM_RC4)
		st = rc4_new(&p->rc4, key);
	else if (s->cipher != BM_CIPHER_NULL)
		st = BM_UNSUPPORTED;
	if (st == BM_OK && s->mac != BM_HASH_NONE && p->rules != BM_SSL3)
		st = bm_hmac_new(&p->hmac, s->mac, bm_view(p->keys.mac_key, bm_hash_size(s->mac)));
	return st;
}

enum bm_status
bm_protection_new(struct bm_protection **out, const struct bm_traffic_keys *k)
{
	unsigned rules = bm_version_rules(k->version);

	*out = NULL;
	if (!fits(k, rules))
		return BM_UNSUPPORTED;
	struct bm_protection *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return BM_NOMEM;
	p->keys = *k;
	p->rules = rules;
	p->dtls = bm_version_is_dtls(k->version);
	measure(p);
	enum bm_status st = set_up(p);
	if (st != BM_OK) {
		bm_protection_free(p);
		return st;
	}
	*out = p;
	return BM_OK;
}

void
bm_protection_free(struct bm_protection *p)
{
	if (p == NULL)
		return;
	bm_aead_free(p->aead);
	bm_cbc_free(p->cbc);
	bm_hmac_free(p->hmac);
	if (p->rc4 != NULL)
		bm_wipe(p->rc4, sizeof *p->rc4);
	free(p->rc4);
	bm_wipe(p, sizeof(*p));
	free(p);
}

const struct bm_traffic_keys *
bm_protection_keys(const struct bm_protection *p)
{
	return &p->keys;
}

size_t
bm_protection_tag_len(const struct bm_protection *p)
{
	return p->tag_len;
}

bool
bm_protection_chained(const struct bm_protection *p)
{
	return p->keys.suite->cipher == BM_RC4 ||
		   (p->keys.suite->mode == BM_MODE_CBC && p->record_iv == 0);
}

void
bm_protection_mac(const struct bm_protection *p, struct bm_mac_rules *r)
{
	memset(r, 0, sizeof(*r));
	if (p->keys.suite->mac == BM_HASH_NONE)
		return;
	r->order = BM_MAC_BEHIND;
	if (p->cbc != NULL)
		r->order = p->encrypt_then_mac ? BM_MAC_ENCRYPT_THEN : BM_MAC_THEN_ENCRYPT;
	r->hash = p->keys.suite->mac;
	r->ssl3 = p->rules == BM_SSL3;
	r->tag_len = p->tag_len;
	r->block = p->block;
	r->record_iv = p->record_iv;
	r->key = bm_view(p->keys.mac_key, bm_hash_size(r->hash));
	r->cbc = p->cbc;
}

uint64_t
bm_protection_cost(const struct bm_protection *p, size_t n)
{
	const struct bm_suite *s = p->keys.suite;
	uint64_t tenths; /* of a nanosecond an octet, on a machine of 2020 or so */

	switch (s->cipher) {
	case BM_AES128:
	case BM_AES256:
	case BM_CHACHA20:
		tenths = s->mode == BM_MODE_CCM ? 10 : 3;
		break;
	case BM_CIPHER_NULL:
		tenths = 0;
		break;
	case BM_RC4:
		tenths = 20;
		break;
	case BM_3DES:
		tenths = 350;
		break;
	default:
		tenths = 120;
	}
	/* Its HMAC. */
	if (s->mac != BM_HASH_NONE)
		tenths += 10;
	return 400 + tenths * n / 10;
}
