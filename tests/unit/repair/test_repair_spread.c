/* A search that is spread over threads comes to the same as one that is not, to the last count. */
#include "damage.h"

enum { POOLS = 3 };

static struct bm_pool *pools[POOLS]; /* [0]: NULL */

static int
make_pools(void **unused)
{
	(void)unused;
	assert_int_equal(BM_OK, bm_pool_new(&pools[1], 2));
	assert_int_equal(BM_OK, bm_pool_new(&pools[2], 5));
	return 0;
}

static int
free_pools(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < POOLS; i++)
		bm_pool_free(pools[i]);
	return 0;
}

static void
expect_same(const struct bm_repair *a, const struct bm_repair *b)
{
	assert_int_equal(a->found, b->found);
	assert_int_equal(a->family_count, b->family_count);
	for (size_t i = 0; i < a->family_count; i++) {
		assert_string_equal(a->family[i].name, b->family[i].name);
		assert_true(a->family[i].candidates == b->family[i].candidates);
		assert_int_equal(a->family[i].complete, b->family[i].complete);
	}
	assert_true(a->candidates == b->candidates);
	if (!a->found)
		return;
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->shape, b->shape);
}

/* What the record was sent as comes back when anything does. */
static void
every_pool(struct sealed *r, enum bm_effort effort, bool found)
{
	struct bm_repair first;

	for (size_t i = 0; i < POOLS; i++) {
		test_pool = pools[i];
		repair(r, effort);
		test_pool = NULL;
		assert_int_equal(found, r->repair.found);
		if (found)
			assert_memory_equal(r->sent, r->repaired, r->n);
		if (i == 0)
			first = r->repair;
		else
			expect_same(&first, &r->repair);
	}
}

/* The longest search there is: each of its families is spread. */
static void
test_nothing_found(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], is_ccm(kind) ? 1024 : 2048, &dice);
		cut(r, 1000);
		for (size_t i = 0; i < 40; i++)
			spoil(r, r->text_at + i * (r->text_n / 41));
		if (next_case())
			every_pool(r, BM_NORMAL, false);
		unseal(r);
	}
}

static void
test_three_bits(void **unused)
{
	static const size_t kinds[] = {GCM12, GCM13, POLY13};

	(void)unused;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct sealed *r = seal(suites[kinds[i]], 1500, &dice);
		for (size_t k = 0; k < 3; k++)
			flip(r, 8 * (r->text_at + 500 * k) + below(&dice, 4000));
		if (next_case())
			every_pool(r, BM_DEEP, true);
		unseal(r);
	}
}

/* Two words far behind in the last segment. */
static void
test_swapped(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], 8192, &dice);
		cut(r, 1000);
		size_t at = BM_HEADER + r->edges[r->edge_count - 1] + 40, other = at + 96;
		for (size_t i = 0; i < 4; i++) {
			r->received[at + i] = r->sent[other + i];
			r->received[other + i] = r->sent[at + i];
		}
		if (next_case() && !is_short(kind))
			every_pool(r, BM_NORMAL, true);
		unseal(r);
	}
}

static void
test_two_octets(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], is_gcm(kind) ? 8000 : 1400, &dice);
		spoil(r, r->text_at + 3 + below(&dice, 200));
		spoil(r, r->text_at + r->text_n - 1 - below(&dice, 200));
		if (next_case() && !is_short(kind))
			every_pool(r, is_ccm(kind) ? BM_DEEP : BM_NORMAL, true);
		unseal(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_found),
		cmocka_unit_test(test_three_bits),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_two_octets),
	};
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
