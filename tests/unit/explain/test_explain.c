/* Patterns against a matcher that tries every place; times, versions and suites; a log cut
 * anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../stride.h"
#include "reports.h"

static struct bm_view
text(const char *s)
{
	return bm_view(s, strlen(s));
}

static bool
fits(const char *pattern, const char *line)
{
	struct bm_matcher *m;
	uint32_t found[4];

	assert_int_equal(BM_OK, bm_matcher_new(&m));
	assert_int_equal(BM_OK, bm_matcher_add(m, pattern));
	assert_int_equal(BM_OK, bm_matcher_seal(m));
	size_t n = bm_matcher_run(m, text(line), found, 4);
	assert_true(n <= 1 && (n == 0 || bm_matcher_may(m, text(line))));
	bm_matcher_free(m);
	return n == 1;
}

static void
test_patterns(void **state)
{
	(void)state;
	assert_true(fits("bad record mac", "x Bad Record MAC"));
	assert_false(fits("bad record mac", "bad record ma"));
	assert_true(fits("ab*cd*ef", "ab..cd..ef"));
	assert_false(fits("ab*cd*ef", "ab..ef..cd"));
	assert_false(fits("ab*ab", "ab"));
	assert_true(fits("ab*ab", "abab"));
	assert_true(fits("\\<20\\>", "code is 20."));
	assert_false(fits("\\<20\\>", "code is 200."));
	assert_false(fits("\\<20\\>", "code is 120."));
	assert_true(fits("\\<20\\>", "120 201 20"));
	assert_true(fits("a\\*b\\\\", "xA*B\\"));
	assert_true(fits("*ab*", "ab"));
}

static void
test_what_is_no_pattern(void **state)
{
	static const char *const bad[] = {
		"", "*", "a", "**", "a*b", "a\\", "\\q", "ab\\<c", "a\\>b", "\\<*ab", "ab*\\>"};
	struct bm_matcher *m;

	(void)state;
	assert_int_equal(BM_OK, bm_matcher_new(&m));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(BM_FORMAT, bm_matcher_add(m, bad[i]));
	bm_matcher_free(m);
}

static uint32_t random_state;

static unsigned
draw(unsigned below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 16) % below;
}

/* The pattern's words one after another, by looking everywhere. */
static bool
naive(const char *pattern, const char *line)
{
	size_t n = strcspn(pattern, "*");

	if (*pattern == '\0')
		return true;
	if (n == 0)
		return naive(pattern + 1, line);
	for (; *line != '\0'; line++)
		if (strncmp(line, pattern, n) == 0 && naive(pattern + n, line + n))
			return true;
	return false;
}

enum { MANY = 40 };

static void
make(char *out, size_t n, const char *letters)
{
	for (size_t i = 0; i < n; i++)
		out[i] = letters[draw((unsigned)strlen(letters))];
	out[n] = '\0';
}

/* Few letters, so that words overlap, contain and end each other. */
static void
test_many_at_once(void **state)
{
	(void)state;
	random_state = 1;
	for (unsigned round = 0; round < 300; round++) {
		struct bm_matcher *m;
		char patterns[MANY][24], line[80];
		uint32_t found[MANY];
		size_t count = 0;

		assert_int_equal(BM_OK, bm_matcher_new(&m));
		while (count < MANY) {
			make(patterns[count], 2 + draw(16), "aab*c");
			if (bm_matcher_add(m, patterns[count]) == BM_OK)
				count++;
		}
		assert_int_equal(BM_OK, bm_matcher_seal(m));
		for (unsigned k = 0; k < 50; k++) {
			make(line, draw(70), "aabcd");
			size_t n = bm_matcher_run(m, text(line), found, MANY), at = 0;
			for (uint32_t i = 0; i < MANY; i++) {
				bool there = at < n && found[at] == i;
				assert_int_equal(naive(patterns[i], line), there);
				at += there;
			}
			assert_int_equal(n, at);
			assert_true(n == 0 || bm_matcher_may(m, text(line)));
		}
		bm_matcher_free(m);
	}
}

static void
assert_near(double a, double b)
{
	assert_true(a - b < 0.001 && b - a < 0.001);
}

static double
seconds(const char *line)
{
	struct bm_log_time t;

	assert_true(bm_find_time(text(line), &t));
	return t.seconds;
}

