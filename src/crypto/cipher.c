/* CBC decryption, RC4 with a copyable state, and the masks of DTLS 1.3 record numbers.
 * Refuses to know padding, MACs and records. */
#include "crypto/lib.h"

#include <openssl/aes.h>
#ifndef OPENSSL_NO_RC2
#include <openssl/rc2.h>
#endif
#include <openssl/rc4.h>
#ifndef OPENSSL_NO_SEED
#include <openssl/seed.h>
#endif

#include "base/buf.h"
#include "crypto/idea.h"
#include "crypto/mb.h"

_Static_assert(_Generic((RC4_INT)0, uint32_t : 1, default : 0), "an RC4_INT is a word");
_Static_assert(sizeof(RC4_KEY) <= sizeof(((struct bm_rc4 *)NULL)->word),
	"struct bm_rc4 holds the library's state");
_Static_assert(_Alignof(RC4_KEY) <= _Alignof(struct bm_rc4), "and is aligned for it");

/* SEED, RC2 and DES are in OpenSSL's legacy provider: a module of its own that may not be
 * installed, is looked for along an environment variable, and crashes when memory runs out while it
 * loads. So the first two are had from the library itself, and DES as 3DES with one key three
 * times. Most builds of OpenSSL lack IDEA. */
struct bm_cbc {
	enum bm_cipher cipher;
	size_t block;
	struct bm_mb_aes *aes; /* AES through ipsec-mb */
	EVP_CIPHER_CTX *ctx;   /* all others */
	union {
		struct bm_idea idea;
#ifndef OPENSSL_NO_SEED
		SEED_KEY_SCHEDULE seed;
#endif
#ifndef OPENSSL_NO_RC2
		RC2_KEY rc2;
#endif
	} key;
};

static enum bm_status
des_setup(struct bm_cbc *k, struct bm_view key)
{
	uint8_t triple[24];

	for (size_t i = 0; i < sizeof(triple); i++)
		triple[i] = key.p[i % 8];
	enum bm_status st = bm_crypto_cipher_ctx(
		&k->ctx, BM_3DES, BM_USE_CBC, bm_view(triple, sizeof(triple)), NULL, false);
	bm_wipe(triple, sizeof(triple));
	return st;
}

static enum bm_status
cbc_setup(struct bm_cbc *k, struct bm_view key)
{
	if (key.n != bm_cipher_key_size(k->cipher))
		return BM_USAGE;
	switch (k->cipher) {
	case BM_AES128:
	case BM_AES256:
		if (bm_mb_on())
			return bm_mb_aes_new(&k->aes, key, false);
		return bm_crypto_cipher_ctx(&k->ctx, k->cipher, BM_USE_CBC, key, NULL, false);
	case BM_DES:
		return des_setup(k, key);
	case BM_IDEA:
		bm_idea_init(&k->key.idea, key.p);
		return BM_OK;
#ifndef OPENSSL_NO_SEED
	case BM_SEED:
		SEED_set_key(key.p, &k->key.seed);
		return BM_OK;
#endif
#ifndef OPENSSL_NO_RC2
	case BM_RC2:
		/* As many effective bits as there are key bits (RFC 2268, section 2). */
		RC2_set_key(&k->key.rc2, (int)key.n, key.p, (int)key.n * 8);
		return BM_OK;
#endif
	default:
		return bm_crypto_cipher_ctx(&k->ctx, k->cipher, BM_USE_CBC, key, NULL, false);
	}
}

enum bm_status
bm_cbc_new(struct bm_cbc **out, enum bm_cipher c, struct bm_view key)
{
	*out = NULL;
	if (bm_cipher_block(c) == 1)
		return BM_UNSUPPORTED;
	struct bm_cbc *k = OPENSSL_zalloc(sizeof(*k));
	if (k == NULL)
		return bm_crypto_failure(BM_NOMEM);
	k->cipher = c;
	k->block = bm_cipher_block(c);
	enum bm_status st = cbc_setup(k, key);
	if (st != BM_OK) {
		bm_cbc_free(k);
		return st;
	}
	*out = k;
	return BM_OK;
}

