/* Reports when memory runs out: every allocation fails once; that is a status and nothing else. */
#include "../starve.h"
#include "sample.h"

static void
every_allocation(bool json, bool html)
{
	struct bm_connection c[3] = {*sample_full(), *sample_full(), *sample_full()};

	c[1].result = BM_RESULT_UNDECIDED;
	c[2].result = BM_RESULT_VERIFIED;
	size_t n = 0;
	for (;; n++) {
		struct sink s = {.discard = true};
		struct bm_report_options o = sample_options(&s, json);
		o.html = html;
		o.verbose = true;
		starve_at(n);
		enum bm_status st = sample_report(&o, c, 3);
		starve_stop();
		if (st == BM_OK)
			break;
		assert_int_equal(st, BM_NOMEM);
		assert_true(n < 100);
	}
	assert_true(n >= (json ? 1 : 10));
}

static void
text(void **state)
{
	(void)state;
	every_allocation(false, false);
}

static void
json(void **state)
{
	(void)state;
	every_allocation(true, false);
}

/* Detail may be left out for want of memory; nothing else may. */
static void
html(void **state)
{
	(void)state;
	every_allocation(false, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text), cmocka_unit_test(json), cmocka_unit_test(html)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
