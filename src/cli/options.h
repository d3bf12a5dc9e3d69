/* Options of a command line: -x, -xVALUE, -x VALUE, --name, --name=VALUE, --name VALUE; flags may
 * be combined
 * (-vq), options may follow operands, -- ends them, - is an operand. Refuses to know what they
 * mean. */
#ifndef BM_CLI_OPTIONS_H
#define BM_CLI_OPTIONS_H

#include <stdbool.h>

struct option_spec {
	char letter;      /* '\0': none */
	const char *name; /* NULL ends a table */
	bool takes_value;
};

struct option_walk {
	const struct option_spec *specs;
	char **argv;
	int argc, at;        /* the next argument */
	const char *letters; /* what is left of -abc */
	bool ended;          /* -- was met */
};

enum option_event { OPTION_END, OPTION_FOUND, OPTION_OPERAND, OPTION_BAD };

struct option_found {
	const struct option_spec *spec; /* OPTION_FOUND */
	const char *value;              /* of an option that takes one, or the operand */
	char problem[300];              /* OPTION_BAD: a sentence */
};

enum option_event option_next(struct option_walk *w, struct option_found *out);

#endif
