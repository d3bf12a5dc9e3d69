/* The text report. Its first line is the answer, so what comes before the end is put together in
 * capped memory; past the cap connections are only counted. Refuses to know bytes of records. */
#include "report/internal.h"

#include "tls/record.h"
#include "tls/suites.h"

#include <stdlib.h>

enum {
	FAILED_MEMORY = 8 << 20,
	LIST_MEMORY = 1 << 20, /* of the verified, and of each group of undecided connections */
	HEADLINE = 4096,
	ALERTS_LISTED = 20, /* unless verbose */
	LISTED = 7,         /* the column at which a listed connection's text begins */
	REASONS_MAX = 16,   /* the last one takes what does not fit */
	REASON_TEXT = 600
};

/* Text of many connections, and how many did not fit any more. */
struct section {
	struct bm_lines lines;
	struct bm_marks marks;
	uint64_t more;
};

/* Undecided connections for one reason. */
struct group {
	char reason[REASON_TEXT];
	uint64_t connections, records, without_keys, rsa;
	bool shown; /* one in full */
	struct bm_lines example, next;
	struct section list;
};

struct bm_text {
	bool color, verbose;
	unsigned columns;
	struct section failed, verified, alerts;
	struct bm_lines headline; /* about the first failed connection */
	struct bm_lines sentence; /* and its first failure */
	uint64_t failed_connections, undecided_connections, verified_connections;
	uint64_t alerts_listed;
	uint64_t reported_only; /* failed connections in which no record fails */
	struct group groups[REASONS_MAX];
	size_t group_count;
};

static void
set_up(struct bm_lines *l, size_t max, const struct bm_report_options *o)
{
	l->buf.max = max;
	l->color = o->color;
	l->columns = o->columns;
}

enum bm_status
bm_text_new(struct bm_text **out, const struct bm_report_options *o)
{
	struct bm_text *t = calloc(1, sizeof *t);
	struct bm_report_options plain = *o;

	*out = t;
	if (t == NULL)
		return BM_NOMEM;
	plain.color = false;
	t->color = o->color;
	t->columns = o->columns;
	t->verbose = o->verbose;
	set_up(&t->failed.lines, FAILED_MEMORY, o);
	set_up(&t->verified.lines, LIST_MEMORY, o);
	set_up(&t->headline, HEADLINE, &plain);
	set_up(&t->sentence, HEADLINE, &plain);
	set_up(&t->alerts.lines, LIST_MEMORY, o);
	for (size_t i = 0; i < REASONS_MAX; i++) {
		set_up(&t->groups[i].list.lines, LIST_MEMORY, o);
		set_up(&t->groups[i].example, HEADLINE, o);
		set_up(&t->groups[i].next, HEADLINE, o);
		if (o->logs)
			t->groups[i].list.lines.marks = &t->groups[i].list.marks;
	}
	if (o->logs)
		t->failed.lines.marks = &t->failed.marks;
	return BM_OK;
}

void
bm_text_free(struct bm_text *t)
{
	if (t == NULL)
		return;
	bm_buf_clear(&t->failed.lines.buf);
	free(t->failed.marks.item);
	bm_buf_clear(&t->verified.lines.buf);
	bm_buf_clear(&t->headline.buf);
	bm_buf_clear(&t->sentence.buf);
	bm_buf_clear(&t->alerts.lines.buf);
	for (size_t i = 0; i < REASONS_MAX; i++) {
		bm_buf_clear(&t->groups[i].list.lines.buf);
		free(t->groups[i].list.marks.item);
		bm_buf_clear(&t->groups[i].example.buf);
		bm_buf_clear(&t->groups[i].next.buf);
	}
	free(t);
}

