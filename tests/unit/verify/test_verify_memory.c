/* Setting keys up survives want of memory; a check needs none.
 * Knows nothing of which allocation is for what. */
#include "../starve.h"
#include "vectors.h"

#include <openssl/crypto.h>

/* The library allocates from inside, where no linking reaches; these calls it does. */
static void *
library_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *
library_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(p, n);
}

static void
library_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static const struct {
	unsigned version, suite;
} cases[] = {
	{BM_SSL3, 0x0004},
	{BM_TLS10, 0x0009},
	{BM_TLS11, 0x0007},
	{BM_TLS12, 0x0096},
	{BM_TLS12, 0xc028},
	{BM_TLS12, 0x00b9},
	{BM_TLS12, 0xc07b},
	{BM_DTLS12, 0xc0a1},
	{BM_TLS12, 0xcca8},
	{BM_TLS13, 0x1302},
	{BM_TLS13, 0x00c7},
	{BM_DTLS13, 0x1303},
};

static struct bm_scratch scratch;

static void
verify_without_memory(const struct bm_protection *p)
{
	static uint8_t body[1024];
	struct bm_wire w = {.type = 23,
		.version = BM_TLS12,
		.header = bm_view("\27\3\3\4\0", 5),
		.body = bm_view(body, sizeof(body))};
	struct bm_position pos;
	struct bm_outcome o;
	bool odd = bm_protection_keys(p)->encrypt_then_mac;

	/* Encrypt-then-MAC: whole blocks before the MAC. */
	if (odd)
		w.body.n = 512 + bm_protection_tag_len(p);
	starve_at(STARVE_NEVER);
	bm_position_start(p, &pos);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(BM_OK, bm_verify(p, &pos, &w, i % 2 != 0, &scratch, &o));
		assert_int_not_equal(BM_BAD_LENGTH, o.result);
		if (odd || bm_protection_keys(p)->suite->mode != BM_MODE_CBC)
			memcpy(body + w.body.n - o.tag_len, o.computed, o.tag_len);
		bm_position_after(p, &pos, &w, &pos);
		pos.seq = 0;
	}
	starve_stop();
	assert_int_equal(0, starve_asked());
}

static void
torture(const struct bm_traffic_keys *k)
{
	unsigned long n = 0;
	bool failed;

	do {
		struct bm_protection *p;
		starve_at(n++);
		enum bm_status st = bm_protection_new(&p, k);
		failed = starve_stop();
		assert_int_equal(failed ? BM_NOMEM : BM_OK, st);
		assert_int_equal(st == BM_OK, p != NULL);
		if (st == BM_OK)
			verify_without_memory(p);
		bm_protection_free(p);
	} while (failed);
	assert_true(n > 1);
}

static void
test_memory(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bm_traffic_keys k = {
			.version = (uint16_t)cases[i].version, .suite = bm_suite_find(cases[i].suite)};
		struct bm_protection *p;
		/* What the library allocates once in a process is not for this test. */
		assert_int_equal(BM_OK, bm_protection_new(&p, &k));
		bm_protection_free(p);
		torture(&k);
		k.encrypt_then_mac = k.suite->mode == BM_MODE_CBC;
		torture(&k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory)};

	if (CRYPTO_set_mem_functions(library_malloc, library_realloc, library_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