static void
test_times(void **state)
{
	struct bm_log_time t;

	(void)state;
	double noon = seconds("2024-03-05T12:00:00Z x");
	static const char *const same[] = {"2024-03-05 12:00:00,000 x", "2024/03/05 12:00:00 [crit]",
		"[Tue Mar 05 12:00:00.000 2024] x", "[05/Mar/2024:12:00:00 +0000]",
		"Mar 5, 2024 12:00:00 PM x", "05-Mar-2024 12:00:00.000 FINE",
		"2024.03.05 12:00:00 LOG3[1]"};
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		assert_near(noon, seconds(same[i]));
	assert_near(90061.5, seconds("2024-03-01 01:01:01.5") - seconds("2024-02-29 00:00:00"));
	assert_near(60, seconds("Mar  5 10:01:00 h") - seconds("<14>Mar  5 10:00:00 h"));
	assert_near(1709633472.5, seconds("{\"ts\":1709633472.5}"));
	assert_near(1709633472.5, seconds("{\"time\": 1709633472500}"));
	static const char *const none[] = {"", "10:11:12 no date", "2024-13-05 12:00:00",
		"Mar 32 10:00:00", "2024-03-05", "12024-03-05 12:00:00", "2024-03-05 12:61:00"};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_false(bm_find_time(text(none[i]), &t));
}

/* The same moments by the clock of 1970, with and without a zone. */
static void
test_zones(void **state)
{
	static const struct {
		const char *line;
		double unix_s, step;
		bool year, zone;
	} cases[] = {{"2024-03-05T12:00:00Z x", 1709640000, 1, true, true},
		{"2024-03-05 12:00:00.25 UTC|", 1709640000.25, 0.01, true, true},
		{"2024-03-05 12:00:00,250 - x", 1709640000.25, 0.001, true, false},
		{"2024-03-05T13:00:00+01:00", 1709640000, 1, true, true},
		{"2024-03-05 06:30:00-0530 x", 1709640000, 1, true, true},
		{"2024-03-05 14:00:00+02", 1709640000, 1, true, true},
		{"[05/Mar/2024:12:00:00 +0000]", 1709640000, 1, true, true},
		{"2024-03-05 12:00:00 -12 x", 1709640000, 1, true, false},
		{"2024-03-05 12:00:00 CET", 1709640000, 1, true, false},
		{"2024-03-05 12:00:00Zulu", 1709640000, 1, true, false},
		{"Mar  5 12:00:00 host", 68644800, 1, false, false},
		{"{\"ts\":1709640000.5}", 1709640000.5, 0.001, true, true},
		{"1970-01-01 00:00:00Z", 0, 1, true, true}};
	struct bm_log_time t;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(bm_find_time(text(cases[i].line), &t));
		assert_near(cases[i].unix_s, t.unix_s);
		assert_true(t.step > cases[i].step * 0.99 && t.step < cases[i].step * 1.01);
		if (t.has_year != cases[i].year || t.has_zone != cases[i].zone || !t.has_day)
			fail_msg("%s", cases[i].line);
	}
	assert_true(bm_find_clock(text("[12:00:00.5] x"), &t));
	assert_true(!t.has_day && !t.has_zone);
	assert_near(43200.5, t.unix_s);
	assert_string_equal("12:00:00.5", t.text);
	static const char *const none[] = {"", "at 12:00:00", "12:00", "12:00:00:00", "25:00:00", "ab"};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_false(bm_find_clock(text(none[i]), &t));
}

static void
test_versions_and_suites(void **state)
{
	char version[16], suite[64];

	(void)state;
	assert_true(bm_find_version(text("New, TLSv1.3, Cipher"), version));
	assert_string_equal("TLS 1.3", version);
	assert_true(bm_find_version(text("DTLSv1.2"), version));
	assert_string_equal("DTLS 1.2", version);
	assert_true(bm_find_version(text("main, READ: TLSv1 Alert"), version));
	assert_string_equal("TLS 1.0", version);
	assert_false(bm_find_version(text("sslv3 alert bad record mac"), version));
	assert_false(bm_find_version(text("TLSv12"), version));
	assert_true(bm_find_suite(text("Cipher    : ECDHE-RSA-AES128-GCM-SHA256"), suite));
	assert_string_equal("ECDHE-RSA-AES128-GCM-SHA256", suite);
	assert_true(bm_find_suite(text("[Session-1, SSL_RSA_WITH_RC4_128_SHA]"), suite));
	assert_false(bm_find_suite(text("SSL_ERROR_BAD_MAC_READ SSL_read"), suite));
	assert_false(bm_find_suite(text("[TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384]"), suite));
}

