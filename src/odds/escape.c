/* How often each pattern of damage escapes the sum: derivations, not a table. Refuses to know any
 * measurement.
 *
 * Throughout, the change of the sum is taken modulo M = 65535 = 2^16 - 1. There 2^16 is 1, so the
 * bits of a payload, read backwards as one long number, weigh 2^0, 2^1, ... 2^15, 2^0 and so on:
 * which word a bit stands in does not matter, only its column. */
#include "odds/patterns.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { COLUMNS = 16, WORDS = BM_PAYLOAD / 2, BITS_MOST = 8 };

/* C(n,k), exact while it fits a double's 53 bits, which it does here for n to 57 or k to 4. */
static double
choose(unsigned n, unsigned k)
{
	double c = 1;

	for (unsigned i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return c;
}

/* k inverted bits of one column change the sum by (rising - falling) 2^column. With k below M that
 * is 0 only if as many rise as fall, and each is as likely to do either. */
static double
lane(unsigned k)
{
	return k % 2 != 0 ? 0 : choose(k, k / 2) * pow(0.5, k);
}

/* Ways to have inverted so many bits of the columns seen so far with this carry, from -k to k. */
typedef double ways[BITS_MOST + 1][2 * BITS_MOST + 1];

/* One column more: j of its bits are inverted, C(WORDS, j) places, and r of them rise while the
 * others fall, with chance C(j, r) / 2^j. What they add to the carry must be even, so that nothing
 * is left in this column. */
static void
add_column(ways from, ways to, int k)
{
	for (int done = 0; done <= k; done++)
		for (int j = 0; done + j <= k; j++)
			for (int r = 0; r <= j; r++) {
				double times =
					choose(WORDS, (unsigned)j) * choose((unsigned)j, (unsigned)r) * pow(0.5, j);
				for (int carry = -k; carry <= k; carry++)
					if ((carry + j) % 2 == 0)
						to[done + j][(carry + 2 * r - j) / 2 + k] += times * from[done][carry + k];
			}
}

/* All sets of k bits, column by column. Their change is a multiple t M = t 2^16 - t: with t added
 * to the lowest column, each column leaves nothing and carries on, and the last carry is t again.
 */
static double
scattered(unsigned bits)
{
	int k = (int)bits;
	double sum = 0;

	for (int t = -k; t <= k; t++) {
		ways at = {{0}}, next;
		at[0][t + k] = 1;
		for (unsigned column = 0; column < COLUMNS; column++) {
			memset(next, 0, sizeof next);
			add_column(at, next, k);
			memcpy(at, next, sizeof at);
		}
		sum += at[k][t + k];
	}
	return sum / choose(COLUMNS * WORDS, bits);
}

/* The n bits of a burst are numbers u before and v after it, and u - v must be a multiple m M other
 * than 0. First and last bit differ, so m is odd, and the larger of the two numbers is the one of
 * which the first bit is set: for d = |m| M there are min(d, 2^n - d) such pairs, and as many with
 * u and v exchanged, of 2^n contents and 2^(n-2) patterns. */
static double
burst(unsigned n)
{
	double all = ldexp(1, (int)n);

	if (n < COLUMNS)
		return 0; /* d is at least M, and u and v are below 2^15 */
	double below = floor(all / BM_MODULUS), half = floor(all / 2 / BM_MODULUS);
	/* Numbers of odd m with d < 2^n and with d <= 2^(n-1); the first c odd numbers add up to c^2.
	 */
	double odd = floor((below + 1) / 2), odd_half = floor((half + 1) / 2);
	double pairs = BM_MODULUS * odd_half * odd_half + (odd - odd_half) * all -
				   BM_MODULUS * (odd - odd_half) * (odd + odd_half);
	return 2 * pairs / (all * all / 4);
}

/* Two pairs (a1 a2) and (b1 b2), of which one stands across two words: each octet goes from one
 * half of a word to the other, and the sum changes by 255 (b1 + a2 - a1 - b2). M is 255 * 257, so
 * that has to be a multiple of 257: one of 0 and +-257. Pairs that are alike are no damage. */
static double
swap_odd(void)
{
	uint32_t sums[511]; /* in how many ways two octets add up to this */
	double same = 0, apart = 0;

	for (int s = 0; s < 511; s++)
		sums[s] = (uint32_t)(s < 256 ? s + 1 : 511 - s);
	for (int s = 0; s < 511; s++) {
		same += (double)sums[s] * sums[s];
		if (s + 257 < 511)
			apart += 2.0 * sums[s] * sums[s + 257];
	}
	return (same + apart - 65536) / (4294967296.0 - 65536);
}

/* A random word is each class but 0 with chance 2^-16, and 0 twice as often: with chance 2^-16 it
 * is 0 over and above being uniform. Of a sum of m words (or of differences, where that happens
 * twice) nothing but this excess is not uniform: P(0) = 1/M + (1 - 1/M) excess, and the other
 * classes share the rest alike. An octet more, if n is odd, weighs 256 and is 0 or one of 255
 * other classes. `alike` is the chance that nothing is changed. */
static double
replaced(unsigned n, unsigned words_excess)
{
	double alike = ldexp(1, -8 * (int)n);

	if (n % 2 == 0 && words_excess == 1)
		return 1.0 / BM_MODULUS; /* (1/M + (1 - 1/M) alike - alike) / (1 - alike) */
	if (n % 2 == 0)
		return (1 - (BM_MODULUS - 1) * alike) / BM_MODULUS; /* with alike^2 in the middle */
	double excess = ldexp(1, -16 * (int)(n / 2 * words_excess));
	double zero = 1.0 / BM_MODULUS + (1 - 1.0 / BM_MODULUS) * excess;
	double other = (1 - zero) / (BM_MODULUS - 1);
	return ((zero - 256 * alike) / 256 + 255.0 / 256 * other) / (1 - alike);
}

/* Octets x0 x1 ... move up and f comes last: the sum changes by 255 A + (f - x0), give or take a
 * factor 256, where A is the alternating sum of what has moved. f - x0 must be a multiple of 255:
 * 0 in 256 of 65536 cases, +-255 in 2. Then A has to be one class of 257, and of some octets it is
 * any of them alike, to within 256^-(octets). */
static double
shifted(void)
{
	return 258.0 / 65536 / 257;
}

double
bm_pattern_escapes(struct bm_pattern p)
{
	switch (p.kind) {
	case BM_PATTERN_RANDOM:
		return replaced(BM_PAYLOAD, 2);
	case BM_PATTERN_BITS:
		return p.n == 1 ? 0 : scattered(p.n < BITS_MOST ? p.n : BITS_MOST);
	case BM_PATTERN_PAIR:
		/* +-2^i +-2^j is 0 modulo M only with i = j and opposite signs. */
		return p.n % COLUMNS == 0 ? 0.5 : 0;
	case BM_PATTERN_BURST:
		return burst(p.n);
	case BM_PATTERN_LANE:
		return lane(p.n);
	case BM_PATTERN_STUCK:
		return 0; /* up to WORDS changes by 2^column, all of one sign */
	case BM_PATTERN_SWAP_WORDS:
		return 1; /* addition does not care for order */
	case BM_PATTERN_SWAP_OCTETS:
		return 0; /* 255 (b - a), and |b - a| is below 257 */
	case BM_PATTERN_SWAP_ODD:
		return swap_odd();
	case BM_PATTERN_BYTE_ORDER:
		return 1.0 / 257; /* the sum s becomes 256 s: 255 s must be a multiple of 255 * 257 */
	case BM_PATTERN_ZEROED:
		return replaced(p.n, 1);
	case BM_PATTERN_STALE:
		return replaced(p.n, 2);
	case BM_PATTERN_SHIFT:
		return shifted();
	case BM_PATTERN_RESUMMED:
	default:
		return 1;
	}
}
