/* pcapng: every block, sections of both byte orders, clocks, lengths that lie, cuts. */
#include "make.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct reading r;
static struct make m;

static int
teardown(void **state)
{
	(void)state;
	make_free(&m);
	reading_free(&r);
	return 0;
}

static void
option(unsigned code, const void *p, size_t n)
{
	put16(&m, code);
	put16(&m, (unsigned)n);
	put_bytes(&m, p, n);
	put_pad(&m);
}

static void
option_end(void)
{
	put32(&m, 0);
}

/* Two sections of different byte order, each with its own interfaces of mixed link
 * types; frame numbers run on. */
static void
test_sections_and_interfaces(void **state)
{
	(void)state;
	make_start(&m, false);
	for (unsigned i = 0; i < 3; i++) {
		section(&m, i == 1);
		interface(&m, 1, 0);
		enhanced(&m, 0, 5, 61, 1514);
		interface(&m, 101 + i, 65535);
		enhanced(&m, 1, 0x500000007, 64, 64);
		enhanced(&m, 0, 6, 0, 10);
	}
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_string_equal(r.format, "pcapng");
	assert_int_equal(r.end.status, BM_END);
	assert_int_equal(r.count, 9);
	for (unsigned i = 0; i < 3; i++) {
		assert_frame(&r, 3 * i, 3 * i + 1, 5000, 1, 61, 1514);
		assert_frame(&r, 3 * i + 1, 3 * i + 2, UINT64_C(0x500000007) * 1000, 101 + i, 64, 64);
		assert_frame(&r, 3 * i + 2, 3 * i + 3, 6000, 1, 0, 10);
		assert_pattern(&r, 3 * i, 5);
		assert_pattern(&r, 3 * i + 1, 7);
	}
}

/* A new section forgets the interfaces of the one before. */
static void
test_interfaces_end_with_their_section(void **state)
{
	(void)state;
	make_start(&m, true);
	section(&m, true);
	interface(&m, 1, 0);
	enhanced(&m, 0, 5, 60, 60);
	section(&m, true);
	size_t at = m.b.n;
	enhanced(&m, 0, 5, 60, 60);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.count, 1);
	assert_int_equal(r.end.status, BM_FORMAT);
	assert_true(r.end.offset == at);
	assert_string_equal(r.end.what, "packet of an interface that is not described");
}

struct clock_case {
	int resolution; /* -1: no option */
	int64_t offset_s;
	uint64_t units;
	uint64_t want_ns;
};

