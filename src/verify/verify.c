/* One record: which rules it comes under. Refuses to know why a check fails. */
#include "verify/internal.h"

enum { BODY_MAX = 65535 };

enum bm_status
bm_verify(const struct bm_protection *p, const struct bm_position *pos, const struct bm_wire *w,
	bool want_plain, struct bm_scratch *scratch, struct bm_outcome *o)
{
	const struct check c = {p, pos, w, want_plain, scratch->bytes, &scratch->rc4, o};

	memset(o, 0, sizeof(*o));
	o->result = BM_VERIFIED;
	o->type = w->type;
	if (w->body.n > BODY_MAX || w->body.n < p->record_iv + p->tag_len) {
		o->result = BM_BAD_LENGTH;
		return BM_OK;
	}
	/* No connection id is longer (RFC 9146, section 3). */
	if (w->cid.n > CID_MAX)
		return BM_USAGE;
	if (p->aead != NULL)
		return check_aead(&c);
	if (p->cbc == NULL)
		return check_stream(&c);
	return p->encrypt_then_mac ? check_encrypt_then_mac(&c) : check_mac_then_encrypt(&c);
}
