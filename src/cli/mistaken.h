/* Files that badmac knows, given where a log is due. */
#ifndef BM_CLI_MISTAKEN_H
#define BM_CLI_MISTAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a file so far. All zero at its beginning. */
struct mistaken {
	uint8_t head[2048]; /* its first octets */
	size_t n;
	char line[512]; /* the last line, which has not ended; what is past its room is not kept */
	size_t line_n;
	uint64_t secrets; /* lines of a key log */
	bool other;       /* a line is none of a key log's */
};

/* The next octets, cut anywhere. */
void mistaken_take(struct mistaken *m, const uint8_t *p, size_t n);
/* What this file is, and which command wants it; NULL: it may be a log. Before the end only what
 * its first octets say for sure is said. */
const char *mistaken_for(struct mistaken *m, bool ended);
/* Wipes it: a key log may have been looked at. */
void mistaken_forget(struct mistaken *m);

#endif
