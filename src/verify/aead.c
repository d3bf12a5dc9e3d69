/* GCM, CCM and ChaCha20-Poly1305 of TLS 1.2, TLS 1.3 and their DTLS. Decrypts only what is asked
 * for, or what holds the content type. Refuses to know how a tag is computed. */
#include "verify/internal.h"

/* Fixed part and explicit part (RFC 5288, section 3; RFC 6655, section 3), or the number XORed onto
 * an IV (RFC 7905, section 2; RFC 8446, section 5.3; without the epoch in RFC 9147, section 4). */
static void
make_nonce(const struct check *c, uint8_t nonce[NONCE])
{
	const struct bm_protection *p = c->p;
	uint8_t number[SEQ_BYTES];
	uint64_t seq = c->pos->seq;

	memcpy(nonce, p->keys.iv, NONCE);
	if (p->record_iv != 0) {
		memcpy(nonce + NONCE - p->record_iv, c->w->body.p, p->record_iv);
		return;
	}
	if (p->dtls && p->rules == BM_TLS13)
		seq &= (UINT64_C(1) << 48) - 1;
	bm_store64(number, seq);
	for (size_t i = 0; i < SEQ_BYTES; i++)
		nonce[NONCE - SEQ_BYTES + i] ^= number[i];
}

static struct bm_view
associated(const struct check *c, size_t len, struct pseudo_header *h)
{
	if (c->p->rules == BM_TLS13) {
		unsigned draft = c->p->keys.draft;
		bool none = draft != 0 && draft < HEADER_SINCE_DRAFT;
		return none ? bm_view(NULL, 0) : c->w->header;
	}
	pseudo_header(c, len, h);
	return bm_view(h->bytes, h->n);
}

/* The type is the last octet that is not zero: looks for it from the end on, in steps that grow so
 * that nothing is decrypted twice and a record of zeros costs what decrypting it would. */
static enum bm_status
find_inner_type(const struct check *c, const uint8_t nonce[NONCE], struct bm_view text)
{
	size_t end = text.n;
	size_t step = BM_AEAD_STEP;

	while (end != 0) {
		size_t from = end > step ? (end - step) / BM_AEAD_STEP * BM_AEAD_STEP : 0;
		uint8_t *plain = c->scratch + from;
		enum bm_status st =
			bm_aead_decrypt_at(c->p->aead, nonce, from, bm_view(text.p + from, end - from), plain);
		if (st != BM_OK)
			return st;
		for (size_t i = end - from; i > 0; i--) {
			if (plain[i - 1] == 0)
				continue;
			c->o->type = plain[i - 1];
			c->o->padding = text.n - from - i;
			return BM_OK;
		}
		end = from;
		step *= 2;
	}
	c->o->result = BM_BAD_INNER;
	c->o->padding = text.n;
	return BM_OK;
}

enum bm_status
check_aead(const struct check *c)
{
	const struct bm_protection *p = c->p;
	struct bm_view body = c->w->body;
	struct bm_view text = {body.p + p->record_iv, body.n - p->record_iv - p->tag_len};
	bool inside = p->rules == BM_TLS13 || has_cid(c);
	/* CCM's MAC is over the plaintext: it is there anyway. */
	bool all = c->want_plain || p->keys.suite->mode == BM_MODE_CCM;
	struct pseudo_header h;
	uint8_t nonce[NONCE];

	if (inside && text.n == 0) {
		c->o->result = BM_BAD_LENGTH;
		return BM_OK;
	}
	make_nonce(c, nonce);
	enum bm_status st = bm_aead_tag(
		p->aead, nonce, associated(c, text.n, &h), text, all ? c->scratch : NULL, c->o->computed);
	if (st != BM_OK)
		return st;
	bool good = tag_holds(c, text.p + text.n);
	if (all && inside)
		part_inner(c, bm_view(c->scratch, text.n), good);
	else if (all)
		c->o->plain = bm_view(c->scratch, text.n);
	else if (inside && good)
		return find_inner_type(c, nonce, text);
	return BM_OK;
}

bool
bm_verify_parts(const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, struct bm_aead_parts *parts)
{
	const struct check c = {.p = p, .pos = pos, .w = w};
	struct pseudo_header h;
	size_t before = p->record_iv + p->tag_len;

	if (p->aead == NULL || w->body.n < before || w->body.n > UINT16_MAX || w->cid.n > CID_MAX)
		return false;
	memset(parts, 0, sizeof(*parts));
	parts->text = bm_view(w->body.p + p->record_iv, w->body.n - before);
	parts->tag = bm_view(w->body.p + w->body.n - p->tag_len, p->tag_len);
	if ((p->rules == BM_TLS13 || has_cid(&c)) && parts->text.n == 0)
		return false;
	struct bm_view aad = associated(&c, parts->text.n, &h);
	if (aad.n > sizeof(parts->aad))
		return false;
	parts->aead = p->aead;
	make_nonce(&c, parts->nonce);
	if (aad.n != 0)
		memcpy(parts->aad, aad.p, aad.n);
	parts->aad_len = aad.n;
	parts->type_at = aad.n;
	if (p->rules != BM_TLS13 && !has_cid(&c))
		parts->type_at = SEQ_BYTES;
	else if (p->rules == BM_TLS13 && !p->dtls && aad.n == BM_HEADER)
		parts->type_at = 0;
	return true;
}
