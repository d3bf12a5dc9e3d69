/* The recordings: blocks and frames as badmac's own readers take them, and octet by octet. */
#include "lab/wire.h"

#include "packet/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { SEGMENTS = 100 };

static char folder[] = "/tmp/badmac-lab-unit.XXXXXX";
static char path[100];
static struct lab_pcapng writer;
static struct lab_flow flow;

/* What was read back. */
static struct {
	struct bm_segment segment[SEGMENTS];
	uint8_t payload[SEGMENTS][LAB_SEGMENT];
	uint64_t ns[SEGMENTS];
	size_t count, secrets_before, secrets_len;
} got;

static int
setup(void **state)
{
	(void)state;
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/a.pcapng", folder);
	assert_true(lab_pcapng_open(&writer, path));
	flow = (struct lab_flow){.client_port = 40000, .server_port = 443, .first = {0xfffffff0u, 7}};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_pcapng_close(&writer);
	(void)unlink(path);
	assert_int_equal(rmdir(folder), 0); /* the part is gone */
	return 0;
}

static struct bm_buf
file_bytes(void)
{
	struct bm_buf b = {.p = NULL};
	uint8_t piece[4096];
	size_t n;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		assert_true(lab_put(&b, piece, n));
	(void)fclose(f);
	return b;
}

static void
read_back(const char *secrets)
{
	struct bm_capture *c;
	struct bm_decoder *d;
	struct bm_capture_item item;
	struct bm_error e;

	assert_true(lab_pcapng_finish(&writer, bm_view(secrets, strlen(secrets))));
	struct bm_buf b = file_bytes();
	memset(&got, 0, sizeof got);
	assert_int_equal(bm_capture_open_memory(&c, bm_buf_view(&b), &e), BM_OK);
	assert_int_equal(bm_decoder_new(&d, 1 << 20), BM_OK);
	enum bm_status status;
	while ((status = bm_capture_next(c, &item, &e)) == BM_OK) {
		if (item.event == BM_CAPTURE_SECRETS) {
			got.secrets_before = got.count;
			got.secrets_len = item.secrets.key_log.n;
			assert_memory_equal(item.secrets.key_log.p, secrets, strlen(secrets));
			continue;
		}
		struct bm_segment *s = &got.segment[got.count];
		assert_true(bm_decode(d, &item.frame, s));
		assert_true(s->payload.n <= LAB_SEGMENT);
		if (s->payload.n != 0)
			memcpy(got.payload[got.count], s->payload.p, s->payload.n);
		got.ns[got.count++] = item.frame.ts_ns;
	}
	assert_int_equal(status, BM_END);
	bm_decoder_free(d);
	bm_capture_free(c);
	bm_buf_clear(&b);
}

/* A handshake, data of three segments, both ends: numbers, flags, sums, times. */
static void
test_connection(void **state)
{
	uint8_t data[2 * LAB_SEGMENT + 100];
	struct lab_chance c = {1};
	static const unsigned flags[] = {BM_SYN, BM_SYN | BM_ACK, BM_ACK, BM_ACK, BM_ACK, BM_ACK,
		BM_ACK | BM_PSH, BM_ACK, BM_ACK | BM_FIN, BM_ACK, BM_ACK | BM_FIN, BM_ACK};

	(void)state;
	lab_random(&c, data, sizeof data);
	lab_flow_open(&flow, &writer, 1000000);
	lab_flow_data(
		&flow, &writer, 2000000, LAB_C2S, &(struct lab_burst){.data = bm_view(data, sizeof data)});
	lab_flow_fin(&flow, &writer, 3000000, LAB_C2S);
	lab_flow_fin(&flow, &writer, 4000000, LAB_S2C);
	lab_flow_fin(&flow, &writer, 5000000, LAB_S2C); /* once */
	read_back("CLIENT_RANDOM 00 11\n");
	assert_int_equal(got.count, sizeof flags / sizeof flags[0]);
	assert_int_equal(got.secrets_before, 0);
	assert_int_equal(got.secrets_len, 20);
	size_t off = 0;
	for (size_t i = 0; i < got.count; i++) {
		const struct bm_segment *s = &got.segment[i];
		assert_int_equal(s->checksum, BM_CHECKSUM_VALID);
		assert_int_equal(s->flags, flags[i]);
		assert_true(i == 0 || got.ns[i] > got.ns[i - 1]);
		if (s->payload.n != 0) {
			assert_int_equal(s->src.port, 40000);
			assert_int_equal(s->seq, (uint32_t)(0xfffffff1u + off));
			assert_memory_equal(got.payload[i], data + off, s->payload.n);
			off += s->payload.n;
		}
	}
	assert_int_equal(off, sizeof data);
	assert_int_equal(got.ns[0], 1000000);
	assert_int_equal(got.segment[got.count - 1].ack, 9);
}

/* The sum is over what was sent; and both copies of a segment, of those that were damaged alone. */
static void
test_sums_and_copies(void **state)
{
	uint8_t was[3 * LAB_SEGMENT] = {0}, now[sizeof was] = {0};

	(void)state;
	now[LAB_SEGMENT + 5] = 1;
	struct lab_burst b = {.data = bm_view(now, sizeof now), .summed = bm_view(was, sizeof was)};
	lab_flow_data(&flow, &writer, 1, LAB_S2C, &b);
	b = (struct lab_burst){.data = bm_view(now, sizeof now),
		.again = bm_view(was, sizeof was),
		.again_from = LAB_SEGMENT + 5,
		.again_to = LAB_SEGMENT + 6};
	lab_flow_data(&flow, &writer, 1, LAB_S2C, &b);
	read_back("");
	static const bool valid[] = {true, false, true, true, true, true, true, true, true, true, true};
	size_t data = 0;
	for (size_t i = 0; i < got.count; i++) {
		if (got.segment[i].payload.n == 0)
			continue;
		assert_int_equal(got.segment[i].checksum == BM_CHECKSUM_VALID, valid[data]);
		data++;
		if (data == 5)
			assert_int_equal(got.payload[i][5], 1);
		if (data == 6) {
			assert_int_equal(got.payload[i][5], 0);
			assert_int_equal(got.segment[i].seq, 7u + 1 + sizeof was + LAB_SEGMENT);
		}
	}
	assert_int_equal(data, 3 + 4);
	assert_int_equal(got.secrets_len, 0);
}

/* The file octet by octet: section, interface with nanoseconds, secrets padded, a frame. */
static void
test_octets(void **state)
{
	static const uint8_t wanted[] = {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1,
		0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 28, 0, 0, 0,
		/* interface */
		1, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 32, 0,
		0, 0,
		/* secrets */
		10, 0, 0, 0, 24, 0, 0, 0, 0x4b, 0x53, 0x4c, 0x54, 3, 0, 0, 0, 'a', 'b', '\n', 0, 24, 0, 0,
		0,
		/* frame */
		6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 'x',
		'y', 0, 0, 36, 0, 0, 0};

	(void)state;
	lab_pcapng_frame(&writer, (UINT64_C(1) << 32) + 2, bm_view("xy", 2));
	assert_true(lab_pcapng_finish(&writer, bm_view("ab\n", 3)));
	struct bm_buf b = file_bytes();
	assert_int_equal(b.n, sizeof wanted);
	assert_memory_equal(b.p, wanted, sizeof wanted);
	bm_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sums_and_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_octets, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