/* if_tsresol in powers of ten and of two, if_tsoffset in both directions, nothing overflows. */
static void
test_clocks(void **state)
{
	(void)state;
	static const struct clock_case cases[] = {
		{-1, 0, 1700000000123456, 1700000000123456000},
		{6, 0, 1700000000123456, 1700000000123456000},
		{9, 0, 1700000000123456789, 1700000000123456789},
		{9, 0, UINT64_MAX, UINT64_MAX},
		{3, 0, 1700000000123, 1700000000123000000},
		{0, 0, 1700000000, 1700000000000000000},
		{0, 0, 18446744073, 18446744073000000000U},
		{0, 0, 18446744074, UINT64_MAX},
		{0, 0, UINT64_MAX, UINT64_MAX},
		{6, 0, 18446744073709551, 18446744073709551000U},
		{6, 0, 18446744073709552, UINT64_MAX},
		{10, 0, 12345678919, 1234567891},
		{12, 0, 1700000000123456789, 1700000000123456},
		{19, 0, UINT64_MAX, 1844674407},
		{20, 0, UINT64_MAX, 184467440},
		{28, 0, UINT64_MAX, 1},
		{29, 0, UINT64_MAX, 0},
		{127, 0, UINT64_MAX, 0},
		{0x80, 0, 1700000000, 1700000000000000000},
		{0x81, 0, 3, 1500000000},
		{0x80 | 10, 0, 1024 * 5 + 512, 5500000000},
		{0x80 | 31, 0, (UINT64_C(7) << 31) + 1, 7000000000},
		{0x80 | 32, 0, (UINT64_C(1700000000) << 32) + 0x80000000, 1700000000500000000},
		{0x80 | 32, 0, 0xffffffff, 999999999},
		{0x80 | 33, 0, (UINT64_C(9) << 33) + 0x180000000, 9750000000},
		{0x80 | 40, 0, (UINT64_C(9) << 40) + (UINT64_C(1) << 38), 9250000000},
		{0x80 | 63, 0, UINT64_MAX, 1999999999},
		{0x80 | 64, 0, UINT64_MAX, 999999999},
		{0x80 | 65, 0, UINT64_C(1) << 63, 250000000},
		{0x80 | 93, 0, UINT64_MAX, 1},
		{0x80 | 127, 0, UINT64_MAX, 0},
		{6, 1000, 5, 1000000005000},
		{6, -1, 1500000, 500000000},
		{6, -1, 500000, 0},
		{9, 1700000000, 5, 1700000000000000005},
		{0x80 | 10, -4, 5 * 1024, 1000000000},
		{6, INT64_MAX, 0, UINT64_MAX},
		{0, INT64_MAX, UINT64_MAX, UINT64_MAX},
		{6, INT64_MIN, UINT64_MAX, 0},
		{0, INT64_MIN, UINT64_C(1) << 63, 0},
		{0, INT64_MIN, (UINT64_C(1) << 63) + 3, 3000000000},
	};

	for (int big = 0; big < 2; big++) {
		make_start(&m, big != 0);
		section(&m, big != 0);
		for (size_t i = 0; i < COUNT(cases); i++) {
			block_begin(&m, 1);
			put16(&m, 1);
			put16(&m, 0);
			put32(&m, 0);
			option(2, "eth0", 4);
			if (cases[i].resolution >= 0) {
				uint8_t v = (uint8_t)cases[i].resolution;
				option(9, &v, 1);
			}
			if (cases[i].offset_s != 0) {
				put16(&m, 14);
				put16(&m, 8);
				put64(&m, (uint64_t)cases[i].offset_s);
			}
			option_end();
			/* Behind the end nothing counts. */
			option(9, "\x00", 1);
			block_end(&m);
			enhanced(&m, (uint32_t)i, cases[i].units, 4, 4);
		}
		read_all_ways(&r, bm_buf_view(&m.b));
		assert_int_equal(r.end.status, BM_END);
		assert_int_equal(r.count, COUNT(cases));
		for (size_t i = 0; i < COUNT(cases); i++)
			assert_frame(&r, i, i + 1, cases[i].want_ns, 1, 4, 4);
		reading_free(&r);
		make_free(&m);
	}
}

/* An option of the wrong size is not believed; one that is cut off ends the list. */
static void
test_damaged_interface_options(void **state)
{
	(void)state;
	make_start(&m, false);
	section(&m, false);
	block_begin(&m, 1);
	put32(&m, 1);
	put32(&m, 0);
	option(9, "\x03\x03", 2);
	option(14, "\x01\x02\x03\x04", 4);
	put16(&m, 9);
	put16(&m, 4000);
	block_end(&m);
	enhanced(&m, 0, 9, 4, 4);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_END);
	assert_frame(&r, 0, 1, 9000, 1, 4, 4);
}

static void
flagged(uint32_t type, uint32_t captured, uint32_t flags)
{
	block_begin(&m, type);
	put32(&m, 0);
	put64(&m, 0);
	put32(&m, captured);
	put32(&m, captured);
	put_pattern(&m, 3, captured);
	put_pad(&m);
	option(1, "a comment", 9);
	put16(&m, 2);
	put16(&m, 4);
	put32(&m, flags);
	option_end();
	block_end(&m);
}

/* epb_flags and the pack_flags of the obsolete block say the direction. */
static void
test_direction(void **state)
{
	(void)state;
	static const enum bm_frame_direction want[] = {
		BM_FRAME_UNKNOWN, BM_FRAME_INBOUND, BM_FRAME_OUTBOUND, BM_FRAME_UNKNOWN};

	for (int big = 0; big < 2; big++) {
		make_start(&m, big != 0);
		section(&m, big != 0);
		interface(&m, 1, 0);
		for (uint32_t i = 0; i < 4; i++) {
			flagged(6, 60 + i, 0xfffffffc | i);
			flagged(2, 60 + i, i);
		}
		read_all_ways(&r, bm_buf_view(&m.b));
		assert_int_equal(r.count, 8);
		for (size_t i = 0; i < 8; i++) {
			assert_int_equal(r.items[i].frame.direction, want[i / 2]);
			assert_pattern(&r, i, 3);
		}
		reading_free(&r);
		make_free(&m);
	}
}

