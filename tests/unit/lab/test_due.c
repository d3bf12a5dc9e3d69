/* When a fault is due: by the age of the connection. And one that TCP mends. */
#include "lab/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { CONTENT = 200, RECORD = BM_HEADER + CONTENT };

static struct lab_plan plan;
static struct lab_lane lanes[2];
static struct lab_tls tls;
static struct lab_passed passed;
static struct lab_spec spec;

static void
start(const char *fault, double probability)
{
	char problem[300];

	if (!lab_spec_parse(fault, &spec, problem, sizeof problem))
		fail_msg("%s", problem);
	plan =
		(struct lab_plan){.specs = &spec, .spec_count = 1, .probability = probability, .seed = 7};
	tls = (struct lab_tls){.version = BM_TLS12, .suite = bm_suite_find(0x009c)};
	lanes[0] = (struct lab_lane){.direction = LAB_C2S};
	lanes[1] = (struct lab_lane){.direction = LAB_S2C};
	tls.side[0].protects = true;
}

static void
finish(void)
{
	lab_lane_clear(&lanes[0]);
	lab_lane_clear(&lanes[1]);
	lab_passed_clear(&passed);
	lab_plan_clear(&plan);
	passed = (struct lab_passed){.again = false};
}

/* A record that comes when the connection is so old. Gives how many faults there were so far. */
static unsigned
record_at(uint64_t age_ms)
{
	uint8_t r[RECORD] = {BM_APPLICATION_DATA, 3, 3, 0, CONTENT};

	lanes[0].age_ms = age_ms;
	assert_true(
		lab_lane_feed(&lanes[0], &lanes[1], &tls, &plan, 0, bm_view(r, sizeof r), false, &passed));
	return plan.struck;
}

/* The first record that is old enough, to the millisecond, though it be the very first. */
static void
test_first_that_is_old_enough(void **state)
{
	(void)state;
	start("bits-flipped:after=250ms", -1);
	for (uint64_t age = 0; age < 250; age++)
		assert_int_equal(record_at(age), 0);
	assert_int_equal(record_at(250), 1);
	finish();
	start("bits-flipped:after=2s", -1);
	assert_int_equal(record_at(1999), 0);
	assert_int_equal(record_at(60000), 1);
	finish();
	start("bits-flipped:after=0s", -1);
	assert_int_equal(record_at(0), 1);
	finish();
}

/* With a record, both hold; with a probability, it begins then. */
static void
test_with_others(void **state)
{
	(void)state;
	start("bits-flipped:after=100ms,record=3", -1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(record_at(1000), 0);
	assert_int_equal(record_at(1000), 1);
	finish();
	start("bits-flipped:after=100ms,record=1", -1);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(record_at(99), 0);
	assert_int_equal(record_at(100), 1);
	finish();
	start("bits-flipped:after=100ms", 1);
	assert_int_equal(record_at(99), 0);
	assert_int_equal(record_at(100), 1);
	finish();
}

/* The receiver drops what its checksum shows: the record arrives as it was, and the recording shows
 * the damage first. */
static void
test_dropped(void **state)
{
	uint8_t two[2 * RECORD] = {BM_APPLICATION_DATA, 3, 3, 0, CONTENT};

	(void)state;
	memcpy(two + RECORD, two, BM_HEADER);
	start("bits-flipped:sum=dropped,record=0,byte=100", -1);
	assert_true(lab_lane_feed(
		&lanes[0], &lanes[1], &tls, &plan, 0, bm_view(two, sizeof two), false, &passed));
	assert_int_equal(plan.struck, 1);
	assert_int_equal(passed.received.n, sizeof two);
	assert_memory_equal(passed.received.p, two, sizeof two);
	assert_int_equal(passed.dropped.n, sizeof two);
	assert_int_equal(passed.from, 100);
	assert_int_equal(passed.to, 101);
	for (size_t i = 0; i < sizeof two; i++)
		assert_int_equal(passed.dropped.p[i] == two[i], i != 100);
	assert_int_equal(record_at(0), 1);
	assert_int_equal(passed.dropped.n, 0);
	finish();
}

/* What the checksum does not show is not dropped, nor what was sent twice as it is. */
static void
test_not_droppable(void **state)
{
	static const char *const faults[] = {
		"words-swapped", "bits-flipped:how=pair", "retransmission-differs"};

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		char text[100];
		uint8_t r[RECORD] = {BM_APPLICATION_DATA, 3, 3, 0, CONTENT};
		struct lab_chance c = {i};
		(void)snprintf(text, sizeof text, "%s%csum=dropped,record=0", faults[i],
			strchr(faults[i], ':') != NULL ? ',' : ':');
		lab_random(&c, r + BM_HEADER, CONTENT);
		start(text, -1);
		assert_true(lab_lane_feed(
			&lanes[0], &lanes[1], &tls, &plan, 0, bm_view(r, sizeof r), false, &passed));
		assert_int_equal(plan.struck, 0);
		assert_int_equal(passed.received.n, RECORD);
		assert_memory_equal(passed.received.p, r, RECORD);
		finish();
	}
}

static void
test_how_it_is_said(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {{"after=1s", 1000}, {"after=1ms", 1}, {"after=3600s", 3600000},
		{"after=3600000ms", 3600000}, {"after=3601s", -1}, {"after=3600001ms", -1}, {"after=1", -1},
		{"after=s", -1}, {"after=", -1}, {"after=1m", -1}, {"after=-1s", -1}, {"after=1 s", -1},
		{"after=1.5s", -1}, {"after=1msx", -1}, {"after=999999999999999999999s", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[80], problem[300];
		(void)snprintf(text, sizeof text, "bits-flipped:%s", rows[i].text);
		assert_int_equal(lab_spec_parse(text, &spec, problem, sizeof problem), rows[i].ms >= 0);
		if (rows[i].ms >= 0)
			assert_int_equal(spec.after_ms, rows[i].ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_that_is_old_enough),
		cmocka_unit_test(test_with_others),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_not_droppable),
		cmocka_unit_test(test_how_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
