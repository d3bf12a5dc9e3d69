/* The pool of threads: every part once, workers to themselves, one holder of the lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"

enum { PARTS = 1000 };

struct count {
	struct bm_pool *pool;
	unsigned done[PARTS];
	unsigned long by[BM_POOL_THREADS_MAX]; /* parts; each worker writes its own alone */
	bool inside[BM_POOL_THREADS_MAX];
	unsigned long shared;
	bool held;
	atomic_bool broken;
};

static void
count_part(void *ctx, size_t part, unsigned worker)
{
	struct count *c = ctx;

	if (c->inside[worker])
		c->broken = true;
	c->inside[worker] = true;
	c->done[part]++;
	c->by[worker]++;
	for (unsigned i = 0; i < 3; i++) {
		bm_pool_lock(c->pool);
		if (c->held)
			c->broken = true;
		c->held = true;
		c->shared++;
		c->held = false;
		bm_pool_unlock(c->pool);
	}
	c->inside[worker] = false;
}

static void
run(struct bm_pool *p, size_t parts)
{
	static struct count c;
	unsigned long by = 0;

	memset(&c, 0, sizeof c);
	c.pool = p;
	bm_pool_run(p, parts, count_part, &c);
	assert_false(c.broken);
	for (size_t i = 0; i < PARTS; i++)
		assert_int_equal(i < parts, c.done[i]);
	for (unsigned i = 0; i < BM_POOL_THREADS_MAX; i++) {
		if (i >= bm_pool_workers(p))
			assert_int_equal(0, c.by[i]);
		by += c.by[i];
	}
	assert_int_equal(parts, by);
	assert_int_equal(3 * parts, c.shared);
}

static void
test_all_parts(void **unused)
{
	static const unsigned threads[] = {0, 1, 2, 3, 8, BM_POOL_THREADS_MAX, BM_POOL_THREADS_MAX + 1};
	static const size_t parts[] = {0, 1, 2, 3, 7, 64, PARTS};

	(void)unused;
	for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
		struct bm_pool *p;
		assert_int_equal(BM_OK, bm_pool_new(&p, threads[t]));
		unsigned workers = bm_pool_workers(p);
		assert_int_equal(threads[t] < 1                     ? 1
						 : threads[t] > BM_POOL_THREADS_MAX ? BM_POOL_THREADS_MAX
															: threads[t],
			workers);
		for (unsigned again = 0; again < 20; again++)
			for (size_t n = 0; n < sizeof parts / sizeof parts[0]; n++)
				run(p, parts[n]);
		bm_pool_free(p);
	}
}

static void
test_no_pool(void **unused)
{
	(void)unused;
	assert_int_equal(1, bm_pool_workers(NULL));
	run(NULL, PARTS);
	bm_pool_free(NULL);
}

/* Never asked for anything, it has started nothing. */
static void
test_unused(void **unused)
{
	struct bm_pool *p;

	(void)unused;
	assert_int_equal(BM_OK, bm_pool_new(&p, 4));
	bm_pool_free(p);
}

enum { TASKS = 300 };

struct job {
	struct bm_task task;
	struct bm_pool *pool;
	unsigned done, rounds;
	atomic_uint *all;
};

static void
do_job(void *ctx)
{
	struct job *j = ctx;
	volatile unsigned spin = j->rounds;

	while (spin != 0)
		spin--;
	j->done++;
	atomic_fetch_add(j->all, 1);
}

/* Each is done once, whoever does it and in whatever order it is waited for; pieces that are shared
 * out may come in between. */
static void
tasks(struct bm_pool *p)
{
	static struct job jobs[TASKS];
	atomic_uint all = 0;

	memset(jobs, 0, sizeof jobs);
	for (size_t i = 0; i < TASKS; i++)
		bm_task_wait(p, &jobs[i].task); /* nothing was begun */
	for (unsigned again = 1; again <= 3; again++) {
		for (size_t i = 0; i < TASKS; i++) {
			jobs[i].all = &all;
			jobs[i].rounds = i % 7 == 0 ? 20000 : (unsigned)i;
			bm_task_begin(p, &jobs[i].task, do_job, &jobs[i]);
			if (i % 100 == 50)
				run(p, 20);
			if (i >= 20 && i % 3 == 0)
				bm_task_wait(p, &jobs[i - 20].task);
		}
		for (size_t i = TASKS; i-- > 0;) {
			bm_task_wait(p, &jobs[i].task);
			assert_int_equal(again, jobs[i].done);
		}
		assert_int_equal(again * TASKS, all);
	}
}

static void
some_tasks(void **state)
{
	(void)state;
	tasks(NULL);
	for (unsigned threads = 1; threads <= 5; threads += 2) {
		struct bm_pool *p;
		assert_int_equal(BM_OK, bm_pool_new(&p, threads));
		tasks(p);
		bm_pool_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_tasks),
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_no_pool),
		cmocka_unit_test(test_unused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
