/* badmac explain: brings a log and rules to the library, its report and secrets to where they are
 * wanted. */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/mistaken.h"
#include "cli/options.h"
#include "cli/values.h"
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char explain_help[] =
	"usage: badmac explain [OPTION]... LOG\n"
	"\n"
	"Say what a log tells of TLS records that failed their check (\"bad record MAC\"): who\n"
	"detected it, when, what it rules out, the likeliest causes, and what to do next. LOG is\n"
	"any text that a TLS library or a program with one wrote; - is standard input.\n"
	"\n"
	"      --format FORMAT  text (the default) or json\n"
	"      --rules FILE     more rules, which go before those that are built in; may be given\n"
	"                       several times\n"
	"      --keys-out FILE  write the secrets that a javax.net.debug log holds there, as an NSS\n"
	"                       key log for badmac diagnose -k\n"
	"  -o, --output FILE    write the report there; FILE is replaced once it is complete\n"
	"      --redact LEVEL   hide addresses and names (addresses), or those, times and the lines\n"
	"                       of the log (all): for reports that are handed on\n"
	"  -v, --verbose        text: all causes, all that is ruled out, and lines that came before\n"
	"  -q, --quiet          no notices about the input on standard error\n"
	"      --color WHEN     text: auto (the default), always, never\n"
	"  -h, --help           show this\n"
	"\n"
	"Exit status: 0 nothing reported, 1 a failed record was reported, 2 bad usage or input,\n"
	"3 undecided (a failure was reported, but nothing says that it was a TLS record's).\n";

enum { FORMAT, RULES, KEYS_OUT, OUTPUT, REDACT, VERBOSE, QUIET, COLOR, HELP };

