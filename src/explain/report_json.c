/* The JSON report, badmac.explanation.v1. Refuses to know more of the values than docs/EXPLAIN.md
 * says of them. */
#include "explain/report.h"
#include "report/json_out.h"

#include <stdlib.h>

static void
text_or_null(struct json *j, const char *key, const char *text)
{
	string_or_null(j, key, text != NULL && text[0] != '\0' ? text : NULL);
}

static void
decimal_or_null(struct json *j, const char *key, bool known, double value)
{
	char text[48];

	name(j, key);
	snprintf(text, sizeof text, "%.6f", value);
	raw(j, known ? text : "null");
}

static void
write_quote(struct json *j, const struct bm_quote *q)
{
	next(j);
	begin(j, "{");
	number_or_null(j, "line", q->line);
	string_or_null(j, "text", bm_quote_text(q));
	end(j, "}");
}

static void
write_record(struct json *j, const struct bm_incident *i)
{
	struct bm_record_facts f;
	const struct bm_trace_facts *t = &i->trace;
	bool lengths = t->known && i->detected == BM_BY_LOCAL;

	bm_record_facts(i, &f);
	name(j, "record");
	begin(j, "{");
	number_or_null(j, "ordinal", f.ordinal);
	number_or_null(j, "length", f.length);
	number_or_null(j, "content_length", f.content_length);
	number_or_null(j, "mac_bits", f.mac_bits);
	string_or_null(j, "mac_bits_from", f.mac_from);
	name(j, "received_lengths");
	begin(j, "[");
	for (size_t k = 0; lengths && k < t->read_length_count; k++) {
		next(j);
		number(j, t->read_lengths[k]);
	}
	end(j, "]");
	number_or_null(
		j, "alert_length", t->known && t->alert_length != 0 ? t->alert_length : BM_UNKNOWN);
	end(j, "}");
}

static void
write_times(struct json *j, const struct bm_incident *i)
{
	number_or_null(j, "count", i->count);
	number_or_null(j, "first_line", i->first_line);
	number_or_null(j, "last_line", i->last_line);
	text_or_null(j, "first_time", i->first_time.text);
	text_or_null(j, "last_time", i->last_time.text);
	decimal_or_null(j, "interval_seconds", i->intervals != 0, i->interval_mean);
	if (i->intervals >= 3) {
		truth(j, "regular", bm_incident_is_regular(i));
	} else {
		name(j, "regular");
		raw(j, "null");
	}
}

