/* Reads any bytes as a file of keys, PEM or whatever it may be. Knows nothing of what keys open. */
#include "logs/keyfile.h"

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
	struct bm_key_counts c = {0};
	struct bm_error e = {BM_OK, NULL, 0};

	must(bm_keyring_new(&k) == BM_OK);
	enum bm_status st = bm_keys_read(k, bm_view(p, n), &c, &e);
	must(st == BM_OK || (e.status == st && e.what != NULL && e.offset <= n));
	must(c.secrets == bm_keyring_size(k));
	must((c.private_keys != 0) == (bm_keyring_rsa(k, 0) != NULL));
	must(bm_keyring_rsa(k, c.private_keys) == NULL);
	bm_keyring_free(k);
	return 0;
}
