/* pcap: every magic in both byte orders, lengths that lie, cuts at every byte. */
#include "make.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct reading r;

/* Each magic with its unit of time, in both byte orders, plain and compressed. */
static void
test_every_magic(void **state)
{
	(void)state;
	static const struct {
		uint32_t magic;
		uint64_t unit_ns;
		size_t extra;
	} kinds[] = {
		{0xa1b2c3d4, 1000, 0},
		{0xa1b23c4d, 1, 0},
		{0xa1b2cd34, 1000, 8},
	};

	for (size_t k = 0; k < COUNT(kinds); k++) {
		for (int big = 0; big < 2; big++) {
			struct make m;
			make_start(&m, big != 0);
			/* The upper bits tell of a 4-octet frame check sequence. */
			pcap_header(&m, kinds[k].magic, 0x44000001);
			for (unsigned i = 0; i < 3; i++) {
				pcap_record(&m, 1700000000 + i, 999999, 60 + i, 1514);
				put_pattern(&m, 99, kinds[k].extra);
				put_pattern(&m, i, 60 + i);
			}
			read_all_ways(&r, bm_buf_view(&m.b));
			assert_int_equal(r.end.status, BM_END);
			assert_string_equal(r.format, "pcap");
			assert_int_equal(r.count, 3);
			for (unsigned i = 0; i < 3; i++) {
				assert_frame(&r, i, i + 1,
					(1700000000 + i) * UINT64_C(1000000000) + 999999 * kinds[k].unit_ns, 1, 60 + i,
					1514);
				assert_pattern(&r, i, i);
			}
			assert_true(r.items[0].frame.offset == 24 + 16 + kinds[k].extra);
			assert_true(r.offset == m.b.n);
			reading_free(&r);
			make_free(&m);
		}
	}
}

static void
test_empty_capture_and_empty_frame(void **state)
{
	(void)state;
	struct make m;
	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 113);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.count, 0);
	assert_int_equal(r.end.status, BM_END);
	reading_free(&r);

	pcap_record(&m, 1, 2, 0, 60);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_frame(&r, 0, 1, 1000002000, 113, 0, 60);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.end.status, BM_END);
	reading_free(&r);
	make_free(&m);
}

/* The largest times that the fields can say. */
static void
test_time_extremes(void **state)
{
	(void)state;
	struct make m;
	make_start(&m, true);
	pcap_header(&m, 0xa1b2c3d4, 1);
	pcap_record(&m, UINT32_MAX, UINT32_MAX, 0, 0);
	read_both(&r, bm_buf_view(&m.b));
	assert_frame(&r, 0, 1,
		(uint64_t)UINT32_MAX * UINT64_C(1000000000) + (uint64_t)UINT32_MAX * 1000, 1, 0, 0);
	reading_free(&r);
	make_free(&m);
}

/* A frame cannot have been shorter on the wire than what was captured of it. */
static void
test_wire_length_below_captured(void **state)
{
	(void)state;
	struct make m;
	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 1);
	pcap_record(&m, 1, 0, 60, 40);
	put_pattern(&m, 1, 60);
	read_both(&r, bm_buf_view(&m.b));
	assert_frame(&r, 0, 1, 1000000000, 1, 60, 60);
	reading_free(&r);
	make_free(&m);
}

/* Version 2.2 has the two lengths swapped, 2.3 may have. */
static void
test_old_versions_swap_the_lengths(void **state)
{
	(void)state;
	for (unsigned minor = 2; minor <= 4; minor++) {
		struct make m;
		make_start(&m, false);
		pcap_header(&m, 0xa1b2c3d4, 1);
		m.b.p[6] = (uint8_t)minor;
		pcap_record(&m, 1, 0, minor == 4 ? 60 : 1514, minor == 4 ? 1514 : 60);
		put_pattern(&m, 1, 60);
		read_both(&r, bm_buf_view(&m.b));
		assert_frame(&r, 0, 1, 1000000000, 1, 60, 1514);
		assert_int_equal(r.end.status, BM_END);
		reading_free(&r);
		make_free(&m);
	}
}

static void
test_unknown_version(void **state)
{
	(void)state;
	struct make m;
	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 1);
	m.b.p[4] = 3;
	read_both(&r, bm_buf_view(&m.b));
	assert_int_equal(r.open_status, BM_FORMAT);
	assert_string_equal(r.end.what, "pcap of an unknown version");
	make_free(&m);
}

