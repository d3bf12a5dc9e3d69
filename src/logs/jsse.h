/* Secrets in the output of javax.net.debug of Java 6 to 8. */
#ifndef BM_LOGS_JSSE_H
#define BM_LOGS_JSSE_H

#include "tls/keyring.h"

struct bm_jsse_counts {
	uint64_t keygens;    /* key generation blocks begun */
	uint64_t masters;    /* master secrets with their client random, put into the ring */
	uint64_t premasters; /* the same of premaster secrets whose master secret is not there */
};

/* Lines may carry any prefix. What cannot be told apart is left out rather than guessed. */
BM_MUST_USE enum bm_status bm_jsse_read(
	struct bm_keyring *k, struct bm_view text, struct bm_jsse_counts *counts);

#endif
