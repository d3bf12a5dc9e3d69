/* Reads any bytes as a key log and demands that the counts fit the lines and that nothing is lost
 * the second time. Knows nothing of other key material. */
#include "tls/keyring.h"

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
	struct bm_key_counts a = {0}, b = {0};

	must(bm_keyring_new(&k) == BM_OK);
	must(bm_keyring_add_key_log(k, bm_view(p, n), BM_SOURCE_KEY_LOG, &a) == BM_OK);
	must(a.secrets == bm_keyring_size(k));
	must(a.secrets + a.duplicates + a.bad_lines + a.unknown_labels + a.passed_over <= a.lines);
	must((a.bad_lines != 0) == (a.first_bad_line != 0) && a.first_bad_line <= a.lines);
	must(bm_keyring_add_key_log(k, bm_view(p, n), BM_SOURCE_KEY_LOG, &b) == BM_OK);
	must(a.bad_lines == b.bad_lines && a.lines == b.lines);
	must(a.secrets + a.duplicates == b.secrets + b.duplicates);
	/* More than BM_SECRETS_PER_ID under one id are taken for new ones again. */
	must(a.secrets > BM_SECRETS_PER_ID || b.secrets == 0);
	bm_keyring_free(k);
	return 0;
}
