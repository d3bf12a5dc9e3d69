/* Other rules for AEAD records: which nonce, which associated data, which key, which tag.
 * Refuses to name a cause. */
#include "why/rules.h"

#include "base/buf.h"

enum part { KEY, TAG, NONCE_OF, SEQUENCE, AAD, VERSION, PARTS };
enum { NONCE = 12, EXPLICIT = 8 };

struct aead_search {
	struct rule_search *s;
	const struct bm_traffic_keys *keys;
	const struct bm_aead *aead; /* in use */
	const uint8_t *iv;          /* in use */
	size_t tag;                 /* in use */
	bool tls13, own_explicit;   /* as negotiated */
	uint64_t number;            /* in use */
	bool number_in_nonce;       /* that one */
	uint8_t nonce[NONCE];
	struct bm_view text;
};

static bool
fits(struct aead_search *a, struct bm_view aad)
{
	struct rule_search *s = a->s;
	uint8_t tag[16];

	if (!rule_due(s))
		return false;
	s->tried++;
	s->work += bm_protection_cost(s->w->c->protection, a->text.n);
	s->status = bm_aead_tag(a->aead, a->nonce, aad, a->text, NULL, tag);
	s->tag_len = a->tag;
	return s->status == BM_OK && memcmp(tag, a->text.p + a->text.n, a->tag) == 0;
}

/* TLS 1.2 (RFC 5246, section 6.2.3.3): number, type, version, length of the content; n octets of it
 * stand in aad. */
static bool
try_lengths(struct aead_search *a, uint8_t *aad, size_t n, const char *as)
{
	struct rule_search *s = a->s;
	const size_t len[] = {
		a->text.n, a->text.n + a->tag, s->wire.body.n, a->text.n + EXPLICIT, a->text.n};
	static const char *const what[] = {NULL, "the tag counted in the length that is authenticated",
		"the record's own length authenticated",
		"the explicit nonce counted in the length that is authenticated",
		"the authenticated length low octet first"};
	static const char *const id[] = {
		NULL, "with-tag", "record", "with-explicit-nonce", "low-octet-first"};

	for (size_t i = 0; i < sizeof len / sizeof len[0]; i++) {
		/* The same by another name. */
		if (i != 0 && (i == 4 ? len[0] >> 8 == (len[0] & 0xff) : len[i] == len[0]))
			continue;
		s->what[AAD] = i == 0 ? as : what[i];
		s->rule.length = id[i];
		bm_store16(aad + n, (unsigned)len[i]);
		if (i == 4) {
			uint8_t b = aad[n];
			aad[n] = aad[n + 1];
			aad[n + 1] = b;
		}
		if (fits(a, bm_view(aad, n + 2)))
			return true;
	}
	return false;
}

static bool
try_headers(struct aead_search *a, uint64_t seq, unsigned version, const char *as)
{
	uint8_t aad[RULE_HEADER_MAX + 2];
	const char *what, *id;
	size_t n;

	for (unsigned nth = 0; (n = rule_header(a->s, nth, seq, version, aad, &what, &id)) != 0;
		 nth++) {
		a->s->rule.header = id != NULL ? id : a->tls13 ? "as-in-tls12" : NULL;
		if (try_lengths(a, aad, n, what != NULL ? what : as))
			return true;
	}
	return false;
}

static bool
try_aad12(struct aead_search *a, unsigned version, const char *as)
{
	/* Another number in the nonce: then here too, or not. */
	a->s->rule.number_in = a->s->what[SEQUENCE] != NULL ? "nonce" : NULL;
	if (try_headers(a, a->s->w->c->position->seq, version, as))
		return true;
	if (a->s->what[SEQUENCE] == NULL)
		return false;
	a->s->rule.number_in = a->number_in_nonce ? NULL : "associated-data";
	return try_headers(a, a->number, version, as);
}

/* DTLS 1.3 (RFC 9147, section 4): the header, of which the number is unmasked. */
static bool
try_unified(struct aead_search *a, const char *as)
{
	struct rule_search *s = a->s;

	s->what[AAD] = as;
	if (fits(a, s->wire.header))
		return true;
	s->what[AAD] = "the header authenticated with its number masked";
	s->rule.header = "with-masked-number";
	return fits(a, bm_view(s->w->c->record, s->wire.header.n));
}