/* The flags alone, without an end of options, behind each length of padding. */
static void
test_direction_alone(void **state)
{
	(void)state;
	make_start(&m, true);
	section(&m, true);
	interface(&m, 1, 0);
	for (uint32_t n = 60; n < 64; n++) {
		block_begin(&m, 6);
		put32(&m, 0);
		put64(&m, 0);
		put32(&m, n);
		put32(&m, n);
		put_pattern(&m, 3, n);
		put_pad(&m);
		put16(&m, 2);
		put16(&m, 4);
		put32(&m, 2);
		block_end(&m);
	}
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(r.items[i].frame.direction, BM_FRAME_OUTBOUND);
}

/* 1.0 and, the same by another name, 1.2 (section 4.1). */
static void
test_versions(void **state)
{
	(void)state;
	static const struct {
		uint8_t major, minor;
		bool good;
	} versions[] = {{1, 0, true}, {1, 2, true}, {1, 1, false}, {1, 3, false}, {2, 0, false}};

	for (size_t i = 0; i < COUNT(versions); i++) {
		make_start(&m, false);
		section(&m, false);
		m.b.p[12] = versions[i].major;
		m.b.p[14] = versions[i].minor;
		interface(&m, 1, 0);
		enhanced(&m, 0, 1, 60, 60);
		read_all_ways(&r, bm_buf_view(&m.b));
		assert_int_equal(r.end.status, versions[i].good ? BM_END : BM_FORMAT);
		assert_int_equal(r.count, versions[i].good ? 1 : 0);
		reading_free(&r);
		make_free(&m);
	}
}

/* The snaplen of interface 0 tells what a Simple Packet Block holds; there is no time. */
static void
test_simple_packet(void **state)
{
	(void)state;
	make_start(&m, true);
	section(&m, true);
	interface(&m, 147, 50);
	interface(&m, 1, 10);
	block_begin(&m, 3); /* cut by the snaplen */
	put32(&m, 1500);
	put_pattern(&m, 1, 50);
	block_end(&m);
	block_begin(&m, 3); /* shorter than that */
	put32(&m, 41);
	put_pattern(&m, 2, 41);
	block_end(&m);
	block_begin(&m, 3); /* shorter than both say: what is there */
	put32(&m, 1500);
	put_pattern(&m, 3, 20);
	block_end(&m);
	section(&m, false);
	interface(&m, 1, 0);
	block_begin(&m, 3); /* no limit */
	put32(&m, 300);
	put_pattern(&m, 4, 300);
	block_end(&m);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_END);
	assert_int_equal(r.count, 4);
	assert_frame(&r, 0, 1, 0, 147, 50, 1500);
	assert_frame(&r, 1, 2, 0, 147, 41, 41);
	assert_frame(&r, 2, 3, 0, 147, 20, 1500);
	assert_frame(&r, 3, 4, 0, 1, 300, 300);
	for (unsigned i = 0; i < 4; i++)
		assert_pattern(&r, i, i + 1);
}

/* The obsolete Packet Block has 16 bits of interface and 16 bits of drops. */
static void
test_obsolete_packet(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		make_start(&m, big != 0);
		section(&m, big != 0);
		interface(&m, 101, 0);
		interface(&m, 113, 0);
		block_begin(&m, 2);
		put16(&m, 1);
		put16(&m, 0xffff);
		put32(&m, 1);
		put32(&m, 2);
		put32(&m, 33);
		put32(&m, 70);
		put_pattern(&m, 9, 33);
		block_end(&m);
		read_all_ways(&r, bm_buf_view(&m.b));
		assert_int_equal(r.count, 1);
		assert_frame(&r, 0, 1, ((UINT64_C(1) << 32) + 2) * 1000, 113, 33, 70);
		assert_pattern(&r, 0, 9);
		reading_free(&r);
		make_free(&m);
	}
}

/* Key logs anywhere, in front of the first interface and behind the last packet;
 * secrets of other kinds are passed over. */
