/* Reads the command line of badmac prove. Refuses to open anything. */
#include "cli/prove_settings.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char prove_help[] =
	"usage: badmac prove [-k KEYS]... [OPTION]... REPORT CAPTURE...\n"
	"\n"
	"Makes every check that a report of badmac diagnose speaks of again, from the captures and\n"
	"the keys alone: the record stands where it says, fails as captured, and verifies with what\n"
	"it says was altered. Nothing is searched for.\n"
	"\n"
	"REPORT is what diagnose --format json wrote, or an HTML report, or - for standard input;\n"
	"CAPTURE as for badmac diagnose.\n"
	"\n"
	"  -k, --keys KEYS        key material, as for badmac diagnose; may be given several times\n"
	"      --format FORMAT    text (the default) or json\n"
	"  -o, --output FILE      write the report there; FILE is replaced once it is complete\n"
	"  -v, --verbose          text: show every step, also of proofs that hold\n"
	"  -q, --quiet            no notices on standard error\n"
	"      --color WHEN       text: auto (the default), always, never\n"
	"  -h, --help             show this\n"
	"\n"
	"Exit status: 0 all proofs hold, 1 at least one does not, 2 bad usage or input that cannot\n"
	"be read, 3 something could not be checked.\n";

enum { KEYS, FORMAT, OUTPUT, VERBOSE, QUIET, COLOR, HELP };

static const struct option_spec specs[] = {
	[KEYS] = {'k', "keys", true},
	[FORMAT] = {'\0', "format", true},
	[OUTPUT] = {'o', "output", true},
	[VERBOSE] = {'v', "verbose", false},
	[QUIET] = {'q', "quiet", false},
	[COLOR] = {'\0', "color", true},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

static bool
take_option(struct prove_settings *s, const struct option_found *f)
{
	switch (f->spec - specs) {
	case KEYS:
		s->keys[s->key_count++] = f->value;
		return true;
	case FORMAT:
		return value_format("prove", f->value, &s->json);
	case OUTPUT:
		return value_output("prove", f->value, &s->output);
	case VERBOSE:
		s->verbose = true;
		return true;
	case QUIET:
		s->quiet = true;
		return true;
	case COLOR:
		return value_color("prove", f->value, &s->color);
	default:
		s->help = true;
		return true;
	}
}

static void
take_operand(struct prove_settings *s, const char *value)
{
	if (s->report == NULL)
		s->report = value;
	else
		s->captures[s->capture_count++] = value;
}

static bool
make_sense(const struct prove_settings *s)
{
	size_t inputs = 0;

	if (s->report == NULL || s->capture_count == 0) {
		say_usage("prove", s->report == NULL ? "no report given" : "no capture given");
		return false;
	}
	inputs += strcmp(s->report, "-") == 0;
	for (size_t i = 0; i < s->capture_count; i++)
		inputs += strcmp(s->captures[i], "-") == 0;
	for (size_t i = 0; i < s->key_count; i++)
		inputs += strcmp(s->keys[i], "-") == 0;
	if (inputs > 1) {
		say_usage("prove", "standard input can be read only once");
		return false;
	}
	return true;
}

bool
prove_settings_read(struct prove_settings *s, int argc, char **argv)
{
	struct option_walk w = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found f;

	*s = (struct prove_settings){.color = -1};
	s->keys = calloc((size_t)argc, sizeof *s->keys);
	s->captures = calloc((size_t)argc, sizeof *s->captures);
	if (s->keys == NULL || s->captures == NULL) {
		say("%s", strerror(errno));
		return false;
	}
	for (;;) {
		switch (option_next(&w, &f)) {
		case OPTION_END:
			return s->help || make_sense(s);
		case OPTION_FOUND:
			if (!take_option(s, &f))
				return false;
			break;
		case OPTION_OPERAND:
			take_operand(s, f.value);
			break;
		case OPTION_BAD:
			say_usage("prove", "%s", f.problem);
			return false;
		}
	}
}

void
prove_settings_clear(struct prove_settings *s)
{
	free(s->keys);
	free(s->captures);
}
