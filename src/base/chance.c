/* Chances of counts. Densities come from Stirling's series and deviances, in which no large
 * numbers are subtracted; tails are sums of a few ratios of densities. */
#include "base/chance.h"

#include <math.h>
#include <stdbool.h>

#define TWO_PI 6.28318530717958647692528676655900577
/* What is left out of a sum, relative to it. */
#define SMALL 1e-17

/* ln n! - (n + 1/2) ln n + n - ln(2 pi) / 2. */
static double
stirling_rest(double n)
{
	static const double factorial[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800,
		39916800, 479001600, 6227020800.0, 87178291200.0, 1307674368000.0};

	if (n < 16)
		return log(factorial[(int)n]) - (n + 0.5) * log(n) + n - 0.5 * log(TWO_PI);
	double nn = n * n;
	return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / nn) / nn) / nn) / nn) /
		   n;
}

/* x ln(x/m) + m - x, which is never negative; x and m above 0. Near x = m its terms cancel, and a
 * series in v = (x-m)/(x+m) takes their place: ln(x/m) = 2 artanh v. */
static double
deviance(double x, double m)
{
	double d = x - m;

	if (fabs(d) >= 0.1 * (x + m))
		return x * log(x / m) - d;
	double v = d / (x + m), sum = d * v, power = 2 * x * v;
	for (int k = 3; k < 1000; k += 2) {
		power *= v * v;
		double next = sum + power / k;
		if (next == sum)
			break;
		sum = next;
	}
	return sum;
}

double
bm_ln_binomial(uint64_t n, uint64_t k, double rho)
{
	double dn = (double)n, dk = (double)k, rest = (double)(n - k);

	if (k > n || (rho <= 0 && k != 0) || (rho >= 1 && k != n))
		return -INFINITY;
	if (k == 0)
		return n == 0 || rho <= 0 ? 0 : dn * log1p(-rho);
	if (k == n)
		return dn * log(rho);
	return stirling_rest(dn) - stirling_rest(dk) - stirling_rest(rest) - deviance(dk, dn * rho) -
		   deviance(rest, dn * (1 - rho)) + 0.5 * log(dn / (TWO_PI * dk * rest));
}

double
bm_ln_poisson(uint64_t k, double mu)
{
	double n = (double)k;

	if (k == 0)
		return -mu;
	if (mu <= 0)
		return -INFINITY;
	return -stirling_rest(n) - deviance(n, mu) - 0.5 * log(TWO_PI * n);
}

double
bm_ln_escapes(uint64_t e, uint64_t caught, double rho)
{
	if (rho >= 1)
		return -INFINITY; /* every count is as likely as any other: no density */
	return bm_ln_binomial(e + caught, e, rho) + log1p(-rho);
}

double
bm_escapes_mean(uint64_t caught, double rho)
{
	return rho >= 1 ? INFINITY : ((double)caught + 1) * rho / (1 - rho);
}

/* Sums of densities from e on, in units of that at e. The ratio of one to the next falls towards
 * rho, so what is left is less than a geometric series. */
static double
sum_up(double e, double caught, double rho)
{
	double sum = 1, term = 1;

	for (double k = e;; k++) {
		double ratio = rho * (caught + 1 + k) / (k + 1);
		term *= ratio;
		sum += term;
		if (ratio < 1 && term * ratio < SMALL * sum * (1 - ratio))
			return sum;
	}
}

/* The same from e - 1 downwards, in units of that at e - 1. */
static double
sum_down(double e, double caught, double rho)
{
	double sum = 1, term = 1;

	for (double k = e - 1; k > 0 && term > SMALL * sum; k--) {
		term *= k / ((caught + k) * rho);
		sum += term;
	}
	return sum;
}

double
bm_ln_escapes_least(uint64_t e, uint64_t caught, double rho)
{
	if (e == 0 || rho >= 1)
		return 0;
	if (rho <= 0)
		return -INFINITY;
	double mean = bm_escapes_mean(caught, rho), ln;
	if ((double)e > mean) {
		ln = bm_ln_escapes(e, caught, rho) + log(sum_up((double)e, (double)caught, rho));
	} else {
		double below =
			exp(bm_ln_escapes(e - 1, caught, rho)) * sum_down((double)e, (double)caught, rho);
		ln = below < 1 ? log1p(-below) : -INFINITY;
	}
	return ln < 0 ? ln : 0;
}

double
bm_ln_at_least(uint64_t n, uint64_t k, double rho)
{
	if (k > n)
		return -INFINITY;
	/* The one-sided binomial test is the same sum. */
	return bm_ln_escapes_least(k, n - k, rho);
}

double
bm_ln_any_of(uint64_t n, uint64_t k, double rho, uint64_t values, uint64_t tried)
{
	double ln = bm_ln_at_least(n, k, rho) + log((double)values) + log((double)tried);

	return ln < 0 ? ln : 0;
}

uint64_t
bm_caught_needed(uint64_t e, double rho, double chance)
{
	uint64_t low = 0, high = 1;
	double wanted = log(chance);

	if (bm_ln_escapes_least(e, 0, rho) >= wanted)
		return 0;
	if (rho <= 0)
		return UINT64_MAX;
	while (bm_ln_escapes_least(e, high, rho) < wanted) {
		if (high == BM_CHANCE_MOST)
			return UINT64_MAX;
		low = high;
		high = high < BM_CHANCE_MOST / 2 ? 2 * high : BM_CHANCE_MOST;
	}
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		if (bm_ln_escapes_least(e, middle, rho) >= wanted)
			high = middle;
		else
			low = middle;
	}
	return high;
}

/* The chance at which k or more of n have a chance of exp(ln). */
static double
chance_behind(uint64_t k, uint64_t n, double ln)
{
	double low = 0, high = 1;

	for (int i = 0; i < 200 && high - low > 1e-13 * high; i++) {
		double middle = low + (high - low) / 2;
		if (bm_ln_escapes_least(k, n - k, middle) >= ln)
			high = middle;
		else
			low = middle;
	}
	return low + (high - low) / 2;
}

struct bm_interval
bm_interval(uint64_t k, uint64_t n, double outside)
{
	struct bm_interval i = {0, 1};

	/* At most k of n is the opposite of at least k + 1. */
	if (k != 0)
		i.low = chance_behind(k, n, log(outside / 2));
	if (k != n)
		i.high = chance_behind(k + 1, n, log1p(-outside / 2));
	return i;
}
