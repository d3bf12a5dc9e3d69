/* Each allocation of a search fails in turn: it says so, leaks nothing, and shows nothing. */
#include "../starve.h"
#include "damage.h"

static void
starve(size_t kind)
{
	struct sealed *r = seal(suites[kind], 96, &dice);
	unsigned done = 0;

	memset(r->received + r->text_at, 0x3e, 90);
	cut(r, 40);
	for (unsigned fail_at = 0;; fail_at++) {
		struct bm_damaged d = {.protection = r->protection,
			.position = &r->position,
			.wire = {.type = 23,
				.version = BM_TLS12,
				.header = bm_view(r->received, BM_HEADER),
				.body = bm_view(r->received + BM_HEADER, r->n - BM_HEADER)},
			.edges = r->edges,
			.edge_count = r->edge_count,
			.effort = BM_DEEP,
			.work = 1 << 28};
		struct bm_repair out = {.sent = r->repaired};
		starve_at(fail_at);
		enum bm_status st = solver_of(r)(&d, &test_scratch, &out);
		bool refused = starve_stop();
		assert_false(out.found);
		assert_int_equal(refused ? BM_NOMEM : BM_OK, st);
		if (!refused)
			break;
		done++;
	}
	/* The record's copy and the weights or states at least. */
	assert_true(done >= 3);
	unseal(r);
}

static void
test_every_allocation_fails(void **unused)
{
	(void)unused;
	starve(GCM12);
	starve(POLY13);
	starve(CCM13);
	starve(SHORT12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
