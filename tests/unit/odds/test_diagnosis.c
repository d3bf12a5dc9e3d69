/* Patterns of damage as a report of badmac diagnose has them, and reports that are none. */
#include "odds/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bm_diagnosis d;
static char problem[200];

static enum bm_status
read_text(const char *text)
{
	/* Of its own, so that a sanitizer sees what lies behind it. */
	size_t n = strlen(text);
	char *copy = malloc(n + (n == 0));
	memcpy(copy, text, n);
	problem[0] = '\0';
	enum bm_status st = bm_diagnosis_read(bm_view(copy, n), &d, problem, sizeof problem);
	free(copy);
	return st;
}

/* A report with these failures, all of one connection. */
static void
read_failures(const char *failures)
{
	char text[4000];

	snprintf(text, sizeof text,
		"{\"schema\": \"badmac.diagnosis.v1\", \"summary\": {\"result\": \"failed\"}, "
		"\"connections\": "
		"[{\"cipher_suite\": \"TLS_RSA_WITH_RC4_128_SHA\", \"failures\": [%s]}]}",
		failures);
	assert_int_equal(read_text(text), BM_OK);
}

static const char *
failure(const char *cause, const char *captured, const char *sent, const char *damage)
{
	static char text[3000];

	snprintf(text, sizeof text,
		"{\"cause\": \"%s\", \"damage\": [%s], \"checksum\": {\"as_captured\": %s, \"as_sent\": "
		"%s}}",
		cause, damage, captured, sent);
	return text;
}

static void
expect(const char *cause, const char *damage, enum bm_pattern_kind kind, unsigned n)
{
	read_failures(failure(cause, "\"valid\"", "\"valid\"", damage));
	assert_int_equal(d.failures, 1);
	assert_int_equal(d.group_count, 1);
	assert_int_equal(d.groups[0].failures, 1);
	assert_int_equal(d.groups[0].pattern.kind, kind);
	assert_int_equal(d.groups[0].pattern.n, n);
	assert_non_null(d.suite);
	assert_string_equal(d.suite->name, "TLS_RSA_WITH_RC4_128_SHA");
}

static const char *
run(const char *received, const char *sent, unsigned packet, unsigned at)
{
	static char text[4][600];
	static unsigned next;
	char *t = text[next++ % 4];

	snprintf(t, sizeof text[0],
		"{\"length\": %zu, \"packet\": %u, \"packet_offset\": %u, \"received\": \"%s\", \"sent\": "
		"%s%s%s}",
		strlen(received) / 2, packet, at, received, sent != NULL ? "\"" : "",
		sent != NULL ? sent : "null", sent != NULL ? "\"" : "");
	return t;
}

static const char *
both(const char *a, const char *b)
{
	static char text[1300];

	snprintf(text, sizeof text, "%s, %s", a, b);
	return text;
}

static void
test_patterns(void **state)
{
	(void)state;
	expect("bits-flipped", run("6c", "7c", 18, 272), BM_PATTERN_BITS, 1);
	/* One column, an even number of octets apart. */
	expect("bits-flipped", both(run("6c", "7c", 18, 272), run("74", "64", 18, 276)),
		BM_PATTERN_LANE, 2);
	/* The same bit, an odd number apart: another column. And in another packet. */
	expect("bits-flipped", both(run("6c", "7c", 18, 272), run("74", "64", 18, 277)),
		BM_PATTERN_BITS, 2);
	expect("bits-flipped", both(run("6c", "7c", 18, 272), run("74", "64", 19, 276)),
		BM_PATTERN_BITS, 2);
	/* 15 bits in a row, and one more. */
	expect("bytes-damaged", run("0003", "8001", 1, 100), BM_PATTERN_BURST, 15);
	expect("bytes-damaged", run("0001", "8000", 1, 100), BM_PATTERN_BITS, 2);
	expect("bytes-damaged", run("ffffffff", "00000001", 1, 100), BM_PATTERN_BURST, 31);
	expect("bytes-damaged", run("ffffffffffffffffff", "0f0f0f0f0f0f0f0f0f", 1, 100),
		BM_PATTERN_RANDOM, 0);
	expect("bytes-damaged", run("00000000", NULL, 1, 100), BM_PATTERN_ZEROED, 4);
	expect("stale-data", run("0102030405", NULL, 1, 100), BM_PATTERN_STALE, 5);
	expect("words-swapped", both(run("0102", "0304", 1, 100), run("0304", "0102", 1, 110)),
		BM_PATTERN_SWAP_WORDS, 0);
	expect("unexplained", "", BM_PATTERN_RANDOM, 0);
	expect("bytes-damaged", run("xx", "00", 1, 100), BM_PATTERN_RANDOM, 0);
	expect("bytes-damaged", run("00ff", "00", 1, 100), BM_PATTERN_RANDOM, 0);
	expect("bytes-damaged", "3, null, {}", BM_PATTERN_RANDOM, 0);
}

