/* The base: reader, hex, buffers, growth, arena, status, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/flips.h"
#include "base/status.h"

static void
test_reader(void **state)
{
	static const uint8_t b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
	struct bm_reader r = bm_reader(bm_view(b, sizeof b));

	(void)state;
	assert_int_equal(0x01, bm_u8(&r));
	assert_int_equal(0x0203, bm_u16(&r));
	assert_int_equal(0x040506, bm_u24(&r));
	assert_int_equal(0x0708090a, bm_u32(&r));
	assert_true(bm_u64(&r) == 0x0b0c0d0e0f101112);
	assert_int_equal(0, bm_left(&r));
	assert_false(r.bad);
	/* Nothing of nothing may be taken at the end. */
	assert_int_equal(0, bm_take(&r, 0).n);
	assert_null(bm_take_rest(&r).p);
	assert_false(r.bad);
	assert_int_equal(0, bm_u8(&r));
	assert_true(r.bad);
}

/* The first read past the end is the last that counts, whatever its kind. */
static void
test_reader_sticks(void **state)
{
	static const uint8_t b[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	(void)state;
	for (size_t n = 0; n < sizeof b; n++)
		for (unsigned kind = 0; kind < 8; kind++) {
			struct bm_reader r = bm_reader(bm_view(b, n));
			uint64_t got = 0;
			switch (kind) {
			case 0:
				got = bm_u64(&r);
				break;
			case 1:
				got = bm_vec8(&r).n;
				break;
			case 2:
				got = bm_vec16(&r).n;
				break;
			case 3:
				got = bm_vec24(&r).n;
				break;
			case 4:
				got = bm_take(&r, SIZE_MAX).n;
				break;
			case 5:
				got = bm_take(&r, n + 1).n;
				break;
			case 6:
				bm_skip(&r, SIZE_MAX);
				break;
			default:
				bm_skip(&r, n);
				got = bm_u8(&r);
			}
			assert_true(got == 0);
			assert_true(r.bad);
			assert_int_equal(0, bm_left(&r));
			assert_int_equal(0, bm_u8(&r) + bm_u16(&r));
			assert_int_equal(0, bm_take(&r, 0).n);
			assert_null(bm_take_rest(&r).p);
		}
}

static void
test_vectors(void **state)
{
	static const uint8_t b[] = {2, 'a', 'b', 0, 1, 'c', 0, 0, 3, 'd', 'e', 'f', 0};
	struct bm_reader r = bm_reader(bm_view(b, sizeof b));

	(void)state;
	assert_true(bm_view_equal(bm_vec8(&r), bm_view("ab", 2)));
	assert_true(bm_view_equal(bm_vec16(&r), bm_view("c", 1)));
	assert_true(bm_view_equal(bm_vec24(&r), bm_view("def", 3)));
	assert_true(bm_view_equal(bm_vec8(&r), bm_view(NULL, 0)));
	assert_false(r.bad);
	assert_false(bm_view_equal(bm_view("ab", 2), bm_view("ac", 2)));
	assert_false(bm_view_equal(bm_view("ab", 2), bm_view("ab", 1)));
}

static void
test_stores(void **state)
{
	uint8_t b[8];

	(void)state;
	bm_store64(b, 0x8081828384858687);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(0x80 + i, b[i]);
	assert_true(bm_load64(b) == 0x8081828384858687);
	assert_true(bm_load32(b) == 0x80818283);
	assert_int_equal(0x808182, bm_load24(b));
	assert_int_equal(0x8081, bm_load16(b));
	bm_store16(b, 0x1234);
	bm_store32(b + 2, 0x56789abc);
	assert_true(bm_load64(b) == 0x123456789abc8687);
}

static void
test_hex(void **state)
{
	uint8_t all[256], back[256];
	char text[513];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	bm_hex(bm_view(all, 256), text);
	assert_int_equal(512, strlen(text));
	assert_memory_equal("000102", text, 6);
	assert_string_equal("fdfeff", text + 506);
	assert_true(bm_unhex(text, 256, back));
	assert_memory_equal(all, back, 256);
	assert_true(bm_unhex("aBCdEf", 3, back));
	assert_memory_equal("\xab\xcd\xef", back, 3);
	assert_true(bm_unhex("", 0, back));
	bm_hex(bm_view(NULL, 0), text);
	assert_string_equal("", text);
	/* Every octet in either place. */
	for (unsigned c = 0; c < 256; c++) {
		bool digit = c != 0 && strchr("0123456789abcdefABCDEF", (int)c) != NULL;
		assert_int_equal(digit, bm_unhex((char[2]){(char)c, '0'}, 1, back));
		assert_int_equal(digit, bm_unhex((char[2]){'0', (char)c}, 1, back));
	}
}

static void
test_buffer(void **state)
{
	struct bm_buf b = {.max = 100};
	uint8_t bytes[101] = {1, 2, 3};

	(void)state;
	assert_int_equal(BM_OK, bm_buf_add(&b, bm_view(NULL, 0)));
	assert_int_equal(BM_LIMIT, bm_buf_add(&b, bm_view(bytes, 101)));
	assert_int_equal(0, b.n);
	assert_int_equal(BM_OK, bm_buf_add(&b, bm_view(bytes, 60)));
	assert_int_equal(BM_LIMIT, bm_buf_add(&b, bm_view(bytes, 41)));
	assert_int_equal(BM_LIMIT, bm_buf_reserve(&b, SIZE_MAX));
	assert_int_equal(60, b.n);
	assert_int_equal(BM_OK, bm_buf_add(&b, bm_view(bytes, 40)));
	assert_int_equal(100, b.n);
	assert_true(b.cap <= 100);
	assert_true(bm_view_equal(bm_view(b.p + 60, 40), bm_view(bytes, 40)));
	assert_true(bm_view_equal(bm_buf_view(&b), bm_view(b.p, 100)));
	bm_buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(BM_OK, bm_buf_add(&b, bm_view(bytes, 3)));
	assert_memory_equal(bytes, b.p, 3);
	bm_buf_clear(&b);
	bm_wipe(bytes, 2);
	assert_memory_equal("\0\0\3", bytes, 3);
	bm_wipe(NULL, 0);
}

static void
test_growth(void **state)
{
	void *items = NULL;
	size_t cap = 0, moves = 0;

	(void)state;
	for (size_t need = 1; need <= 1000; need++) {
		size_t before = cap;
		assert_int_equal(BM_OK, bm_grow(&items, &cap, need, 1000, 24));
		assert_true(cap >= need && cap <= 1000);
		moves += cap != before;
	}
	assert_true(moves < 12);
	void *p = items;
	assert_int_equal(BM_LIMIT, bm_grow(&items, &cap, 1001, 1000, 24));
	assert_int_equal(BM_LIMIT, bm_grow(&items, &cap, SIZE_MAX / 2, SIZE_MAX, 24));
	assert_int_equal(BM_LIMIT, bm_grow(&items, &cap, 2000, 3000, 0));
	assert_ptr_equal(p, items);
	assert_int_equal(1000, cap);
	free(items);
}

static void
test_arena(void **state)
{
	struct bm_arena a = {.max = 100000};
	uint8_t *p[100];

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		p[i] = bm_arena_take(&a, i, 7);
		assert_non_null(p[i]);
		assert_int_equal(0, (uintptr_t)p[i] % _Alignof(max_align_t));
		for (size_t j = 0; j < 7 * i; j++)
			assert_int_equal(0, p[i][j]);
		if (i != 0)
			memset(p[i], (int)i, 7 * i);
	}
	for (size_t i = 1; i < 100; i++)
		assert_true(p[i][0] == i && p[i][7 * i - 1] == i);
	assert_null(bm_arena_take(&a, 100000, 1));
	assert_null(bm_arena_take(&a, SIZE_MAX / 2, 3));
	assert_null(bm_arena_take(&a, SIZE_MAX, 1));
	assert_non_null(bm_arena_take(&a, 0, 0));
	assert_non_null(bm_arena_copy(&a, bm_view(NULL, 0)));
	assert_memory_equal("abc", bm_arena_copy(&a, bm_view("abc", 3)), 3);
	assert_string_equal("7 of nine", bm_arena_print(&a, "%d of %s", 7, "nine"));
	bm_arena_clear(&a);
	assert_null(a.first);
	assert_int_equal(0, a.used);
	/* The maximum is one of all blocks together. */
	unsigned taken = 0;
	while (bm_arena_take(&a, 3000, 1) != NULL)
		taken++;
	assert_true(taken >= 20 && taken <= 33);
	assert_true(a.used <= a.max);
	while (bm_arena_take(&a, 16, 1) != NULL)
		taken++;
	assert_true(a.used <= a.max && a.used > a.max - 16);
	bm_arena_clear(&a);
}

