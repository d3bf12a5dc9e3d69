/* Other rules for the MACs of SSL 3.0 to TLS 1.2: which text, which key, which octets in front.
 * Refuses to name a cause. */
#include "why/rules.h"

#include "base/buf.h"

enum part {
	ORDER,
	LENGTH_OF_MAC,
	CIPHER_KEY,
	MAC_KEY,
	KIND,
	SEQUENCE,
	VERSION,
	HEADER,
	LENGTH,
	PARTS
};
enum { TRUNCATED = 10 };

/* What is known of the record under one choice of ORDER, LENGTH_OF_MAC and CIPHER_KEY. */
struct layout {
	struct bm_view text; /* that the MAC is over */
	const uint8_t *mac;  /* as received */
	size_t mac_len;
	size_t padded; /* octets with MAC and padding */
};

struct mac_search {
	struct rule_search *s;
	struct bm_mac_rules rules;
	const struct bm_traffic_keys *keys, *other;
	struct layout l;
	size_t plain_n; /* octets of plaintext in the scratch; 0: not decrypted */
};

static bool
fits(struct mac_search *m, bool ssl3, struct bm_view key, struct bm_view head)
{
	struct rule_search *s = m->s;
	uint8_t mac[BM_HASH_MAX];

	if (!rule_due(s))
		return false;
	s->tried++;
	s->work += bm_protection_cost(s->w->c->protection, m->l.text.n);
	s->status = bm_mac_of(m->rules.hash, ssl3, key, head, m->l.text, mac);
	s->tag_len = m->l.mac_len;
	return s->status == BM_OK && memcmp(mac, m->l.mac, m->l.mac_len) == 0;
}

/* The octets in front of the text: every length that might be meant. */
static bool
try_lengths(struct mac_search *m, bool ssl3, struct bm_view key, uint8_t *head, size_t n)
{
	const size_t len[] = {
		m->l.text.n, m->l.text.n + m->l.mac_len, m->s->wire.body.n, m->l.padded, m->l.text.n};
	static const char *const what[] = {NULL, "the MAC's own length counted in the MAC header",
		"the record's length instead of the content's in the MAC header",
		"the length with padding in the MAC header",
		"the length in the MAC header low octet first"};
	static const char *const id[] = {NULL, "with-tag", "record", "with-padding", "low-octet-first"};

	for (size_t i = 0; i < sizeof len / sizeof len[0]; i++) {
		/* The same by another name. */
		if (i != 0 && (i == 4 ? len[0] >> 8 == (len[0] & 0xff) : len[i] == len[0]))
			continue;
		m->s->what[LENGTH] = what[i];
		m->s->rule.length = id[i];
		bm_store16(head + n, (unsigned)len[i]);
		if (i == 4) {
			uint8_t b = head[n];
			head[n] = head[n + 1];
			head[n + 1] = b;
		}
		if (fits(m, ssl3, key, bm_view(head, n + 2)))
			return true;
	}
	m->s->what[LENGTH] = m->s->rule.length = NULL;
	return false;
}

static bool
try_headers(struct mac_search *m, bool ssl3, struct bm_view key, uint64_t seq, unsigned version)
{
	uint8_t head[RULE_HEADER_MAX + 2];
	size_t n;

	for (unsigned nth = 0; (n = rule_header(m->s, nth, seq, version, head, &m->s->what[HEADER],
								&m->s->rule.header)) != 0;
		 nth++)
		if (try_lengths(m, ssl3, key, head, n))
			return true;
	m->s->what[HEADER] = m->s->rule.header = NULL;
	return false;
}

static bool
try_versions(struct mac_search *m, bool ssl3, struct bm_view key, uint64_t seq)
{
	static const char *const what[RULE_VERSIONS] = {"version 3.0 in the MAC header",
		"version 3.1 (TLS 1.0) in the MAC header", "version 3.2 (TLS 1.1) in the MAC header",
		"version 3.3 (TLS 1.2) in the MAC header", "version 3.4 (TLS 1.3) in the MAC header",
		"version 254.255 (DTLS 1.0) in the MAC header",
		"version 254.253 (DTLS 1.2) in the MAC header"};
	struct rule_search *s = m->s;
	/* SSL 3.0 has none there. */
	unsigned own = ssl3 ? 0 : s->wire.version;

	s->what[VERSION] = s->rule.version = NULL;
	if (try_headers(m, ssl3, key, seq, own))
		return true;
	s->what[VERSION] = "no version in the MAC header";
	s->rule.version = "none";
	if (own != 0 && rule_version_free(s, 0) && try_headers(m, ssl3, key, seq, 0))
		return true;
	for (size_t i = 0; i < RULE_VERSIONS; i++) {
		unsigned version = rule_versions[i];
		if (version == own || !rule_version_free(s, version))
			continue;
		s->what[VERSION] = what[i];
		s->rule.version = bm_version_name(version);
		if (try_headers(m, ssl3, key, seq, version))
			return true;
	}
	s->what[VERSION] = s->rule.version = NULL;
	return false;
}

