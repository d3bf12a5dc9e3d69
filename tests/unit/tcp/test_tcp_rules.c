/* What a connection's segments mean: beginnings, ends, ports used again (RFC 9293, section 3.10).
 */
#include "rig.h"

static void
test_plain(void **state)
{
	(void)state;
	struct rig r = {.isn = {1000, 0xfffffff0u}};

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "hello");
	rig_text(&r, B, 1, 6, "a longer answer that wraps");
	rig_log(&r, "F+5 B+26");
	assert_true(bm_flow_saw_syn(r.flow[0], BM_FORWARD) && bm_flow_saw_syn(r.flow[0], BM_BACKWARD));
	assert_int_equal(bm_flow_ttl(r.flow[0], BM_FORWARD), 60);
	assert_int_equal(bm_flow_ttl(r.flow[0], BM_BACKWARD), 61);
	assert_int_equal(bm_flow_source(r.flow[0], BM_FORWARD)->port, 40000);
	assert_int_equal(bm_flow_source(r.flow[0], BM_BACKWARD)->port, 443);
	assert_int_equal(bm_flow_last_ts(r.flow[0]), r.ts_ns);
	assert_int_equal(bm_stream_acked(bm_flow_stream(r.flow[0], BM_FORWARD)), 5);
	assert_int_equal(bm_stream_acked(bm_flow_stream(r.flow[0], BM_BACKWARD)), 0);
	rig_send(&r, F, "FA", 6, 27, "bye", 3);
	rig_log(&r, "F+3 F.");
	assert_int_equal(bm_stream_acked(bm_flow_stream(r.flow[0], BM_BACKWARD)), 26);
	/* Half closed: the other side still talks; what comes behind a FIN does not count. */
	rig_text(&r, B, 27, 10, "more");
	rig_text(&r, F, 10, 31, "zombie");
	rig_send(&r, B, "FA", 31, 10, NULL, 0);
	rig_log(&r, "B+4 B.");
	rig_got(&r, 0, F, "hellobye");
	bm_tcp_finish(r.t);
	rig_log(&r, "end");
	rig_close(&r);
}

static void
test_beginnings(void **state)
{
	(void)state;
	struct rig r = {.isn = {7, 9}};

	/* Bytes behind a FIN that comes later do not count either. */
	struct rig c = {.isn = {7, 9}};
	rig_open(&c);
	rig_shake(&c);
	rig_text(&c, F, 6, 1, "fgh");
	rig_text(&c, F, 12, 1, "nothing");
	rig_send(&c, F, "FA", 8, 1, NULL, 0);
	rig_text(&c, F, 1, 1, "abcde");
	rig_log(&c, "F+7 F.");
	bm_tcp_finish(c.t);
	rig_log(&c, "end");
	rig_close(&c);

	/* SYN sent again, SYN with ACK sent again, data with a FIN at once. */
	rig_open(&r);
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_send(&r, B, "SA", 0, 1, NULL, 0);
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_send(&r, B, "SA", 0, 1, NULL, 0);
	rig_send(&r, F, "FA", 1, 1, "x", 1);
	rig_log(&r, "F+1 F.");
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_log(&r, "");
	bm_tcp_finish(r.t);
	rig_log(&r, "end");
	rig_close(&r);

	/* SYN with ACK first: its sender answers. */
	struct rig a = {.isn = {7, 9}};
	rig_open(&a);
	rig_send(&a, B, "SA", 0, 1, NULL, 0);
	rig_text(&a, B, 1, 1, "220");
	rig_text(&a, F, 1, 4, "EHLO");
	rig_log(&a, "B+3 F+4");
	assert_int_equal(bm_flow_source(a.flow[0], BM_FORWARD)->port, 40000);
	rig_close(&a);

	/* Both open at once (RFC 9293, figure 7). */
	struct rig b = {.isn = {7, 9}};
	rig_open(&b);
	rig_send(&b, F, "S", 0, 0, NULL, 0);
	rig_send(&b, B, "S", 0, 0, NULL, 0);
	rig_send(&b, B, "SA", 0, 1, NULL, 0);
	rig_send(&b, F, "SA", 0, 1, NULL, 0);
	rig_text(&b, F, 1, 1, "one");
	rig_text(&b, B, 1, 4, "two");
	rig_log(&b, "F+3 B+3");
	rig_close(&b);
}

static void
test_fast_open(void **state)
{
	(void)state;
	struct rig r = {.isn = {7, 9}};

	/* RFC 7413: data on the SYN is taken when it is acknowledged. */
	rig_open(&r);
	rig_send(&r, F, "S", 0, 0, "early", 5);
	rig_log(&r, "");
	rig_send(&r, B, "SA", 0, 6, NULL, 0);
	rig_log(&r, "F+5");
	rig_text(&r, F, 6, 1, "late");
	rig_log(&r, "F+4");
	rig_close(&r);

	/* Not taken, sent again with other bytes: those are the stream. */
	struct rig a = {.isn = {7, 9}};
	rig_open(&a);
	rig_send(&a, F, "S", 0, 0, "early", 5);
	rig_send(&a, B, "SA", 0, 1, NULL, 0);
	rig_log(&a, "");
	rig_text(&a, F, 1, 1, "EARLYlate");
	rig_log(&a, "F=0+5V F+9");
	rig_got(&a, 0, F, "EARLYlate");
	rig_close(&a);
}