/* TLS 1.3 (RFC 8446, section 5.2): the record's header. */
static bool
try_aad13(struct aead_search *a, unsigned version, const char *as)
{
	struct rule_search *s = a->s;
	uint8_t aad[BM_HEADER];

	/* No number is authenticated there. */
	s->rule.number_in = s->rule.length = NULL;
	s->rule.header = a->tls13 ? NULL : "as-in-tls13";
	if (a->keys->version == BM_DTLS13)
		return version == s->wire.version && try_unified(a, as);
	if (s->wire.header.n != BM_HEADER)
		return false;
	memcpy(aad, s->wire.header.p, BM_HEADER);
	bm_store16(aad + 1, version);
	s->what[AAD] = as;
	if (fits(a, bm_view(aad, sizeof aad)))
		return true;
	s->what[AAD] = "the length in the authenticated header without the tag";
	s->rule.length = "without-tag";
	bm_store16(aad + 3, (unsigned)a->text.n);
	return fits(a, bm_view(aad, sizeof aad));
}

static bool
try_version(struct aead_search *a, unsigned version)
{
	static const char as12[] = "number, type, version and length authenticated as in TLS 1.2";
	static const char as13[] = "the record's header authenticated as in TLS 1.3";

	return a->tls13 ? try_aad13(a, version, NULL) || try_aad12(a, version, as12)
					: try_aad12(a, version, NULL) || try_aad13(a, version, as13);
}

static bool
try_aad(struct aead_search *a)
{
	static const char *const what[RULE_VERSIONS] = {NULL, "version 3.1 (TLS 1.0) authenticated",
		"version 3.2 (TLS 1.1) authenticated", "version 3.3 (TLS 1.2) authenticated",
		"version 3.4 (TLS 1.3) authenticated", "version 254.255 (DTLS 1.0) authenticated",
		"version 254.253 (DTLS 1.2) authenticated"};
	struct rule_search *s = a->s;

	s->what[VERSION] = s->rule.version = NULL;
	if (try_version(a, s->wire.version))
		return true;
	for (size_t i = 0; i < RULE_VERSIONS; i++) {
		if (what[i] == NULL || rule_versions[i] == s->wire.version ||
			!rule_version_free(s, rule_versions[i]))
			continue;
		s->what[VERSION] = what[i];
		s->rule.version = bm_version_name(rule_versions[i]);
		if (try_version(a, rule_versions[i]))
			return true;
	}
	s->what[VERSION] = s->rule.version = s->rule.length = NULL;
	s->what[AAD] =
		a->tls13 ? "no associated data, as up to draft 24 of TLS 1.3" : "no associated data";
	s->rule.header = "none";
	s->rule.number_in = NULL;
	if (fits(a, bm_view(NULL, 0)))
		return true;
	s->what[AAD] = s->rule.header = s->rule.number_in = NULL;
	return false;
}

static void
xor_number(uint8_t *p, uint64_t n)
{
	uint8_t b[8];

	bm_store64(b, n);
	for (size_t i = 0; i < sizeof b; i++)
		p[i] ^= b[i];
}

/* The nonces that stacks have been known or are likely to make. False: no such one here. */
static bool
make_nonce(struct aead_search *a, unsigned which, uint64_t seq)
{
	struct bm_view body = a->s->wire.body;
	/* An explicit part that was damaged on the way would look the same. */
	if (a->own_explicit && (which == 1 || which == 2) && a->s->w->c->kind != BM_CASE_NO_KEYS_FIT)
		return false;
	/* Is there an explicit part in front of the text? */
	bool in_front = a->own_explicit ? which != 3 : which == 3;
	size_t before = in_front ? EXPLICIT : 0;

	if (body.n < before + a->tag)
		return false;
	a->text = bm_view(body.p + before, body.n - before - a->tag);
	memcpy(a->nonce, a->iv, NONCE);
	switch (which) {
	case 0: /* as negotiated */
		if (a->own_explicit)
			memcpy(a->nonce + NONCE - EXPLICIT, body.p, EXPLICIT);
		else
			xor_number(a->nonce + NONCE - EXPLICIT, seq);
		return true;
	case 1: /* fixed part and number */
		bm_store64(a->nonce + NONCE - EXPLICIT, seq);
		return true;
	case 2: /* the number at the front, or nowhere */
		if (a->own_explicit)
			memset(a->nonce + NONCE - EXPLICIT, 0, EXPLICIT);
		else
			xor_number(a->nonce, seq);
		return true;
	default: /* the other of the two ways */
		if (a->own_explicit)
			bm_store64(a->nonce + NONCE - EXPLICIT, seq);
		else
			memcpy(a->nonce + NONCE - EXPLICIT, body.p, EXPLICIT);
		return true;
	}
}

/* Of another number: in the nonce, or not there. */
static bool
try_number(struct aead_search *a, unsigned which, uint64_t in_nonce, bool other)
{
	a->number_in_nonce = other;
	return make_nonce(a, which, in_nonce) && try_aad(a);
}

