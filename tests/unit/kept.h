/* What a report wrote, in memory that no allocation is needed for: for tests in which allocations
 * fail. */
#ifndef BM_TESTS_KEPT_H
#define BM_TESTS_KEPT_H

#include <stddef.h>

struct kept {
	char text[1 << 18];
	size_t n; /* 0 before a report */
};

extern struct kept kept;

/* For the write of any options; ctx is not used. */
int kept_write(void *ctx, const char *bytes, size_t n);

#endif
