/* What the hypotheses without keys share. Refuses to name causes. */
#ifndef BM_WHY_KEYLESS_H
#define BM_WHY_KEYLESS_H

#include "why/why.h"

/* The records of the case's direction that could not be checked, and how many of them the complaint
 * may be about. */
const struct bm_seen_record *bm_keyless_records(const struct bm_why *w, size_t *count);
/* The failure is about this record: fills in out->about, and whether the failure stands without a
 * complaint that can be read. certain: no receiver can have accepted the record. len: of its bytes
 * as they stand, which the header may deny. False: memory is out. */
bool bm_keyless_about(const struct bm_why *w, struct bm_finding *out,
	const struct bm_seen_record *r, uint32_t len, bool certain);
/* Did the receiver go on behind the record as if nothing had happened? */
bool bm_keyless_carried_on(const struct bm_why *w, const struct bm_seen_record *r);
/* The record that holds the octet at off of the stream; NULL: none. */
const struct bm_seen_record *bm_keyless_at(const struct bm_why *w, uint64_t off);
/* Do its records start with a nonce (RFC 5288, section 3; RFC 6655, section 3)? A suite that is not
 * known may be such a one. */
bool bm_keyless_nonces(const struct bm_why *w);

/* A run of one value, or bytes that stand twice, as unlikely as repeats go. */
struct bm_odd_run {
	uint32_t at, n, from; /* from: where they stand first */
	bool one_value;
	double chance_log2;
	uint64_t places;
	unsigned bits;
};
/* out->n 0: none that is rarer than chance. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_find_odd_run(
	const struct bm_why *w, struct bm_view text, struct bm_odd_run *out);

/* For the table of why.c. */
enum bm_answer bm_ask_seen_twice(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_seen_mirrored(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_seen_copy(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_bad_checksum(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_nonces(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_lost_framing(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_text_seen(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_repeat_seen(const struct bm_why *, struct bm_finding *, const char **);

#endif
