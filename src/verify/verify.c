/* One record, or many: which rules it comes under. Refuses to know why a check fails. */
#include "verify/internal.h"

#include "base/buf.h"

enum { BODY_MAX = 65535, HEADROOM = 64 };

_Static_assert(sizeof(((struct bm_check *)NULL)->room) >= HEADROOM + BM_CHECK_BODY, "a body fits");

/* How the suites with a MAC of their own come to it: what it is over, and what follows from it. */
struct construction {
	bool (*begin)(const struct check *c, struct mac_work *m);
	enum bm_status (*end)(const struct check *c, const struct mac_work *m);
};

static const struct construction *
construction_of(const struct bm_protection *p)
{
	static const struct construction stream = {begin_stream, end_stream},
									 then_encrypt = {begin_mac_then_encrypt, end_mac_then_encrypt},
									 encrypt_then = {begin_encrypt_then_mac, end_encrypt_then_mac};

	if (p->cbc == NULL)
		return &stream;
	return p->encrypt_then_mac ? &encrypt_then : &then_encrypt;
}

/* False: there is nothing to be computed, and *st says whether that is an answer. */
static bool
start(const struct check *c, enum bm_status *st)
{
	const struct bm_wire *w = c->w;

	memset(c->o, 0, sizeof *c->o);
	c->o->result = BM_VERIFIED;
	c->o->type = w->type;
	*st = BM_OK;
	if (w->body.n > BODY_MAX || w->body.n < c->p->record_iv + c->p->tag_len) {
		c->o->result = BM_BAD_LENGTH;
		return false;
	}
	/* No connection id is longer (RFC 9146, section 3). */
	if (w->cid.n > CID_MAX)
		*st = BM_USAGE;
	return *st == BM_OK;
}

enum bm_status
bm_verify(const struct bm_protection *p, const struct bm_position *pos, const struct bm_wire *w,
	bool want_plain, struct bm_scratch *scratch, struct bm_outcome *o)
{
	const struct check c = {p, pos, w, want_plain, scratch->bytes, &scratch->rc4, o};
	struct mac_work m = {.status = BM_OK};
	enum bm_status st;

	if (!start(&c, &st))
		return st;
	if (p->aead != NULL)
		return check_aead(&c);
	const struct construction *k = construction_of(p);
	if (!k->begin(&c, &m))
		return m.status;
	st = compute_mac(&c, m.text);
	return st == BM_OK ? k->end(&c, &m) : st;
}

bool
bm_protection_lanes(const struct bm_protection *p)
{
	return p->hmac != NULL && bm_hmac_lanes(p->hmac);
}

bool
bm_protection_shared(const struct bm_protection *p)
{
	return (p->aead == NULL || bm_aead_shared(p->aead)) &&
		   (p->cbc == NULL || bm_cbc_shared(p->cbc));
}

/* A check of a batch, halfway. */
struct halfway {
	struct check c;
	struct mac_work m;
	struct bm_check *of;
};

/* HMAC takes its text in one piece: the header goes right in front of what is in the room, where
 * decryption left the content or the record is copied to. */
static void
join_header(struct halfway *h, struct bm_hmac_job *job)
{
	struct pseudo_header head;
	uint8_t *text = h->of->room + HEADROOM;

	if (h->m.text.p != text && h->m.text.n != 0)
		memcpy(text, h->m.text.p, h->m.text.n);
	pseudo_header(&h->c, h->m.text.n, &head);
	memcpy(text - head.n, head.bytes, head.n);
	*job = (struct bm_hmac_job){
		h->c.p->hmac, bm_view(text - head.n, head.n + h->m.text.n), h->c.o->computed};
}

/* The lanes of a multi-buffer hash are best filled with texts of one length. */
static void
sort_by_size(struct halfway *h, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct halfway x = h[i];
		size_t k = i;
		for (; k > 0 && h[k - 1].m.text.n < x.m.text.n; k--)
			h[k] = h[k - 1];
		h[k] = x;
	}
}

/* True when its MAC is left to be computed with others'. */
static bool
begin(struct bm_check *of, struct halfway *h)
{
	const struct bm_protection *p = of->p;

	if (of->before != NULL && p->rc4 != NULL)
		of->pos.rc4 = of->before->rc4;
	h->of = of;
	h->c = (struct check){p, &of->pos, &of->w, false, of->room + HEADROOM, &of->rc4, &of->o};
	h->m = (struct mac_work){.status = BM_OK};
	if (!start(&h->c, &of->status))
		return false;
	if (of->w.body.n > BM_CHECK_BODY || has_cid(&h->c)) {
		of->status = BM_LIMIT;
		return false;
	}
	if (p->aead != NULL) {
		of->status = check_aead(&h->c);
		return false;
	}
	if (!construction_of(p)->begin(&h->c, &h->m)) {
		of->status = h->m.status;
		return false;
	}
	if (p->hmac != NULL)
		return true;
	of->status = compute_mac(&h->c, h->m.text);
	if (of->status == BM_OK)
		of->status = construction_of(p)->end(&h->c, &h->m);
	return false;
}

static void
some(struct bm_check *const *checks, size_t n)
{
	struct halfway halfway[BM_CHECKS_MAX];
	struct bm_hmac_job jobs[BM_CHECKS_MAX] = {{NULL, {NULL, 0}, NULL}};
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		left += begin(checks[i], &halfway[left]);
	sort_by_size(halfway, left);
	for (size_t i = 0; i < left; i++)
		join_header(&halfway[i], &jobs[i]);
	enum bm_status st = bm_hmac_batch(jobs, left);
	for (size_t i = 0; i < left; i++) {
		struct halfway *h = &halfway[i];
		size_t tag_len = h->c.p->tag_len;
		memset(h->c.o->computed + tag_len, 0, BM_HASH_MAX - tag_len);
		h->of->status = st == BM_OK ? construction_of(h->c.p)->end(&h->c, &h->m) : st;
	}
	for (size_t i = 0; i < n; i++)
		checks[i]->o.plain = bm_view(NULL, 0);
}

void
bm_verify_batch(struct bm_check *const *checks, size_t n)
{
	for (; n > BM_CHECKS_MAX; checks += BM_CHECKS_MAX, n -= BM_CHECKS_MAX)
		some(checks, BM_CHECKS_MAX);
	some(checks, n);
}
