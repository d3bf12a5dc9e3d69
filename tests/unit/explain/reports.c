#include "reports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct bm_rules *rules; /* to read them takes longer than all the rest */

static int
keep(void *ctx, const char *bytes, size_t n)
{
	return bm_buf_add(ctx, bm_view(bytes, n)) == BM_OK ? 0 : -1;
}

int
read_rules(void **state)
{
	struct bm_rules_error e;
	const char *file;

	(void)state;
	return bm_rules_new(&rules) == BM_OK &&
				   bm_rules_read(rules, "built in", bm_rules_builtin(), &e) == BM_OK &&
				   bm_rules_seal(rules, &file, &e) == BM_OK
			   ? 0
			   : -1;
}

int
free_rules(void **state)
{
	(void)state;
	bm_rules_free(rules);
	return 0;
}

struct bm_buf
report(struct bm_view log, size_t n)
{
	struct bm_buf out = {.max = 1 << 22};
	struct bm_explain *x;

	assert_int_equal(BM_OK, bm_explain_new(&x, rules, NULL));
	for (size_t at = 0; at < log.n; at += n)
		assert_int_equal(
			BM_OK, bm_explain_feed(x, bm_view(log.p + at, log.n - at < n ? log.n - at : n)));
	assert_int_equal(BM_OK, bm_explain_end(x));
	assert_int_equal(
		BM_OK, bm_explain_report(x,
				   &(struct bm_explain_options){.json = true, .write = keep, .write_ctx = &out}));
	bm_explain_free(x);
	return out;
}

struct bm_buf
read_file(const char *name)
{
	struct bm_buf b = {.max = 1 << 20};
	char path[512];

	snprintf(path, sizeof path, "%s/explain/%s", getenv("BADMAC_TESTS"), name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(BM_OK, bm_buf_reserve(&b, b.max));
	b.n = fread(b.p, 1, b.max, f);
	(void)fclose(f);
	assert_true(b.n > 500 && b.n < b.max);
	return b;
}
