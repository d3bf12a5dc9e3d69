/* Each allocation of a diagnosis with logs fails in turn: a status, or a right result, and nothing
 * leaked (with a sanitizer). Linked so that malloc, calloc and realloc of the core come through
 * here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../kept.h"
#include "../starve.h"
#include "badmac.h"
#include "base/buf.h"

static const char log_text[] =
	"2026-11-23T10:00:00Z from 10.9.2.1:1: local error: tls: bad record MAC\n"
	"main, READ: TLSv1 Application Data, length = 282\n"
	"main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac\n";
static const char rules[] = "[event own]\nmatch: own words\n";

static bool reached; /* was there such an allocation? */
static struct bm_buf
load(const char *name)
{
	struct bm_buf b = {.max = 1 << 22};
	char path[512];

	(void)snprintf(path, sizeof path, "%s/data/damaged/tls12-aes128gcm/bitflip/%s",
		getenv("BADMAC_TESTS"), name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(BM_OK, bm_buf_reserve(&b, b.max));
	b.n = fread(b.p, 1, b.max, f);
	(void)fclose(f);
	assert_true(b.n > 100 && b.n < b.max);
	return b;
}

static enum badmac_status
diagnose(enum badmac_format format, enum badmac_redact redact, const struct bm_buf *capture,
	const struct bm_buf *keys, unsigned long nth, enum badmac_result *result)
{
	struct badmac_options o = {
		.format = format, .effort = BADMAC_QUICK, .write = kept_write, .redact = redact};
	struct badmac_error e = {.what = NULL};
	struct badmac *b;

	kept.n = 0;
	starve_at(nth);
	enum badmac_status st = badmac_new(&b, &o, &e);
	if (st == BADMAC_OK)
		st = badmac_add_keys(b, keys->p, keys->n, &e);
	if (st == BADMAC_OK)
		st = badmac_add_log_rules(b, "own", rules, sizeof rules - 1, &e);
	if (st == BADMAC_OK)
		st = badmac_begin_log(b, "a.log", &e);
	if (st == BADMAC_OK)
		st = badmac_feed_log(b, log_text, sizeof log_text - 1, &e);
	if (st == BADMAC_OK)
		st = badmac_begin_log(b, "b.log", &e);
	if (st == BADMAC_OK)
		st = badmac_add_capture(b, "capture", capture->p, capture->n, &e);
	if (st == BADMAC_OK)
		st = badmac_run(b, &e);
	reached = starve_stop();
	assert_true(st == BADMAC_OK || (e.status == st && e.what != NULL));
	*result = badmac_result(b);
	badmac_free(b);
	return st;
}

static void
test_every_allocation_fails(void **state)
{
	static const enum badmac_format formats[] = {BADMAC_TEXT, BADMAC_JSON, BADMAC_TEXT};
	static const enum badmac_redact redact[] = {
		BADMAC_REDACT_NOTHING, BADMAC_REDACT_ALL, BADMAC_REDACT_ADDRESSES};
	struct bm_buf capture = load("receiver.pcap"), keys = load("keys.log");
	enum badmac_result result;

	(void)state;
	for (size_t f = 0; f < 3; f++) {
		assert_int_equal(
			BADMAC_OK, diagnose(formats[f], redact[f], &capture, &keys, STARVE_NEVER, &result));
		assert_int_equal(BADMAC_FAILED, result);
		assert_true(kept.n > 500);
		unsigned long refused = 0, nth = 0;
		for (size_t whole = kept.n;; nth++) {
			enum badmac_status st = diagnose(formats[f], redact[f], &capture, &keys, nth, &result);
			if (st == BADMAC_OK) {
				assert_int_equal(BADMAC_FAILED, result);
				if (kept.n == whole && !reached)
					break;
			} else {
				assert_int_equal(BADMAC_NOMEM, st);
				refused++;
			}
			assert_true(nth < 100000);
		}
		assert_true(refused > 50);
	}
	bm_buf_clear(&capture);
	bm_buf_wipe(&keys);
}

/* Calls in an order that makes no sense. */
static void
test_misuse(void **state)
{
	struct badmac_options o = {.write = kept_write};
	struct badmac_error e;
	struct badmac *b;

	(void)state;
	kept.n = 0;
	assert_int_equal(BADMAC_OK, badmac_new(&b, &o, &e));
	assert_int_equal(BADMAC_USAGE, badmac_feed_log(b, "x", 1, &e));
	assert_int_equal(BADMAC_USAGE, badmac_begin_log(b, NULL, &e));
	assert_int_equal(BADMAC_USAGE, badmac_begin_log(NULL, "x", &e));
	assert_int_equal(BADMAC_FORMAT, badmac_add_log_rules(b, "x", "[event x]\nfrob: y\n", 18, &e));
	assert_int_equal(2, e.offset);
	assert_int_equal(BADMAC_OK, badmac_begin_log(b, "x", &e));
	assert_int_equal(BADMAC_USAGE, badmac_feed_log(b, NULL, 1, &e));
	assert_int_equal(BADMAC_USAGE, badmac_add_log_rules(b, "x", rules, sizeof rules - 1, &e));
	assert_int_equal(BADMAC_OK, badmac_run(b, &e));
	assert_int_equal(BADMAC_USAGE, badmac_begin_log(b, "x", &e));
	assert_int_equal(BADMAC_USAGE, badmac_feed_log(b, "x", 1, &e));
	badmac_free(b);

	/* Rules that lead nowhere are told of when the first log begins. */
	assert_int_equal(BADMAC_OK, badmac_new(&b, &o, &e));
	static const char lost[] = "[event x]\nmatch: abcdef\nstack: nowhere\n";
	assert_int_equal(BADMAC_OK, badmac_add_log_rules(b, "lost", lost, sizeof lost - 1, &e));
	assert_int_equal(BADMAC_FORMAT, badmac_begin_log(b, "x", &e));
	assert_string_equal("lost", e.input);
	badmac_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_fails),
		cmocka_unit_test(test_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
