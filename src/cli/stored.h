/* What badmac diagnose puts into a store of findings: the JSON diagnosis waits in a file without a
 * name until the run is over, so that the store is held no longer than it takes to write. */
#ifndef BM_CLI_STORED_H
#define BM_CLI_STORED_H

#include "cli/settings.h"

#include <stdio.h>

struct stored {
	const char *path; /* NULL: no store is wanted */
	FILE *spool;
	bool failed; /* it has been said why; the diagnosis goes on */
};

/* Looks whether the store can be used, and makes it if it is not there. Takes write_json of the
 * options. */
void stored_start(struct stored *s, const char *path, struct badmac_options *options);
/* The run is over. `complete`: the JSON is whole. Gives false if findings were wanted in the store
 * and are not in it; it has been said why. */
bool stored_finish(struct stored *s, const struct settings *settings, bool complete);
void stored_close(struct stored *s);

/* Whether the report, which goes to output, would not overwrite the store; it has been said if so.
 */
bool stored_is_apart(const char *path, const char *output);

/* Seconds since 1970. */
int64_t stored_now(void);
/* For bm_store_add; ctx is a FILE. */
long stored_read(void *file, void *p, size_t n);

#endif
