/* From a premaster, master or traffic secret to the keys of one connection's two directions.
 * Refuses to know where a secret came from and how a record is protected with the keys. */
#include "tls/schedule.h"

#include "base/buf.h"

enum {
	/* Two directions of MAC key, key and IV. */
	KEY_BLOCK_MAX = 2 * (BM_HASH_MAX + BM_KEY_MAX + BM_BLOCK_MAX),
	SSL3_STEP = 16
};

static bool
is_tls13(unsigned version)
{
	return bm_version_rules(version) == BM_TLS13;
}

/* Can these rules and this suite go together? */
static enum bm_status
check_suite(unsigned version, const struct bm_suite *s)
{
	unsigned rules = bm_version_rules(version);

	if (s == NULL)
		return BM_USAGE;
	if (rules < BM_SSL3 || rules > BM_TLS13 || !s->verifiable)
		return BM_UNSUPPORTED;
	if ((rules == BM_TLS13) != (s->kx == BM_KX_TLS13))
		return BM_UNSUPPORTED;
	/* AEAD came with TLS 1.2 (RFC 5246, section 6.2.3.3). */
	if (rules < BM_TLS12 && s->mac == BM_HASH_NONE)
		return BM_UNSUPPORTED;
	return BM_OK;
}

static enum bm_hash
prf_hash(unsigned version, const struct bm_suite *s)
{
	return bm_version_rules(version) < BM_TLS12 ? BM_MD5_SHA1 : s->prf;
}

/* XORs P_hash (RFC 2246 and RFC 5246, section 5) onto out. */
static enum bm_status
p_hash(enum bm_hash h, struct bm_view secret, struct bm_view label, struct bm_view seed,
	uint8_t *out, size_t n)
{
	uint8_t a[BM_HASH_MAX];
	uint8_t next[BM_HASH_MAX];
	uint8_t block[BM_HASH_MAX];
	struct bm_view v[3] = {label, seed};
	size_t size = bm_hash_size(h);
	struct bm_hmac *m;
	enum bm_status st = bm_hmac_new(&m, h, secret);

	if (st != BM_OK)
		return st;
	st = bm_hmac_tag(m, v, 2, a);
	v[0] = bm_view(a, size);
	v[1] = label;
	v[2] = seed;
	while (st == BM_OK && n > 0) {
		size_t part = n < size ? n : size;

		st = bm_hmac_tag(m, v, 3, block);
		if (st != BM_OK)
			break;
		for (size_t i = 0; i < part; i++)
			out[i] ^= block[i];
		out += part;
		n -= part;
		if (n > 0)
			st = bm_hmac_tag(m, v, 1, next);
		if (st == BM_OK && n > 0)
			memcpy(a, next, size);
	}
	bm_hmac_free(m);
	bm_wipe(a, sizeof(a));
	bm_wipe(next, sizeof(next));
	bm_wipe(block, sizeof(block));
	return st;
}

enum bm_status
bm_prf(enum bm_hash prf, struct bm_view secret, const char *label, struct bm_view seed,
	uint8_t *out, size_t n)
{
	struct bm_view text = bm_view(label, strlen(label));
	enum bm_status st;

	if (n == 0)
		return BM_OK;
	memset(out, 0, n);
	if (prf == BM_MD5_SHA1) {
		/* RFC 2246, section 5: of an odd secret both halves have the middle octet. */
		size_t half = secret.n / 2 + secret.n % 2;
		size_t second = secret.n - half;

		st = p_hash(BM_MD5, bm_view(secret.p, half), text, seed, out, n);
		if (st == BM_OK) {
			struct bm_view s2 = {second != 0 ? secret.p + second : secret.p, half};
			st = p_hash(BM_SHA1, s2, text, seed, out, n);
		}
	} else {
		st = p_hash(prf, secret, text, seed, out, n);
	}
	if (st != BM_OK)
		bm_wipe(out, n);
	return st;
}

/* RFC 6101, sections 6.1 and 6.2.2: MD5(secret + SHA('A' + secret + first + second)), 'BB', ... */
static enum bm_status
ssl3_expand(
	struct bm_view secret, const uint8_t *first, const uint8_t *second, uint8_t *out, size_t n)
{
	uint8_t salt[26];
	uint8_t inner[BM_HASH_MAX];
	uint8_t outer[BM_HASH_MAX];
	enum bm_status st = BM_OK;

