/* What the user asked badmac prove for. */
#ifndef BM_CLI_PROVE_SETTINGS_H
#define BM_CLI_PROVE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

struct prove_settings {
	const char *report;            /* "-": standard input */
	const char **keys, **captures; /* borrowed words of the command line */
	size_t key_count, capture_count;
	const char *output; /* NULL: standard output */
	bool json, verbose, quiet, help;
	int color; /* 1, 0, -1: as the output is */
};

extern const char prove_help[];

/* False: it has been said what is wrong. prove_settings_clear in any case. */
bool prove_settings_read(struct prove_settings *s, int argc, char **argv);
void prove_settings_clear(struct prove_settings *s);

#endif
