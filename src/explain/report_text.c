/* The report for people: the conclusion first. Refuses to know how anything was found. */
#include "explain/report.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LABEL = 13, CAUSES_SHOWN = 6, EXCLUDED_SHOWN = 12 };

/* A label and its text, wrapped. label "": goes on under the last one. */
static void
line(struct bm_lines *l, const char *label, const char *text)
{
	if (text == NULL) {
		l->status = BM_NOMEM;
		return;
	}
	bm_say(l, "  %-*s", LABEL - 2, label);
	bm_say_wrapped(l, LABEL, LABEL + (label[0] == '\0' ? 2 : 0), text);
	bm_say(l, "\n");
}

static void
tell_who(struct bm_lines *l, struct bm_arena *a, const struct bm_incident *i)
{
	const char *stack = bm_rule_name(i->stack), *program = bm_rule_name(i->program);

	if (program != NULL && stack != NULL)
		line(l, "said by", bm_arena_print(a, "%s, in %s", stack, program));
	else
		line(l, "said by",
			stack != NULL     ? stack
			: program != NULL ? program
							  : "a stack not recognised");
	line(l, "detected",
		i->detected == BM_BY_LOCAL  ? "here: this end checked a record that it had received"
		: i->detected == BM_BY_PEER ? "there: the other end checked a record that this end had sent"
									: "not said at which end");
	line(l, "when", bm_stage_text(i));
	if (i->version[0] != '\0' || i->suite[0] != '\0')
		line(l, "with",
			bm_arena_print(a, "%s%s%s", i->version,
				i->version[0] != '\0' && i->suite[0] != '\0' ? ", " : "", i->suite));
	if (i->trace.known && i->trace.thread[0] != '\0')
		line(l, "thread", bm_arena_print(a, "%s", i->trace.thread));
}

static void
tell_lines(struct bm_lines *l, struct bm_arena *a, const struct bm_incident *i)
{
	for (size_t k = 0; k < i->quote_count; k++)
		line(l, k == 0 ? "log" : "",
			bm_arena_print(
				a, "line %" PRIu64 ": %s", i->quotes[k].line, bm_quote_text(&i->quotes[k])));
}

/* Lines that are a cause's or a hint's, before the incident. */
static void
tell_before(struct bm_lines *l, struct bm_arena *a, const struct bm_incident *i)
{
	for (size_t k = 0; k < i->seen_count; k++)
		line(l, k == 0 ? "before" : "",
			bm_arena_print(a, "line %" PRIu64 ": %s", i->seen[k].quote.line,
				bm_quote_text(&i->seen[k].quote)));
}

static void
tell_opinion(struct bm_lines *l, struct bm_arena *a, const struct bm_incident *i,
	const struct bm_opinion *o, bool all)
{
	for (size_t k = 0; k < i->event_count; k++)
		if (i->special[k] && i->events[k]->means != NULL)
			line(l, k == 0 ? "means" : "", i->events[k]->means);
	for (size_t k = 0; k < o->excluded_count && (all || k < EXCLUDED_SHOWN); k++)
		line(l, k == 0 ? "not" : "",
			bm_arena_print(a, "%s: %s", bm_cause_id(o->excluded[k].cause), o->excluded[k].reason));
	for (size_t k = 0; k < o->cause_count && (all || k < CAUSES_SHOWN); k++) {
		const struct bm_weighed *w = &o->causes[k];
		line(l, k == 0 ? "likeliest" : "",
			bm_arena_print(a, "%s: %s", bm_cause_id(w->cause), w->reasons[0]));
		for (size_t r = 1; r < w->reason_count; r++)
			line(l, "", bm_arena_print(a, "  %s", w->reasons[r]));
	}
	for (size_t k = 0; k < o->bug_count; k++)
		line(l, k == 0 ? "known bug" : "",
			bm_arena_print(a, "%s%s%s", o->bugs[k].what, o->bugs[k].command != NULL ? ": " : "",
				o->bugs[k].command != NULL ? o->bugs[k].command : ""));
}

static void
tell_steps(struct bm_lines *l, const char *label, const struct bm_next *list, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		line(l, k == 0 ? label : "", list[k].what);
		if (list[k].command != NULL) {
			bm_say(l, "  %-*s", LABEL - 2 + 4, "");
			bm_say_safe(l, list[k].command);
			bm_say(l, "\n");
		}
	}
}

