/* What is written is read back as it was: times, interfaces, secrets, frames; options as the format
 * wants them; and a sink that fails. */
#include "capture/write.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bm_buf file = {.max = 1 << 24};
static size_t room;

static int
to_buf(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	if (n > room)
		return -1;
	room -= n;
	assert_int_equal(bm_buf_add(&file, bm_view(bytes, n)), BM_OK);
	return 0;
}

static struct bm_view
text(const char *s)
{
	return bm_view(s, strlen(s));
}

static bool
write_all(size_t most)
{
	struct bm_pcapng_writer w = {.write = to_buf};
	static uint8_t long_text[70000];
	const struct bm_view comments[] = {text("first"), text(""), text("third!")};
	struct bm_pcapng_packet p = {.interface = 1,
		.units = 0x0123456789abcdef,
		.data = text("frame"),
		.wire_len = 99,
		.direction = BM_FRAME_OUTBOUND,
		.comments = comments,
		.comment_count = 3};

	bm_buf_clear(&file);
	file.max = 1 << 24;
	room = most;
	memset(long_text, 'x', sizeof long_text);
	bm_pcapng_section(&w, text("a program"), bm_view(long_text, sizeof long_text));
	bm_pcapng_interface(&w, &(struct bm_interface_info){.link_type = 1, .ts_resolution = 6});
	bm_pcapng_interface(&w, &(struct bm_interface_info){.link_type = 101,
								.snap_len = 96,
								.ts_resolution = 9,
								.ts_offset_s = -7,
								.name = text("eth0"),
								.description = text("the wire"),
								.os = text("an OS"),
								.hardware = text("a card")});
	bm_pcapng_secrets(&w, text("CLIENT_RANDOM 00 11"));
	bm_pcapng_packet(&w, &p);
	p = (struct bm_pcapng_packet){.units = 1000001, .data = text("no more"), .wire_len = 7};
	bm_pcapng_packet(&w, &p);
	return !w.failed;
}

static struct bm_interface_info told[4];
static char names[4][4][16];
static size_t told_count;

static struct bm_view
copied(char *out, struct bm_view v)
{
	assert_true(v.n < sizeof names[0][0]);
	if (v.n != 0)
		memcpy(out, v.p, v.n);
	return bm_view(out, v.n);
}

static void
note(void *ctx, const struct bm_interface_info *i)
{
	(void)ctx;
	assert_true(told_count < 4);
	told[told_count] = *i;
	told[told_count].name = copied(names[told_count][0], i->name);
	told[told_count].description = copied(names[told_count][1], i->description);
	told[told_count].os = copied(names[told_count][2], i->os);
	told[told_count].hardware = copied(names[told_count][3], i->hardware);
	told_count++;
}

static void
check_interfaces(void)
{
	assert_int_equal(told_count, 2);
	assert_int_equal(told[0].index, 0);
	assert_int_equal(told[0].link_type, 1);
	assert_int_equal(told[0].ts_resolution, 6);
	assert_int_equal(told[0].name.n, 0);
	assert_int_equal(told[1].index, 1);
	assert_int_equal(told[1].link_type, 101);
	assert_int_equal(told[1].snap_len, 96);
	assert_int_equal(told[1].ts_resolution, 9);
	assert_true(told[1].ts_offset_s == -7);
	assert_true(bm_view_equal(told[1].name, text("eth0")));
	assert_true(bm_view_equal(told[1].description, text("the wire")));
	assert_true(bm_view_equal(told[1].os, text("an OS")));
	assert_true(bm_view_equal(told[1].hardware, text("a card")));
}

static void
test_read_back(void **state)
{
	struct bm_capture *c;
	struct bm_capture_item item;

	(void)state;
	told_count = 0;
	assert_true(write_all(SIZE_MAX));
	assert_int_equal(file.n % 4, 0);
	assert_int_equal(bm_capture_open_memory(&c, bm_buf_view(&file), NULL), BM_OK);
	bm_capture_tell_interfaces(c, note, NULL);
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
	assert_int_equal(item.event, BM_CAPTURE_SECRETS);
	assert_true(bm_view_equal(item.secrets.key_log, text("CLIENT_RANDOM 00 11")));
	check_interfaces();
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
	assert_true(bm_view_equal(item.frame.data, text("frame")));
	assert_int_equal(item.frame.wire_len, 99);
	assert_int_equal(item.frame.link_type, 101);
	assert_int_equal(item.frame.interface, 1);
	assert_true(item.frame.units == 0x0123456789abcdef);
	assert_int_equal(item.frame.direction, BM_FRAME_OUTBOUND);
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
	assert_true(bm_view_equal(item.frame.data, text("no more")));
	assert_int_equal(item.frame.interface, 0);
	assert_int_equal(item.frame.units, 1000001);
	assert_true(item.frame.ts_ns == 1000001000);
	assert_int_equal(item.frame.direction, BM_FRAME_UNKNOWN);
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_END);
	bm_capture_free(c);
}

