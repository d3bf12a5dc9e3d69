/* Whether what badmac carve --repaired writes is what it says. */
#ifndef BM_CLI_CARVE_CHECK_H
#define BM_CLI_CARVE_CHECK_H

#include "findings/findings.h"

/* Octets that are held, secrets among them. All-zero is empty. */
struct kept {
	uint8_t *p;
	size_t n, cap;
};
/* A write function; ctx is the struct kept. */
int kept_write(void *ctx, const char *bytes, size_t n);
void kept_forget(struct kept *k);

/* Diagnoses the file, which holds n octets, with the key material beside it. Says what is still
 * wrong, unless quiet. False: something is, or it could not be found out. */
bool carve_check(struct bm_view file, const struct bm_view *keys, size_t key_count, bool quiet);

#endif
