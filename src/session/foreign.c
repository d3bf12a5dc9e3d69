/* The traffic keys of every connection of a run, kept for one question: does a bad record belong to
 * another connection? The oldest are forgotten. Refuses to ask it. */
#include "session/internal.h"

#include <stdlib.h>

enum { FOREIGN_MAX = 1 << 14 };

void
remember_foreign(struct bm_session *s, const struct bm_traffic_keys *k, unsigned side)
{
	struct bm_session_env *env = s->env;

	if (env->foreign_count < FOREIGN_MAX) {
		/* Secrets are not left behind in memory that was given back. */
		if (env->foreign_count == env->foreign_cap) {
			size_t cap = env->foreign_cap == 0 ? 64 : env->foreign_cap * 2;
			struct bm_foreign_keys *bigger = calloc(cap, sizeof *bigger);
			if (bigger == NULL)
				return; /* only this one question suffers */
			if (env->foreign_count != 0)
				memcpy(bigger, env->foreign, env->foreign_count * sizeof *bigger);
			bm_wipe(env->foreign, env->foreign_count * sizeof *env->foreign);
			free(env->foreign);
			env->foreign = bigger;
			env->foreign_cap = cap;
		}
		env->foreign_count++;
	}
	struct bm_foreign_keys *f = &env->foreign[env->foreign_next++ % FOREIGN_MAX];
	f->keys = *k;
	f->flow = bm_flow_id(s->flow);
	f->from = *bm_flow_source(s->flow, s->half[side].way);
	f->to = *bm_flow_source(s->flow, s->half[1 - side].way);
}

void
bm_session_env_restart(struct bm_session_env *env)
{
	bm_wipe(env->foreign, env->foreign_cap * sizeof *env->foreign);
	env->foreign_count = env->foreign_next = 0;
	env->spent = env->cases = 0;
}

void
bm_session_env_clear(struct bm_session_env *env)
{
	bm_wipe(env->foreign, env->foreign_cap * sizeof *env->foreign);
	free(env->foreign);
	bm_wipe(env, sizeof *env);
}