/* After a connection's text was added from `mark` on: all of it stands there, or nothing. */
static enum bm_status
keep_whole(struct section *s, size_t mark)
{
	enum bm_status st = s->lines.status;

	if (st == BM_OK)
		return st;
	s->lines.buf.n = mark;
	s->lines.status = BM_OK;
	while (s->marks.n != 0 && s->marks.item[s->marks.n - 1].at >= mark)
		s->marks.n--;
	if (st != BM_LIMIT)
		return st;
	s->more++;
	return BM_OK;
}

/* One line, or two: "  12  10.0.0.1:40112 -> 10.0.0.2:443 (example.org)  TLS 1.2, SUITE, 1,024
 * protected records". */
static enum bm_status
list_connection(struct section *s, const struct bm_connection *c)
{
	struct bm_lines *l = &s->lines;
	size_t mark = l->buf.n;
	uint64_t records = 0;

	for (unsigned d = 0; d < 2; d++)
		records += c->records[d].verified + c->records[d].failed + c->records[d].undecided;
	bm_say(l, "  %3llu  ", (unsigned long long)c->id);
	bm_detail_who(l, c);
	bm_say(l, "  ");
	bm_detail_what(l, c);
	bm_say(l, ", %s protected record%s", bm_grouped(records).s, records == 1 ? "" : "s");
	bm_wrap_since(l, mark, LISTED);
	bm_say(l, "\n");
	if (c->result == BM_RESULT_UNDECIDED && c->undecided_detail != NULL) {
		bm_say(l, "%*s", LISTED, "");
		bm_say_wrapped(l, LISTED, LISTED + 2, c->undecided_detail);
		bm_say(l, "\n");
	}
	return keep_whole(s, mark);
}

/* A handshake that an alert ended is no failed record, and yet what somebody may be looking for. */
static enum bm_status
list_alert(struct bm_text *t, const struct bm_connection *c)
{
	const struct bm_alert *a = bm_detail_fatal(c);
	struct bm_lines *l = &t->alerts.lines;
	size_t mark = l->buf.n;

	if (a == NULL)
		return BM_OK;
	if (t->alerts_listed == ALERTS_LISTED && !t->verbose) {
		t->alerts.more++;
		return BM_OK;
	}
	t->alerts_listed++;
	const char *name = bm_alert_name(a->description);
	bm_say(l, "  %3llu  ", (unsigned long long)c->id);
	bm_detail_who(l, c);
	bm_say(l, "  fatal alert ");
	if (name != NULL)
		bm_say(l, "%s", name);
	else
		bm_say(l, "%u", (unsigned)a->description);
	bm_say(l, " by the %s", bm_side_word(a->direction));
	if (a->packet != 0 && a->packet != BM_UNKNOWN) {
		bm_say(l, ", ");
		bm_say_packet(l, c->pieces, a->packet);
	}
	if (a->stale)
		bm_say(l, ", about a record that was repaired since");
	bm_wrap_since(l, mark, LISTED);
	bm_say(l, "\n");
	return keep_whole(&t->alerts, mark);
}

static enum bm_status
show_connection(struct bm_text *t, struct section *s, const struct bm_connection *c)
{
	size_t mark = s->lines.buf.n;

	bm_say(&s->lines, "\n");
	bm_detail(&s->lines, c, t->verbose);
	return keep_whole(s, mark);
}

static struct group *
group_of(struct bm_text *t, const char *reason)
{
	for (size_t i = 0; i < t->group_count; i++)
		if (strncmp(t->groups[i].reason, reason, REASON_TEXT - 4) == 0)
			return &t->groups[i];
	if (t->group_count == REASONS_MAX)
		return &t->groups[REASONS_MAX - 1];
	struct group *g = &t->groups[t->group_count++];
	if (t->group_count == REASONS_MAX)
		reason = "for other reasons";
	strncpy(g->reason, reason, REASON_TEXT - 1);
	if (strlen(reason) >= REASON_TEXT)
		memcpy(g->reason + REASON_TEXT - 4, "...", 4);
	return g;
}

