/* What becomes of counts: the verdict, at its edges too, what is taken from the kernel's counters,
 * and what is said of a suite's MAC. */
#include "odds/odds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bm_odds_answer w;

static enum bm_verdict
weigh(uint64_t caught, uint64_t failures, enum bm_pattern_kind kind, unsigned n)
{
	struct bm_odds_question q = {.caught = caught,
		.failures = failures,
		.segments = BM_ODDS_UNKNOWN,
		.elsewhere = -1,
		.pattern_given = true,
		.pattern = {kind, n}};

	bm_odds_weigh(&q, &w);
	assert_int_equal(w.row_count, 1);
	assert_int_equal(w.table_count, 0);
	return w.verdict;
}

static void
test_verdicts(void **state)
{
	const enum bm_pattern_kind r = BM_PATTERN_RANDOM;

	(void)state;
	assert_int_equal(weigh(3360, 1, r, 0), BM_VERDICT_IMPLAUSIBLE);
	assert_int_equal(weigh(3361, 1, r, 0), BM_VERDICT_POSSIBLE);
	assert_int_equal(weigh(0, 1, r, 0), BM_VERDICT_IMPLAUSIBLE);
	assert_int_equal(weigh(0, 0, r, 0), BM_VERDICT_NOTHING);
	assert_int_equal(weigh(BM_ODDS_UNKNOWN, 0, r, 0), BM_VERDICT_NOTHING);
	assert_int_equal(weigh(BM_ODDS_UNKNOWN, 1, r, 0), BM_VERDICT_UNKNOWN);
	assert_int_equal(weigh(100000, BM_ODDS_UNKNOWN, r, 0), BM_VERDICT_UNKNOWN);
	/* No bad checksum at all, and still nothing against it. */
	assert_int_equal(weigh(0, 1, BM_PATTERN_LANE, 2), BM_VERDICT_POSSIBLE);
	assert_int_equal(weigh(0, 5, BM_PATTERN_LANE, 2), BM_VERDICT_IMPLAUSIBLE);
	assert_int_equal(weigh(0, 5, BM_PATTERN_SWAP_WORDS, 0), BM_VERDICT_OPEN);
	assert_int_equal(weigh(BM_ODDS_UNKNOWN, 5, BM_PATTERN_RESUMMED, 0), BM_VERDICT_OPEN);
	assert_int_equal(weigh(1000000, 1, BM_PATTERN_BITS, 1), BM_VERDICT_IMPOSSIBLE);
	assert_int_equal(weigh(BM_ODDS_UNKNOWN, 1, BM_PATTERN_STUCK, 0), BM_VERDICT_IMPOSSIBLE);
}

static void
test_likelihood_ratio(void **state)
{
	struct bm_odds_question q = {
		.caught = 9, .failures = 2, .segments = BM_ODDS_UNKNOWN, .elsewhere = 0.5};
	double rho = 1.0 / 65535;

	(void)state;
	/* C(11,2) rho^2 (1-rho)^10 against e^-0.5 0.5^2 / 2. */
	bm_odds_weigh(&q, &w);
	double wanted = log(55 * rho * rho * pow(1 - rho, 10)) - log(exp(-0.5) * 0.25 / 2);
	assert_true(fabs(w.rows[0].ln_ratio - wanted) < 1e-12);
	/* As many as there are: e^-2 2^2 / 2. */
	q.elsewhere = -1;
	bm_odds_weigh(&q, &w);
	wanted = log(55 * rho * rho * pow(1 - rho, 10)) - log(exp(-2) * 2);
	assert_true(fabs(w.rows[0].ln_ratio - wanted) < 1e-12);
	/* Nothing else is ever expected: then it can only be this. */
	q.elsewhere = 0;
	bm_odds_weigh(&q, &w);
	assert_true(isinf(w.rows[0].ln_ratio) && w.rows[0].ln_ratio > 0);
	/* Where as many were expected as there are, counters decide nothing. */
	q = (struct bm_odds_question){
		.caught = 65534, .failures = 1, .segments = BM_ODDS_UNKNOWN, .elsewhere = -1};
	bm_odds_weigh(&q, &w);
	assert_true(fabs(w.rows[0].ln_ratio) < 0.01);
	assert_int_equal(w.rows[0].needed[2], 3361);
	/* Nor do more bad checksums than that speak against it: they may be of other damage. */
	q.caught = 100 * 65534;
	bm_odds_weigh(&q, &w);
	assert_true(fabs(w.rows[0].ln_ratio) < 0.01);
	assert_true(w.table_count > 20);
}

static void
test_groups(void **state)
{
	struct bm_diagnosis d = {.groups = {{{BM_PATTERN_RESUMMED, 0}, 4}, {{BM_PATTERN_LANE, 2}, 1},
								 {{BM_PATTERN_RANDOM, 0}, 1}},
		.group_count = 3,
		.failures = 8,
		.others = 2};
	struct bm_odds_question q = {.caught = 5,
		.failures = BM_ODDS_UNKNOWN,
		.segments = BM_ODDS_UNKNOWN,
		.elsewhere = -1,
		.diagnosis = &d};

	(void)state;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.row_count, 3);
	assert_int_equal(w.decisive, 2);
	assert_int_equal(w.verdict, BM_VERDICT_IMPLAUSIBLE);
	/* Where nobody counted, only what never escapes is sure. */
	q.caught = BM_ODDS_UNKNOWN;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_UNKNOWN);
	d.groups[2].pattern.kind = BM_PATTERN_STUCK;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.decisive, 2);
	assert_int_equal(w.verdict, BM_VERDICT_IMPOSSIBLE);
	q.caught = 5;
	d.group_count = 2;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.decisive, 1);
	assert_int_equal(w.verdict, BM_VERDICT_POSSIBLE);
	d.group_count = 1;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_OPEN);
	d.group_count = 0;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_NOTHING);
	d.undecided = true;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_UNKNOWN);
	/* A pattern that was asked for goes before those of the report. */
	d.group_count = 1;
	q.pattern_given = true;
	q.pattern = (struct bm_pattern){BM_PATTERN_RANDOM, 0};
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_IMPLAUSIBLE);
	assert_int_equal(w.rows[0].failures, 4);
}