static void
test_joined_late(void **state)
{
	(void)state;
	struct rig r = {.isn = {5000, 9000}};

	/* No SYN, the first segments out of order: the lowest is the beginning. */
	rig_open(&r);
	rig_text(&r, F, 104, 50, "cc");
	rig_text(&r, F, 102, 50, "bb");
	rig_text(&r, F, 100, 50, "aa");
	rig_text(&r, F, 106, 50, "dd");
	rig_log(&r, "");
	r.ts_ns += 30000000;
	rig_text(&r, F, 108, 50, "ee");
	rig_log(&r, "F+10");
	rig_got(&r, 0, F, "aabbccddee");
	assert_int_equal(bm_stream_base(bm_flow_stream(r.flow[0], BM_FORWARD)), 10);
	assert_false(bm_flow_saw_syn(r.flow[0], BM_FORWARD));
	/* The other side's acknowledgement tells where its bytes begin. */
	rig_text(&r, B, 50, 110, "xx");
	rig_log(&r, "B+2");
	/* What lies before the beginning has no offset. */
	rig_text(&r, F, 90, 50, "zz");
	rig_log(&r, "");
	rig_close(&r);

	/* A SYN captured behind its data. */
	struct rig a = {.isn = {5000, 9000}};
	rig_open(&a);
	rig_text(&a, F, 1, 1, "GET");
	rig_send(&a, F, "S", 0, 0, NULL, 0);
	rig_text(&a, F, 4, 1, " /");
	rig_log(&a, "F+5");
	assert_true(bm_flow_saw_syn(a.flow[0], BM_FORWARD));
	rig_close(&a);

	/* The sender's own bare ACK tells where it stands. */
	struct rig c = {.isn = {5000, 9000}};
	rig_open(&c);
	rig_send(&c, F, "A", 100, 50, NULL, 0);
	rig_text(&c, F, 100, 50, "data");
	rig_log(&c, "F+4");
	rig_close(&c);

	/* A keep-alive with its garbage octet is no beginning. */
	struct rig b = {.isn = {5000, 9000}};
	rig_open(&b);
	rig_send(&b, F, "A", 99, 50, "\0", 1);
	rig_send(&b, B, "A", 50, 100, NULL, 0);
	rig_text(&b, F, 100, 50, "data");
	rig_log(&b, "F+4");
	rig_close(&b);
}

static void
test_probes(void **state)
{
	(void)state;
	struct rig r = {0};

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "abc");
	/* Keep-alives, with and without an octet (RFC 9293, section 3.8.4). */
	rig_send(&r, F, "A", 3, 1, NULL, 0);
	rig_send(&r, F, "A", 3, 1, "\0", 1);
	rig_send(&r, F, "A", 3, 1, "\0", 1);
	rig_log(&r, "F+3");
	/* A probe of a closed window carries the next octet, again and again (section 3.8.6.1). */
	rig_send(&r, F, "A", 4, 1, "d", 1);
	rig_send(&r, F, "A", 4, 1, "d", 1);
	rig_text(&r, F, 4, 1, "def");
	rig_log(&r, "F+1 F=3+1V F+2");
	rig_got(&r, 0, F, "abcdef");
	rig_close(&r);
}

static void
test_reset(void **state)
{
	(void)state;
	struct rig r = {0};

	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "abc");
	/* Far from the window, and from a damaged segment: no reset (RFC 5961). */
	rig_send(&r, F, "R", 900000, 0, NULL, 0);
	rig_send(&r, F, "R", 0x80000000u, 0, NULL, 0);
	r.checksum = BM_CHECKSUM_INVALID;
	rig_send(&r, F, "R", 4, 0, NULL, 0);
	rig_send(&r, F, "FA", 4, 1, NULL, 0);
	r.checksum = BM_CHECKSUM_VALID;
	rig_text(&r, F, 4, 1, "def");
	rig_log(&r, "F+3 F+3");
	rig_send(&r, F, "R", 7, 0, "why", 3);
	rig_log(&r, "F!");
	rig_text(&r, F, 7, 1, "ghost");
	rig_text(&r, B, 1, 7, "in flight");
	rig_log(&r, "B+9");
	bm_tcp_finish(r.t);
	rig_log(&r, "end");
	rig_close(&r);

	/* Refused: the reset comes from a side that never spoke. */
	struct rig a = {.isn = {77, 0}};
	rig_open(&a);
	rig_send(&a, F, "S", 0, 0, NULL, 0);
	rig_send(&a, B, "RA", 0, 1, NULL, 0);
	rig_log(&a, "B!");
	a.isn[0] = 500000;
	rig_send(&a, F, "S", 0, 0, NULL, 0);
	rig_log(&a, "end");
	rig_close(&a);
}