/* Of the first connection of a group: where it shows, and what would settle it. */
static enum bm_status
describe_group(struct group *g, const struct bm_connection *c, bool verbose)
{
	/* Verbose lists show it of every connection. */
	if (c->undecided_detail != NULL && !verbose) {
		bm_say(&g->example, "  such as  connection %llu, ", (unsigned long long)c->id);
		bm_detail_who(&g->example, c);
		bm_wrap_since(&g->example, 0, 11);
		bm_say(&g->example, "\n           ");
		bm_say_wrapped(&g->example, 11, 13, c->undecided_detail);
		bm_say(&g->example, "\n");
	}
	if (c->undecided_next != NULL && !c->undecided_wants_keys) {
		bm_say(&g->next, "  next     ");
		bm_say_step(&g->next, 11, 13, c->undecided_next);
		bm_say(&g->next, "\n");
	}
	return g->example.status == BM_NOMEM || g->next.status == BM_NOMEM ? BM_NOMEM : BM_OK;
}

static enum bm_status
undecided(struct bm_text *t, const struct bm_connection *c)
{
	struct group *g = group_of(
		t, c->undecided_because != NULL ? c->undecided_because : "not everything could be checked");
	const struct bm_suite *s = c->has_suite ? bm_suite_find(c->suite) : NULL;

	t->undecided_connections++;
	g->connections++;
	g->records += c->records[0].undecided + c->records[1].undecided;
	if (g->connections == 1 && describe_group(g, c, t->verbose) != BM_OK)
		return BM_NOMEM;
	if (c->undecided_wants_keys) {
		g->without_keys++;
		if (s != NULL && s->kx == BM_KX_RSA)
			g->rsa++;
	}
	/* A failure that does not count, such as key material that does not fit, befalls many alike. */
	if (c->failure_count != 0 && (t->verbose || !g->shown)) {
		g->shown = true;
		return show_connection(t, &g->list, c);
	}
	return t->verbose ? list_connection(&g->list, c) : BM_OK;
}

enum bm_status
bm_text_connection(struct bm_text *t, const struct bm_connection *c)
{
	if (c->result != BM_RESULT_FAILED && list_alert(t, c) != BM_OK)
		return BM_NOMEM;
	switch (c->result) {
	case BM_RESULT_UNDECIDED:
		return undecided(t, c);
	case BM_RESULT_VERIFIED:
		t->verified_connections++;
		return t->verbose ? list_connection(&t->verified, c) : BM_OK;
	case BM_RESULT_FAILED:
		break;
	}
	if (t->failed_connections++ == 0) {
		/* Too long a name is no reason to fail: a headline may be cut. */
		const char *version = bm_version_name(c->version);
		if (version != NULL)
			bm_say(&t->headline, "%s, ", version);
		bm_detail_who(&t->headline, c);
		if (c->failure_count != 0 && c->failures[0].summary != NULL)
			bm_say_safe(&t->sentence, c->failures[0].summary);
		if (t->headline.status == BM_NOMEM || t->sentence.status == BM_NOMEM)
			return BM_NOMEM;
	}
	t->reported_only += c->records[0].failed + c->records[1].failed == 0;
	return show_connection(t, &t->failed, c);
}

/* The end of the report goes out at once, by way of a small buffer. */
static void
send(struct bm_lines *l, struct bm_out *o)
{
	bm_out_add(o, l->buf.p, l->buf.n);
	l->buf.n = 0;
}

enum bm_status
bm_text_answer(const struct bm_text *t, const struct bm_summary *s, struct bm_lines *out)
{
	const struct bm_answer_facts facts = {bm_buf_view(&t->headline.buf),
		bm_buf_view(&t->sentence.buf), t->failed_connections, t->reported_only};

	bm_answer(out, &facts, s);
	return out->status;
}

