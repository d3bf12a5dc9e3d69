/* What the user asked badmac history for. */
#ifndef BM_CLI_HISTORY_SETTINGS_H
#define BM_CLI_HISTORY_SETTINGS_H

#include "store/history.h"

#include <stdbool.h>
#include <stddef.h>

struct history_settings {
	const char *store;
	const char **reports; /* to be added; borrowed words of the command line */
	size_t report_count;
	struct bm_history_question question;
	enum bm_history_kind kind;
	const char *output; /* NULL: standard output */
	char peer[64];      /* what question.peer points at, if it is an address */
	int color;
	bool limit_given, format_given, color_given, help;
};

extern const char history_help[];

/* False: it has been said what is wrong. history_settings_clear in any case. */
bool history_settings_read(struct history_settings *s, int argc, char **argv);
void history_settings_clear(struct history_settings *s);

#endif
