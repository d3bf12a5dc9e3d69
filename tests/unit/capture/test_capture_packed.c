/* gzip and zstd: members and frames in a row, early ends, damage, bombs. */
#include "make.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct reading plain;
static struct reading r;
static struct make m;
static struct bm_buf packed;

typedef void (*pack_fn)(struct bm_buf *, struct bm_view);
static const pack_fn pack[] = {pack_gzip, pack_zstd};
static const char *const format[] = {"pcapng (gzip)", "pcapng (zstd)"};

static int
setup(void **state)
{
	(void)state;
	packed = (struct bm_buf){.max = (size_t)64 << 20};
	make_start(&m, false);
	section(&m, false);
	interface(&m, 1, 0);
	enhanced(&m, 0, 1, 60, 60);
	key_log(&m, "CLIENT_RANDOM");
	enhanced(&m, 0, 2, 71, 1500);
	read_memory(&plain, bm_buf_view(&m.b));
	assert_int_equal(plain.end.status, BM_END);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	make_free(&m);
	bm_buf_clear(&packed);
	reading_free(&plain);
	reading_free(&r);
	return 0;
}

static void
add(const void *p, size_t n)
{
	assert_int_equal(bm_buf_add(&packed, bm_view(p, n)), BM_OK);
}

/* The open or the reading ended like this. */
static enum bm_status
outcome(const struct reading *x)
{
	return x->open_status != BM_OK ? x->open_status : x->end.status;
}

static void
assert_prefix(const struct reading *x)
{
	assert_true(x->count <= plain.count);
	assert_true(x->data.n <= plain.data.n);
	assert_true(bm_view_equal(bm_buf_view(&x->data), bm_view(plain.data.p, x->data.n)));
}

/* Memory and pieces agree; what came out is in r. */
static void
read_view(struct bm_view input)
{
	static struct reading streamed;
	static const size_t chunk[] = {1, 3, 17, SIZE_MAX};

	read_memory(&r, input);
	for (size_t i = 0; i < COUNT(chunk); i++) {
		struct trickle t = {.bytes = input, .chunk = chunk[i], .fail_at = SIZE_MAX};
		read_stream(&streamed, &t);
		assert_same(&r, &streamed);
		reading_free(&streamed);
	}
}

static void
read_packed(void)
{
	read_view(bm_buf_view(&packed));
}

static void
test_formats_are_named(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_buf_view(&m.b));
		read_packed();
		assert_same(&plain, &r);
		assert_string_equal(r.format, format[k]);
		for (size_t i = 0; i < r.count; i++)
			assert_false(r.items[i].event == BM_CAPTURE_FRAME && r.items[i].frame.home != NULL);
		reading_free(&r);
		bm_buf_clear(&packed);
	}
	struct make p;
	make_start(&p, true);
	pcap_header(&p, 0xa1b2c3d4, 1);
	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_buf_view(&p.b));
		read_packed();
		assert_string_equal(r.format, k == 0 ? "pcap (gzip)" : "pcap (zstd)");
		assert_int_equal(r.end.status, BM_END);
		bm_buf_clear(&packed);
	}
	make_free(&p);
}

/* One member a byte, with empty ones between. */
static void
test_many_members(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(pack); k++) {
		for (size_t i = 0; i < m.b.n; i++) {
			pack[k](&packed, bm_view(m.b.p + i, 1));
			pack[k](&packed, bm_view(m.b.p, 0));
		}
		read_packed();
		assert_same(&plain, &r);
		reading_free(&r);
		bm_buf_clear(&packed);
	}
}

static void
skippable(unsigned magic_low, size_t n)
{
	uint8_t head[8] = {(uint8_t)(0x50 | magic_low), 0x2a, 0x4d, 0x18, (uint8_t)n};
	add(head, sizeof head);
	for (size_t i = 0; i < n; i++)
		add("s", 1);
}

static void
test_skippable_frames(void **state)
{
	(void)state;
	skippable(0, 0);
	skippable(15, 200);
	pack_zstd(&packed, bm_view(m.b.p, 50));
	skippable(7, 3);
	pack_zstd(&packed, bm_view(m.b.p + 50, m.b.n - 50));
	skippable(1, 9);
	read_packed();
	assert_same(&plain, &r);
	assert_string_equal(r.format, "pcapng (zstd)");
	reading_free(&r);
	/* Nothing else: that is no capture. */
	bm_buf_clear(&packed);
	skippable(0, 100);
	read_packed();
	assert_int_equal(r.open_status, BM_FORMAT);
}

