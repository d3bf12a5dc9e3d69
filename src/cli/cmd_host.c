/* badmac host: says when to look at this machine, how often, and where its report goes. */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/values.h"
#include "cli/output.h"
#include "host/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char host_help[] =
	"usage: badmac host [OPTION]...\n"
	"\n"
	"Say what on this machine could make a TLS record fail its check (\"bad record MAC\"): error\n"
	"counters, offloads in effect, kernel TLS, memory, processor, drivers; what each would mean,\n"
	"and how to switch it off for a test. Changes nothing and needs no privileges; what cannot be\n"
	"read is listed.\n"
	"\n"
	"  -i, --interface NAME look at this network interface alone\n"
	"      --watch SECONDS  read twice, so far apart, and tell what grew in between\n"
	"      --root DIR       read a copy of another machine's /proc and /sys\n"
	"      --before DIR     an earlier copy of the same: tell what grew in between\n"
	"      --format FORMAT  text (the default) or json\n"
	"  -o, --output FILE    write the report there; FILE is replaced once it is complete\n"
	"  -v, --verbose        text: all interfaces that a finding was found on, with all commands\n"
	"  -q, --quiet          no notices about the input on standard error\n"
	"      --color WHEN     text: auto (the default), always, never\n"
	"  -h, --help           show this\n"
	"\n"
	"Exit status: 0 reported, whatever it says; 2 bad usage, no such interface, or nothing could\n"
	"be read.\n";

enum { INTERFACE, WATCH, ROOT, BEFORE, FORMAT, OUTPUT, VERBOSE, QUIET, COLOR, HELP };

