/* Memory that dies together: strings and arrays of one connection's results. */
#ifndef BM_BASE_ARENA_H
#define BM_BASE_ARENA_H

#include "base/bytes.h"

struct bm_arena_block;

/* All-zero with max set is a valid empty arena. */
struct bm_arena {
	struct bm_arena_block *first;
	size_t used, max;
};

/* Zeroed memory aligned for any type; NULL when out of memory or past a->max. n may be 0. */
void *bm_arena_take(struct bm_arena *a, size_t count, size_t size);
/* A copy; NULL as above (never for an empty view unless out of memory). */
void *bm_arena_copy(struct bm_arena *a, struct bm_view v);
/* printf into the arena; NULL as above. */
__attribute__((format(printf, 2, 3))) const char *bm_arena_print(
	struct bm_arena *a, const char *format, ...);
void bm_arena_clear(struct bm_arena *a);
/* The same, but keeps one block for what comes next. */
void bm_arena_reuse(struct bm_arena *a);

#endif
