/* Reads the command line of badmac odds. Refuses to open anything. */
#include "cli/odds_settings.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/values.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

const char odds_help[] =
	"usage: badmac odds [OPTION]...\n"
	"\n"
	"How likely is it that records failed because damage on the way slipped past TCP's\n"
	"checksum? For each damage that slips past, many more are caught and counted: the\n"
	"counters of this host are read (since it was started), or given as options.\n"
	"\n"
	"      --checksum-errors N  segments with a bad checksum; unknown: nobody counted\n"
	"      --failures N         records that failed (without it, what kTLS counted)\n"
	"      --segments N         segments received\n"
	"      --watch SECONDS      read this host's counters, wait, and read them again\n"
	"      --after DIR          the same from copies of a host's files: DIR/proc/net/snmp, ...\n"
	"      --before DIR         earlier copies; without them, since that host was started\n"
	"      --pattern NAME[:N]   of the damage: random (the default), bits, pair, burst, lane,\n"
	"                           stuck, swap-words, swap-octets, swap-odd, byte-order, zeroed,\n"
	"                           stale, shift, resummed\n"
	"      --report FILE        failures and patterns from badmac diagnose --format json\n"
	"      --elsewhere X        failures that another cause makes on average (as many as there\n"
	"                           are), to compare with\n"
	"      --suite NAME         tell of the MAC of this cipher suite\n"
	"      --simulate           damage segments at random, and count what slips past\n"
	"      --trials N           of each row of that table (1000000)\n"
	"      --payload KIND       only ciphertext, text or zeros\n"
	"      --seed N             what is chosen by chance can be had again with it (1)\n"
	"  -j, --jobs N             threads that work at once (one for each processor)\n"
	"      --format FORMAT      text (the default) or json\n"
	"  -o, --output FILE        write the report there; FILE is replaced once it is complete\n"
	"  -v, --verbose            text: every pattern in the table of patterns\n"
	"  -q, --quiet              no notices about the input on standard error\n"
	"      --color WHEN         text: auto (the default), always, never\n"
	"  -h, --help               show this\n"
	"\n"
	"Exit status: 0 answered, whatever the answer is, 2 bad usage, or something cannot be read.\n";

enum {
	CHECKSUM_ERRORS,
	FAILURES,
	SEGMENTS,
	WATCH,
	BEFORE,
	AFTER,
	PATTERN,
	REPORT,
	ELSEWHERE,
	SUITE,
	SIMULATE,
	TRIALS,
	PAYLOAD,
	SEED,
	JOBS,
	FORMAT,
	OUTPUT,
	VERBOSE,
	QUIET,
	COLOR,
	HELP
};

