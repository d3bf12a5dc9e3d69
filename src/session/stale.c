/* Packets whose alerts are said to be about what was repaired since. Refuses to know who says so.
 */
#include "session/internal.h"

#include <stdlib.h>

/* More of them are taken for alerts like any other. */
enum { STALE_MAX = 1 << 20 };

enum bm_status
bm_session_env_stale(struct bm_session_env *env, uint64_t packet)
{
	void *items = env->stale;

	if (env->stale_count == STALE_MAX ||
		(env->stale_count != 0 && env->stale[env->stale_count - 1] >= packet))
		return BM_OK;
	enum bm_status st =
		bm_grow(&items, &env->stale_cap, env->stale_count + 1, STALE_MAX, sizeof *env->stale);
	env->stale = items;
	if (st == BM_OK)
		env->stale[env->stale_count++] = packet;
	return st;
}

bool
is_stale(const struct bm_session_env *env, uint64_t packet)
{
	size_t low = 0, high = env->stale_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (env->stale[middle] == packet)
			return true;
		if (env->stale[middle] < packet)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
