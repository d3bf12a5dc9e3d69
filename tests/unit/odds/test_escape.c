/* Escape probabilities against fractions that were counted another way (python's fractions: every
 * content of the octets concerned, or sums over all of them), and against the sum itself for every
 * damage of a short message. */
#include "odds/patterns.h"

#include "packet/packet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct bm_pattern
named(const char *text)
{
	struct bm_pattern p;
	char problem[100];

	if (!bm_pattern_parse(text, &p, problem, sizeof problem))
		fail_msg("%s: %s", text, problem);
	return p;
}

static void
test_fractions(void **state)
{
	static const struct {
		const char *pattern;
		double wanted;
	} cases[] = {
		{"random", 1.0 / 65535},
		{"bits:1", 0},
		{"bits:2", 243.0 / 7786},
		{"bits:3", 0.0029264258370214685},
		{"bits:4", 0.0031972158638527816},
		{"pair:1", 0},
		{"pair:15", 0},
		{"pair:16", 0.5},
		{"pair:17", 0},
		{"pair:11664", 0.5},
		{"burst:1", 0},
		{"burst:15", 0},
		{"burst:16", 1.0 / 536870912},
		{"burst:17", 65535.0 / 2147483648},
		{"burst:18", 65537.0 / 4294967296},
		{"burst:19", 65537.0 / 4294967296},
		{"burst:20", 65537.0 / 4294967296},
		{"lane:1", 0},
		{"lane:2", 0.5},
		{"lane:3", 0},
		{"lane:4", 0.375},
		{"lane:22", 0.16818809509277344},
		{"lane:64", 0.09934675374796689},
		{"stuck", 0},
		{"swap-words", 1},
		{"swap-octets", 0},
		{"swap-odd", 255.0 / 65792},
		{"byte-order", 1.0 / 257},
		{"zeroed:1", 0},
		{"zeroed:2", 1.0 / 65535},
		{"zeroed:3", 256.0 / 16777215},
		{"zeroed:4", 1.0 / 65535},
		{"zeroed:1460", 1.0 / 65535},
		{"stale:1", 0},
		{"stale:2", 1.0 / 2147450880},
		{"stale:3", 16711937.0 / 1099511562240},
		{"stale:4", 2147450881.0 / 140735340871680},
		{"stale:1460", 1.0 / 65535},
		{"shift", 258.0 / 65536 / 257},
		{"resummed", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		double got = bm_pattern_escapes(named(cases[i].pattern));
		if (!(fabs(got - cases[i].wanted) <= 1e-11 * cases[i].wanted))
			fail_msg("%s: %.17g is not %.17g", cases[i].pattern, got, cases[i].wanted);
	}
	/* Long bursts are as good as random. */
	for (unsigned n = 21; n <= 64; n++) {
		double got = bm_pattern_escapes((struct bm_pattern){BM_PATTERN_BURST, n});
		assert_true(fabs(got * 65535 - 1) < 1e-4);
	}
}

/* Every burst of up to 20 bits: all contents, all sets of inverted bits, by what they weigh. */
static void
test_bursts_counted(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= 20; n++) {
		uint64_t all = UINT64_C(1) << n, escapes = 0;
		for (uint64_t u = 0; u < all; u++)
			for (uint64_t v = u % 65535; v < all; v += 65535)
				escapes += (u != v && ((u ^ v) & 1) != 0 && (u ^ v) >> (n - 1) == 1);
		double got = bm_pattern_escapes((struct bm_pattern){BM_PATTERN_BURST, n});
		assert_true(got == (double)escapes / (double)(all * (all / 4)));
	}
}

static uint16_t
sum(const uint8_t *p, size_t n)
{
	return bm_sum16_fold(bm_sum16(0, bm_view(p, n), false));
}

static void
flip(uint8_t *p, size_t bit)
{
	p[bit / 8] = (uint8_t)(p[bit / 8] ^ 0x80u >> bit % 8);
}

/* A message of 64 octets: each two bits of it, with each of the four values that they can have.
 * Escapes are those of equal columns and different values, and no others. */
