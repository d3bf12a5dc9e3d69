/* A pool of threads that sleep between pieces of work. Parts are large, so that one lock for
 * handing them out is enough. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker {
	struct bm_pool *pool;
	pthread_t thread;
};

enum { TASK_NONE, TASK_WAITS, TASK_RUNS, TASK_DONE };

/* How often a thread looks again before it goes to sleep, which costs more than most tasks. */
enum { PATIENCE = 4000 };

struct bm_pool {
	pthread_mutex_t state;  /* guards what follows up to `busy` */
	pthread_mutex_t shared; /* bm_pool_lock */
	pthread_cond_t begun, ended;
	bool over;
	bm_pool_part *part;
	void *ctx;
	size_t next, parts;           /* to be handed out: next up to parts */
	size_t busy;                  /* handed out and not ended */
	unsigned numbers;             /* of workers that have taken a part */
	struct bm_task *first, *last; /* begun by nobody yet */
	atomic_uint calls, ends;      /* for threads, and of parts; guarded for writing */
	bool asked;                   /* for threads */
	unsigned workers, started;
	struct worker *worker; /* [0]: the caller, who has no thread here */
};

enum bm_status
bm_pool_new(struct bm_pool **out, unsigned threads)
{
	struct bm_pool *p = calloc(1, sizeof *p);

	*out = NULL;
	if (p == NULL)
		return BM_NOMEM;
	p->workers = threads < 1 ? 1 : threads > BM_POOL_THREADS_MAX ? BM_POOL_THREADS_MAX : threads;
	p->worker = calloc(p->workers, sizeof *p->worker);
	if (p->worker == NULL) {
		free(p);
		return BM_NOMEM;
	}
	/* None of these can fail with default attributes on the systems that badmac knows. */
	(void)pthread_mutex_init(&p->state, NULL);
	(void)pthread_mutex_init(&p->shared, NULL);
	(void)pthread_cond_init(&p->begun, NULL);
	(void)pthread_cond_init(&p->ended, NULL);
	*out = p;
	return BM_OK;
}

/* All threads; `state` is held. */
static void
call(struct bm_pool *p)
{
	(void)atomic_fetch_add_explicit(&p->calls, 1, memory_order_relaxed);
	(void)pthread_cond_broadcast(&p->begun);
}

void
bm_pool_free(struct bm_pool *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->state);
	p->over = true;
	call(p);
	(void)pthread_mutex_unlock(&p->state);
	for (unsigned i = 1; i <= p->started; i++)
		(void)pthread_join(p->worker[i].thread, NULL);
	(void)pthread_cond_destroy(&p->ended);
	(void)pthread_cond_destroy(&p->begun);
	(void)pthread_mutex_destroy(&p->shared);
	(void)pthread_mutex_destroy(&p->state);
	free(p->worker);
	free(p);
}

unsigned
bm_pool_workers(const struct bm_pool *p)
{
	return p != NULL ? p->workers : 1;
}

/* Does parts while there are any. `state` is held, but not in the meantime. Whoever takes one has a
 * number of its own then: there are no more of them than parts. */
static void
help(struct bm_pool *p)
{
	if (p->next == p->parts)
		return;
	unsigned worker = p->numbers++;
	while (p->next < p->parts) {
		size_t mine = p->next++;
		bm_pool_part *part = p->part;
		void *ctx = p->ctx;
		p->busy++;
		(void)pthread_mutex_unlock(&p->state);
		part(ctx, mine, worker);
		(void)pthread_mutex_lock(&p->state);
		p->busy--;
	}
}

/* `state` is held, but not in the meantime. */
static void
run_task(struct bm_pool *p, struct bm_task *t)
{
	atomic_store_explicit(&t->state, TASK_RUNS, memory_order_relaxed);
	(void)pthread_mutex_unlock(&p->state);
	t->run(t->ctx);
	(void)pthread_mutex_lock(&p->state);
	/* Whoever waits may take t away from now on. */
	atomic_store_explicit(&t->state, TASK_DONE, memory_order_release);
	(void)pthread_cond_broadcast(&p->ended);
}

/* Takes t, or the first (NULL), from those that nobody has begun with. */
static struct bm_task *
take_task(struct bm_pool *p, const struct bm_task *t)
{
	struct bm_task **link = &p->first, *before = NULL;

	while (*link != NULL && t != NULL && *link != t) {
		before = *link;
		link = &before->next;
	}
	struct bm_task *found = *link;
	if (found == NULL)
		return NULL;
	*link = found->next;
	if (p->last == found)
		p->last = before;
	return found;
}

