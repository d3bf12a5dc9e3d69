/* The simulation against the exact figures, inside its own interval; and that damage is what its
 * name says. */
#include "odds/inflict.h"
#include "odds/odds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bm_simulation
simulate(struct bm_pattern p, enum bm_content_kind content, uint64_t trials, uint64_t seed)
{
	struct bm_simulation s = {.pattern = p, .content = content, .trials = trials, .seed = seed};

	assert_int_equal(bm_simulate(&s, NULL), BM_OK);
	assert_true(s.escaped <= s.damaged && s.damaged <= trials);
	return s;
}

static bool
inside(const struct bm_simulation *s, double exact)
{
	struct bm_interval v = bm_interval(s->escaped, s->damaged, BM_ODDS_OUTSIDE);

	return exact >= v.low && exact <= v.high;
}

static void
test_exact_figures_lie_inside(void **state)
{
	size_t n, rows = 0, missed = 0;
	const struct bm_pattern *table = bm_pattern_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (enum bm_content_kind c = 0; c < BM_CONTENTS; c++) {
			bool known = c == BM_CONTENT_CIPHERTEXT || bm_pattern_holds_anywhere(table[i]);
			if (!known || table[i].kind == BM_PATTERN_RESUMMED)
				continue;
			double exact = bm_pattern_escapes(table[i]);
			struct bm_simulation s = simulate(table[i], c, 200000, 7);
			rows++;
			/* What is certain holds without exception. */
			if (exact == 0 || exact == 1)
				assert_true(s.escaped == (exact == 1 ? s.damaged : 0));
			else
				missed += !inside(&s, exact);
		}
	assert_true(rows > 40);
	assert_int_equal(missed, 0);
}

/* The nearest miss: figures a little off lie outside. */
static void
test_wrong_figures_lie_outside(void **state)
{
	static const struct {
		struct bm_pattern p;
		double wrong;
	} cases[] = {
		{{BM_PATTERN_BITS, 2}, 1.0 / 33},
		{{BM_PATTERN_PAIR, 16}, 0.496},
		{{BM_PATTERN_LANE, 4}, 0.38},
		{{BM_PATTERN_BITS, 4}, 1.0 / 350},
		{{BM_PATTERN_SWAP_ODD, 0}, 1.0 / 290},
		{{BM_PATTERN_BURST, 17}, 1.0 / 65535},
		{{BM_PATTERN_RANDOM, 0}, 1.0 / 4294967296},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bm_simulation s = simulate(cases[i].p, BM_CONTENT_CIPHERTEXT, 1000000, 3);
		assert_true(inside(&s, bm_pattern_escapes(cases[i].p)));
		assert_false(inside(&s, cases[i].wrong));
	}
}

/* Text and zeros do what ciphertext does not: bits agree more often, so fewer pairs cancel; and 16
 * zeros in a row become 16 ones. */
static void
test_skewed_payloads(void **state)
{
	struct bm_pattern pair = {BM_PATTERN_PAIR, 16}, burst = {BM_PATTERN_BURST, 16};
	struct bm_simulation cipher = simulate(pair, BM_CONTENT_CIPHERTEXT, 200000, 1);
	struct bm_simulation text = simulate(pair, BM_CONTENT_TEXT, 200000, 1);
	struct bm_simulation zeros = simulate(pair, BM_CONTENT_ZEROS, 200000, 1);

	(void)state;
	assert_true(text.escaped < cipher.escaped * 9 / 10);
	assert_true(zeros.escaped < text.escaped / 2);
	zeros = simulate(burst, BM_CONTENT_ZEROS, 1000000, 1);
	assert_true(zeros.escaped > 10);
	/* Much of what is zeroed there was zero. */
	zeros = simulate((struct bm_pattern){BM_PATTERN_ZEROED, 64}, BM_CONTENT_ZEROS, 10000, 1);
	assert_true(zeros.damaged > 1000 && zeros.damaged < 6000);
}