static void
test_secrets(void **state)
{
	(void)state;
	make_start(&m, false);
	section(&m, false);
	key_log(&m, "CLIENT_RANDOM first\n");
	interface(&m, 1, 0);
	enhanced(&m, 0, 1, 60, 60);
	block_begin(&m, 10);
	put32(&m, 0x57474b4c); /* WireGuard */
	put32(&m, 5);
	put_bytes(&m, "other", 5);
	block_end(&m);
	key_log(&m, "");
	enhanced(&m, 0, 2, 60, 60);
	section(&m, true);
	key_log(&m, "CLIENT_RANDOM last");
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_END);
	assert_int_equal(r.count, 5);
	assert_int_equal(r.items[0].event, BM_CAPTURE_SECRETS);
	assert_true(bm_view_equal(item_data(&r, 0), bm_view("CLIENT_RANDOM first\n", 20)));
	assert_true(r.items[0].secrets.offset == 28 + 16);
	assert_frame(&r, 1, 1, 1000, 1, 60, 60);
	assert_int_equal(r.items[2].event, BM_CAPTURE_SECRETS);
	assert_int_equal(item_data(&r, 2).n, 0);
	assert_frame(&r, 3, 2, 2000, 1, 60, 60);
	assert_int_equal(r.items[4].event, BM_CAPTURE_SECRETS);
	assert_true(bm_view_equal(item_data(&r, 4), bm_view("CLIENT_RANDOM last", 18)));
}

/* Unknown blocks are passed over, however large. Those that Wireshark lists as frames
 * (checked with tshark 4.0.17) count as such, so that numbers agree. */
static void
test_other_blocks(void **state)
{
	(void)state;
	static const struct {
		uint32_t type;
		unsigned counts;
	} others[] = {
		{4, 0},          /* names */
		{5, 0},          /* statistics */
		{9, 1},          /* systemd journal */
		{0xbad, 1},      /* custom */
		{0x40000bad, 1}, /* custom, not to be copied */
		{0x204, 1},      /* sysdig events */
		{0x216, 1},
		{0x221, 1},
		{0x208, 0},
		{0x99, 0},
		{0x80000001, 0},
	};

	make_start(&m, false);
	section(&m, false);
	interface(&m, 1, 0);
	for (size_t i = 0; i < COUNT(others); i++) {
		block_begin(&m, others[i].type);
		put_pattern(&m, 5, 30 + i);
		block_end(&m);
		enhanced(&m, 0, 1, 4, 4);
	}
	block_begin(&m, 0x77);
	static const uint8_t zeros[1 << 20];
	put_bytes(&m, zeros, sizeof zeros);
	block_end(&m);
	enhanced(&m, 0, 1, 4, 4);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_END);
	assert_int_equal(r.count, COUNT(others) + 1);
	uint64_t number = 0;
	for (size_t i = 0; i < COUNT(others); i++) {
		number += 1 + others[i].counts;
		assert_true(r.items[i].frame.number == number);
	}
}

/* A length that is no multiple of four, by a writer that padded all the same. */
static void
test_unpadded_lengths(void **state)
{
	(void)state;
	make_start(&m, false);
	section(&m, false);
	interface(&m, 1, 0);
	size_t at = m.b.n;
	enhanced(&m, 0, 1, 61, 61);
	m.b.p[at + 4] -= 3;
	m.b.p[m.b.n - 4] -= 3;
	enhanced(&m, 0, 2, 60, 60);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_END);
	assert_int_equal(r.count, 2);
	assert_frame(&r, 0, 1, 1000, 1, 61, 61);
	assert_frame(&r, 1, 2, 2000, 1, 60, 60);
}

/* Each fault is told at the offset of its block, behind everything before it. */
struct fault {
	const char *what;
	uint32_t type;
	size_t body_len;
	size_t at; /* where in the block to write value; 0: nowhere */
	uint32_t value;
};

