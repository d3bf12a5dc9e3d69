/* Hashes, and HMAC from saved midstates so that a short record costs little more than its blocks.
 * Refuses to know what is being authenticated. */
#include "crypto/lib.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/buf.h"
#include "crypto/mb.h"

/* The library's plain hash states: copied by assignment. */
union state {
	MD5_CTX md5;
	SHA_CTX sha1;
	SHA256_CTX sha256;
	SHA512_CTX sha384;
};

static const struct {
	uint8_t size;
	uint8_t block;
} facts[] = {
	[BM_HASH_NONE] = {0, 0},
	[BM_MD5] = {16, 64},
	[BM_SHA1] = {20, 64},
	[BM_SHA256] = {32, 64},
	[BM_SHA384] = {48, 128},
	[BM_SM3] = {32, 64},
	[BM_MD5_SHA1] = {36, 64},
};
_Static_assert(offsetof(MD5_CTX, A) == 0 && offsetof(SHA_CTX, h0) == 0 &&
				   offsetof(SHA256_CTX, h) == 0 && offsetof(SHA512_CTX, h) == 0,
	"a state begins with its chaining values");
enum { HASHES = sizeof(facts) / sizeof(*facts), BLOCK_MAX = 128 };

struct bm_hmac {
	enum bm_hash hash;
	/* MD5 and SHA. Their chaining values stand first in the library's states. */
	_Alignas(16) union state inner;
	_Alignas(16) union state outer;
	EVP_MD_CTX *evp_inner, *evp_outer; /* SM3, which has no public plain state */
	bool mb;                           /* many at a time go through ipsec-mb */
};

size_t
bm_hash_size(enum bm_hash h)
{
	return (unsigned)h < HASHES ? facts[h].size : 0;
}

size_t
bm_hash_block(enum bm_hash h)
{
	return (unsigned)h < HASHES ? facts[h].block : 0;
}

static bool
state_plain(enum bm_hash h)
{
	return h == BM_MD5 || h == BM_SHA1 || h == BM_SHA256 || h == BM_SHA384;
}

static bool
state_init(union state *s, enum bm_hash h)
{
	switch (h) {
	case BM_MD5:
		return MD5_Init(&s->md5) == 1;
	case BM_SHA1:
		return SHA1_Init(&s->sha1) == 1;
	case BM_SHA256:
		return SHA256_Init(&s->sha256) == 1;
	case BM_SHA384:
		return SHA384_Init(&s->sha384) == 1;
	default:
		return false;
	}
}

static bool
state_add(union state *s, enum bm_hash h, struct bm_view v)
{
	if (v.n == 0)
		return true;
	switch (h) {
	case BM_MD5:
		return MD5_Update(&s->md5, v.p, v.n) == 1;
	case BM_SHA1:
		return SHA1_Update(&s->sha1, v.p, v.n) == 1;
	case BM_SHA256:
		return SHA256_Update(&s->sha256, v.p, v.n) == 1;
	case BM_SHA384:
		return SHA384_Update(&s->sha384, v.p, v.n) == 1;
	default:
		return false;
	}
}

static bool
state_end(union state *s, enum bm_hash h, uint8_t *out)
{
	switch (h) {
	case BM_MD5:
		return MD5_Final(out, &s->md5) == 1;
	case BM_SHA1:
		return SHA1_Final(out, &s->sha1) == 1;
	case BM_SHA256:
		return SHA256_Final(out, &s->sha256) == 1;
	case BM_SHA384:
		return SHA384_Final(out, &s->sha384) == 1;
	default:
		return false;
	}
}

static bool
plain_once(enum bm_hash h, const struct bm_view *v, size_t n, uint8_t *out)
{
	union state s;
	bool good = state_init(&s, h);

	for (size_t i = 0; good && i < n; i++)
		good = state_add(&s, h, v[i]);
	good = good && state_end(&s, h, out);
	bm_wipe(&s, sizeof(s));
	return good;
}

static bool
evp_finish(EVP_MD_CTX *ctx, const struct bm_view *v, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].n != 0 && EVP_DigestUpdate(ctx, v[i].p, v[i].n) != 1)
			return false;
	return EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

