/* A failed record tried under keys other than those that were expected. Shared by the hypotheses
 * about keys; refuses to name causes. */
#ifndef BM_WHY_OTHER_KEYS_H
#define BM_WHY_OTHER_KEYS_H

#include "why/framing.h"

struct bm_key_hunt {
	const struct bm_why *w;
	struct bm_view record;
	size_t cid_len; /* DTLS: of the connection id that it is read with */
	uint64_t tried, work;
	uint64_t limit; /* of work; 0: an eighth of the share */
	uint64_t seq;   /* found */
};

/* False: *answer and *because say why nothing is tried. */
bool bm_begin_hunt(
	const struct bm_why *w, struct bm_key_hunt *h, enum bm_answer *answer, const char **because);
/* Does the record verify under p at this position? */
bool bm_try_at(struct bm_key_hunt *h, const struct bm_protection *p, const struct bm_position *pos);
/* At a sequence number near `center`, at most `window` away? A record of DTLS brings its own along.
 * Of a chained cipher the first record
 * alone is tried. */
bool bm_try_near(
	struct bm_key_hunt *h, const struct bm_protection *p, uint64_t center, uint64_t window);

/* foreign.c and foreign_copy.c. Are these keys the connection's own, as another sighting of it has
 * them? Sent by this very connection? */
bool bm_is_own_key(const struct bm_why *w, const struct bm_traffic_keys *k);
bool bm_is_of_flow(const struct bm_why *w, const struct bm_foreign_keys *k);
/* Does the record stand in another connection? Then out tells of it. */
bool bm_find_foreign_copy(const struct bm_why *w, struct bm_view record, struct bm_finding *out);

#endif
