/* One check of one record by another rule for its MAC than the negotiated one. Refuses to look for
 * a rule, and to know what one would show. */
#include "prove/rule.h"

#include "base/buf.h"
#include "crypto/crypto.h"

enum { NONCE = 12, EXPLICIT = 8, NUMBER_BITS = 48, TRUNCATED = 10 };

/* What every part of the check looks at. */
struct trial {
	const struct check *c;
	const struct bm_protection *p;
	const struct bm_traffic_keys *keys;
	const struct bm_position *pos;
	const struct bm_wire *w;
	struct bm_scratch *scratch;
	struct rule r;
	uint64_t number; /* another one, or the own */
	unsigned version;
	enum bm_status status;
};

enum bm_status
mac_make(const struct bm_mac_rules *r, struct bm_view head, struct bm_view text,
	uint8_t out[BM_HASH_MAX])
{
	struct bm_hmac *m = NULL;

	if (r->ssl3) {
		/* RFC 6101, section 5.2.3.1. */
		size_t n = r->hash == BM_MD5 ? 48 : 40;
		uint8_t inner_pad[48], outer_pad[48], inner[BM_HASH_MAX];
		memset(inner_pad, 0x36, sizeof inner_pad);
		memset(outer_pad, 0x5c, sizeof outer_pad);
		const struct bm_view in[] = {r->key, {inner_pad, n}, head, text};
		const struct bm_view over[] = {r->key, {outer_pad, n}, {inner, bm_hash_size(r->hash)}};
		enum bm_status st = bm_hash_once(r->hash, in, 4, inner);
		return st == BM_OK ? bm_hash_once(r->hash, over, 3, out) : st;
	}
	const struct bm_view v[] = {head, text};
	enum bm_status st = bm_hmac_new(&m, r->hash, r->key);
	if (st == BM_OK)
		st = bm_hmac_tag(m, v, 2, out);
	bm_hmac_free(m);
	return st;
}

/* -- what is authenticated in front -------------------------------------------------- */

static uint64_t
other_number(const struct trial *t)
{
	uint64_t own = t->pos->seq, low = own & ((UINT64_C(1) << NUMBER_BITS) - 1), out = 0;

	switch (t->r.number) {
	case REVERSED:
		for (int i = 0; i < 8; i++)
			out |= (own >> 8 * i & 0xff) << 8 * (7 - i);
		return out;
	case WITHOUT_EPOCH: /* RFC 6347, section 4.1.2.1 counts it in */
		return low;
	case WITH_EPOCH: /* RFC 9147, section 4 does not */
		return t->c->epoch << NUMBER_BITS | low;
	default:
		return own;
	}
}

/* Number, type, version and connection id, up to the length, as up to TLS 1.2. */
static size_t
front(const struct trial *t, uint64_t number, unsigned version, uint8_t out[BM_MAC_HEADER_MAX])
{
	const struct bm_wire *w = t->w;
	size_t n = 8;

	if (w->cid.n != 0 && version != 0 && t->r.header != CID_OF_DRAFTS && t->r.header != NO_CID) {
		struct bm_wire as = *w;
		struct bm_position pos = {.seq = number};
		as.version = (uint16_t)version;
		return bm_mac_header(t->p, &pos, &as, 0, out) - 2;
	}
	bm_store64(out, number);
	out[n++] = w->type;
	if (version != 0) {
		bm_store16(out + n, version);
		n += 2;
	}
	if (t->r.header == CID_OF_DRAFTS) {
		memcpy(out + n, w->cid.p, w->cid.n);
		n += w->cid.n;
		out[n++] = (uint8_t)w->cid.n;
	}
	return n;
}

