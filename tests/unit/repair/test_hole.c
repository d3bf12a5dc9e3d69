/* Octets that never came, on every kind of AEAD: every place of short records, seeded places of
 * long ones; and what no run explains. */
#include "damage.h"

#include "repair/hole.h"

static uint8_t body[RECORD_MAX];

/* Takes n octets out at `at` of the record and looks for them. */
static void
search(struct sealed *r, size_t at, size_t n, enum bm_effort effort, size_t first, size_t last)
{
	size_t body_n = r->n - BM_HEADER;

	memcpy(body, r->sent + BM_HEADER, at - BM_HEADER);
	memcpy(body + at - BM_HEADER, r->sent + at + n, r->n - at - n);
	memset(body + body_n - n, 0xcc, n);
	struct bm_hole h = {.d = {.protection = r->protection,
							.position = &r->position,
							.wire = {.type = r->sent[0],
								.version = bm_load16(r->sent + 1),
								.header = bm_view(r->sent, BM_HEADER),
								.body = bm_view(body, body_n)},
							.pool = test_pool,
							.effort = effort},
		.n = n,
		.first = first - BM_HEADER,
		.last = last - BM_HEADER};
	r->repair = (struct bm_repair){.sent = r->repaired};
	memset(r->repaired, 0, r->n);
	assert_int_equal(BM_OK, bm_repair_hole(&h, &test_scratch, &r->repair));
}

static void
expect_filled(const struct sealed *r)
{
	assert_true(r->repair.found);
	assert_memory_equal(r->sent, r->repaired, r->n);
	assert_true(r->repair.accepted_log2 - (double)r->repair.tag_bits <= -40);
}

/* Is a hole of n octets at `at` within what the solver of this kind promises? */
static bool
promised(const struct sealed *r, size_t kind, size_t at, size_t n)
{
	size_t text_end = r->text_at + r->text_n;
	bool over_end = at < text_end && at + n > text_end;

	if (is_gcm(kind) || at >= text_end)
		return true;
	size_t tail = over_end ? text_end - at : 16 - (at - r->text_at) % 16;
	size_t small = tail < n - tail ? tail : n - tail;
	if (is_ccm(kind))
		return over_end ? n <= 1 : tail >= n || small <= 2;
	return !over_end || small <= 2;
}

static void
test_every_place(void **unused)
{
	static const size_t lengths[] = {16, 41}, sizes[] = {1, 2, 3, 5, 8};

	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < 2; i++) {
			struct sealed *r = seal(suites[kind], lengths[i], &dice);
			for (size_t j = 0; j < (is_short(kind) ? 1 : 5); j++)
				for (size_t n = sizes[j], at = r->text_at; at + n <= r->n; at++) {
					if (!promised(r, kind, at, n) || !next_case())
						continue;
					search(r, at, n, BM_QUICK, r->text_at, r->n - n);
					expect_filled(r);
				}
			unseal(r);
		}
}

static void
test_long_records(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < 6; i++) {
			if (is_short(kind) || !next_case())
				continue;
			struct sealed *r = seal(suites[kind], 16384 - below(&dice, 64), &dice);
			size_t n = 1 + below(&dice, 8), at = r->text_at + below(&dice, r->text_n - n);
			search(r, at, n, BM_NORMAL, r->text_at, r->n - n);
			if (promised(r, kind, at, n))
				expect_filled(r);
			unseal(r);
		}
}

/* Under CCM_8 values are tried, by several threads: the same comes back, after as many tries. */
static void
test_spread(void **unused)
{
	struct bm_pool *pool;

	(void)unused;
	assert_int_equal(BM_OK, bm_pool_new(&pool, 4));
	for (size_t i = 0; i < 12; i++) {
		struct sealed *r = seal(suites[i % 2 == 0 ? SHORT12 : SHORT13], 200, &dice);
		size_t n = 1 + i % 3 / 2, at = r->text_at + below(&dice, 190);
		size_t first = n == 1 ? r->text_at : at - below(&dice, 2),
			   last = n == 1 ? r->n - 1 : at + 1;
		struct bm_repair alone;
		search(r, at, n, BM_DEEP, first, last);
		expect_filled(r);
		alone = r->repair;
		test_pool = pool;
		search(r, at, n, BM_DEEP, first, last);
		test_pool = NULL;
		expect_filled(r);
		assert_true(alone.candidates == r->repair.candidates);
		assert_true(alone.family[0].complete == r->repair.family[0].complete);
		unseal(r);
	}
	bm_pool_free(pool);
}

/* CCM_8: where the place is known, two octets are searched. */
static void
test_short_tag(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < 8; i++) {
		struct sealed *r = seal(suites[SHORT13], 256, &dice);
		size_t at = r->text_at + below(&dice, 250);
		search(r, at, 2, BM_NORMAL, at, at + 1);
		expect_filled(r);
		/* At another place it is not. */
		search(r, at, 2, BM_NORMAL, at + 2, at + 3);
		assert_false(r->repair.found && memcmp(r->sent, r->repaired, r->n) != 0);
		unseal(r);
	}
}

/* The nearest miss: the run is gone, and one bit elsewhere is wrong. */
static void
test_noise(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < 12; i++) {
			if (!next_case())
				continue;
			struct sealed *r = seal(suites[kind], 20 + below(&dice, 400), &dice);
			size_t n = is_short(kind) ? 1 : 1 + below(&dice, 8);
			size_t at = r->text_at + below(&dice, r->text_n - n);
			size_t other = r->text_at + below(&dice, r->text_n);
			/* Within the run it changes nothing; beside it, it may be taken for the run. */
			if (other + 1 < at || other > at + n) {
				r->sent[other] ^= 0x10;
				search(r, at, n, BM_QUICK, r->text_at, r->n - n);
				assert_false(r->repair.found);
			}
			unseal(r);
		}
}

/* A copy that starts or ends at the wrong place, within one segment. */
static void
test_shifts(void **unused)
{
	static const size_t sizes[] = {1, 2, 4, 8};

	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < 8; i++) {
			if (is_ccm(kind) || is_short(kind) || !next_case())
				continue;
			struct sealed *r = seal(suites[kind], 400 + below(&dice, i < 7 ? 2000 : 15900), &dice);
			cut(r, 100 + below(&dice, 250));
			size_t n = sizes[i % 4], seg = below(&dice, r->edge_count + 1);
			size_t from = seg == 0 ? r->text_at : BM_HEADER + r->edges[seg - 1];
			size_t end = seg == r->edge_count ? r->n : BM_HEADER + r->edges[seg];
			if (end > r->text_at + r->text_n)
				end = r->text_at + r->text_n;
			/* Far from the end, or fewer octets than a run of damage are wrong. */
			if (end < from + 80) {
				unseal(r);
				continue;
			}
			size_t at = from + below(&dice, end - from - 60);
			if (i % 8 < 4) {
				memcpy(r->received + at, r->sent + at + n, end - at - n);
			} else {
				memcpy(r->received + at + n, r->sent + at, end - at - n);
				for (size_t j = 0; j < n; j++)
					r->received[at + j] = (uint8_t)draw(&dice);
			}
			repair(r, BM_NORMAL);
			expect_repaired(r, BM_REPAIR_OCTETS_MOVED);
			/* By three octets it is no family, and nothing else explains it. */
			heal(r);
			memcpy(r->received + at, r->sent + at + 3, end - at - 3);
			repair(r, BM_QUICK);
			expect_nothing(r);
			unseal(r);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_place),
		cmocka_unit_test(test_long_records),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_short_tag),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_shifts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
