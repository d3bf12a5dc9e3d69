/* See mb.h. The jobs of the library go through a manager that each thread has for itself; what is
 * called directly (GHASH, key expansion) keeps no state. */
#include "crypto/mb.h"

#include <intel-ipsec-mb.h>

#include <openssl/crypto.h>
#include <pthread.h>

#include "base/buf.h"

enum { BLOCK = 16, SCHEDULE = 60, BURST = 64, LINE = 64 };

struct bm_mb_aes {
	union {
		/* Begins with the schedule for encryption. */
		_Alignas(LINE) struct gcm_key_data gcm;
		struct {
			_Alignas(BLOCK) uint32_t encrypt[SCHEDULE];
			_Alignas(BLOCK) uint32_t decrypt[SCHEDULE];
		} cbc;
	} u;
	size_t key_len;
	void *memory; /* that this lies in */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t own; /* the calling thread's manager */
static bool usable;
/* Of the calls without state. */
static IMB_MGR *direct;

static void
free_manager(void *m)
{
	free_mb_mgr(m);
}

static IMB_MGR *
manager_new(void)
{
	IMB_MGR *m = alloc_mb_mgr(0);

	if (m != NULL)
		init_mb_mgr_auto(m, NULL);
	return m;
}

static void
start(void)
{
	static const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX2;
	static IMB_MGR calls;

	if (pthread_key_create(&own, free_manager) != 0)
		return;
	IMB_MGR *m = manager_new();
	if (m == NULL)
		return;
	usable = imb_get_errno(m) == 0 && (m->features & needed) == needed;
	/* Copied, so that nothing is left to be freed. */
	calls = *m;
	direct = &calls;
	free_mb_mgr(m);
}

bool
bm_mb_usable(void)
{
	(void)pthread_once(&once, start);
	return usable;
}

const char *
bm_mb_version(void)
{
	return imb_get_version_str();
}

static IMB_MGR *
manager(void)
{
	IMB_MGR *m = pthread_getspecific(own);

	if (m != NULL)
		return m;
	m = manager_new();
	if (m != NULL && pthread_setspecific(own, m) != 0) {
		free_mb_mgr(m);
		m = NULL;
	}
	return m;
}

void
bm_mb_free_thread(void)
{
	if (!bm_mb_usable())
		return;
	free_manager(pthread_getspecific(own));
	(void)pthread_setspecific(own, NULL);
}

enum bm_status
bm_mb_aes_new(struct bm_mb_aes **out, struct bm_view key, bool gcm)
{
	/* OPENSSL_zalloc aligns for no more than a long double. */
	void *memory = OPENSSL_zalloc(sizeof **out + LINE);

	*out = NULL;
	if (memory == NULL)
		return BM_NOMEM;
	uintptr_t at = ((uintptr_t)memory + LINE - 1) & ~(uintptr_t)(LINE - 1);
	struct bm_mb_aes *k = (void *)((uint8_t *)memory + (at - (uintptr_t)memory));
	k->memory = memory;
	k->key_len = key.n;
	if (gcm && key.n == 16)
		IMB_AES128_GCM_PRE(direct, key.p, &k->u.gcm);
	else if (gcm)
		IMB_AES256_GCM_PRE(direct, key.p, &k->u.gcm);
	else if (key.n == 16)
		IMB_AES_KEYEXP_128(direct, key.p, k->u.cbc.encrypt, k->u.cbc.decrypt);
	else
		IMB_AES_KEYEXP_256(direct, key.p, k->u.cbc.encrypt, k->u.cbc.decrypt);
	*out = k;
	return BM_OK;
}

void
bm_mb_aes_free(struct bm_mb_aes *k)
{
	if (k != NULL)
		OPENSSL_clear_free(k->memory, sizeof *k + LINE);
}

/* One job that is done when the call returns: ciphers but for CBC encryption never wait for others.
 */
static enum bm_status
run(IMB_JOB *(*fill)(IMB_JOB *, const void *), const void *what)
{
	IMB_MGR *m = manager();

	if (m == NULL)
		return BM_NOMEM;
	IMB_JOB *job = IMB_GET_NEXT_JOB(m);
	memset(job, 0, sizeof *job);
	fill(job, what);
	job = IMB_SUBMIT_JOB_NOCHECK(m);
	while (job == NULL)
		job = IMB_FLUSH_JOB(m);
	return BM_OK;
}

struct cipher_work {
	IMB_CIPHER_MODE mode;
	IMB_CIPHER_DIRECTION direction;
	const void *encrypt, *decrypt;
	uint64_t key_len;
	const uint8_t *iv;
	uint64_t iv_len;
	struct bm_view text;
	uint8_t *out;
};

static IMB_JOB *
fill_cipher(IMB_JOB *job, const void *what)
{
	const struct cipher_work *w = what;

	job->cipher_mode = w->mode;
	job->cipher_direction = w->direction;
	job->hash_alg = IMB_AUTH_NULL;
	job->chain_order = IMB_ORDER_CIPHER_HASH;
	job->enc_keys = w->encrypt;
	job->dec_keys = w->decrypt;
	job->key_len_in_bytes = w->key_len;
	job->iv = w->iv;
	job->iv_len_in_bytes = w->iv_len;
	job->src = w->text.p;
	job->dst = w->out;
	job->msg_len_to_cipher_in_bytes = w->text.n;
	return job;
}

enum bm_status
bm_mb_aes_blocks(const struct bm_mb_aes *k, const uint8_t *in, size_t n, uint8_t *out)
{
	return run(fill_cipher, &(struct cipher_work){IMB_CIPHER_ECB, IMB_DIR_ENCRYPT, &k->u, NULL,
								k->key_len, NULL, 0, bm_view(in, n * BLOCK), out});
}

enum bm_status
bm_mb_aes_counter(
	const struct bm_mb_aes *k, const uint8_t block[16], struct bm_view text, uint8_t *out)
{
	return run(fill_cipher, &(struct cipher_work){IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, &k->u, NULL,
								k->key_len, block, BLOCK, text, out});
}

enum bm_status
bm_mb_aes_cbc_decrypt(
	const struct bm_mb_aes *k, const uint8_t *iv, struct bm_view text, uint8_t *plain)
{
	return run(fill_cipher, &(struct cipher_work){IMB_CIPHER_CBC, IMB_DIR_DECRYPT, k->u.cbc.encrypt,
								k->u.cbc.decrypt, k->key_len, iv, BLOCK, text, plain});
}

static void
ghash(const struct bm_mb_aes *k, struct bm_view v, uint8_t sum[BLOCK])
{
	uint8_t last[BLOCK] = {0};
	size_t rest = v.n % BLOCK;

	if (v.n != rest)
		IMB_GHASH(direct, &k->u.gcm, v.p, v.n - rest, sum, BLOCK);
	if (rest == 0)
		return;
	memcpy(last, v.p + v.n - rest, rest);
	IMB_GHASH(direct, &k->u.gcm, last, BLOCK, sum, BLOCK);
}

/* GHASH, and the block that covers it: the tag of no text under this nonce, as GHASH of nothing but
 * zero lengths is 0. */
void
bm_mb_gcm_tag(const struct bm_mb_aes *k, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t tag[16])
{
	struct gcm_context_data ctx;
	uint8_t sum[BLOCK] = {0}, lengths[BLOCK], mask[BLOCK];

	ghash(k, aad, sum);
	ghash(k, text, sum);
	bm_store64(lengths, (uint64_t)aad.n * 8);
	bm_store64(lengths + 8, (uint64_t)text.n * 8);
	ghash(k, bm_view(lengths, BLOCK), sum);
	if (k->key_len == 16)
		IMB_AES128_GCM_ENC(
			direct, &k->u.gcm, &ctx, mask, mask, 0, nonce, lengths, 0, mask, sizeof mask);
	else
		IMB_AES256_GCM_ENC(
			direct, &k->u.gcm, &ctx, mask, mask, 0, nonce, lengths, 0, mask, sizeof mask);
	for (size_t i = 0; i < BLOCK; i++)
		tag[i] = sum[i] ^ mask[i];
	bm_wipe(mask, sizeof mask);
}

struct mac_work {
	const uint8_t *key;
	struct bm_view text;
	uint8_t *tag;
};

static IMB_JOB *
fill_poly1305(IMB_JOB *job, const void *what)
{
	const struct mac_work *w = what;

	job->cipher_mode = IMB_CIPHER_NULL;
	job->hash_alg = IMB_AUTH_POLY1305;
	job->chain_order = IMB_ORDER_HASH_CIPHER;
	job->u.POLY1305._key = w->key;
	job->src = w->text.p;
	job->msg_len_to_hash_in_bytes = w->text.n;
	job->auth_tag_output = w->tag;
	job->auth_tag_output_len_in_bytes = BLOCK;
	return job;
}

enum bm_status
bm_mb_poly1305(const uint8_t key[32], struct bm_view text, uint8_t tag[16])
{
	return run(fill_poly1305, &(struct mac_work){key, text, tag});
}

static const struct {
	IMB_HASH_ALG alg;
	bool burst;
} hashes[] = {
	[BM_HASH_NONE] = {IMB_AUTH_NULL, false},
	[BM_MD5] = {IMB_AUTH_MD5, false},
	[BM_SHA1] = {IMB_AUTH_HMAC_SHA_1, true},
	[BM_SHA256] = {IMB_AUTH_HMAC_SHA_256, true},
	[BM_SHA384] = {IMB_AUTH_HMAC_SHA_384, true},
};

bool
bm_mb_hashes(enum bm_hash h)
{
	return h == BM_MD5 || h == BM_SHA1 || h == BM_SHA256 || h == BM_SHA384;
}

static void
fill_hmac(
	IMB_JOB *job, enum bm_hash h, const struct bm_mb_hmac *key, const struct bm_hmac_job *work)
{
	memset(job, 0, sizeof *job);
	job->cipher_mode = IMB_CIPHER_NULL;
	job->chain_order = IMB_ORDER_HASH_CIPHER;
	job->hash_alg = hashes[h].alg;
	job->u.HMAC._hashed_auth_key_xor_ipad = key->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = key->outer;
	job->src = work->text.p;
	job->msg_len_to_hash_in_bytes = work->text.n;
	job->auth_tag_output = work->tag;
	job->auth_tag_output_len_in_bytes = bm_hash_size(h);
}

enum bm_status
bm_mb_hmac_batch(
	enum bm_hash h, const struct bm_mb_hmac *keys, const struct bm_hmac_job *jobs, size_t n)
{
	IMB_MGR *m = manager();
	IMB_JOB burst[BURST];

	if (m == NULL)
		return BM_NOMEM;
	if (!hashes[h].burst) {
		for (size_t i = 0; i < n; i++) {
			fill_hmac(IMB_GET_NEXT_JOB(m), h, &keys[i], &jobs[i]);
			(void)IMB_SUBMIT_JOB_NOCHECK(m);
		}
		while (IMB_FLUSH_JOB(m) != NULL)
			;
		return BM_OK;
	}
	while (n != 0) {
		size_t some = n < BURST ? n : BURST;
		for (size_t i = 0; i < some; i++)
			fill_hmac(&burst[i], h, &keys[i], &jobs[i]);
		(void)IMB_SUBMIT_HASH_BURST_NOCHECK(m, burst, (uint32_t)some, hashes[h].alg);
		keys += some;
		jobs += some;
		n -= some;
	}
	return BM_OK;
}
