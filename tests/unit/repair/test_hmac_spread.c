/* Spread over threads, a search under HMAC comes to the same, to the last count: where something is
 * found, where nothing is, and where the limit ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../stride.h"
#include "seal.h"
#include "repair/repair.h"

static struct sealed sealed;
static struct bm_scratch scratch;
static uint8_t got[5 + RECORD_MAX], sent[5 + RECORD_MAX];

static struct bm_repair
search(uint64_t work, struct bm_pool *pool)
{
	struct bm_record_header h = bm_record_header(got);
	struct bm_repair repair = {.sent = sent};
	struct bm_protection *p;

	assert_int_equal(BM_OK, bm_protection_new(&p, &sealed.keys));
	struct bm_damaged d = {.protection = p,
		.position = &sealed.position,
		.wire = {.type = h.type,
			.version = h.version,
			.header = {got, 5},
			.body = {got + 5, sealed.body_n}},
		.pool = pool,
		.effort = BM_NORMAL,
		.work = work};
	memset(sent, 0xee, sizeof sent);
	assert_int_equal(BM_OK, bm_repair_hmac(&d, &scratch, &repair));
	bm_protection_free(p);
	return repair;
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
}

static void
seal_anew(size_t kind, size_t n)
{
	seal(&sealed, &kinds[kind], n, 0);
	memcpy(got, sealed.bytes, sizeof got);
}

/* Two words that are not neighbours. */
static void
swap_words(void)
{
	uint8_t t[2], *a = got + 5 + sealed.body_n / 2, *b = a + 16;

	memcpy(t, a, 2);
	memcpy(a, b, 2);
	memcpy(b, t, 2);
}

static void
spoil_much(void)
{
	for (size_t at = 50; at < sealed.body_n - 1; at += 97)
		got[5 + at] ^= (uint8_t)(at | 1);
}

static void
test_spread(void **state)
{
	static const uint64_t limits[] = {3000000, 300000000, 1000000000};
	unsigned found = 0, cut = 0;

	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (unsigned i = 0; i < 6; i++) {
			struct bm_pool *pool;
			seal_anew(k, i % 2 == 0 ? 16384 : 600);
			if (i < 3)
				swap_words();
			else
				spoil_much();
			if (!due())
				continue;
			struct bm_repair alone = search(limits[i % 3], NULL);
			assert_int_equal(BM_OK, bm_pool_new(&pool, 2 + i % 3));
			struct bm_repair spread = search(limits[i % 3], pool);
			bm_pool_free(pool);
			expect_same(&alone, &spread);
			if (spread.found)
				assert_memory_equal(sent, sealed.bytes, 5 + sealed.body_n);
			found += spread.found;
			cut += !spread.found && spread.family_count != 0 &&
				   !spread.family[spread.family_count - 1].complete;
		}
	/* Each end is met. */
	if (getenv("BADMAC_STRIDE") == NULL)
		assert_true(found > 0 && cut > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_spread)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
