/* See kept.h. */
#include "kept.h"

#include <string.h>

struct kept kept;

int
kept_write(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	if (n > sizeof kept.text - kept.n)
		return -1;
	memcpy(kept.text + kept.n, bytes, n);
	kept.n += n;
	return 0;
}
