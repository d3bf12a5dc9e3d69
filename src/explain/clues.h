/* What lines of a log say of the connection that they are about: addresses, ports, names of hosts,
 * a client random. */
#ifndef BM_EXPLAIN_CLUES_H
#define BM_EXPLAIN_CLUES_H

#include "base/bytes.h"

enum { BM_CLUE_ENDS = 8, BM_CLUE_NAMES = 16, BM_CLUE_RANDOM = 32 };

/* An end that is named: an address, a port, or both. */
struct bm_clue_end {
	uint8_t ip[16]; /* IPv4 in the first four octets, the rest zero */
	uint8_t family; /* 4, 6; 0: a port alone */
	uint16_t port;  /* 0: none */
};

/* Zeroed, it holds nothing. What comes first stays, past the limits. */
struct bm_clues {
	struct bm_clue_end ends[BM_CLUE_ENDS];
	size_t end_count;
	uint64_t names[BM_CLUE_NAMES]; /* bm_clue_name of words that look like names of hosts */
	size_t name_count;
	uint8_t random[BM_CLUE_RANDOM];
	bool has_random;
};

/* Adds what a line says. */
void bm_find_clues(struct bm_view line, struct bm_clues *c);
/* A hash of a host's name, whatever the case of its letters and whether it ends with a dot. */
uint64_t bm_clue_name(struct bm_view name);
/* The random of a ClientHello as javax.net.debug prints it: 32 octets in hex parted by blanks
 * (Java 11 and later), or a time and 28 octets in decimal (before). */
bool bm_find_java_random(struct bm_view line, uint8_t out[BM_CLUE_RANDOM]);

#endif
