/* Ties as members of the report's object: logs, incidents, and what is logged of each failure.
 * Refuses to know more of the values than docs/OUTPUT.md says of them. */
#include "report/json_out.h"

#include "tie/report.h"

#include <math.h>

/* Hundredths, by hand: printf would ask the locale for its decimal point. */
static void
seconds(struct json *j, const char *key, double s)
{
	char text[32];
	uint64_t n = (uint64_t)llround(fabs(s) * 100);

	(void)snprintf(text, sizeof text, "%s%" PRIu64 ".%02u", s < 0 && n != 0 ? "-" : "", n / 100,
		(unsigned)(n % 100));
	name(j, key);
	raw(j, text);
}

static void
log_members(struct json *j, const struct tie_log *log, bool first)
{
	raw(j, first ? "" : ",\n");
	begin(j, "{");
	string_or_null(j, "log", log->name);
	number_or_null(j, "lines", log->lines);
	number_or_null(j, "bytes", log->bytes);
	number_or_null(j, "incidents", log->count);
	number_or_null(j, "left_out", log->left_out);
	number_or_null(j, "secrets", log->secrets);
	name(j, "clock");
	if (log->clock == NULL) {
		raw(j, "null");
	} else {
		begin(j, "{");
		seconds(j, "utc_offset_seconds", log->offset);
		string_or_null(j, "utc_offset_from",
			log->zoned            ? "log"
			: log->supported != 0 ? "grounds"
								  : "default");
		seconds(j, "skew_seconds", log->skew);
		number_or_null(j, "supported_by", log->supported);
		string_or_null(j, "because", log->clock);
		end(j, "}");
	}
	end(j, "}");
}

static void
reasons(struct json *j, const struct tie_told *told)
{
	name(j, "grounds");
	begin(j, "[");
	for (size_t k = 0; told != NULL && k < told->ground_count; k++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "kind", told->grounds[k].kind);
		string_or_null(j, "says", told->grounds[k].says);
		end(j, "}");
	}
	end(j, "]");
	strings(j, "contradictions", told != NULL ? told->against : NULL,
		told != NULL ? told->against_count : 0);
}

static void
place(struct json *j, const struct bm_tie *t, const struct tie_told *told)
{
	const struct tie_match *m = told != NULL ? &told->match : NULL;

	number_or_null(j, "connection", m != NULL ? t->connections[m->connection].id : BM_UNKNOWN);
	number_or_null(
		j, "failure", m != NULL && m->failure != TIE_NONE ? (uint64_t)m->failure : BM_UNKNOWN);
	number_or_null(j, "alert_packet",
		m != NULL && m->alert != TIE_NONE &&
				t->connections[m->connection].alerts[m->alert].packet != 0
			? t->connections[m->connection].alerts[m->alert].packet
			: BM_UNKNOWN);
}

static void
moment(struct json *j, const struct bm_tie *t, const struct tie_incident *i)
{
	char text[BM_TIME_TEXT_MAX];
	double about = ((double)t->first_ns + (double)t->last_ns) / 2e9, at;

	if (i->told_count != 0) {
		const struct tie_match *m = &i->told[0].match;
		about = (double)tie_event_ns(&t->connections[m->connection], m->failure, m->alert) / 1e9;
	}
	bool known = tie_moment(t, i, about, &at) && at >= 0 && at < 1e10;
	if (known)
		/* No finer than a log writes it. */
		bm_time_text((uint64_t)llround(at * 1e6) * 1000, text);
	string_or_null(j, "time_utc", known ? text : NULL);
}

static void
incident(struct json *j, const struct bm_tie *t, const struct tie_incident *i, bool first)
{
	const struct tie_told *chosen = i->sure >= BM_SURE_POSSIBLE ? &i->told[0] : NULL;
	static const char *const roles[] = {NULL, "client", "server"};

	raw(j, first ? "" : ",\n");
	begin(j, "{");
	string_or_null(j, "log", t->logs[i->log].name);
	number_or_null(j, "first_line", i->first_line);
	number_or_null(j, "last_line", i->last_line);
	string_or_null(j, "time", i->time.text[0] != '\0' ? i->time.text : NULL);
	moment(j, t, i);
	string_or_null(j, "event", i->event != NULL ? i->event->id : NULL);
	string_or_null(j, "stack", i->stack != NULL ? i->stack->id : NULL);
	string_or_null(j, "program", i->program != NULL ? i->program->id : NULL);
	string_or_null(j, "detected_by", bm_detector_id(i->detected));
	string_or_null(j, "endpoint", roles[i->role]);
	string_or_null(j, "stage", bm_stage_id(i->stage));
	string_or_null(j, "version", i->version[0] != '\0' ? i->version : NULL);
	string_or_null(j, "cipher_suite", i->suite[0] != '\0' ? i->suite : NULL);
	string_or_null(j, "thread", i->thread);
	truth(j, "doubtful", i->doubtful);
	string_or_null(j, "summary", i->headline);
	string_or_null(j, "text", i->quote);
	string_or_null(j, "sure", tie_sure_id(i->sure));
	place(j, t, chosen);
	reasons(j, chosen);
	string_or_null(j, "because", i->because);
	name(j, "candidates");
	begin(j, "[");
	for (size_t k = 0; i->sure == BM_SURE_SEVERAL && k < i->told_count; k++) {
		next(j);
		begin(j, "{");
		place(j, t, &i->told[k]);
		reasons(j, &i->told[k]);
		end(j, "}");
	}
	end(j, "]");
	number_or_null(j, "more_candidates", i->told_more);
	end(j, "}");
}

static void
logged(
	struct json *j, const struct bm_tie *t, const struct tie_connection *c, size_t nth, bool first)
{
	size_t n;
	const struct tie_mention *m = tie_mentions_of(t, c->id, nth, &n);

	raw(j, first ? "" : ",\n");
	begin(j, "{");
	number_or_null(j, "connection", c->id);
	number_or_null(j, "failure", nth);
	name(j, "incidents");
	begin(j, "[");
	for (size_t k = 0; k < n; k++) {
		next(j);
		number(j, m[k].incident);
	}
	end(j, "]");
	end(j, "}");
}

void
tie_json(const void *tie, struct bm_out *out)
{
	const struct bm_tie *t = tie;
	struct json here = {out, true}, *j = &here;
	bool first = true;

	raw(j, "\"logs\": [\n");
	for (size_t n = 0; n < t->log_count; n++)
		log_members(j, &t->logs[n], n == 0);
	raw(j, "],\n\"incidents\": [\n");
	for (size_t n = 0; n < t->incident_count; n++)
		incident(j, t, &t->incidents[n], n == 0);
	raw(j, "],\n\"logged_failures\": [\n");
	for (size_t n = 0; n < t->connection_count; n++)
		for (size_t k = 0; k < t->connections[n].failure_count; k++) {
			logged(j, t, &t->connections[n], k, first);
			first = false;
		}
	raw(j, "],\n");
}
