/* A line that tells how far the work is, on a terminal. */
#ifndef BM_CLI_PROGRESS_H
#define BM_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t start_ms, shown_ms;
	bool visible;
};

void progress_start(struct progress *p);
/* For badmac_options.progress; ctx is the struct progress. */
void progress_tell(void *ctx, uint64_t done, uint64_t total);
/* Takes the line away; it comes back with the next progress_tell. */
void progress_clear(struct progress *p);

#endif
