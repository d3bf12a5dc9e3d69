/* Octets of a stream that a claim speaks of, copied before they are read and let go. Refuses to
 * know what they mean. */
#include "prove/internal.h"

#include <stdlib.h>

enum { BITS_MOST = 1 << 16, SPANS = 64 };

void
window_want(struct window *w, unsigned side, uint64_t off, uint64_t want)
{
	*w = (struct window){.wanted = true, .side = side, .off = off};
	w->lead = off < LEAD_MAX ? (uint32_t)off : LEAD_MAX;
	w->want = w->lead + (uint32_t)(want < WINDOW_MOST ? want : WINDOW_MOST);
}

uint32_t
window_have(const struct window *w)
{
	return w->have > w->lead ? w->have - w->lead : 0;
}

const uint8_t *
window_bytes(const struct window *w)
{
	return w->bytes != NULL ? w->bytes + w->lead : NULL;
}

struct bm_view
window_iv(const struct window *w, const struct bm_traffic_keys *k)
{
	size_t block = bm_cipher_block(k->suite->cipher);
	size_t behind = block + (k->encrypt_then_mac ? check_tag_len(k) : 0);

	if (w->bytes == NULL || behind > w->lead || w->have < w->lead)
		return bm_view(NULL, 0);
	return bm_view(w->bytes + w->lead - behind, block);
}

static bool
grow(struct bm_prove *p, struct window *w, size_t need)
{
	if (need <= w->room)
		return true;
	size_t room = need < 4096 ? 4096 : need < 65536 ? 65536 : w->want;
	if (room < need || p->window_octets + room - w->room > WINDOWS_MOST) {
		p->cut = true;
		return false;
	}
	uint8_t *bytes = realloc(w->bytes, room);
	if (bytes == NULL) {
		p->status = BM_NOMEM;
		return false;
	}
	p->window_octets += room - w->room;
	w->bytes = bytes;
	w->room = room;
	return true;
}

/* The packets of octets that are known to be there. False: out of memory, or too many. */
static bool
note_bits(struct bm_prove *p, struct window *w, const struct bm_stream *s, uint64_t off, size_t n)
{
	struct bm_span few[SPANS], *spans = few;
	size_t count = bm_stream_spans(s, off, n, few, SPANS);
	void *items = w->bits;

	if (count > SPANS) {
		spans = calloc(count, sizeof *spans);
		if (spans == NULL) {
			p->status = BM_NOMEM;
			return false;
		}
		count = bm_stream_spans(s, off, n, spans, count);
	}
	enum bm_status st =
		bm_grow(&items, &w->bit_cap, w->bit_count + count, BITS_MOST, sizeof *w->bits);
	w->bits = items;
	for (size_t i = 0; st == BM_OK && i < count; i++) {
		const struct bm_span *a = &spans[i];
		struct bit *last = w->bit_count != 0 ? &w->bits[w->bit_count - 1] : NULL;
		if (last != NULL && last->packet == a->packet && last->off + last->len == a->off &&
			last->packet_off + last->len == a->packet_off) {
			last->len += (uint32_t)a->data.n;
			continue;
		}
		w->bits[w->bit_count++] = (struct bit){
			a->off, (uint32_t)a->data.n, a->packet, a->packet_off, a->checksum, a->segment_off};
	}
	if (spans != few)
		free(spans);
	if (st == BM_NOMEM)
		p->status = st;
	return st == BM_OK && count != 0;
}

void
window_fill(struct bm_prove *p, struct window *w, const struct bm_stream *s)
{
	while (w->wanted && !w->gone && w->have < w->want && p->status == BM_OK) {
		uint64_t at = w->off - w->lead + w->have, base = bm_stream_base(s);
		/* Of what stands in front of the record no more is needed than there is. */
		if (at < base && w->have == 0 && base <= w->off) {
			w->lead = (uint32_t)(w->off - base);
			w->want -= (uint32_t)(base - at);
			continue;
		}
		if (at < base || bm_stream_gap(s, at) != 0) {
			/* A gap in front of it says nothing of the record. */
			if (at >= base && w->have < w->lead) {
				uint32_t skip = w->lead - w->have;
				uint64_t gap = bm_stream_gap(s, at);
				skip = gap < skip ? w->have + (uint32_t)gap : w->lead;
				w->lead -= skip;
				w->want -= skip;
				w->have = 0;
				w->bit_count = 0;
				continue;
			}
			w->gone = true;
			return;
		}
		size_t n = bm_stream_avail(s, at);
		if (n == 0)
			return;
		if (n > w->want - w->have)
			n = w->want - w->have;
		if (!grow(p, w, w->have + n) || !bm_stream_read(s, at, w->bytes + w->have, n) ||
			!note_bits(p, w, s, at, n)) {
			w->gone = true;
			return;
		}
		w->have += (uint32_t)n;
	}
}

void
window_free(struct window *w)
{
	free(w->bytes);
	free(w->bits);
	*w = (struct window){.wanted = false};
}
