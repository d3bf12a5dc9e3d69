/* How recordings look: frames as a sending and a receiving host's kernel show them, IPv6, cut
 * frames, segments sent twice; and how that is asked for. Read back by badmac's own readers. */
#include "lab/shape.h"
#include "lab/wire.h"

#include "packet/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { FRAMES = 40, LONG = LAB_MERGED + 3 * LAB_SEGMENT + 10 };

static char folder[] = "/tmp/badmac-lab-look.XXXXXX";
static char path[100];
static struct lab_pcapng writer;
static struct lab_flow flow;
static uint8_t was[LONG], now[LONG];

/* Frames with payload, as they were read back; bytes holds what they point into. */
static struct {
	struct bm_segment segment[FRAMES];
	struct bm_view frame[FRAMES];
	size_t count, frames;
	struct bm_buf bytes;
} got;

static int
setup(void **state)
{
	struct lab_chance c = {1};

	(void)state;
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/a.pcapng", folder);
	assert_true(lab_pcapng_open(&writer, path));
	flow = (struct lab_flow){.client_port = 40000, .server_port = 443, .first = {100, 200}};
	lab_random(&c, was, sizeof was);
	memcpy(now, was, sizeof now);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_pcapng_close(&writer);
	(void)unlink(path);
	assert_int_equal(rmdir(folder), 0);
	bm_buf_clear(&got.bytes);
	return 0;
}

static void
read_back(void)
{
	struct bm_capture *c;
	struct bm_decoder *d;
	struct bm_capture_item item;
	struct bm_error e;
	uint8_t piece[4096];
	size_t n;

	assert_true(lab_pcapng_finish(&writer, bm_view(NULL, 0)));
	memset(&got, 0, sizeof got);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		assert_true(lab_put(&got.bytes, piece, n));
	(void)fclose(f);
	assert_int_equal(bm_capture_open_memory(&c, bm_buf_view(&got.bytes), &e), BM_OK);
	assert_int_equal(bm_decoder_new(&d, 1 << 20), BM_OK);
	while (bm_capture_next(c, &item, &e) == BM_OK) {
		struct bm_segment s;
		assert_true(bm_decode(d, &item.frame, &s));
		got.frames++;
		if (s.payload.n == 0)
			continue;
		assert_true(got.count < FRAMES);
		got.frame[got.count] = item.frame.data;
		got.segment[got.count++] = s;
	}
	bm_decoder_free(d);
	bm_capture_free(c);
}

static void
send_long(size_t n, bool summed)
{
	lab_flow_data(&flow, &writer, 1000000, LAB_C2S,
		&(struct lab_burst){.data = bm_view(now, n), .summed = bm_view(was, summed ? n : 0)});
	read_back();
}

/* The frames hold what now has, in order, in pieces of these lengths with these sums. */
static void
expect(const size_t *lengths, const enum bm_checksum *sums, size_t count)
{
	size_t off = 0;

	assert_int_equal(got.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct bm_segment *s = &got.segment[i];
		assert_int_equal(s->payload.n, lengths[i]);
		assert_int_equal(s->seq, 101 + off);
		assert_memory_equal(s->payload.p, now + off, lengths[i]);
		assert_int_equal(s->checksum, sums[i]);
		off += lengths[i];
	}
}

/* 64 KB at most, each with the sum that the card is left to finish. */
static void
test_sender(void **state)
{
	static const size_t lengths[] = {LAB_MERGED, 3 * LAB_SEGMENT + 10};
	static const enum bm_checksum sums[] = {BM_CHECKSUM_OFFLOADED, BM_CHECKSUM_OFFLOADED};

	(void)state;
	flow.look = LAB_LOOK_SENDER;
	now[5000] ^= 1;
	send_long(LONG, true);
	expect(lengths, sums, 2);
	/* RFC 1071 over pseudo-header: 192.0.2.1, 198.51.100.1, protocol, length; not complemented. */
	uint32_t sum = 0xc000 + 0x0201 + 0xc633 + 0x6401 + 6 + (32 + 3 * LAB_SEGMENT + 10);
	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(bm_load16(got.frame[1].p + 14 + 20 + 16), sum);
	/* The IP length counts it all. */
	assert_int_equal(bm_load16(got.frame[0].p + 14 + 2), 20 + 32 + LAB_MERGED);
}

/* What is by itself keeps its own sum, and one with a wrong sum is by itself. */
static void
test_receiver(void **state)
{
	static const size_t lengths[] = {2 * LAB_SEGMENT, LAB_SEGMENT, LAB_MERGED, 10};
	static const enum bm_checksum sums[] = {
		BM_CHECKSUM_OFFLOADED, BM_CHECKSUM_INVALID, BM_CHECKSUM_OFFLOADED, BM_CHECKSUM_VALID};

	(void)state;
	flow.look = LAB_LOOK_RECEIVER;
	now[2 * LAB_SEGMENT + 7] ^= 1;
	send_long(LONG, true);
	expect(lengths, sums, 4);
}