/* The length behind that, of `text` octets with a tag of `tag`. */
static size_t
put_length(const struct trial *t, size_t text, size_t tag, size_t padded, uint8_t *out)
{
	size_t n = t->r.length == WITH_TAG       ? text + tag
			   : t->r.length == OF_RECORD    ? t->w->body.n
			   : t->r.length == WITH_PADDING ? padded
			   : t->r.length == WITH_NONCE   ? text + EXPLICIT
											 : text;

	bm_store16(out, (unsigned)n);
	if (t->r.length == LOW_FIRST) {
		uint8_t b = out[0];
		out[0] = out[1];
		out[1] = b;
	}
	return 2;
}

/* -- AEAD ------------------------------------------------------------------------------ */

/* The nonce, and where in the body the text begins: SIZE_MAX: there is no such nonce here. */
static size_t
make_nonce(const struct trial *t, const uint8_t *iv, uint8_t nonce[NONCE])
{
	bool tls13 = bm_version_rules(t->keys->version) == BM_TLS13;
	bool explicit = !tls13 && t->keys->suite->mode != BM_MODE_POLY1305;
	uint64_t number = t->r.number_in == IN_DATA ? t->pos->seq : t->number;
	uint8_t *last = nonce + NONCE - EXPLICIT, b[8];

	memcpy(nonce, iv, NONCE);
	bm_store64(b, number);
	switch (t->r.nonce) {
	case OWN_NONCE:
		if (explicit)
			memcpy(last, t->w->body.p, EXPLICIT);
		for (size_t i = 0; i < sizeof b && !explicit; i++)
			last[i] ^= b[i];
		return explicit ? EXPLICIT : 0;
	case FROM_NUMBER:
		memcpy(last, b, sizeof b);
		return explicit ? EXPLICIT : 0;
	case OF_ZEROS:
		memset(last, 0, EXPLICIT);
		return explicit ? EXPLICIT : SIZE_MAX;
	case NUMBER_ON_FRONT:
		for (size_t i = 0; i < sizeof b; i++)
			nonce[i] ^= b[i];
		return explicit ? SIZE_MAX : 0;
	case BARE_NUMBER:
		memcpy(last, b, sizeof b);
		return explicit ? 0 : SIZE_MAX;
	default: /* FROM_RECORD */
		memcpy(last, t->w->body.p, EXPLICIT);
		return explicit ? SIZE_MAX : EXPLICIT;
	}
}

/* The associated data; SIZE_MAX: there is none of that kind here. */
static size_t
make_data(const struct trial *t, size_t text, size_t tag, uint8_t out[BM_MAC_HEADER_MAX])
{
	bool tls13 = bm_version_rules(t->keys->version) == BM_TLS13;
	bool as13 =
		t->r.header == AS_13 || t->r.header == MASKED || (tls13 && t->r.header == OWN_HEADER);

	if (t->r.header == NO_DATA)
		return t->r.length == OWN_LENGTH && !t->r.has_version ? 0 : SIZE_MAX;
	if (!as13) {
		uint64_t number = t->r.number_in == IN_NONCE ? t->pos->seq : t->number;
		if (t->r.length == WITHOUT_TAG || t->r.length == WITH_PADDING)
			return SIZE_MAX;
		size_t n = front(t, number, t->version, out);
		return n + put_length(t, text, tag, 0, out + n);
	}
	if (t->keys->version == BM_DTLS13) {
		/* RFC 9147, section 4: the header, of which the number is unmasked. */
		struct bm_view h =
			t->r.header == MASKED ? bm_view(t->c->record.p, t->w->header.n) : t->w->header;
		if (t->r.has_version || t->r.length != OWN_LENGTH || h.n > BM_MAC_HEADER_MAX)
			return SIZE_MAX;
		memcpy(out, h.p, h.n);
		return h.n;
	}
	if (t->w->header.n != BM_HEADER || t->r.header == MASKED ||
		(t->r.length != OWN_LENGTH && t->r.length != WITHOUT_TAG))
		return SIZE_MAX;
	/* RFC 8446, section 5.2. */
	memcpy(out, t->w->header.p, BM_HEADER);
	bm_store16(out + 1, t->version);
	if (t->r.length == WITHOUT_TAG)
		bm_store16(out + 3, (unsigned)text);
	return BM_HEADER;
}