static void
send_section(
	struct section *s, const struct bm_report_logs *logs, struct bm_lines *l, struct bm_out *o)
{
	send(l, o);
	if (l->status == BM_OK)
		l->status = bm_send_marked(&s->lines, &s->marks, logs, o);
	if (s->more == 0)
		return;
	size_t from = l->buf.n;
	bm_say(l, "  and %s more connection%s: too many to show as text, --format json has them all",
		bm_grouped(s->more).s, s->more == 1 ? "" : "s");
	bm_wrap_since(l, from, 4);
	bm_say(l, "\n");
}

static void
send_group(struct group *g, const struct bm_report_logs *logs, struct bm_lines *l, struct bm_out *o)
{
	bm_say(l, "\n");
	bm_style(l, BM_YELLOW);
	bm_say(l, "undecided");
	bm_style(l, BM_PLAIN_STYLE);
	size_t from = l->buf.n;
	bm_say(l, "   %s connection%s, %s record%s: ", bm_grouped(g->connections).s,
		g->connections == 1 ? "" : "s", bm_grouped(g->records).s, g->records == 1 ? "" : "s");
	bm_say_wrapped(l, 9 + l->buf.n - from, 13, g->reason);
	bm_say(l, "\n");
	send(l, o);
	send(&g->example, o);
	send(&g->next, o);
	if (g->without_keys != 0) {
		from = l->buf.n;
		bm_say(l, "  next     give secrets with -k: a key log (SSLKEYLOGFILE) of either side");
		if (g->rsa != 0 && g->connections == 1)
			bm_say(l, ", or the server's RSA private key");
		else if (g->rsa != 0)
			bm_say(l, ", or for %s of them the server's RSA private key",
				g->rsa == g->connections ? "all" : bm_grouped(g->rsa).s);
		bm_wrap_since(l, from, 13);
		bm_say(l, "\n");
	}
	send_section(&g->list, logs, l, o);
}

static void
tell_redaction(struct bm_lines *l, enum bm_redaction level)
{
	if (level == BM_REDACT_NOTHING)
		return;
	bm_say(l, "\n");
	size_t from = l->buf.n;
	bm_style(l, BM_YELLOW);
	bm_say(l, "redacted");
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, "    addresses and names stand for others%s (--redact %s)",
		level == BM_REDACT_ALL ? ", times begin in 2000" : "", bm_redaction_id(level));
	bm_wrap_since(l, from, 13);
	bm_say(l, "\n");
}

enum bm_status
bm_text_finish(struct bm_text *t, const struct bm_summary *s, enum bm_redaction level,
	const struct bm_report_logs *logs, struct bm_out *o)
{
	struct bm_lines l = {.buf = {.max = 4 * HEADLINE}, .color = t->color, .columns = t->columns};

	(void)bm_text_answer(t, s, &l);
	send_section(&t->failed, logs, &l, o);
	for (size_t i = 0; i < t->group_count; i++)
		send_group(&t->groups[i], logs, &l, o);
	if (t->alerts.lines.buf.n != 0) {
		bm_say(&l, "\n");
		bm_style(&l, BM_YELLOW);
		bm_say(&l, "alerts");
		bm_style(&l, BM_PLAIN_STYLE);
		bm_say(&l, "      that ended connections without a failed record\n");
		send_section(&t->alerts, logs, &l, o);
	}
	if (t->verified_connections != 0 &&
		(t->failed_connections != 0 || t->undecided_connections != 0 || t->verbose)) {
		bm_say(&l, "\n");
		bm_style(&l, BM_GREEN);
		bm_say(&l, "verified");
		bm_style(&l, BM_PLAIN_STYLE);
		bm_say(&l, "    %s connection%s\n", bm_grouped(t->verified_connections).s,
			t->verified_connections == 1 ? "" : "s");
		send_section(&t->verified, logs, &l, o);
	}
	send(&l, o);
	if (l.status == BM_OK && logs != NULL)
		l.status = bm_send_rest(&l, t->verbose, logs, o);
	tell_redaction(&l, level);
	send(&l, o);
	bm_buf_clear(&l.buf);
	return l.status;
}