static inline void
pause_briefly(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void *
live(void *arg)
{
	const struct worker *w = arg;
	struct bm_pool *p = w->pool;

	(void)pthread_mutex_lock(&p->state);
	while (!p->over) {
		unsigned calls = atomic_load_explicit(&p->calls, memory_order_relaxed);
		struct bm_task *t;
		while ((t = take_task(p, NULL)) != NULL)
			run_task(p, t);
		help(p);
		if (p->busy == 0) {
			(void)atomic_fetch_add_explicit(&p->ends, 1, memory_order_relaxed);
			(void)pthread_cond_broadcast(&p->ended);
		}
		if (p->over || p->first != NULL)
			continue;
		(void)pthread_mutex_unlock(&p->state);
		for (int i = 0; i < PATIENCE; i++) {
			if (atomic_load_explicit(&p->calls, memory_order_relaxed) != calls)
				break;
			pause_briefly();
		}
		(void)pthread_mutex_lock(&p->state);
		if (!p->over && atomic_load_explicit(&p->calls, memory_order_relaxed) == calls)
			(void)pthread_cond_wait(&p->begun, &p->state);
	}
	(void)pthread_mutex_unlock(&p->state);
	return NULL;
}

static void
start(struct bm_pool *p)
{
	sigset_t all, before;

	p->asked = true;
	/* Signals are the business of the threads that were there before. */
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGBUS);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 1; i < p->workers; i++) {
		p->worker[i] = (struct worker){.pool = p};
		if (pthread_create(&p->worker[i].thread, NULL, live, &p->worker[i]) != 0)
			break;
		p->started = i;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Until it can be that all parts have ended. `state` is held, but not in the meantime. */
static void
await_end(struct bm_pool *p)
{
	unsigned ends = atomic_load_explicit(&p->ends, memory_order_relaxed);

	(void)pthread_mutex_unlock(&p->state);
	for (int i = 0; i < PATIENCE; i++) {
		if (atomic_load_explicit(&p->ends, memory_order_relaxed) != ends)
			break;
		pause_briefly();
	}
	(void)pthread_mutex_lock(&p->state);
	if (p->busy != 0 && atomic_load_explicit(&p->ends, memory_order_relaxed) == ends)
		(void)pthread_cond_wait(&p->ended, &p->state);
}

void
bm_pool_run(struct bm_pool *p, size_t parts, bm_pool_part *part, void *ctx)
{
	if (p == NULL || p->workers == 1 || parts < 2) {
		for (size_t i = 0; i < parts; i++)
			part(ctx, i, 0);
		return;
	}
	if (!p->asked)
		start(p);
	(void)pthread_mutex_lock(&p->state);
	p->part = part;
	p->ctx = ctx;
	p->next = 0;
	p->numbers = 0;
	p->parts = parts;
	call(p);
	help(p);
	for (struct bm_task *t; p->busy != 0;) {
		/* There is time for what nobody has begun with. */
		if ((t = take_task(p, NULL)) != NULL)
			run_task(p, t);
		else
			await_end(p);
	}
	p->next = p->parts = 0;
	(void)pthread_mutex_unlock(&p->state);
}

void
bm_task_begin(struct bm_pool *p, struct bm_task *t, void (*run)(void *ctx), void *ctx)
{
	t->run = run;
	t->ctx = ctx;
	t->next = NULL;
	atomic_store_explicit(&t->state, TASK_WAITS, memory_order_relaxed);
	if (p == NULL || p->workers == 1)
		return;
	if (!p->asked)
		start(p);
	(void)pthread_mutex_lock(&p->state);
	if (p->last != NULL)
		p->last->next = t;
	else
		p->first = t;
	p->last = t;
	call(p);
	(void)pthread_mutex_unlock(&p->state);
}

static bool
is_done(const struct bm_task *t)
{
	return atomic_load_explicit(&t->state, memory_order_acquire) == TASK_DONE;
}

void
bm_task_wait(struct bm_pool *p, struct bm_task *t)
{
	if (atomic_load_explicit(&t->state, memory_order_relaxed) == TASK_NONE)
		return;
	if (p == NULL || p->workers == 1) {
		t->run(t->ctx);
	} else if (!is_done(t)) {
		/* What others have begun takes as long as it takes: there is time for what nobody has. */
		(void)pthread_mutex_lock(&p->state);
		struct bm_task *next;
		while (!is_done(t) &&
			   ((next = take_task(p, t)) != NULL || (next = take_task(p, NULL)) != NULL))
			run_task(p, next);
		(void)pthread_mutex_unlock(&p->state);
		for (int i = 0; i < PATIENCE && !is_done(t); i++)
			pause_briefly();
	}
	if (p != NULL && p->workers != 1) {
		/* Its thread still holds the lock when it says that it is done. */
		(void)pthread_mutex_lock(&p->state);
		while (!is_done(t))
			(void)pthread_cond_wait(&p->ended, &p->state);
		(void)pthread_mutex_unlock(&p->state);
	}
	atomic_store_explicit(&t->state, TASK_NONE, memory_order_relaxed);
}

void
bm_pool_lock(struct bm_pool *p)
{
	if (p != NULL)
		(void)pthread_mutex_lock(&p->shared);
}

void
bm_pool_unlock(struct bm_pool *p)
{
	if (p != NULL)
		(void)pthread_mutex_unlock(&p->shared);
}
