/* Reads the command line of badmac carve. Refuses to open anything. */
#include "cli/carve_settings.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char carve_help[] =
	"usage: badmac carve [OPTION]... -o FILE REPORT CAPTURE...\n"
	"\n"
	"Cut the connections that failed out of the captures that REPORT is about, into a small\n"
	"pcapng for Wireshark: their packets, the secrets that open them, and comments on the\n"
	"packets that are to blame. REPORT is what badmac diagnose wrote, as JSON or HTML.\n"
	"\n"
	"  -o, --output FILE     write the packets there; FILE is replaced once it is complete\n"
	"  -k, --keys KEYS       a key log, a PEM private key or a javax.net.debug log, of which\n"
	"                        only what opens these connections is written; repeatable\n"
	"      --no-secrets      write nothing that opens records\n"
	"      --repaired        the packets as they were sent: what was damaged is put back\n"
	"      --connection N    this connection of the report, by its id; repeatable\n"
	"      --failure N:M     failure M, from 0, of connection N; repeatable\n"
	"  -q, --quiet           do not say what could not be done\n"
	"  -h, --help            show this\n"
	"\n"
	"Exit status: 0 written, 2 bad usage, or something cannot be read or written, 3 written\n"
	"as far as possible: something of the report is not in the captures, or not repaired; if\n"
	"nothing of it is there, no file is written.\n";

enum { OUTPUT, KEYS, NO_SECRETS, REPAIRED, CONNECTION, FAILURE, QUIET, HELP };

static const struct option_spec specs[] = {
	[OUTPUT] = {'o', "output", true},
	[KEYS] = {'k', "keys", true},
	[NO_SECRETS] = {'\0', "no-secrets", false},
	[REPAIRED] = {'\0', "repaired", false},
	[CONNECTION] = {'\0', "connection", true},
	[FAILURE] = {'\0', "failure", true},
	[QUIET] = {'q', "quiet", false},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

/* Decimal digits up to `end`, which is where they have to stop. */
static bool
number(const char *text, const char *end, uint64_t *out)
{
	*out = 0;
	if (text == end || end - text > 15)
		return false;
	for (; text != end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*out = *out * 10 + (uint64_t)(*text - '0');
	}
	return true;
}

static bool
read_connection(struct carve_settings *s, const char *value)
{
	return number(value, value + strlen(value), &s->connections[s->connection_count++]) ||
		   value_refused("carve", "connection", value, "must be the id of a connection");
}

static bool
read_failure(struct carve_settings *s, const char *value)
{
	struct bm_carve_failure *f = &s->failures[s->failure_count++];
	const char *colon = strchr(value, ':');

	return (colon != NULL && number(value, colon, &f->connection) &&
			   number(colon + 1, value + strlen(value), &f->failure)) ||
		   value_refused("carve", "failure", value,
			   "must be the id of a connection, a colon and the number of a failure, from 0");
}

static bool
read_option(struct carve_settings *s, const struct option_spec *spec, const char *value)
{
	switch (spec - specs) {
	case OUTPUT:
		s->to_stdout = strcmp(value, "-") == 0;
		return value_output("carve", value, &s->output);
	case KEYS:
		s->keys[s->key_count++] = value;
		return true;
	case NO_SECRETS:
		return s->no_secrets = true;
	case REPAIRED:
		return s->repaired = true;
	case CONNECTION:
		return read_connection(s, value);
	case FAILURE:
		return read_failure(s, value);
	case QUIET:
		return s->quiet = true;
	default:
		return s->help = true;
	}
}

static bool
check(const struct carve_settings *s)
{
	size_t dashes = s->report != NULL && strcmp(s->report, "-") == 0;

	for (size_t i = 0; i < s->capture_count; i++)
		dashes += strcmp(s->captures[i], "-") == 0;
	for (size_t i = 0; i < s->key_count; i++)
		dashes += strcmp(s->keys[i], "-") == 0;
	if (s->report == NULL)
		say_usage("carve", "no report given");
	else if (s->capture_count == 0)
		say_usage("carve", "no capture given");
	else if (s->output == NULL && !s->to_stdout)
		say_usage("carve", "no file given to write to (-o FILE)");
	else if (dashes > 1)
		say_usage("carve", "standard input (-) can be read once only");
	else
		return true;
	return false;
}

static void
take_operand(struct carve_settings *s, const char *word)
{
	if (s->report == NULL)
		s->report = word;
	else
		s->captures[s->capture_count++] = word;
}

bool
carve_settings_read(struct carve_settings *s, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found found;
	enum option_event event;
	size_t n = (size_t)argc;

	*s = (struct carve_settings){.captures = calloc(n, sizeof *s->captures),
		.keys = calloc(n, sizeof *s->keys),
		.connections = calloc(n, sizeof *s->connections),
		.failures = calloc(n, sizeof *s->failures)};
	if (s->captures == NULL || s->keys == NULL || s->connections == NULL || s->failures == NULL) {
		say("%s", strerror(ENOMEM));
		return false;
	}
	while (!s->help && (event = option_next(&walk, &found)) != OPTION_END) {
		if (event == OPTION_BAD) {
			say_usage("carve", "%s", found.problem);
			return false;
		}
		if (event == OPTION_OPERAND)
			take_operand(s, found.value);
		else if (!read_option(s, found.spec, found.value))
			return false;
	}
	return s->help || check(s);
}

void
carve_settings_clear(struct carve_settings *s)
{
	free(s->captures);
	free(s->keys);
	free(s->connections);
	free(s->failures);
}
