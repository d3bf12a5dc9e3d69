/* What handshakes came to, connection by connection, as far as lines say whose they are. */
#ifndef BM_EXPLAIN_NEGOTIATED_H
#define BM_EXPLAIN_NEGOTIATED_H

#include "explain/clues.h"

enum { BM_NEGOTIATED = 16 };

/* What a line shows of the connection that it is about. */
struct bm_line_owner {
	struct bm_clues clues;
	char tag[24]; /* a process, thread or connection in brackets; "": none */
};

struct bm_handshake {
	char version[16], suite[64]; /* "": not said */
	struct bm_line_owner owner;
	uint64_t line;
};

/* The latest ones, in a ring. Zero is one without any. */
struct bm_negotiated {
	struct bm_handshake last[BM_NEGOTIATED];
	size_t at;
};

/* A line that tells of a handshake's result, or more of the one before it. */
void bm_negotiated_take(struct bm_negotiated *n, uint64_t number, struct bm_view line);
/* The latest one that may belong to the connection that this line is about; NULL: there is none. */
const struct bm_handshake *bm_negotiated_find(
	const struct bm_negotiated *n, uint64_t number, struct bm_view line);

#endif
