/* Reads the command line of badmac diagnose. Refuses to open anything. */
#include "cli/settings.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/values.h"
#include "cli/output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char diagnose_help[] =
	"usage: badmac diagnose [OPTION]... CAPTURE...\n"
	"\n"
	"Check every TLS and DTLS record of a capture that the keys open, and say for each one\n"
	"that fails why. CAPTURE is pcap or pcapng, plain or compressed with gzip or zstd; - is\n"
	"standard input. Several are pieces of one, or were taken at different places.\n"
	"\n"
	"  -k, --keys FILE         key material: an NSS key log (SSLKEYLOGFILE), a PEM private\n"
	"                          key, a javax.net.debug log; may be given several times\n"
	"      --log LOG           what an end logged, in any format: say which connection and which\n"
	"                          failure each incident in it is about; may be given several times\n"
	"      --rules FILE        more rules for logs, as in badmac explain\n"
	"      --at PLACE          where the capture was taken: sender, receiver (of the record\n"
	"                          that fails), client, server, middle\n"
	"      --effort LEVEL      how far to search for the cause of each failure: quick, normal\n"
	"                          (the default), deep\n"
	"  -j, --jobs N            threads that work at once (one for each processor)\n"
	"      --crypto LIBRARY    that checks records: auto (the default), openssl, ipsec-mb\n"
	"      --format FORMAT     text (the default), json or html\n"
	"  -o, --output FILE       write the report there; FILE is replaced once it is complete\n"
	"      --redact LEVEL      hide addresses and names (addresses), or those, octets, times and\n"
	"                          lines of logs (all): for reports that are handed on\n"
	"      --store FILE        collect the findings in this file, which is made if it is not\n"
	"                          there; badmac history reads it\n"
	"  -v, --verbose           text, html: show every connection; text: what was ruled out, too\n"
	"  -q, --quiet             no notices about the input on standard error\n"
	"      --color WHEN        text: auto (the default), always, never\n"
	"      --memory SIZE       octets held in all, such as 512M or 1G (the default)\n"
	"      --flow-memory SIZE  octets held per direction of a connection (4M)\n"
	"      --max-flows N       connections followed at a time (1000000)\n"
	"      --no-progress       no progress line on a terminal\n"
	"  -h, --help              show this\n"
	"\n"
	"Exit status: 0 everything verified, 1 a record failed or an endpoint reported one,\n"
	"2 bad usage or input, 3 undecided (keys or packets are missing).\n";

enum {
	KEYS,
	LOG,
	RULES,
	AT,
	EFFORT,
	JOBS,
	CRYPTO,
	FORMAT,
	OUTPUT,
	REDACT,
	STORE,
	VERBOSE,
	QUIET,
	COLOR,
	MEMORY,
	FLOW_MEMORY,
	MAX_FLOWS,
	NO_PROGRESS,
	HELP
};

