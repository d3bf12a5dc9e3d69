/* Caps, ages and hostile input: memory and time stay bounded, and what was given up is told. */
#include "rig.h"

#include <stdlib.h>
#include <time.h>

static const char zeros[1 << 16];

static void
test_flow_memory(void **state)
{
	(void)state;
	for (unsigned unstable = 0; unstable < 2; unstable++) {
		struct rig r = {.o = {.flow_memory = 10000}, .keep = true, .unstable = unstable != 0};

		/* Nobody releases: the oldest bytes become a gap. */
		rig_open(&r);
		rig_shake(&r);
		r.quiet = true;
		for (uint32_t i = 0; i < 100; i++)
			rig_send(&r, F, "A", 1 + i * 1000, 1, zeros, 1000);
		struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
		uint64_t gap = bm_stream_gap(s, 0);
		assert_true(gap >= 90000 && gap < 92000);
		assert_int_equal(bm_stream_base(s), 0);
		assert_int_equal(bm_stream_avail(s, gap), 100000 - gap);
		assert_int_equal(bm_stream_gap(s, 1234), gap - 1234);
		assert_int_equal(bm_tcp_stats(r.t)->dropped_bytes, gap);
		bm_stream_release(s, 99999);
		assert_int_equal(bm_stream_base(s), 99999);
		rig_close(&r);

		/* A hole in front of more than may be held is declared, though the receiver still waits. */
		struct rig a = {.o = {.flow_memory = 10000}, .unstable = unstable != 0};
		rig_open(&a);
		rig_shake(&a);
		for (uint32_t i = 0; i < 12; i++) {
			rig_send(&a, F, "A", 11 + i * 1000, 1, zeros, 1000);
			rig_send(&a, B, "A", 1, 1, NULL, 0);
		}
		rig_log(&a, "F?10 F+10000 F+1000 F+1000");
		/* Of two holes only the first. */
		rig_send(&a, F, "A", 12111, 1, zeros, 6000);
		rig_send(&a, F, "A", 18211, 1, zeros, 5000);
		rig_log(&a, "F?100 F+6000");
		rig_close(&a);
	}
}

/* What was read and is kept for a second look gives way first, and without a gap. */
static void
test_spare(void **state)
{
	(void)state;
	struct rig r = {.o = {.flow_memory = 10000}, .keep = true, .quiet = true};

	rig_open(&r);
	rig_shake(&r);
	for (uint32_t i = 0; i < 100; i++) {
		rig_send(&r, F, "A", 1 + i * 1000, 1, zeros, 1000);
		bm_stream_spare(bm_flow_stream(r.flow[0], BM_FORWARD), i * 1000);
	}
	struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
	assert_int_equal(bm_tcp_stats(r.t)->dropped_bytes, 0);
	assert_int_equal(bm_stream_gaps(s), 0);
	assert_true(bm_stream_base(s) > 80000);
	assert_int_equal(bm_stream_avail(s, 99000), 1000);
	/* Nothing is spared that is not read. */
	bm_stream_spare(s, 1000000);
	assert_int_equal(bm_stream_avail(s, 99000), 1000);
	rig_close(&r);

	struct rig t = {.o = {.total_memory = 20000}, .keep = true, .quiet = true, .unstable = true};
	rig_open(&t);
	for (unsigned flow = 0; flow < 3; flow++) {
		t.port[0]++;
		rig_shake(&t);
		t.quiet = true;
		rig_send(&t, F, "A", 1, 1, zeros, 9000);
		bm_stream_spare(bm_flow_stream(t.flow[flow], BM_FORWARD), 9000);
	}
	assert_int_equal(bm_tcp_stats(t.t)->dropped_bytes, 0);
	rig_close(&t);
}