static enum bm_cipher
half_of(enum bm_cipher c)
{
	return c == BM_AES256        ? BM_AES128
		   : c == BM_CAMELLIA256 ? BM_CAMELLIA128
		   : c == BM_ARIA256     ? BM_ARIA128
								 : c;
}

static bool
aead_fits(struct trial *t, struct checked *out)
{
	const struct bm_traffic_keys *k = t->keys, *other = t->c->other;
	const struct bm_suite *suite = k->suite;
	enum bm_cipher cipher = t->r.cipher_key == FIRST_HALF ? half_of(suite->cipher) : suite->cipher;
	const struct bm_traffic_keys *keys = t->r.cipher_key == OTHER_SIDE ? other : k;
	const struct bm_traffic_keys *ivs = t->r.iv == OTHER_SIDE ? other : k;
	size_t tag = t->r.tag != 0 ? t->r.tag : suite->tag_len;
	uint8_t nonce[NONCE], data[BM_MAC_HEADER_MAX + 2], made[16] = {0};
	struct bm_aead *aead = NULL;

	out->tag_len = tag;
	/* Of the others there are no two lengths. */
	if (keys == NULL || ivs == NULL || t->w->body.n < EXPLICIT + tag || t->r.order != OWN_ORDER ||
		t->r.mac != OWN_MAC || t->r.mac_key != OWN_KEY ||
		(tag != suite->tag_len && (suite->mode != BM_MODE_CCM || (tag != 8 && tag != 16))))
		return false;
	size_t at = make_nonce(t, ivs->iv, nonce);
	if (at == SIZE_MAX)
		return false;
	struct bm_view text = bm_view(t->w->body.p + at, t->w->body.n - at - tag);
	size_t n = make_data(t, text.n, tag, data);
	if (n == SIZE_MAX)
		return false;
	t->status = bm_aead_new(
		&aead, cipher, suite->mode, tag, bm_view(keys->key, bm_cipher_key_size(cipher)));
	if (t->status == BM_OK)
		t->status = bm_aead_tag(aead, nonce, bm_view(data, n), text, NULL, made);
	bm_aead_free(aead);
	return t->status == BM_OK && memcmp(made, text.p + text.n, tag) == 0;
}

/* -- MACs ------------------------------------------------------------------------------- */

/* Octets of plaintext in the scratch: of streams by the protection, of CBC under the key that is
 * named. 0: there are none. */
static size_t
decrypt(struct trial *t, const struct bm_mac_rules *r)
{
	const struct bm_traffic_keys *keys = t->r.cipher_key == OTHER_SIDE ? t->c->other : t->keys;
	enum bm_cipher cipher = t->keys->suite->cipher;
	struct bm_view body = t->w->body;
	struct bm_cbc *cbc = NULL;
	struct bm_outcome o;

	if (r->cbc == NULL) {
		t->status = bm_verify(t->p, t->pos, t->w, true, t->scratch, &o);
		bool ok = t->status == BM_OK && o.result != BM_BAD_LENGTH && t->r.cipher_key == OWN_KEY;
		return ok ? body.n : 0;
	}
	size_t n = body.n > r->record_iv ? body.n - r->record_iv : 0;
	if (t->r.cipher_key == FIRST_HALF)
		cipher = half_of(cipher);
	if (n == 0 || n % r->block != 0 || n > sizeof t->scratch->bytes)
		return 0;
	t->status = bm_cbc_new(&cbc, cipher, bm_view(keys->key, bm_cipher_key_size(cipher)));
	if (t->status == BM_OK)
		t->status = bm_cbc_decrypt(cbc, r->record_iv != 0 ? body.p : t->pos->iv,
			bm_view(body.p + r->record_iv, n), t->scratch->bytes);
	bm_cbc_free(cbc);
	return t->status == BM_OK ? n : 0;
}

