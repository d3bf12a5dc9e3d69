/* The sequence number that a GCM record was made with, from the record and its keys alone: nothing
 * is searched. Pure like the rest of this folder. */
#include "verify/internal.h"

#include "base/buf.h"
#include "crypto/gf128.h"

enum { BLOCK = 16, SEQ_BITS = 48 };

bool
bm_number_solvable(const struct bm_protection *p)
{
	return p->keys.suite->mode == BM_MODE_GCM && !p->dtls;
}

/* TLS 1.3: the number is in the nonce. The tag is GHASH plus the cipher over nonce and counter, so
 * the cipher run backwards over tag plus GHASH gives the nonce (SP 800-38D, section 7.1; RFC 8446,
 * section 5.3). Of its 16 octets 8 have to be what they must. */
static bool
is_number(const struct bm_traffic_keys *k, const uint8_t nonce[BLOCK], uint64_t *seq)
{
	*seq = bm_load64(nonce + NONCE - SEQ_BYTES) ^ bm_load64(k->iv + NONCE - SEQ_BYTES);
	return bm_load32(nonce + NONCE) == 1 && memcmp(nonce, k->iv, NONCE - SEQ_BYTES) == 0 &&
		   *seq >> SEQ_BITS == 0;
}

static bool
from_nonce(const struct bm_protection *p, const uint8_t mask[BLOCK], uint64_t *seq)
{
	static const uint8_t zero[BLOCK];
	struct bm_cbc *cbc;
	uint8_t nonce[BLOCK];

	if (bm_cbc_new(&cbc, p->keys.suite->cipher, bm_view(p->keys.key, p->keys.suite->key_len)) !=
		BM_OK)
		return false;
	bool ok = bm_cbc_decrypt(cbc, zero, bm_view(mask, BLOCK), nonce) == BM_OK;
	bm_cbc_free(cbc);
	return ok && is_number(&p->keys, nonce, seq);
}

/* TLS 1.2: it stands in the first block of what is hashed, which counts H to the power of blocks
 * behind it: the difference of the tags divided by that is the number, and zeros. */
static bool
from_aad(const struct bm_aead_parts *parts, const uint8_t difference[BLOCK], uint64_t *seq)
{
	static const uint8_t zero[BLOCK];
	uint8_t h[BLOCK];

	if (bm_aead_blocks(parts->aead, zero, 1, h) != BM_OK)
		return false;
	struct bm_gf128 base = bm_gf128_inverse(bm_gf128_load(h));
	struct bm_gf128 delta = bm_gf128_load(difference);
	/* One block of associated data, those of the text, and that of the lengths. */
	for (size_t n = 2 + (parts->text.n + BLOCK - 1) / BLOCK; n != 0; n >>= 1) {
		if ((n & 1) != 0)
			delta = bm_gf128_mul(delta, base);
		base = bm_gf128_mul(base, base);
	}
	bm_wipe(h, sizeof h);
	*seq = delta.hi;
	return delta.lo == 0;
}

bool
bm_number_of_keys(const struct bm_traffic_keys *k, const struct bm_wire *w, uint64_t *seq)
{
	uint8_t nonce[BLOCK];
	size_t tag_len = k->suite->tag_len;

	if (k->version != BM_TLS13 || w->body.n <= tag_len || w->header.n != BM_HEADER)
		return false;
	size_t n = w->body.n - tag_len;
	bool none = k->draft != 0 && k->draft < HEADER_SINCE_DRAFT;
	return bm_gcm_nonce(k->suite->cipher, bm_view(k->key, k->suite->key_len),
			   none ? bm_view(NULL, 0) : w->header, bm_view(w->body.p, n), w->body.p + n,
			   nonce) == BM_OK &&
		   is_number(k, nonce, seq);
}

bool
bm_solve_number(const struct bm_protection *p, const struct bm_wire *w, uint64_t *seq)
{
	const struct bm_position start = {.seq = 0};
	struct bm_aead_parts parts;
	uint8_t tag[BLOCK], mask[BLOCK], first[BLOCK] = {0};
	bool ok;

	if (!bm_number_solvable(p) || !bm_verify_parts(p, &start, w, &parts) ||
		bm_aead_tag(parts.aead, parts.nonce, bm_view(parts.aad, parts.aad_len), parts.text, NULL,
			tag) != BM_OK)
		return false;
	for (size_t i = 0; i < BLOCK; i++)
		tag[i] ^= parts.tag.p[i];
	if (p->rules == BM_TLS13) {
		/* The mask of number 0 comes off again. */
		memcpy(first, parts.nonce, NONCE);
		first[BLOCK - 1] = 1;
		if (bm_aead_blocks(parts.aead, first, 1, mask) != BM_OK)
			return false;
		for (size_t i = 0; i < BLOCK; i++)
			mask[i] ^= tag[i];
		ok = from_nonce(p, mask, seq);
	} else {
		ok = from_aad(&parts, tag, seq);
	}
	bm_wipe(mask, sizeof mask);
	return ok && *seq >> SEQ_BITS == 0;
}