static void
test_counters(void **state)
{
	struct bm_counters c = {.error = {0}};
	struct bm_odds_question q = {.failures = BM_ODDS_UNKNOWN};
	struct bm_odds_context x = {.seconds = -1};

	(void)state;
	bm_odds_take_counters(&c, &q, &x);
	assert_true(q.caught == BM_ODDS_UNKNOWN && q.segments == BM_ODDS_UNKNOWN);
	assert_true(q.failures == BM_ODDS_UNKNOWN && x.tls_decrypt_errors == BM_ODDS_UNKNOWN);
	c.at[BM_COUNTER_TCP_IN_CSUM_ERRORS] = (struct bm_count){true, 7};
	c.at[BM_COUNTER_TCP_IN_SEGS] = (struct bm_count){true, 1000};
	c.at[BM_COUNTER_TLS_DECRYPT_ERROR] = (struct bm_count){true, 0};
	bm_odds_take_counters(&c, &q, &x);
	assert_true(q.caught == 7 && q.segments == 1000 && x.tls_decrypt_errors == 0);
	/* No kTLS error is no statement about programs without kTLS. */
	assert_true(q.failures == BM_ODDS_UNKNOWN && !x.failures_from_kernel);
	c.at[BM_COUNTER_TLS_DECRYPT_ERROR].n = 2;
	bm_odds_take_counters(&c, &q, &x);
	assert_true(q.failures == 2 && x.failures_from_kernel);
	q.failures = 5;
	x.failures_from_kernel = false;
	bm_odds_take_counters(&c, &q, &x);
	assert_true(q.failures == 5 && !x.failures_from_kernel);
	c.at[BM_COUNTER_TCP_IN_CSUM_ERRORS].n = UINT64_MAX;
	bm_odds_take_counters(&c, &q, &x);
	assert_true(q.caught == BM_ODDS_UNKNOWN);
}

/* Of what cards counted nobody knows whether the kernel counted it too. */
static void
test_counts_of_cards(void **state)
{
	struct bm_odds_question q = {
		.caught = 0, .failures = 1, .segments = BM_ODDS_UNKNOWN, .elsewhere = -1, .by_cards = 3360};
	const struct bm_odds_row *r = &w.rows[0];

	(void)state;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_IMPLAUSIBLE);
	assert_true(bm_odds_ln_chance_with_cards(&q, r) > r->ln_chance);
	q.by_cards = 3361;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_UNKNOWN);
	/* Where the kernel's count is enough, that of the cards changes nothing. */
	q.caught = 3361;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_POSSIBLE);
	q.failures = 0;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_NOTHING);
	q.failures = 1;
	q.caught = BM_ODDS_UNKNOWN;
	bm_odds_weigh(&q, &w);
	assert_int_equal(w.verdict, BM_VERDICT_UNKNOWN);
	assert_true(isnan(bm_odds_ln_chance_with_cards(&q, r)));
}

static void
test_macs(void **state)
{
	static const struct {
		const char *suite;
		unsigned bits;
		double miss_log2;
	} cases[] = {
		{"TLS_RSA_WITH_RC4_128_MD5", 128, -128},
		{"SSL_RSA_WITH_RC4_128_SHA", 160, -160},
		{"0x0005", 160, -160},
		{"TLS_RSA_WITH_AES_128_CBC_SHA256", 256, -256},
		{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 384, -384},
		{"TLS_AES_128_GCM_SHA256", 128, -117.99},
		{"TLS_CHACHA20_POLY1305_SHA256", 128, -92.99},
		{"TLS_RSA_WITH_AES_128_CCM", 128, -128},
		{"TLS_RSA_WITH_AES_128_CCM_8", 64, -64},
	};
	static const char *const none[] = {"TLS_NULL_WITH_NULL_NULL", "TLS_RSA_EXPORT_WITH_RC4_40_MD5"};
	struct bm_mac_strength m;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct bm_suite *s = bm_suite_named(cases[i].suite);
		assert_non_null(s);
		assert_true(bm_mac_strength(s, &m));
		assert_int_equal(m.bits, cases[i].bits);
		assert_true(fabs(m.miss_log2 - cases[i].miss_log2) < 1e-9);
		assert_true(strlen(m.name) != 0 && strncmp(m.source, "RFC ", 4) == 0);
	}
	/* Nobody is told of 96 bits, the length of Finished. */
	size_t n;
	const struct bm_suite *table = bm_suite_table(&n);
	for (size_t i = 0; i < n; i++)
		if (bm_mac_strength(&table[i], &m))
			assert_true(m.bits != 96 && m.bits >= 64);
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_false(bm_mac_strength(bm_suite_named(none[i]), &m));
	assert_null(bm_suite_named("TLS_RSA"));
	assert_null(bm_suite_named(""));
	assert_null(bm_suite_named("0x5"));
	assert_null(bm_suite_named("0x00051"));
	assert_null(bm_suite_named("0x-005"));
	assert_null(bm_suite_named("SSL_"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_likelihood_ratio),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_counts_of_cards),
		cmocka_unit_test(test_macs),
	};

	return cmocka_run_group_tests_name("odds: answers", tests, NULL, NULL);
}
