/* Chances of counts, as natural logarithms, so that nothing under- or overflows. Refuses to know
 * what is counted.
 *
 * Counts are whole numbers of at most BM_CHANCE_MOST; rho is a probability. The relative error of
 * a chance is under 1e-9 for all of them, and some 1e-14 for small ones. */
#ifndef BM_BASE_CHANCE_H
#define BM_BASE_CHANCE_H

#include <stdint.h>

/* More bad checksums than any machine counts, and still exact as a double. */
#define BM_CHANCE_MOST UINT64_C(1000000000000000)
/* The most escapes that are asked for: sums have some tens of thousands of terms then. */
#define BM_CHANCE_ESCAPES_MOST UINT64_C(1000000000)

/* ln of C(n,k) rho^k (1-rho)^(n-k); -INFINITY for an impossible count. */
double bm_ln_binomial(uint64_t n, uint64_t k, double rho);
/* ln of the chance that of n trials at least k succeed. */
double bm_ln_at_least(uint64_t n, uint64_t k, double rho);
/* The same for any of `values` of that chance, and where `tried` such questions are asked: a bound,
 * which counts what may come together more than once. */
double bm_ln_any_of(uint64_t n, uint64_t k, double rho, uint64_t values, uint64_t tried);
/* What is said to be more than chance is rarer than 1 in 1000. */
#define BM_LN_RARE (-6.907755278982137)
/* ln of e^-mu mu^k / k!, mu not negative. */
double bm_ln_poisson(uint64_t k, double mu);

/* Damage meets packets as a Poisson process whose rate nobody knows; each damaged packet escapes
 * the check with chance rho and is counted otherwise. `caught` were counted. Before that every
 * rate was as likely as any other (a flat prior), after it the rate has a gamma distribution, and
 * the escapes a negative binomial one:
 *
 *     P(e | caught) = C(e + caught, e) rho^e (1-rho)^(caught+1)
 *
 * The chance of at least e is also that of the one-sided binomial test which asks how often so
 * large a part of e + caught damaged packets escapes: P[Bin(e + caught, rho) >= e], the regularised
 * incomplete beta function I_rho(e, caught + 1). */
double bm_ln_escapes(uint64_t e, uint64_t caught, double rho);
double bm_ln_escapes_least(uint64_t e, uint64_t caught, double rho);
/* The mean of that distribution, (caught + 1) rho / (1 - rho); INFINITY for rho 1. */
double bm_escapes_mean(uint64_t caught, double rho);

/* The fewest that must have been caught for `e` escapes or more to have a chance of at least
 * `chance`; UINT64_MAX if no count will do (rho 0), or only one past BM_CHANCE_MOST. */
uint64_t bm_caught_needed(uint64_t e, double rho, double chance);

/* Clopper and Pearson's interval for the chance behind k of n: each end is missed with a chance of
 * at most `outside` / 2, whatever the truth is. n is not 0. */
struct bm_interval {
	double low, high;
};
struct bm_interval bm_interval(uint64_t k, uint64_t n, double outside);

#endif
