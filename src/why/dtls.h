/* Failed records of DTLS by themselves: their layouts, their numbers. Refuses to name causes. */
#ifndef BM_WHY_DTLS_H
#define BM_WHY_DTLS_H

#include "why/record.h"

bool bm_is_dtls(const struct bm_why *w);

/* The record as bm_verify wants it at sequence number seq. False: no header that could be read. */
bool bm_dtls_record(const struct bm_why *w, uint64_t seq, struct bm_wire *wire);
/* The sequence numbers at which damage is looked for, likeliest first: the record's own, and in
 * DTLS 1.3, where damage at the front of the ciphertext garbles it (RFC 9147, section 4.2.3), those
 * that its neighbours leave. */
size_t bm_dtls_numbers(const struct bm_why *w, uint64_t numbers[BM_CASE_NUMBERS]);
/* DTLS 1.3: the number in a header that is put together, seq, under the mask of the body behind it:
 * as on the wire. */
void bm_dtls_mask(const struct bm_why *w, uint64_t seq, uint8_t *record);

/* Does the record as it stands there verify under p? cid_len: of the connection id that it is read
 * with. expected: about which number. Gives the number. */
bool bm_dtls_try(const struct bm_why *w, const struct bm_protection *p, size_t cid_len,
	uint64_t expected, uint64_t *seq);
/* DTLS 1.3: the same with its number read by the keys that its header names. */
bool bm_dtls_try_number(const struct bm_why *w, const struct bm_protection *p, uint64_t *seq);

enum bm_answer bm_dtls_ask_header(const struct bm_why *, struct bm_finding *, const char **);

#endif
