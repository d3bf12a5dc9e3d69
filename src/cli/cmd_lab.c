/* badmac lab: brings the command line to the lab, and its words to where they belong. */
#include "cli/cli.h"
#include "cli/options.h"
#include "lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPECS = 64 };

static const char help[] =
	"usage: badmac lab list\n"
	"       badmac lab run [OPTION]... -o DIR FAULT\n"
	"       badmac lab score [OPTION]...\n"
	"       badmac lab relay [OPTION]... --listen [ADDR:]PORT --to ADDR:PORT\n"
	"\n"
	"Make a bad record MAC happen on purpose. FAULT is CAUSE[:KEY=VALUE,...]: a cause id\n"
	"that 'lab list' names; direction=c2s|s2c, record=N, after=TIME (250ms, 2s), byte=N,\n"
	"length=N, how=WAY and sum=anew|sent|dropped say where, when and how.\n"
	"\n"
	"list: the faults, and the TLS stacks that are installed, with what they can negotiate.\n"
	"run: a real server and a real client on loopback, with a relay between them that puts\n"
	"the fault in; writes both sides' captures, the key log and the truth into DIR.\n"
	"\n"
	"      --tls VERSION       1.0, 1.1, 1.2 (the default), 1.3\n"
	"      --cipher SUITE      by its name in IANA's registry\n"
	"      --no-etm            CBC with the MAC inside, as before RFC 7366\n"
	"      --server STACK      openssl (the default), or another that 'lab list' names\n"
	"      --client STACK      the same\n"
	"      --timeout SECONDS   for a server to listen and for a handshake (30)\n"
	"  -o, --output DIR        where the files go; it is made if it is not there\n"
	"\n"
	"score: runs every fault, each way, under every kind of protection, between the stacks\n"
	"that are installed; has badmac diagnose each, and compares with what was done.\n"
	"\n"
	"      --quick             each fault a few times only\n"
	"  -j, --jobs N            runs side by side (2)\n"
	"      --format FORMAT     text (the default) or json\n"
	"  -o, --output DIR        keep all that was recorded; without it nothing stays\n"
	"\n"
	"relay: the relay alone, in front of any server, until SIGINT or SIGTERM.\n"
	"\n"
	"      --listen WHERE      [ADDR:]PORT; port 0 takes a free one, which is told\n"
	"      --to ADDR:PORT      the server\n"
	"      --fault FAULT       may be given several times\n"
	"      --probability P     put a fault into each record with this probability\n"
	"      --record DIR        write captures and the truth there at the end\n"
	"      --keys FILE         a key log, read at the end, to go into the captures\n"
	"\n"
	"      --capture SHAPE     with run or --record: segments (the default) or merged, as the\n"
	"                          hosts' kernels show them; repeated; ipv6; snap=N; with commas\n"
	"      --seed N            what is chosen by chance can be had again with it (1)\n"
	"  -h, --help              show this\n"
	"\n"
	"Exit status: 0 done, 2 bad usage, or something could not be done. score: 0 all right,\n"
	"1 some of it wrong, 2 bad usage, or nothing could be run.\n";

enum {
	TLS,
	CIPHER,
	NO_ETM,
	SERVER,
	CLIENT,
	TIMEOUT,
	OUTPUT,
	QUICK,
	JOBS,
	FORMAT,
	LISTEN,
	TO,
	FAULT,
	PROBABILITY,
	RECORD,
	KEYS,
	CAPTURE,
	SEED,
	HELP
};

