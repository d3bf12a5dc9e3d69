/* RC4, and suites that only authenticate: content, then MAC. Refuses to know blocks. */
#include "verify/internal.h"

bool
begin_stream(const struct check *c, struct mac_work *m)
{
	struct bm_view text = c->w->body;

	if (c->p->keys.suite->cipher == BM_RC4) {
		*c->rc4 = c->pos->rc4;
		bm_rc4_crypt(c->rc4, text, c->scratch);
		c->o->rc4_after = c->rc4;
		text.p = c->scratch;
	} else if (c->want_plain || has_cid(c)) {
		memcpy(c->scratch, text.p, text.n);
		text.p = c->scratch;
	}
	m->text = bm_view(text.p, text.n - c->p->tag_len);
	m->received = text.p + m->text.n;
	return true;
}

enum bm_status
end_stream(const struct check *c, const struct mac_work *m)
{
	bool good = tag_holds(c, m->received);

	if (has_cid(c))
		part_inner(c, m->text, good);
	else if (m->text.p == c->scratch)
		c->o->plain = m->text;
	return BM_OK;
}
