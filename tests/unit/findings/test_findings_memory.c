/* Every allocation refused in turn: the status says so, and nothing is lost. Not those of the JSON
 * library, which writes past its memory when some of its own are (jansson 2.14). */
#include "findings/findings.h"

#include "../starve.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* More than one block of an arena holds. */
#define THREE SAMPLE_CONNECTION "," SAMPLE_CONNECTION "," SAMPLE_CONNECTION
static const char many[] = "{\"schema\":\"badmac.diagnosis.v1\",\"connections\":[" THREE "," THREE
						   "," THREE "],\"summary\":" SAMPLE_SUMMARY "}";

static void
test_starved(void **state)
{
	char problem[BM_FINDINGS_PROBLEM];
	bool refused = true;

	(void)state;
	for (unsigned long nth = 0; refused; nth++) {
		struct bm_findings f;
		starve_at(nth);
		enum bm_status st =
			bm_findings_read(bm_view(many, sizeof many - 1), &f, problem, sizeof problem);
		size_t connections = f.connection_count;
		bm_findings_clear(&f);
		refused = starve_stop();
		assert_int_equal(starve_live(), 0);
		assert_int_equal(st, refused ? BM_NOMEM : BM_OK);
		assert_int_equal(connections, refused ? 0 : 9);
		if (refused)
			assert_string_equal(problem, "out of memory");
	}
	assert_true(starve_asked() >= 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_starved)};

	return cmocka_run_group_tests_name("findings: memory", tests, NULL, NULL);
}