static const struct option_spec specs[] = {
	[TLS] = {'\0', "tls", true},
	[CIPHER] = {'\0', "cipher", true},
	[NO_ETM] = {'\0', "no-etm", false},
	[SERVER] = {'\0', "server", true},
	[CLIENT] = {'\0', "client", true},
	[TIMEOUT] = {'\0', "timeout", true},
	[OUTPUT] = {'o', "output", true},
	[QUICK] = {'\0', "quick", false},
	[JOBS] = {'j', "jobs", true},
	[FORMAT] = {'\0', "format", true},
	[LISTEN] = {'\0', "listen", true},
	[TO] = {'\0', "to", true},
	[FAULT] = {'\0', "fault", true},
	[PROBABILITY] = {'\0', "probability", true},
	[RECORD] = {'\0', "record", true},
	[KEYS] = {'\0', "keys", true},
	[CAPTURE] = {'\0', "capture", true},
	[SEED] = {'\0', "seed", true},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

enum action { NONE, LIST, RUN, SCORE, RELAY };
/* Which options go with which. */
static const unsigned allowed[] = {[NONE] = 0,
	[LIST] = 0,
	[SCORE] = 1u << QUICK | 1u << JOBS | 1u << FORMAT | 1u << OUTPUT | 1u << SEED,
	[RUN] = 1u << TLS | 1u << CIPHER | 1u << NO_ETM | 1u << SERVER | 1u << CLIENT | 1u << TIMEOUT |
			1u << OUTPUT | 1u << CAPTURE | 1u << SEED,
	[RELAY] = 1u << LISTEN | 1u << TO | 1u << FAULT | 1u << PROBABILITY | 1u << RECORD |
			  1u << KEYS | 1u << CAPTURE | 1u << SEED};

struct asked {
	enum action action;
	unsigned given; /* a bit for each option */
	bool help;
	struct lab_run_options run;
	struct lab_score_options score;
	struct lab_relay_options relay;
	struct lab_spec faults[SPECS];
};

static void
say_one(const char *line)
{
	say("%s", line);
}

/* Each takes the place of the one before; the last is empty. */
static void
show_progress(const char *line)
{
	(void)fprintf(stderr, "\r\033[K%s", line);
}

static bool
number(const char *name, const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || v > max) {
		(void)say_usage("lab", "--%s cannot be '%s'", name, text);
		return false;
	}
	*out = v;
	return true;
}

static bool
set_jobs(struct asked *a, const char *text)
{
	uint64_t n = 0;

	if (!number("jobs", text, LAB_JOBS, &n))
		return false;
	a->score.jobs = (unsigned)n;
	return n != 0 || say_usage("lab", "--jobs cannot be 0") == 0;
}

static bool
set_timeout(struct asked *a, const char *text)
{
	uint64_t n = 0;

	if (!number("timeout", text, 3600, &n))
		return false;
	a->run.timeout_s = (unsigned)n;
	return n != 0 || say_usage("lab", "--timeout 0: nobody is that quick; 1 to 3600 seconds") == 0;
}

static bool
set_format(struct asked *a, const char *text)
{
	a->score.json = strcmp(text, "json") == 0;
	if (a->score.json || strcmp(text, "text") == 0)
		return true;
	(void)say_usage("lab", "--format is text or json, not '%s'", text);
	return false;
}

static bool
add_fault(struct asked *a, const char *text)
{
	char problem[300];

	if (a->relay.spec_count == SPECS) {
		say("no more than %d faults", SPECS);
		return false;
	}
	if (lab_spec_parse(text, &a->faults[a->relay.spec_count], problem, sizeof problem)) {
		a->relay.spec_count++;
		return true;
	}
	(void)say_usage("lab", "%s", problem);
	return false;
}

static bool
set_probability(struct asked *a, const char *text)
{
	char *end;
	double p = strtod(text, &end);

	if ((*text >= '0' && *text <= '9') && *end == '\0' && p <= 1) {
		a->relay.probability = p;
		return true;
	}
	(void)say_usage("lab", "--probability is a number from 0 to 1, not '%s'", text);
	return false;
}

static bool
set_shape(struct asked *a, const char *text)
{
	char problem[300];

	if (!lab_shape_parse(text, &a->run.shape, problem, sizeof problem)) {
		(void)say_usage("lab", "%s", problem);
		return false;
	}
	a->relay.shape = a->run.shape;
	return true;
}

static bool
take_option(struct asked *a, const struct option_found *f)
{
	uint64_t n = 0;
	bool good = true;

	switch ((int)(f->spec - specs)) {
	case TLS:
		a->run.tls = f->value;
		break;
	case CIPHER:
		a->run.cipher = f->value;
		break;
	case NO_ETM:
		a->run.no_etm = true;
		break;
	case SERVER:
		a->run.server = f->value;
		break;
	case CLIENT:
		a->run.client = f->value;
		break;
	case TIMEOUT:
		good = set_timeout(a, f->value);
		break;
	case OUTPUT:
		a->run.folder = a->score.folder = f->value;
		break;
	case QUICK:
		a->score.quick = true;
		break;
	case JOBS:
		good = set_jobs(a, f->value);
		break;
	case FORMAT:
		good = set_format(a, f->value);
		break;
	case LISTEN:
		a->relay.listen = f->value;
		break;
	case TO:
		a->relay.to = f->value;
		break;
	case FAULT:
		good = add_fault(a, f->value);
		break;
	case PROBABILITY:
		good = set_probability(a, f->value);
		break;
	case RECORD:
		a->relay.record = f->value;
		break;
	case KEYS:
		a->relay.keys = f->value;
		break;
	case CAPTURE:
		good = set_shape(a, f->value);
		break;
	case SEED:
		good = number("seed", f->value, UINT64_MAX, &n);
		a->run.seed = a->score.seed = a->relay.seed = n;
		break;
	case HELP:
		a->help = true;
		return true;
	default:
		break;
	}
	a->given |= 1u << (unsigned)(f->spec - specs);
	return good;
}