static bool
try_nonces(struct aead_search *a)
{
	static const char *const with_explicit[] = {NULL,
		"the sequence number in the nonce instead of the explicit part that it carries",
		"zeros in the nonce instead of the explicit part that it carries",
		"the sequence number in the nonce and no explicit part in the record"};
	static const char *const implicit[] = {NULL,
		"the sequence number behind the first four octets of the IV as nonce",
		"the sequence number on the front of the IV as nonce",
		"an explicit nonce in front of the ciphertext"};
	static const char *const id[] = {
		NULL, "sequence-number", "zeros", "sequence-number-and-no-explicit-part"};
	static const char *const implicit_id[] = {
		NULL, "sequence-number", "sequence-number-on-the-front", "explicit-part"};
	struct rule_search *s = a->s;
	uint64_t seq = s->w->c->position->seq;

	for (unsigned which = 0; which < 4; which++) {
		s->what[NONCE_OF] = a->own_explicit ? with_explicit[which] : implicit[which];
		s->rule.nonce = a->own_explicit ? id[which] : implicit_id[which];
		s->what[SEQUENCE] = s->rule.number = NULL;
		a->number = seq;
		if (make_nonce(a, which, seq) && try_aad(a))
			return true;
		for (unsigned nth = 0;
			 rule_other_number(s, nth, &a->number, &s->what[SEQUENCE], &s->rule.number); nth++)
			if (a->number != seq &&
				(try_number(a, which, a->number, true) || try_number(a, which, seq, false)))
				return true;
	}
	s->what[NONCE_OF] = s->what[SEQUENCE] = s->rule.nonce = s->rule.number = NULL;
	return false;
}

/* One key of the cipher, with both lengths of CCM's tag. */
static bool
try_key(struct aead_search *a, enum bm_cipher cipher, const uint8_t *key, const uint8_t *iv,
	const char *what)
{
	const struct bm_suite *suite = a->keys->suite;
	struct rule_search *s = a->s;
	bool found = false;

	s->what[KEY] = what;
	s->rule.cipher_key = key == a->keys->key && cipher == suite->cipher ? NULL
						 : key == a->keys->key                          ? "first-half"
																		: "other-direction";
	s->rule.iv = iv == a->keys->iv ? NULL : "other-direction";
	a->iv = iv;
	for (int other = 0; !found && other < (suite->mode == BM_MODE_CCM ? 2 : 1); other++) {
		struct bm_aead *made = NULL;
		a->tag = other == 0 ? suite->tag_len : suite->tag_len == 16 ? 8 : 16;
		s->what[TAG] = other == 0 ? NULL : a->tag == 8 ? "a tag of 8 octets" : "a tag of 16 octets";
		s->rule.tag_length = other == 0 ? 0 : a->tag;
		enum bm_status st = bm_aead_new(
			&made, cipher, suite->mode, a->tag, bm_view(key, bm_cipher_key_size(cipher)));
		if (st == BM_NOMEM)
			s->status = st;
		a->aead = made;
		found = made != NULL && try_nonces(a);
		bm_aead_free(made);
		a->aead = NULL;
	}
	if (!found)
		s->what[KEY] = s->what[TAG] = NULL;
	return found;
}

bool
rule_search_aead(struct rule_search *s)
{
	const struct bm_case *c = s->w->c;
	struct aead_search a = {.s = s, .keys = bm_protection_keys(c->protection)};
	const struct bm_traffic_keys *k = a.keys, *other = rule_other_side(s);
	enum bm_cipher cipher = k->suite->cipher;

	s->parts = PARTS;
	memset(s->what, 0, sizeof s->what);
	a.tls13 = bm_version_rules(k->version) == BM_TLS13;
	a.own_explicit = !a.tls13 && k->suite->mode != BM_MODE_POLY1305;
	enum bm_cipher half = cipher == BM_AES256        ? BM_AES128
						  : cipher == BM_CAMELLIA256 ? BM_CAMELLIA128
						  : cipher == BM_ARIA256     ? BM_ARIA128
													 : cipher;
	return try_key(&a, cipher, k->key, k->iv, NULL) ||
		   (half != cipher &&
			   try_key(&a, half, k->key, k->iv,
				   "a cipher of 128 bits, keyed with the first half of the 256-bit key")) ||
		   (other != NULL &&
			   (try_key(&a, cipher, other->key, k->iv, "the other direction's key") ||
				   try_key(&a, cipher, k->key, other->iv, "the other direction's IV")));
}