static void
test_every_two_bits(void **state)
{
	enum { N = 64, BITS = 8 * N, WORDS = N / 2 };
	uint8_t p[N];
	size_t escapes = 0, all = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		p[i] = (uint8_t)(i * 167 + 13);
	for (size_t a = 0; a < BITS; a++)
		for (size_t b = a + 1; b < BITS; b++)
			for (unsigned values = 0; values < 4; values++) {
				if (values % 2 != 0)
					flip(p, a);
				else
					flip(p, b);
				uint16_t before = sum(p, N);
				bool differ = (p[a / 8] >> (7 - a % 8) & 1) != (p[b / 8] >> (7 - b % 8) & 1);
				flip(p, a);
				flip(p, b);
				bool escaped = sum(p, N) == before;
				assert_int_equal(escaped, (b - a) % 16 == 0 && differ);
				escapes += escaped;
				all++;
			}
	/* The formula of bits:2 for this length. */
	assert_int_equal(escapes * 2 * (16 * WORDS - 1), all * (WORDS - 1));
}

/* Each aligned pair of words, each neighbouring octets, each bit, and every burst of 3 to 15 bits
 * at every place: what has a certain answer. */
static void
test_certain_answers(void **state)
{
	enum { N = 40 };
	uint8_t p[N], q[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		p[i] = (uint8_t)(i * i * 37 + 201 * i + 5);
	uint16_t sent = sum(p, N);
	for (size_t a = 0; a < N; a += 2)
		for (size_t b = 0; b < N; b += 2) {
			memcpy(q, p, N);
			memcpy(q + a, p + b, 2);
			memcpy(q + b, p + a, 2);
			assert_int_equal(sum(q, N), sent);
		}
	for (size_t a = 0; a + 1 < N; a++) {
		memcpy(q, p, N);
		q[a] = p[a + 1];
		q[a + 1] = p[a];
		assert_int_equal(sum(q, N) == sent, p[a] == p[a + 1]);
	}
	for (size_t at = 0; at < 8 * N; at++)
		for (size_t n = 1; n <= 15 && at + n <= 8 * N; n++)
			for (unsigned inner = 0; inner<1u << (n > 2 ? n - 2 : 0); inner += n> 12 ? 7 : 1) {
				memcpy(q, p, N);
				for (size_t i = 0; i < n; i++)
					if (i == 0 || i == n - 1 || (inner >> (i - 1) & 1) != 0)
						flip(q, at + i);
				assert_int_not_equal(sum(q, N), sent);
			}
	/* The nearest miss: 16 bits, all of them, of FFFF. */
	memcpy(q, p, N);
	q[6] = q[7] = 0xff;
	sent = sum(q, N);
	q[6] = q[7] = 0;
	assert_int_equal(sum(q, N), sent);
}

static void
test_names(void **state)
{
	static const struct {
		const char *text, *problem;
	} wrong[] = {
		{"", "no such pattern"},
		{"bit", "no such pattern"},
		{"bits2", "no such pattern"},
		{"bits:", "the number of bits is from 1 to 8"},
		{"bits:0", "the number of bits is from 1 to 8"},
		{"bits:9", "the number of bits is from 1 to 8"},
		{"bits:-1", "the number of bits is from 1 to 8"},
		{"bits:2x", "the number of bits is from 1 to 8"},
		{"bits:4294967298", "the number of bits is from 1 to 8"},
		{"bits:000001", "the number of bits is from 1 to 8"},
		{"pair:11680", "the number of pair is from 1 to 11679"},
		{"stale:1461", "the number of stale is from 1 to 1460"},
		{"swap-words:2", "swap-words takes no number"},
		{":2", "no such pattern"},
	};
	char text[BM_PATTERN_NAME], problem[100];
	struct bm_pattern p;
	size_t n;
	const struct bm_pattern *table = bm_pattern_table(&n);

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_false(bm_pattern_parse(wrong[i].text, &p, problem, sizeof problem));
		assert_string_equal(problem, wrong[i].problem);
	}
	assert_true(n > BM_PATTERN_KINDS);
	for (size_t i = 0; i < n; i++) {
		bm_pattern_name(table[i], text);
		p = named(text);
		assert_true(p.kind == table[i].kind && p.n == table[i].n);
	}
	assert_int_equal(named("bits").n, 2);
	assert_int_equal(named("stale").n, 64);
	assert_int_equal(named("swap-words").n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_bursts_counted),
		cmocka_unit_test(test_every_two_bits),
		cmocka_unit_test(test_certain_answers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("odds: escapes", tests, NULL, NULL);
}
