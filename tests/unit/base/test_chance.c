/* Chances of counts against sums with 40 decimal digits, made with mpmath: ln of binomials from
 * loggamma, tails term by term until a term is below 1e-30 of the sum; and for few escapes against
 * fractions. */
#include "base/chance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
assert_near(double got, double wanted, double relative)
{
	if (!(fabs(got - wanted) <= relative * fabs(wanted)))
		fail_msg("%.17g is not %.17g", got, wanted);
}

static void
test_tails(void **state)
{
	static const struct {
		uint64_t e, caught;
		double one_in, ln_least, ln_exactly;
	} cases[] = {
		{1, 0, 65535, -11.090339630053645945, -11.0903548891919627},
		{3, 12, 65535, -27.15085880261659958, -27.150919840008105238},
		{3, 1000000, 65535, -0.000031321343002478117215, -8.8753942613968366136},
		{1, 70000, 65535, -0.42104886523734732601, -1.0022297647210952434},
		{1000000000, 65535000000000, 65535, -0.37791263205122509449, -11.396998548228325151},
		{121, 8847668, 65535, -0.11013984036658397425, -4.0708425761411250492},
		{200, 10, 65535, -2179.9190070340975012, -2179.9190230524029483},
		{1000000, 0, 2, -693147.18055994530942, -693147.87370712586936},
		{1000000, 1000000, 2, -0.69258315014198751709, -8.1732675274667824485},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		double rho = 1 / cases[i].one_in;
		assert_near(bm_ln_escapes_least(cases[i].e, cases[i].caught, rho), cases[i].ln_least, 1e-9);
		assert_near(bm_ln_escapes(cases[i].e, cases[i].caught, rho), cases[i].ln_exactly, 1e-12);
	}
	/* -1.2e-25 and -10^-6626959560: certain, as far as a double goes. */
	assert_true(fabs(bm_ln_escapes_least(5, 100, 0.5)) < 1e-15);
	assert_true(fabs(bm_ln_escapes_least(2, BM_CHANCE_MOST, 1.0 / 65535)) < 1e-15);
	/* 8,847,668 bad sums and 121 escapes have been seen in the field: 135 were to be expected. */
	assert_near(bm_escapes_mean(8847668, 1.0 / 65535), 135.009, 1e-4);
}

/* 1 - (1 - rho)^(caught + 1), and what the binomial test says: both have a closed form for e = 1
 * and e = 2. */
static void
test_few_escapes_in_closed_form(void **state)
{
	(void)state;
	for (uint64_t d = 0; d < 200000; d = d * 3 + 1)
		for (double rho = 0.9; rho > 1e-6; rho /= 3) {
			double none = exp(((double)d + 1) * log1p(-rho));
			double one = ((double)d + 1) * rho * none;
			double least = exp(bm_ln_escapes_least(1, d, rho));
			assert_near(least, -expm1(((double)d + 1) * log1p(-rho)), 1e-12);
			assert_true(fabs(exp(bm_ln_escapes_least(2, d, rho)) - (least - one)) < 1e-13);
			assert_near(exp(bm_ln_escapes(0, d, rho)), none, 1e-12);
			assert_near(exp(bm_ln_escapes(1, d, rho)), one, 1e-12);
		}
}

/* All densities add up to 1, and the tail is what they say. */
static void
test_densities_add_up(void **state)
{
	double sum = 0, wanted = 0;

	(void)state;
	for (uint64_t e = 0; e < 2000; e++) {
		wanted = 1 - sum;
		assert_true(fabs(exp(bm_ln_escapes_least(e, 300, 0.6)) - wanted) < 1e-12);
		sum += exp(bm_ln_escapes(e, 300, 0.6));
	}
	assert_near(sum, 1, 1e-12);
	sum = 0;
	for (uint64_t k = 0; k <= 60; k++)
		sum += exp(bm_ln_binomial(60, k, 0.3));
	assert_near(sum, 1, 1e-13);
}

static void
test_edges(void **state)
{
	(void)state;
	assert_true(bm_ln_escapes_least(0, 5, 0.1) == 0);
	assert_true(bm_ln_escapes_least(0, 5, 0) == 0);
	assert_true(isinf(bm_ln_escapes_least(1, 5, 0)));
	assert_true(bm_ln_escapes_least(7, 0, 1) == 0);
	assert_true(isinf(bm_ln_escapes(7, 0, 1)));
	assert_true(isinf(bm_escapes_mean(1, 1)));
	assert_true(bm_escapes_mean(1, 0) == 0);
	assert_true(isinf(bm_ln_binomial(3, 4, 0.5)));
	assert_true(isinf(bm_ln_binomial(3, 2, 1)));
	assert_true(bm_ln_binomial(3, 3, 1) == 0);
	assert_true(bm_ln_binomial(3, 0, 0) == 0);
	assert_true(isinf(bm_ln_poisson(1, 0)));
	assert_true(bm_ln_poisson(0, 0) == 0);
}