static const struct option_spec specs[] = {
	[FORMAT] = {'\0', "format", true},
	[RULES] = {'\0', "rules", true},
	[KEYS_OUT] = {'\0', "keys-out", true},
	[OUTPUT] = {'o', "output", true},
	[REDACT] = {'\0', "redact", true},
	[VERBOSE] = {'v', "verbose", false},
	[QUIET] = {'q', "quiet", false},
	[COLOR] = {'\0', "color", true},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

/* One run; everything in it is freed by clear. */
struct run {
	const char **rules; /* borrowed words of the command line */
	size_t rules_count;
	const char *log, *output_path, *keys_path;
	int color; /* -1: as the terminal is */
	enum badmac_redact redact;
	bool json, help, verbose, quiet;
	struct input_file file;
	struct mistaken mistaken;
	struct output output, keys;
	struct badmac_explanation *explanation;
};

static bool
refuse(const char *option, const char *value, const char *wanted)
{
	return value_refused("explain", option, value, wanted);
}

static bool
read_option(struct run *r, const struct option_spec *spec, const char *value)
{
	switch (spec - specs) {
	case FORMAT:
		return value_format("explain", value, &r->json);
	case RULES:
		r->rules[r->rules_count++] = value;
		return true;
	case KEYS_OUT:
		r->keys_path = value;
		return value[0] != '\0' || refuse(spec->name, value, "must be the name of a file");
	case OUTPUT:
		return value_output("explain", value, &r->output_path);
	case REDACT:
		return value_redact("explain", value, &r->redact);
	case VERBOSE:
		r->verbose = true;
		return true;
	case QUIET:
		r->quiet = true;
		return true;
	case COLOR:
		return value_color("explain", value, &r->color);
	default:
		r->help = true;
		return true;
	}
}

static bool
check(const struct run *r)
{
	bool dashes = r->log != NULL && strcmp(r->log, "-") == 0;

	if (r->log == NULL) {
		say_usage("explain", "no log given");
		return false;
	}
	for (size_t i = 0; i < r->rules_count; i++) {
		if (strcmp(r->rules[i], "-") != 0)
			continue;
		if (dashes) {
			say_usage("explain", "standard input (-) can be read once only");
			return false;
		}
		dashes = true;
	}
	if (r->keys_path != NULL && strcmp(r->keys_path, "-") == 0 && r->output_path == NULL) {
		say_usage("explain", "--keys-out -: standard output holds the report; use -o FILE as well");
		return false;
	}
	if (r->keys_path != NULL && r->output_path != NULL &&
		strcmp(r->keys_path, r->output_path) == 0) {
		say_usage("explain", "--keys-out and --output name the same file");
		return false;
	}
	return true;
}

static bool
read_words(struct run *r, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found found;
	enum option_event event;

	r->color = -1;
	r->rules = calloc((size_t)argc, sizeof *r->rules);
	if (r->rules == NULL) {
		say("%s", strerror(errno));
		return false;
	}
	while (!r->help && (event = option_next(&walk, &found)) != OPTION_END) {
		if (event == OPTION_BAD) {
			say_usage("explain", "%s", found.problem);
			return false;
		}
		if (event == OPTION_FOUND) {
			if (!read_option(r, found.spec, found.value))
				return false;
		} else if (r->log != NULL) {
			say_usage("explain", "one log at a time: %s", found.value);
			return false;
		} else {
			r->log = found.value;
		}
	}
	return r->help || check(r);
}

static bool
library_trouble(const char *name, const struct badmac_error *e)
{
	const char *input = e->input != NULL ? e->input : name;

	if (e->offset != 0)
		say("%s:%" PRIu64 ": %s", input, e->offset, e->what);
	else
		say("%s: %s", input, e->what);
	return false;
}

static bool
add_rules(struct run *r)
{
	struct badmac_error e = {.what = ""};
	uint8_t *bytes;
	size_t n;

	for (size_t i = 0; i < r->rules_count; i++) {
		const char *name = strcmp(r->rules[i], "-") == 0 ? "standard input" : r->rules[i];
		if (!input_whole(r->rules[i], INPUT_RULES_MOST, &bytes, &n))
			return false;
		enum badmac_status status =
			badmac_explanation_add_rules(r->explanation, name, bytes, n, &e);
		input_forget(bytes, n);
		if (status != BADMAC_OK)
			return library_trouble(name, &e);
	}
	/* Rules that name what is not there are told of before the log is read. */
	return badmac_explanation_feed(r->explanation, NULL, 0, &e) == BADMAC_OK ||
		   library_trouble("rules", &e);
}

static bool
start(struct run *r)
{
	struct badmac_error e = {.what = ""};
	struct badmac_explain_options o = {.format = r->json ? BADMAC_JSON : BADMAC_TEXT,
		.color = output_has_color(r->output_path, r->color),
		.columns = output_columns(r->output_path),
		.verbose = r->verbose,
		.redact = r->redact,
		.write = output_write,
		.write_ctx = &r->output};

	if (!input_open_log(&r->file, r->log))
		return false;
	if (output_is(r->output_path, r->file.device, r->file.inode) ||
		output_is(r->keys_path, r->file.device, r->file.inode)) {
		say("%s: is the log to be read; it would be overwritten", r->log);
		return false;
	}
	if (!output_open(&r->output, r->output_path))
		return false;
	if (r->keys_path != NULL) {
		/* Nobody else may read secrets. */
		mode_t mask = umask(077);
		bool ok = output_open(&r->keys, r->keys_path);
		(void)umask(mask);
		if (!ok)
			return false;
		o.write_keys = output_write;
		o.write_keys_ctx = &r->keys;
	}
	if (badmac_explanation_new(&r->explanation, &o, &e) != BADMAC_OK)
		return library_trouble(r->log, &e);
	return add_rules(r);
}

static bool
is_a_log(struct run *r, bool ended)
{
	const char *other = mistaken_for(&r->mistaken, ended);

	if (other != NULL)
		say("%s: %s", r->file.name, other);
	return other == NULL;
}

static bool
feed(void *run, const uint8_t *p, size_t n)
{
	struct run *r = run;
	struct badmac_error e = {.what = ""};

	mistaken_take(&r->mistaken, p, n);
	return is_a_log(r, false) && (badmac_explanation_feed(r->explanation, p, n, &e) == BADMAC_OK ||
									 library_trouble(r->file.name, &e));
}

static int
finish(struct run *r)
{
	struct badmac_error e = {.what = ""};

	if (!input_each(&r->file, feed, r) || !is_a_log(r, true))
		return EXIT_TROUBLE;
	if (input_was_empty(&r->file) && !r->quiet)
		say("%s: empty, so it says nothing", r->file.name);
	if (badmac_explanation_finish(r->explanation, &e) != BADMAC_OK) {
		if (!r->output.failed && !r->keys.failed)
			library_trouble(r->file.name, &e);
		return EXIT_TROUBLE;
	}
	if (!output_commit(&r->output))
		return EXIT_TROUBLE;
	if (r->keys_path != NULL) {
		uint64_t n = badmac_explanation_secrets(r->explanation);
		if (n == 0 && !r->quiet)
			say("%s: no secrets in this log, so no key log is written", r->file.name);
		else if (n != 0 && !output_commit(&r->keys))
			return EXIT_TROUBLE;
	}
	switch (badmac_explanation_result(r->explanation)) {
	case BADMAC_FAILED:
		return EXIT_FAILED;
	case BADMAC_UNDECIDED:
		say("undecided: those words alone do not say that a TLS record failed its check");
		return EXIT_UNDECIDED;
	case BADMAC_VERIFIED:
		break;
	}
	return EXIT_VERIFIED;
}

static int
run(int argc, char **argv)
{
	struct run r = {.output = {.fd = -1}, .keys = {.fd = -1}};
	int status = EXIT_TROUBLE;

	if (read_words(&r, argc, argv)) {
		if (r.help)
			status = print_help(explain_help);
		else if (start(&r))
			status = finish(&r);
	}
	badmac_explanation_free(r.explanation);
	mistaken_forget(&r.mistaken);
	output_close(&r.output);
	output_close(&r.keys);
	free(r.rules);
	return status;
}

const struct command command_explain = {"explain", "say what a log means", explain_help, run};
