/* Every allocation of a carving refused in turn: it says so, and nothing is lost. */
#include "made.h"

#include "../starve.h"
#include "packet/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int
nowhere(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	return 0;
}

/* One that is a repair as well. */
static enum bm_status
carve(const struct bm_findings *report, struct bm_view capture)
{
	const struct bm_carve_options o = {.report = report, .repaired = true, .program = "a test"};
	static const char keys[] =
		"CLIENT_RANDOM 0000000000000000000000000000000000000000000000000000000000000000 "
		"000000000000000000000000000000000000000000000000"
		"000000000000000000000000000000000000000000000000\n";
	struct bm_carve *c;
	struct bm_error e;
	const char *input;
	char problem[200];

	enum bm_status st = bm_carve_new(&c, &o, problem, sizeof problem);
	if (st == BM_OK)
		st = bm_carve_add_keys(c, bm_view(keys, sizeof keys - 1), &e);
	if (st == BM_OK)
		st = bm_carve_add_capture(c, "made", capture, NULL, NULL);
	if (st == BM_OK)
		st = bm_carve_read(c, &e, &input);
	if (st == BM_OK)
		st = bm_carve_write(c, false, nowhere, NULL);
	bm_carve_free(c);
	return st;
}

static void
test_starved(void **state)
{
	struct made m;
	struct bm_buf report;
	struct bm_findings f;
	struct bm_view sent = bm_view("abcdefg", 7);
	struct made_failure x = {"bytes-missing", 0, 0, NULL};
	char problem[BM_FINDINGS_PROBLEM];
	bool refused = true;

	(void)state;
	made_start(&m);
	made_hello(&m);
	for (unsigned i = 0; i < 5; i++)
		made_add(&m,
			&(struct made_segment){.flags = BM_ACK, .at = i * 4, .payload = bm_view("data", 4)});
	x.damage = made_damage(6, bm_view(sent.p, 0), &sent);
	made_report(&report, &m, &x, 1);
	/* With a client random, so that secrets are looked for. */
	for (uint8_t *p = report.p; p + 20 < report.p + report.n; p++)
		if (memcmp(p, "\"client_random\":null", 20) == 0) {
			struct bm_buf more = {.max = 1 << 20};
			assert_int_equal(bm_buf_add(&more, bm_view(report.p, (size_t)(p - report.p))), BM_OK);
			assert_int_equal(bm_buf_add(&more, bm_view("\"client_random\":\"", 17)), BM_OK);
			for (int i = 0; i < 64; i++)
				assert_int_equal(bm_buf_add(&more, bm_view("0", 1)), BM_OK);
			assert_int_equal(bm_buf_add(&more, bm_view("\"", 1)), BM_OK);
			assert_int_equal(
				bm_buf_add(&more, bm_view(p + 20, report.n - 20 - (size_t)(p - report.p))), BM_OK);
			bm_buf_clear(&report);
			report = more;
			break;
		}
	assert_int_equal(bm_findings_read(bm_buf_view(&report), &f, problem, sizeof problem), BM_OK);
	for (unsigned long nth = 0; refused; nth++) {
		starve_at(nth);
		enum bm_status st = carve(&f, bm_buf_view(&m.pcap));
		refused = starve_stop();
		assert_int_equal(starve_live(), 0);
		assert_int_equal(st, refused ? BM_NOMEM : BM_OK);
	}
	assert_true(starve_asked() > 50);
	bm_findings_clear(&f);
	bm_buf_clear(&report);
	made_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_starved)};

	return cmocka_run_group_tests_name("carve: memory", tests, NULL, NULL);
}
