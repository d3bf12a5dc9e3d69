/* Each allocation of a search fails in turn: BM_NOMEM, nothing found, nothing leaked.
 * Linked so that malloc and calloc of the core come through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../starve.h"
#include "seal.h"
#include "repair/repair.h"

static struct sealed sealed;
static struct bm_scratch scratch;
static uint8_t got[5 + RECORD_MAX], sent[5 + RECORD_MAX];

static void
each_fails(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct bm_protection *p;
		unsigned fail_at = 0;
		seal(&sealed, &kinds[k], 100, 0);
		memcpy(got, sealed.bytes, sizeof got);
		got[5 + 60] ^= 0x10;
		assert_int_equal(bm_protection_new(&p, &sealed.keys), BM_OK);
		struct bm_damaged d = {.protection = p,
			.position = &sealed.position,
			.wire = {.type = got[0],
				.version = bm_load16(got + 1),
				.header = {got, 5},
				.body = {got + 5, sealed.body_n}}};
		for (;; fail_at++) {
			struct bm_repair r = {.sent = sent};
			starve_at(fail_at);
			enum bm_status st = bm_repair_hmac(&d, &scratch, &r);
			starve_stop();
			if (st == BM_OK) {
				assert_true(r.found);
				assert_memory_equal(sent, sealed.bytes, 5 + sealed.body_n);
				break;
			}
			assert_int_equal(st, BM_NOMEM);
			assert_false(r.found);
			assert_int_equal(r.family_count, 0);
		}
		assert_int_equal(fail_at, 8);
		bm_protection_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
