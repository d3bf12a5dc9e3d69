/* What a receiver's state is at the start of an epoch and after each record.
 * Refuses to know whether a record was good. */
#include "verify/internal.h"

void
bm_position_copy(
	const struct bm_protection *p, const struct bm_position *from, struct bm_position *to)
{
	to->seq = from->seq;
	memcpy(to->iv, from->iv, sizeof to->iv);
	if (p->keys.suite->cipher == BM_RC4)
		to->rc4 = from->rc4;
}

void
bm_position_start(const struct bm_protection *p, struct bm_position *pos)
{
	memset(pos, 0, sizeof(*pos));
	if (!bm_protection_chained(p))
		return;
	if (p->keys.suite->cipher == BM_RC4)
		pos->rc4 = *p->rc4;
	else
		memcpy(pos->iv, p->keys.iv, p->block);
}

/* The last block of ciphertext is the next record's IV (RFC 2246, section 6.2.3.2). */
static void
chain_iv(const struct bm_protection *p, struct bm_view body, uint8_t *iv)
{
	size_t behind = p->encrypt_then_mac ? p->tag_len : 0;

	if (body.n >= behind + p->block)
		memcpy(iv, body.p + body.n - behind - p->block, p->block);
}

void
bm_position_after_checked(const struct bm_protection *p, const struct bm_position *in,
	const struct bm_wire *w, const struct bm_outcome *o, struct bm_position *out)
{
	enum { DTLS_SEQ_BITS = 48 };
	static const uint64_t low = (UINT64_C(1) << DTLS_SEQ_BITS) - 1;

	if (out != in)
		bm_position_copy(p, in, out);
	out->seq = p->dtls ? (in->seq & ~low) | ((in->seq + 1) & low) : in->seq + 1;
	if (!bm_protection_chained(p))
		return;
	if (p->keys.suite->cipher != BM_RC4)
		chain_iv(p, w->body, out->iv);
	else if (o != NULL && o->rc4_after != NULL)
		out->rc4 = *o->rc4_after;
	else
		bm_rc4_skip(&out->rc4, w->body.n);
}

void
bm_position_after(const struct bm_protection *p, const struct bm_position *in,
	const struct bm_wire *w, struct bm_position *out)
{
	bm_position_after_checked(p, in, w, NULL, out);
}