static unsigned
bits_between(const uint8_t *a, const uint8_t *b, size_t *first, size_t *last)
{
	unsigned n = 0;

	for (size_t i = 0; i < 8 * BM_PAYLOAD; i++)
		if (((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8) != 0) {
			*first = n == 0 ? i : *first;
			*last = i;
			n++;
		}
	return n;
}

/* What a pattern leaves: how many bits, how far apart, in which column. */
static void
test_damage_is_what_it_says(void **state)
{
	struct bm_dice d;
	uint8_t sent[BM_PAYLOAD], p[BM_PAYLOAD], other[BM_PAYLOAD];
	size_t first = 0, last = 0;

	(void)state;
	bm_dice_seed(&d, 1, 2);
	for (int i = 0; i < 3000; i++) {
		for (size_t k = 0; k < BM_PAYLOAD; k++) {
			sent[k] = (uint8_t)bm_dice_next(&d);
			other[k] = (uint8_t)~sent[k];
		}
		memcpy(p, sent, sizeof p);
		unsigned n = 1 + (unsigned)i % 8;
		bm_inflict((struct bm_pattern){BM_PATTERN_BITS, n}, &d, p, other, other);
		assert_int_equal(bits_between(sent, p, &first, &last), n);
		memcpy(p, sent, sizeof p);
		n = 1 + (unsigned)i * 7 % 11679;
		bm_inflict((struct bm_pattern){BM_PATTERN_PAIR, n}, &d, p, other, other);
		assert_int_equal(bits_between(sent, p, &first, &last), 2);
		assert_int_equal(last - first, n);
		memcpy(p, sent, sizeof p);
		n = 1 + (unsigned)i % 64;
		bm_inflict((struct bm_pattern){BM_PATTERN_BURST, n}, &d, p, other, other);
		(void)bits_between(sent, p, &first, &last);
		assert_int_equal(last - first + 1, n);
		memcpy(p, sent, sizeof p);
		bm_inflict((struct bm_pattern){BM_PATTERN_LANE, n}, &d, p, other, other);
		assert_int_equal(bits_between(sent, p, &first, &last), n);
		assert_int_equal((last - first) % 16, 0);
		memcpy(p, sent, sizeof p);
		n = 1 + (unsigned)i % BM_PAYLOAD;
		bm_inflict((struct bm_pattern){BM_PATTERN_STALE, n}, &d, p, other, other);
		assert_int_equal(bits_between(sent, p, &first, &last), 8 * n);
		assert_int_equal(first % 16, 0);
		assert_int_equal(last - first + 1, 8 * n);
	}
}

/* Even enough to be called random: each bit, and each neighbouring two. */
static void
test_dice(void **state)
{
	static struct bm_dice d;
	static _Alignas(BM_DICE_STEP) uint8_t bytes[1 << 20];
	uint64_t ones = 0, alike = 0, counts[16] = {0};

	(void)state;
	bm_dice_seed(&d, 0, 0);
	bm_dice_fill(&d, bytes, sizeof bytes);
	for (size_t i = 0; i + 8 < sizeof bytes; i++) {
		ones += (uint64_t)__builtin_popcount(bytes[i]);
		alike += bytes[i] == bytes[i + 8];
		counts[bm_dice_below(&d, 16)]++;
	}
	/* Five standard deviations: 1448 bits, 64 octets, 248 draws. */
	assert_true(llabs((long long)ones - 4 * ((1 << 20) - 8)) < 5 * 1449);
	assert_true(llabs((long long)alike - 4096) < 5 * 64);
	for (size_t i = 0; i < 16; i++)
		assert_true(llabs((long long)counts[i] - 65536) < 5 * 249);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_figures_lie_inside),
		cmocka_unit_test(test_wrong_figures_lie_outside),
		cmocka_unit_test(test_skewed_payloads),
		cmocka_unit_test(test_damage_is_what_it_says),
		cmocka_unit_test(test_dice),
	};

	return cmocka_run_group_tests_name("odds: simulation", tests, NULL, NULL);
}
