/* CBC: MAC-then-encrypt, and encrypt-then-MAC. Refuses to hide which check failed: nobody
 * measures how long badmac takes. */
#include "verify/internal.h"

enum { TAIL = 256 };

static bool
all_equal(const uint8_t *p, size_t n, uint8_t v)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != v)
			return false;
	return true;
}

/* Octets of padding with their length at the end of plain, 0 when they are malformed. */
static size_t
padding_of(const struct bm_protection *p, struct bm_view plain)
{
	uint8_t last = plain.p[plain.n - 1];
	size_t n = (size_t)last + 1;

	if (n > plain.n)
		return 0;
	/* RFC 6101, section 5.2.3.2: less than a block, of any content. */
	if (p->rules == BM_SSL3)
		return n <= p->block ? n : 0;
	/* RFC 2246, section 6.2.3.2 asks nobody to look, RFC 4346 does, and receivers always do. */
	return all_equal(plain.p + plain.n - n, n, last) ? n : 0;
}

/* The ciphertext and its IV. False when there cannot be such a length. */
static bool
ciphertext(const struct check *c, size_t mac, struct bm_view *text, const uint8_t **iv)
{
	struct bm_view body = c->w->body;
	size_t before = c->p->record_iv;

	if (body.n <= before + mac || (body.n - before - mac) % c->p->block != 0)
		return false;
	*iv = before != 0 ? body.p : c->pos->iv;
	*text = bm_view(body.p + before, body.n - before - mac);
	return true;
}

static void
give_content(const struct check *c, struct bm_view content, bool good)
{
	if (has_cid(c)) {
		size_t padding = c->o->padding;
		part_inner(c, content, good);
		c->o->padding = padding;
	} else {
		c->o->plain = content;
	}
}

bool
begin_mac_then_encrypt(const struct check *c, struct mac_work *m)
{
	const uint8_t *iv;
	struct bm_view text;
	size_t mac = c->p->tag_len;

	if (!ciphertext(c, 0, &text, &iv) || text.n <= mac) {
		c->o->result = BM_BAD_LENGTH;
		return false;
	}
	m->status = bm_cbc_decrypt(c->p->cbc, iv, text, c->scratch);
	if (m->status != BM_OK)
		return false;
	size_t padding = padding_of(c->p, bm_view(c->scratch, text.n));
	m->well = padding != 0 && padding + mac <= text.n;
	c->o->padding = m->well ? padding : 1;
	m->text = bm_view(c->scratch, text.n - mac - c->o->padding);
	m->received = m->text.p + m->text.n;
	return true;
}

enum bm_status
end_mac_then_encrypt(const struct check *c, const struct mac_work *m)
{
	bool good = tag_holds(c, m->received) && m->well;

	give_content(c, m->text, good);
	if (!m->well)
		c->o->result = BM_BAD_PADDING;
	return BM_OK;
}

/* Decrypts as many blocks at the end as the padding takes at most, or all: each block needs only
 * the one before it. */
static enum bm_status
decrypt_end(
	const struct check *c, struct bm_view text, const uint8_t *iv, bool all, struct bm_view *plain)
{
	size_t block = c->p->block;
	size_t skip = !all && text.n > TAIL ? text.n - TAIL : 0;

	if (skip != 0)
		iv = text.p + skip - block;
	*plain = bm_view(c->scratch + skip, text.n - skip);
	return bm_cbc_decrypt(c->p->cbc, iv, bm_view(text.p + skip, text.n - skip), c->scratch + skip);
}

/* RFC 7366, section 3: the MAC first, over IV and ciphertext; the padding only behind it. */
bool
begin_encrypt_then_mac(const struct check *c, struct mac_work *m)
{
	const uint8_t *iv;
	struct bm_view text, body = c->w->body;
	size_t mac = c->p->tag_len;

	if (!ciphertext(c, mac, &text, &iv)) {
		c->o->result = BM_BAD_LENGTH;
		return false;
	}
	m->text = bm_view(body.p, body.n - mac);
	m->received = body.p + m->text.n;
	return true;
}

enum bm_status
end_encrypt_then_mac(const struct check *c, const struct mac_work *m)
{
	const uint8_t *iv;
	struct bm_view text, plain;
	bool all = c->want_plain || has_cid(c), good = tag_holds(c, m->received);

	if ((!good && !c->want_plain) || !ciphertext(c, c->p->tag_len, &text, &iv))
		return BM_OK;
	enum bm_status st = decrypt_end(c, text, iv, all, &plain);
	if (st != BM_OK)
		return st;
	size_t padding = padding_of(c->p, plain);
	c->o->padding = padding != 0 ? padding : 1;
	if (good && padding == 0)
		c->o->result = BM_BAD_PADDING;
	if (all)
		give_content(c, bm_view(plain.p, plain.n - c->o->padding), good && padding != 0);
	return BM_OK;
}
