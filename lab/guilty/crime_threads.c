/* Crimes of threads that share one SSL: each wraps its line under a lock, and sends what came out
 * without one. They take turns at a barrier, so that what goes wrong is always the same. */
#include "lab/guilty/crimes.h"

#include <pthread.h>
#include <string.h>

enum what { MAKE, HALF, REST, WHOLE };

/* Who does what in a turn: thread 0 or 1. */
struct turn {
	unsigned who;
	enum what what;
};

struct shared {
	struct scene *s;
	const struct turn *turns;
	size_t count;
	pthread_mutex_t lock;
	pthread_barrier_t barrier;
	struct record made[2];
	bool failed;
};

struct thread {
	struct shared *shared;
	unsigned who;
	pthread_t id;
};

static bool
take_turn(struct shared *t, const struct turn *turn)
{
	struct peer *p = &t->s->peer;
	struct record *r = &t->made[turn->who];
	char text[LINE_MAX_OCTETS];
	size_t half = r->n / 2;

	if (turn->what == MAKE) {
		line_text(t->s->s, t->s->s->record, 1 + turn->who, text);
		(void)pthread_mutex_lock(&t->lock);
		bool good = peer_make(p, text, r);
		(void)pthread_mutex_unlock(&t->lock);
		return good;
	}
	if (turn->what == WHOLE)
		return peer_send(p, r->p, r->n);
	return turn->what == HALF ? peer_send(p, r->p, half) : peer_send(p, r->p + half, r->n - half);
}

static void *
write_without_lock(void *arg)
{
	const struct thread *me = arg;
	struct shared *t = me->shared;

	for (size_t i = 0; i < t->count; i++) {
		if (t->turns[i].who == me->who && !t->failed && !take_turn(t, &t->turns[i]))
			t->failed = true;
		(void)pthread_barrier_wait(&t->barrier);
	}
	return NULL;
}

static bool
let_them(struct scene *s, const struct turn *turns, size_t count, struct shared *t)
{
	struct thread threads[2];
	size_t started = 0;

	*t = (struct shared){.s = s, .turns = turns, .count = count};
	if (pthread_mutex_init(&t->lock, NULL) != 0 || pthread_barrier_init(&t->barrier, NULL, 2) != 0)
		return trouble("no barrier");
	for (unsigned i = 0; i < 2; i++) {
		threads[i] = (struct thread){.shared = t, .who = i};
		if (pthread_create(&threads[i].id, NULL, write_without_lock, &threads[i]) != 0)
			/* One that waits at a barrier for nobody ends with the program. */
			return trouble("no thread");
		started++;
	}
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i].id, NULL);
	(void)pthread_barrier_destroy(&t->barrier);
	(void)pthread_mutex_destroy(&t->lock);
	return !t->failed;
}

/* The first record is cut in two; what stands between its halves belongs to the other. */
static bool
mix(struct scene *s, const struct turn *turns, size_t count, bool whole)
{
	static struct shared t; /* large */
	struct confession *d = &s->done;

	confess_here(s, "sender-application");
	if (!let_them(s, turns, count, &t))
		return false;
	d->length = t.made[0].n;
	d->damaged = true;
	d->damage_off = t.made[0].n / 2;
	d->received.n = whole ? t.made[1].n : t.made[1].n / 2;
	memcpy(d->received.p, t.made[1].p, d->received.n);
	return true;
}

static bool
mix_halves(struct scene *s)
{
	static const struct turn turns[] = {
		{0, MAKE}, {1, MAKE}, {0, HALF}, {1, HALF}, {0, REST}, {1, REST}};

	return mix(s, turns, sizeof turns / sizeof turns[0], false);
}

static bool
mix_nested(struct scene *s)
{
	static const struct turn turns[] = {{0, MAKE}, {1, MAKE}, {0, HALF}, {1, WHOLE}, {0, REST}};

	return mix(s, turns, sizeof turns / sizeof turns[0], true);
}

/* Wrapped in one order, sent in the other. */
static bool
reorder(struct scene *s)
{
	static const struct turn turns[] = {{0, MAKE}, {1, MAKE}, {1, WHOLE}, {0, WHOLE}};
	static struct shared t;

	confess_here(s, "sender-application");
	if (!let_them(s, turns, sizeof turns / sizeof turns[0], &t))
		return false;
	s->done.length = t.made[1].n;
	return true;
}

const struct crime crime_threads = {"threads", NULL, NULL, mix_halves, NULL, NULL};
const struct crime crime_threads_nested = {"threads-nested", NULL, NULL, mix_nested, NULL, NULL};
const struct crime crime_reorder = {"reorder", NULL, NULL, reorder, NULL, NULL};