static const struct option_spec specs[] = {
	[CHECKSUM_ERRORS] = {'\0', "checksum-errors", true},
	[FAILURES] = {'\0', "failures", true},
	[SEGMENTS] = {'\0', "segments", true},
	[WATCH] = {'\0', "watch", true},
	[BEFORE] = {'\0', "before", true},
	[AFTER] = {'\0', "after", true},
	[PATTERN] = {'\0', "pattern", true},
	[REPORT] = {'\0', "report", true},
	[ELSEWHERE] = {'\0', "elsewhere", true},
	[SUITE] = {'\0', "suite", true},
	[SIMULATE] = {'\0', "simulate", false},
	[TRIALS] = {'\0', "trials", true},
	[PAYLOAD] = {'\0', "payload", true},
	[SEED] = {'\0', "seed", true},
	[JOBS] = {'j', "jobs", true},
	[FORMAT] = {'\0', "format", true},
	[OUTPUT] = {'o', "output", true},
	[VERBOSE] = {'v', "verbose", false},
	[QUIET] = {'q', "quiet", false},
	[COLOR] = {'\0', "color", true},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

static bool
refuse(const char *option, const char *value, const char *wanted)
{
	return value_refused("odds", option, value, wanted);
}

/* Digits alone: no sign, no point, no "nan". */
static bool
read_whole(const char *option, const char *value, uint64_t least, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;
	bool digits = value[0] != '\0', fits = true;

	for (const char *p = value; *p != '\0'; p++) {
		digits = digits && *p >= '0' && *p <= '9';
		unsigned d = (unsigned)(*p - '0') % 10;
		fits = fits && n <= (most - (d < most ? d : most)) / 10 && d <= most;
		n = fits ? 10 * n + d : n;
	}
	if (digits && fits && n >= least) {
		*out = n;
		return true;
	}
	say_usage("odds", "--%s %s: must be a whole number from %" PRIu64 " to %" PRIu64, option, value,
		least, most);
	return false;
}

/* At most 1e9. */
static bool
read_decimal(const char *option, const char *value, double *out)
{
	double x = value_decimal(value);

	if (x < 0 || x > (double)BM_CHANCE_ESCAPES_MOST)
		return refuse(option, value, "must be a number from 0 to 1000000000, such as 0.5");
	*out = x;
	return true;
}

static bool
read_pattern(struct odds_settings *s, const char *value)
{
	char problem[100];

	s->pattern_given = true;
	return bm_pattern_parse(value, &s->plan.pattern, problem, sizeof problem) ||
		   refuse("pattern", value, problem);
}

static bool
read_payload(struct odds_settings *s, const char *value)
{
	s->plan_given = s->plan.one_content = true;
	for (s->plan.content = 0; s->plan.content < BM_CONTENTS; s->plan.content++)
		if (strcmp(bm_content_name(s->plan.content), value) == 0)
			return true;
	return refuse("payload", value, "must be ciphertext, text or zeros");
}

static bool
read_jobs(struct odds_settings *s, const char *value)
{
	uint64_t n;

	s->plan_given = true;
	if (!read_whole("jobs", value, 1, UINT_MAX, &n))
		return false;
	s->plan.threads = (unsigned)n;
	return true;
}

static bool
read_file(const char *option, const char *value, const char **out)
{
	*out = value;
	return value[0] != '\0' || refuse(option, value, "must be a name");
}

static bool
read_option(struct odds_settings *s, const struct option_spec *spec, const char *value)
{
	switch (spec - specs) {
	case CHECKSUM_ERRORS:
		s->given = true;
		return strcmp(value, "unknown") == 0 ||
			   read_whole(spec->name, value, 0, BM_CHANCE_MOST, &s->caught);
	case FAILURES:
		return read_whole(spec->name, value, 0, BM_CHANCE_ESCAPES_MOST, &s->failures);
	case SEGMENTS:
		s->given = true;
		return read_whole(spec->name, value, 0, UINT64_C(9007199254740991), &s->segments);
	case WATCH:
		return value_watch("odds", value, &s->watch);
	case BEFORE:
		return read_file(spec->name, value, &s->before);
	case AFTER:
		return read_file(spec->name, value, &s->after);
	case PATTERN:
		return read_pattern(s, value);
	case REPORT:
		return read_file(spec->name, value, &s->report);
	case ELSEWHERE:
		return read_decimal(spec->name, value, &s->elsewhere);
	case SUITE:
		s->suite = bm_suite_named(value);
		return s->suite != NULL ||
			   refuse(spec->name, value, "is no cipher suite of IANA's registry");
	case SIMULATE:
		s->simulate = true;
		return true;
	case TRIALS:
		s->plan_given = true;
		return read_whole(spec->name, value, 1, UINT64_C(1000000000000), &s->plan.trials);
	case PAYLOAD:
		return read_payload(s, value);
	case SEED:
		s->plan_given = true;
		return read_whole(spec->name, value, 0, UINT64_C(9007199254740991), &s->plan.seed);
	case JOBS:
		return read_jobs(s, value);
	case FORMAT:
		return value_format("odds", value, &s->json);
	case OUTPUT:
		return value_output("odds", value, &s->output);
	case VERBOSE:
		s->verbose = true;
		return true;
	case QUIET:
		s->quiet = true;
		return true;
	case COLOR:
		return value_color("odds", value, &s->color);
	default:
		s->help = true;
		return true;
	}
}

/* What goes together; NULL: all of it does. */
static const char *
clash(const struct odds_settings *s)
{
	bool counters = s->given || s->watch > 0 || s->before != NULL || s->after != NULL;
	int sources = s->given + (s->watch > 0) + (s->after != NULL || s->before != NULL);

	if (s->simulate && (counters || s->failures != BM_ODDS_UNKNOWN || s->report != NULL ||
						   s->suite != NULL || s->elsewhere >= 0))
		return "--simulate asks nothing of counters, reports and suites";
	if (s->simulate && s->pattern_given && s->plan.pattern.kind == BM_PATTERN_RESUMMED)
		return "--simulate --pattern resummed: escapes by definition";
	if (!s->simulate && s->plan_given)
		return "--trials, --payload, --seed and --jobs go with --simulate";
	if (sources > 1)
		return "counters come from options, from --watch or from --after: one of them";
	if (s->before != NULL && s->after == NULL)
		return "--before needs --after";
	if (s->report != NULL && s->failures != BM_ODDS_UNKNOWN)
		return "--report counts the failures: leave --failures out";
	if (s->caught != BM_ODDS_UNKNOWN && s->segments != BM_ODDS_UNKNOWN && s->caught > s->segments)
		return "more bad checksums than segments";
	if (s->failures != BM_ODDS_UNKNOWN && s->segments != BM_ODDS_UNKNOWN &&
		s->failures > s->segments)
		return "more failures than segments";
	return NULL;
}

static unsigned
processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 && n < INT_MAX ? (unsigned)n : 1;
}

bool
odds_settings_read(struct odds_settings *s, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found found;
	enum option_event event;

	*s = (struct odds_settings){.caught = BM_ODDS_UNKNOWN,
		.failures = BM_ODDS_UNKNOWN,
		.segments = BM_ODDS_UNKNOWN,
		.elsewhere = -1,
		.plan = {.trials = 1000000, .seed = 1},
		.color = -1};
	while (!s->help && (event = option_next(&walk, &found)) != OPTION_END) {
		if (event == OPTION_BAD) {
			say_usage("odds", "%s", found.problem);
			return false;
		}
		if (event == OPTION_OPERAND) {
			say_usage("odds", "what is %s? odds takes options alone", found.value);
			return false;
		}
		if (!read_option(s, found.spec, found.value))
			return false;
	}
	if (s->plan.threads == 0)
		s->plan.threads = processors();
	s->plan.one_pattern = s->pattern_given;
	const char *problem = s->help ? NULL : clash(s);
	if (problem != NULL)
		say_usage("odds", "%s", problem);
	return problem == NULL;
}
