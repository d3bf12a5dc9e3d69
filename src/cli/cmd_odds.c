/* badmac odds: brings counters, a report and a clock to the arithmetic, and its answer to where it
 * is wanted. */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/odds_settings.h"
#include "cli/output.h"
#include "findings/findings.h"
#include "host/counters.h"
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One run; everything in it is freed by clear. */
struct run {
	struct odds_settings settings;
	struct bm_odds_question question;
	struct bm_odds_context context;
	struct bm_diagnosis diagnosis;
	struct output output;
};

/* root: NULL for this host. */
static bool
read_counters(const char *root, struct bm_counters *out)
{
	int error = bm_counters_read_at(root, out);

	if (error != 0) {
		say("%s: %s", root != NULL ? root : "/", strerror(error));
		return false;
	}
	error = out->error[BM_COUNTER_SNMP];
	if (error != 0)
		say("%s/%s: %s", root != NULL ? root : "", bm_counter_path(BM_COUNTER_SNMP),
			strerror(error));
	return error == 0;
}

static bool
went_back(const struct bm_counters *before, const struct bm_counters *after,
	const struct bm_counters *since, enum bm_counter which)
{
	return before->at[which].known && after->at[which].known && !since->at[which].known;
}

static void
notice(const struct run *r, const char *text)
{
	if (!r->settings.quiet)
		say("%s", text);
}

static void
take_difference(struct run *r, const struct bm_counters *before, const struct bm_counters *after)
{
	struct bm_counters since;

	bm_counters_since(before, after, &since);
	struct bm_count *bad = &since.at[BM_COUNTER_TCP_IN_CSUM_ERRORS];
	struct bm_count *segments = &since.at[BM_COUNTER_TCP_IN_SEGS];
	if (went_back(before, after, &since, BM_COUNTER_TCP_IN_CSUM_ERRORS) ||
		went_back(before, after, &since, BM_COUNTER_TCP_IN_SEGS)) {
		notice(r, "the counters went back between the two readings: copies in the wrong order, "
				  "another start of the machine, or another network namespace");
		bad->known = segments->known = false;
	} else if (segments->known && r->question.failures != BM_ODDS_UNKNOWN &&
			   r->question.failures > segments->n) {
		notice(r, "fewer segments than failures came between the two readings: they are not of the "
				  "time or the host of the failures");
		bad->known = false;
	}
	r->context.two = true;
	bm_odds_take_counters(&since, &r->question, &r->context);
}

