/* Puts lines that tell of one event together, and events of one kind. Refuses to know what causes
 * them. */
#include "explain/incident_internal.h"

#include <math.h>
#include <stdlib.h>

#include "explain/lines.h"
#include "explain/negotiated.h"
#include "logs/text.h"

enum {
	TOGETHER = 60, /* lines of one event are at most so far apart */
	GOES_ON = 12,  /* and what goes on with one so far behind it */
	NEARBY = 40,   /* a program's line speaks for an event so near */
	AT_ONCE = 4,   /* what a program was doing is told so near before */
	BEFORE = 5000  /* what came before it is remembered so long */
};

struct bm_gather {
	struct bm_rules *rules;
	struct bm_trace *trace;
	struct bm_incident open;
	bool is_open;
	struct bm_incident *incidents;
	size_t count;
	struct bm_other others[BM_OTHERS_MAX];
	size_t other_count;
	struct bm_seen seen[BM_SEEN]; /* the latest of each kind */
	size_t seen_count;
	const struct bm_rule *program;
	uint64_t program_line;
	struct bm_negotiated negotiated;
	char head[96]; /* of the last line that looks like the first of a log record */
	size_t head_n;
	uint64_t head_line;
	uint64_t left_out;
	bm_on_occurrence *on_occurrence; /* NULL: nobody asks */
	void *on_occurrence_ctx;
};

enum bm_status
bm_gather_new(struct bm_gather **out, struct bm_rules *rules)
{
	struct bm_gather *g = calloc(1, sizeof *g);

	*out = g;
	if (g == NULL)
		return BM_NOMEM;
	g->rules = rules;
	g->trace = bm_trace_new();
	g->incidents = calloc(BM_INCIDENTS_MAX, sizeof *g->incidents);
	if (g->trace != NULL && g->incidents != NULL)
		return BM_OK;
	bm_gather_free(g);
	*out = NULL;
	return BM_NOMEM;
}

void
bm_gather_watch(struct bm_gather *g, bm_on_occurrence *on_occurrence, void *ctx)
{
	g->on_occurrence = on_occurrence;
	g->on_occurrence_ctx = ctx;
}

void
bm_gather_free(struct bm_gather *g)
{
	if (g == NULL)
		return;
	bm_trace_free(g->trace);
	free(g->incidents);
	free(g);
}

const struct bm_incident *
bm_gather_incidents(const struct bm_gather *g, size_t *n)
{
	*n = g->count;
	return g->incidents;
}

const struct bm_other *
bm_gather_others(const struct bm_gather *g, size_t *n)
{
	*n = g->other_count;
	return g->others;
}

uint64_t
bm_gather_left_out(const struct bm_gather *g)
{
	return g->left_out;
}

static void
quote(struct bm_quote *q, uint64_t number, struct bm_view line)
{
	q->line = number;
	bm_excerpt(line, q->text, sizeof q->text);
}

static void
note_time(const struct bm_gather *g, uint64_t number, struct bm_view line, struct bm_log_time *out)
{
	if (!bm_find_time(line, out) && g->head_n != 0 && number - g->head_line <= TOGETHER)
		(void)bm_find_time(bm_view(g->head, g->head_n), out);
}

/* An event is over: its kind is counted. */
static void
close_open(struct bm_gather *g)
{
	struct bm_incident *o = &g->open;

	if (!g->is_open)
		return;
	g->is_open = false;
	if (g->on_occurrence != NULL)
		g->on_occurrence(g->on_occurrence_ctx, o);
	for (size_t i = 0; i < g->count; i++) {
		struct bm_incident *c = &g->incidents[i];
		if (!incident_same_kind(c, o))
			continue;
		c->count++;
		c->last_line = o->last_line;
		incident_add_interval(c, &o->first_time);
		if (o->first_time.text[0] != '\0') {
			if (c->first_time.text[0] == '\0')
				c->first_time = o->first_time;
			c->last_time = o->first_time;
		}
		return;
	}
	if (g->count < BM_INCIDENTS_MAX)
		g->incidents[g->count++] = *o;
	else
		g->left_out++;
}

static void
take_trace(struct bm_gather *g, uint64_t number)
{
	struct bm_incident *o = &g->open;
	const struct bm_trace_facts *f = bm_trace_now(g->trace, number);

	if (f == NULL || o->stack == NULL || strcmp(o->stack->id, "jsse") != 0)
		return;
	o->trace = *f;
	if (f->version[0] != '\0')
		memcpy(o->version, f->version, sizeof o->version);
	if (f->suite[0] != '\0')
		memcpy(o->suite, f->suite, sizeof o->suite);
	o->stage = incident_stage_of(o, f);
}

