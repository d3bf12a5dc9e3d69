/* The traffic keys of every connection of a run, kept for one question: does a bad record belong to
 * another connection? The oldest are forgotten. Refuses to ask it. */
#include "session/internal.h"

#include <stdlib.h>

enum { FOREIGN_MAX = 1 << 14, LIVE_MAX = 1 << 10 };

static void
forget_states(struct bm_session_env *env, struct bm_foreign_keys *f)
{
	if (f->states != NULL) {
		bm_wipe(f->states, BM_FOREIGN_STATES * sizeof *f->states);
		env->kept -= BM_FOREIGN_STATES * sizeof *f->states;
	}
	free(f->states);
	f->states = NULL;
	f->state_count = 0;
}

size_t
remember_foreign(struct bm_session *s, const struct bm_traffic_keys *k, unsigned side)
{
	struct bm_session_env *env = s->env;

	if (env->apart || env->knows_all)
		return SIZE_MAX;
	if (env->foreign_count < FOREIGN_MAX) {
		/* Secrets are not left behind in memory that was given back. */
		if (env->foreign_count == env->foreign_cap) {
			size_t cap = env->foreign_cap == 0 ? 64 : env->foreign_cap * 2;
			struct bm_foreign_keys *bigger = calloc(cap, sizeof *bigger);
			if (bigger == NULL)
				return SIZE_MAX; /* only this one question suffers */
			if (env->foreign_count != 0)
				memcpy(bigger, env->foreign, env->foreign_count * sizeof *bigger);
			bm_wipe(env->foreign, env->foreign_count * sizeof *env->foreign);
			free(env->foreign);
			env->foreign = bigger;
			env->kept += (cap - env->foreign_cap) * sizeof *bigger;
			env->foreign_cap = cap;
		}
		env->foreign_count++;
	}
	struct bm_foreign_keys *f = &env->foreign[env->foreign_next++ % FOREIGN_MAX];
	forget_states(env, f);
	f->keys = *k;
	f->failed = false;
	f->flow = bm_flow_id(s->flow);
	f->from = *bm_flow_source(s->flow, s->half[side].way);
	f->to = *bm_flow_source(s->flow, s->half[1 - side].way);
	return env->foreign_next - 1;
}

/* NULL: they were forgotten. */
static struct bm_foreign_keys *
find_keys(const struct bm_session *s, const struct bm_protection *p)
{
	struct bm_session_env *env = s->env;
	size_t i = s->key_count;

	while (i != 0 && s->keys[i - 1].protection != p)
		i--;
	if (i == 0 || s->keys[i - 1].foreign == SIZE_MAX ||
		env->foreign_next - s->keys[i - 1].foreign > FOREIGN_MAX)
		return NULL;
	return &env->foreign[s->keys[i - 1].foreign % FOREIGN_MAX];
}

static void
note_state(struct bm_session_env *env, struct bm_foreign_keys *f, const struct bm_position *pos)
{
	if (f->states == NULL) {
		f->states = calloc(BM_FOREIGN_STATES, sizeof *f->states);
		env->kept += f->states != NULL ? BM_FOREIGN_STATES * sizeof *f->states : 0;
	}
	if (f->states != NULL && f->state_count < BM_FOREIGN_STATES)
		f->states[f->state_count++] = *pos; /* without memory only this one question suffers */
}

void
remember_states(struct bm_session *s)
{
	/* Asked of very many at each failure. */
	if (s->noted)
		return;
	s->noted = true;
	for (unsigned side = 0; side < 2; side++) {
		const struct half *h = &s->half[side];
		if (h->keys == NULL || !bm_protection_chained(h->keys))
			continue;
		struct bm_foreign_keys *f = find_keys(s, h->keys);
		if (f == NULL)
			continue;
		f->state_count = 0;
		f->failed = h->lost != NULL;
		note_state(s->env, f, h->lost != NULL ? &h->lost->expected : &h->pos);
		/* A record that was written elsewhere is missing here. */
		for (size_t i = 0; i < s->case_count; i++) {
			f->failed = f->failed || s->cases[i].direction == side;
			if (s->cases[i].protection == h->keys && s->cases[i].position != NULL)
				note_state(s->env, f, s->cases[i].position);
		}
	}
}

const struct bm_foreign_keys *
bm_session_foreign(const struct bm_session *s, size_t *count)
{
	struct bm_session_env *env = s->env;
	unsigned n = 0;

	/* The newest, of very many. */
	for (struct bm_session *o = env->sessions; o != NULL && n < LIVE_MAX; o = o->next, n++)
		remember_states(o);
	*count = env->foreign_count;
	return env->foreign;
}

static void
forget_all(struct bm_session_env *env)
{
	for (size_t i = 0; i < env->foreign_count; i++)
		forget_states(env, &env->foreign[i]);
	bm_wipe(env->foreign, env->foreign_cap * sizeof *env->foreign);
	env->foreign_count = env->foreign_next = 0;
}

void
bm_session_env_restart(struct bm_session_env *env)
{
	forget_all(env);
	env->spent = env->cases = 0;
	env->stale_count = 0;
}

void
bm_session_env_go_on(struct bm_session_env *env)
{
	for (size_t i = 0; i < env->foreign_count; i++)
		env->foreign[i].flow = BM_NO_SEQ;
	env->spent = env->cases = 0;
	env->stale_count = 0;
}

void
bm_session_env_clear(struct bm_session_env *env)
{
	ahead_clear(env);
	forget_all(env);
	free(env->foreign);
	free(env->stale);
	bm_wipe(env, sizeof *env);
}
