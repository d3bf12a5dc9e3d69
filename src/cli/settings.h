/* What the user asked badmac diagnose for. */
#ifndef BM_CLI_SETTINGS_H
#define BM_CLI_SETTINGS_H

#include "badmac.h"

#include <stdbool.h>

struct settings {
	struct badmac_options options;
	const char **keys, **captures, **logs, **rules; /* borrowed words of the command line */
	size_t key_count, capture_count, log_count, rules_count;
	const char *output; /* NULL: standard output */
	const char *store;  /* NULL: none */
	bool quiet, no_progress, help;
};

extern const char diagnose_help[];

/* False: it has been said what is wrong. settings_clear in any case. */
bool settings_read(struct settings *s, int argc, char **argv);
void settings_clear(struct settings *s);

#endif
