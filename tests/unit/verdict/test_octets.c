/* The octets of a failed record, received and sent: what is shown, how damage is undone, and when
 * nothing is said. */
#include "verdict/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const uint8_t record[] = "0123456789abcdef";
static struct bm_arena arena = {.max = 1 << 20};

struct asked {
	struct bm_case c;
	struct bm_finding f;
	struct bm_session_facts facts;
	struct bm_fragment fragments[2];
};

/* A record of ten octets, and what stands behind it, in two segments. */
static struct asked *
ask(void)
{
	static struct asked a;

	memset(&a, 0, sizeof a);
	a.c.record = (uint8_t *)(uintptr_t)record;
	a.c.region = 16;
	a.c.len = 10;
	a.fragments[0] = (struct bm_fragment){0, 6, 3, 66, BM_CHECKSUM_VALID, 0, 0, 0};
	a.fragments[1] = (struct bm_fragment){6, 10, 4, 70, BM_CHECKSUM_INVALID, 1, 0, 0};
	a.c.fragments = a.fragments;
	a.c.fragment_count = 2;
	return &a;
}

static void
change(struct asked *a, uint32_t off, uint32_t n, const char *sent)
{
	a->f.changes[a->f.change_count++] = (struct bm_change){.record_off = off,
		.received = bm_view(record + off, n),
		.sent = bm_view(sent, strlen(sent))};
}

static const struct bm_octets *
octets(const struct asked *a)
{
	struct bm_failure f = {0};

	assert_true(bm_verdict_octets(&a->c, &a->f, &a->facts, &arena, &f));
	return f.octets;
}

static void
is(struct bm_view v, const char *want)
{
	assert_int_equal(v.n, strlen(want));
	assert_memory_equal(v.p, want, v.n);
}

static void
test_record_alone(void **state)
{
	const struct bm_octets *o = octets(ask());

	(void)state;
	is(o->received, "0123456789");
	assert_false(o->sent_known);
	assert_int_equal(o->carrier_count, 2);
	assert_int_equal(o->carriers[0].length, 6);
	assert_int_equal(o->carriers[1].length, 4); /* not what is behind the record */
	assert_int_equal(o->carriers[1].record_offset, 6);
	assert_int_equal(o->carriers[1].packet, 4);
	assert_int_equal(o->carriers[1].packet_offset, 70);
	assert_string_equal(o->carriers[1].checksum, "invalid");
}

static void
test_changes(void **state)
{
	struct asked *a = ask();

	(void)state;
	/* In any order; one octet, more and fewer than were sent. */
	change(a, 7, 2, "X");
	change(a, 1, 1, "A");
	change(a, 4, 0, "<>");
	const struct bm_octets *o = octets(a);
	is(o->received, "0123456789");
	assert_true(o->sent_known);
	is(o->sent, "0A23<>456X9");
}

static void
test_behind(void **state)
{
	struct asked *a = ask();

	(void)state;
	change(a, 9, 4, "Z");
	const struct bm_octets *o = octets(a);
	is(o->received, "0123456789abc");
	is(o->sent, "012345678Z");
	assert_int_equal(o->carriers[1].length, 7);
}

static void
test_not_known(void **state)
{
	(void)state;
	struct asked *a = ask();
	change(a, 2, 2, "");
	a->f.changes[0].sent_unknown = true;
	assert_false(octets(a)->sent_known);
	a = ask(); /* they contradict each other */
	change(a, 2, 3, "AAA");
	change(a, 4, 1, "B");
	assert_false(octets(a)->sent_known);
	a = ask(); /* out of what was kept */
	change(a, 14, 2, "AA");
	a->f.changes[0].received.n = 5;
	assert_false(octets(a)->sent_known);
	a = ask(); /* there may be more of them */
	for (unsigned i = 0; i < BM_CHANGES_MAX; i++)
		change(a, i % 10, 0, "");
	assert_false(octets(a)->sent_known);
}

/* Without encryption the octets are content. */
static void
test_hidden(void **state)
{
	struct asked *a = ask();

	(void)state;
	a->facts.suite = bm_suite_find(0x0002); /* TLS_RSA_WITH_NULL_SHA */
	assert_non_null(a->facts.suite);
	assert_null(octets(a));
	a->facts.suite = bm_suite_find(0x002f);
	assert_non_null(octets(a));
	a->c.record = NULL;
	assert_null(octets(a));
}

static void
test_short(void **state)
{
	struct asked *a = ask();

	(void)state;
	a->c.len = 200; /* its header says so; the stream ends before */
	is(octets(a)->received, "0123456789abcdef");
	a->c.len = 0;
	is(octets(a)->received, "0123456789abcdef");
}

static void
test_no_memory(void **state)
{
	struct asked *a = ask();

	(void)state;
	change(a, 1, 1, "A");
	for (size_t most = 0; most < 4096; most += 16) {
		struct bm_arena small = {.max = most};
		struct bm_failure f = {0};
		bool good = bm_verdict_octets(&a->c, &a->f, &a->facts, &small, &f);
		assert_true(good == (f.octets != NULL));
		bm_arena_clear(&small);
	}
}

/* By its offset, or else the last one that can be meant. */
static void
test_course(void **state)
{
	struct bm_judged records[] = {{.off = 5, .state = BM_JUDGED_FAILED},
		{.off = 5, .direction = 1, .state = BM_JUDGED_FAILED},
		{.off = 9, .state = BM_JUDGED_UNDECIDED}, {.off = 7, .state = BM_JUDGED_UNDECIDED},
		{.off = 8, .state = BM_JUDGED_UNDECIDED}, {.off = 10, .state = BM_JUDGED_VERIFIED}};
	const struct bm_timeline t = {.records = records, .record_count = 6, .records_left_out = 7};
	struct bm_restated item[] = {{BM_C2S, 5, BM_JUDGED_UNDECIDED}, {BM_C2S, 9, BM_JUDGED_FAILED},
		{BM_C2S, 10, BM_JUDGED_FAILED}, {BM_S2C, 3, BM_JUDGED_FAILED}};
	const struct bm_restatements later = {item, 4};
	const unsigned want[] = {BM_JUDGED_UNDECIDED, BM_JUDGED_FAILED, BM_JUDGED_FAILED,
		BM_JUDGED_UNDECIDED, BM_JUDGED_FAILED, BM_JUDGED_VERIFIED};

	(void)state;
	const struct bm_course *c = bm_verdict_course(&t, &later, &arena);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(c->records[i].state, want[i]);
	assert_int_equal(c->records_left_out, 7);
	assert_int_equal(records[0].state, BM_JUDGED_FAILED); /* what it was made of stays */
}

static int
clear(void **state)
{
	(void)state;
	bm_arena_clear(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_alone),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_not_known),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_course),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
