/* Each allocation of a search fails in turn: it says so, leaks nothing, and shows nothing. */
#include "../starve.h"
#include "damage.h"

#include "repair/hole.h"

/* Threads, if there are any, meet it in whatever order. */
static void
starve(size_t kind, size_t text_n, struct bm_pool *pool)
{
	struct sealed *r = seal(suites[kind], text_n, &dice);
	unsigned done = 0;

	memset(r->received + r->text_at, 0x3e, 90);
	cut(r, 40);
	for (unsigned fail_at = 0;; fail_at += pool == NULL ? 1 : 3) {
		struct bm_damaged d = {.protection = r->protection,
			.position = &r->position,
			.wire = {.type = 23,
				.version = BM_TLS12,
				.header = bm_view(r->received, BM_HEADER),
				.body = bm_view(r->received + BM_HEADER, r->n - BM_HEADER)},
			.edges = r->edges,
			.edge_count = r->edge_count,
			.pool = pool,
			.effort = pool == NULL ? BM_DEEP : BM_NORMAL,
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

/* Octets that never came, under CCM_8: values are tried. */
static void
starve_hole(struct bm_pool *pool)
{
	struct sealed *r = seal(suites[SHORT12], 96, &dice);
	unsigned fail_at = 0;

	memmove(r->received + r->text_at + 40, r->received + r->text_at + 41, r->n - r->text_at - 41);
	for (bool refused = true; refused; fail_at++) {
		struct bm_hole h = {.d = {.protection = r->protection,
								.position = &r->position,
								.wire = {.type = 23,
									.version = BM_TLS12,
									.header = bm_view(r->received, BM_HEADER),
									.body = bm_view(r->received + BM_HEADER, r->n - BM_HEADER)},
								.pool = pool,
								.effort = BM_NORMAL},
			.n = 1,
			.first = r->text_at - BM_HEADER,
			.last = r->n - BM_HEADER - 1};
		struct bm_repair out = {.sent = r->repaired};
		starve_at(fail_at);
		enum bm_status st = bm_repair_hole(&h, &test_scratch, &out);
		refused = starve_stop();
		/* What only some workers lack need not be missed. */
		if (!refused || pool == NULL)
			assert_int_equal(refused ? BM_NOMEM : BM_OK, st);
		assert_true(st == BM_OK || !out.found);
	}
	assert_true(fail_at > 3);
	unseal(r);
}

static void
test_every_allocation_fails(void **unused)
{
	struct bm_pool *pool;

	(void)unused;
	starve(GCM12, 96, NULL);
	starve(POLY13, 96, NULL);
	starve(CCM13, 96, NULL);
	starve(SHORT12, 96, NULL);
	assert_int_equal(BM_OK, bm_pool_new(&pool, 3));
	starve(GCM12, 2048, pool);
	starve(CCM13, 2048, pool);
	starve_hole(NULL);
	starve_hole(pool);
	bm_pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
