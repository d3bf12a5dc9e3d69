/* Each allocation fails in turn while a machine is read and told of: it is said, or the report is
 * the same, and nothing is leaked. Linked so that malloc, calloc and realloc of the core come
 * through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "../kept.h"
#include "../starve.h"
#include "host/host.h"

/* Of one interface, so that it does not take long. */
static bool
told(bool json, unsigned long nth)
{
	struct bm_host_options o = {.interface = "lo"};
	struct bm_host_report_options r = {.json = json, .write = kept_write};
	struct bm_host *h;

	kept.n = 0;
	starve_at(nth);
	enum bm_host_trouble t = bm_host_read(&o, &h);
	enum bm_status s = t == BM_HOST_READ ? bm_host_report(h, &r) : BM_NOMEM;
	bm_host_free(h);
	starve_stop();
	assert_true(t == BM_HOST_READ || (t == BM_HOST_NO_MEMORY && h == NULL));
	assert_true(s == BM_OK || s == BM_NOMEM);
	return s == BM_OK;
}

static void
every_allocation(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		assert_true(told(json != 0, STARVE_NEVER));
		unsigned long asked = starve_asked(), failed = 0;
		assert_true(asked > 20 && asked < 20000);
		for (unsigned long n = 0; n < asked; n++)
			failed += !told(json != 0, n);
		/* What a list of names could not be held of is passed over with a word; all else is no
		 * report. */
		assert_true(failed > asked / 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
