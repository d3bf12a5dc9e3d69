/* What badmac carve was asked for. */
#ifndef BM_CLI_CARVE_SETTINGS_H
#define BM_CLI_CARVE_SETTINGS_H

#include "carve/carve.h"

struct carve_settings {
	const char *report, **captures, **keys; /* borrowed words of the command line */
	size_t capture_count, key_count;
	const char *output; /* NULL with `to_stdout` */
	bool to_stdout, repaired, no_secrets, quiet, help;
	uint64_t *connections;
	struct bm_carve_failure *failures;
	size_t connection_count, failure_count;
};

/* False: it has been said why not. Opens nothing. carve_settings_clear in any case. */
bool carve_settings_read(struct carve_settings *s, int argc, char **argv);
void carve_settings_clear(struct carve_settings *s);

extern const char carve_help[];

#endif
