/* Damaged segments, copies that differ, bytes that are missing: what the receiver took, and when
 * that can be said. */
#include "rig.h"

#include <stdlib.h>

static const enum bm_checksum GOOD = BM_CHECKSUM_VALID, BAD = BM_CHECKSUM_INVALID;

static void
send_bad(struct rig *r, unsigned way, uint32_t seq, uint32_t ack, const char *text)
{
	r->checksum = BAD;
	rig_text(r, way, seq, ack, text);
	r->checksum = GOOD;
}

static void
test_mended_by_tcp(void **state)
{
	(void)state;
	for (unsigned unstable = 0; unstable < 2; unstable++) {
		struct rig r = {.unstable = unstable != 0, .keep = true};
		struct bm_span copy[2];

		rig_open(&r);
		rig_shake(&r);
		rig_text(&r, F, 1, 1, "good");
		send_bad(&r, F, 5, 1, "xAmaged");
		rig_text(&r, F, 12, 1, "later");
		/* The receiver repeats itself: it has not taken the damaged one, however long that lasts.
		 */
		r.ts_ns += 60000000000u;
		rig_send(&r, B, "A", 1, 5, NULL, 0);
		rig_send(&r, B, "A", 1, 5, NULL, 0);
		rig_log(&r, "F+4");
		rig_text(&r, F, 5, 1, "damaged");
		rig_log(&r, "F=4+2I F+12");
		rig_got(&r, 0, F, "gooddamagedlater");
		struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
		assert_int_equal(bm_stream_copies(s, 0, 16, copy, 2), 1);
		assert_int_equal(copy[0].off, 4);
		assert_int_equal(copy[0].packet, 5);
		assert_int_equal(copy[0].packet_off, HEADERS);
		assert_memory_equal(copy[0].data.p, "xA", 2);
		assert_int_equal(copy[0].checksum, BAD);
		assert_int_equal(bm_stream_copies(s, 5, 11, copy, 1), 1);
		assert_int_equal(copy[0].off, 5);
		assert_int_equal(copy[0].packet_off, HEADERS + 1);
		assert_int_equal(bm_stream_copies(s, 6, 10, copy, 2), 0);
		bm_stream_release(s, 5);
		assert_int_equal(bm_stream_copies(s, 0, 16, copy, 2), 1);
		bm_stream_release(s, 6);
		assert_int_equal(bm_stream_copies(s, 0, 16, copy, 2), 0);
		assert_int_equal(bm_stream_checksums(s)[BAD], 1);
		assert_int_equal(bm_stream_checksums(s)[GOOD], 3);
		rig_close(&r);
	}
}

static void
expect_invalid(void *ctx, const struct bm_span *s)
{
	if (s->checksum == BAD)
		++*(unsigned *)ctx;
}

static void
test_taken_all_the_same(void **state)
{
	(void)state;
	unsigned invalid = 0;
	struct rig r = {.on_span = expect_invalid, .ctx = &invalid, .keep = true};

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "good");
	send_bad(&r, F, 5, 1, "bad");
	rig_send(&r, B, "A", 1, 5, NULL, 0);
	rig_log(&r, "F+4");
	/* Acknowledged: the receiver's stack did not look. Before the answer that it comes with. */
	rig_text(&r, B, 1, 8, "alert");
	rig_log(&r, "F+3 B+5");
	assert_int_equal(invalid, 1);
	/* A good copy afterwards is only a copy. */
	rig_text(&r, F, 5, 6, "bar");
	rig_log(&r, "F=6+1V");
	/* The peer acknowledges, and never acknowledged this: at the end it is a gap. */
	r.checksum = BAD;
	rig_send(&r, F, "FA", 8, 6, "last", 4);
	rig_log(&r, "");
	bm_tcp_finish(r.t);
	rig_log(&r, "F?4 end");
	assert_int_equal(invalid, 1);
	rig_close(&r);
}

