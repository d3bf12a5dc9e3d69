/* The tag that a ciphertext should carry, and its plaintext when asked for: GCM, CCM and
 * ChaCha20-Poly1305. Refuses to compare tags, and to decrypt what nobody reads. */
#include "crypto/lib.h"

#include <openssl/modes.h>

#include "base/buf.h"

enum { BLOCK = 16, CCM_PIECE = 4096 };

struct bm_aead {
	enum bm_mode mode;
	size_t tag_size;
	EVP_CIPHER_CTX *block;  /* GCM, CCM: the bare block cipher */
	EVP_CIPHER_CTX *stream; /* counter mode, or ChaCha20 */
	EVP_CIPHER_CTX *chain;  /* CCM: CBC for its MAC */
	EVP_MAC_CTX *poly1305;
	GCM128_CONTEXT *gcm;
	uint64_t shifted[128][2]; /* GCM: H times x^i, high half first */
	uint8_t *scratch;         /* CCM: plaintext on its way into the MAC */
};

static bool
restart(EVP_CIPHER_CTX *ctx, const uint8_t iv[BLOCK])
{
	return EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1;
}

static void
gcm_block(const uint8_t in[BLOCK], uint8_t out[BLOCK], const void *key)
{
	/* Cannot fail: the context was tried with its key, and one block needs no memory. */
	EVP_CIPHER_CTX *ctx = *(EVP_CIPHER_CTX *const *)key;
	int n;

	(void)EVP_EncryptUpdate(ctx, out, &n, in, BLOCK);
}

static enum bm_status
gcm_setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	static const uint8_t zero[BLOCK];
	uint8_t h[BLOCK];
	enum bm_status st = bm_crypto_cipher_ctx(&a->block, c, BM_USE_ECB, key, NULL, true);

	if (st == BM_OK)
		st = bm_crypto_cipher_ctx(&a->stream, c, BM_USE_CTR, key, zero, true);
	if (st != BM_OK)
		return st;
	if (!bm_crypto_update(a->block, h, zero, BLOCK))
		return bm_crypto_failure(BM_NOMEM);
	a->gcm = CRYPTO_gcm128_new(&a->block, gcm_block);
	if (a->gcm == NULL)
		return bm_crypto_failure(BM_NOMEM);

	/* Bits run from the left in GHASH, so times x is a shift to the right, reduced by
	 * x^128 + x^7 + x^2 + x + 1 (SP 800-38D, section 6.3). */
	uint64_t hi = bm_load64(h), lo = bm_load64(h + 8);
	for (size_t i = 0; i < 128; i++) {
		a->shifted[i][0] = hi;
		a->shifted[i][1] = lo;
		uint64_t carry = (lo & 1) != 0 ? UINT64_C(0xe1) << 56 : 0;
		lo = lo >> 1 | hi << 63;
		hi = hi >> 1 ^ carry;
	}
	bm_wipe(h, sizeof(h));
	return BM_OK;
}

/* Adds (half a field element, its bits from `first` on) times H to sum. */
static void
gcm_add_product(const struct bm_aead *a, uint64_t half, size_t first, uint64_t sum[2])
{
	for (size_t i = 0; half != 0; i++, half <<= 1) {
		if (half >> 63 == 0)
			continue;
		sum[0] ^= a->shifted[first + i][0];
		sum[1] ^= a->shifted[first + i][1];
	}
}

static bool
gcm_hash_padded(GCM128_CONTEXT *gcm, struct bm_view v)
{
	static const uint8_t zero[BLOCK];

	if (v.n == 0)
		return true;
	return CRYPTO_gcm128_aad(gcm, v.p, v.n) == 0 && CRYPTO_gcm128_aad(gcm, zero, -v.n % BLOCK) == 0;
}

/* The library hashes aad and text alike as associated data, which it can do without decrypting.
 * Its last block then holds the lengths (both together, 0) in place of (aad, text). GHASH is
 * linear and the last block is multiplied by H once, so the tag is put right by adding the
 * difference of the two last blocks times H (SP 800-38D, section 6.4). */