static void
write_causes(struct json *j, const struct bm_opinion *o)
{
	name(j, "causes");
	begin(j, "[");
	for (size_t k = 0; k < o->cause_count; k++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "cause", bm_cause_id(o->causes[k].cause));
		strings(j, "because", o->causes[k].reasons, o->causes[k].reason_count);
		end(j, "}");
	}
	end(j, "]");
	name(j, "ruled_out");
	begin(j, "[");
	for (size_t k = 0; k < o->excluded_count; k++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "cause", bm_cause_id(o->excluded[k].cause));
		string_or_null(j, "because", o->excluded[k].reason);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_steps(struct json *j, const char *key, const char *first, const char *second,
	const struct bm_next *list, size_t n)
{
	name(j, key);
	begin(j, "[");
	for (size_t k = 0; k < n; k++) {
		next(j);
		begin(j, "{");
		string_or_null(j, first, list[k].what);
		string_or_null(j, second, list[k].command);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_seen(struct json *j, const struct bm_incident *i)
{
	name(j, "preceded_by");
	begin(j, "[");
	for (size_t k = 0; k < i->seen_count; k++) {
		const struct bm_seen *s = &i->seen[k];
		next(j);
		begin(j, "{");
		string_or_null(j, "what", s->context->id);
		string_or_null(j, "means", s->context->means);
		number_or_null(j, "line", s->quote.line);
		string_or_null(j, "text", bm_quote_text(&s->quote));
		end(j, "}");
	}
	end(j, "]");
	name(j, "lines");
	begin(j, "[");
	for (size_t k = 0; k < i->quote_count; k++)
		write_quote(j, &i->quotes[k]);
	end(j, "]");
}

static enum bm_status
write_meaning(struct json *j, const struct bm_incident *i, struct bm_arena *a)
{
	struct bm_facts_told e;
	const char *means[BM_EVENTS], *events[BM_EVENTS];
	size_t n = 0;

	for (size_t k = 0; k < i->event_count; k++) {
		events[k] = i->events[k]->id;
		if (i->special[k] && i->events[k]->means != NULL)
			means[n++] = i->events[k]->means;
	}
	strings(j, "events", events, i->event_count);
	const char *headline = bm_headline(a, i);
	string_or_null(j, "summary", headline);
	strings(j, "means", means, n);
	bm_incident_evidence(a, i, &e);
	strings(j, "evidence", e.text, e.n);
	string_or_null(j, "source", i->event->source);
	return headline != NULL && !e.failed ? BM_OK : BM_NOMEM;
}

static enum bm_status
write_incident(
	struct json *j, const struct bm_explain *x, const struct bm_incident *i, struct bm_arena *a)
{
	static const char *const roles[] = {NULL, "client", "server"};
	struct bm_opinion *o = malloc(sizeof *o);

	if (o == NULL)
		return BM_NOMEM;
	bm_weigh(bm_explain_rules(x), i, o);
	next(j);
	raw(j, "\n");
	begin(j, "{");
	string_or_null(j, "event", i->event->id);
	string_or_null(j, "stack", i->stack != NULL ? i->stack->id : NULL);
	string_or_null(j, "program", i->program != NULL ? i->program->id : NULL);
	string_or_null(j, "detected_by", bm_detector_id(i->detected));
	string_or_null(j, "endpoint", roles[bm_incident_role(i)]);
	string_or_null(j, "record_was", bm_incident_way(i));
	string_or_null(j, "direction", bm_incident_direction(i));
	string_or_null(j, "stage", bm_stage_id(i->stage));
	text_or_null(j, "version", i->version);
	text_or_null(j, "cipher_suite", i->suite);
	text_or_null(j, "thread", i->trace.thread);
	truth(j, "doubtful", bm_incident_is_doubtful(i));
	write_record(j, i);
	write_times(j, i);
	write_seen(j, i);
	enum bm_status st = write_meaning(j, i, a);
	write_causes(j, o);
	write_steps(j, "known_bugs", "reference", "what", o->bugs, o->bug_count);
	write_steps(j, "keys", "what", "command", o->keys, o->key_count);
	write_steps(j, "next_steps", "what", "command", o->next, o->next_count);
	end(j, "}");
	free(o);
	return st;
}

static void
write_others(struct json *j, const struct bm_explain *x)
{
	size_t n;
	const struct bm_other *o = bm_gather_others(bm_explain_gather(x), &n);

	name(j, "others");
	begin(j, "[");
	for (size_t k = 0; k < n; k++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "what", o[k].rule->id);
		string_or_null(j, "means", o[k].rule->means);
		number_or_null(j, "count", o[k].count);
		number_or_null(j, "first_line", o[k].first.line);
		end(j, "}");
	}
	end(j, "]");
}

static const char *
result_name(const struct bm_explain_summary *s)
{
	return s->occurrences == 0 ? "nothing" : s->doubtful == s->occurrences ? "undecided" : "found";
}

enum bm_status
bm_explain_json(const struct bm_told *t, struct bm_out *out)
{
	struct json j = {.out = out, .bare = true};
	struct bm_arena a = {.max = 16 << 20};
	struct bm_explain_summary s;
	enum bm_status st = BM_OK;

	bm_explain_summary(t->explain, &s);
	begin(&j, "{");
	string_or_null(&j, "schema", "badmac.explanation.v1");
	string_or_null(&j, "redacted", bm_redaction_id(t->level));
	name(&j, "summary");
	begin(&j, "{");
	string_or_null(&j, "result", result_name(&s));
	number_or_null(&j, "lines", s.lines);
	number_or_null(&j, "bytes", s.bytes);
	number_or_null(&j, "incidents", s.incident_count);
	number_or_null(&j, "occurrences", s.occurrences);
	number_or_null(&j, "left_out", s.left_out);
	end(&j, "}");
	write_others(&j, t->explain);
	name(&j, "incidents");
	begin(&j, "[");
	for (size_t k = 0; k < t->incident_count && st == BM_OK; k++) {
		st = write_incident(&j, t->explain, &t->incidents[k], &a);
		bm_arena_reuse(&a);
	}
	end(&j, "]");
	end(&j, "}");
	raw(&j, "\n");
	bm_arena_clear(&a);
	return st;
}