static void
test_one_direction_only(void **state)
{
	(void)state;
	struct rig r = {0};

	/* No acknowledgements captured: three seconds. */
	rig_open(&r);
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_text(&r, F, 1, 1, "good");
	send_bad(&r, F, 5, 1, "bad");
	r.ts_ns += 2900000000u;
	rig_text(&r, F, 8, 1, "x");
	rig_log(&r, "F+4");
	r.ts_ns += 200000000u;
	rig_text(&r, F, 9, 1, "y");
	rig_log(&r, "F+5");
	/* Or 256 KiB behind it. */
	send_bad(&r, F, 10, 1, "bad");
	char *big = calloc(1, 60000);
	for (uint32_t i = 0; i < 4; i++)
		rig_send(&r, F, "A", 13 + i * 60000, 1, big, 60000);
	rig_log(&r, "");
	rig_send(&r, F, "A", 13 + 4 * 60000, 1, big, 60000);
	rig_log(&r, "F+300003");
	free(big);
	rig_close(&r);
}

static void
count_states(void *ctx, const struct bm_span *s)
{
	((unsigned *)ctx)[s->checksum]++;
}

static void
test_offloaded_direction(void **state)
{
	(void)state;
	unsigned n[4] = {0};
	struct rig r = {.on_span = count_states, .ctx = n};

	/* Nothing of the sender's side is right: taken before the sums were filled in. */
	r.checksum = BAD;
	rig_open(&r);
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	r.checksum = GOOD;
	rig_send(&r, B, "SA", 0, 1, NULL, 0);
	r.checksum = BAD;
	rig_send(&r, F, "A", 1, 1, NULL, 0);
	rig_text(&r, F, 1, 1, "hello");
	rig_log(&r, "F+5");
	r.checksum = GOOD;
	rig_text(&r, B, 1, 6, "answer");
	rig_log(&r, "B+6");
	r.checksum = BAD;
	rig_send(&r, F, "FA", 6, 7, NULL, 0);
	rig_log(&r, "F.");
	assert_int_equal(n[BM_CHECKSUM_OFFLOADED], 1);
	assert_int_equal(n[BM_CHECKSUM_VALID], 1);
	rig_close(&r);

	/* Only what carries data is wrong, and hardly any of that is right. */
	struct rig a = {.on_span = count_states, .ctx = memset(n, 0, sizeof n), .keep = true};
	rig_open(&a);
	rig_shake(&a);
	rig_text(&a, F, 1, 1, "a");
	for (uint32_t i = 0; i < 10; i++)
		send_bad(&a, F, 2 + i, 1, "b");
	rig_log(&a, "F+1 F+10");
	send_bad(&a, F, 12, 1, "b");
	send_bad(&a, F, 13, 1, "b");
	rig_log(&a, "F+1 F+1");
	assert_int_equal(a.got[0][F].n, 13);
	assert_int_equal(n[BAD], 0);
	assert_int_equal(n[BM_CHECKSUM_OFFLOADED], 12);
	/* Judged with the whole direction in view: many good ones turn it. */
	for (uint32_t i = 0; i < 10; i++)
		rig_text(&a, F, 14 + i, 1, "c");
	struct bm_span span;
	assert_int_equal(bm_stream_spans(bm_flow_stream(a.flow[0], BM_FORWARD), 3, 1, &span, 1), 1);
	assert_int_equal(span.checksum, BAD);
	rig_close(&a);
}

/* A capture at a receiver that joins segments: some sums are right, and of those that were joined
 * none was made. */
static void
test_joined_segments(void **state)
{
	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		struct rig r = {.keep = true};
		struct bm_span copy[2];

		rig_open(&r);
		rig_shake(&r);
		for (uint32_t i = 0; i < 8; i++)
			rig_text(&r, F, 1 + 4 * i, 1, "good");
		r.checksum = BM_CHECKSUM_OFFLOADED;
		rig_text(&r, F, 33, 1, wide ? "joined" : "join");
		r.checksum = GOOD;
		rig_text(&r, F, 33, 1, wide ? "JOINED" : "JOIN");
		/* No wider than the others it may have been damaged, and was sent again. */
		rig_got(&r, 0, F,
			wide ? "goodgoodgoodgoodgoodgoodgoodgoodjoined"
				 : "goodgoodgoodgoodgoodgoodgoodgoodJOIN");
		struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
		assert_int_equal(bm_stream_copies(s, 0, 40, copy, 2), 1);
		rig_close(&r);
	}
}