static void
test_faults(void **state)
{
	(void)state;
	static const struct fault faults[] = {
		{"packet block too short", 6, 16, 0, 0},
		{"packet block too short", 2, 16, 0, 0},
		{"packet block too short", 3, 0, 0, 0},
		{"packet of an interface that is not described", 6, 80, 8, 1},
		{"packet of an interface that is not described", 2, 80, 8, 0x10001},
		{"captured length beyond the end of the block", 6, 80, 20, 61},
		{"captured length beyond the end of the block", 2, 80, 20, 16 << 20},
		{"captured length over 16 MiB", 6, 80, 20, (16 << 20) + 1},
		{"captured length over 16 MiB", 6, 80, 20, UINT32_MAX},
		{"secrets beyond the end of the block", 10, 4, 0, 0},
		{"secrets beyond the end of the block", 10, 20, 12, 13},
		{"secrets beyond the end of the block", 10, 20, 12, UINT32_MAX},
		{"interface description too short", 1, 4, 0, 0},
		{"section header without byte-order magic", 0x0a0d0d0a, 16, 0, 0},
		{"section header too short", 0x0a0d0d0a, 8, 8, 0x1a2b3c4d},
		{"pcapng section of an unknown version", 0x0a0d0d0a, 16, 8, 0x1a2b3c4d},
		{"the two lengths of the block differ", 6, 80, 100 - 8, 104},
		{"the two lengths of the block differ", 0x99, 80, 100 - 8, 88},
		{"block shorter than its own frame", 6, 80, 4, 0},
		{"block shorter than its own frame", 0x99, 80, 4, 8},
		{"block longer than 64 MiB", 6, 80, 4, 0xfffffffc},
		{"block longer than 64 MiB", 0x99, 80, 4, 0xffffffff},
	};

	for (size_t i = 0; i < COUNT(faults); i++) {
		for (int big = 0; big < 2; big++) {
			make_start(&m, big != 0);
			section(&m, big != 0);
			interface(&m, 1, 0);
			enhanced(&m, 0, 1, 60, 60);
			size_t at = m.b.n;
			block_begin(&m, faults[i].type);
			for (size_t k = 0; k < faults[i].body_len; k++)
				put8(&m, 0);
			block_end(&m);
			if (faults[i].at != 0) {
				size_t end = m.b.n;
				size_t where = at + faults[i].at;
				if (where > end - 4)
					where = end - 4;
				m.b.n = where;
				put32(&m, faults[i].value);
				m.b.n = end;
			}
			enhanced(&m, 0, 1, 60, 60);
			read_all_ways(&r, bm_buf_view(&m.b));
			assert_int_equal(r.count, 1);
			assert_int_equal(r.end.status, BM_FORMAT);
			assert_string_equal(r.end.what, faults[i].what);
			assert_true(r.end.offset == at);
			reading_free(&r);
			make_free(&m);
		}
	}
}

/* A Simple Packet Block with no interface in front of it. */
static void
test_simple_packet_without_interface(void **state)
{
	(void)state;
	make_start(&m, false);
	section(&m, false);
	block_begin(&m, 3);
	put64(&m, 4);
	block_end(&m);
	read_all_ways(&r, bm_buf_view(&m.b));
	assert_int_equal(r.end.status, BM_FORMAT);
	assert_true(r.end.offset == 28);
}

/* Interfaces without end do not eat memory without end. */
static void
test_interface_limit(void **state)
{
	(void)state;
	make_start(&m, false);
	section(&m, false);
	for (unsigned i = 0; i < 65536; i++)
		interface(&m, 1, 0);
	enhanced(&m, 65535, 1, 4, 4);
	size_t at = m.b.n;
	interface(&m, 1, 0);
	read_memory(&r, bm_buf_view(&m.b));
	assert_int_equal(r.count, 1);
	assert_int_equal(r.end.status, BM_LIMIT);
	assert_true(r.end.offset == at);
}

static void
test_every_cut(void **state)
{
	(void)state;
	size_t boundary[16];
	size_t n = 0;

	make_start(&m, false);
	section(&m, false);
	boundary[n++] = m.b.n;
	key_log(&m, "CLIENT_RANDOM x");
	boundary[n++] = m.b.n;
	interface(&m, 1, 96);
	boundary[n++] = m.b.n;
	enhanced(&m, 0, 1, 13, 13);
	boundary[n++] = m.b.n;
	block_begin(&m, 0x99);
	put_pattern(&m, 1, 21);
	block_end(&m);
	boundary[n++] = m.b.n;
	flagged(6, 17, 1);
	boundary[n++] = m.b.n;
	section(&m, true);
	boundary[n++] = m.b.n;
	interface(&m, 1, 0);
	boundary[n++] = m.b.n;
	flagged(2, 18, 1);
	boundary[n++] = m.b.n;
	block_begin(&m, 3);
	put32(&m, 16);
	put_pattern(&m, 1, 16);
	block_end(&m);
	check_every_cut(bm_buf_view(&m.b), boundary, n);
}

/* The scan for secrets finds what the way through the whole capture finds. */
struct found {
	unsigned count;
	unsigned stop_at;
	char text[64];
};

static enum bm_status
note(void *ctx, const struct bm_secrets *s)
{
	struct found *f = ctx;
	f->count++;
	assert_true(s->key_log.n < sizeof f->text);
	memcpy(f->text, s->key_log.p, s->key_log.n);
	f->text[s->key_log.n] = '\0';
	return f->count == f->stop_at ? BM_END : BM_OK;
}