static void
test_checksums(void **state)
{
	const char *flip = run("6c", "7c", 18, 272);

	(void)state;
	read_failures(failure("bits-flipped", "\"valid\"", "\"invalid\"", flip));
	assert_int_equal(d.groups[0].pattern.kind, BM_PATTERN_RESUMMED);
	read_failures(failure("bits-flipped", "\"invalid\"", "\"valid\"", flip));
	assert_int_equal(d.group_count, 0);
	assert_int_equal(d.caught, 1);
	read_failures(failure("bits-flipped", "\"offloaded\"", "null", flip));
	assert_int_equal(d.groups[0].pattern.kind, BM_PATTERN_BITS);
	read_failures(failure("sequence-reused", "\"valid\"", "null", ""));
	assert_int_equal(d.group_count, 0);
	assert_int_equal(d.others, 1);
}

static void
test_many(void **state)
{
	static char text[200000];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(
		text, sizeof text, "{\"schema\": \"badmac.diagnosis.v1\", \"connections\": [");
	/* Zeroed runs of 2 to 61 octets, twice each. */
	for (unsigned i = 0; i < 120; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
			"%s{\"cipher_suite\": \"%s\", \"failures\": [{\"cause\": \"bytes-damaged\", "
			"\"damage\": "
			"[{\"length\": %u, \"received\": \"00\"}]}]}",
			i == 0 ? "" : ",", i % 2 == 0 ? "TLS_RSA_WITH_NULL_SHA" : "TLS_RSA_WITH_NULL_MD5",
			2 + i / 2);
	snprintf(text + n, sizeof text - n, "], \"summary\": {\"result\": \"undecided\"}}");
	assert_int_equal(read_text(text), BM_OK);
	assert_int_equal(d.failures, 120);
	assert_int_equal(d.group_count, BM_DIAGNOSIS_GROUPS);
	assert_int_equal(d.groups[0].failures, 2);
	assert_int_equal(d.left_out, 120 - 2 * BM_DIAGNOSIS_GROUPS);
	assert_true(d.undecided);
	assert_null(d.suite);
}

static void
test_no_reports(void **state)
{
	static const char *const texts[] = {"", "[]", "null", "{}",
		"{\"schema\": \"badmac.diagnosis.v1\"}",
		"{\"schema\": \"badmac.explanation.v1\", \"connections\": []}",
		"{\"schema\": \"badmac.diagnosis.v1\", \"connections\": {}}",
		"{\"schema\": \"badmac.diagnosis.v1\", \"connections\": []", "FAILED: 1 of 21 records",
		"{\"connections\": [], \"connections\": []}"};
	/* Odd, and still failures. */
	static const char *const odd[] = {"1", "{}, null, []", "{\"damage\": 3}",
		"{\"cause\": \"bits-flipped\", \"damage\": [{\"length\": -1, \"sent\": {}}]}",
		"{\"cause\": \"bits-flipped\", \"damage\": [{\"packet_offset\": 9e99}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(read_text(texts[i]), BM_FORMAT);
		assert_true(problem[0] != '\0');
		assert_int_equal(d.failures, 0);
	}
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		read_failures(odd[i]);
	char *deep = malloc(100000);
	memset(deep, '[', 99999);
	deep[99999] = '\0';
	assert_int_equal(read_text(deep), BM_FORMAT);
	free(deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_reports),
	};

	return cmocka_run_group_tests_name("odds: reports of diagnose", tests, NULL, NULL);
}