static void
test_total_memory(void **state)
{
	(void)state;
	struct rig r = {.o = {.total_memory = 20000}, .keep = true, .unstable = true};

	/* The flow that has held on longest gives way. */
	rig_open(&r);
	for (unsigned flow = 0; flow < 3; flow++) {
		r.port[0]++;
		rig_send(&r, F, "S", 0, 0, NULL, 0);
		rig_send(&r, F, "A", 1, 1, zeros, 9000);
		if (flow < 2)
			rig_send(&r, F, "A", 9002, 1, zeros, 100); /* held behind a hole */
	}
	assert_int_equal(bm_stream_gap(bm_flow_stream(r.flow[0], BM_FORWARD), 0), 9000);
	assert_int_equal(bm_stream_avail(bm_flow_stream(r.flow[1], BM_FORWARD), 0), 9000);
	assert_int_equal(bm_stream_avail(bm_flow_stream(r.flow[2], BM_FORWARD), 0), 9000);
	assert_int_equal(bm_tcp_stats(r.t)->dropped_bytes, 9100);
	/* Released, there is room again. */
	bm_stream_release(bm_flow_stream(r.flow[1], BM_FORWARD), 9000);
	bm_stream_release(bm_flow_stream(r.flow[2], BM_FORWARD), 9000);
	rig_send(&r, F, "A", 9001, 1, zeros, 15000);
	assert_int_equal(bm_stream_avail(bm_flow_stream(r.flow[2], BM_FORWARD), 9000), 15000);
	assert_int_equal(bm_tcp_stats(r.t)->dropped_bytes, 9100);
	/* Who let go and holds again is the youngest. */
	bm_stream_release(bm_flow_stream(r.flow[2], BM_FORWARD), 24000);
	r.port[0]--;
	rig_send(&r, F, "A", 9001, 1, zeros, 6000);
	r.port[0]++;
	rig_send(&r, F, "A", 24001, 1, zeros, 15000);
	assert_int_equal(bm_stream_gap(bm_flow_stream(r.flow[1], BM_FORWARD), 9000), 6000);
	assert_int_equal(bm_stream_avail(bm_flow_stream(r.flow[2], BM_FORWARD), 24000), 15000);
	assert_int_equal(bm_tcp_stats(r.t)->dropped_bytes, 15100);
	rig_close(&r);
}

static void
open_one(struct rig *r, uint16_t port)
{
	r->port[0] = port;
	rig_send(r, F, "S", 0, 0, NULL, 0);
}

static void
test_most_flows(void **state)
{
	(void)state;
	struct rig r = {.o = {.max_flows = 3}};

	rig_open(&r);
	for (uint16_t i = 0; i < 3; i++)
		open_one(&r, (uint16_t)(1000 + i));
	r.port[0] = 1000;
	rig_send(&r, F, "A", 1, 1, NULL, 0); /* used again */
	open_one(&r, 1003);
	rig_log(&r, "1:end");
	assert_int_equal(bm_tcp_stats(r.t)->evicted_flows, 1);
	/* One that is over goes first, and is not given up early. */
	r.port[0] = 1003;
	rig_send(&r, B, "RA", 0, 1, NULL, 0);
	rig_log(&r, "3:B!");
	open_one(&r, 1004);
	rig_log(&r, "3:end");
	assert_int_equal(bm_tcp_stats(r.t)->evicted_flows, 1);
	bm_tcp_finish(r.t);
	rig_log(&r, "end 2:end 4:end");
	rig_close(&r);
}

