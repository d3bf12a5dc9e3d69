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

/* The same of a log that comes line by line. k and counts are borrowed until bm_jsse_end, which
 * puts what is still held into the ring, wipes and frees; j may be NULL there. */
struct bm_jsse;
BM_MUST_USE enum bm_status bm_jsse_new(
	struct bm_jsse **out, struct bm_keyring *k, struct bm_jsse_counts *counts);
BM_MUST_USE enum bm_status bm_jsse_line(struct bm_jsse *j, struct bm_view line);
enum bm_status bm_jsse_end(struct bm_jsse *j);

#endif
