/* Every allocation, of ours and of SQLite's, every statement, and every place in the file where
 * writing may fail, refused in turn: the status says so, nothing is lost, and the store is what it
 * was before or what it was to become. */
#include "report.h"

#include "../starve.h"
#include "store/db.h"
#include "store/history.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char flip[] =
	"{\"record_offset\": 205, \"stream_offset\": 3205, \"length\": 1, \"packet\": 7,"
	" \"packet_offset\": 271, \"received\": \"b0\", \"sent\": \"a0\"}";
static const struct made list[] = {{MADE, .random = RANDOM, .damage = flip},
	{MADE, .client = "192.0.2.1:2", .sequence = 5, .damage = flip,
		.random = "9f1d4b2a90c7e35564a8f0123bcd9e7711223a4c5d6e7f8091a2b3c4d5e6f708"}};
static const struct made more[] = {
	{MADE, .client = "198.51.100.1:1", .random = RANDOM, .first = "01.000000001"},
	{MADE, .client = "192.0.2.1:3", .sequence = 6, .damage = flip,
		.random = "af1d4b2a90c7e35564a8f0123bcd9e7711223a4c5d6e7f8091a2b3c4d5e6f708"}};
static struct bm_buf first_report, second_report;
static size_t written;

static int
keep(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	written += n;
	return 0;
}

/* SQLite's memory, which it counts by itself. */
static void *
take(int n)
{
	size_t *p = starve_due() ? NULL : malloc(sizeof *p * 2 + (size_t)n);

	if (p == NULL)
		return NULL;
	p[0] = (size_t)n;
	return p + 2;
}

static void
give(void *p)
{
	if (p != NULL)
		free((size_t *)p - 2);
}

static void *
again(void *p, int n)
{
	size_t *q = starve_due()
					? NULL
					: realloc(p != NULL ? (size_t *)p - 2 : NULL, sizeof *q * 2 + (size_t)n);

	if (q == NULL)
		return NULL;
	q[0] = (size_t)n;
	return q + 2;
}

static int
size_of(void *p)
{
	return p != NULL ? (int)((size_t *)p - 2)[0] : 0;
}

static int
round_up(int n)
{
	return (n + 7) & ~7;
}

static int
start(void *ctx)
{
	(void)ctx;
	return SQLITE_OK;
}

static void
stop(void *ctx)
{
	(void)ctx;
}

static int
set_up(void **state)
{
	static sqlite3_mem_methods methods = {take, give, again, size_of, round_up, start, stop, NULL};

	(void)state;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK)
		return -1;
	report_make(&first_report, list, 2, true);
	report_make(&second_report, more, 2, true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	store_remove();
	bm_buf_clear(&first_report);
	bm_buf_clear(&second_report);
	return 0;
}

static enum bm_status
add(struct bm_store *s, const struct bm_buf *report, char *problem)
{
	const struct bm_store_run run = {.now = 1};
	struct report_source source = {.bytes = bm_buf_view(report)};
	struct bm_store_added added;

	return bm_store_add(s, report_read, &source, &run, &added, problem);
}

static enum bm_status
add_at(const struct bm_buf *report, char *problem)
{
	struct bm_store *s;
	enum bm_status st = bm_store_open(&s, store_path(), true, problem);

	if (st == BM_OK)
		st = add(s, report, problem);
	bm_store_close(s);
	return st;
}

static enum bm_status
look(struct bm_store *s, enum bm_history_kind kind, char *problem)
{
	const struct bm_history_question q = {
		.group = kind == BM_HISTORY_HTML ? BM_GROUP_NONE : BM_GROUP_PEER, .limit = 10};
	const struct bm_history_format f = {
		.kind = kind, .columns = 80, .ascii = true, .name = "store", .write = keep};

	written = 0;
	return bm_history(s, &q, &f, problem);
}

