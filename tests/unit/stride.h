/* Tests that go everywhere go to every BADMAC_STRIDE-th place if that is set, as under sanitizers
 * they would take too long. */
#ifndef BM_TESTS_STRIDE_H
#define BM_TESTS_STRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static inline size_t
stride(void)
{
	const char *text = getenv("BADMAC_STRIDE");
	int n = text != NULL ? atoi(text) : 1;

	return n > 0 ? (size_t)n : 1;
}

/* Whether the next case is tried. It counts on from test to test, so that each of them starts at
 * another place. */
static inline bool
due(void)
{
	static size_t cases;

	return cases++ % stride() == 0;
}

#endif
