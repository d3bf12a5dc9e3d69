/* CCM: its MAC is over the plaintext, so that all is decrypted. */
#include "crypto/aead.h"

#include "base/buf.h"

enum { BLOCK = AEAD_BLOCK };

enum bm_status
ccm_setup(struct bm_aead *a, enum bm_cipher c, struct bm_view key)
{
	static const uint8_t zero[BLOCK];

	if (bm_cipher_block(c) != BLOCK)
		return BM_UNSUPPORTED;
	enum bm_status st = bm_crypto_cipher_ctx(&a->stream, c, BM_USE_CTR, key, zero, true);

	if (st == BM_OK)
		st = bm_crypto_cipher_ctx(&a->chain, c, BM_USE_CBC, key, zero, true);
	if (st == BM_OK)
		st = bm_crypto_cipher_ctx(&a->block, c, BM_USE_ECB, key, NULL, true);
	if (st != BM_OK)
		return st;
	a->scratch = OPENSSL_zalloc(AEAD_PIECE);
	return a->scratch != NULL ? BM_OK : bm_crypto_failure(BM_NOMEM);
}

/* Gathers what goes into the CBC-MAC; `used` octets of the scratch wait for their turn. */
struct ccm_mac {
	EVP_CIPHER_CTX *chain;
	uint8_t *scratch; /* AEAD_PIECE octets */
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
	if (m->used == AEAD_PIECE)
		ccm_flush(m);
}

static void
ccm_add(struct ccm_mac *m, struct bm_view v)
{
	while (v.n != 0) {
		size_t room = AEAD_PIECE - m->used;
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
enum bm_status
ccm_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad, struct bm_view text,
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
	if (!aead_restart(a->stream, counter) || !bm_crypto_update(a->stream, mask, zero, BLOCK) ||
		!aead_restart(a->chain, zero))
		return bm_crypto_failure(BM_NOMEM);
	ccm_begin(&m, a->tag_size, nonce, aad, text.n);
	while (text.n != 0 && !m.failed) {
		size_t room = AEAD_PIECE - m.used;
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