static void
tell_incident(struct bm_lines *l, struct bm_arena *a, const struct bm_told *t, size_t number,
	const struct bm_incident *i, bool all)
{
	struct bm_facts_told e;
	struct bm_opinion *o = malloc(sizeof *o);

	if (o == NULL) {
		l->status = BM_NOMEM;
		return;
	}
	bm_weigh(bm_explain_rules(t->explain), i, o);
	bm_say(l, "\n");
	bm_style(l, BM_BOLD);
	bm_say(l, "incident %zu", number);
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, "  ");
	const char *headline = bm_headline(a, i);
	l->status = headline != NULL ? l->status : BM_NOMEM;
	bm_say_wrapped(l, LABEL, LABEL, headline != NULL ? headline : "");
	bm_say(l, "\n");
	tell_who(l, a, i);
	tell_lines(l, a, i);
	if (all)
		tell_before(l, a, i);
	bm_incident_evidence(a, i, &e);
	l->status = e.failed ? BM_NOMEM : l->status;
	for (size_t k = 0; k < e.n; k++)
		line(l, k == 0 ? "because" : "", e.text[k]);
	if (bm_incident_is_doubtful(i))
		line(l, "doubt",
			"these words are used of other things too, and nothing near them says that a TLS "
			"record failed its check");
	tell_opinion(l, a, i, o, all);
	tell_steps(l, "keys", o->keys, o->key_count);
	tell_steps(l, "next", o->next, o->next_count);
	free(o);
}

static void
tell_answer(struct bm_lines *l, struct bm_arena *a, const struct bm_told *t)
{
	struct bm_explain_summary s;
	size_t n = t->incident_count;
	const struct bm_incident *i = t->incidents;

	bm_explain_summary(t->explain, &s);
	if (n == 0) {
		size_t from = l->buf.n;
		bm_style(l, BM_GREEN);
		bm_say(l, "NOTHING");
		bm_style(l, BM_PLAIN_STYLE);
		bm_say(l, ": no line of %s says that a TLS record failed its check", bm_grouped(s.lines).s);
		bm_wrap_since(l, from, 2);
		bm_say(l, "\n");
		return;
	}
	bool doubt = s.doubtful == s.occurrences;
	bm_style(l, doubt ? BM_YELLOW : BM_RED);
	bm_say(l, "%s", doubt ? "UNDECIDED" : "FOUND");
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, ": ");
	const char *headline = n == 1 ? bm_headline(a, i) : "";
	if (headline != NULL && n == 1 && doubt)
		headline = bm_arena_print(a, "%s, if this is about TLS at all", headline);
	l->status = headline != NULL ? l->status : BM_NOMEM;
	if (n == 1)
		bm_say_wrapped(l, doubt ? 11 : 7, 2, headline != NULL ? headline : "");
	if (n != 1)
		bm_say(l, "%zu kinds of incident, %s in all", n, bm_grouped(s.occurrences).s);
	bm_say(l, "\n");
}

static void
tell_others(struct bm_lines *l, struct bm_arena *a, const struct bm_explain *x)
{
	size_t n;
	const struct bm_other *o = bm_gather_others(bm_explain_gather(x), &n);

	if (n != 0) {
		bm_say(l, "\n");
		bm_say_wrapped(
			l, 0, 2, "other lines about TLS or of like words, none of them a failed record");
		bm_say(l, "\n");
	}
	for (size_t k = 0; k < n; k++)
		line(l, bm_grouped(o[k].count).s,
			bm_arena_print(a, "%s (first in line %" PRIu64 ")",
				o[k].rule->means != NULL ? o[k].rule->means : o[k].rule->id, o[k].first.line));
}

static void
tell_redaction(struct bm_lines *l, enum bm_redaction level)
{
	if (level == BM_REDACT_NOTHING)
		return;
	bm_say(l, "\n");
	line(l, "redacted",
		level == BM_REDACT_ALL
			? "addresses and names stand for others, lines of the log are left out (--redact all)"
			: "addresses and names stand for others (--redact addresses)");
}

enum bm_status
bm_explain_text(const struct bm_told *t, struct bm_out *out, const struct bm_explain_options *o)
{
	struct bm_lines l = {.buf = {.max = 16 << 20}, .color = o->color, .columns = o->columns};
	struct bm_arena a = {.max = 16 << 20};
	struct bm_explain_summary s;

	bm_explain_summary(t->explain, &s);
	tell_answer(&l, &a, t);
	for (size_t k = 0; k < t->incident_count; k++) {
		tell_incident(&l, &a, t, k + 1, &t->incidents[k], o->verbose);
		bm_out_add(out, l.buf.p, l.buf.n);
		l.buf.n = 0;
		bm_arena_reuse(&a);
	}
	if (s.left_out != 0)
		bm_say(&l, "\n%s more of other kinds are not told of: there was no room\n",
			bm_grouped(s.left_out).s);
	tell_others(&l, &a, t->explain);
	tell_redaction(&l, t->level);
	bm_out_add(out, l.buf.p, l.buf.n);
	bm_buf_clear(&l.buf);
	bm_arena_clear(&a);
	return l.status;
}