static void
test_status(void **state)
{
	struct bm_error e;

	(void)state;
	for (unsigned i = BM_OK; i <= BM_PAUSED; i++) {
		assert_true(strlen(bm_status_text((enum bm_status)i)) > 3);
		for (unsigned j = BM_OK; j < i; j++)
			assert_string_not_equal(
				bm_status_text((enum bm_status)i), bm_status_text((enum bm_status)j));
	}
	assert_string_equal("success", bm_status_text(BM_OK));
	assert_string_equal("unknown status", bm_status_text((enum bm_status)99));
	assert_int_equal(BM_FORMAT, bm_fail(&e, BM_FORMAT, 12, "words"));
	assert_int_equal(BM_FORMAT, e.status);
	assert_int_equal(12, e.offset);
	assert_string_equal("words", e.what);
	assert_int_equal(BM_IO, bm_fail(NULL, BM_IO, 0, "words"));
}

static void
test_flips(void **state)
{
	struct bm_flips f = {.bits = 0};

	(void)state;
	assert_int_equal(bm_flips_column(&f), -1);
	bm_flips_add(&f, bm_view("ab", 2), bm_view("abc", 3));
	assert_int_equal(f.bits, 0);
	bm_flips_add(&f, bm_view("\x10\x00\xff", 3), bm_view("\x00\x10\xff", 3));
	assert_int_equal(f.bits, 2);
	assert_int_equal(f.to, 3);
	assert_int_equal(bm_flips_column(&f), 4);
	bm_flips_add(&f, bm_view("\x80", 1), bm_view("\x00", 1));
	assert_int_equal(f.columns, 0x90);
	assert_int_equal(bm_flips_column(&f), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_reader_sticks),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_stores),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
