/* Decodes any frames of any link type and checks what every segment promises: its pieces lead
 * to its payload, its lengths agree, and each frame is counted once. Knows no protocol.
 *
 * Input: frames of {link type (1), flags (1), length (2, big-endian), octets}. */
#include "packet/packet.h"

#include <stdlib.h>

enum { FRAMES_MAX = 512, FRAGMENT_MEMORY = 200000 };

static struct bm_frame frames[FRAMES_MAX];

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_pieces(const struct bm_segment *s, size_t count)
{
	size_t at = 0;

	must(s->piece_count >= 1 && s->piece_count <= BM_PIECES_MAX);
	for (size_t i = 0; i < s->piece_count; i++) {
		const struct bm_piece *p = &s->pieces[i];
		must(p->payload_off == at && p->packet >= 1 && p->packet <= count);
		struct bm_view data = frames[p->packet - 1].data;
		must((size_t)p->packet_off + p->len <= data.n);
		must(bm_view_equal(
			bm_view(data.p + p->packet_off, p->len), bm_view(s->payload.p + at, p->len)));
		at += p->len;
	}
	must(at == s->payload.n);
}

static void
check_segment(const struct bm_segment *s, const struct bm_frame *f, size_t count)
{
	char text[BM_ADDRESS_TEXT_MAX];

	must(s->transport == BM_TCP || s->transport == BM_UDP);
	must(s->payload.n <= s->payload_len && s->packet == f->number && s->ts_ns == f->ts_ns);
	must(s->transport_header.n >= (s->transport == BM_TCP ? 20 : 8));
	must(s->transport_header.p + s->transport_header.n == s->payload.p);
	must(s->src.family == s->dst.family && (s->src.family == 4 || s->src.family == 6));
	must(s->home == NULL || s->home == f->home + (s->payload.p - f->data.p));
	check_pieces(s, count);
	uint64_t sum = bm_sum16(s->pseudo_sum, s->transport_header, false);
	bool fits = bm_sum16_fold(bm_sum16(sum, s->payload, false)) == 0xffff;
	if (s->payload.n < s->payload_len)
		must(s->checksum == BM_CHECKSUM_UNKNOWN);
	else if (s->transport == BM_TCP || s->checksum_field != 0)
		must((s->checksum == BM_CHECKSUM_VALID) == fits);
	bm_address_text(&s->src, text);
	must(strlen(text) < sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint16_t links[] = {
		1, 0, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 127, 204, 228, 229, 276, 147};
	struct bm_reader r = bm_reader(bm_view(p, n));
	struct bm_decoder *d;
	struct bm_segment s;
	size_t count = 0;

	must(bm_decoder_new(&d, FRAGMENT_MEMORY) == BM_OK);
	while (bm_left(&r) >= 4 && count < FRAMES_MAX) {
		struct bm_frame *f = &frames[count];
		unsigned link = bm_u8(&r), flags = bm_u8(&r);
		size_t len = bm_u16(&r);
		len = len < bm_left(&r) ? len : bm_left(&r);
		struct bm_view data = bm_take(&r, len);
		uint8_t *copy = malloc(len != 0 ? len : 1);
		must(copy != NULL);
		if (len != 0)
			memcpy(copy, data.p, len);
		*f = (struct bm_frame){.data = bm_view(copy, len),
			.number = ++count,
			.link_type = links[link % (sizeof links / sizeof links[0])],
			.home = (flags & 1) != 0 ? copy : NULL,
			.wire_len = (uint32_t)len + (flags >> 4) * 100,
			.ts_ns = (uint64_t)(flags & 14) * 4000000000};
		if (bm_decode(d, f, &s))
			check_segment(&s, f, count);
	}
	const struct bm_decoder_stats *t = bm_decoder_stats(d);
	must(t->frames == count);
	must(t->frames ==
		 t->segments + t->unknown_link + t->malformed + t->not_transport + t->fragments);
	bm_decoder_free(d);
	for (size_t i = 0; i < count; i++)
		free((void *)frames[i].data.p);
	return 0;
}
