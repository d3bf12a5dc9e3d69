/* Threads that share out one piece of work at a time, and do small ones beside the caller. Refuses
 * to know what the work is. */
#ifndef BM_BASE_POOL_H
#define BM_BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"

struct bm_pool;

enum { BM_POOL_THREADS_MAX = 64 };

/* For work on `threads` threads, the caller's own among them: 1 to BM_POOL_THREADS_MAX, others are
 * clipped. The threads are started when first needed; where the system gives none, those that there
 * are do it all. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_pool_new(struct bm_pool **out, unsigned threads);
/* NULL allowed. Not while work is going on. */
void bm_pool_free(struct bm_pool *p);

/* How many workers there can be at once; 1 for NULL. */
unsigned bm_pool_workers(const struct bm_pool *p);

typedef void bm_pool_part(void *ctx, size_t part, unsigned worker);

/* Calls part for each number below `parts`, in any order and several at once, and returns when all
 * have ended. `worker` is below bm_pool_workers() and below `parts`; no two calls with the same one
 * overlap. With NULL this thread makes all calls, in order. From one thread at a time, and not from
 * within a part. */
void bm_pool_run(struct bm_pool *p, size_t parts, bm_pool_part *part, void *ctx);

/* A piece of work that is done beside what the caller does. All-zero: none. The caller keeps it
 * where it is until bm_task_wait. */
struct bm_task {
	void (*run)(void *ctx);
	void *ctx;
	struct bm_task *next;
	atomic_int state;
};
/* Hands run(ctx) to whichever thread is free first. t is in use by no work. p NULL: as with one
 * thread. */
void bm_task_begin(struct bm_pool *p, struct bm_task *t, void (*run)(void *ctx), void *ctx);
/* Returns when it has been done; the caller does it, if no thread has begun with it. Of what is
 * begun and waited for by one thread, nothing is lost; what was not begun is not waited for. */
void bm_task_wait(struct bm_pool *p, struct bm_task *t);

/* One worker at a time, for what parts share. Not while holding it. NULL allowed. */
void bm_pool_lock(struct bm_pool *p);
void bm_pool_unlock(struct bm_pool *p);

#endif