static void
test_ports_again(void **state)
{
	(void)state;
	struct rig r = {.isn = {1000, 2000}};

	/* After both FINs a SYN opens another connection; late segments belong to the old one. */
	rig_open(&r);
	rig_shake(&r);
	rig_send(&r, F, "FA", 1, 1, "one", 3);
	rig_send(&r, B, "FA", 1, 5, NULL, 0);
	rig_send(&r, F, "A", 5, 2, NULL, 0);
	rig_log(&r, "F+3 F. B.");
	r.isn[0] = 0x90000000u;
	r.isn[1] = 0x50000000u;
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_log(&r, "end");
	rig_send(&r, B, "SA", 0, 1, NULL, 0);
	rig_text(&r, F, 1, 1, "second");
	rig_log(&r, "1:F+6");
	/* The end was not captured: a SYN alone changes nothing, its answer does. */
	uint32_t old = r.isn[0];
	r.isn[0] = 0x12345678u;
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_log(&r, "");
	r.isn[0] = old;
	rig_text(&r, F, 7, 1, "still here");
	rig_log(&r, "1:F+10");
	r.isn[0] = 0x12345678u;
	r.isn[1] = 0x7000;
	rig_send(&r, F, "S", 0, 0, NULL, 0);
	rig_send(&r, B, "SA", 0, 1, NULL, 0);
	rig_log(&r, "1:end");
	rig_text(&r, F, 1, 1, "third");
	rig_text(&r, B, 1, 6, "yes");
	rig_log(&r, "2:F+5 2:B+3");
	assert_int_equal(bm_flow_source(r.flow[2], BM_FORWARD)->port, 40000);
	assert_true(bm_flow_saw_syn(r.flow[2], BM_FORWARD));
	/* Neither end nor beginning captured: three segments far off. */
	r.isn[0] = 0xc0000000u;
	rig_text(&r, F, 1, 1, "a");
	rig_text(&r, F, 2, 1, "b");
	rig_log(&r, "");
	rig_text(&r, F, 3, 1, "c");
	rig_log(&r, "2:end");
	bm_tcp_finish(r.t);
	rig_log(&r, "3:F+1 3:end");
	rig_close(&r);

	/* A SYN with another number before anything was said, from either side. */
	struct rig a = {.isn = {1, 1}};
	rig_open(&a);
	rig_send(&a, F, "S", 0, 0, NULL, 0);
	a.isn[0] = 0x40000000u;
	rig_send(&a, F, "S", 0, 0, NULL, 0);
	rig_log(&a, "end");
	rig_send(&a, B, "SA", 0, 1, NULL, 0);
	rig_text(&a, F, 1, 1, "q");
	rig_log(&a, "1:F+1");
	rig_close(&a);
}

/* Two answers to one SYN: the one that is acknowledged holds. */
static void
test_two_answers(void **state)
{
	(void)state;
	for (unsigned second = 0; second < 2; second++) {
		struct rig r = {.isn = {10, 0x11110000u}};

		rig_open(&r);
		rig_send(&r, F, "S", 0, 0, "hello", 5);
		rig_send(&r, B, "SA", 0, 1, NULL, 0);
		r.isn[1] = 0xbbbb0000u;
		rig_send(&r, B, "SA", 0, 1, NULL, 0);
		if (second == 0)
			r.isn[1] = 0x11110000u;
		rig_text(&r, F, 1, 1, "hello");
		rig_text(&r, B, 1, 6, "welcome");
		rig_log(&r, "F+5 B+7");
		rig_close(&r);
	}
}

static void
test_same_names(void **state)
{
	(void)state;
	struct rig r = {0};

	/* Tunnel, site and transport are part of a flow's name. */
	rig_open(&r);
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "a");
	rig_log(&r, "F+1");
	r.tunnel = 5;
	rig_shake(&r);
	rig_text(&r, F, 1, 1, "bb");
	rig_log(&r, "1:F+2");
	r.tunnel = 0;
	r.site = 1;
	rig_text(&r, F, 1, 1, "ccc");
	r.transport = BM_UDP;
	rig_send(&r, F, "", 0, 0, "udp", 3);
	rig_send(&r, B, "", 0, 0, "answer", 6);
	rig_log(&r, "3:Fu3 3:Bu6");
	assert_int_equal(r.datagrams, 2);
	assert_int_equal(bm_tcp_stats(r.t)->flows, 4);
	bm_tcp_finish(r.t);
	rig_log(&r, "end 1:end 2:F+3 2:end 3:end");
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain),
		cmocka_unit_test(test_beginnings), cmocka_unit_test(test_fast_open),
		cmocka_unit_test(test_joined_late), cmocka_unit_test(test_probes),
		cmocka_unit_test(test_reset), cmocka_unit_test(test_ports_again),
		cmocka_unit_test(test_two_answers), cmocka_unit_test(test_same_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