static double
now(clockid_t clock)
{
	struct timespec t = {0};

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
wait_for(double seconds)
{
	struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* Cards and memory are told of where they can be read; NULL where not. */
static struct bm_host *
survey(void)
{
	static const struct bm_host_options options = {.root = NULL};
	struct bm_host *h = NULL;

	return bm_host_read(&options, &h) == BM_HOST_READ ? h : NULL;
}

static bool
watch(struct run *r)
{
	struct bm_counters before, after;
	struct bm_host *was = survey(), *is = NULL;
	bool ok = read_counters(NULL, &before);

	if (ok) {
		double began = now(CLOCK_MONOTONIC);
		wait_for(r->settings.watch);
		ok = read_counters(NULL, &after);
		r->context.seconds = now(CLOCK_MONOTONIC) - began;
		is = survey();
	}
	if (ok)
		take_difference(r, &before, &after);
	if (was != NULL && is != NULL) {
		bm_host_compare(is, was, r->context.seconds);
		bm_odds_take_cards(is, &r->context.cards);
	}
	bm_host_free(was);
	bm_host_free(is);
	return ok;
}

static bool
count_here(struct run *r)
{
	struct bm_counters counters;
	struct bm_host *h = survey();
	bool ok = read_counters(NULL, &counters);

	if (ok)
		bm_odds_take_counters(&counters, &r->question, &r->context);
	if (h != NULL)
		bm_odds_take_cards(h, &r->context.cards);
	bm_host_free(h);
	return ok;
}

/* From copies of another host's files. */
static bool
count_there(struct run *r)
{
	const struct odds_settings *s = &r->settings;
	struct bm_counters before, after;

	if (!read_counters(s->after, &after))
		return false;
	if (s->before == NULL) {
		bm_odds_take_counters(&after, &r->question, &r->context);
		return true;
	}
	if (!read_counters(s->before, &before))
		return false;
	take_difference(r, &before, &after);
	return true;
}

static bool
count(struct run *r)
{
	if (r->settings.given)
		return true;
	r->context.from = r->settings.after != NULL ? BM_ODDS_FROM_COPY : BM_ODDS_FROM_HOST;
	if (r->settings.after != NULL)
		return count_there(r);
	return r->settings.watch > 0 ? watch(r) : count_here(r);
}

static bool
read_report(struct run *r)
{
	const char *path = r->settings.report;
	char problem[200] = "";
	struct bm_view json;
	uint8_t *bytes;
	size_t n;

	if (path == NULL)
		return true;
	if (!input_whole(path, BM_DIAGNOSIS_MOST, &bytes, &n))
		return false;
	enum bm_status status =
		bm_findings_find((struct bm_view){bytes, n}, &json, problem, sizeof problem);
	if (status == BM_OK)
		status = bm_diagnosis_read(json, &r->diagnosis, problem, sizeof problem);
	input_forget(bytes, n);
	r->question.diagnosis = &r->diagnosis;
	if (problem[0] != '\0' && status != BM_OK) {
		say("%s: %s", strcmp(path, "-") == 0 ? "standard input" : path, problem);
		return false;
	}
	return say_status(path, status, NULL);
}

static bool
answer(struct run *r, const struct bm_odds_format *f)
{
	const struct odds_settings *s = &r->settings;

	r->question = (struct bm_odds_question){.caught = s->caught,
		.failures = s->failures,
		.segments = s->segments,
		.elsewhere = s->elsewhere,
		.pattern_given = s->pattern_given,
		.pattern = s->plan.pattern,
		.suite = s->suite};
	r->context = (struct bm_odds_context){.seconds = -1, .tls_decrypt_errors = BM_ODDS_UNKNOWN};
	return read_report(r) && count(r) &&
		   say_status(NULL, bm_odds_report(&r->question, &r->context, f), NULL);
}

static bool
simulate(struct run *r, const struct bm_odds_format *f)
{
	struct bm_odds_table t;
	double began = now(CLOCK_MONOTONIC), used = now(CLOCK_PROCESS_CPUTIME_ID);
	enum bm_status status = bm_odds_simulate(&r->settings.plan, &t);

	t.seconds = now(CLOCK_MONOTONIC) - began;
	t.processor_seconds = now(CLOCK_PROCESS_CPUTIME_ID) - used;
	if (status == BM_OK)
		status = bm_odds_table_report(&t, f);
	bm_odds_table_clear(&t);
	return say_status(NULL, status, NULL);
}

static int
run(int argc, char **argv)
{
	struct run r = {.output = {.fd = -1}};
	int status = EXIT_TROUBLE;

	if (!odds_settings_read(&r.settings, argc, argv))
		return status;
	if (r.settings.help)
		return print_help(odds_help);
	struct bm_odds_format f = {.json = r.settings.json,
		.color = output_has_color(r.settings.output, r.settings.color),
		.verbose = r.settings.verbose,
		.columns = output_columns(r.settings.output),
		.write = output_write,
		.write_ctx = &r.output};
	if (output_open(&r.output, r.settings.output) &&
		(r.settings.simulate ? simulate(&r, &f) : answer(&r, &f)) && output_commit(&r.output))
		status = EXIT_VERIFIED;
	output_close(&r.output);
	return status;
}

const struct command command_odds = {
	"odds", "say how likely it is that damage slipped past a checksum", odds_help, run};
