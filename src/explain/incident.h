/* What is known of one incident, and how it is collected line by line. */
#ifndef BM_EXPLAIN_INCIDENT_H
#define BM_EXPLAIN_INCIDENT_H

#include "base/arena.h"
#include "explain/clues.h"
#include "explain/facts.h"
#include "explain/rules.h"
#include "explain/trace.h"
#include "tls/suites.h"

enum {
	BM_QUOTES = 6,
	BM_SEEN = 12,
	BM_EVENTS = 12,
	BM_INCIDENTS_MAX = 256,
	BM_OTHERS_MAX = 64,
	BM_QUOTE_TEXT = 240
};

struct bm_quote {
	uint64_t line;     /* from 1 */
	const char *shown; /* instead of the text, which is gone then; NULL: it is as it was */
	char text[BM_QUOTE_TEXT];
};

struct bm_seen {
	const struct bm_rule *context;
	struct bm_quote quote;
};

/* Occurrences of one kind are one incident: same stack, program, detector, stage, version, suite.
 */
struct bm_incident {
	const struct bm_rule *event;             /* the most special one that fitted */
	const struct bm_rule *stack, *program;   /* NULL: not known */
	const struct bm_rule *events[BM_EVENTS]; /* all that fitted and agree */
	bool special[BM_EVENTS]; /* the most special one of its line: only those have a say */
	size_t event_count;
	enum bm_detector detected;
	enum bm_stage stage;
	char version[16], suite[64]; /* "": not known */
	const struct bm_suite *known_suite;
	struct bm_trace_facts trace; /* of javax.net.debug; .known says whether there is one */
	bool tls;                    /* the lines themselves say that it is about TLS */
	struct bm_quote quotes[BM_QUOTES];
	size_t quote_count;
	struct bm_seen seen[BM_SEEN];
	size_t seen_count;
	uint64_t count, first_line, last_line;
	uint64_t chained_line; /* the last one that says that what follows goes on with it; 0: none */
	struct bm_log_time first_time, last_time;
	struct bm_log_time clock; /* a time of day, where there is no date */
	struct bm_clues clues;    /* of the first occurrence, if anyone watches */
	/* Between occurrences with a time: how many, mean, sum of squared deviations. */
	uint64_t intervals;
	double interval_mean, interval_m2;
};

struct bm_other {
	const struct bm_rule *rule;
	uint64_t count;
	struct bm_quote first;
};

struct bm_gather;

BM_MUST_USE enum bm_status bm_gather_new(struct bm_gather **out, struct bm_rules *rules);
void bm_gather_free(struct bm_gather *g); /* NULL allowed */
/* Each occurrence, when it is over, before it is counted among its kind; i is borrowed for the
 * call. */
typedef void bm_on_occurrence(void *ctx, const struct bm_incident *i);
void bm_gather_watch(struct bm_gather *g, bm_on_occurrence *on_occurrence, void *ctx);
/* One line, or a piece of one: then the number stays the same. */
void bm_gather_line(struct bm_gather *g, uint64_t number, struct bm_view line);
/* Whole lines with their ends, the first of them of that number, in none of which a rule may fit
 * (bm_rules_scan); count: how many. */
void bm_gather_quiet(struct bm_gather *g, uint64_t number, struct bm_view lines, uint64_t count);
/* Nothing comes any more. */
void bm_gather_end(struct bm_gather *g);
const struct bm_incident *bm_gather_incidents(const struct bm_gather *g, size_t *n);
const struct bm_other *bm_gather_others(const struct bm_gather *g, size_t *n);
/* Occurrences for which there was no room. */
uint64_t bm_gather_left_out(const struct bm_gather *g);
/* An incident of which it is not sure that it is one of TLS. */
bool bm_incident_is_doubtful(const struct bm_incident *i);
/* Whose log it is: as its lines show, or as its program always is. */
enum bm_role bm_incident_role(const struct bm_incident *i);
/* Whether its occurrences come at even intervals (four or more of them). */
bool bm_incident_is_regular(const struct bm_incident *i);

#endif