static bool
try_sequence(struct mac_search *m, bool ssl3, struct bm_view key)
{
	struct rule_search *s = m->s;
	uint64_t own = s->w->c->position->seq, seq;

	s->what[SEQUENCE] = s->rule.number = NULL;
	if (try_versions(m, ssl3, key, own))
		return true;
	for (unsigned nth = 0; rule_other_number(s, nth, &seq, &s->what[SEQUENCE], &s->rule.number);
		 nth++)
		if (seq != own && try_versions(m, ssl3, key, seq))
			return true;
	s->what[SEQUENCE] = s->rule.number = NULL;
	return false;
}

static bool
try_macs(struct mac_search *m)
{
	struct rule_search *s = m->s;
	/* SSL 3.0's MAC has paddings for these two alone (RFC 6101, section 5.2.3.1). */
	bool both = m->rules.hash == BM_MD5 || m->rules.hash == BM_SHA1;

	for (int other = 0; other < (m->other != NULL ? 2 : 1); other++) {
		struct bm_view key =
			other ? bm_view(m->other->mac_key, bm_hash_size(m->rules.hash)) : m->rules.key;
		s->what[MAC_KEY] = other ? "the other direction's MAC key" : NULL;
		s->rule.mac_key = other ? "other-direction" : NULL;
		for (int kind = 0; kind < (both ? 2 : 1); kind++) {
			bool ssl3 = m->rules.ssl3 != (kind == 1);
			s->what[KIND] = kind == 0 ? NULL
							: ssl3    ? "the MAC of SSL 3.0 instead of HMAC"
									  : "HMAC instead of the MAC of SSL 3.0";
			s->rule.mac = kind == 0 ? NULL : ssl3 ? "ssl3" : "hmac";
			if (try_sequence(m, ssl3, key))
				return true;
		}
	}
	s->what[MAC_KEY] = s->what[KIND] = NULL;
	s->rule.mac_key = s->rule.mac = NULL;
	return false;
}

/* MAC-then-encrypt, and MACs behind the content of a stream. */
static bool
try_inside(struct mac_search *m, size_t mac_len)
{
	const uint8_t *plain = m->s->w->scratch->bytes;
	size_t n = m->plain_n, padding = 0;

	if (n != 0 && m->rules.cbc != NULL)
		padding = (size_t)plain[n - 1] + 1;
	if (n < mac_len + padding)
		return false;
	/* Else the rest of a longer MAC would pass for the padding of a shorter one. */
	for (size_t i = 1; i <= padding && m->rules.cbc != NULL && !m->rules.ssl3; i++)
		if (plain[n - i] != plain[n - 1])
			return false;
	m->l = (struct layout){
		bm_view(plain, n - padding - mac_len), plain + n - padding - mac_len, mac_len, n};
	return try_macs(m);
}

/* Encrypt-then-MAC (RFC 7366), and over the ciphertext alone. */
static bool
try_outside(struct mac_search *m, size_t mac_len)
{
	struct bm_view body = m->s->wire.body;

	if (body.n <= mac_len + m->rules.record_iv)
		return false;
	m->l = (struct layout){
		bm_view(body.p, body.n - mac_len), body.p + body.n - mac_len, mac_len, body.n};
	return try_macs(m);
}

