/* A whole record right behind a gap, and then a good one: it was due there at the number before
 * that one's, so where it does not verify at that number its receiver cannot have taken it,
 * whatever fell into the gap. Refuses to know why it is bad. */
#include "session/internal.h"

#include <stdlib.h>

/* Is [l->resume, at) one record by its header? In ciphertext that goes on from a record in the gap
 * five octets that say so come about once in 2^40: the one type, the version, the length up to
 * `at`. */
static bool
is_framed(const struct half *h, uint64_t at, uint8_t header[BM_HEADER])
{
	const struct lost *l = h->lost;
	unsigned version = record_version(h->s);

	if (l->resume == 0 || l->resume >= at || version == 0 ||
		bm_stream_base(h->stream) > l->resume ||
		!bm_stream_read(h->stream, l->resume, header, BM_HEADER))
		return false;
	struct bm_record_header hdr = bm_record_header(header);
	return hdr.type == BM_APPLICATION_DATA && hdr.version == version &&
		   bm_record_plausible(hdr, version) && l->resume + BM_HEADER + hdr.length == at;
}

/* What its receiver brought to it, if the one behind it, of h->pos, comes next. False: that cannot
 * be known. Up to TLS 1.0 CBC its IV stood in the gap, and so nobody can say that it is bad. */
static bool
position_before(struct half *h, size_t body, struct bm_position *pos)
{
	const struct lost *l = h->lost;
	const struct bm_suite *suite = bm_protection_keys(h->keys)->suite;

	if (h->pos.seq <= l->expected.seq || suite->cipher == BM_CIPHER_NULL)
		return false;
	*pos = h->pos;
	pos->seq--;
	if (!bm_protection_chained(h->keys))
		return true;
	if (suite->cipher != BM_RC4 || h->pos.rc4.position < l->expected.rc4.position + body)
		return false;
	uint64_t skipped = h->pos.rc4.position - body - l->expected.rc4.position;
	pos->rc4 = l->expected.rc4;
	bm_rc4_skip(&pos->rc4, skipped);
	h->s->env->spent += skipped;
	return true;
}

/* Old octets again, or good at another number: that it fails here is not all that there is to say,
 * and what fell into the gap would have to be known to say it. */
static bool
is_out_of_place(
	struct half *h, const struct bm_wire *d, const struct bm_position *pos, struct bm_case *facts)
{
	struct bm_position was = h->pos;
	struct earlier e = {.tried = 0};
	uint64_t found;

	if (find_twin(h, d) != NULL || find_twin(&h->s->half[1 - h->side], d) != NULL)
		return true;
	h->pos = *pos;
	bool out =
		earlier_state_fits(h, d, &e) || search_sequence(h, d, UINT64_MAX, &found, &facts->tried);
	facts->earlier = e.tried;
	facts->earlier_cut = e.cut;
	h->pos = was;
	bm_wipe(&was, sizeof was);
	bm_wipe(&e, sizeof e);
	return out;
}

/* w came behind it and verifies at `next`. */
static void
tell(struct half *h, const struct bm_wire *w, uint64_t at, const struct bm_position *pos,
	const struct bm_case *facts)
{
	struct lost *l = h->lost;
	struct bm_position next = h->pos;
	uint32_t n = (uint32_t)(at - l->resume);

	h->pos = *pos;
	judged(h, BM_JUDGED_FAILED, l->resume, n, pos->seq);
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, l->resume, n);
	h->pos = next;
	if (c != NULL) {
		c->result = facts->result;
		c->compared = h->past_count;
		c->tried = facts->tried;
		c->earlier = facts->earlier;
		c->earlier_cut = facts->earlier_cut;
		c->right_behind_gap = true;
		c->after = pos->seq == next.seq ? BM_AFTER_SAME : BM_AFTER_NEXT;
		c->after_epoch = h->epoch;
		c->after_seq = next.seq;
		c->after_chain = chain_at(h->keys, &next);
		c->after_off = at;
		c->after_tried = l->tried;
		if (c->after == BM_AFTER_SAME) {
			note_good(h, c, w, at);
			c->alike = octets_alike(c, w);
		}
	}
	bm_wipe(&next, sizeof next);
}

/* bytes: it, header first. */
static void
consider(struct half *h, const struct bm_wire *w, uint64_t at, uint8_t *bytes, uint32_t n)
{
	enum { PART = 8 };
	struct bm_case facts = {.record = bytes, .region = n, .len = n, .protection = h->keys};
	struct bm_wire d = {.type = bytes[0],
		.version = bm_load16(bytes + 1),
		.header = bm_view(bytes, BM_HEADER),
		.body = bm_view(bytes + BM_HEADER, n - BM_HEADER)};
	struct bm_position pos;
	struct bm_outcome o;

	if (is_damaged_copy(&facts, w))
		pos = h->pos; /* the one behind it is that record as it was sent */
	else if (octets_alike(&facts, w) >= n / PART || !position_before(h, d.body.n, &pos))
		return;
	bool good = check(h, h->keys, &pos, &d, false, &o);
	facts.result = o.result;
	if (!good && h->s->status == BM_OK && o.result != BM_BAD_LENGTH &&
		!is_out_of_place(h, &d, &pos, &facts))
		tell(h, w, at, &pos, &facts);
	bm_wipe(&pos, sizeof pos);
}

void
tell_behind_gap(struct half *h, const struct bm_wire *w, uint64_t at)
{
	const struct lost *l = h->lost;
	uint8_t header[BM_HEADER];

	/* In another epoch there may have been more of this one in the gap. */
	if (h->keys == NULL || l->epoch != h->epoch || l->keys != h->keys || exhausted(h) ||
		!is_framed(h, at, header))
		return;
	uint32_t n = (uint32_t)(at - l->resume);
	uint8_t *bytes = malloc(n);
	if (bytes != NULL && bm_stream_read(h->stream, l->resume, bytes, n))
		consider(h, w, at, bytes, n);
	free(bytes);
}