/* Cut at every byte: all that can be had, then BM_TRUNCATED. */
static void
test_every_cut(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_view(m.b.p, 100));
		size_t boundary = packed.n;
		pack[k](&packed, bm_view(m.b.p + 100, m.b.n - 100));
		for (size_t n = 0; n < packed.n; n++) {
			uint8_t *copy = malloc(n + 1);
			assert_non_null(copy);
			memcpy(copy + 1, packed.p, n);
			read_view(bm_view(copy + 1, n));
			assert_prefix(&r);
			assert_int_equal(outcome(&r), n < 4 ? BM_FORMAT : BM_TRUNCATED);
			if (n == boundary)
				assert_true(r.end.offset == 100);
			/* All but the trailer is there. */
			if (n == packed.n - 1) {
				assert_int_equal(r.count, plain.count);
				assert_true(r.end.offset == m.b.n);
				assert_string_equal(r.end.what, "the compressed data end early");
			}
			size_t count = r.count;
			reading_free(&r);
			struct trickle t = {.bytes = bm_buf_view(&packed), .chunk = 5, .fail_at = n};
			read_stream(&r, &t);
			assert_int_equal(outcome(&r), BM_IO);
			assert_int_equal(r.count, count);
			assert_prefix(&r);
			reading_free(&r);
			free(copy);
		}
		bm_buf_clear(&packed);
	}
}

/* Damage anywhere is survived; the checksums catch what decompressing does not. */
static void
test_every_flip(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_buf_view(&m.b));
		for (size_t i = 0; i < packed.n; i++) {
			packed.p[i] ^= 0x10;
			read_packed();
			/* Bytes 4 to 9 are time, flags of the compressor, system. */
			if (k == 0 && (i < 3 || i > 9))
				assert_true(outcome(&r) == BM_FORMAT || outcome(&r) == BM_TRUNCATED);
			reading_free(&r);
			packed.p[i] ^= 0x10;
		}
		bm_buf_clear(&packed);
	}
}

/* Everything came out before the checksum told that it is wrong. */
static void
test_checksums(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_buf_view(&m.b));
		packed.p[packed.n - (k == 0 ? 8 : 4)] ^= 1;
		read_packed();
		assert_int_equal(r.count, plain.count);
		assert_int_equal(r.end.status, BM_FORMAT);
		assert_string_equal(
			r.end.what, k == 0 ? "the gzip data are damaged" : "the zstd data are damaged");
		assert_true(r.end.offset == m.b.n);
		reading_free(&r);
		bm_buf_clear(&packed);
	}
}

static void
test_what_follows(void **state)
{
	(void)state;
	/* Zeros are padding. */
	static const uint8_t zeros[512];
	pack_gzip(&packed, bm_buf_view(&m.b));
	add(zeros, sizeof zeros);
	read_packed();
	assert_int_equal(r.count, plain.count);
	assert_int_equal(r.end.status, BM_END);
	reading_free(&r);
	bm_buf_clear(&packed);

	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_buf_view(&m.b));
		add("and more", 8);
		read_packed();
		assert_int_equal(r.count, plain.count);
		assert_int_equal(r.end.status, BM_FORMAT);
		assert_true(r.end.offset == m.b.n);
		reading_free(&r);
		bm_buf_clear(&packed);
	}
}

static void
test_no_capture_inside(void **state)
{
	(void)state;
	static const char *const inside[] = {"", "abc", "this is no capture"};
	for (size_t k = 0; k < COUNT(pack); k++) {
		for (size_t i = 0; i < COUNT(inside); i++) {
			pack[k](&packed, bm_view(inside[i], strlen(inside[i])));
			read_packed();
			assert_int_equal(r.open_status, BM_FORMAT);
			assert_string_equal(r.end.what, "not a capture file: neither pcap nor pcapng");
			bm_buf_clear(&packed);
		}
	}
}

/* A frame that wants a window of 256 MiB (RFC 8878, section 3.1.1.1.2) does not get it. */
static void
test_zstd_window_limit(void **state)
{
	(void)state;
	add("\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00", 9);
	read_packed();
	assert_int_equal(r.open_status, BM_LIMIT);
}

/* 64 MiB of one block inside a few kilobytes: passed over through the window. */
static void
test_bomb(void **state)
{
	(void)state;
	static const uint8_t zeros[1 << 20];
	block_begin(&m, 0x99);
	for (int i = 0; i < 63; i++)
		put_bytes(&m, zeros, sizeof zeros);
	block_end(&m);
	enhanced(&m, 0, 3, 60, 60);
	for (size_t k = 0; k < COUNT(pack); k++) {
		pack[k](&packed, bm_buf_view(&m.b));
		assert_true(packed.n < 100000);
		read_memory(&r, bm_buf_view(&packed));
		assert_int_equal(r.end.status, BM_END);
		assert_int_equal(r.count, 4);
		assert_frame(&r, 3, 3, 3000, 1, 60, 60);
		reading_free(&r);
		bm_buf_clear(&packed);
	}
}