static void
test_damaged_headers(void **state)
{
	(void)state;
	struct rig r = {0};

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "a");
	/* Sequence numbers out of reach, acknowledgements, SYN: nothing of that counts. */
	send_bad(&r, F, 0x40000000u, 1, "garbage");
	send_bad(&r, F, 0xc0000000u, 1, "garbage");
	send_bad(&r, B, 1, 500, "garbage");
	r.checksum = BAD;
	rig_send(&r, F, "S", 77777, 0, NULL, 0);
	r.checksum = GOOD;
	rig_text(&r, F, 2, 1, "b");
	rig_text(&r, B, 1, 3, "clean");
	rig_log(&r, "F+1 F+1 B=0+5I B+5");
	send_bad(&r, F, 3, 6, "cxx");
	send_bad(&r, B, 6, 6, "yes");
	rig_text(&r, F, 3, 6, "cde");
	rig_log(&r, "B=5+1I F=3+2I F+3");
	/* Unknown flows: no reset or bare FIN opens one. */
	r.port[0]++;
	r.checksum = BAD;
	rig_send(&r, F, "FA", 1, 1, NULL, 0);
	r.checksum = GOOD;
	rig_send(&r, F, "R", 1, 1, NULL, 0);
	assert_int_equal(bm_tcp_stats(r.t)->flows, 1);
	rig_close(&r);
}

static void
test_copies(void **state)
{
	(void)state;
	struct rig r = {.keep = true};
	struct bm_span copy;

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "abcdefgh");
	rig_text(&r, F, 1, 1, "abcdefgh");
	rig_text(&r, F, 3, 1, "cdefghij");
	rig_log(&r, "F+8 F+2");
	rig_text(&r, F, 5, 1, "eXgYij12");
	rig_log(&r, "F=5+3V F+2");
	rig_got(&r, 0, F, "abcdefghij12");
	struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
	assert_int_equal(bm_stream_copies(s, 6, 2, &copy, 1), 1);
	assert_memory_equal(copy.data.p, "gY", 2);
	/* The same again is told, and kept once. */
	rig_text(&r, F, 5, 1, "eXgYij12");
	rig_log(&r, "F=5+3V");
	assert_int_equal(bm_stream_copies(s, 0, 12, &copy, 1), 1);
	assert_int_equal(bm_tcp_stats(r.t)->differing, 2);
	/* Of bytes that are gone every copy is told of. */
	bm_stream_release(s, 6);
	rig_text(&r, F, 1, 1, "abcdefgh");
	rig_log(&r, "F=0+6V");
	/* A flood of different copies is bounded. */
	r.quiet = r.unstable = true;
	for (unsigned i = 0; i < 5000; i++) {
		char text[] = {(char)('A' + i % 50), (char)('A' + i / 50), '\0'};
		rig_text(&r, F, 9, 1, text);
	}
	assert_int_equal(bm_stream_copies(s, 0, 20, NULL, 0), 64);
	rig_close(&r);
}

static void
test_overlaps_out_of_order(void **state)
{
	(void)state;
	struct rig r = {0};

	/* The first good copy stays, bytes that only a later one has are added around it. */
	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 5, 1, "55");
	rig_text(&r, F, 9, 1, "99");
	rig_text(&r, F, 4, 1, "4xx78xxB");
	rig_log(&r, "F=4+2V F=8+2V");
	send_bad(&r, F, 12, 1, "qqqq");
	rig_text(&r, F, 13, 1, "dd");
	rig_log(&r, "F=12+2I");
	rig_text(&r, F, 1, 1, "123");
	rig_log(&r, "F+11");
	rig_got(&r, 0, F, "1234557899B");
	rig_text(&r, F, 12, 1, "cddf");
	rig_log(&r, "F=11+1I F=14+1I F+4");
	rig_got(&r, 0, F, "1234557899Bcddf");
	rig_close(&r);
}

