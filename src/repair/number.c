/* GCM and the sequence number. TLS 1.3 has it in the nonce alone (RFC 8446, section 5.3): the tag
 * less the sum over the text is the cipher over nonce and counter, so deciphering it gives them.
 * TLS 1.2 has it in the associated data alone (RFC 5246, section 6.2.3.3): the tag is linear in it.
 * Refuses to know whose keys these are. */
#include "repair/number.h"

#include "base/buf.h"
#include "crypto/gf128.h"

enum { BLOCK = 16, NONCE = 12, SEQ_AT = 4, SEQ = 8 };

static uint64_t
load(const uint8_t *p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < SEQ; i++)
		v = v << 8 | p[i];
	return v;
}

/* The cipher backwards over one block. */
static bool
decipher(const struct bm_traffic_keys *k, uint8_t block[BLOCK])
{
	static const uint8_t zero[BLOCK];
	struct bm_cbc *cipher = NULL;
	bool ok = bm_cbc_new(&cipher, k->suite->cipher, bm_view(k->key, k->suite->key_len)) == BM_OK &&
			  bm_cbc_decrypt(cipher, zero, bm_view(block, BLOCK), block) == BM_OK;

	bm_cbc_free(cipher);
	return ok;
}

/* difference: of the tag received and the one computed for number 0. */
static bool
from_nonce(const struct bm_traffic_keys *k, const struct bm_aead_parts *parts,
	const uint8_t difference[BLOCK], uint64_t *seq)
{
	uint8_t counter[BLOCK] = {[BLOCK - 1] = 1}, mask[BLOCK];

	memcpy(counter, parts->nonce, NONCE);
	if (bm_aead_blocks(parts->aead, counter, 1, mask) != BM_OK)
		return false;
	for (size_t i = 0; i < BLOCK; i++)
		mask[i] ^= difference[i];
	bool ok = decipher(k, mask) && memcmp(mask, k->iv, SEQ_AT) == 0 &&
			  memcmp(mask + NONCE, counter + NONCE, BLOCK - NONCE) == 0;
	*seq = load(mask + SEQ_AT) ^ load(k->iv + SEQ_AT);
	bm_wipe(mask, sizeof mask);
	return ok;
}

/* The associated data is one block, and stands before the text and the lengths. */
static bool
from_aad(const struct bm_aead_parts *parts, const uint8_t difference[BLOCK], uint64_t *seq)
{
	static const uint8_t zero[BLOCK];
	uint8_t block[BLOCK];
	size_t e = 2 + (parts->text.n + BLOCK - 1) / BLOCK;
	bool ok = bm_aead_blocks(parts->aead, zero, 1, block) == BM_OK;
	struct bm_gf128 base = bm_gf128_inverse(bm_gf128_load(block));
	struct bm_gf128 z = bm_gf128_load(difference);

	for (; e != 0; e >>= 1) {
		if ((e & 1) != 0)
			z = bm_gf128_mul(z, base);
		base = bm_gf128_mul(base, base);
	}
	bm_gf128_store(block, z);
	*seq = load(block);
	return ok && memcmp(block + SEQ, zero, BLOCK - SEQ) == 0;
}

bool
bm_number_of(const struct bm_protection *p, const struct bm_wire *w, uint64_t *seq, bool *possible)
{
	const struct bm_traffic_keys *k = bm_protection_keys(p);
	unsigned rules = bm_version_rules(k->version);
	struct bm_aead_parts parts;
	struct bm_position start;
	uint8_t tag[BLOCK];

	*possible = k->suite->mode == BM_MODE_GCM && !bm_version_is_dtls(k->version) &&
				(rules == BM_TLS12 || rules == BM_TLS13);
	if (!*possible)
		return false;
	bm_position_start(p, &start);
	bool ok = bm_verify_parts(p, &start, w, &parts) && parts.tag.n == BLOCK &&
			  bm_aead_tag(parts.aead, parts.nonce, bm_view(parts.aad, parts.aad_len), parts.text,
				  NULL, tag) == BM_OK;
	for (size_t i = 0; ok && i < BLOCK; i++)
		tag[i] ^= parts.tag.p[i];
	ok = ok && (rules == BM_TLS13 ? from_nonce(k, &parts, tag, seq) : from_aad(&parts, tag, seq)) &&
		 *seq >> BM_NUMBER_BITS == 0;
	bm_wipe(&parts, sizeof parts);
	return ok;
}
