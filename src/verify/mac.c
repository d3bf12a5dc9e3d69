/* The MACs of SSL 3.0 to TLS 1.2 over one record's text. Refuses to know ciphers. */
#include "verify/internal.h"

#include "base/buf.h"

bool
has_cid(const struct check *c)
{
	return c->p->keys.version == BM_DTLS12 && c->w->type == BM_TLS12_CID;
}

static void
put8(struct pseudo_header *h, unsigned v)
{
	h->bytes[h->n++] = (uint8_t)v;
}

static void
put16(struct pseudo_header *h, unsigned v)
{
	bm_store16(h->bytes + h->n, v);
	h->n += 2;
}

static void
put64(struct pseudo_header *h, uint64_t v)
{
	bm_store64(h->bytes + h->n, v);
	h->n += 8;
}

/* RFC 9146, sections 5.1 to 5.3. */
static void
cid_header(const struct check *c, struct pseudo_header *h)
{
	put64(h, UINT64_MAX);
	put8(h, BM_TLS12_CID);
	put8(h, (unsigned)c->w->cid.n);
	put8(h, BM_TLS12_CID);
	put16(h, c->w->version);
	put64(h, c->pos->seq);
	if (c->w->cid.n != 0)
		memcpy(h->bytes + h->n, c->w->cid.p, c->w->cid.n);
	h->n += c->w->cid.n;
}

void
pseudo_header(const struct check *c, size_t len, struct pseudo_header *h)
{
	h->n = 0;
	if (has_cid(c)) {
		cid_header(c, h);
	} else {
		put64(h, c->pos->seq);
		put8(h, c->w->type);
		/* RFC 6101, section 5.2.3.1: SSL 3.0 leaves the version out. */
		if (c->p->rules != BM_SSL3)
			put16(h, c->w->version);
	}
	put16(h, (unsigned)len);
}

/* RFC 6101, section 5.2.3.1: the secret is put before, and paddings that fill a block behind it
 * (for SHA-1 not quite: 20 + 40). */
static enum bm_status
ssl3_mac(const struct check *c, struct bm_view head, struct bm_view text, uint8_t *mac)
{
	enum { PAD_MD5 = 48, PAD_SHA1 = 40 };
	enum bm_hash hash = c->p->keys.suite->mac;
	size_t pad = hash == BM_MD5 ? PAD_MD5 : PAD_SHA1;
	struct bm_view secret = bm_view(c->p->keys.mac_key, bm_hash_size(hash));
	uint8_t pad1[PAD_MD5];
	uint8_t pad2[PAD_MD5];
	uint8_t inner[BM_HASH_MAX];

	memset(pad1, 0x36, sizeof(pad1));
	memset(pad2, 0x5c, sizeof(pad2));
	struct bm_view v[] = {secret, {pad1, pad}, head, text};
	enum bm_status st = bm_hash_once(hash, v, 4, inner);
	if (st != BM_OK)
		return st;
	struct bm_view u[] = {secret, {pad2, pad}, {inner, bm_hash_size(hash)}};
	return bm_hash_once(hash, u, 3, mac);
}

enum bm_status
compute_mac(const struct check *c, struct bm_view text)
{
	struct pseudo_header h;
	uint8_t *mac = c->o->computed;
	enum bm_status st;

	pseudo_header(c, text.n, &h);
	struct bm_view v[] = {{h.bytes, h.n}, text};
	if (c->p->hmac == NULL)
		st = ssl3_mac(c, v[0], text, mac);
	else
		st = bm_hmac_tag(c->p->hmac, v, 2, mac);
	if (st == BM_OK)
		memset(mac + c->p->tag_len, 0, BM_HASH_MAX - c->p->tag_len);
	return st;
}

bool
tag_holds(const struct check *c, const uint8_t *received)
{
	struct bm_outcome *o = c->o;

	o->tag_len = c->p->tag_len;
	memcpy(o->received, received, o->tag_len);
	if (memcmp(o->received, o->computed, o->tag_len) == 0)
		return true;
	o->result = BM_BAD_TAG;
	return false;
}

_Static_assert(sizeof(((struct pseudo_header *)NULL)->bytes) <= BM_MAC_HEADER_MAX, "it fits");

size_t
bm_mac_header(const struct bm_protection *p, const struct bm_position *pos, const struct bm_wire *w,
	size_t len, uint8_t out[BM_MAC_HEADER_MAX])
{
	const struct check c = {.p = p, .pos = pos, .w = w};
	struct pseudo_header h;

	pseudo_header(&c, len, &h);
	memcpy(out, h.bytes, h.n);
	return h.n;
}
