#include "starve.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Weak, as not every test has all of them wrapped. */
void *__real_malloc(size_t n) __attribute__((weak));
void *__real_aligned_alloc(size_t alignment, size_t n) __attribute__((weak));
void *__real_calloc(size_t n, size_t size) __attribute__((weak));
void *__real_realloc(void *p, size_t n) __attribute__((weak));
void __real_free(void *p) __attribute__((weak));
void *__wrap_malloc(size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

/* Threads of what is tested allocate as well. */
static atomic_bool armed;
static atomic_ulong refused, asked;
static atomic_long live;
static void (*watcher)(void *p, bool moved);

void
starve_at(unsigned long nth)
{
	refused = nth;
	asked = 0;
	live = 0;
	armed = true;
}

bool
starve_stop(void)
{
	armed = false;
	return asked > refused;
}

unsigned long
starve_asked(void)
{
	return asked;
}

long
starve_live(void)
{
	return live;
}

bool
starve_due(void)
{
	return armed && asked++ == refused;
}

void
starve_watch(void (*gone)(void *p, bool moved))
{
	watcher = gone;
}

void *
__wrap_malloc(size_t n)
{
	void *p = starve_due() ? NULL : __real_malloc(n);

	live += armed && p != NULL;
	return p;
}

void *
__wrap_aligned_alloc(size_t alignment, size_t n)
{
	void *p = starve_due() ? NULL : __real_aligned_alloc(alignment, n);

	live += armed && p != NULL;
	return p;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	void *p = starve_due() ? NULL : __real_calloc(n, size);

	live += armed && p != NULL;
	return p;
}

void *
__wrap_realloc(void *old, size_t n)
{
	if (watcher != NULL)
		watcher(old, true);
	bool fresh = old == NULL;
	void *p = starve_due() ? NULL : __real_realloc(old, n);
	live += armed && fresh && p != NULL;
	return p;
}

void
__wrap_free(void *p)
{
	if (watcher != NULL && p != NULL)
		watcher(p, false);
	live -= armed && p != NULL;
	__real_free(p);
}