static const struct option_spec specs[] = {
	[INTERFACE] = {'i', "interface", true},
	[WATCH] = {'\0', "watch", true},
	[ROOT] = {'\0', "root", true},
	[BEFORE] = {'\0', "before", true},
	[FORMAT] = {'\0', "format", true},
	[OUTPUT] = {'o', "output", true},
	[VERBOSE] = {'v', "verbose", false},
	[QUIET] = {'q', "quiet", false},
	[COLOR] = {'\0', "color", true},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

/* What makes OpenSSL and GnuTLS take other code than the processor would have them take. */
static const char *const overrides[] = {"OPENSSL_ia32cap", "OPENSSL_armcap", "OPENSSL_ppccap",
	"OPENSSL_s390xcap", "OPENSSL_riscvcap", "GNUTLS_CPUID_OVERRIDE", "NSS_DISABLE_HW_AES",
	"GODEBUG"};
enum { OVERRIDES = sizeof overrides / sizeof *overrides };

struct run {
	struct bm_host_options options, then; /* of this reading, and of one of an earlier copy */
	struct bm_host_report_options report;
	struct bm_host *before, *now;
	const char *set[OVERRIDES + 1];
	char *held[OVERRIDES]; /* what set points at */
	const char *earlier;   /* a copy; NULL: none */
	const char *output_path;
	double watch; /* seconds; 0: one reading */
	int color;    /* -1: as the terminal is */
	bool help;
	struct output output;
};

static bool
refuse(const char *option, const char *value, const char *wanted)
{
	return value_refused("host", option, value, wanted);
}

static bool
read_option(struct run *r, const struct option_spec *spec, const char *value)
{
	switch (spec - specs) {
	case INTERFACE:
		r->options.interface = value;
		return value[0] != '\0' || refuse(spec->name, value, "must be the name of an interface");
	case WATCH:
		return value_watch("host", value, &r->watch);
	case ROOT:
		r->options.root = value;
		return value[0] != '\0' || refuse(spec->name, value, "must be the name of a folder");
	case BEFORE:
		r->earlier = value;
		return value[0] != '\0' || refuse(spec->name, value, "must be the name of a folder");
	case FORMAT:
		return value_format("host", value, &r->report.json);
	case OUTPUT:
		return value_output("host", value, &r->output_path);
	case VERBOSE:
		r->report.verbose = true;
		return true;
	case QUIET: /* nothing is said about the input but what goes with exit status 2 */
		return true;
	case COLOR:
		return value_color("host", value, &r->color);
	default:
		r->help = true;
		return true;
	}
}

/* What goes together; NULL: all of it does. */
static const char *
clash(const struct run *r)
{
	if (r->earlier != NULL && r->options.root == NULL)
		return "--before needs --root";
	if (r->earlier != NULL && r->watch > 0)
		return "two readings come from --watch or from --before: one of them";
	return NULL;
}

static bool
read_words(struct run *r, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found found;
	enum option_event event;

	r->color = -1;
	while (!r->help && (event = option_next(&walk, &found)) != OPTION_END) {
		if (event == OPTION_BAD) {
			say_usage("host", "%s", found.problem);
			return false;
		}
		if (event == OPTION_OPERAND) {
			say_usage("host", "takes no operands: %s", found.value);
			return false;
		}
		if (!read_option(r, found.spec, found.value))
			return false;
	}
	const char *problem = r->help ? NULL : clash(r);
	if (problem != NULL)
		say_usage("host", "%s", problem);
	return problem == NULL;
}

/* The environment is this machine's, so it says nothing of a copy. */
static bool
note_overrides(struct run *r)
{
	size_t n = 0;

	r->options.overrides = r->set;
	if (r->options.root != NULL && strcmp(r->options.root, "/") != 0)
		return true;
	for (size_t i = 0; i < OVERRIDES; i++) {
		const char *value = getenv(overrides[i]);
		/* GODEBUG is about much else. */
		if (value == NULL ||
			(strcmp(overrides[i], "GODEBUG") == 0 && strstr(value, "cpu.") == NULL))
			continue;
		size_t size = strlen(overrides[i]) + strlen(value) + 2;
		r->held[n] = malloc(size);
		if (r->held[n] == NULL) {
			say("%s", strerror(errno));
			return false;
		}
		(void)snprintf(r->held[n], size, "%s=%s", overrides[i], value);
		r->set[n] = r->held[n];
		n++;
	}
	return true;
}

static bool
look(const struct bm_host_options *options, struct bm_host **out)
{
	const char *root = options->root != NULL ? options->root : "/";

	switch (bm_host_read(options, out)) {
	case BM_HOST_READ:
		return true;
	case BM_HOST_NO_ROOT:
		say("%s: %s", root, strerror(errno));
		return false;
	case BM_HOST_NO_INTERFACE:
		say("%s: no such network interface", options->interface);
		return false;
	case BM_HOST_NOTHING:
		say("%s: nothing of /proc and /sys could be read there", root);
		return false;
	case BM_HOST_NO_MEMORY:
		break;
	}
	say("%s", strerror(ENOMEM));
	return false;
}

static double
now(void)
{
	struct timespec t = {0, 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
wait_for(double seconds)
{
	struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static bool
look_twice(struct run *r)
{
	double began = now();

	if (!look(&r->options, &r->before))
		return false;
	if (!bm_host_moves(r->before)) {
		say("%s: is a copy, in which nothing moves while it is watched; --before compares two "
			"copies",
			r->options.root);
		return false;
	}
	wait_for(r->watch);
	double ended = now();
	if (!look(&r->options, &r->now))
		return false;
	bm_host_compare(r->now, r->before, ended - began);
	return true;
}

/* Copies do not say how far apart they were made. */
static bool
look_at_both(struct run *r)
{
	r->then = r->options;
	r->then.root = r->earlier;
	if (!look(&r->then, &r->before) || !look(&r->options, &r->now))
		return false;
	bm_host_compare(r->now, r->before, 0);
	return true;
}

static int
finish(struct run *r)
{
	if (!note_overrides(r) || !output_open(&r->output, r->output_path))
		return EXIT_TROUBLE;
	if (r->watch > 0         ? !look_twice(r)
		: r->earlier != NULL ? !look_at_both(r)
							 : !look(&r->options, &r->now))
		return EXIT_TROUBLE;
	r->report.color = output_has_color(r->output_path, r->color);
	r->report.columns = output_columns(r->output_path);
	r->report.write = output_write;
	r->report.ctx = &r->output;
	if (bm_host_report(r->now, &r->report) != BM_OK) {
		if (!r->output.failed)
			say("%s", strerror(ENOMEM));
		return EXIT_TROUBLE;
	}
	return output_commit(&r->output) ? EXIT_VERIFIED : EXIT_TROUBLE;
}

static int
run(int argc, char **argv)
{
	struct run r = {.output = {.fd = -1}};
	int status = EXIT_TROUBLE;

	if (read_words(&r, argc, argv))
		status = r.help ? print_help(host_help) : finish(&r);
	bm_host_free(r.before);
	bm_host_free(r.now);
	for (size_t i = 0; i < OVERRIDES; i++)
		free(r.held[i]);
	output_close(&r.output);
	return status;
}

const struct command command_host = {
	"host", "say what on this machine could do it", host_help, run};
