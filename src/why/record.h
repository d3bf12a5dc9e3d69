/* The failed record by itself: what the hypotheses about its MAC, its padding and its bytes
 * share. Refuses to name causes. */
#ifndef BM_WHY_RECORD_H
#define BM_WHY_RECORD_H

#include "why/framing.h"

/* The record as bm_verify wants it. False: its bytes are not at hand, or no such header. */
bool bm_failed_record(const struct bm_why *w, struct bm_wire *wire);

/* Damage searched for once a failure: w->repair says how that went. */
const struct bm_repair *bm_find_repair(const struct bm_why *w);

/* Puts the runs of octets in which the first len of the record's region differ from `sent` into
 * out; near ones count as one when there are too many. */
void bm_list_changes(
	const struct bm_why *w, const uint8_t *sent, uint32_t len, struct bm_finding *out);
/* "bit 3 of byte 812 arrived as 1", for the few that a person can look at. How many differ. */
unsigned bm_tell_bits(const struct bm_why *w, const uint8_t *sent, struct bm_finding *out);
/* Did two words of 16, 32 or 64 bits trade places, and did nothing else change? */
bool bm_words_traded(struct bm_view received, struct bm_view sent);
/* Where few bits differ, what besides the cause would have left the same bytes. */
void bm_tell_swap_or_bits(const struct bm_why *w, enum bm_cause cause, const uint8_t *sent,
	unsigned bits, struct bm_finding *out);
/* The same, and what they come to, where `sent` is as long as the record and not the same. */
enum bm_cause bm_shape_of_change(
	const struct bm_why *w, struct bm_view sent, struct bm_finding *out);
/* Is o a record that verifies at the number that was expected of the failed one, where it was not
 * expected itself? */
bool bm_is_right_one(const struct bm_why *w, const struct bm_case *o);
/* NULL: none came. */
const struct bm_case *bm_right_one(const struct bm_why *w);
/* The rest of a segment moved over by a few octets: what that search says of it. */
bool bm_find_moved(const struct bm_why *w, struct bm_finding *out);

/* Base-2 logarithm: how rarely n random octets look so, full of text, of zeros, or of few different
 * values. */
double bm_look_chance(const uint8_t *p, unsigned n);

/* The MAC of SSL 3.0 (ssl3) or HMAC, whole, over header and text. */
BM_MUST_USE enum bm_status bm_mac_of(enum bm_hash hash, bool ssl3, struct bm_view key,
	struct bm_view head, struct bm_view text, uint8_t out[BM_HASH_MAX]);

#endif
