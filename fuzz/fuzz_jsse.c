/* Reads any bytes as a javax.net.debug log. Knows nothing of what keys open. */
#include "logs/jsse.h"

#include <stdlib.h>

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_keyring *k;
	struct bm_jsse_counts c;

	must(bm_keyring_new(&k) == BM_OK);
	must(bm_jsse_read(k, bm_view(p, n), &c) == BM_OK);
	must(bm_keyring_size(k) <= c.masters + c.premasters);
	bm_keyring_free(k);
	return 0;
}
