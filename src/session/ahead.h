/* Records that are checked before their turn, many at a time: the outcome of a check depends on
 * nothing but its input, so it can be had early, and counts if the input turns out to have been
 * that. Refuses to let anything follow from an outcome. */
#ifndef BM_SESSION_AHEAD_H
#define BM_SESSION_AHEAD_H

#include "base/pool.h"
#include "session/internal.h"

/* A record that waits. */
struct ahead_record {
	struct bm_check check;
	bool before_elsewhere; /* check.before is of another round */
	bool given;            /* to whoever checks a round: hands off */
	bool checked;
	uint64_t fingerprint; /* once it is */
	uint64_t off;
	uint64_t acked;            /* of the other direction, when it came */
	struct half *h;            /* NULL: none any more */
	struct ahead_record *next; /* of h */
	uint8_t header[BM_HEADER];
	_Alignas(64) uint8_t bytes[BM_HEADER + BM_CHECK_BODY];
};

/* Should h wait with what stands at h->off? True: it waits to be checked with others, and run_half
 * is called when that has been done. False: it is its turn. final: nothing more comes. */
bool ahead_waits(struct half *h, bool final);
/* The check of the record at h->off, if it was made, and verifies it at h->pos under h->keys; NULL
 * otherwise. To be followed by ahead_done. */
const struct ahead_record *ahead_verified(struct half *h);
void ahead_done(struct half *h);
/* Takes now what waits in h. False: nothing does. */
bool ahead_settle(struct half *h);
/* Its records are not waited with any more. */
void ahead_forget(struct half *h);

#endif