/* A compressed stream that is flushed after each packet gives each packet when it comes,
 * the one included that does not fit into the window at once. */
struct live {
	struct bm_view bytes;
	size_t off;
	size_t limit;
};

static long
live_read(void *ctx, uint8_t *p, size_t n)
{
	struct live *l = ctx;
	assert_true(l->off < l->limit);
	size_t left = l->limit - l->off;
	n = n < left ? n : left;
	memcpy(p, l->bytes.p + l->off, n);
	l->off += n;
	return (long)n;
}

static void
deflate_some(z_stream *z, struct bm_view v)
{
	static uint8_t out[1 << 20];

	memcpy(&z->next_in, &v.p, sizeof v.p);
	z->avail_in = (uInt)v.n;
	z->next_out = out;
	z->avail_out = sizeof out;
	assert_int_equal(deflate(z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z->avail_in, 0);
	add(out, sizeof out - z->avail_out);
}

static void
test_live_gzip_does_not_block(void **state)
{
	(void)state;
	struct make p;
	z_stream z = {0};
	size_t end[4];

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	make_start(&p, false);
	pcap_header(&p, 0xa1b2c3d4, 1);
	deflate_some(&z, bm_buf_view(&p.b));
	struct live l = {.limit = packed.n};
	for (unsigned i = 0; i < COUNT(end); i++) {
		size_t from = p.b.n;
		uint32_t n = i == 2 ? 600000 : 30;
		pcap_record(&p, i, 0, n, n);
		put_pattern(&p, i, n);
		deflate_some(&z, bm_view(p.b.p + from, p.b.n - from));
		end[i] = packed.n;
	}
	(void)deflateEnd(&z);
	l.bytes = bm_buf_view(&packed);
	struct bm_capture *c;
	struct bm_capture_item item;
	assert_int_equal(bm_capture_open_stream(&c, live_read, &l, NULL), BM_OK);
	for (unsigned i = 0; i < COUNT(end); i++) {
		l.limit = end[i];
		assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
		assert_true(item.frame.number == i + 1);
	}
	bm_capture_free(c);
	make_free(&p);
}

static void
zstd_some(ZSTD_CCtx *z, struct bm_view v)
{
	static uint8_t out[1 << 20];
	ZSTD_inBuffer from = {v.p, v.n, 0};
	ZSTD_outBuffer to = {out, sizeof out, 0};
	assert_true(ZSTD_compressStream2(z, &to, &from, ZSTD_e_flush) == 0);
	assert_true(from.pos == from.size);
	add(out, to.pos);
}

/* The last block of what was flushed does not fit into what room the window has: the
 * decompressor holds it, with all its input taken. It must be asked, not the source. */
static void
test_live_zstd_does_not_block(void **state)
{
	(void)state;
	struct make p;
	ZSTD_CCtx *z = ZSTD_createCCtx();
	assert_non_null(z);
	make_start(&p, false);
	pcap_header(&p, 0xa1b2c3d4, 1);
	zstd_some(z, bm_buf_view(&p.b));
	struct live l = {.limit = packed.n};
	size_t from = p.b.n;
	pcap_record(&p, 1, 0, 30, 30);
	put_pattern(&p, 1, 30);
	pcap_record(&p, 2, 0, 300000, 300000);
	put_pattern(&p, 2, 300000);
	zstd_some(z, bm_view(p.b.p + from, p.b.n - from));
	(void)ZSTD_freeCCtx(z);
	l.bytes = bm_buf_view(&packed);
	struct bm_capture *c;
	struct bm_capture_item item;
	assert_int_equal(bm_capture_open_stream(&c, live_read, &l, NULL), BM_OK);
	l.limit = packed.n;
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
	assert_true(bm_view_equal(item.frame.data, bm_view(p.b.p + p.b.n - 300000, 300000)));
	bm_capture_free(c);
	make_free(&p);
}

/* Far more than the window, in frames that straddle its refills. */
static void
test_long_capture(void **state)
{
	(void)state;
	struct make p;
	make_start(&p, false);
	pcap_header(&p, 0xa1b2c3d4, 1);
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t n = 1 + i * 7919 % 1500;
		pcap_record(&p, i, 0, n, n);
		put_pattern(&p, i, n);
	}
	read_all_ways(&r, bm_buf_view(&p.b));
	assert_int_equal(r.count, 2000);
	assert_int_equal(r.end.status, BM_END);
	for (unsigned i = 0; i < 2000; i++)
		assert_pattern(&r, i, i);
	make_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_formats_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_members, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skippable_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_flip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checksums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_capture_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zstd_window_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live_gzip_does_not_block, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live_zstd_does_not_block, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_capture, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
