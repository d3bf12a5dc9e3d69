/* The command: a table and a way into it. Refuses to know what the commands do. */
#include "cli/cli.h"
#include "cli/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {&command_diagnose, &command_explain, &command_carve,
	&command_history, &command_host, &command_lab, &command_odds, &command_prove, &command_help,
	NULL};

const char main_help[] =
	"usage: badmac COMMAND [OPTION]... [FILE]...\n"
	"\n"
	"Why did TLS say \"bad record MAC\"?\n"
	"\n"
	"commands:\n"
	"  diagnose          check every TLS record of a capture, and say why one fails\n"
	"  explain           say what a log means: who detected what, what it rules out, what next\n"
	"  carve             cut what failed out of captures, for Wireshark, also as it was sent\n"
	"  history           list, group and plot the findings that diagnose --store collected\n"
	"  host              say what on this machine could do it, and how to rule it out\n"
	"  lab               make a bad record MAC happen on purpose, between real TLS stacks\n"
	"  odds              say how likely it is that damage slipped past a checksum\n"
	"  prove             make the checks of a diagnosis again, and say whether its proofs hold\n"
	"  help [COMMAND]    show this, or what a command takes\n"
	"\n"
	"  --version         show the version\n"
	"  -h, --help        show this; after a command, what it takes\n"
	"\n"
	"Exit status of diagnose: 0 everything verified, 1 a record failed or an endpoint\n"
	"reported one, 2 bad usage or input, 3 undecided (keys or packets are missing); the\n"
	"others tell theirs with --help.\n";

const struct command *
command_find(const char *name)
{
	for (const struct command *const *c = commands; *c != NULL; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

/* Letters that are another, missing, or too many (V. I. Levenshtein); MISSPELT + 1: more than that.
 */
enum { NAME_MOST = 16, MISSPELT = 2 };

static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MOST + 1], n = strlen(a), m = strlen(b);

	if (n > NAME_MOST || m > NAME_MOST)
		return MISSPELT + 1;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 0; i < n; i++) {
		size_t before = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < m; j++) {
			size_t other = before + (a[i] != b[j]), gone = row[j + 1] + 1, more = row[j] + 1;
			before = row[j + 1];
			row[j + 1] = other < gone ? other : gone;
			row[j + 1] = row[j + 1] < more ? row[j + 1] : more;
		}
	}
	return row[m];
}

int
command_unknown(const char *name)
{
	const char *nearest = NULL;
	size_t least = MISSPELT + 1;

	for (const struct command *const *c = commands; *c != NULL; c++) {
		size_t d = distance(name, (*c)->name);
		if (d >= least || d >= strlen(name))
			continue;
		least = d;
		nearest = (*c)->name;
	}
	if (nearest != NULL)
		return say_usage(NULL, "unknown command '%s': is '%s' meant?", name, nearest);
	return access(name, F_OK) == 0
			   ? say_usage(NULL, "unknown command '%s': is 'diagnose %s' meant?", name, name)
			   : say_usage(NULL, "unknown command '%s'", name);
}

int
print_help(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EXIT_VERIFIED;
	say("standard output: %s", strerror(errno));
	return EXIT_TROUBLE;
}

static int
print_version(void)
{
	char line[100];

	(void)snprintf(line, sizeof line, "badmac %s\n", badmac_version());
	return print_help(line);
}

/* An option before any command. */
static int
main_option(const char *arg, int argc)
{
	bool help = strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
	bool version = strcmp(arg, "--version") == 0;

	if (!help && !version)
		return say_usage(NULL, "unknown option %s", arg);
	if (argc > 2)
		return say_usage(NULL, "%s takes no arguments", arg);
	return help ? print_help(main_help) : print_version();
}

int
main(int argc, char **argv)
{
	if (!guard_start()) {
		say("cannot be set up: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	if (argc < 2) {
		fputs(main_help, stderr);
		return EXIT_TROUBLE;
	}
	if (argv[1][0] == '-')
		return main_option(argv[1], argc);
	const struct command *c = command_find(argv[1]);
	return c != NULL ? c->run(argc - 1, argv + 1) : command_unknown(argv[1]);
}
