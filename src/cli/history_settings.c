/* Reads the command line of badmac history. Refuses to open anything. */
#define _DEFAULT_SOURCE /* timegm */
#include "cli/history_settings.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/stored.h"
#include "cli/values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char history_help[] =
	"usage: badmac history [OPTION]... STORE\n"
	"       badmac history STORE --add REPORT...\n"
	"\n"
	"List, group and plot the findings that badmac diagnose --store collected in STORE, and say\n"
	"what they have in common more often than chance gives.\n"
	"\n"
	"      --since TIME     findings from then on: 2026-11-24, 2026-11-24T13:00 (UTC), or 7d,\n"
	"                       12h, 30m before now\n"
	"      --until TIME     findings before then\n"
	"      --cause CAUSE    findings of this cause\n"
	"      --peer ADDRESS   findings of connections with this end, with or without a port\n"
	"      --group WHAT     count by cause, confidence, fault, peer, client, server, name,\n"
	"                       suite, version, direction, capture, day, hour, weekday, bit, flip,\n"
	"                       offset, stream-offset, packet-offset or size\n"
	"      --limit N        list so many findings at most, the newest first (20; 1000 in a\n"
	"                       page and in JSON); 0 lists none\n"
	"      --add REPORT     put reports of badmac diagnose (json or html) into STORE, which is\n"
	"                       made if it is not there; names that follow are reports as well, and\n"
	"                       no other option goes with it\n"
	"      --format FORMAT  text (the default), json or html\n"
	"  -o, --output FILE    write the report there; FILE is replaced once it is complete\n"
	"      --color WHEN     text: auto (the default), always, never\n"
	"  -h, --help           show this\n"
	"\n"
	"Exit status: 0 reported or added, 2 bad usage, or a file that cannot be read or written.\n";

enum { SINCE, UNTIL, CAUSE, PEER, GROUP, LIMIT, ADD, FORMAT, OUTPUT, COLOR, HELP };

static const struct option_spec specs[] = {
	[SINCE] = {'\0', "since", true},
	[UNTIL] = {'\0', "until", true},
	[CAUSE] = {'\0', "cause", true},
	[PEER] = {'\0', "peer", true},
	[GROUP] = {'\0', "group", true},
	[LIMIT] = {'\0', "limit", true},
	[ADD] = {'\0', "add", true},
	[FORMAT] = {'\0', "format", true},
	[OUTPUT] = {'o', "output", true},
	[COLOR] = {'\0', "color", true},
	[HELP] = {'h', "help", false},
	{'\0', NULL, false},
};

static bool
refuse(const char *option, const char *value, const char *wanted)
{
	return value_refused("history", option, value, wanted);
}

static bool
number(const char **p, size_t least, size_t most, int *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < most && **p >= '0' && **p <= '9'; n++)
		*out = 10 * *out + (*(*p)++ - '0');
	return n >= least;
}

/* 7d, 12h, 30m, 90s before now. */
static bool
before_now(const char *value, int64_t *seconds)
{
	static const char units[] = "smhd";
	static const int64_t each[] = {1, 60, 3600, 86400};
	const char *p = value, *unit;
	int n;

	if (!number(&p, 1, 8, &n) || *p == '\0' || p[1] != '\0' || (unit = strchr(units, *p)) == NULL)
		return false;
	*seconds = stored_now() - n * each[unit - units];
	return true;
}

/* 2026-11-24, and from there on as much of T13:00:00Z as is given. */
static bool
moment(const char *p, int64_t *seconds)
{
	struct tm t = {.tm_mday = 1};

	if (!number(&p, 4, 4, &t.tm_year) || *p++ != '-' || !number(&p, 2, 2, &t.tm_mon) ||
		*p++ != '-' || !number(&p, 2, 2, &t.tm_mday))
		return false;
	if (*p == 'T' || *p == ' ') {
		p++;
		if (!number(&p, 2, 2, &t.tm_hour) || *p++ != ':' || !number(&p, 2, 2, &t.tm_min))
			return false;
		if (*p == ':' && (p++, !number(&p, 2, 2, &t.tm_sec)))
			return false;
	}
	p += *p == 'Z';
	struct tm given = t;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	time_t when = timegm(&t);
	*seconds = (int64_t)when;
	/* The 31st of a month that has 30 days is none. */
	return *p == '\0' && when >= 0 && given.tm_year < 2262 && t.tm_mday == given.tm_mday &&
		   t.tm_mon == given.tm_mon - 1 && t.tm_hour == given.tm_hour && t.tm_min == given.tm_min &&
		   t.tm_sec == given.tm_sec;
}