static bool
try_orders(struct mac_search *m)
{
	struct rule_search *s = m->s;
	bool cbc = m->rules.cbc != NULL;
	bool etm = m->rules.order == BM_MAC_ENCRYPT_THEN;
	size_t whole = bm_hash_size(m->rules.hash);
	bool truncated = m->rules.tag_len < whole;

	for (int order = 0; order < (cbc ? 2 : 1); order++) {
		s->what[ORDER] =
			order == 0 ? NULL
			: etm
				? "the MAC over the plaintext, although encrypt-then-MAC (RFC 7366) was negotiated"
				: "the MAC over the ciphertext: encrypt-then-MAC (RFC 7366), which was not "
				  "negotiated";
		s->rule.order = order == 0 ? NULL : etm ? "mac-then-encrypt" : "encrypt-then-mac";
		for (int cut = 0; cut < (whole > TRUNCATED ? 2 : 1); cut++) {
			size_t mac_len = truncated != (cut == 1) ? TRUNCATED : whole;
			s->what[LENGTH_OF_MAC] =
				cut == 0 ? NULL
				: truncated
					? "the whole MAC, although truncated_hmac (RFC 6066) was negotiated"
					: "the MAC cut to 80 bits (RFC 6066, section 7), which was not negotiated";
			s->rule.tag_length = cut == 0 ? 0 : mac_len;
			bool outside = cbc && etm != (order == 1);
			/* A MAC over the ciphertext says nothing of the cipher's key. */
			if (outside && s->what[CIPHER_KEY] != NULL)
				continue;
			if (outside ? try_outside(m, mac_len) : try_inside(m, mac_len))
				return true;
		}
	}
	s->what[ORDER] = s->what[LENGTH_OF_MAC] = s->rule.order = NULL;
	s->rule.tag_length = 0;
	return false;
}

/* Plaintext into the scratch, under this key of the cipher. */
static void
decrypt_cbc(struct mac_search *m, const struct bm_cbc *cbc)
{
	const struct rule_search *s = m->s;
	struct bm_view body = s->wire.body;
	size_t iv = m->rules.record_iv;
	const uint8_t *from = iv != 0 ? body.p : s->w->c->position->iv;

	m->plain_n = 0;
	if (body.n <= iv)
		return;
	/* With a MAC of odd length behind: what is left over is no ciphertext. */
	size_t n = (body.n - iv) / m->rules.block * m->rules.block;
	if (n == body.n - iv &&
		bm_cbc_decrypt(cbc, from, bm_view(body.p + iv, n), s->w->scratch->bytes) == BM_OK)
		m->plain_n = n;
}

static bool
try_cipher(struct mac_search *m, enum bm_cipher cipher, const uint8_t *key, const char *what,
	const char *id)
{
	struct bm_cbc *cbc = NULL;

	m->s->what[CIPHER_KEY] = what;
	m->s->rule.cipher_key = id;
	m->s->status = bm_cbc_new(&cbc, cipher, bm_view(key, bm_cipher_key_size(cipher)));
	if (m->s->status == BM_UNSUPPORTED)
		m->s->status = BM_OK;
	if (cbc == NULL)
		return false;
	decrypt_cbc(m, cbc);
	bm_cbc_free(cbc);
	bool ok = try_orders(m);
	if (!ok)
		m->s->what[CIPHER_KEY] = m->s->rule.cipher_key = NULL;
	return ok;
}

bool
rule_search_mac(struct rule_search *s)
{
	const struct bm_case *c = s->w->c;
	struct mac_search m = {
		.s = s, .keys = bm_protection_keys(c->protection), .other = rule_other_side(s)};
	struct bm_outcome o;

	s->parts = PARTS;
	memset(s->what, 0, sizeof s->what);
	bm_protection_mac(c->protection, &m.rules);
	enum bm_cipher cipher = m.keys->suite->cipher;
	if (m.rules.cbc == NULL) {
		/* Stream: the protection decrypts it. */
		s->status = bm_verify(c->protection, c->position, &s->wire, true, s->w->scratch, &o);
		if (s->status != BM_OK || o.result == BM_BAD_LENGTH)
			return false;
		m.plain_n = s->wire.body.n;
		return try_orders(&m);
	}
	decrypt_cbc(&m, m.rules.cbc);
	if (try_orders(&m))
		return true;
	enum bm_cipher half = cipher == BM_AES256        ? BM_AES128
						  : cipher == BM_CAMELLIA256 ? BM_CAMELLIA128
													 : cipher;
	return (half != cipher &&
			   try_cipher(&m, half, m.keys->key,
				   "a cipher of 128 bits, keyed with the first half of the 256-bit key",
				   "first-half")) ||
		   (m.other != NULL && try_cipher(&m, cipher, m.other->key,
								   "the other direction's cipher key", "other-direction"));
}
