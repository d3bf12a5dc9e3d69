/* IDEA, for the one TLS suite that has it: most builds of OpenSSL leave it out.
 * Refuses to encrypt. */
#ifndef BM_CRYPTO_IDEA_H
#define BM_CRYPTO_IDEA_H

#include "base/bytes.h"

struct bm_idea {
	uint16_t key[52]; /* decryption subkeys, in the order of their use */
};

void bm_idea_init(struct bm_idea *k, const uint8_t key[16]);

/* text.n is a multiple of 8; plain may be text.p. chain: the IV, then the last block of text. */
void bm_idea_cbc_decrypt(
	const struct bm_idea *k, uint8_t chain[8], struct bm_view text, uint8_t *plain);

#endif
