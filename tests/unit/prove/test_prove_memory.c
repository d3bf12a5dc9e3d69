/* Every allocation refused in turn: the status says so, nothing is lost, and no claim holds for
 * want of memory. */
#include "claim.h"

#include "../starve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_starved(void **state)
{
	struct bytes capture = read_data("receiver.pcap"), keys = read_data("keys.log");
	struct told t;
	bool refused = true;
	unsigned long told = 0;

	(void)state;
	assert_true(capture.n != 0 && keys.n != 0);
	claim_truth(&t);
	t.sent ^= 1; /* a lie */
	/* The first round sets up what the libraries keep. */
	for (unsigned long nth = STARVE_NEVER; refused; nth = nth == STARVE_NEVER ? 0 : nth + 1) {
		enum badmac_status status;
		starve_at(nth);
		struct badmac *b = claim_about(&t, capture, keys, &status);
		if (b != NULL)
			status = badmac_prove(b, NULL);
		const struct badmac_judgement *j = badmac_judgement(b, 0, 0);
		if (status == BADMAC_OK) {
			assert_non_null(j);
			assert_true(j->verdict != BADMAC_HOLDS);
		} else {
			assert_null(j);
			told++;
		}
		badmac_free(b);
		refused = starve_stop() || nth == STARVE_NEVER;
		if (nth != STARVE_NEVER)
			assert_int_equal(starve_live(), 0);
	}
	assert_true(told >= 20);
	free(capture.p);
	free(keys.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_starved)};

	return cmocka_run_group_tests_name("claims: memory", tests, NULL, NULL);
}
