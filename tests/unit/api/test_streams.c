/* A stream that brings its bytes slowly: what has come is dealt with before anybody waits for more.
 * And one that brings them in any portions says what a file says. */
#include "diagnose.h"

#include "api/frames.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_HEADER = 24, PACKET_HEADER = 16 };

/* Hands out the capture a packet at a time. */
struct slow {
	struct bm_view capture;
	size_t off, packets;
};

static long
read_packet(void *ctx, uint8_t *p, size_t n)
{
	struct slow *s = ctx;
	size_t left = s->capture.n - s->off;
	uint32_t captured;

	if (left == 0)
		return 0;
	memcpy(&captured, s->capture.p + s->off + 8, sizeof captured);
	size_t size = s->off == 0 ? FILE_HEADER : PACKET_HEADER + captured;
	assert_true(size <= n && size <= left);
	memcpy(p, s->capture.p + s->off, size);
	s->packets += s->off != 0;
	s->off += size;
	return (long)size;
}

static void
test_nothing_waits(void **state)
{
	struct bm_buf capture = load("ssldump/tls1.3_curl_google.pcap");
	struct slow slow = {.capture = bm_buf_view(&capture)};
	const struct input in = {.name = NULL, .read = read_packet, .ctx = &slow};
	struct frames *f;
	struct frames_batch batch;
	size_t frames = 0, batches = 0;

	(void)state;
	assert_int_equal(frames_open(&f, &in, NULL, NULL), BM_OK);
	while (frames_next_batch(f, &batch, NULL) == BM_OK) {
		frames += batch.n;
		batches += batch.n != 0;
		/* What it has asked for, it has handed out. */
		assert_int_equal(frames, slow.packets);
		for (size_t i = 0; i < batch.n; i++)
			assert_ptr_equal(batch.frame[i].home, batch.frame[i].data.p);
	}
	assert_true(frames > 20 && batches == frames);
	frames_close(f);
	bm_buf_clear(&capture);
}

static void
same_in_portions(const char *name, const char *keys_name, size_t cut)
{
	struct bm_buf capture = load(name), keys = load(keys_name);
	static const size_t chunk[] = {0, 1, 7, 100, 1448, 65536};
	struct diagnosis memory, want, got;
	const struct bm_view v = bm_view(capture.p, capture.n - cut);
	const struct way_in plain = {.stream = true};

	diagnose(&memory, bm_buf_view(&keys), v, NULL);
	diagnose(&want, bm_buf_view(&keys), v, &plain); /* by another name */
	assert_int_equal(want.result, memory.result);
	assert_true(want.verified == memory.verified && want.connections == memory.connections);
	diagnosis_clear(&memory);
	for (size_t i = 0; i < 2 * sizeof chunk / sizeof chunk[0]; i++) {
		const struct way_in way = {
			.stream = true, .chunk = chunk[i / 2], .threads = 1 + (unsigned)i % 2};
		diagnose(&got, bm_buf_view(&keys), v, &way);
		assert_int_equal(got.status, want.status);
		assert_int_equal(got.damaged, want.damaged);
		if (!bm_view_equal(bm_buf_view(&got.report), bm_buf_view(&want.report)))
			fail_msg("%s, %zu octets at a time: another report", name, way.chunk);
		diagnosis_clear(&got);
	}
	diagnosis_clear(&want);
	bm_buf_clear(&capture);
	bm_buf_clear(&keys);
}

static void
test_any_portions(void **state)
{
	(void)state;
	same_in_portions("ssldump/tls1.3_curl_google.pcap", "ssldump/log.txt", 0);
	same_in_portions("ssldump/tls1.3_curl_google.pcap", "ssldump/log.txt", 33);
	same_in_portions("ssldump/tls1.2_aes256.pcap", "ssldump/log.txt", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_waits), cmocka_unit_test(test_any_portions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
