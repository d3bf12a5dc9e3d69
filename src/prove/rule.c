/* Another rule for the MAC, as a claim spells it out input by input: what its words mean, and
 * whether it could be something else by another name. Refuses to check a record. */
#include "prove/rule.h"

/* Which of the ids it is, 0 for none; *known false: of none. */
static int
choice(const char *id, const char *const *ids, bool *known)
{
	if (id == NULL)
		return 0;
	for (int i = 1; ids[i] != NULL; i++)
		if (strcmp(ids[i], id) == 0)
			return i;
	*known = false;
	return 0;
}

static bool
choose_version(const char *name, struct rule *r)
{
	static const uint16_t versions[] = {
		BM_SSL3, BM_TLS10, BM_TLS11, BM_TLS12, BM_TLS13, BM_DTLS10, BM_DTLS12};

	r->has_version = name != NULL;
	r->version = 0;
	if (name == NULL || strcmp(name, "none") == 0)
		return true;
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
		if (strcmp(bm_version_name(versions[i]), name) == 0) {
			r->version = versions[i];
			return true;
		}
	return false;
}

bool
rule_read(const struct badmac_claimed_mac_rule *m, struct rule *r)
{
	static const char *const orders[] = {"", "mac-then-encrypt", "encrypt-then-mac", NULL};
	static const char *const macs[] = {"", "ssl3", "hmac", NULL};
	static const char *const keys[] = {"", "other-direction", "first-half", NULL};
	static const char *const sides[] = {"", "other-direction", NULL};
	static const char *const nonces[] = {"", "sequence-number", "zeros",
		"sequence-number-on-the-front", "sequence-number-and-no-explicit-part", "explicit-part",
		NULL};
	static const char *const numbers[] = {
		"", "low-octet-first", "without-epoch", "with-epoch", NULL};
	static const char *const places[] = {"", "nonce", "associated-data", NULL};
	static const char *const headers[] = {"", "as-in-tls12", "as-in-tls13", "none",
		"with-masked-number", "cid-as-in-drafts", "without-cid", NULL};
	static const char *const lengths[] = {"", "with-tag", "record", "with-padding",
		"with-explicit-nonce", "low-octet-first", "without-tag", NULL};
	bool known = choose_version(m->version, r);

	r->order = choice(m->order, orders, &known);
	r->mac = choice(m->mac, macs, &known);
	r->cipher_key = choice(m->cipher_key, keys, &known);
	r->mac_key = choice(m->mac_key, sides, &known);
	r->iv = choice(m->iv, sides, &known);
	r->nonce = choice(m->nonce, nonces, &known);
	r->number = choice(m->number, numbers, &known);
	r->number_in = choice(m->number_in, places, &known);
	r->header = choice(m->header, headers, &known);
	r->length = choice(m->length, lengths, &known);
	r->tag = m->tag_length != BADMAC_UNKNOWN ? (size_t)m->tag_length : 0;
	return known && (m->tag_length == BADMAC_UNKNOWN ||
						(m->tag_length != 0 && m->tag_length <= BM_HASH_MAX));
}

bool
rule_is_known(const struct badmac_claimed_mac_rule *m)
{
	struct rule r;

	return rule_read(m, &r);
}

/* What of it could be damage to the record's own header or nonce, or nobody's rule at all. */
const char *
rule_wrong(const struct badmac_claimed_mac_rule *m, const struct bm_traffic_keys *k,
	struct bm_view record, bool all_fail)
{
	struct rule r;
	unsigned due = k->version == BM_TLS13 ? BM_TLS12 : k->version;
	bool tls13 = bm_version_rules(k->version) == BM_TLS13;

	if (!rule_read(m, &r))
		return NULL;
	if (m->order == NULL && m->mac == NULL && m->cipher_key == NULL && m->mac_key == NULL &&
		m->iv == NULL && m->nonce == NULL && m->number == NULL && m->version == NULL &&
		m->header == NULL && m->length == NULL && r.tag == 0)
		return "the rule that it names is the negotiated one";
	if (r.cipher_key == OTHER_SIDE && (r.mac_key == OTHER_SIDE || r.iv == OTHER_SIDE))
		return "all keys of the other direction are no other rule";
	if (all_fail || record.n < BM_HEADER)
		return NULL;
	if (r.has_version && r.version == due && bm_load16(record.p + 1) != due)
		return "with the version that is due in its header it is the header that is wrong";
	if (!tls13 && k->suite->mode != BM_MODE_POLY1305 &&
		(r.nonce == FROM_NUMBER || r.nonce == OF_ZEROS))
		return "an explicit nonce that was damaged would look the same";
	return NULL;
}
