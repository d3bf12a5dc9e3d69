/* Repeats: what is found, what is too short to be more than chance, and that noise has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "why/repeats.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1d;
}

static void
fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 8 <= n + 7; i += 8) {
		uint64_t x = draw();
		memcpy(p + i, &x, n - i < 8 ? n - i : 8);
	}
}

struct heard {
	unsigned times, names;
	struct bm_repeat best;
	uint32_t text_n;
};

static void
hear(void *ctx, struct bm_repeat r)
{
	struct heard *h = ctx;

	if (r.at == h->text_n) {
		h->names++;
		return;
	}
	h->times++;
	if (r.n > h->best.n)
		h->best = r;
}

static uint8_t text[16384], other[65536], name[32];

/* A million records of noise among noise, and not one repeat that could count. */
static void
test_noise(void **state)
{
	(void)state;
	fill(text, sizeof text);
	fill(other, sizeof other);
	for (unsigned i = 0; i < 1000000; i++) {
		struct bm_repeats r;
		struct heard h = {.text_n = 48};
		/* Moved by one octet and changed in eight, all windows are others. */
		uint64_t x = draw();
		memcpy(text + i % 8000, &x, 8);
		size_t at = i % 16000, from = draw() % (sizeof other - 600);
		assert_true(bm_repeats_new(&r, bm_view(text + at, 48), bm_view(NULL, 0)));
		bm_repeats_within(&r, hear, &h);
		bm_repeats_compare(&r, bm_view(other + from, 600), 1, hear, &h);
		assert_true(h.best.n == 0 || bm_repeat_chance(r.places, h.best.n) > -40);
		bm_repeats_free(&r);
	}
}

/* Whatever could be rarer than 2^-40 is found at the stride that goes with it, wherever it is. */
static void
test_stride(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct bm_repeats r;
		struct heard h = {.text_n = sizeof text};
		uint64_t places = UINT64_C(1) << (20 + draw() % 34);
		size_t stride = bm_repeat_stride(places), n = 8;
		fill(text, 64 + i % 256);
		while (bm_repeat_chance(places, n) > -40)
			n++;
		n += draw() % 4;
		size_t at = draw() % (sizeof text - n), from = draw() % (sizeof other - n);
		if (i % 64 == 0)
			fill(other, sizeof other);
		uint8_t kept[64];
		memcpy(kept, other + from, n);
		memcpy(other + from, text + at, n);
		assert_true(bm_repeats_new(&r, bm_view(text, sizeof text), bm_view(NULL, 0)));
		bm_repeats_compare(&r, bm_view(other, sizeof other), stride, hear, &h);
		assert_true(h.best.n >= n);
		assert_true(h.best.at <= at && h.best.at + h.best.n >= at + n);
		assert_int_equal(from - at, h.best.from - h.best.at);
		bm_repeats_free(&r);
		memcpy(other + from, kept, n);
	}
}

static void
test_name(void **state)
{
	(void)state;
	fill(text, 100);
	fill(other, 4096);
	fill(name, sizeof name);
	for (size_t at = 0; at + sizeof name <= 4096; at += 7) {
		struct bm_repeats r;
		struct heard h = {.text_n = 100};
		uint8_t kept[sizeof name];
		memcpy(kept, other + at, sizeof name);
		memcpy(other + at, name, sizeof name);
		assert_true(bm_repeats_new(&r, bm_view(text, 100), bm_view(name, sizeof name)));
		bm_repeats_compare(&r, bm_view(other, 4096), 8, hear, &h);
		assert_true(h.names >= 1);
		/* Not all of it is none. */
		other[at + at % sizeof name] ^= 1;
		h.names = 0;
		bm_repeats_compare(&r, bm_view(other, 4096), 1, hear, &h);
		assert_int_equal(0, h.names);
		bm_repeats_free(&r);
		memcpy(other + at, kept, sizeof name);
	}
}

/* No repeat that is long enough is ever denied, wherever its two places are, and overlapping too.
 */
static void
test_possible(void **state)
{
	unsigned denied = 0;

	(void)state;
	for (size_t least = 8; least <= 12; least++) {
		for (size_t n = least; n < 4096; n += n < 64 ? 1 : 257) {
			fill(other, n);
			denied += !bm_repeats_possible(bm_view(other, n), least);
			for (unsigned k = 0; k < 40 && n > least; k++) {
				size_t from = draw() % (n - least), to = from + 1 + draw() % (n - least - from);
				fill(other, n);
				for (size_t i = 0; i < least; i++)
					other[to + i] = other[from + i];
				assert_true(bm_repeats_possible(bm_view(other, n), least));
			}
		}
	}
	/* Noise is told from it: else nothing would be gained. */
	assert_in_range(denied, 5 * 65, 5 * 75);
}

/* A record that was damaged all over and came again whole is no place that its runs were copied
 * from; the same run in the midst of other bytes is one, and so is one that stands by itself. */
static void
test_copy(void **state)
{
	struct bm_repeat r = {.at = 31, .n = 36, .from = 1000 + 31};

	(void)state;
	fill(text, 400);
	fill(other, 4096);
	memcpy(other + 1000 + 31, text + 31, 36);
	assert_false(bm_repeat_is_copy(bm_view(text, 400), bm_view(other, 4096), r));
	assert_false(bm_repeat_is_copy(
		bm_view(text, 400), bm_view(other + 1031, 36), (struct bm_repeat){31, 36, 0}));
	memcpy(other + 1000, text, 400);
	for (size_t i = 30; i < 400; i += 37)
		other[1000 + i] ^= 1;
	assert_true(bm_repeat_is_copy(bm_view(text, 400), bm_view(other, 4096), r));
	assert_true(bm_repeat_is_copy(
		bm_view(text, 400), bm_view(other + 1020, 100), (struct bm_repeat){31, 36, 11}));
	/* Not at the same distance. */
	r.from = 1000 + 32;
	assert_false(bm_repeat_is_copy(bm_view(text, 400), bm_view(other, 4096), r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_stride),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_possible),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