static enum bm_status
gcm_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad, struct bm_view text,
	uint8_t *tag)
{
	uint64_t aad_bits = (uint64_t)aad.n * 8, text_bits = (uint64_t)text.n * 8;
	uint64_t hashed_bits = (aad_bits + 127) / 128 * 128 + (text_bits + 127) / 128 * 128;
	uint64_t sum[2];

	CRYPTO_gcm128_setiv(a->gcm, nonce, 12);
	if (!gcm_hash_padded(a->gcm, aad) || !gcm_hash_padded(a->gcm, text))
		return BM_LIMIT;
	CRYPTO_gcm128_tag(a->gcm, tag, BLOCK);
	sum[0] = bm_load64(tag);
	sum[1] = bm_load64(tag + 8);
	gcm_add_product(a, aad_bits ^ hashed_bits, 0, sum);
	gcm_add_product(a, text_bits, 64, sum);
	bm_store64(tag, sum[0]);
	bm_store64(tag + 8, sum[1]);
	return BM_OK;
}

static enum bm_status
gcm(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad, struct bm_view text,
	uint8_t *plain, uint8_t *tag)
{
	uint8_t counter[BLOCK] = {[15] = 2};
	enum bm_status st = gcm_tag(a, nonce, aad, text, tag);

	if (st != BM_OK || plain == NULL || text.n == 0)
		return st;
	/* The library's counter is 128 bits wide and GCM's 32: they part only after 2^36 octets. */
	if ((uint64_t)text.n > UINT64_C(0xfffffffe) * BLOCK)
		return BM_LIMIT;
	memcpy(counter, nonce, 12);
	if (!restart(a->stream, counter) || !bm_crypto_update(a->stream, plain, text.p, text.n))
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

static enum bm_status
ccm_setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	static const uint8_t zero[BLOCK];
	enum bm_status st = bm_crypto_cipher_ctx(&a->stream, c, BM_USE_CTR, key, zero, true);

	if (st == BM_OK)
		st = bm_crypto_cipher_ctx(&a->chain, c, BM_USE_CBC, key, zero, true);
	if (st == BM_OK)
		st = bm_crypto_cipher_ctx(&a->block, c, BM_USE_ECB, key, NULL, true);
	if (st != BM_OK)
		return st;
	a->scratch = OPENSSL_zalloc(CCM_PIECE);
	return a->scratch != NULL ? BM_OK : bm_crypto_failure(BM_NOMEM);
}

/* Gathers what goes into the CBC-MAC; `used` octets of the scratch wait for their turn. */
struct ccm_mac {
	EVP_CIPHER_CTX *chain;
	uint8_t *scratch; /* CCM_PIECE octets */
	size_t used;
	uint8_t last[BLOCK];
	bool failed;
};

/* Runs what waits, whole blocks, through the chain. */
static void
ccm_flush(struct ccm_mac *m)
{
	if (m->used == 0)
		return;
	if (!bm_crypto_update(m->chain, m->scratch, m->scratch, m->used))
		m->failed = true;
	memcpy(m->last, m->scratch + m->used - BLOCK, BLOCK);
	m->used = 0;
}

static void
ccm_advance(struct ccm_mac *m, size_t n)
{
	m->used += n;
	if (m->used == CCM_PIECE)
		ccm_flush(m);
}

static void
ccm_add(struct ccm_mac *m, struct bm_view v)
{
	while (v.n != 0) {
		size_t room = CCM_PIECE - m->used;
		size_t piece = v.n < room ? v.n : room;
		memcpy(m->scratch + m->used, v.p, piece);
		ccm_advance(m, piece);
		v.p += piece;
		v.n -= piece;
	}
}

static void
ccm_pad(struct ccm_mac *m)
{
	size_t n = -m->used % BLOCK;

	memset(m->scratch + m->used, 0, n);
	ccm_advance(m, n);
}

/* RFC 3610, section 2.2, with L = 3: B_0, then the associated data behind its length. */
static void
ccm_begin(struct ccm_mac *m, size_t tag_size, const uint8_t nonce[12], struct bm_view aad,
	size_t text_len)
{
	uint8_t head[BLOCK + 6];
	size_t n = BLOCK;

	head[0] = (uint8_t)((aad.n != 0 ? 0x40 : 0) | (tag_size - 2) / 2 << 3 | 2);
	memcpy(head + 1, nonce, 12);
	head[13] = (uint8_t)(text_len >> 16);
	bm_store16(head + 14, text_len & 0xffff);
	if (aad.n >= 0xff00) {
		bm_store16(head + n, 0xfffe);
		bm_store32(head + n + 2, (uint32_t)aad.n);
		n += 6;
	} else if (aad.n != 0) {
		bm_store16(head + n, (unsigned)aad.n);
		n += 2;
	}
	ccm_add(m, bm_view(head, n));
	ccm_add(m, aad);
	ccm_pad(m);
}