/* 16 MiB is the most; one more is a damaged header, told at the record's offset. */
static void
test_captured_length_cap(void **state)
{
	(void)state;
	struct make m;
	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 1);
	pcap_record(&m, 1, 0, 4, 4);
	put32(&m, 7);
	size_t at = m.b.n;
	pcap_record(&m, 1, 0, (16 << 20) + 1, 60);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.count, 1);
	assert_int_equal(r.end.status, BM_FORMAT);
	assert_true(r.end.offset == at);
	assert_true(r.offset == at);
	reading_free(&r);
	make_free(&m);

	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 1);
	pcap_record(&m, 1, 0, 16 << 20, 16 << 20);
	assert_int_equal(bm_buf_reserve(&m.b, 16 << 20), BM_OK);
	memset(m.b.p + m.b.n, 0x5a, 16 << 20);
	m.b.n += 16 << 20;
	pcap_record(&m, 2, 0, 4, 4);
	put32(&m, 7);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_END);
	assert_frame(&r, 0, 1, 1000000000, 1, 16 << 20, 16 << 20);
	assert_frame(&r, 1, 2, 2000000000, 1, 4, 4);
	reading_free(&r);
	make_free(&m);
}

static void
test_every_cut(void **state)
{
	(void)state;
	struct make m;
	size_t boundary[4];

	for (int modified = 0; modified < 2; modified++) {
		make_start(&m, modified != 0);
		pcap_header(&m, modified ? 0xa1b2cd34 : 0xa1b2c3d4, 1);
		boundary[0] = m.b.n;
		for (unsigned i = 0; i < 3; i++) {
			pcap_record(&m, i, i, 20 + i, 20 + i);
			if (modified)
				put64(&m, 0);
			put_pattern(&m, i, 20 + i);
			boundary[i + 1] = m.b.n;
		}
		check_every_cut(bm_buf_view(&m.b), boundary, COUNT(boundary));
		make_free(&m);
	}
}

static void
test_no_capture(void **state)
{
	(void)state;
	static const char *const garbage[] = {"", "\xa1", "\xa1\xb2\xc3", "GET / HTTP/1.1\r\n\r\n",
		"\n\r\r\n            ", "\n\r\r\n\x1c", "\x1f\x8b",
		"\xd4\xc3\xb2\xa2 and so on and on and on"};

	for (size_t i = 0; i < COUNT(garbage); i++) {
		read_both(&r, bm_view(garbage[i], strlen(garbage[i])));
		if (i == 5)
			continue; /* the start of a section header, as far as one can see */
		assert_int_equal(r.open_status, BM_FORMAT);
		assert_int_equal(r.end.status, BM_FORMAT);
		assert_string_equal(r.end.what, "not a capture file: neither pcap nor pcapng");
		assert_true(r.end.offset == 0);
	}
	read_both(&r, (struct bm_view){NULL, 0});
	assert_int_equal(r.open_status, BM_FORMAT);
	/* The error is optional. */
	struct bm_capture *c;
	assert_int_equal(bm_capture_open_memory(&c, bm_view("nothing", 7), NULL), BM_FORMAT);
	bm_capture_free(NULL);
}

/* A source that claims to have read more than there was room for is broken. */
static long
boastful(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	return (long)n + 1;
}

static void
test_reader_that_lies(void **state)
{
	(void)state;
	struct bm_capture *c;
	struct bm_error e;
	assert_int_equal(bm_capture_open_stream(&c, boastful, NULL, &e), BM_IO);
	assert_null(c);
	assert_int_equal(e.status, BM_IO);
}

/* A stream is never asked for more before what it has brought was handed out: whoever
 * captures live wants each packet when it comes. */
struct live {
	struct bm_view bytes;
	size_t off;
	size_t limit; /* reading beyond it would block */
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
test_live_stream_does_not_block(void **state)
{
	(void)state;
	struct make m;
	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 1);
	struct live l = {.limit = m.b.n};
	size_t end[5];
	for (unsigned i = 0; i < 5; i++) {
		pcap_record(&m, i, 0, 30, 30);
		put_pattern(&m, i, 30);
		end[i] = m.b.n;
	}
	l.bytes = bm_buf_view(&m.b);
	struct bm_capture *c;
	struct bm_error e;
	struct bm_capture_item item;
	assert_int_equal(bm_capture_open_stream(&c, live_read, &l, &e), BM_OK);
	for (unsigned i = 0; i < 5; i++) {
		l.limit = end[i];
		assert_int_equal(bm_capture_next(c, &item, &e), BM_OK);
		assert_true(item.frame.number == i + 1);
		assert_true(bm_capture_input_offset(c) == end[i]);
	}
	bm_capture_free(c);
	make_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_magic),
		cmocka_unit_test(test_empty_capture_and_empty_frame),
		cmocka_unit_test(test_time_extremes),
		cmocka_unit_test(test_wire_length_below_captured),
		cmocka_unit_test(test_old_versions_swap_the_lengths),
		cmocka_unit_test(test_unknown_version),
		cmocka_unit_test(test_captured_length_cap),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_no_capture),
		cmocka_unit_test(test_reader_that_lies),
		cmocka_unit_test(test_live_stream_does_not_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