static void
test_scan_secrets(void **state)
{
	(void)state;
	struct bm_error e;
	make_start(&m, false);
	section(&m, false);
	interface(&m, 1, 0);
	enhanced(&m, 0, 777, 60, 60);
	key_log(&m, "one");
	enhanced(&m, 0, 888, 60, 60);
	key_log(&m, "two");

	struct bm_buf gz = {.max = 1 << 20};
	pack_gzip(&gz, bm_buf_view(&m.b));
	struct bm_view ways[] = {bm_buf_view(&m.b), bm_buf_view(&gz)};
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct found f = {0};
		assert_int_equal(bm_capture_scan_secrets(ways[i], note, &f, &e), BM_OK);
		assert_int_equal(f.count, 2);
		assert_string_equal(f.text, "two");
		/* Stopped by the callback, whose status comes back. */
		f = (struct found){.stop_at = 1};
		assert_int_equal(bm_capture_scan_secrets(ways[i], note, &f, &e), BM_END);
		assert_int_equal(f.count, 1);
		/* What ends early still gives up what it holds. */
		f = (struct found){0};
		ways[i].n -= 1;
		assert_int_equal(bm_capture_scan_secrets(ways[i], note, &f, &e), BM_TRUNCATED);
		assert_int_equal(f.count, i == 0 ? 1 : 2);
	}
	bm_buf_clear(&gz);
	make_free(&m);

	/* pcap: at once, so that what is wrong further on is not seen. */
	struct found f = {0};
	make_start(&m, false);
	pcap_header(&m, 0xa1b2c3d4, 1);
	put32(&m, 1);
	assert_int_equal(bm_capture_scan_secrets(bm_buf_view(&m.b), note, &f, &e), BM_OK);
	assert_int_equal(f.count, 0);
	assert_int_equal(bm_capture_scan_secrets(bm_view("garbage", 7), note, &f, &e), BM_FORMAT);
}

/* A block that is at hand is read by other code than one whose octets trickle in: whatever octet is
 * damaged, both say the same. */
static void
test_every_octet_damaged(void **state)
{
	static struct reading streamed;
	static const uint8_t damage[] = {0x01, 0x02, 0x04, 0x20, 0x80, 0xff};

	(void)state;
	for (int big = 0; big < 2; big++) {
		make_start(&m, big != 0);
		section(&m, big != 0);
		interface(&m, 1, 0);
		interface(&m, 101, 50);
		enhanced(&m, 0, 9, 0, 0);
		enhanced(&m, 1, 8, 5, 70);
		flagged(6, 6, 1);
		flagged(2, 7, 2);
		flagged(6, 7, 2);
		enhanced(&m, 0, 7, 8, 8);
		uint8_t *p = m.b.p;
		for (size_t i = 0; i < m.b.n; i++)
			for (size_t k = 0; k < sizeof damage; k++) {
				p[i] ^= damage[k];
				struct trickle t = {.bytes = bm_buf_view(&m.b), .chunk = 1, .fail_at = SIZE_MAX};
				read_memory(&r, bm_buf_view(&m.b));
				read_stream(&streamed, &t);
				assert_same(&r, &streamed);
				reading_free(&r);
				reading_free(&streamed);
				p[i] ^= damage[k];
			}
		make_free(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sections_and_interfaces, teardown),
		cmocka_unit_test_teardown(test_interfaces_end_with_their_section, teardown),
		cmocka_unit_test_teardown(test_clocks, teardown),
		cmocka_unit_test_teardown(test_damaged_interface_options, teardown),
		cmocka_unit_test_teardown(test_direction, teardown),
		cmocka_unit_test_teardown(test_direction_alone, teardown),
		cmocka_unit_test_teardown(test_versions, teardown),
		cmocka_unit_test_teardown(test_simple_packet, teardown),
		cmocka_unit_test_teardown(test_obsolete_packet, teardown),
		cmocka_unit_test_teardown(test_secrets, teardown),
		cmocka_unit_test_teardown(test_other_blocks, teardown),
		cmocka_unit_test_teardown(test_unpadded_lengths, teardown),
		cmocka_unit_test_teardown(test_faults, teardown),
		cmocka_unit_test_teardown(test_simple_packet_without_interface, teardown),
		cmocka_unit_test_teardown(test_interface_limit, teardown),
		cmocka_unit_test_teardown(test_every_cut, teardown),
		cmocka_unit_test_teardown(test_every_octet_damaged, teardown),
		cmocka_unit_test_teardown(test_scan_secrets, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
