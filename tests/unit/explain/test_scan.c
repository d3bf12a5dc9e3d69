/* Lines that are passed over in large pieces of a log: none is, that line by line would be looked
 * at, and the report is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../stride.h"
#include "reports.h"

/* The chunks that a scan marks are those in which a walk line by line finds something, or a
 * backslash stands; by each length of what comes before. */
static void
test_scan(void **state)
{
	static const char *const patterns[] = {"bad record mac", "x*certificate", "\\<ab\\>"};
	static uint64_t hits[BM_SCAN_WORDS];
	struct bm_matcher *m;
	uint8_t *text = malloc(BM_SCAN_TEXT);

	(void)state;
	assert_non_null(text);
	assert_int_equal(BM_OK, bm_matcher_new(&m));
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		assert_int_equal(BM_OK, bm_matcher_add(m, patterns[i]));
	assert_int_equal(BM_OK, bm_matcher_seal(m));
	for (size_t n = 0; n < 3000; n += stride()) {
		memset(text, '.', n);
		bm_matcher_scan(m, bm_view(text, n), hits);
		assert_int_equal(n, bm_scan_next(hits, 0, n));
		for (size_t at = 0; at + 14 <= n; at += 1 + stride() * 13) {
			memcpy(text + at, "Bad Record MAC", 14);
			bm_matcher_scan(m, bm_view(text, n), hits);
			size_t hit = bm_scan_next(hits, 0, n), chunk = BM_SCAN_CHUNK;
			assert_int_equal((at + 13) / chunk * chunk, hit);
			size_t next = hit + chunk;
			assert_int_equal(n, next < n ? bm_scan_next(hits, next, n) : n);
			text[at + 13] = '\n';
			bm_matcher_scan(m, bm_view(text, n), hits);
			assert_int_equal(n, bm_scan_next(hits, 0, n));
			text[at] = '\\';
			bm_matcher_scan(m, bm_view(text, n), hits);
			assert_int_equal(at / chunk * chunk, bm_scan_next(hits, 0, n));
			memset(text, '.', n);
		}
	}
	memset(text, '\\', BM_SCAN_TEXT);
	bm_matcher_scan(m, bm_view(text, BM_SCAN_TEXT), hits);
	for (size_t at = 0; at < BM_SCAN_TEXT; at += BM_SCAN_CHUNK)
		assert_int_equal(at, bm_scan_next(hits, at, BM_SCAN_TEXT));
	bm_matcher_free(m);
	free(text);
}

/* Most lines of a large piece are passed over; what is said of it is the same. */
static void
test_large_pieces(void **state)
{
	struct bm_buf log = read_file("corpus.txt"), all = {.max = 1 << 24};
	char filler[200];

	(void)state;
	for (unsigned i = 0, at = 0; at < log.n; i++) {
		/* A line out of the corpus, then up to 90 others, some with heads and some without. */
		const uint8_t *end = memchr(log.p + at, '\n', log.n - at);
		size_t n = end != NULL ? (size_t)(end - (log.p + at)) + 1 : log.n - at;
		assert_int_equal(BM_OK, bm_buf_add(&all, bm_view(log.p + at, n)));
		at += (unsigned)n;
		for (unsigned k = 0; k < i * 7 % 91; k++) {
			int len = snprintf(filler, sizeof filler, "%s%*s\n",
				(i + k) % 5 == 0 ? "2024-03-05 10:11:12 quiet" : "  192.0.2.7:443",
				(int)(k * i % 80), "");
			assert_int_equal(BM_OK, bm_buf_add(&all, bm_view(filler, (size_t)len)));
		}
	}
	struct bm_buf whole = report(bm_buf_view(&all), all.n), pieces = report(bm_buf_view(&all), 7),
				  halves = report(bm_buf_view(&all), 5000);
	assert_true(bm_view_equal(bm_buf_view(&whole), bm_buf_view(&pieces)));
	assert_true(bm_view_equal(bm_buf_view(&whole), bm_buf_view(&halves)));
	bm_buf_clear(&whole);
	bm_buf_clear(&pieces);
	bm_buf_clear(&halves);
	bm_buf_clear(&all);
	bm_buf_clear(&log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_large_pieces),
	};

	return cmocka_run_group_tests(tests, read_rules, free_rules);
}
