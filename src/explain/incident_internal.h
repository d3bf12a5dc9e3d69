/* What gather.c asks of single incidents. */
#ifndef BM_EXPLAIN_INCIDENT_INTERNAL_H
#define BM_EXPLAIN_INCIDENT_INTERNAL_H

#include "explain/incident.h"

/* Whether two occurrences are counted as one incident. */
bool incident_same_kind(const struct bm_incident *a, const struct bm_incident *b);
/* From i's last occurrence to one at t. */
void incident_add_interval(struct bm_incident *i, const struct bm_log_time *t);
/* Looks the suite's name up in the table. */
void incident_find_known_suite(struct bm_incident *i);
/* By the records that the log shows. */
enum bm_stage incident_stage_of(const struct bm_incident *o, const struct bm_trace_facts *f);

/* Whether this rule was the most special one of a line of it. */
bool incident_has_event(const struct bm_incident *i, const struct bm_rule *event);
void incident_add_event(struct bm_incident *o, const struct bm_rule *event, bool special);
/* What else fitted the event's line, and does not speak against it. */
void incident_add_general(struct bm_incident *o, const struct bm_rule *event,
	const struct bm_rule *const *hits, size_t n);
/* TLS or SSL at the start of a word: the names of libraries end with them. */
bool incident_speaks_of_tls(struct bm_view line);

#endif