static void
sound(long findings)
{
	assert_int_equal(
		store_ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	assert_int_equal(store_ask("SELECT count(*) FROM finding"), findings);
}

/* From here on the store holds the first report. */
static void
fresh(void)
{
	char problem[BM_STORE_PROBLEM];

	store_remove();
	assert_int_equal(add_at(&first_report, problem), BM_OK);
	sound(2);
}

static void
test_memory(void **state)
{
	char problem[BM_STORE_PROBLEM];
	bool refused = true;
	unsigned long nth = 0, failed = 0;

	(void)state;
	fresh();
	/* Some refusals SQLite and we get over; then it is done for good. */
	for (; refused; nth += nth < 400 ? 1 : 7) {
		fresh();
		starve_at(nth);
		enum bm_status st = add_at(&second_report, problem);
		refused = starve_stop();
		assert_int_equal(starve_live(), 0);
		if (st != BM_OK) {
			assert_int_equal(st, BM_NOMEM);
			assert_string_equal(problem, bm_status_text(BM_NOMEM));
			failed++;
		}
		sound(st == BM_OK ? 3 : 2);
	}
	assert_true(failed > 50);
}

static void
test_memory_of_reports(void **state)
{
	char problem[BM_STORE_PROBLEM];

	(void)state;
	fresh();
	for (int kind = BM_HISTORY_TEXT; kind <= BM_HISTORY_HTML; kind++) {
		bool refused = true;
		for (unsigned long nth = 0; refused; nth += nth < 300 ? 1 : 5) {
			struct bm_store *s;
			starve_at(nth);
			enum bm_status st = bm_store_open(&s, store_path(), false, problem);
			if (st == BM_OK)
				st = look(s, (enum bm_history_kind)kind, problem);
			bm_store_close(s);
			refused = starve_stop();
			assert_int_equal(starve_live(), 0);
			assert_true(st == BM_OK || st == BM_NOMEM);
			assert_true(refused || st == BM_OK);
			assert_true(st != BM_OK || written > 500);
		}
	}
}

struct denying {
	unsigned long nth, asked;
};

static int
deny(void *ctx, int action, const char *a, const char *b, const char *c, const char *d)
{
	struct denying *x = ctx;

	(void)action;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return x->asked++ == x->nth ? SQLITE_DENY : SQLITE_OK;
}

/* Each access to a table or column that a statement asks for. */
static void
test_statements(void **state)
{
	char problem[BM_STORE_PROBLEM];
	unsigned long failed = 0;

	(void)state;
	for (unsigned long nth = 0;; nth++) {
		struct denying x = {.nth = nth};
		struct bm_store *s;
		fresh();
		assert_int_equal(bm_store_open(&s, store_path(), true, problem), BM_OK);
		assert_int_equal(sqlite3_set_authorizer(s->db, deny, &x), SQLITE_OK);
		enum bm_status st = add(s, &second_report, problem);
		bool denied = x.asked > nth;
		x.nth = (unsigned long)-1;
		/* COMMIT, refused as well, is no reason to leave anything behind. */
		assert_true(
			!denied || st != BM_OK || nth == 0 || store_ask("SELECT count(*) FROM finding") == 3);
		if (st != BM_OK) {
			assert_true(problem[0] != '\0');
			sound(2);
			failed++;
			/* And the same store is fit for the next. */
			assert_int_equal(add(s, &second_report, problem), BM_OK);
		}
		bm_store_close(s);
		sound(3);
		if (!denied)
			break;
	}
	assert_true(failed > 60);
	for (int kind = BM_HISTORY_TEXT; kind <= BM_HISTORY_HTML; kind++) {
		bool denied = true;
		for (unsigned long nth = 0; denied; nth++) {
			struct denying x = {.nth = nth};
			struct bm_store *s;
			assert_int_equal(bm_store_open(&s, store_path(), false, problem), BM_OK);
			assert_int_equal(sqlite3_set_authorizer(s->db, deny, &x), SQLITE_OK);
			enum bm_status st = look(s, (enum bm_history_kind)kind, problem);
			denied = x.asked > nth;
			/* ROLLBACK at the end is as good as closing. */
			assert_true(st == BM_OK || (st == BM_FORMAT && denied && problem[0] != '\0'));
			bm_store_close(s);
		}
	}
}

/* A file that cannot grow past any size. */
static void
test_full(void **state)
{
	char problem[BM_STORE_PROBLEM];
	struct rlimit before, limit;
	unsigned refused = 0;
	struct stat st;

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	fresh();
	assert_int_equal(stat(store_path(), &st), 0);
	for (rlim_t size = 0; size <= (rlim_t)st.st_size + 65536; size += 2048) {
		fresh();
		limit = (struct rlimit){size, before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		enum bm_status s = add_at(&second_report, problem);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		if (s != BM_OK) {
			assert_int_equal(s, BM_IO);
			assert_true(problem[0] != '\0');
			refused++;
		}
		sound(s == BM_OK ? 3 : 2);
	}
	assert_true(refused > 3);
	/* Nor can one be made. */
	store_remove();
	limit = (struct rlimit){4096, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(add_at(&first_report, problem), BM_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(add_at(&first_report, problem), BM_OK);
	sound(2);
}

/* Writing a report may fail at any octet of it. */
static int
stumble(void *ctx, const char *bytes, size_t n)
{
	(void)bytes;
	(void)n;
	return (*(int *)ctx)-- > 0 ? 0 : -1;
}

static void
test_writing(void **state)
{
	char problem[BM_STORE_PROBLEM];
	struct bm_store *s;

	(void)state;
	fresh();
	assert_int_equal(bm_store_open(&s, store_path(), false, problem), BM_OK);
	for (int kind = BM_HISTORY_TEXT; kind <= BM_HISTORY_HTML; kind++) {
		int left = 0;
		const struct bm_history_question q = {.limit = 10};
		const struct bm_history_format f = {.kind = (enum bm_history_kind)kind,
			.columns = 40,
			.write = stumble,
			.write_ctx = &left};
		assert_int_equal(bm_history(s, &q, &f, problem), BM_IO);
		assert_string_equal(problem, "");
		left = 100;
		assert_int_equal(bm_history(s, &q, &f, problem), BM_OK);
	}
	bm_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_of_reports), cmocka_unit_test(test_statements),
		cmocka_unit_test(test_full), cmocka_unit_test(test_writing)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
