/* ChaCha20-Poly1305 (RFC 8439): the tag that a ciphertext should carry, without decrypting. */
#include "crypto/aead.h"

#include "base/buf.h"

enum { BLOCK = AEAD_BLOCK, STEP = BM_AEAD_STEP };

enum bm_status
chacha_setup(struct bm_aead *a, struct bm_view key)
{
	static const uint8_t zero[BLOCK];
	EVP_MAC *mac;

	if (a->tag_size != BLOCK)
		return BM_UNSUPPORTED;
	if (bm_mb_on() && key.n == sizeof a->key) {
		memcpy(a->key, key.p, key.n);
		a->mb_chacha20 = true;
		return BM_OK;
	}
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

static uint32_t
load32_little(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t
rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static inline void
quarter_round(uint32_t x[16], size_t a, size_t b, size_t c, size_t d)
{
	x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
}

/* RFC 8439, section 2.3. The library offers no block without a context to set up, which costs more
 * and belongs to one thread. */
static void
keystream(const uint8_t key[32], const uint8_t nonce[12], uint32_t counter, uint8_t out[STEP])
{
	uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];

	for (size_t i = 0; i < 8; i++)
		in[4 + i] = load32_little(key + 4 * i);
	in[12] = counter;
	for (size_t i = 0; i < 3; i++)
		in[13 + i] = load32_little(nonce + 4 * i);
	memcpy(x, in, sizeof x);
	for (unsigned round = 0; round < 20; round += 2) {
		for (size_t i = 0; i < 4; i++)
			quarter_round(x, i, 4 + i, 8 + i, 12 + i);
		for (size_t i = 0; i < 4; i++)
			quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
	}
	for (size_t i = 0; i < 16; i++)
		for (size_t k = 0; k < 4; k++)
			out[4 * i + k] = (uint8_t)((x[i] + in[i]) >> 8 * k);
	bm_wipe(in, sizeof in);
	bm_wipe(x, sizeof x);
}

static void
xor_stream(const uint8_t key[32], const uint8_t nonce[12], uint32_t counter, struct bm_view text,
	uint8_t *out)
{
	uint8_t block[STEP];

	for (size_t at = 0; at < text.n; at += STEP, counter++) {
		size_t n = text.n - at < STEP ? text.n - at : STEP;
		keystream(key, nonce, counter, block);
		for (size_t i = 0; i < n; i++)
			out[at + i] = text.p[at + i] ^ block[i];
	}
	bm_wipe(block, sizeof block);
}

enum bm_status
chacha_stream(const struct bm_aead *a, const uint8_t nonce[12], uint32_t counter,
	struct bm_view text, uint8_t *out)
{
	uint8_t iv[BLOCK];

	if (a->mb_chacha20) {
		xor_stream(a->key, nonce, counter, text, out);
		return BM_OK;
	}
	store64_little(iv, counter);
	memcpy(iv + 4, nonce, 12);
	if (!aead_restart(a->stream, iv) || !bm_crypto_update(a->stream, out, text.p, text.n))
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

/* ipsec-mb takes its text in one piece: aad, text and lengths, each from a new block on. piece has
 * room for all of it. */
static enum bm_status
join_and_tag(
	const uint8_t key[32], struct bm_view aad, struct bm_view text, uint8_t *piece, uint8_t *tag)
{
	size_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct bm_view v = i == 0 ? aad : text;
		if (v.n != 0)
			memcpy(piece + n, v.p, v.n);
		memset(piece + n + v.n, 0, -v.n % BLOCK);
		n += v.n + -v.n % BLOCK;
	}
	store64_little(piece + n, aad.n);
	store64_little(piece + n + 8, text.n);
	return bm_mb_poly1305(key, bm_view(piece, n + BLOCK), tag);
}

static enum bm_status
tag_mb(const uint8_t key[32], struct bm_view aad, struct bm_view text, uint8_t *tag)
{
	enum { RECORD = 1 << 15 };
	uint8_t here[RECORD];
	size_t n = aad.n + text.n + (size_t)3 * BLOCK;

	if (n <= sizeof here)
		return join_and_tag(key, aad, text, here, tag);
	uint8_t *there = OPENSSL_malloc(n);
	if (there == NULL)
		return bm_crypto_failure(BM_NOMEM);
	enum bm_status st = join_and_tag(key, aad, text, there, tag);
	OPENSSL_free(there);
	return st;
}

static bool
tag_openssl(
	EVP_MAC_CTX *mac, const uint8_t key[32], struct bm_view aad, struct bm_view text, uint8_t *tag)
{
	uint8_t lengths[BLOCK];
	size_t n;

	store64_little(lengths, aad.n);
	store64_little(lengths + 8, text.n);
	return EVP_MAC_init(mac, key, 32, NULL) == 1 && poly1305_padded(mac, aad) &&
		   poly1305_padded(mac, text) && EVP_MAC_update(mac, lengths, sizeof lengths) == 1 &&
		   EVP_MAC_final(mac, tag, &n, BLOCK) == 1;
}

/* RFC 8439, section 2.8: block 0 of the keystream is the MAC's key, the text starts at block 1. */
enum bm_status
chacha_tag(const struct bm_aead *a, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t *tag)
{
	static const uint8_t zero[64];
	uint8_t first[sizeof zero];
	enum bm_status st = chacha_stream(a, nonce, 0, bm_view(zero, sizeof zero), first);

	if (st == BM_OK && a->mb_chacha20)
		st = tag_mb(first, aad, text, tag);
	else if (st == BM_OK && !tag_openssl(a->poly1305, first, aad, text, tag))
		st = bm_crypto_failure(BM_NOMEM);
	bm_wipe(first, sizeof first);
	return st;
}