static void
take_facts(struct bm_gather *g, uint64_t number, struct bm_view line)
{
	struct bm_incident *o = &g->open;
	const struct bm_handshake *h = bm_negotiated_find(&g->negotiated, number, line);

	if (o->version[0] == '\0' && !bm_find_version(line, o->version) && h != NULL)
		memcpy(o->version, h->version, sizeof o->version);
	if (o->suite[0] == '\0' && !bm_find_suite(line, o->suite) && h != NULL)
		memcpy(o->suite, h->suite, sizeof o->suite);
	o->tls = o->tls || incident_speaks_of_tls(line);
	/* What stack a program has is known of some. */
	if (o->stack == NULL && o->program != NULL)
		o->stack = bm_rules_find(g->rules, BM_RULE_STACK, o->program->stack);
	take_trace(g, number);
	incident_find_known_suite(o);
	/* Its suites are no others'. */
	if (o->known_suite != NULL && o->known_suite->kx == BM_KX_TLS13 && o->version[0] != 'D')
		memcpy(o->version, "TLS 1.3", sizeof "TLS 1.3");
}

/* Addresses and names are for who watches: nothing else asks for them. */
static void
find_clues(struct bm_gather *g, struct bm_view line)
{
	if (g->on_occurrence != NULL)
		bm_find_clues(line, &g->open.clues);
}

/* What the first line of the log record says, where the event stands in a later one. */
static void
take_head(struct bm_gather *g, uint64_t number, struct bm_view line)
{
	struct bm_incident *o = &g->open;
	struct bm_view head = bm_view(g->head, g->head_n);
	bool near = g->head_n != 0 && number - g->head_line <= TOGETHER;

	if (o->first_time.text[0] == '\0' && !bm_find_clock(line, &o->clock) && near)
		(void)bm_find_clock(head, &o->clock);
	if (near && (number == g->head_line || bm_line_goes_on(line)))
		find_clues(g, head);
}

/* Whether the open event may not be gone on with any more. */
static bool
is_past(const struct bm_incident *o, uint64_t number)
{
	uint64_t last = o->last_line > o->chained_line ? o->last_line : o->chained_line;

	return number - last > TOGETHER;
}

/* Does this line tell of the open event once more? */
static bool
belongs(const struct bm_gather *g, uint64_t number, struct bm_view line,
	const struct bm_rule *event, const struct bm_log_time *t)
{
	const struct bm_incident *o = &g->open;

	if (!g->is_open || is_past(o, number))
		return false;
	if (o->detected != event->detected && o->detected != BM_BY_UNKNOWN &&
		event->detected != BM_BY_UNKNOWN)
		return false;
	if (o->stack != NULL && event->stack != NULL && strcmp(o->stack->id, event->stack) != 0)
		return false;
	if (number == o->last_line || o->chained_line > o->last_line)
		return true;
	if (t->text[0] != '\0' && o->first_time.text[0] != '\0' &&
		fabs(t->seconds - o->first_time.seconds) > 2)
		return false;
	return !incident_has_event(o, event) || bm_line_goes_on(line);
}

/* What the program was doing, by a line just before the event's: in a trace, the call it was in. */
static enum bm_stage
stage_before(const struct bm_gather *g, uint64_t number)
{
	const struct bm_seen *last = NULL;

	for (size_t i = 0; i < g->seen_count; i++) {
		const struct bm_seen *s = &g->seen[i];
		if (s->context->stage != BM_STAGE_UNKNOWN && number - s->quote.line <= AT_ONCE &&
			(last == NULL || s->quote.line > last->quote.line))
			last = s;
	}
	return last != NULL ? last->context->stage : BM_STAGE_UNKNOWN;
}

static void
take_event(struct bm_gather *g, uint64_t number, struct bm_view line, const struct bm_rule *event,
	const struct bm_rule *program)
{
	struct bm_incident *o = &g->open;
	struct bm_log_time t;

	note_time(g, number, line, &t);
	if (!belongs(g, number, line, event, &t)) {
		close_open(g);
		g->is_open = true;
		*o =
			(struct bm_incident){.count = 1, .first_line = number, .first_time = t, .last_time = t};
		for (size_t i = 0; i < g->seen_count; i++)
			if (number - g->seen[i].quote.line <= BEFORE)
				o->seen[o->seen_count++] = g->seen[i];
		if (program == NULL && g->program != NULL && number - g->program_line <= NEARBY)
			program = g->program;
		take_head(g, number, line);
	}
	find_clues(g, line);
	o->last_line = number;
	if (o->event == NULL || event->order > o->event->order)
		o->event = event;
	incident_add_event(o, event, true);
	if (o->detected == BM_BY_UNKNOWN)
		o->detected = event->detected;
	if (o->stage == BM_STAGE_UNKNOWN)
		o->stage = event->stage;
	if (o->stage == BM_STAGE_UNKNOWN)
		o->stage = stage_before(g, number);
	if (event->stack != NULL && o->stack == NULL)
		o->stack = bm_rules_find(g->rules, BM_RULE_STACK, event->stack);
	const struct bm_rule *own = bm_rules_find(g->rules, BM_RULE_PROGRAM, event->program);
	if (own != NULL || (program != NULL && o->program == NULL))
		o->program = own != NULL ? own : program;
	if (o->quote_count < BM_QUOTES &&
		(o->quote_count == 0 || o->quotes[o->quote_count - 1].line != number))
		quote(&o->quotes[o->quote_count++], number, line);
	take_facts(g, number, line);
}