static enum bm_status
evp_once(const struct bm_view *v, size_t n, uint8_t *out)
{
	const EVP_MD *md;
	enum bm_status st = bm_crypto_sm3(&md);

	if (st != BM_OK)
		return st;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex2(ctx, md, NULL) != 1 || !evp_finish(ctx, v, n, out))
		st = bm_crypto_failure(BM_NOMEM);
	EVP_MD_CTX_free(ctx);
	return st;
}

enum bm_status
bm_hash_once(enum bm_hash h, const struct bm_view *v, size_t n, uint8_t out[BM_HASH_MAX])
{
	if (h == BM_SM3)
		return evp_once(v, n, out);
	if (h == BM_MD5_SHA1)
		return plain_once(BM_MD5, v, n, out) && plain_once(BM_SHA1, v, n, out + 16)
				   ? BM_OK
				   : BM_UNSUPPORTED;
	return plain_once(h, v, n, out) ? BM_OK : BM_UNSUPPORTED;
}

/* A new SM3 state that has taken one block. */
static enum bm_status
evp_midstate(EVP_MD_CTX **out, const uint8_t *block)
{
	const EVP_MD *md;
	enum bm_status st = bm_crypto_sm3(&md);

	if (st != BM_OK)
		return st;
	*out = EVP_MD_CTX_new();
	if (*out == NULL || EVP_DigestInit_ex2(*out, md, NULL) != 1 ||
		EVP_DigestUpdate(*out, block, facts[BM_SM3].block) != 1)
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

/* RFC 2104, section 4: the states after the padded key are worth keeping. */
static enum bm_status
hmac_setup(struct bm_hmac *m, struct bm_view key)
{
	uint8_t inner[BLOCK_MAX] = {0};
	uint8_t outer[BLOCK_MAX];
	size_t block = bm_hash_block(m->hash);
	enum bm_status st = BM_OK;

	if (key.n > block)
		st = bm_hash_once(m->hash, &key, 1, inner);
	else if (key.n != 0)
		memcpy(inner, key.p, key.n);
	for (size_t i = 0; i < block; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	if (st == BM_OK && m->hash == BM_SM3) {
		st = evp_midstate(&m->evp_inner, inner);
		if (st == BM_OK)
			st = evp_midstate(&m->evp_outer, outer);
	} else if (st == BM_OK) {
		if (!state_init(&m->inner, m->hash) || !state_init(&m->outer, m->hash) ||
			!state_add(&m->inner, m->hash, bm_view(inner, block)) ||
			!state_add(&m->outer, m->hash, bm_view(outer, block)))
			st = BM_UNSUPPORTED;
	}
	m->mb = bm_mb_hashes(m->hash) && bm_mb_on();
	bm_wipe(inner, sizeof(inner));
	bm_wipe(outer, sizeof(outer));
	return st;
}

enum bm_status
bm_hmac_new(struct bm_hmac **out, enum bm_hash h, struct bm_view key)
{
	*out = NULL;
	if (!state_plain(h) && h != BM_SM3)
		return BM_UNSUPPORTED;
	struct bm_hmac *m = OPENSSL_zalloc(sizeof(*m));
	if (m == NULL)
		return bm_crypto_failure(BM_NOMEM);
	m->hash = h;
	enum bm_status st = hmac_setup(m, key);
	if (st != BM_OK) {
		bm_hmac_free(m);
		return st;
	}
	*out = m;
	return BM_OK;
}

static enum bm_status
evp_tag(const struct bm_hmac *m, const struct bm_view *v, size_t n, uint8_t *out)
{
	/* A context of its own keeps m unchanged, so that several threads may share it. */
	EVP_MD_CTX *work = EVP_MD_CTX_new();
	uint8_t digest[BM_HASH_MAX];
	struct bm_view d = {digest, facts[BM_SM3].size};
	enum bm_status st = BM_OK;

	if (work == NULL || EVP_MD_CTX_copy_ex(work, m->evp_inner) != 1 ||
		!evp_finish(work, v, n, digest) || EVP_MD_CTX_copy_ex(work, m->evp_outer) != 1 ||
		!evp_finish(work, &d, 1, out))
		st = bm_crypto_failure(BM_NOMEM);
	EVP_MD_CTX_free(work);
	return st;
}

enum bm_status
bm_hmac_tag(const struct bm_hmac *m, const struct bm_view *v, size_t n, uint8_t out[BM_HASH_MAX])
{
	union state s;
	uint8_t digest[BM_HASH_MAX];
	bool good = true;

	if (m->hash == BM_SM3)
		return evp_tag(m, v, n, out);
	s = m->inner;
	for (size_t i = 0; good && i < n; i++)
		good = state_add(&s, m->hash, v[i]);
	good = good && state_end(&s, m->hash, digest);
	s = m->outer;
	good = good && state_add(&s, m->hash, bm_view(digest, facts[m->hash].size)) &&
		   state_end(&s, m->hash, out);
	return good ? BM_OK : BM_UNSUPPORTED;
}

bool
bm_hmac_lanes(const struct bm_hmac *m)
{
	return m->mb;
}

static bool
for_lanes(const struct bm_hmac_job *j)
{
	return j->key->mb && j->text.n != 0 && j->text.n <= BM_MB_HMAC_MAX;
}

/* Those of one hash that follow on each other go together. */
enum bm_status
bm_hmac_batch(const struct bm_hmac_job *jobs, size_t n)
{
	enum { AT_ONCE = 64 };
	struct bm_mb_hmac keys[AT_ONCE];

	for (size_t i = 0, some; i < n; i += some) {
		enum bm_hash hash = jobs[i].key->hash;
		enum bm_status st;
		for (some = 0; some < AT_ONCE && i + some < n && for_lanes(&jobs[i + some]) &&
					   jobs[i + some].key->hash == hash;
			 some++)
			keys[some] =
				(struct bm_mb_hmac){&jobs[i + some].key->inner, &jobs[i + some].key->outer};
		if (some > 1) {
			st = bm_mb_hmac_batch(hash, keys, jobs + i, some);
		} else {
			some = 1;
			st = bm_hmac_tag(jobs[i].key, &jobs[i].text, 1, jobs[i].tag);
		}
		if (st != BM_OK)
			return st;
	}
	return BM_OK;
}

void
bm_hmac_free(struct bm_hmac *m)
{
	if (m == NULL)
		return;
	EVP_MD_CTX_free(m->evp_inner);
	EVP_MD_CTX_free(m->evp_outer);
	OPENSSL_clear_free(m, sizeof(*m));
}

enum bm_status
bm_hmac_few(enum bm_hash h, const struct bm_view *keys, size_t key_count,
	const struct bm_view *texts, size_t text_count, uint8_t (*tags)[BM_HASH_MAX])
{
	enum bm_status st = BM_OK;

	if (key_count > BM_HMAC_FEW || text_count > BM_HMAC_FEW ||
		key_count * text_count > BM_HMAC_FEW || key_count * 2 > BM_HMAC_FEW)
		return BM_USAGE;
	for (size_t i = 0; i < key_count; i++)
		if (keys[i].n > BM_HASH_MAX)
			return BM_USAGE;
	for (size_t j = 0; j < text_count; j++)
		if (texts[j].n > BM_HMAC_FEW_TEXT)
			return BM_USAGE;
	if (!state_plain(h) && h != BM_SM3)
		return BM_UNSUPPORTED;
	if (hmac_few_in_lanes(h, keys, key_count, texts, text_count, tags))
		return BM_OK;
	for (size_t i = 0; i < key_count && st == BM_OK; i++) {
		struct bm_hmac m = {.hash = h};
		st = hmac_setup(&m, keys[i]);
		for (size_t j = 0; j < text_count && st == BM_OK; j++)
			st = bm_hmac_tag(&m, &texts[j], 1, tags[i * text_count + j]);
		EVP_MD_CTX_free(m.evp_inner);
		EVP_MD_CTX_free(m.evp_outer);
		bm_wipe(&m, sizeof m);
	}
	return st;
}
