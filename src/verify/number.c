/* The numbers that DTLS records bring along; those of DTLS 1.3 are taken out from under their mask
 * and made whole (RFC 9147, sections 4.2.2 and 4.2.3). Pure like the rest of this folder. */
#include "verify/verify.h"

#include "base/buf.h"

/* The number nearest to `expected` whose low `bits` are `low`. */
static uint64_t
nearest(uint64_t expected, unsigned bits, uint64_t low)
{
	uint64_t span = (uint64_t)1 << bits;
	uint64_t n = (expected & ~(span - 1)) | low;

	if (n > expected && n - expected > span / 2 && n >= span)
		return n - span;
	if (n < expected && expected - n > span / 2)
		return n + span;
	return n;
}

bool
bm_dtls13_unmask(const struct bm_protection *p, const struct bm_dtls_record *r, uint64_t expected,
	uint64_t *seq, uint8_t *header)
{
	const struct bm_traffic_keys *k = bm_protection_keys(p);
	uint8_t mask[BM_BLOCK_MAX];

	/* Shorter ciphertext cannot give a sample, and is refused by receivers. */
	if (r->body.n < sizeof mask || (r->seq_len != 1 && r->seq_len != 2) ||
		r->header.n < (size_t)r->seq_off + r->seq_len)
		return false;
	if (bm_number_mask(
			k->suite->cipher, bm_view(k->number_key, k->suite->key_len), r->body.p, mask) != BM_OK)
		return false;
	memcpy(header, r->header.p, r->header.n);
	uint64_t low = 0;
	for (size_t i = 0; i < r->seq_len; i++) {
		header[r->seq_off + i] ^= mask[i];
		low = low << 8 | header[r->seq_off + i];
	}
	*seq = nearest(expected, 8u * r->seq_len, low);
	bm_wipe(mask, sizeof mask);
	return true;
}

bool
bm_dtls_wire(const struct bm_protection *p, const struct bm_dtls_record *r, uint64_t expected,
	uint8_t *header, struct bm_wire *w, uint64_t *seq)
{
	enum { SEQ_BITS = 48 };

	if (r->unified != (bm_protection_keys(p)->version == BM_DTLS13) ||
		r->header.n > BM_DTLS_HEADER_MAX)
		return false;
	*w = (struct bm_wire){.type = r->type,
		.version = r->version,
		.header = r->header,
		.cid = r->cid,
		.body = r->body};
	if (!r->unified) {
		*seq = (uint64_t)r->epoch << SEQ_BITS | r->seq;
		return true;
	}
	w->type = BM_APPLICATION_DATA;
	w->version = BM_DTLS12;
	w->header.p = header;
	return bm_dtls13_unmask(p, r, expected, seq, header);
}