static void
test_gaps(void **state)
{
	(void)state;
	struct rig r = {0};

	rig_open(&r);
	rig_shake(&r);
	/* The first bytes are missing; the peer has them. Nothing is given up at once. */
	rig_text(&r, F, 11, 1, "abc");
	rig_send(&r, B, "A", 1, 14, NULL, 0);
	rig_log(&r, "");
	r.ts_ns += 1100000000u;
	rig_text(&r, F, 14, 1, "def");
	rig_log(&r, "F?10 F+6");
	assert_int_equal(bm_stream_gaps(bm_flow_stream(r.flow[0], BM_FORWARD)), 1);
	/* Captured late, after the acknowledgement, within the second. */
	rig_text(&r, F, 18, 1, "hij");
	rig_send(&r, B, "A", 1, 21, NULL, 0);
	rig_text(&r, F, 17, 1, "g");
	rig_log(&r, "F+4");
	/* Many segments later. */
	for (uint32_t i = 0; i < 40; i++)
		rig_text(&r, F, 24 + i, 1, "z");
	rig_log(&r, "");
	rig_send(&r, B, "A", 1, 25, NULL, 0);
	rig_log(&r, "F?3 F+40");
	/* What is missing comes after all: nothing. */
	rig_text(&r, F, 21, 1, "klm");
	rig_log(&r, "F=20+3V");
	/* The end is missing: acknowledged, and a FIN behind a hole. */
	rig_send(&r, B, "A", 1, 70, NULL, 0);
	rig_send(&r, F, "FA", 80, 1, NULL, 0);
	rig_log(&r, "");
	rig_send(&r, B, "A", 1, 81, NULL, 0);
	rig_text(&r, B, 1, 81, "x");
	rig_send(&r, F, "A", 81, 50, NULL, 0);
	rig_log(&r, "B+1");
	bm_tcp_finish(r.t);
	rig_log(&r, "F?16 F. B?48 end");
	assert_int_equal(bm_tcp_stats(r.t)->gaps, 4);
	rig_close(&r);

	/* A side of which only the SYN was captured. */
	struct rig a = {0};
	rig_open(&a);
	rig_shake(&a);
	rig_send(&a, B, "A", 1, 300, NULL, 0);
	bm_tcp_finish(a.t);
	rig_log(&a, "F?299 end");
	rig_close(&a);
}

static void
test_silent_peer_gap(void **state)
{
	(void)state;
	struct rig r = {0};

	rig_open(&r);
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_text(&r, F, 11, 1, "abc");
	r.ts_ns += 4900000000u;
	rig_text(&r, F, 14, 1, "d");
	rig_log(&r, "");
	r.ts_ns += 200000000u;
	rig_text(&r, F, 15, 1, "e");
	rig_log(&r, "F?10 F+5");
	/* A peer that acknowledges, but not this, waits for it: so do we. */
	rig_text(&r, F, 20, 1, "x");
	rig_send(&r, B, "SA", 0, 16, NULL, 0);
	r.ts_ns += 60000000000u;
	rig_text(&r, F, 21, 1, "y");
	rig_log(&r, "");
	rig_text(&r, F, 16, 1, "1234");
	rig_log(&r, "F+6");
	rig_close(&r);
}

static void
test_snaplen(void **state)
{
	(void)state;
	struct rig r = {.keep = true};

	rig_open(&r);
	rig_shake(&r);
	r.checksum = BM_CHECKSUM_UNKNOWN;
	r.cut = 6;
	rig_text(&r, F, 1, 1, "abcdefghij");
	rig_text(&r, F, 11, 1, "klmnopqrst");
	rig_log(&r, "F+4 F?6 F+4 F?6");
	r.cut = 10;
	rig_text(&r, F, 21, 1, "uvwxyz1234");
	rig_log(&r, "F?10");
	struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
	assert_int_equal(bm_stream_gap(s, 14), 16);
	assert_int_equal(bm_stream_gap(s, 20), 10);
	assert_int_equal(bm_stream_gaps(s), 2);
	assert_int_equal(bm_stream_avail(s, 10), 4);
	assert_int_equal(bm_stream_avail(s, 4), 0);
	assert_int_equal(bm_stream_spans(s, 2, 4, NULL, 0), 0);
	assert_null(bm_stream_peek(s, 2, 4));
	/* Of a held segment the missing part may still come. */
	r.cut = 2;
	rig_text(&r, F, 33, 1, "abcd");
	r.cut = 0;
	rig_text(&r, F, 35, 1, "cd");
	rig_text(&r, F, 31, 1, "__");
	rig_log(&r, "F+6");
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mended_by_tcp),
		cmocka_unit_test(test_taken_all_the_same), cmocka_unit_test(test_one_direction_only),
		cmocka_unit_test(test_offloaded_direction), cmocka_unit_test(test_joined_segments),
		cmocka_unit_test(test_damaged_headers), cmocka_unit_test(test_copies),
		cmocka_unit_test(test_overlaps_out_of_order), cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_silent_peer_gap), cmocka_unit_test(test_snaplen)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