static bool
take_operand(struct asked *a, const char *word)
{
	static const char *const names[] = {
		[LIST] = "list", [RUN] = "run", [SCORE] = "score", [RELAY] = "relay"};

	if (a->action == NONE) {
		for (unsigned i = LIST; i <= RELAY; i++)
			if (strcmp(word, names[i]) == 0)
				a->action = (enum action)i;
		if (a->action == NONE)
			(void)say_usage("lab", "unknown command 'lab %s'", word);
		return a->action != NONE;
	}
	if (a->action != RUN || a->run.fault != NULL) {
		(void)say_usage("lab", "one word too many: '%s'", word);
		return false;
	}
	a->run.fault = word;
	return true;
}

static bool
read_words(struct asked *a, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found f;

	for (;;) {
		switch (option_next(&walk, &f)) {
		case OPTION_END:
			return true;
		case OPTION_BAD:
			(void)say_usage("lab", "%s", f.problem);
			return false;
		case OPTION_OPERAND:
			if (!take_operand(a, f.value))
				return false;
			break;
		case OPTION_FOUND:
			if (!take_option(a, &f))
				return false;
			if (a->help)
				return true;
			break;
		}
	}
}

static bool
is_complete(const struct asked *a)
{
	if (a->action == NONE)
		return say_usage("lab", "what shall the lab do: list, run, score or relay?") == 0;
	for (unsigned i = 0; i < HELP; i++)
		if ((a->given & ~allowed[a->action] & 1u << i) != 0)
			return say_usage("lab", "--%s does not go with that", specs[i].name) == 0;
	if (a->action == RUN && a->run.fault == NULL)
		return say_usage("lab", "which fault? badmac lab list names them") == 0;
	if (a->action == RUN && a->run.folder == NULL)
		return say_usage("lab", "-o DIR says where the files go") == 0;
	if (a->action == RELAY && (a->relay.listen == NULL || a->relay.to == NULL))
		return say_usage("lab", "--listen and --to say between whom") == 0;
	if ((a->given & 1u << KEYS) != 0 && a->relay.record == NULL)
		return say_usage("lab", "--keys goes with --record") == 0;
	if (a->action == RELAY && (a->given & 1u << CAPTURE) != 0 && a->relay.record == NULL)
		return say_usage("lab", "--capture goes with --record") == 0;
	return true;
}

static int
run(int argc, char **argv)
{
	static struct asked a;
	const struct lab_ui ui = {say_one, stdout, isatty(STDERR_FILENO) ? show_progress : NULL};

	a = (struct asked){
		.run = {.server = "openssl", .client = "openssl", .seed = 1, .timeout_s = 30},
		.score = {.seed = 1, .jobs = 2},
		.relay = {.probability = -1, .seed = 1}};
	a.relay.specs = a.faults;
	if (!read_words(&a, argc, argv))
		return EXIT_TROUBLE;
	if (a.help)
		return print_help(help);
	if (!is_complete(&a))
		return EXIT_TROUBLE;
	if (a.action == SCORE)
		return lab_score_command(&a.score, &ui);
	bool good = a.action == LIST  ? lab_list_command(&ui)
				: a.action == RUN ? lab_run_command(&a.run, &ui)
								  : lab_relay_command(&a.relay, &ui);
	if (good && fflush(stdout) == 0 && ferror(stdout) == 0)
		return EXIT_VERIFIED;
	if (good)
		say("standard output: %s", strerror(errno));
	return EXIT_TROUBLE;
}

const struct command command_lab = {"lab", "make a bad record MAC happen on purpose", help, run};
