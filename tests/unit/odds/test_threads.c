/* A simulation can be had again, by any number of threads. */
#include "odds/odds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_seeds_and_threads(void **state)
{
	struct bm_odds_plan p = {.one_pattern = true,
		.pattern = {BM_PATTERN_BITS, 2},
		.trials = 300001,
		.seed = 9,
		.threads = 1};
	struct bm_odds_table one, three, other;

	(void)state;
	assert_int_equal(bm_odds_simulate(&p, &one), BM_OK);
	p.threads = 3;
	assert_int_equal(bm_odds_simulate(&p, &three), BM_OK);
	p.seed = 10;
	assert_int_equal(bm_odds_simulate(&p, &other), BM_OK);
	assert_int_equal(one.count, BM_CONTENTS);
	assert_int_equal(three.threads, 3);
	bool differs = false;
	for (size_t i = 0; i < one.count; i++) {
		assert_int_equal(one.rows[i].damaged, 300001);
		assert_int_equal(one.rows[i].escaped, three.rows[i].escaped);
		differs = differs || one.rows[i].escaped != other.rows[i].escaped;
	}
	assert_true(differs);
	bm_odds_table_clear(&one);
	bm_odds_table_clear(&three);
	bm_odds_table_clear(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds_and_threads),
	};

	return cmocka_run_group_tests_name("odds: threads", tests, NULL, NULL);
}