/* The library's own CCM gives plaintext only for the right tag and no tag at all, so both halves
 * are put together from the block cipher. The MAC is over the plaintext: decrypting is a must. */
static enum bm_status
ccm(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad, struct bm_view text,
	uint8_t *plain, uint8_t *tag)
{
	static const uint8_t zero[BLOCK];
	uint8_t counter[BLOCK] = {2};
	uint8_t mask[BLOCK];
	struct ccm_mac m = {.chain = a->chain, .scratch = a->scratch};

	/* The counter and the length have 24 bits. */
	if (text.n > 0xffffff || aad.n > UINT32_MAX)
		return BM_LIMIT;
	memcpy(counter + 1, nonce, 12);
	if (!restart(a->stream, counter) || !bm_crypto_update(a->stream, mask, zero, BLOCK) ||
		!restart(a->chain, zero))
		return bm_crypto_failure(BM_NOMEM);
	ccm_begin(&m, a->tag_size, nonce, aad, text.n);
	while (text.n != 0 && !m.failed) {
		size_t room = CCM_PIECE - m.used;
		size_t piece = text.n < room ? text.n : room;
		if (!bm_crypto_update(a->stream, m.scratch + m.used, text.p, piece))
			m.failed = true;
		if (plain != NULL) {
			memcpy(plain, m.scratch + m.used, piece);
			plain += piece;
		}
		ccm_advance(&m, piece);
		text.p += piece;
		text.n -= piece;
	}
	ccm_pad(&m);
	ccm_flush(&m);
	for (size_t i = 0; i < a->tag_size; i++)
		tag[i] = m.last[i] ^ mask[i];
	return m.failed ? bm_crypto_failure(BM_NOMEM) : BM_OK;
}

static enum bm_status
poly1305_setup(struct bm_aead *a, struct bm_view key)
{
	static const uint8_t zero[BLOCK];
	EVP_MAC *mac;
	enum bm_status st =
		bm_crypto_cipher_ctx(&a->stream, BM_CHACHA20, BM_USE_STREAM, key, zero, true);

	if (st == BM_OK)
		st = bm_crypto_poly1305(&mac);
	if (st != BM_OK)
		return st;
	a->poly1305 = EVP_MAC_CTX_new(mac);
	return a->poly1305 != NULL ? BM_OK : bm_crypto_failure(BM_NOMEM);
}

static bool
poly1305_padded(EVP_MAC_CTX *mac, struct bm_view v)
{
	static const uint8_t zero[BLOCK];

	return v.n == 0 ||
		   (EVP_MAC_update(mac, v.p, v.n) == 1 && EVP_MAC_update(mac, zero, -v.n % BLOCK) == 1);
}

static void
store64_little(uint8_t *p, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* RFC 8439, section 2.8: block 0 of the keystream is the MAC's key, the text starts at block 1. */
static enum bm_status
poly1305(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad, struct bm_view text,
	uint8_t *plain, uint8_t *tag)
{
	static const uint8_t zero[64];
	uint8_t iv[BLOCK] = {0};
	uint8_t first[64];
	uint8_t lengths[BLOCK];
	size_t n;

	memcpy(iv + 4, nonce, 12);
	store64_little(lengths, aad.n);
	store64_little(lengths + 8, text.n);
	bool good = restart(a->stream, iv) && bm_crypto_update(a->stream, first, zero, sizeof(first)) &&
				EVP_MAC_init(a->poly1305, first, 32, NULL) == 1 &&
				poly1305_padded(a->poly1305, aad) && poly1305_padded(a->poly1305, text) &&
				EVP_MAC_update(a->poly1305, lengths, sizeof(lengths)) == 1 &&
				EVP_MAC_final(a->poly1305, tag, &n, BLOCK) == 1;
	if (good && plain != NULL)
		good = bm_crypto_update(a->stream, plain, text.p, text.n);
	bm_wipe(first, sizeof(first));
	return good ? BM_OK : bm_crypto_failure(BM_NOMEM);
}

static enum bm_status
setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	switch (a->mode) {
	case BM_MODE_GCM:
		return bm_cipher_block(c) == BLOCK && a->tag_size == 16 ? gcm_setup(a, c, key)
																: BM_UNSUPPORTED;
	case BM_MODE_CCM:
		return bm_cipher_block(c) == BLOCK ? ccm_setup(a, c, key) : BM_UNSUPPORTED;
	case BM_MODE_POLY1305:
		return c == BM_CHACHA20 && a->tag_size == 16 ? poly1305_setup(a, key) : BM_UNSUPPORTED;
	default:
		return BM_UNSUPPORTED;
	}
}