static void
take_context(struct bm_gather *g, uint64_t number, struct bm_view line, const struct bm_rule *rule)
{
	struct bm_seen *s = NULL;

	for (size_t i = 0; i < g->seen_count && s == NULL; i++)
		if (g->seen[i].context == rule)
			s = &g->seen[i];
	if (s == NULL) {
		s = &g->seen[0];
		for (size_t i = 1; i < g->seen_count; i++)
			s = g->seen[i].quote.line < s->quote.line ? &g->seen[i] : s;
		s = g->seen_count < BM_SEEN ? &g->seen[g->seen_count++] : s;
	}
	s->context = rule;
	quote(&s->quote, number, line);
}

static void
take_other(struct bm_gather *g, uint64_t number, struct bm_view line, const struct bm_rule *rule)
{
	for (size_t i = 0; i < g->other_count; i++) {
		if (g->others[i].rule == rule) {
			g->others[i].count++;
			return;
		}
	}
	if (g->other_count == BM_OTHERS_MAX)
		return;
	struct bm_other *o = &g->others[g->other_count++];
	o->rule = rule;
	o->count = 1;
	quote(&o->first, number, line);
}

/* A program's name near an event that has none yet. */
static void
take_program(struct bm_gather *g, uint64_t number, const struct bm_rule *rule)
{
	struct bm_incident *o = &g->open;

	g->program = rule;
	g->program_line = number;
	if (!g->is_open || o->program != NULL || number - o->last_line > NEARBY)
		return;
	if (rule->stack == NULL || o->stack == NULL || strcmp(rule->stack, o->stack->id) == 0) {
		o->program = rule;
		if (o->stack == NULL)
			o->stack = bm_rules_find(g->rules, BM_RULE_STACK, rule->stack);
	}
}

static void
take_trace_line(struct bm_gather *g, uint64_t number, struct bm_view line)
{
	struct jsse_event e;

	if (!bm_trace_line(g->trace, number, line, &e) || !g->is_open || !g->open.trace.known)
		return;
	/* The alert itself comes after the line that names it. */
	if (e.what == JSSE_WRITE && e.content == JSSE_CONTENT_ALERT &&
		g->open.trace.alert_length == 0 && number - g->open.last_line <= TOGETHER)
		g->open.trace.alert_length = e.length;
}

static void
remember_head(struct bm_gather *g, uint64_t number, struct bm_view line)
{
	if (!bm_line_begins_record(line))
		return;
	g->head_n = line.n < sizeof g->head ? line.n : sizeof g->head;
	memcpy(g->head, line.p, g->head_n);
	g->head_line = number;
}

/* A line without an event of its own may go on with the one before. */
static void
take_more(struct bm_gather *g, uint64_t number, struct bm_view line)
{
	if (g->is_open && number - g->open.last_line <= GOES_ON && bm_line_chains(line))
		g->open.chained_line = number;
	if (g->is_open && (number == g->open.last_line ||
						  (number - g->open.last_line <= GOES_ON && bm_line_goes_on(line))))
		find_clues(g, line);
}

void
bm_gather_line(struct bm_gather *g, uint64_t number, struct bm_view line)
{
	const struct bm_rule *hits[BM_RULE_HITS], *event = NULL, *program = NULL, *other = NULL;

	size_t n = bm_rules_run(g->rules, line, hits);
	if (n == 0) {
		take_more(g, number, line);
		remember_head(g, number, line);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct bm_rule *r = hits[i];
		if (r->section == BM_RULE_TRACE)
			take_trace_line(g, number, line);
		else if (r->section == BM_RULE_NEGOTIATED)
			bm_negotiated_take(&g->negotiated, number, line);
		else if (r->section == BM_RULE_CONTEXT)
			take_context(g, number, line, r);
		else if (r->section == BM_RULE_PROGRAM)
			program = r;
		else if (r->section == BM_RULE_EVENT)
			event = r;
		else if (r->section == BM_RULE_OTHER)
			other = r;
	}
	if (event != NULL) {
		take_event(g, number, line, event, program);
		incident_add_general(&g->open, event, hits, n);
	} else if (other != NULL) {
		take_other(g, number, line, other);
	}
	if (event == NULL)
		take_more(g, number, line);
	if (program != NULL)
		take_program(g, number, program);
	if (g->is_open && is_past(&g->open, number))
		close_open(g);
	remember_head(g, number, line);
}

void
bm_gather_quiet(struct bm_gather *g, uint64_t number, struct bm_view lines, uint64_t count)
{
	struct bm_view rest = lines, line;
	uint64_t next = number, end = number + count;

	while (g->is_open && next - g->open.last_line <= GOES_ON && text_line(&rest, &line)) {
		line.n -= line.n != 0 && line.p[line.n - 1] == '\r';
		take_more(g, next, line);
		remember_head(g, next++, line);
	}
	/* Only the last head counts, and none that is too far behind. */
	for (uint64_t n = end; n > next && end - n < TOGETHER; n--) {
		line = bm_line_last(&rest);
		if (bm_line_begins_record(line)) {
			remember_head(g, n - 1, line);
			break;
		}
	}
}

void
bm_gather_end(struct bm_gather *g)
{
	close_open(g);
}