static const struct option_spec specs[] = {
	[KEYS] = {'k', "keys", true},
	[LOG] = {'\0', "log", true},
	[RULES] = {'\0', "rules", true},
	[AT] = {'\0', "at", true},
	[EFFORT] = {'\0', "effort", true},
	[JOBS] = {'j', "jobs", true},
	[CRYPTO] = {'\0', "crypto", true},
	[FORMAT] = {'\0', "format", true},
	[OUTPUT] = {'o', "output", true},
	[REDACT] = {'\0', "redact", true},
	[STORE] = {'\0', "store", true},
	[VERBOSE] = {'v', "verbose", false},
	[QUIET] = {'q', "quiet", false},
	[COLOR] = {'\0', "color", true},
	[MEMORY] = {'\0', "memory", true},
	[FLOW_MEMORY] = {'\0', "flow-memory", true},
	[MAX_FLOWS] = {'\0', "max-flows", true},
	[NO_PROGRESS] = {'\0', "no-progress", false},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

/* The place of word in a list that ends with NULL, -1 if it is not in it. */
static int
find_word(const char *const *list, const char *word)
{
	for (int i = 0; list[i] != NULL; i++)
		if (strcmp(list[i], word) == 0)
			return i;
	return -1;
}

static bool
refuse(const char *option, const char *value, const char *wanted)
{
	return value_refused("diagnose", option, value, wanted);
}

static bool
read_place(struct settings *s, const char *value)
{
	static const char *const words[] = {"sender", "receiver", "client", "server", "middle", NULL};
	int i = find_word(words, value);

	if (i < 0)
		return refuse("at", value, "must be sender, receiver, client, server or middle");
	s->options.place = (enum badmac_place)(BADMAC_AT_SENDER + i);
	return true;
}

static bool
read_effort(struct settings *s, const char *value)
{
	static const char *const words[] = {"normal", "quick", "deep", NULL};
	int i = find_word(words, value);

	if (i < 0)
		return refuse("effort", value, "must be quick, normal or deep");
	s->options.effort = (enum badmac_effort)(BADMAC_NORMAL + i);
	return true;
}

static bool
read_format(struct settings *s, const char *value)
{
	static const char *const words[] = {"text", "json", "html", NULL};
	int i = find_word(words, value);

	if (i < 0)
		return refuse("format", value, "must be text, json or html");
	s->options.format = (enum badmac_format)(BADMAC_TEXT + i);
	return true;
}

/* A decimal number from 1 on and what follows it. */
static bool
read_number(const char *text, unsigned long long *n, const char **rest)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &end, 10);
	*rest = end;
	return errno == 0 && *n != 0;
}

/* 4096, 64K, 512M, 2G, 1T; KiB and the like are the same. */
static bool
read_size(const char *option, const char *value, size_t *out)
{
	static const char units[] = "KMGT";
	const char *rest, *unit;
	unsigned long long n;
	unsigned shift = 0;

	if (!read_number(value, &n, &rest))
		return refuse(option, value, "must be a size such as 64K, 512M or 2G");
	if (*rest != '\0') {
		char c = *rest >= 'a' && *rest <= 'z' ? (char)(*rest - 'a' + 'A') : *rest;
		unit = strchr(units, c);
		bool tail = rest[1] == '\0' || strcmp(rest + 1, "iB") == 0;
		if (unit == NULL || !tail)
			return refuse(option, value, "must be a size such as 64K, 512M or 2G");
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (n > (SIZE_MAX >> shift))
		return refuse(option, value, "is larger than this machine can address");
	*out = (size_t)n << shift;
	return true;
}

static bool
read_count(const char *option, const char *value, size_t *out)
{
	const char *rest;
	unsigned long long n = 0;

	if (!read_number(value, &n, &rest) || *rest != '\0' || n > SIZE_MAX)
		return refuse(option, value, "must be a number from 1 on");
	*out = (size_t)n;
	return true;
}

/* No machine is asked for more: the library has its own bound. */
static bool
read_jobs(struct settings *s, const char *value)
{
	size_t n = 0;

	if (!read_count("jobs", value, &n))
		return false;
	s->options.threads = n < UINT_MAX ? (unsigned)n : UINT_MAX;
	return true;
}

static bool
read_crypto(struct settings *s, const char *value)
{
	static const char *const words[] = {"auto", "openssl", "ipsec-mb", NULL};
	int i = find_word(words, value);

	if (i < 0)
		return refuse("crypto", value, "must be auto, openssl or ipsec-mb");
	s->options.crypto = (enum badmac_crypto)i;
	return true;
}

static unsigned
processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 && n < INT_MAX ? (unsigned)n : 1;
}

static bool
read_color(int *color, const char *value)
{
	static const char *const words[] = {"auto", "always", "never", NULL};
	int i = find_word(words, value);

	if (i < 0)
		return refuse("color", value, "must be auto, always or never");
	*color = i == 0 ? -1 : i == 1;
	return true;
}

