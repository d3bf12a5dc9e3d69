/* What the files of the command share. Nothing in here knows TLS; all of that is behind badmac.h.
 */
#ifndef BM_CLI_CLI_H
#define BM_CLI_CLI_H

#include "badmac.h"

#include "base/status.h"

#include <stdbool.h>

/* docs/OUTPUT.md, "Exit status". */
enum exit_status { EXIT_VERIFIED, EXIT_FAILED, EXIT_TROUBLE, EXIT_UNDECIDED };

struct command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit status */
};

extern const struct command command_diagnose, command_explain, command_help, command_history,
	command_host, command_lab, command_odds, command_prove, command_carve;
extern const struct command *const commands[]; /* ends with NULL */
const struct command *command_find(const char *name);
/* Says that there is no such command. */
int command_unknown(const char *name);
extern const char main_help[];

/* One line on standard error, "badmac: ...". Control characters, characters that turn the direction
 * of writing, and bytes that are not UTF-8 are written as \xNN, for names come from anywhere. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* The same, with the hint where to find help; gives EXIT_TROUBLE. */
__attribute__((format(printf, 2, 3))) int say_usage(const char *command, const char *format, ...);
/* What the library could not do, of an input or, NULL, of none; always false. */
bool say_trouble(const char *input, const struct badmac_error *e);
/* The same of what stands beside the library; e, which may say more, may be NULL. A failed write
 * (of no name) has been told of. True: BM_OK. */
bool say_status(const char *name, enum bm_status status, const struct bm_error *e);
/* text made harmless, at most n octets with the final zero. */
void make_harmless(char *out, size_t n, const char *text);

/* Writes help to standard output. */
int print_help(const char *text);

#endif
