/* Each allocation fails in turn while keys are read: a status, what was read before, nothing
 * leaked. Linked so that malloc, calloc and realloc of the core come through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../starve.h"
#include "base/buf.h"
#include "logs/keyfile.h"

/* Reads it all with the nth allocation refused. *size: secrets held at the end. */
static enum bm_status
read_all(struct bm_view text, unsigned long nth, uint64_t *size)
{
	struct bm_keyring *k;
	struct bm_key_counts c = {0};
	struct bm_error e = {BM_OK, NULL, 0};
	uint8_t master[BM_MASTER] = {7};
	enum bm_key_source source;

	*size = 0;
	starve_at(nth);
	enum bm_status st = bm_keyring_new(&k);
	if (st == BM_OK) {
		st = bm_keys_read(k, text, &c, &e);
		if (st != BM_OK)
			assert_int_equal(st, e.status);
		if (st == BM_OK)
			st = bm_keyring_remember(k, bm_view("id", 2), master, BM_SOURCE_KEY_LOG);
		starve_stop();
		assert_int_equal(st == BM_OK, bm_keyring_recall(k, bm_view("id", 2), master, &source));
		*size = bm_keyring_size(k);
		assert_true(c.secrets <= *size);
	} else {
		assert_null(k);
	}
	starve_stop();
	bm_keyring_free(k);
	return st;
}

static struct bm_buf
make_text(bool wide)
{
	struct bm_buf b = {.max = 1 << 22};
	char line[256];

	/* Enough for the index to grow, and for a second piece of the pool. */
	for (unsigned i = 0; i < 14000; i++) {
		int n = snprintf(line, sizeof line, "CLIENT_RANDOM %064x %096x\n", i, i);
		assert_int_equal(BM_OK, bm_buf_add(&b, bm_view(line, (size_t)n)));
	}
	const char *java = "SESSION KEYGEN:\nx\n";
	assert_int_equal(BM_OK, bm_buf_add(&b, bm_view(java, strlen(java))));
	if (!wide)
		return b;
	struct bm_buf w = {.max = 1 << 23};
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(BM_OK, bm_buf_add(&w, bm_view((uint8_t[2]){b.p[i], 0}, 2)));
	bm_buf_clear(&b);
	return w;
}

static void
test_every_allocation_fails(void **state)
{
	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		struct bm_buf b = make_text(wide);
		uint64_t size;
		unsigned n = 0;
		for (;; n++) {
			enum bm_status st = read_all(bm_buf_view(&b), n, &size);
			if (st == BM_OK)
				break;
			assert_int_equal(BM_NOMEM, st);
			assert_true(size <= 14000);
		}
		assert_int_equal(14000, size);
		assert_true(n > 15);
		bm_buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