/* The library's own SEED and RC2 take a long, overwrite the IV, and RC2 wants its key not const. */
static void
decrypt_directly(const struct bm_cbc *k, const uint8_t *iv, struct bm_view text, uint8_t *plain)
{
	enum { PIECE = 1 << 30 };
	uint8_t chain[BM_BLOCK_MAX];

	memcpy(chain, iv, k->block);
	while (text.n != 0) {
		size_t n = text.n < PIECE ? text.n : PIECE;
		switch (k->cipher) {
#ifndef OPENSSL_NO_SEED
		case BM_SEED:
			SEED_cbc_encrypt(text.p, plain, n, &k->key.seed, chain, 0);
			break;
#endif
#ifndef OPENSSL_NO_RC2
		case BM_RC2: {
			RC2_KEY key = k->key.rc2;
			RC2_cbc_encrypt(text.p, plain, (long)n, &key, chain, 0);
			bm_wipe(&key, sizeof(key));
			break;
		}
#endif
		default:
			bm_idea_cbc_decrypt(&k->key.idea, chain, bm_view(text.p, n), plain);
			break;
		}
		text.p += n;
		text.n -= n;
		plain += n;
	}
}

enum bm_status
bm_cbc_decrypt(const struct bm_cbc *k, const uint8_t *iv, struct bm_view text, uint8_t *plain)
{
	if (text.n % k->block != 0)
		return BM_USAGE;
	if (text.n == 0)
		return BM_OK;
	if (k->aes != NULL)
		return bm_mb_aes_cbc_decrypt(k->aes, iv, text, plain);
	if (k->ctx == NULL)
		decrypt_directly(k, iv, text, plain);
	else if (EVP_CipherInit_ex2(k->ctx, NULL, NULL, iv, -1, NULL) != 1 ||
			 !bm_crypto_update(k->ctx, plain, text.p, text.n))
		return bm_crypto_failure(BM_NOMEM);
	return BM_OK;
}

bool
bm_cbc_shared(const struct bm_cbc *k)
{
	/* The plain states of the others are only read. */
	return k->ctx == NULL;
}

void
bm_cbc_free(struct bm_cbc *k)
{
	if (k == NULL)
		return;
	bm_mb_aes_free(k->aes);
	EVP_CIPHER_CTX_free(k->ctx);
	OPENSSL_clear_free(k, sizeof(*k));
}

void
bm_rc4_init(struct bm_rc4 *s, struct bm_view key)
{
	static const uint8_t zero[1];
	/* The key schedule uses 256 octets at most and needs one. */
	if (key.n == 0)
		key = bm_view(zero, sizeof(zero));
	memset(s, 0, sizeof(*s));
	RC4_set_key((RC4_KEY *)(void *)s->word, key.n < 256 ? (int)key.n : 256, key.p);
}

void
bm_rc4_crypt(struct bm_rc4 *s, struct bm_view in, uint8_t *out)
{
	if (in.n == 0)
		return;
	/* The library's state lies in s->word: copying a kilobyte in and out would double the cost of
	 * a short record. A word is an RC4_INT here, or the assertion above fails. */
	RC4((RC4_KEY *)(void *)s->word, in.n, in.p, out);
	s->position += in.n;
}

void
bm_rc4_skip(struct bm_rc4 *s, uint64_t n)
{
	uint8_t scratch[1024] = {0};

	while (n != 0) {
		size_t piece = n < sizeof(scratch) ? (size_t)n : sizeof(scratch);
		bm_rc4_crypt(s, bm_view(scratch, piece), scratch);
		n -= piece;
	}
	bm_wipe(scratch, sizeof(scratch));
}

/* RFC 9147, section 4.2.3. */
enum bm_status
bm_number_mask(enum bm_cipher c, struct bm_view key, const uint8_t sample[16], uint8_t mask[16])
{
	static const uint8_t zero[16];
	bool aes = c == BM_AES128 || c == BM_AES256;
	EVP_CIPHER_CTX *ctx;

	if (bm_cipher_block(c) != 16 && c != BM_CHACHA20)
		return BM_UNSUPPORTED;
	if (key.n != bm_cipher_key_size(c))
		return BM_USAGE;
	if (aes) {
		AES_KEY k;
		bool good = AES_set_encrypt_key(key.p, (int)key.n * 8, &k) == 0;
		if (good)
			AES_encrypt(sample, mask, &k);
		bm_wipe(&k, sizeof(k));
		return good ? BM_OK : BM_UNSUPPORTED;
	}
	/* ChaCha20's counter and nonce are the sample, which is also how the library lays out its
	 * 16 octet IV. */
	bool chacha = c == BM_CHACHA20;
	enum bm_status st = bm_crypto_cipher_ctx(
		&ctx, c, chacha ? BM_USE_STREAM : BM_USE_ECB, key, chacha ? sample : NULL, true);
	if (st != BM_OK)
		return st;
	if (!bm_crypto_update(ctx, mask, chacha ? zero : sample, 16))
		st = bm_crypto_failure(BM_NOMEM);
	EVP_CIPHER_CTX_free(ctx);
	return st;
}