static void
test_poisson(void **state)
{
	(void)state;
	assert_near(bm_ln_poisson(0, 2.5), -2.5, 1e-15);
	assert_near(bm_ln_poisson(1, 1), -1, 1e-14);
	assert_near(bm_ln_poisson(1000000, 1e6), -7.8266938955201431272, 1e-13);
	assert_near(bm_ln_poisson(3, 0.001), -22.516025306174466157, 1e-14);
}

static void
test_needed(void **state)
{
	static const struct {
		uint64_t e;
		double one_in;
		uint64_t needed[4];
	} cases[] = {
		{1, 65535, {65, 658, 3361, 45425}},
		{1, 32, {0, 0, 1, 21}},
		{2, 65535, {2974, 9734, 23287, 109989}},
		{2, 32, {1, 4, 10, 52}},
		{3, 65535, {12485, 28575, 53586, 175242}},
		{3, 32, {5, 12, 24, 83}},
		{10, 65535, {194011, 270666, 355546, 633629}},
		{10, 32, {88, 125, 166, 300}},
		{100, 65535, {4713283, 5125795, 5513975, 6531568}},
		{100, 32, {2216, 2414, 2600, 3090}},
	};
	static const double levels[] = {0.001, 0.01, 0.05, 0.5};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(
				bm_caught_needed(cases[i].e, 1 / cases[i].one_in, levels[k]), cases[i].needed[k]);
	assert_true(bm_caught_needed(1, 0, 0.05) == UINT64_MAX);
	assert_int_equal(bm_caught_needed(1, 1, 0.05), 0);
	assert_int_equal(bm_caught_needed(0, 0, 0.5), 0);
	/* The most that is asked for: near e / rho, and not beyond what counts. */
	uint64_t most = bm_caught_needed(BM_CHANCE_ESCAPES_MOST, 1.0 / 65535, 0.5);
	assert_near((double)most, 65534.0 * BM_CHANCE_ESCAPES_MOST, 1e-6);
	assert_true(bm_caught_needed(BM_CHANCE_ESCAPES_MOST, 1e-9, 0.5) == UINT64_MAX);
}

static void
test_intervals(void **state)
{
	static const struct {
		uint64_t k, n;
		double outside, low, high;
	} cases[] = {
		{0, 1000, 0.01, 0, 0.0052843060394974434},
		{1000, 1000, 0.01, 0.99471569396050256, 1},
		{1, 10, 0.05, 0.0025285785444617845, 0.44501611702819542},
		{15, 1000000, 0.01, 6.893384424217102e-6, 2.8163872103373161e-5},
		{500, 1000, 0.05, 0.46854917297179194, 0.53145082702820806},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bm_interval v = bm_interval(cases[i].k, cases[i].n, cases[i].outside);
		assert_true(fabs(v.low - cases[i].low) <= 1e-10 * cases[i].low);
		assert_near(v.high, cases[i].high, 1e-10);
	}
}

/* Whatever the truth is, at most `outside` of all outcomes have an interval that misses it. */
static void
test_intervals_hold_what_they_say(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 40; n += 13)
		for (double truth = 0.02; truth < 1; truth += 0.07) {
			double missed = 0;
			for (uint64_t k = 0; k <= n; k++) {
				struct bm_interval v = bm_interval(k, n, 0.1);
				if (truth < v.low || truth > v.high)
					missed += exp(bm_ln_binomial(n, k, truth));
			}
			assert_true(missed <= 0.1);
		}
}

/* Against sums of integers. */
static void
test_so_many_or_more(void **state)
{
	(void)state;
	/* Pascal's triangle: 20 choose k, halves. */
	uint64_t row[21] = {1};
	for (int n = 1; n <= 20; n++)
		for (int k = n; k > 0; k--)
			row[k] += row[k - 1];
	for (uint64_t m = 0; m <= 20; m++) {
		uint64_t sum = 0;
		for (uint64_t k = m; k <= 20; k++)
			sum += row[k];
		assert_true(fabs(bm_ln_at_least(20, m, 0.5) - log((double)sum / 1048576)) < 1e-9);
	}
	assert_true(bm_ln_at_least(5, 0, 0.1) == 0 && bm_ln_at_least(5, 3, 1) == 0);
	assert_true(isinf(bm_ln_at_least(5, 6, 0.1)) && isinf(bm_ln_at_least(5, 1, 0)));
	assert_true(fabs(bm_ln_at_least(1000000, 1000000, 0.125) - 1000000 * log(0.125)) < 1e-3);
	assert_true(fabs(bm_ln_at_least(1000000, 500000, 0.5) - log(0.5)) < 1e-2);
	/* Any of two sides of a coin, asked three times; no more than certain. */
	assert_near(bm_ln_any_of(20, 20, 0.5, 2, 3), log(6.0 / 1048576), 1e-12);
	assert_true(bm_ln_any_of(20, 10, 0.5, 2, 3) == 0);
	assert_near(BM_LN_RARE, log(0.001), 1e-15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_few_escapes_in_closed_form),
		cmocka_unit_test(test_densities_add_up),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_poisson),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_intervals_hold_what_they_say),
		cmocka_unit_test(test_so_many_or_more),
	};

	return cmocka_run_group_tests_name("base: chances", tests, NULL, NULL);
}