static void
test_age(void **state)
{
	(void)state;
	uint64_t second = 1000000000u;
	struct rig r = {.ts_ns = 1000000 * second};

	rig_open(&r);
	open_one(&r, 1);
	open_one(&r, 2);
	rig_send(&r, B, "RA", 0, 1, NULL, 0);
	rig_log(&r, "1:B!");
	/* Over: lingers for half a minute. */
	r.ts_ns += 31 * second;
	open_one(&r, 3);
	rig_log(&r, "1:end");
	for (unsigned i = 0; i < 16; i++) {
		r.ts_ns += 60 * second;
		r.port[0] = 3;
		rig_send(&r, F, "A", 1, 1, NULL, 0);
	}
	rig_log(&r, "end");
	/* One clock that is far off ends nothing, from both sides. */
	r.ts_ns += 1000000 * second;
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	r.ts_ns -= 1000000 * second;
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	uint64_t now = r.ts_ns;
	r.ts_ns = 0;
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	r.ts_ns = now;
	open_one(&r, 4);
	rig_log(&r, "");
	/* A second one confirms it; the flows that were seen then stay. */
	r.ts_ns += 1000 * second;
	r.port[0] = 3;
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	rig_log(&r, "3:end");
	/* A capture that goes back in time (pieces in any order) goes on. */
	r.ts_ns -= 5000 * second;
	open_one(&r, 5);
	r.ts_ns += second;
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	rig_log(&r, "");
	bm_tcp_finish(r.t);
	rig_log(&r, "2:end 4:end");
	rig_close(&r);
}

static void
test_ignored(void **state)
{
	(void)state;
	struct rig r = {.ignore = true, .unstable = true};

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, B, 2, 1, "held");
	rig_text(&r, F, 1, 1, "plain");
	rig_log(&r, "ignored");
	rig_text(&r, F, 6, 1, "more");
	rig_text(&r, B, 1, 1, "x");
	rig_text(&r, F, 1, 1, "PLAIN");
	rig_log(&r, "");
	rig_send(&r, F, "FA", 10, 1, NULL, 0);
	rig_send(&r, B, "FA", 6, 11, NULL, 0);
	/* Its ports used again are a new flow. */
	r.ignore = false;
	r.isn[0] = 0x60000000u;
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_text(&r, F, 1, 1, "TLS");
	rig_log(&r, "end 1:F+3");
	rig_close(&r);

	struct rig u = {.transport = BM_UDP};
	rig_open(&u);
	rig_send(&u, F, "", 0, 0, "q", 1);
	rig_log(&u, "Fu1");
	rig_close(&u);
}

/* Lots of flows: found again, ended in order, and none lost when neighbours go. */
static void
test_many_flows(void **state)
{
	(void)state;
	enum { MANY = 200000 };
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->quiet = true;
	r->o.max_flows = MANY / 2;
	r->transport = BM_UDP;
	rig_open(r);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			r->port[0] = (uint16_t)(i & 0xffff);
			r->tunnel = i >> 16;
			rig_send(r, round, "", 0, 0, "x", 1);
			rig_send(r, 1 - round, "", 0, 0, "y", 1);
		}
	}
	assert_int_equal(r->datagrams, 4 * MANY);
	assert_int_equal(bm_tcp_stats(r->t)->flows, 2 * MANY);
	assert_int_equal(bm_tcp_stats(r->t)->evicted_flows, 2 * MANY - MANY / 2);
	rig_close(r);
	free(r);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One octet at a time from behind, every other one missing, then wide segments over all of them. */
static void
test_hostile_order(void **state)
{
	(void)state;
	struct rig *r = calloc(1, sizeof *r);
	double start = seconds();

	assert_non_null(r);
	r->quiet = true;
	r->unstable = true;
	rig_open(r);
	rig_shake(r);
	for (uint32_t i = 0; i < 200000; i++)
		rig_send(r, F, "A", 500000 - 2 * (i % 200000), 1, zeros, 1);
	for (uint32_t i = 0; i < 2000; i++)
		rig_send(r, F, "A", 400000 + i % 2, 1, zeros, 65535);
	assert_true(seconds() - start < 20);
	assert_int_equal(r->status, BM_OK);
	rig_close(r);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_flow_memory),
		cmocka_unit_test(test_spare), cmocka_unit_test(test_total_memory),
		cmocka_unit_test(test_most_flows), cmocka_unit_test(test_age),
		cmocka_unit_test(test_ignored), cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_hostile_order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