/* Sums made anew: nothing shows, all is merged. */
static void
test_receiver_anew(void **state)
{
	static const size_t lengths[] = {5 * LAB_SEGMENT};
	static const enum bm_checksum sums[] = {BM_CHECKSUM_OFFLOADED};

	(void)state;
	flow.look = LAB_LOOK_RECEIVER;
	now[3000] ^= 1;
	send_long(5 * LAB_SEGMENT, false);
	expect(lengths, sums, 1);
}

/* A merged frame, of which the segment that was hit goes out again: the same, wrong sum and all; or
 * the octets that were sent, under a right one. */
static void
test_again(void **state)
{
	(void)state;
	flow.look = LAB_LOOK_RECEIVER;
	now[LAB_SEGMENT] ^= 1;
	struct lab_burst b = {.data = bm_view(now, 3 * LAB_SEGMENT),
		.summed = bm_view(was, 3 * LAB_SEGMENT),
		.again_from = LAB_SEGMENT,
		.again_to = LAB_SEGMENT + 1};
	lab_flow_data(&flow, &writer, 1, LAB_C2S, &b);
	b.again = b.summed;
	lab_flow_data(&flow, &writer, 1, LAB_C2S, &b);
	read_back();
	assert_int_equal(got.count, 8);
	/* First, the one that was hit, that again, last; and so once more. */
	static const size_t places[] = {0, LAB_SEGMENT, LAB_SEGMENT, 2 * LAB_SEGMENT};
	for (size_t i = 0; i < 8; i++) {
		const struct bm_segment *s = &got.segment[i];
		bool unharmed = i != 1 && i != 2 && i != 5;
		assert_int_equal(s->payload.n, LAB_SEGMENT);
		assert_int_equal(s->seq, 101 + places[i % 4] + i / 4 * 3 * LAB_SEGMENT);
		assert_int_equal(s->checksum, unharmed ? BM_CHECKSUM_VALID : BM_CHECKSUM_INVALID);
		assert_memory_equal(s->payload.p, (unharmed ? was : now) + places[i % 4], LAB_SEGMENT);
	}
}

static void
test_ipv6(void **state)
{
	static const enum lab_look looks[] = {LAB_LOOK_WIRE, LAB_LOOK_SENDER, LAB_LOOK_RECEIVER};

	(void)state;
	flow.ipv6 = true;
	for (size_t i = 0; i < 3; i++) {
		flow.look = looks[i];
		lab_flow_data(&flow, &writer, 1, (enum lab_direction)(i % 2),
			&(struct lab_burst){.data = bm_view(now, i == 0 ? LAB_SEGMENT : LAB_MERGED)});
	}
	read_back();
	assert_int_equal(got.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct bm_segment *s = &got.segment[i];
		assert_int_equal(s->src.family, 6);
		assert_int_equal(s->payload.n, i == 0 ? LAB_SEGMENT : LAB_MERGED);
		assert_int_equal(s->checksum, i == 0 ? BM_CHECKSUM_VALID : BM_CHECKSUM_OFFLOADED);
		assert_int_equal(s->src.port, i % 2 == 0 ? 40000 : 443);
		assert_memory_equal(s->src.ip, "\x20\x01\x0d\xb8", 4);
	}
	assert_memory_equal(got.segment[0].src.ip, got.segment[1].dst.ip, 16);
}

/* The frame's own length is told, and what was cut off is missing. */
static void
test_snap(void **state)
{
	(void)state;
	writer.snap = 200;
	lab_flow_data(&flow, &writer, 1, LAB_C2S, &(struct lab_burst){.data = bm_view(now, 500)});
	read_back();
	assert_int_equal(got.count, 1);
	assert_int_equal(got.frame[0].n, 200);
	assert_int_equal(bm_load16(got.frame[0].p + 14 + 2), 20 + 32 + 500);
	assert_int_equal(got.segment[0].checksum, BM_CHECKSUM_UNKNOWN);
	/* The interface's limit, and the frame's length on the wire. */
	assert_int_equal(got.bytes.p[28 + 12], 200);
	assert_int_equal(got.bytes.p[28 + 32 + 20], 200);
	assert_int_equal(
		got.bytes.p[28 + 32 + 24] | got.bytes.p[28 + 32 + 25] << 8, 14 + 20 + 32 + 500);
}

static void
test_words(void **state)
{
	static const char *const wrong[] = {"frob", "merged,frob", "snap", "snap=", "snap=95",
		"snap=262145", "snap=1x", "snap=-1", "merged, ipv6", "ipv5"};
	struct lab_shape s;
	char problem[300], longest[400];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		problem[0] = '\0';
		assert_false(lab_shape_parse(wrong[i], &s, problem, sizeof problem));
		assert_true(problem[0] != '\0');
	}
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_false(lab_shape_parse(longest, &s, problem, sizeof problem));
	assert_true(lab_shape_parse("merged,ipv6,repeated,snap=262144", &s, problem, sizeof problem));
	assert_true(s.merged && s.ipv6 && s.repeated && s.snap == 262144);
	assert_true(lab_shape_parse("merged,ipv6,segments,ipv4", &s, problem, sizeof problem));
	assert_true(!s.merged && !s.ipv6 && !s.repeated && s.snap == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sender, setup, teardown),
		cmocka_unit_test_setup_teardown(test_receiver, setup, teardown),
		cmocka_unit_test_setup_teardown(test_receiver_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snap, setup, teardown),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
