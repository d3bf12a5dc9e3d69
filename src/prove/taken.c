/* A record of which two copies were captured, and its receiver took the second: what a stream
 * delivers is the first. Puts what stands in the frames that a claim names in the place of it.
 * Refuses to judge either. */
#include "prove/internal.h"

#include <stdlib.h>

/* Where the payload of frame k stands in the window, as octets of it from off on. False: nowhere.
 */
static bool
lies_at(const struct bm_proved_flow *v, const struct window *w, const struct kept *k, uint64_t *off)
{
	if (k == NULL || !k->has_segment || !v->has_first_seq[w->side] || k->s.transport != BM_TCP ||
		k->s.checksum != BM_CHECKSUM_VALID)
		return false;
	/* Both count modulo 2^32 (RFC 9293, section 3.4). */
	uint32_t seq = k->s.seq + ((k->s.flags & BM_SYN) != 0);
	int32_t ahead = (int32_t)(seq - (v->first_seq[w->side] + (uint32_t)w->off));
	*off = w->off + (uint64_t)(int64_t)ahead;
	return ahead >= 0 ? (uint32_t)ahead < window_have(w)
					  : (uint32_t)-ahead < k->s.payload.n && (uint32_t)-ahead <= w->off;
}

static bool
sent_by(const struct bm_proved_flow *v, const struct window *w, const struct kept *k)
{
	char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX];
	bool client = w->side == BM_CLIENT;

	bm_address_text(&k->s.src, from);
	bm_address_text(&k->s.dst, to);
	return strcmp(from, client ? v->claimed->client : v->claimed->server) == 0 &&
		   strcmp(to, client ? v->claimed->server : v->claimed->client) == 0;
}

/* The part [from, to) of a run. */
static struct bit
cut(const struct bit *b, uint64_t from, uint64_t to)
{
	struct bit out = *b;

	out.off = from;
	out.len = (uint32_t)(to - from);
	out.packet_off += (uint32_t)(from - b->off);
	out.segment_off += (uint32_t)(from - b->off);
	return out;
}

/* `in` takes the place of what stood there. False: no memory. */
static bool
put_bit(struct window *w, const struct bit *in)
{
	struct bit *bits = calloc(w->bit_count + 2, sizeof *bits);
	uint64_t end = in->off + in->len;
	size_t n = 0;
	bool put = false;

	if (bits == NULL)
		return false;
	for (size_t i = 0; i < w->bit_count; i++) {
		const struct bit *b = &w->bits[i];
		if (b->off < in->off)
			bits[n++] = cut(b, b->off, b->off + b->len < in->off ? b->off + b->len : in->off);
		if (!put && b->off + b->len > in->off) {
			bits[n++] = *in;
			put = true;
		}
		if (b->off + b->len > end)
			bits[n++] = cut(b, b->off > end ? b->off : end, b->off + b->len);
	}
	free(w->bits);
	w->bits = bits;
	w->bit_count = n;
	w->bit_cap = w->bit_count;
	return true;
}

/* Does the window show the octet at `off` as of this packet? */
static bool
is_of(const struct window *w, uint64_t off, uint64_t packet)
{
	for (size_t i = 0; i < w->bit_count; i++)
		if (off >= w->bits[i].off && off - w->bits[i].off < w->bits[i].len)
			return w->bits[i].packet == packet;
	return false;
}

void
take_copies(struct bm_prove *p, struct bm_proved_flow *v, size_t nth)
{
	const struct badmac_claim *c = &v->claimed->failures[nth];
	struct part *x = &v->parts[nth];
	struct window *w = &x->record;

	/* What the receiver complained of is a case of its own, if the session saw such copies. */
	if (v->dtls || !x->good_first || window_have(w) < c->length)
		return;
	for (size_t i = 0; i < c->packet_count; i++) {
		const struct kept *k = frame_kept(p, v->site, c->packets[i]);
		uint64_t off;
		if (!lies_at(v, w, k, &off) || !sent_by(v, w, k))
			continue;
		uint64_t from = off > w->off ? off : w->off, most = w->off + c->length;
		uint64_t to = off + k->s.payload.n < most ? off + k->s.payload.n : most;
		if (from >= to || is_of(w, from, k->number))
			continue;
		uint32_t skip = (uint32_t)(from - off);
		struct bit in = {
			from, (uint32_t)(to - from), k->number, k->payload_off + skip, k->s.checksum, skip};
		if (!put_bit(w, &in)) {
			p->status = BM_NOMEM;
			return;
		}
		memcpy(w->bytes + w->lead + (from - w->off), k->s.payload.p + skip, in.len);
	}
}
