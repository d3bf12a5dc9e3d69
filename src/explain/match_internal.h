/* How patterns are kept, for match.c and scan.c. */
#ifndef BM_EXPLAIN_MATCH_INTERNAL_H
#define BM_EXPLAIN_MATCH_INTERNAL_H

#include "explain/match.h"

/* ENDS: in a step of the automaton, that some key ends there. */
enum {
	SEGMENTS = 8,
	KEY_MAX = 16,
	STATES_MAX = 0x7fff,
	PAIRS = 4096,
	ENDS = 0x8000,
	NONE = 0xffff
};

struct segment {
	uint16_t at, n; /* in the matcher's text */
	bool edge_before, edge_after;
};

struct pattern {
	struct segment segments[SEGMENTS];
	unsigned count;
	unsigned key;  /* the longest segment: what the automaton looks for */
	uint16_t same; /* the pattern before it whose key ends in the same state; NONE: there is none */
};

struct bm_matcher {
	struct bm_buf text, folded;
	uint64_t pairs[PAIRS / 64]; /* which two octets stand side by side in what was folded */
	struct pattern *patterns;
	size_t count, cap;
	uint8_t class[256];
	unsigned classes;
	unsigned shift; /* a state's row has 1 << shift steps, at least as many as there are classes */
	uint16_t *go;   /* the step from each state by each class, with ENDS when sealed */
	uint16_t *fail; /* of each state */
	uint16_t *ends; /* the last pattern whose key ends here; NONE */
	uint16_t *next; /* the nearest shorter state in which a key ends; 0: there is none */
	size_t states, states_max;
	uint32_t *seen; /* of each pattern: the run in which it was last met */
	uint32_t run;
};

#endif
