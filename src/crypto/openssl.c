/* The library context and the algorithms fetched from its default provider, each once.
 * Refuses to know what a cipher is used for. */
#include "crypto/lib.h"

#include "crypto/mb.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdatomic.h>

struct library {
	OSSL_LIB_CTX *ctx;
	OSSL_PROVIDER *base; /* "default": "legacy" is never loaded, see cipher.c */
	_Atomic(EVP_CIPHER *) cipher[BM_CIPHERS][BM_USES];
	_Atomic(EVP_MAC *) poly1305;
	_Atomic(EVP_MD *) sm3;
};

/* Published once by whichever thread is first; no lock is ever taken. */
static _Atomic(struct library *) library;

struct cipher_facts {
	uint8_t key;
	uint8_t block;
	const char *name[BM_USES];
};

#define BLOCK_CIPHER(name)                                                                         \
	{                                                                                              \
		name "-ECB", name "-CBC", name "-CTR", NULL                                                \
	}

static const struct cipher_facts facts[BM_CIPHERS] = {
	[BM_CIPHER_NULL] = {0, 1, {NULL}},
	[BM_RC4] = {16, 1, {NULL}},
	[BM_DES] = {8, 8, {NULL}},
	[BM_3DES] = {24, 8, {NULL, "DES-EDE3-CBC", NULL, NULL}},
	[BM_IDEA] = {16, 8, {NULL}},
	[BM_SEED] = {16, 16, {NULL}},
	[BM_RC2] = {16, 8, {NULL}},
	[BM_AES128] = {16, 16, BLOCK_CIPHER("AES-128")},
	[BM_AES256] = {32, 16, BLOCK_CIPHER("AES-256")},
	[BM_CAMELLIA128] = {16, 16, BLOCK_CIPHER("CAMELLIA-128")},
	[BM_CAMELLIA256] = {32, 16, BLOCK_CIPHER("CAMELLIA-256")},
	[BM_ARIA128] = {16, 16, BLOCK_CIPHER("ARIA-128")},
	[BM_ARIA256] = {32, 16, BLOCK_CIPHER("ARIA-256")},
	[BM_SM4] = {16, 16, BLOCK_CIPHER("SM4")},
	[BM_CHACHA20] = {32, 1, {NULL, NULL, NULL, "ChaCha20"}},
};

enum bm_status
bm_crypto_failure(enum bm_status otherwise)
{
	enum bm_status st = otherwise;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			st = BM_NOMEM;
	return st;
}

static void
library_free(struct library *lib)
{
	if (lib == NULL)
		return;
	for (size_t c = 0; c < BM_CIPHERS; c++)
		for (size_t u = 0; u < BM_USES; u++)
			EVP_CIPHER_free(atomic_load(&lib->cipher[c][u]));
	EVP_MAC_free(atomic_load(&lib->poly1305));
	EVP_MD_free(atomic_load(&lib->sm3));
	if (lib->base != NULL)
		OSSL_PROVIDER_unload(lib->base);
	OSSL_LIB_CTX_free(lib->ctx);
	OPENSSL_free(lib);
}

static struct library *
library_new(void)
{
	/* A context of its own: no configuration file reaches it, and a host's is left alone. */
	struct library *lib = OPENSSL_zalloc(sizeof(*lib));
	if (lib == NULL)
		return NULL;
	lib->ctx = OSSL_LIB_CTX_new();
	if (lib->ctx != NULL)
		lib->base = OSSL_PROVIDER_load(lib->ctx, "default");
	if (lib->base == NULL) {
		library_free(lib);
		return NULL;
	}
	return lib;
}

static struct library *
library_get(void)
{
	struct library *lib = atomic_load(&library);

	if (lib != NULL)
		return lib;
	lib = library_new();
	if (lib == NULL) {
		ERR_clear_error();
		return NULL;
	}
	struct library *first = NULL;
	if (!atomic_compare_exchange_strong(&library, &first, lib)) {
		library_free(lib);
		return first;
	}
	return lib;
}

void
bm_crypto_free_all(void)
{
	bm_mb_free_thread();
	library_free(atomic_exchange(&library, NULL));
}

