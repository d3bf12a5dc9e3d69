/* Patterns of damage, and how often each escapes the 16-bit ones'-complement sum of TCP, UDP and
 * IP (RFC 1071). Refuses to know where damage comes from.
 *
 * A sum cannot tell two segments apart whose words add up to the same modulo 65535; FFFF and 0000
 * are one class there. The chances are exact for a payload of BM_PAYLOAD octets that is uniformly
 * random, which ciphertext is, and whose words are the sum's words (the payload starts at an even
 * octet of the segment, as it always does). */
#ifndef BM_ODDS_PATTERNS_H
#define BM_ODDS_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

enum { BM_PAYLOAD = 1460, BM_MODULUS = 65535 };

enum bm_pattern_kind {
	BM_PATTERN_RANDOM, /* the payload becomes random octets */
	BM_PATTERN_BITS,   /* n bits anywhere are inverted */
	BM_PATTERN_PAIR,   /* two bits n apart are inverted */
	BM_PATTERN_BURST,  /* n bits in a row: the first and the last inverted, those between at random
						*/
	BM_PATTERN_LANE,   /* the same bit of n words is inverted */
	BM_PATTERN_STUCK,  /* the same bit of many words takes one value */
	BM_PATTERN_SWAP_WORDS,  /* two words change places */
	BM_PATTERN_SWAP_OCTETS, /* two neighbouring octets change places */
	BM_PATTERN_SWAP_ODD,    /* two octet pairs, an odd number of octets apart, change places */
	BM_PATTERN_BYTE_ORDER,  /* the octets of every word change places */
	BM_PATTERN_ZEROED,      /* n octets from an even place become 0 */
	BM_PATTERN_STALE,       /* n octets from an even place become other data of the same kind */
	BM_PATTERN_SHIFT,    /* an octet is lost, what follows moves up, and the last one is another */
	BM_PATTERN_RESUMMED, /* whatever it is, the sum is made after it */
	BM_PATTERN_KINDS
};

struct bm_pattern {
	enum bm_pattern_kind kind;
	unsigned n; /* 0 for a kind that takes no number */
};

/* What a kind's number counts, and its bounds; most is 0 for a kind that takes none. */
struct bm_pattern_rule {
	const char *name, *what;
	unsigned least, most, usual;
};
const struct bm_pattern_rule *bm_pattern_rule(enum bm_pattern_kind kind);

/* NAME or NAME:N. False: no such pattern, or a number out of bounds; problem says so. */
bool bm_pattern_parse(const char *text, struct bm_pattern *out, char *problem, size_t n);
/* "bits:2". */
#define BM_PATTERN_NAME 24
void bm_pattern_name(struct bm_pattern p, char out[BM_PATTERN_NAME]);

/* The chance that damage of this pattern leaves the sum as it was, given that it changes anything
 * at all. */
double bm_pattern_escapes(struct bm_pattern p);
/* Whether that holds for whatever the payload is. */
bool bm_pattern_holds_anywhere(struct bm_pattern p);

/* Those that a table shows, one of each kind and more where the number matters; ends with `count`.
 */
const struct bm_pattern *bm_pattern_table(size_t *count);

#endif
