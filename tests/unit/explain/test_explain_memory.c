/* Each allocation fails in turn while a log is explained: a status, or the whole report, and
 * nothing leaked. Linked so that malloc, calloc and realloc of the core come through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../kept.h"
#include "../starve.h"
#include "badmac.h"
#include "base/bytes.h"

static const char log_text[] = "{\"msg\":\"a\\nlocal error: tls: bad record MAC\\n\"}\n"
							   "main, WRITE: TLSv1 Application Data, length = 262\n"
							   "main, READ: TLSv1 Application Data, length = 282\n"
							   "main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac\n"
							   "CONNECTION KEYGEN:\n"
							   "certificate verify failed";

static enum badmac_status
explain(enum badmac_format format, unsigned long nth, enum badmac_result *result)
{
	struct badmac_explain_options o = {
		.format = format, .write = kept_write, .write_keys = kept_write, .write_ctx = NULL};
	struct badmac_error e = {.what = NULL};
	struct badmac_explanation *x;

	kept.n = 0;
	starve_at(nth);
	enum badmac_status st = badmac_explanation_new(&x, &o, &e);
	if (st == BADMAC_OK)
		st = badmac_explanation_add_rules(x, "own", "[event own]\nmatch: own\n", 23, &e);
	/* In pieces, so that some is held. */
	for (size_t at = 0; st == BADMAC_OK && at < sizeof log_text - 1; at += 50)
		st = badmac_explanation_feed(
			x, log_text + at, sizeof log_text - 1 - at < 50 ? sizeof log_text - 1 - at : 50, &e);
	if (st == BADMAC_OK)
		st = badmac_explanation_finish(x, &e);
	starve_stop();
	assert_true(st == BADMAC_OK || (e.status == st && e.what != NULL));
	if (st == BADMAC_OK)
		*result = badmac_explanation_result(x);
	badmac_explanation_free(x);
	return st;
}

static void
test_every_allocation_fails(void **state)
{
	static const enum badmac_format formats[] = {BADMAC_TEXT, BADMAC_JSON};
	static char whole[sizeof kept.text];
	enum badmac_result result = BADMAC_UNDECIDED;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		assert_int_equal(BADMAC_OK, explain(formats[f], STARVE_NEVER, &result));
		assert_int_equal(BADMAC_FAILED, result);
		size_t n = kept.n;
		memcpy(whole, kept.text, n);
		unsigned long nth = 0;
		for (;; nth++) {
			enum badmac_status st = explain(formats[f], nth, &result);
			if (st != BADMAC_OK) {
				assert_int_equal(BADMAC_NOMEM, st);
				continue;
			}
			assert_int_equal(n, kept.n);
			assert_memory_equal(whole, kept.text, n);
			break;
		}
		assert_true(nth > 20);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
