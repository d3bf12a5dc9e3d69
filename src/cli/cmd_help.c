/* badmac help [COMMAND]. */
#include "cli/cli.h"

#include <string.h>

static const char help[] = "usage: badmac help [COMMAND]\n"
						   "\n"
						   "Show what badmac does, or what a command takes.\n"
						   "\n"
						   "  -h, --help    show this\n";

static int
run(int argc, char **argv)
{
	if (argc > 2)
		return say_usage("help", "help takes one command at most");
	if (argc < 2)
		return print_help(main_help);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help(help);
	if (argv[1][0] == '-')
		return say_usage("help", "unknown option %s", argv[1]);
	const struct command *c = command_find(argv[1]);
	return c != NULL ? print_help(c->help) : command_unknown(argv[1]);
}

const struct command command_help = {"help", "show what a command takes", help, run};
