/* intel-ipsec-mb: what it does faster than OpenSSL, with the same results. Refuses to be included
 * from outside this folder, and to be needed: without the library, or on a processor without its
 * instructions, bm_mb_on is false and nothing else in here is called. Keys may be used by several
 * threads at once. */
#ifndef BM_CRYPTO_MB_H
#define BM_CRYPTO_MB_H

#include "crypto/crypto.h"

/* Chosen (bm_crypto_choose), and this processor can do it. */
bool bm_mb_on(void);
/* Whether it could be; asked once. */
bool bm_mb_usable(void);
/* "1.3.0"; NULL when it is not built in. */
const char *bm_mb_version(void);
/* Gives back what the calling thread holds; other threads do when they end. */
void bm_mb_free_thread(void);

/* An AES key of 16 or 32 octets with all that is derived from it: for GCM, or else for CBC. */
struct bm_mb_aes;
BM_MUST_USE enum bm_status bm_mb_aes_new(struct bm_mb_aes **out, struct bm_view key, bool gcm);
void bm_mb_aes_free(struct bm_mb_aes *k); /* wipes; NULL allowed */
/* n blocks of 16 octets, each by itself; out may be in. BM_NOMEM here and below: the first call of
 * a thread. */
BM_MUST_USE enum bm_status bm_mb_aes_blocks(
	const struct bm_mb_aes *k, const uint8_t *in, size_t n, uint8_t *out);
/* Counter mode from this block on. */
BM_MUST_USE enum bm_status bm_mb_aes_counter(
	const struct bm_mb_aes *k, const uint8_t block[16], struct bm_view text, uint8_t *out);
/* text.n: whole blocks, at least one. */
BM_MUST_USE enum bm_status bm_mb_aes_cbc_decrypt(
	const struct bm_mb_aes *k, const uint8_t *iv, struct bm_view text, uint8_t *plain);
/* SP 800-38D, section 7.2: the tag, without decrypting. */
void bm_mb_gcm_tag(const struct bm_mb_aes *k, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view text, uint8_t tag[16]);

/* RFC 8439, section 2.5. */
BM_MUST_USE enum bm_status bm_mb_poly1305(
	const uint8_t key[32], struct bm_view text, uint8_t tag[16]);

/* The chaining values of a hash after one block, words of the machine's order: HMAC's key, inner
 * and outer. At multiples of 16 octets. */
struct bm_mb_hmac {
	const void *inner, *outer;
};
bool bm_mb_hashes(enum bm_hash h); /* MD5, SHA-1, SHA-256, SHA-384 */
enum { BM_MB_HMAC_MAX = 65534 };   /* octets of text; 0 is none of its either */
/* Many at a time, all of hash h; keys[i] belongs to jobs[i]. */
BM_MUST_USE enum bm_status bm_mb_hmac_batch(
	enum bm_hash h, const struct bm_mb_hmac *keys, const struct bm_hmac_job *jobs, size_t n);

#endif
