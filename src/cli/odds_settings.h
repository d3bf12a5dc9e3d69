/* What badmac odds was asked. */
#ifndef BM_CLI_ODDS_SETTINGS_H
#define BM_CLI_ODDS_SETTINGS_H

#include "odds/odds.h"

struct odds_settings {
	uint64_t caught, failures, segments; /* BM_ODDS_UNKNOWN: not given, or not known */
	bool given;                          /* --checksum-errors or --segments: no counters are read */
	double elsewhere;                    /* below 0: not given */
	const struct bm_suite *suite;
	const char *report, *before, *after, *output; /* borrowed words of the command line, or NULL */
	double watch;                                 /* seconds; 0: no */
	bool simulate, plan_given, pattern_given;
	struct bm_odds_plan plan; /* its pattern is that of either question */
	int color;                /* -1: as the terminal is */
	bool json, help, verbose, quiet;
};

/* False: it has been said why not. Opens nothing. */
bool odds_settings_read(struct odds_settings *s, int argc, char **argv);

extern const char odds_help[];

#endif
