/* Records that are checked before their turn, many at a time: the outcome of a check depends on
 * nothing but its input, so it can be had early, and counts if the input turns out to have been
 * that. Refuses to let anything follow from an outcome. */
#ifndef BM_SESSION_AHEAD_H
#define BM_SESSION_AHEAD_H

#include "session/internal.h"

enum { AHEAD_PIECES = 48 };

/* A record that was foreseen. */
struct ahead_record {
	struct bm_check check;
	uint64_t fingerprint;
	uint64_t off;
	struct half *h;            /* NULL: none any more */
	struct ahead_record *next; /* of h */
	/* What it was put together from; the bytes stay where they are. */
	struct bm_view piece[AHEAD_PIECES];
	size_t pieces, have, length; /* length: header and body; 0: not known yet */
	uint8_t header[BM_HEADER];
	_Alignas(64) uint8_t bytes[BM_HEADER + BM_CHECK_BODY];
};

/* The check of the record of n octets at h->off, if it was foreseen as it came, and verifies at
 * h->pos under h->keys; NULL otherwise. To be followed by ahead_done. */
const struct ahead_record *ahead_verified(struct half *h);
void ahead_done(struct half *h);
/* A record of h has verified: from now on it may pay to foresee others. */
void ahead_consider(struct half *h);
/* Nothing is foreseen of h any more. */
void ahead_forget(struct half *h);

#endif