/* Options end with one of code 0, and are padded; of a long one the start is there. */
static void
test_options(void **state)
{
	static const uint8_t options[] = {1, 0, 5, 0, 'f', 'i', 'r', 's', 't', 0, 0, 0, 1, 0, 6, 0, 't',
		'h', 'i', 'r', 'd', '!', 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0};

	(void)state;
	assert_true(write_all(SIZE_MAX));
	bool found = false;
	for (size_t i = 0; i + sizeof options <= file.n; i++)
		found = found || memcmp(file.p + i, options, sizeof options) == 0;
	assert_true(found);
	/* The comment of the section is its first option. */
	assert_int_equal(file.p[24] | file.p[25] << 8, 1);
	assert_int_equal(file.p[26] | file.p[27] << 8, 65535);
}

static void
test_full(void **state)
{
	(void)state;
	assert_true(write_all(SIZE_MAX));
	size_t all = file.n;
	for (size_t n = all - 600; n < all; n++) {
		assert_false(write_all(n));
		assert_true(file.n <= n);
	}
	assert_true(write_all(all));
}

struct piece {
	size_t at, n;
};

static long
read_pieces(void *ctx, uint8_t *p, size_t n)
{
	struct piece *from = ctx;
	size_t left = file.n - from->at, now = from->n < n ? from->n : n;

	now = now < left ? now : left;
	memcpy(p, file.p + from->at, now);
	from->at += now;
	return (long)now;
}

/* One capture with a comment of its section and one of its only packet. */
static void
say(const char *of_section, const char *of_packet)
{
	struct bm_pcapng_writer w = {.write = to_buf};
	const struct bm_view comments[] = {text("first"), text(of_packet)};
	const struct bm_pcapng_packet p = {.data = text("frame"),
		.wire_len = 5,
		.direction = BM_FRAME_INBOUND,
		.comments = comments,
		.comment_count = 2};

	bm_buf_clear(&file);
	file.max = 1 << 24;
	room = SIZE_MAX;
	bm_pcapng_section(&w, text("a program"), text(of_section));
	bm_pcapng_interface(&w, &(struct bm_interface_info){.link_type = 1, .ts_resolution = 6});
	bm_pcapng_packet(&w, &p);
	assert_false(w.failed);
}

/* What badmac carve says of its repairs, from memory and from a pipe in pieces of any size. */
static void
test_marks(void **state)
{
	static const struct {
		const char *section, *packet;
		bool repaired, stale;
	} cases[] = {
		{BM_REPAIRED_SECTION "x", BM_STALE_ALERT "x", true, true},
		{BM_REPAIRED_SECTION, BM_STALE_ALERT, true, true},
		{" " BM_REPAIRED_SECTION, "x " BM_STALE_ALERT, false, false},
		{"badmac carve --repaired", "badmac: stale alert", false, false},
		{"badmac carve: x", "badmac: x", false, false},
		{BM_STALE_ALERT, BM_REPAIRED_SECTION, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		say(cases[i].section, cases[i].packet);
		for (size_t n = 0; n < 40; n++) {
			struct piece from = {.n = n};
			struct bm_capture_item item;
			struct bm_capture *c;
			assert_int_equal(n == 0 ? bm_capture_open_memory(&c, bm_buf_view(&file), NULL)
									: bm_capture_open_stream(&c, read_pieces, &from, NULL),
				BM_OK);
			assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
			assert_int_equal(item.frame.stale_alert, cases[i].stale);
			assert_int_equal(item.frame.direction, BM_FRAME_INBOUND);
			assert_int_equal(bm_capture_repaired(c), cases[i].repaired);
			assert_int_equal(bm_capture_next(c, &item, NULL), BM_END);
			bm_capture_free(c);
		}
	}
}

static void
test_interface_of_pcap(void **state)
{
	static const uint8_t pcap[] = {0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		4, 0, 0, 0, 0, 113, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 'x'};
	struct bm_capture *c;
	struct bm_capture_item item;

	(void)state;
	told_count = 0;
	assert_int_equal(bm_capture_open_memory(&c, bm_view(pcap, sizeof pcap), NULL), BM_OK);
	bm_capture_tell_interfaces(c, note, NULL);
	assert_int_equal(told_count, 1);
	assert_int_equal(told[0].link_type, 113);
	assert_int_equal(told[0].snap_len, 1024);
	assert_int_equal(told[0].ts_resolution, 9);
	assert_int_equal(bm_capture_next(c, &item, NULL), BM_OK);
	assert_true(item.frame.units == 2000000005);
	assert_int_equal(item.frame.interface, 0);
	bm_capture_free(c);
}

static int
clear(void **state)
{
	(void)state;
	bm_buf_clear(&file);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_interface_of_pcap),
	};

	return cmocka_run_group_tests_name("capture: written and read back", tests, NULL, clear);
}
