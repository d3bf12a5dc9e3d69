/* Storage of the hash table. Refuses to grow: a set that is too large is gone through in passes. */
#include "repair/join.h"

#include <stdlib.h>

#include "base/buf.h"

enum bm_status
bm_join_new(struct bm_join *j, size_t entries)
{
	size_t slots = 64;

	*j = (struct bm_join){.passes = 1};
	/* Half of the slots stay empty, and a fifth more for shares that are not even. */
	while (slots < 2 * entries && slots < BM_JOIN_SLOTS_MAX)
		slots *= 2;
	if (2 * entries > slots)
		j->passes = (unsigned)(entries / (slots / 5 * 2) + 1);
	j->slot = calloc(slots, sizeof(*j->slot));
	if (j->slot == NULL)
		return BM_NOMEM;
	j->mask = slots - 1;
	return BM_OK;
}

void
bm_join_empty(struct bm_join *j)
{
	memset(j->slot, 0, (j->mask + 1) * sizeof(*j->slot));
}

void
bm_join_free(struct bm_join *j)
{
	if (j->slot != NULL)
		bm_wipe(j->slot, (j->mask + 1) * sizeof(*j->slot));
	free(j->slot);
	*j = (struct bm_join){0};
}
