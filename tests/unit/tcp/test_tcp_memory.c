/* Each allocation fails in turn: a status, no crash, nothing leaked, and what is told stays true.
 * Linked so that malloc, calloc and realloc of the core come through here. */
#include "../starve.h"
#include "rig.h"

static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";

struct seen {
	uint64_t bytes, ends;
};

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct seen *seen = ctx;
	struct bm_stream *s = bm_flow_stream(f, way);
	uint64_t off = bm_stream_base(s);
	struct bm_span span;

	for (;;) {
		uint64_t gap = bm_stream_gap(s, off);
		size_t n = bm_stream_avail(s, off);
		if (n != 0) {
			assert_true(bm_stream_spans(s, off, 1, &span, 1) == 1);
			assert_int_equal(*span.data.p, text[off % 36]);
			seen->bytes += n;
		} else if (gap == 0) {
			break;
		}
		off += n + gap;
	}
	bm_stream_release(s, off);
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	(void)f;
	((struct seen *)ctx)->ends++;
}

static enum bm_status
scenario(unsigned long fail_at, struct seen *seen)
{
	static struct rig r;
	struct bm_tcp_events ev = {.on_data = on_data, .on_end = on_end, .ctx = seen};

	r = (struct rig){.port = {1, 2},
		.transport = BM_TCP,
		.checksum = BM_CHECKSUM_VALID,
		.unstable = true,
		.quiet = true,
		.ts_ns = 1};
	starve_at(fail_at);
	r.status = bm_tcp_new(&r.t, NULL, &ev);
	if (r.status == BM_OK) {
		rig_send(&r, F, "S", 0, 0, NULL, 0);
		rig_send(&r, B, "SA", 0, 1, NULL, 0);
		rig_send(&r, F, "A", 1, 1, text, 5);
		for (uint32_t i = 10; i < 30; i += 2)
			rig_send(&r, F, "A", 1 + i, 1, text + i, 1);
		r.checksum = BM_CHECKSUM_INVALID;
		rig_send(&r, F, "A", 1 + 12, 1, "xyzxyz", 6);
		r.checksum = BM_CHECKSUM_VALID;
		rig_send(&r, F, "A", 1 + 5, 1, text + 5, 30);
		rig_send(&r, F, "A", 1 + 36, 1, text, 9);
		for (uint16_t i = 0; i < 600; i++) {
			r.port[0] = (uint16_t)(100 + i);
			rig_send(&r, F, "S", 0, 0, NULL, 0);
		}
		bm_tcp_finish(r.t);
	}
	bm_tcp_free(r.t);
	starve_stop();
	return r.status;
}

static void
test_every_allocation_fails(void **state)
{
	(void)state;
	unsigned failed = 0;
	enum bm_status st = BM_NOMEM;

	for (unsigned n = 0; st != BM_OK || n < 40; n++) {
		struct seen seen = {0, 0};
		st = scenario(n, &seen);
		assert_true(st == BM_OK || st == BM_NOMEM);
		failed += st == BM_NOMEM;
		if (st == BM_OK)
			assert_int_equal(seen.ends, 601);
	}
	assert_true(failed >= 10);
	struct seen all = {0, 0};
	assert_int_equal(scenario(STARVE_NEVER, &all), BM_OK);
	assert_int_equal(all.bytes, 44);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
