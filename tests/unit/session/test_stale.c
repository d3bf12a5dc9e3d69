/* Packets with stale alerts: each that was told of in order is known again, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/internal.h"

static void
test_known_again(void **state)
{
	enum { MOST = 40 };

	(void)state;
	for (uint64_t n = 0; n < MOST; n++) {
		struct bm_session_env env = {.stale = NULL};
		for (uint64_t i = 0; i < n; i++)
			assert_int_equal(bm_session_env_stale(&env, 3 * i + 2), BM_OK);
		for (uint64_t packet = 0; packet < 3 * MOST; packet++)
			assert_int_equal(is_stale(&env, packet), packet % 3 == 2 && packet / 3 < n);
		free(env.stale);
	}
}

/* A capture that is read once more tells of the same ones. */
static void
test_told_twice(void **state)
{
	const uint64_t packets[] = {7, 9, 7, 9, 8};
	struct bm_session_env env = {.stale = NULL};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(bm_session_env_stale(&env, packets[i]), BM_OK);
	assert_int_equal(env.stale_count, 2);
	assert_true(is_stale(&env, 7) && is_stale(&env, 9) && !is_stale(&env, 8));
	free(env.stale);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_again),
		cmocka_unit_test(test_told_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