static bool
read_option(struct settings *s, const struct option_spec *spec, const char *value)
{
	switch (spec - specs) {
	case KEYS:
		s->keys[s->key_count++] = value;
		return true;
	case LOG:
		s->logs[s->log_count++] = value;
		return true;
	case RULES:
		s->rules[s->rules_count++] = value;
		return true;
	case AT:
		return read_place(s, value);
	case EFFORT:
		return read_effort(s, value);
	case JOBS:
		return read_jobs(s, value);
	case CRYPTO:
		return read_crypto(s, value);
	case FORMAT:
		return read_format(s, value);
	case OUTPUT:
		return value_output("diagnose", value, &s->output);
	case REDACT:
		return value_redact("diagnose", value, &s->options.redact);
	case STORE:
		s->store = value;
		return value[0] != '\0' || refuse("store", value, "must be the name of a file");
	case COLOR:
		return read_color(&s->options.color, value);
	case MEMORY:
		return read_size(spec->name, value, &s->options.total_memory);
	case FLOW_MEMORY:
		return read_size(spec->name, value, &s->options.flow_memory);
	case MAX_FLOWS:
		return read_count(spec->name, value, &s->options.max_flows);
	case VERBOSE:
		s->options.verbose = 1;
		return true;
	case QUIET:
		s->quiet = true;
		return true;
	case NO_PROGRESS:
		s->no_progress = true;
		return true;
	default:
		s->help = true;
		return true;
	}
}

static size_t
count_dashes(const char *const *words, size_t n)
{
	size_t dashes = 0;

	for (size_t i = 0; i < n; i++)
		dashes += strcmp(words[i], "-") == 0;
	return dashes;
}

static bool
check(const struct settings *s)
{
	size_t dashes = count_dashes(s->keys, s->key_count) +
					count_dashes(s->captures, s->capture_count) +
					count_dashes(s->logs, s->log_count) + count_dashes(s->rules, s->rules_count);

	if (s->rules_count != 0 && s->log_count == 0) {
		say_usage("diagnose", "--rules are for logs, and no --log is given");
		return false;
	}
	if (s->options.format == BADMAC_HTML && s->output == NULL && isatty(STDOUT_FILENO)) {
		say_usage(
			"diagnose", "--format html is a page for a browser: say with -o FILE where to put it");
		return false;
	}
	if (s->capture_count == 0)
		say_usage("diagnose", "no capture given");
	else if (dashes > 1)
		say_usage("diagnose", "standard input (-) can be read once only");
	return s->capture_count != 0 && dashes <= 1;
}

bool
settings_read(struct settings *s, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found found;
	enum option_event event;

	*s = (struct settings){.options = {.color = -1}};
	s->keys = calloc((size_t)argc, sizeof *s->keys);
	s->captures = calloc((size_t)argc, sizeof *s->captures);
	s->logs = calloc((size_t)argc, sizeof *s->logs);
	s->rules = calloc((size_t)argc, sizeof *s->rules);
	if (s->keys == NULL || s->captures == NULL || s->logs == NULL || s->rules == NULL) {
		say("%s", strerror(ENOMEM));
		return false;
	}
	while (!s->help && (event = option_next(&walk, &found)) != OPTION_END) {
		if (event == OPTION_BAD) {
			say_usage("diagnose", "%s", found.problem);
			return false;
		}
		if (event == OPTION_OPERAND)
			s->captures[s->capture_count++] = found.value;
		else if (!read_option(s, found.spec, found.value))
			return false;
	}
	if (s->options.threads == 0)
		s->options.threads = processors();
	s->options.color = output_has_color(s->output, s->options.color);
	s->options.columns = output_columns(s->output);
	return s->help || check(s);
}

void
settings_clear(struct settings *s)
{
	free(s->keys);
	free(s->captures);
	free(s->logs);
	free(s->rules);
}