enum bm_status
bm_aead_new(
	struct bm_aead **out, enum bm_cipher c, enum bm_mode m, size_t tag_size, struct bm_view key)
{
	*out = NULL;
	if (tag_size != 16 && tag_size != 8)
		return BM_USAGE;
	struct bm_aead *a = OPENSSL_zalloc(sizeof(*a));
	if (a == NULL)
		return bm_crypto_failure(BM_NOMEM);
	a->mode = m;
	a->tag_size = tag_size;
	enum bm_status st = setup(a, c, key);
	if (st != BM_OK) {
		bm_aead_free(a);
		return st;
	}
	*out = a;
	return BM_OK;
}

enum bm_status
bm_aead_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *plain, uint8_t tag[16])
{
	memset(tag, 0, BLOCK);
	switch (a->mode) {
	case BM_MODE_GCM:
		return gcm(a, nonce, aad, text, plain, tag);
	case BM_MODE_CCM:
		return ccm(a, nonce, aad, text, plain, tag);
	default:
		return poly1305(a, nonce, aad, text, plain, tag);
	}
}

/* The keystream of the text starts at the counter after the tag's own: 2 in GCM (32 bits), 1 in
 * CCM (24 bits, L = 3) and in ChaCha20-Poly1305 (32 bits, in steps of 64 octets). */
enum bm_status
bm_aead_decrypt_at(const struct bm_aead *a, const uint8_t nonce[12], uint64_t offset,
	struct bm_view text, uint8_t *plain)
{
	static const uint64_t most = UINT64_C(0xfffffffe) * BLOCK;
	uint8_t counter[BLOCK] = {0};

	if (offset % BM_AEAD_STEP != 0)
		return BM_USAGE;
	if (offset > most || text.n > most - offset ||
		(a->mode == BM_MODE_CCM && offset + text.n > 0xffffff))
		return BM_LIMIT;
	if (text.n == 0)
		return BM_OK;
	switch (a->mode) {
	case BM_MODE_GCM:
		memcpy(counter, nonce, 12);
		bm_store32(counter + 12, (uint32_t)(offset / BLOCK + 2));
		break;
	case BM_MODE_CCM:
		bm_store32(counter + 12, (uint32_t)(offset / BLOCK + 1));
		counter[0] = 2;
		memcpy(counter + 1, nonce, 12);
		break;
	default:
		store64_little(counter, offset / BM_AEAD_STEP + 1);
		memcpy(counter + 4, nonce, 12);
		break;
	}
	if (!restart(a->stream, counter) || !bm_crypto_update(a->stream, plain, text.p, text.n))
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

enum bm_status
bm_aead_blocks(const struct bm_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
	if (a->block == NULL)
		return BM_UNSUPPORTED;
	if (n == 0)
		return BM_OK;
	return bm_crypto_update(a->block, out, in, n * BLOCK) ? BM_OK : bm_crypto_failure(BM_NOMEM);
}

/* RFC 8439, sections 2.5 and 2.6. */
enum bm_status
bm_aead_one_time_key(const struct bm_aead *a, const uint8_t nonce[12], uint8_t key[32])
{
	static const uint8_t zero[32];
	uint8_t iv[BLOCK] = {0};

	if (a->poly1305 == NULL)
		return BM_UNSUPPORTED;
	memcpy(iv + 4, nonce, 12);
	if (!restart(a->stream, iv) || !bm_crypto_update(a->stream, key, zero, sizeof(zero)))
		return bm_crypto_failure(BM_NOMEM);
	for (size_t i = 3; i < BLOCK; i += 4)
		key[i] &= 0x0f;
	for (size_t i = 4; i < BLOCK; i += 4)
		key[i] &= 0xfc;
	return BM_OK;
}

void
bm_aead_free(struct bm_aead *a)
{
	if (a == NULL)
		return;
	if (a->gcm != NULL)
		CRYPTO_gcm128_release(a->gcm);
	EVP_MAC_CTX_free(a->poly1305);
	EVP_CIPHER_CTX_free(a->block);
	EVP_CIPHER_CTX_free(a->stream);
	EVP_CIPHER_CTX_free(a->chain);
	OPENSSL_clear_free(a->scratch, CCM_PIECE);
	OPENSSL_clear_free(a, sizeof(*a));
}
