/* Memory that runs out when it is told to. Linked with --wrap for each of malloc, aligned_alloc,
 * calloc, realloc and free that is to come through here. */
#ifndef BM_TESTS_STARVE_H
#define BM_TESTS_STARVE_H

#include <limits.h>
#include <stdbool.h>

#define STARVE_NEVER ULONG_MAX

/* From now on allocations are counted, and the nth of them, from 0, is refused. */
void starve_at(unsigned long nth);
/* No longer. Whether the nth was reached. */
bool starve_stop(void);
/* Allocations asked for between the last starve_at and its starve_stop, and the blocks that are
 * left of them; fewer than none, if older ones were freed. */
unsigned long starve_asked(void);
long starve_live(void);

/* Counts one allocation: whether it is to be refused. For allocators that no linking reaches. */
bool starve_due(void);

/* Shown each block before it is freed, or moved by realloc (NULL too). Until NULL is given. */
void starve_watch(void (*gone)(void *p, bool moved));

#endif
