/* RC4, and suites that only authenticate: content, then MAC. Refuses to know blocks. */
#include "verify/internal.h"

#include "base/buf.h"

enum bm_status
check_stream(const struct check *c)
{
	struct bm_view text = c->w->body;
	bool encrypted = c->p->keys.suite->cipher == BM_RC4;
	bool inside = has_cid(c);

	if (encrypted) {
		*c->rc4 = c->pos->rc4;
		bm_rc4_crypt(c->rc4, text, c->scratch);
		c->o->rc4_after = c->rc4;
	} else if (c->want_plain || inside) {
		memcpy(c->scratch, text.p, text.n);
	}
	if (encrypted || c->want_plain || inside)
		text.p = c->scratch;

	struct bm_view content = bm_view(text.p, text.n - c->p->tag_len);
	enum bm_status st = compute_mac(c, content);
	if (st != BM_OK)
		return st;
	bool good = tag_holds(c, text.p + content.n);
	if (inside)
		part_inner(c, content, good);
	else if (text.p == c->scratch)
		c->o->plain = content;
	return BM_OK;
}
