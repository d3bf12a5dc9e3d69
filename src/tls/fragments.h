/* DTLS handshake messages in the making (RFC 6347, section 4.2; RFC 9147, section 5). */
#ifndef BM_TLS_FRAGMENTS_H
#define BM_TLS_FRAGMENTS_H

#include "tls/handshake.h"

/* NULL when out of memory. max: cap on the octets of all messages in the making. */
struct bm_handshake_fragments *bm_handshake_fragments_new(size_t max);
void bm_handshake_fragments_free(struct bm_handshake_fragments *f); /* wipes; NULL allowed */
size_t bm_handshake_fragments_size(const struct bm_handshake_fragments *f); /* octets held */

/* Takes every fragment in v. *broken is set when some are malformed or too long. BM_OK or BM_NOMEM.
 */
BM_MUST_USE enum bm_status bm_handshake_fragments_add(
	struct bm_handshake_fragments *f, struct bm_view v, bool *broken);
/* The message that is due, if it is complete; borrowed until the next call. */
bool bm_handshake_fragments_next(struct bm_handshake_fragments *f, struct bm_message *m);

#endif