/* What ends in the middle of anything is read as far as it goes: nothing is seen that the whole
 * does not hold. */
static void
test_truncated_anywhere(void **state)
{
	static const char *const names[] = {"jdk6-rc4-third-record.log", "corpus.txt"};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct bm_buf log = read_file(names[f]);
		size_t most = log.n < 6000 ? log.n : 6000;
		for (size_t n = 0; n <= most; n += stride()) {
			/* In memory of just that size, so that a read past its end shows. */
			uint8_t *copy = malloc(n + (n == 0));
			assert_non_null(copy);
			memcpy(copy, log.p, n);
			struct bm_buf out = report(bm_view(copy, n), n + 1);
			assert_true(out.n > 100 && out.p[out.n - 1] == '\n');
			bm_buf_clear(&out);
			free(copy);
		}
		bm_buf_clear(&log);
	}
}

static void
test_cut_anywhere(void **state)
{
	static const char log[] = "{\"msg\":\"a\\nlocal error: tls: bad record MAC\\n\\u0041\"}\r\n"
							  "main, READ: TLSv1 Application Data, length = 282\n"
							  "main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac";

	(void)state;
	struct bm_view v = bm_view(log, sizeof log - 1);
	struct bm_buf whole = report(v, v.n);
	assert_non_null(strstr((char *)whole.p, "\"stack\": \"go\""));
	for (size_t n = 1; n < v.n; n++) {
		struct bm_buf pieces = report(v, n);
		assert_true(bm_view_equal(bm_buf_view(&whole), bm_buf_view(&pieces)));
		bm_buf_clear(&pieces);
	}
	bm_buf_clear(&whole);
}

/* Java 11 and later say of each record that it was read in two places. */
static void
test_read_twice(void **state)
{
#define AT(place, length)                                                                          \
	"javax.net.ssl|DEBUG|10|main|2026-11-26 11:34:39.515 UTC|SSLSocketInputRecord.java:" place     \
	"|READ: TLSv1.2 application_data, length = " length "\n"
	static const char log[] =
		AT("214", "204") AT("247", "204") AT("214", "204") AT("247", "204") AT("214", "1324")
			AT("247", "1324") "javax.net.ssl|ERROR|10|main|2026-11-26 11:34:39.560 UTC|"
							  "TransportContext.java:375|Fatal (BAD_RECORD_MAC): Tag mismatch! (\n";

	(void)state;
	struct bm_buf out = report(bm_view(log, sizeof log - 1), sizeof log);
	uint8_t end = 0;
	assert_int_equal(BM_OK, bm_buf_add(&out, bm_view(&end, 1)));
	assert_non_null(strstr((char *)out.p, "\"received_lengths\": [204, 204, 1324]"));
	bm_buf_clear(&out);
}

static void
test_no_room_for_more(void **state)
{
	char *log = malloc(400 * 100);
	size_t n = 0;

	(void)state;
	assert_non_null(log);
	for (unsigned i = 0; i < 400; i++) {
		n += (size_t)sprintf(log + n, "New, TLSv1.%u, Cipher is TLS_A%03u_WITH_X\n", i % 4, i);
		n += (size_t)sprintf(log + n, "local error: tls: bad record MAC\n");
	}
	struct bm_buf out = report(bm_view(log, n), n);
	uint8_t end = 0;
	assert_int_equal(BM_OK, bm_buf_add(&out, bm_view(&end, 1)));
	assert_non_null(
		strstr((char *)out.p, "\"incidents\": 256, \"occurrences\": 400, \"left_out\": 144"));
	bm_buf_clear(&out);
	free(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_what_is_no_pattern),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_versions_and_suites),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_read_twice),
		cmocka_unit_test(test_no_room_for_more),
	};

	return cmocka_run_group_tests(tests, read_rules, free_rules);
}