/* A failed fetch is not remembered: it may have been for want of memory. */
enum bm_status
bm_crypto_cipher(enum bm_cipher c, enum bm_use use, const EVP_CIPHER **out)
{
	*out = NULL;
	if ((unsigned)c >= BM_CIPHERS || facts[c].name[use] == NULL)
		return BM_UNSUPPORTED;
	struct library *lib = library_get();
	if (lib == NULL)
		return BM_NOMEM;
	EVP_CIPHER *e = atomic_load(&lib->cipher[c][use]);
	if (e == NULL) {
		e = EVP_CIPHER_fetch(lib->ctx, facts[c].name[use], NULL);
		if (e == NULL)
			return bm_crypto_failure(BM_UNSUPPORTED);
		EVP_CIPHER *first = NULL;
		if (!atomic_compare_exchange_strong(&lib->cipher[c][use], &first, e)) {
			EVP_CIPHER_free(e);
			e = first;
		}
	}
	*out = e;
	return BM_OK;
}

enum bm_status
bm_crypto_poly1305(EVP_MAC **out)
{
	*out = NULL;
	struct library *lib = library_get();
	if (lib == NULL)
		return BM_NOMEM;
	EVP_MAC *m = atomic_load(&lib->poly1305);
	if (m == NULL) {
		m = EVP_MAC_fetch(lib->ctx, "POLY1305", NULL);
		if (m == NULL)
			return bm_crypto_failure(BM_UNSUPPORTED);
		EVP_MAC *first = NULL;
		if (!atomic_compare_exchange_strong(&lib->poly1305, &first, m)) {
			EVP_MAC_free(m);
			m = first;
		}
	}
	*out = m;
	return BM_OK;
}

enum bm_status
bm_crypto_sm3(const EVP_MD **out)
{
	*out = NULL;
	struct library *lib = library_get();
	if (lib == NULL)
		return BM_NOMEM;
	EVP_MD *m = atomic_load(&lib->sm3);
	if (m == NULL) {
		m = EVP_MD_fetch(lib->ctx, "SM3", NULL);
		if (m == NULL)
			return bm_crypto_failure(BM_UNSUPPORTED);
		EVP_MD *first = NULL;
		if (!atomic_compare_exchange_strong(&lib->sm3, &first, m)) {
			EVP_MD_free(m);
			m = first;
		}
	}
	*out = m;
	return BM_OK;
}

size_t
bm_cipher_key_size(enum bm_cipher c)
{
	return (unsigned)c < BM_CIPHERS ? facts[c].key : 0;
}

size_t
bm_cipher_block(enum bm_cipher c)
{
	return (unsigned)c < BM_CIPHERS ? facts[c].block : 1;
}

bool
bm_cipher_available(enum bm_cipher c, enum bm_mode m)
{
	static const uint8_t zero[BM_KEY_MAX];
	struct bm_view key = bm_view(zero, bm_cipher_key_size(c));

	if (m == BM_MODE_STREAM)
		return c == BM_CIPHER_NULL || c == BM_RC4;
	if (m == BM_MODE_CBC) {
		struct bm_cbc *k;
		bool yes = bm_cbc_new(&k, c, key) == BM_OK;
		bm_cbc_free(k);
		return yes;
	}
	struct bm_aead *a;
	bool yes = bm_aead_new(&a, c, m, 16, key) == BM_OK;
	bm_aead_free(a);
	return yes;
}

enum bm_status
bm_crypto_cipher_ctx(EVP_CIPHER_CTX **out, enum bm_cipher c, enum bm_use use, struct bm_view key,
	const uint8_t *iv, bool encrypt)
{
	const EVP_CIPHER *cipher;
	enum bm_status st = bm_crypto_cipher(c, use, &cipher);

	*out = NULL;
	if (st != BM_OK)
		return st;
	if (key.n != facts[c].key)
		return BM_USAGE;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return bm_crypto_failure(BM_NOMEM);
	/* The cipher is there and the key has its size, so that only memory can be short. */
	if (EVP_CipherInit_ex2(ctx, cipher, key.p, iv, encrypt, NULL) != 1 ||
		EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return bm_crypto_failure(BM_NOMEM);
	}
	*out = ctx;
	return BM_OK;
}

bool
bm_crypto_update(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t n)
{
	enum { PIECE = 1 << 30 };

	while (n != 0) {
		size_t piece = n < PIECE ? n : PIECE;
		int got = 0;
		if (EVP_CipherUpdate(ctx, out, &got, in, (int)piece) != 1 || (size_t)got != piece)
			return false;
		out += piece;
		in += piece;
		n -= piece;
	}
	return true;
}
