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

struct bm_pool {
	pthread_mutex_t state;  /* guards what follows up to `busy` */
	pthread_mutex_t shared; /* bm_pool_lock */
	pthread_cond_t begun, ended;
	bool over;
	bm_pool_part *part;
	void *ctx;
	size_t next, parts; /* to be handed out: next up to parts */
	size_t busy;        /* handed out and not ended */
	unsigned numbers;   /* of workers that have taken a part */
	bool asked;         /* for threads */
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

void
bm_pool_free(struct bm_pool *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->state);
	p->over = true;
	(void)pthread_cond_broadcast(&p->begun);
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

static void *
live(void *arg)
{
	const struct worker *w = arg;
	struct bm_pool *p = w->pool;

	(void)pthread_mutex_lock(&p->state);
	while (!p->over) {
		help(p);
		if (p->busy == 0)
			(void)pthread_cond_signal(&p->ended);
		if (!p->over)
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
	(void)pthread_cond_broadcast(&p->begun);
	help(p);
	while (p->busy != 0)
		(void)pthread_cond_wait(&p->ended, &p->state);
	p->next = p->parts = 0;
	(void)pthread_mutex_unlock(&p->state);
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
