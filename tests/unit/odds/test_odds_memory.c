/* Every allocation refused in turn: the status says so, nothing is lost, and nothing that is
 * written is half an answer. */
#include "odds/odds.h"

#include "../starve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t written;

static int
keep(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	written += n;
	return 0;
}

static enum bm_status
answer(bool json)
{
	struct bm_diagnosis d = {.groups = {{{BM_PATTERN_BITS, 2}, 4}, {{BM_PATTERN_RANDOM, 0}, 1}},
		.group_count = 2,
		.failures = 8,
		.others = 2,
		.caught = 1,
		.suite = bm_suite_named("TLS_RSA_WITH_RC4_128_SHA")};
	struct bm_odds_question q = {
		.caught = 5, .failures = 5, .segments = 100, .elsewhere = -1, .diagnosis = &d};
	struct bm_odds_context x = {.seconds = 60,
		.tls_decrypt_errors = 0,
		.cards = {.known = true,
			.at = {{.name = "eth0", .rx_checksum = 1, .checksum_errors = 3}},
			.count = 1}};
	struct bm_odds_format f = {.json = json, .color = true, .write = keep};

	written = 0;
	return bm_odds_report(&q, &x, &f);
}

static void
test_answers(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		bool refused = true;
		for (unsigned long nth = 0; refused; nth++) {
			starve_at(nth);
			enum bm_status st = answer(json != 0);
			refused = starve_stop();
			assert_int_equal(starve_live(), 0);
			if (refused) {
				assert_int_equal(st, BM_NOMEM);
				assert_int_equal(written, 0);
			} else {
				assert_int_equal(st, BM_OK);
				assert_true(written > 1000);
			}
		}
		assert_true(starve_asked() >= 3);
	}
}

static void
test_simulation(void **state)
{
	struct bm_odds_plan p = {.one_pattern = true,
		.pattern = {BM_PATTERN_BITS, 2},
		.trials = 10,
		.seed = 1,
		.threads = 1};
	struct bm_odds_format f = {.write = keep};
	bool refused = true;

	(void)state;
	for (unsigned long nth = 0; refused; nth++) {
		struct bm_odds_table t;
		written = 0;
		starve_at(nth);
		enum bm_status st = bm_odds_simulate(&p, &t);
		if (st == BM_OK)
			st = bm_odds_table_report(&t, &f);
		bm_odds_table_clear(&t);
		refused = starve_stop();
		assert_int_equal(starve_live(), 0);
		assert_int_equal(st == BM_OK, !refused);
		assert_int_equal(written != 0, !refused);
	}
}

static void
test_report(void **state)
{
	static const char text[] = "{\"schema\": \"badmac.diagnosis.v1\", \"connections\": "
							   "[{\"cipher_suite\": \"x\", \"failures\": "
							   "[{\"cause\": \"bits-flipped\", \"damage\": [{\"received\": \"00\", "
							   "\"sent\": \"01\"}]}]}]}";
	struct bm_diagnosis d;
	char problem[100];
	bool refused = true;

	(void)state;
	for (unsigned long nth = 0; refused; nth++) {
		starve_at(nth);
		enum bm_status st =
			bm_diagnosis_read(bm_view(text, sizeof text - 1), &d, problem, sizeof problem);
		refused = starve_stop();
		assert_int_equal(starve_live(), 0);
		assert_int_equal(st == BM_OK, !refused);
	}
	assert_int_equal(d.failures, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_simulation),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests_name("odds: memory", tests, NULL, NULL);
}
