/* Words that traded places: two, of the same width, and nothing else that differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "why/record.h"

enum { N = 64 };

/* Words of that width at a and b in each other's place, and then one bit at `flip`; N: none. */
static bool
told(size_t unit, size_t a, size_t b, size_t flip)
{
	uint8_t sent[N], received[N];

	for (size_t i = 0; i < N; i++)
		received[i] = sent[i] = (uint8_t)(i * 37 + 11);
	memcpy(received + a, sent + b, unit);
	memcpy(received + b, sent + a, unit);
	if (flip < N)
		received[flip] ^= 1;
	return bm_words_traded(bm_view(received, N), bm_view(sent, N));
}

static void
test_widths(void **state)
{
	(void)state;
	for (size_t unit = 2; unit <= 8; unit *= 2) {
		assert_true(told(unit, 0, N - unit, N));
		assert_true(told(unit, 8, 8 + unit, N));
		assert_true(told(unit, 3, 30, N));
	}
	assert_false(told(16, 0, 32, N));
}

static void
test_what_differs_besides(void **state)
{
	(void)state;
	for (size_t unit = 2; unit <= 8; unit *= 2)
		for (size_t flip = 0; flip < N; flip++)
			assert_false(told(unit, 10, 40, flip));
}

static void
test_nothing_differs(void **state)
{
	const uint8_t b[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	assert_false(bm_words_traded(bm_view(b, 8), bm_view(b, 8)));
	assert_false(bm_words_traded(bm_view(b, 8), bm_view(b, 7)));
	assert_false(bm_words_traded(bm_view(b, 0), bm_view(b, 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_what_differs_besides),
		cmocka_unit_test(test_nothing_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
