/* A record of which only the end is at hand: its header went with bytes before it. */
#ifndef BM_WHY_TAIL_H
#define BM_WHY_TAIL_H

#include "why/why.h"

/* Octets of a record of sequence number seq, from its header on, whose last ones stand before octet
 * `end` of the case's bytes, behind octet `from`: only at one distance from its beginning do they
 * decrypt to what looks like content. False: that does not show. AEAD suites alone. */
bool bm_tail_length(
	const struct bm_why *w, uint64_t seq, uint32_t from, uint32_t end, uint32_t *length);
/* The shortest record that can occur, with header. */
uint32_t bm_least_record(const struct bm_why *w);

#endif
