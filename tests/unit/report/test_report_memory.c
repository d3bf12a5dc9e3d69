/* Reports when memory runs out: every allocation fails once; that is a status and nothing else. */
#include "../starve.h"
#include "sample.h"

static void
every_allocation(bool json, bool html, enum bm_redaction level)
{
	struct bm_connection c[3] = {*sample_full(), *sample_full(), *sample_full()};

	c[1].result = BM_RESULT_UNDECIDED;
	c[2].result = BM_RESULT_VERIFIED;
	size_t n = 0;
	for (;; n++) {
		struct sink s = {.discard = true};
		struct bm_report_options o = sample_options(&s, json);
		o.html = html;
		o.verbose = true;
		starve_at(n);
		enum bm_status st = BM_OK;
		if (level != BM_REDACT_NOTHING)
			st = bm_redact_new(&o.redact, level);
		if (st == BM_OK && level != BM_REDACT_NOTHING)
			st = bm_redact_file(o.redact, BM_REDACT_CAPTURE, "/var/tmp/of-acme.pcap");
		if (st == BM_OK)
			st = sample_report(&o, c, 3);
		bm_redact_free(o.redact);
		starve_stop();
		if (st == BM_OK)
			break;
		assert_int_equal(st, BM_NOMEM);
		assert_true(n < 400);
	}
	assert_true(n >= (json ? 1 : 10));
}

static void
text(void **state)
{
	(void)state;
	every_allocation(false, false, BM_REDACT_NOTHING);
}

static void
json(void **state)
{
	(void)state;
	every_allocation(true, false, BM_REDACT_NOTHING);
}

static void
redacted(void **state)
{
	(void)state;
	every_allocation(false, false, BM_REDACT_ADDRESSES);
	every_allocation(true, false, BM_REDACT_ALL);
	every_allocation(false, true, BM_REDACT_ALL);
}

/* Detail may be left out for want of memory; nothing else may. */
static void
html(void **state)
{
	(void)state;
	every_allocation(false, true, BM_REDACT_NOTHING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(text), cmocka_unit_test(json),
		cmocka_unit_test(html), cmocka_unit_test(redacted)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
