/* Writes what the flow table puts together from a capture, for streams.py: a line for each
 * direction with flow, sender, receiver, runs that are missing, copies that differ, and the bytes
 * in hex. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tcp/tcp.h"

struct read {
	struct bm_buf got[2];
	uint64_t off[2], differing[2];
};

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

static struct read *
read_of(struct bm_flow *f)
{
	struct read *r = bm_flow_user(f);

	if (r == NULL) {
		r = calloc(1, sizeof *r);
		if (r == NULL)
			fail("out of memory");
		r->got[0].max = r->got[1].max = SIZE_MAX / 4;
		bm_flow_set_user(f, r);
	}
	return r;
}

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct read *r = read_of(f);
	struct bm_stream *s = bm_flow_stream(f, way);
	struct bm_buf *got = &r->got[way];

	(void)ctx;
	for (;;) {
		size_t n = bm_stream_avail(s, r->off[way]);
		uint64_t gap = bm_stream_gap(s, r->off[way]);
		if (n + gap == 0)
			break;
		if (n != 0) {
			if (bm_buf_reserve(got, n) != BM_OK)
				fail("out of memory");
			if (!bm_stream_read(s, r->off[way], got->p + got->n, n))
				fail("what is there cannot be read");
			got->n += n;
		}
		r->off[way] += n + gap;
	}
	bm_stream_release(s, r->off[way]);
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	struct read *r = read_of(f);
	struct bm_buf *got = &r->got[way];

	(void)ctx;
	/* Without gaps offsets count the bytes themselves. */
	if (copy->off + copy->data.n > got->n ||
		memcmp(got->p + copy->off, copy->data.p, copy->data.n) != 0)
		r->differing[way]++;
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	struct read *r = read_of(f);

	(void)ctx;
	for (unsigned way = 0; way < 2 && bm_flow_transport(f) == BM_TCP; way++) {
		char src[BM_ADDRESS_TEXT_MAX], dst[BM_ADDRESS_TEXT_MAX];
		bm_address_text(bm_flow_source(f, (enum bm_way)way), src);
		bm_address_text(bm_flow_source(f, (enum bm_way)(1 - way)), dst);
		printf("%llu %s %s %llu %llu ", (unsigned long long)bm_flow_id(f), src, dst,
			(unsigned long long)bm_stream_gaps(bm_flow_stream(f, (enum bm_way)way)),
			(unsigned long long)r->differing[way]);
		for (size_t i = 0; i < r->got[way].n; i++)
			printf("%02x", r->got[way].p[i]);
		printf("\n");
	}
	bm_buf_clear(&r->got[0]);
	bm_buf_clear(&r->got[1]);
	free(r);
}

static long
read_file(void *ctx, uint8_t *p, size_t n)
{
	return (long)fread(p, 1, n, ctx);
}

int
main(int argc, char **argv)
{
	struct bm_tcp_events ev = {.on_data = on_data, .on_copy = on_copy, .on_end = on_end};
	struct bm_tcp_options o = {.flow_memory = (size_t)1 << 30};
	struct bm_capture *c = NULL;
	struct bm_decoder *d = NULL;
	struct bm_tcp *t = NULL;
	struct bm_capture_item item;
	struct bm_segment g;
	struct bm_error e = {BM_OK, NULL, 0};
	FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;

	if (in == NULL || bm_capture_open_stream(&c, read_file, in, &e) != BM_OK ||
		bm_decoder_new(&d, 1 << 24) != BM_OK || bm_tcp_new(&t, &o, &ev) != BM_OK)
		fail("cannot be read");
	while (bm_capture_next(c, &item, &e) == BM_OK)
		if (item.event == BM_CAPTURE_FRAME && bm_decode(d, &item.frame, &g) &&
			bm_tcp_segment(t, 0, &g) != BM_OK)
			fail("out of memory");
	bm_tcp_finish(t);
	bm_tcp_free(t);
	bm_decoder_free(d);
	bm_capture_free(c);
	fclose(in);
	return 0;
}