	if (n > sizeof(salt) * SSL3_STEP)
		return BM_USAGE;
	for (size_t round = 1; st == BM_OK && n > 0; round++) {
		size_t part = n < SSL3_STEP ? n : SSL3_STEP;

		memset(salt, 'A' + (int)(round - 1), round);
		struct bm_view sha[] = {{salt, round}, secret, {first, BM_RANDOM}, {second, BM_RANDOM}};
		st = bm_hash_once(BM_SHA1, sha, 4, inner);
		struct bm_view md5[] = {secret, {inner, bm_hash_size(BM_SHA1)}};
		if (st == BM_OK)
			st = bm_hash_once(BM_MD5, md5, 2, outer);
		if (st == BM_OK)
			memcpy(out, outer, part);
		out += part;
		n -= part;
	}
	bm_wipe(inner, sizeof(inner));
	bm_wipe(outer, sizeof(outer));
	return st;
}

/* The expansion of SSL 3.0 to TLS 1.2 with two randoms for a seed. */
static enum bm_status
expand(unsigned version, const struct bm_suite *s, struct bm_view secret, const char *label,
	const uint8_t *first, const uint8_t *second, uint8_t *out, size_t n)
{
	uint8_t seed[2 * BM_RANDOM];

	if (bm_version_rules(version) == BM_SSL3)
		return ssl3_expand(secret, first, second, out, n);
	memcpy(seed, first, BM_RANDOM);
	memcpy(seed + BM_RANDOM, second, BM_RANDOM);
	return bm_prf(prf_hash(version, s), secret, label, bm_view(seed, sizeof(seed)), out, n);
}

enum bm_status
bm_master_secret(unsigned version, const struct bm_suite *s, struct bm_view premaster,
	const uint8_t client_random[BM_RANDOM], const uint8_t server_random[BM_RANDOM],
	uint8_t master[BM_MASTER])
{
	enum bm_status st = check_suite(version, s);

	if (st == BM_OK && is_tls13(version))
		st = BM_UNSUPPORTED;
	if (st == BM_OK && premaster.n == 0)
		st = BM_USAGE;
	if (st == BM_OK)
		st = expand(version, s, premaster, "master secret", client_random, server_random, master,
			BM_MASTER);
	if (st != BM_OK)
		bm_wipe(master, BM_MASTER);
	return st;
}

enum bm_status
bm_master_secret_extended(unsigned version, const struct bm_suite *s, struct bm_view premaster,
	struct bm_view transcript, uint8_t master[BM_MASTER])
{
	uint8_t session_hash[BM_HASH_MAX];
	enum bm_status st = check_suite(version, s);

	/* RFC 7627, section 4: not for SSL 3.0. TLS 1.3 binds its secrets by itself. */
	if (st == BM_OK && (is_tls13(version) || bm_version_rules(version) == BM_SSL3))
		st = BM_UNSUPPORTED;
	if (st == BM_OK && premaster.n == 0)
		st = BM_USAGE;
	if (st == BM_OK) {
		enum bm_hash h = prf_hash(version, s);

		st = bm_hash_once(h, &transcript, 1, session_hash);
		if (st == BM_OK)
			st = bm_prf(h, premaster, "extended master secret",
				bm_view(session_hash, bm_hash_size(h)), master, BM_MASTER);
	}
	if (st != BM_OK)
		bm_wipe(master, BM_MASTER);
	return st;
}

/* From TLS 1.1 on every CBC record brings its own IV (RFC 4346, section 6.2.3.2). */
static size_t
iv_size(unsigned version, const struct bm_suite *s)
{
	if (s->mode == BM_MODE_CBC)
		return bm_version_rules(version) <= BM_TLS10 ? bm_cipher_block(s->cipher) : 0;
	return s->fixed_iv_len;
}

enum bm_status
bm_key_block(unsigned version, const struct bm_suite *s, const uint8_t master[BM_MASTER],
	const uint8_t client_random[BM_RANDOM], const uint8_t server_random[BM_RANDOM],
	struct bm_traffic_keys k[2])
{
	uint8_t block[KEY_BLOCK_MAX];
	enum bm_status st = check_suite(version, s);

	bm_wipe(k, 2 * sizeof(*k));
	if (st == BM_OK && is_tls13(version))
		st = BM_UNSUPPORTED;
	if (st != BM_OK)
		return st;

	size_t mac = bm_hash_size(s->mac);
	size_t key = s->key_len;
	size_t iv = iv_size(version, s);
	struct bm_view whole = bm_view(block, 2 * (mac + key + iv));
	if (mac > BM_HASH_MAX || key > BM_KEY_MAX || iv > BM_BLOCK_MAX)
		return BM_USAGE;
	st = expand(version, s, bm_view(master, BM_MASTER), "key expansion", server_random,
		client_random, block, whole.n);
	if (st == BM_OK) {
		struct bm_reader r = bm_reader(whole);

		/* RFC 5246, section 6.3. */
		for (int side = BM_CLIENT; side <= BM_SERVER; side++) {
			k[side].version = (uint16_t)version;
			k[side].suite = s;
			if (mac != 0)
				memcpy(k[side].mac_key, bm_take(&r, mac).p, mac);
		}
		for (int side = BM_CLIENT; key != 0 && side <= BM_SERVER; side++)
			memcpy(k[side].key, bm_take(&r, key).p, key);
		for (int side = BM_CLIENT; iv != 0 && side <= BM_SERVER; side++)
			memcpy(k[side].iv, bm_take(&r, iv).p, iv);
	}
	bm_wipe(block, sizeof(block));
	return st;
}

