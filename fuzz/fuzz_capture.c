/* Reads any bytes as a capture, in memory and as a stream cut into pieces, and demands
 * the same of both. Knows nothing of what frames hold. */
#include "capture/capture.h"

#include <stdlib.h>

struct source {
	struct bm_view bytes;
	size_t off;
	unsigned state;
};

/* Pieces of 1 to 64 bytes, sometimes of 64 KiB. */
static long
read_piece(void *ctx, uint8_t *p, size_t n)
{
	struct source *s = ctx;
	size_t left = s->bytes.n - s->off;

	s->state = s->state * 1103515245 + 12345;
	size_t piece = s->state >> 30 == 0 ? 65536 : 1 + (s->state >> 16) % 64;
	n = n < piece ? n : piece;
	n = n < left ? n : left;
	if (n != 0)
		memcpy(p, s->bytes.p + s->off, n);
	s->off += n;
	return (long)n;
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
same_frame(const struct bm_frame *a, const struct bm_frame *b)
{
	must(bm_view_equal(a->data, b->data));
	must(a->wire_len == b->wire_len && a->wire_len >= a->data.n);
	must(a->ts_ns == b->ts_ns && a->link_type == b->link_type);
	must(a->number == b->number && a->offset == b->offset);
	must(a->direction == b->direction && b->home == NULL);
}

static void
same_item(const struct bm_capture_item *a, const struct bm_capture_item *b)
{
	must(a->event == b->event);
	if (a->event == BM_CAPTURE_FRAME) {
		same_frame(&a->frame, &b->frame);
		return;
	}
	must(a->secrets.offset == b->secrets.offset);
	must(bm_view_equal(a->secrets.key_log, b->secrets.key_log));
}

static enum bm_status
count_secrets(void *ctx, const struct bm_secrets *s)
{
	(void)s;
	++*(uint64_t *)ctx;
	return BM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_view bytes = bm_view(p, n);
	struct source source = {.bytes = bytes, .state = (unsigned)n};
	struct bm_capture *a;
	struct bm_capture *b;
	struct bm_error ea = {BM_OK, "", 0};
	struct bm_error eb = {BM_OK, "", 0};

	enum bm_status sa = bm_capture_open_memory(&a, bytes, &ea);
	enum bm_status sb = bm_capture_open_stream(&b, read_piece, &source, &eb);
	must(sa == sb);
	uint64_t secrets = 0;
	uint64_t yielded = 0;
	/* What decompresses well would keep one input busy for minutes. */
	while (sa == BM_OK && yielded++ < 100000) {
		struct bm_capture_item ia;
		struct bm_capture_item ib;
		sa = bm_capture_next(a, &ia, &ea);
		sb = bm_capture_next(b, &ib, &eb);
		must(sa == sb);
		must(bm_capture_offset(a) == bm_capture_offset(b));
		if (sa == BM_OK) {
			same_item(&ia, &ib);
			secrets += ia.event == BM_CAPTURE_SECRETS;
		}
	}
	must(sa == BM_OK || (ea.offset == eb.offset && strcmp(ea.what, eb.what) == 0));
	if (sa != BM_OK && a != NULL && strncmp(bm_capture_format(a), "pcapng", 6) == 0) {
		uint64_t found = 0;
		sb = bm_capture_scan_secrets(bytes, count_secrets, &found, NULL);
		must(found == secrets && (sb == sa || (sa == BM_END && sb == BM_OK)));
	}
	bm_capture_free(a);
	bm_capture_free(b);
	return 0;
}
