/* Text that lives until a report has been written. Memory that runs out is remembered, so that
 * whoever puts sentences together need not ask each time. */
#ifndef BM_ODDS_WORDS_H
#define BM_ODDS_WORDS_H

#include "base/arena.h"

struct bm_words {
	struct bm_arena arena;
	bool failed; /* sticky; what was printed since is "" */
};

/* At most 2047 octets; never NULL. */
__attribute__((format(printf, 2, 3))) const char *bm_words_print(
	struct bm_words *w, const char *format, ...);

#endif