static bool
read_time(const char *option, const char *value, int64_t *ns, bool *has)
{
	int64_t seconds;

	if (!before_now(value, &seconds) && !moment(value, &seconds))
		return refuse(option, value,
			"must be a time in UTC, such as 2026-11-24 or 2026-11-24T13:00, or 7d, 12h, 30m before "
			"now");
	*has = true;
	*ns = seconds > 0 ? seconds * 1000000000 : 0;
	return true;
}

/* An address as badmac writes it; whatever else it is stays as it is. */
static bool
read_peer(struct history_settings *s, const char *value)
{
	unsigned char address[sizeof(struct in6_addr)];

	s->question.peer = value;
	if (value[0] == '\0')
		return refuse("peer", value, "must be an address");
	if (inet_pton(AF_INET6, value, address) == 1 &&
		inet_ntop(AF_INET6, address, s->peer, sizeof s->peer) != NULL)
		s->question.peer = s->peer;
	return true;
}

static bool
read_limit(struct history_settings *s, const char *value)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0)
		return refuse("limit", value, "must be a number");
	s->question.limit = n;
	s->limit_given = true;
	return true;
}

static bool
read_format(struct history_settings *s, const char *value)
{
	if (strcmp(value, "html") == 0)
		s->kind = BM_HISTORY_HTML;
	else if (strcmp(value, "json") == 0)
		s->kind = BM_HISTORY_JSON;
	else if (strcmp(value, "text") == 0)
		s->kind = BM_HISTORY_TEXT;
	else
		return refuse("format", value, "must be text, json or html");
	return true;
}

static bool
read_option(struct history_settings *s, const struct option_spec *spec, const char *value)
{
	switch (spec - specs) {
	case SINCE:
		return read_time("since", value, &s->question.since, &s->question.has_since);
	case UNTIL:
		return read_time("until", value, &s->question.until, &s->question.has_until);
	case CAUSE:
		s->question.cause = value;
		return true;
	case PEER:
		return read_peer(s, value);
	case GROUP:
		s->question.group = bm_history_group_find(value);
		return s->question.group != BM_GROUP_NONE ||
			   refuse(
				   "group", value, "is nothing to group by; badmac history --help lists what is");
	case LIMIT:
		return read_limit(s, value);
	case ADD:
		s->reports[s->report_count++] = value;
		return true;
	case FORMAT:
		s->format_given = true;
		return read_format(s, value);
	case OUTPUT:
		return value_output("history", value, &s->output);
	case COLOR:
		s->color_given = true;
		return value_color("history", value, &s->color);
	default:
		s->help = true;
		return true;
	}
}

static bool
check(struct history_settings *s)
{
	size_t dashes = 0;
	const struct bm_history_question *q = &s->question;

	for (size_t i = 0; i < s->report_count; i++)
		dashes += strcmp(s->reports[i], "-") == 0;
	if (s->store == NULL || s->store[0] == '\0')
		say_usage("history", "no store given");
	else if (dashes > 1)
		say_usage("history", "standard input (-) can be read once only");
	else if (s->report_count != 0 &&
			 (q->has_since || q->has_until || q->cause != NULL || q->peer != NULL ||
				 q->group != BM_GROUP_NONE || s->limit_given || s->format_given || s->color_given ||
				 s->output != NULL))
		say_usage("history",
			"--add only adds, and says what on standard error: no other option goes with it; ask "
			"for the history in another call");
	else
		return true;
	return false;
}

bool
history_settings_read(struct history_settings *s, int argc, char **argv)
{
	struct option_walk walk = {.specs = specs, .argv = argv, .argc = argc, .at = 1};
	struct option_found found;
	enum option_event event;

	*s = (struct history_settings){.color = -1};
	s->reports = calloc((size_t)argc, sizeof *s->reports);
	if (s->reports == NULL) {
		say("%s", strerror(ENOMEM));
		return false;
	}
	while (!s->help && (event = option_next(&walk, &found)) != OPTION_END) {
		if (event == OPTION_BAD) {
			say_usage("history", "%s", found.problem);
			return false;
		}
		if (event == OPTION_FOUND) {
			if (!read_option(s, found.spec, found.value))
				return false;
		} else if (s->store == NULL) {
			s->store = found.value;
		} else if (s->report_count != 0) {
			s->reports[s->report_count++] = found.value;
		} else {
			say_usage("history", "one store at a time; %s is one too many", found.value);
			return false;
		}
	}
	if (!s->limit_given)
		s->question.limit = s->kind == BM_HISTORY_TEXT ? 20 : 1000;
	return s->help || check(s);
}

void
history_settings_clear(struct history_settings *s)
{
	free(s->reports);
}