/* What the MAC is over, and behind it the MAC; *padded: octets with both and the padding. */
static bool
lay_out(
	struct trial *t, const struct bm_mac_rules *r, size_t mac, struct bm_view *text, size_t *padded)
{
	bool outside = r->cbc != NULL && (t->r.order == OWN_ORDER ? r->order == BM_MAC_ENCRYPT_THEN
															  : t->r.order == MAC_OUTSIDE);
	struct bm_view body = t->w->body;
	size_t padding = 0;

	if (outside) {
		if (body.n <= mac + r->record_iv)
			return false;
		*text = bm_view(body.p, body.n - mac);
		*padded = body.n;
		return true;
	}
	size_t n = decrypt(t, r);
	const uint8_t *plain = t->scratch->bytes;
	if (n != 0 && r->cbc != NULL)
		padding = (size_t)plain[n - 1] + 1;
	if (n < mac + padding)
		return false;
	/* What is left of a longer MAC is no padding of a shorter one. */
	for (size_t i = 1; i <= padding && !r->ssl3; i++)
		if (plain[n - i] != plain[n - 1])
			return false;
	*text = bm_view(plain, n - padding - mac);
	*padded = n;
	return true;
}

static bool
mac_fits(struct trial *t, struct checked *out)
{
	struct bm_mac_rules r;
	uint8_t head[BM_MAC_HEADER_MAX + 2], mac[BM_HASH_MAX];
	struct bm_view text;
	size_t padded;

	bm_protection_mac(t->p, &r);
	size_t whole = bm_hash_size(r.hash), tag = t->r.tag != 0 ? t->r.tag : r.tag_len;
	bool other = t->r.mac_key == OTHER_SIDE || t->r.cipher_key == OTHER_SIDE;
	out->tag_len = tag;
	if ((tag != whole && tag != TRUNCATED) || tag > whole || (other && t->c->other == NULL) ||
		t->r.nonce != OWN_NONCE || t->r.iv != OWN_KEY || t->r.number_in != EVERYWHERE ||
		(t->r.order != OWN_ORDER && r.cbc == NULL) || t->r.length == WITHOUT_TAG ||
		t->r.length == WITH_NONCE ||
		(t->r.header != OWN_HEADER && t->r.header != CID_OF_DRAFTS && t->r.header != NO_CID))
		return false;
	if (t->r.mac == MAC_OF_SSL3 && r.hash != BM_MD5 && r.hash != BM_SHA1)
		return false;
	if (!lay_out(t, &r, tag, &text, &padded))
		return false;
	if (t->r.mac != OWN_MAC)
		r.ssl3 = t->r.mac == MAC_OF_SSL3;
	/* SSL 3.0 has no version there. */
	if (r.ssl3 && !t->r.has_version)
		t->version = 0;
	if (t->r.mac_key == OTHER_SIDE)
		r.key = bm_view(t->c->other->mac_key, whole);
	size_t n = front(t, t->number, t->version, head);
	n += put_length(t, text.n, tag, padded, head + n);
	t->status = mac_make(&r, bm_view(head, n), text, mac);
	return t->status == BM_OK && memcmp(mac, text.p + text.n, tag) == 0;
}

enum bm_status
rule_check(const struct check *c, const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, struct bm_scratch *scratch, struct checked *out)
{
	struct trial t = {
		.c = c, .p = p, .keys = bm_protection_keys(p), .pos = pos, .w = w, .scratch = scratch};

	if (!rule_read(c->rule, &t.r) ||
		(w->cid.n == 0 && (t.r.header == CID_OF_DRAFTS || t.r.header == NO_CID)))
		return BM_OK;
	t.number = other_number(&t);
	t.version = t.r.has_version ? t.r.version : w->version;
	bool aead = t.keys->suite->mac == BM_HASH_NONE;
	bool fits = aead ? aead_fits(&t, out) : mac_fits(&t, out);
	out->made = t.status == BM_OK;
	out->result = fits ? BM_VERIFIED : BM_BAD_TAG;
	return t.status == BM_NOMEM ? t.status : BM_OK;
}
