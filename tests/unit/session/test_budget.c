/* The time that searches of a run share: each has its own, and what others took since it began is
 * no longer there for it. */
#include "session/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct world {
	struct bm_session_env env;
	struct bm_session s;
	struct lost lost;
	struct half *half;
};

static int
setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	w.s.env = &w.env;
	w.half = &w.s.half[0];
	w.half->s = &w.s;
	w.half->lost = &w.lost;
	w.lost.share = bm_search_share(&w.env);
	*state = &w;
	return 0;
}

/* What the search costs itself comes off once. */
static void
test_own(void **state)
{
	struct world *w = *state;

	assert_int_equal(w->lost.share, BM_SHARE_NORMAL);
	w->lost.work = w->env.spent = BM_SHARE_NORMAL - 1;
	assert_false(exhausted(w->half));
	w->lost.work = w->env.spent = BM_SHARE_NORMAL;
	assert_true(exhausted(w->half));
}

/* Thousands that began together do not have two seconds each. */
static void
test_others(void **state)
{
	struct world *w = *state;

	w->env.spent = (uint64_t)100 * BM_SHARE_NORMAL;
	assert_false(exhausted(w->half));
	w->lost.work = bm_search_share(&w->env);
	w->env.spent += w->lost.work;
	assert_true(w->lost.work < BM_SHARE_NORMAL / 1000);
	assert_true(exhausted(w->half));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_own, setup),
		cmocka_unit_test_setup(test_others, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