/* What HKDF-Expand-Label (RFC 8446, section 7.1) authenticates for n octets, with an empty context.
 * No more than one round of HKDF-Expand (RFC 5869, section 2.3) is ever needed: n <= hash size. */
static struct bm_view
expand_info(bool dtls, const char *label, size_t n, uint8_t info[BM_HMAC_FEW_TEXT])
{
	/* RFC 9147, section 5.9: no blank after "dtls13". */
	const char *prefix = dtls ? "dtls13" : "tls13 ";
	size_t prefix_len = strlen(prefix);
	size_t label_len = strlen(label);
	size_t at = 0;

	bm_store16(info, (unsigned)n);
	at += 2;
	info[at++] = (uint8_t)(prefix_len + label_len);
	memcpy(info + at, prefix, prefix_len);
	at += prefix_len;
	memcpy(info + at, label, label_len);
	at += label_len;
	info[at++] = 0;
	info[at++] = 1; /* the round */
	return bm_view(info, at);
}

/* A traffic secret is as long as the hash (RFC 8446, section 7.1). */
static enum bm_status
check_secret(unsigned version, const struct bm_suite *s, struct bm_view secret)
{
	enum bm_status st = check_suite(version, s);

	if (st == BM_OK && !is_tls13(version))
		st = BM_UNSUPPORTED;
	if (st == BM_OK && (secret.n > BM_SECRET_MAX || secret.n != bm_hash_size(s->prf)))
		st = BM_USAGE;
	return st;
}

enum bm_status
bm_keys_from_secrets(unsigned version, const struct bm_suite *s, const struct bm_view *secrets,
	size_t n, struct bm_traffic_keys *k)
{
	enum { NONCE = 12, TEXTS = 3 };
	bool dtls = bm_version_is_dtls(version);
	uint8_t info[TEXTS][BM_HMAC_FEW_TEXT], tags[BM_KEYS_AT_ONCE * TEXTS][BM_HASH_MAX];
	struct bm_view texts[TEXTS];
	size_t text_count = dtls ? TEXTS : TEXTS - 1;
	enum bm_status st = n > BM_KEYS_AT_ONCE ? BM_USAGE : BM_OK;

	for (size_t i = 0; i < n && st == BM_OK; i++)
		st = check_secret(version, s, secrets[i]);
	memset(k, 0, n * sizeof *k);
	if (st == BM_OK && (s->key_len > BM_KEY_MAX || s->key_len > bm_hash_size(s->prf)))
		st = BM_USAGE;
	if (st != BM_OK)
		return st;
	texts[0] = expand_info(dtls, "key", s->key_len, info[0]);
	texts[1] = expand_info(dtls, "iv", NONCE, info[1]);
	texts[2] = expand_info(dtls, "sn", s->key_len, info[2]);
	st = bm_hmac_few(s->prf, secrets, n, texts, text_count, tags);
	for (size_t i = 0; i < n && st == BM_OK; i++) {
		const uint8_t(*tag)[BM_HASH_MAX] = (const void *)tags[i * text_count];
		k[i].version = (uint16_t)version;
		k[i].suite = s;
		memcpy(k[i].key, tag[0], s->key_len);
		memcpy(k[i].iv, tag[1], NONCE);
		if (dtls)
			memcpy(k[i].number_key, tag[2], s->key_len);
	}
	bm_wipe(tags, n * text_count * sizeof tags[0]);
	return st;
}

enum bm_status
bm_keys_from_secret(
	unsigned version, const struct bm_suite *s, struct bm_view secret, struct bm_traffic_keys *k)
{
	return bm_keys_from_secrets(version, s, &secret, 1, k);
}

enum bm_status
bm_secret_update(unsigned version, const struct bm_suite *s, uint8_t *secret, size_t secret_len)
{
	struct bm_view key = bm_view(secret, secret_len), text;
	uint8_t info[BM_HMAC_FEW_TEXT], tag[1][BM_HASH_MAX];
	enum bm_status st = check_secret(version, s, key);

	if (st != BM_OK)
		return st;
	text = expand_info(bm_version_is_dtls(version), "traffic upd", secret_len, info);
	st = bm_hmac_few(s->prf, &key, 1, &text, 1, tag);
	if (st == BM_OK)
		memcpy(secret, tag[0], secret_len);
	bm_wipe(tag, sizeof tag);
	return st;
}
