/* A list of blocks, newest first, freed as a whole. Knows nothing of what it holds. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 4096 };

struct bm_arena_block {
	struct bm_arena_block *next;
	size_t used, cap;
	_Alignas(max_align_t) uint8_t bytes[];
};

void *
bm_arena_take(struct bm_arena *a, size_t count, size_t size)
{
	size_t align = _Alignof(max_align_t);
	if (size != 0 && count > (SIZE_MAX - align) / size)
		return NULL;
	size_t n = count * size;
	n = n == 0 ? align : (n + align - 1) / align * align;
	struct bm_arena_block *b = a->first;
	if (b == NULL || b->cap - b->used < n) {
		size_t cap = n > BLOCK ? n : BLOCK;
		if (n > a->max || a->used > a->max - n || cap > SIZE_MAX - sizeof *b)
			return NULL;
		if (cap > a->max - a->used)
			cap = n; /* the last of it */
		b = calloc(1, sizeof *b + cap);
		if (b == NULL)
			return NULL;
		b->cap = cap;
		b->next = a->first;
		a->first = b;
		a->used += cap;
	}
	void *p = b->bytes + b->used;
	b->used += n;
	return p;
}

void *
bm_arena_copy(struct bm_arena *a, struct bm_view v)
{
	void *p = bm_arena_take(a, v.n, 1);
	if (p != NULL && v.n != 0)
		memcpy(p, v.p, v.n);
	return p;
}

const char *
bm_arena_print(struct bm_arena *a, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	char *p = bm_arena_take(a, (size_t)n + 1, 1);
	if (p == NULL)
		return NULL;
	va_start(ap, format);
	(void)vsnprintf(p, (size_t)n + 1, format, ap);
	va_end(ap);
	return p;
}

static void
free_blocks(struct bm_arena_block *b)
{
	while (b != NULL) {
		struct bm_arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void
bm_arena_clear(struct bm_arena *a)
{
	free_blocks(a->first);
	a->first = NULL;
	a->used = 0;
}

void
bm_arena_reuse(struct bm_arena *a)
{
	struct bm_arena_block *b = a->first;

	if (b == NULL || b->cap != BLOCK) {
		bm_arena_clear(a);
		return;
	}
	free_blocks(b->next);
	b->next = NULL;
	memset(b->bytes, 0, b->used);
	b->used = 0;
	a->used = b->cap;
}
