/* Ties as text for people: with each failure the incidents that speak of it, and at the end the
 * logs and the incidents that speak of none. Refuses to know how they were found. */
#include "tie/report.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	LABEL = 11, /* columns */
	OF_A_FAILURE = 6,
	OF_THE_REST = 40, /* unless all is wanted */
	OTHERS = 4        /* further candidates of an incident */
};

static void
line(struct bm_lines *l, const char *label, size_t indent, const char *text)
{
	bm_say(l, "  %-*s", LABEL - 2, label);
	for (size_t k = LABEL; k < indent; k++)
		bm_say(l, " ");
	bm_say_wrapped(l, indent, indent + 2, text);
	bm_say(l, "\n");
}

/* "app.log, line 12 (09:00:00), likely: the client detected it: ..." */
static void
tell_incident(
	struct bm_lines *l, const struct bm_tie *t, const struct tie_incident *i, const char *label)
{
	char where[400];

	(void)snprintf(where, sizeof where, "%s, line %" PRIu64 "%s%s%s, %s: ", t->logs[i->log].name,
		i->first_line, i->time.text[0] != '\0' ? " (" : "", i->time.text,
		i->time.text[0] != '\0' ? ")" : "",
		i->sure == BM_SURE_SEVERAL ? "one of several" : tie_sure_id(i->sure));
	bm_say(l, "  %-*s", LABEL - 2, label);
	struct bm_buf text = {.max = 2048};
	if (bm_buf_add(&text, bm_view(where, strlen(where))) != BM_OK ||
		bm_buf_add(&text, bm_view(i->headline, strlen(i->headline) + 1)) != BM_OK)
		l->status = BM_NOMEM;
	else
		bm_say_wrapped(l, LABEL, LABEL + 2, (const char *)text.p);
	bm_buf_clear(&text);
	bm_say(l, "\n");
}

static void
tell_reasons(struct bm_lines *l, const struct tie_told *told)
{
	for (size_t k = 0; k < told->ground_count; k++)
		line(l, "", LABEL + 2, told->grounds[k].says);
	for (size_t k = 0; k < told->against_count; k++) {
		bm_say(l, "  %-*s  but: ", LABEL - 2, "");
		bm_say_wrapped(l, LABEL + 7, LABEL + 4, told->against[k]);
		bm_say(l, "\n");
	}
}

void
tie_text_failure(const void *tie, struct bm_lines *l, uint64_t connection, size_t nth)
{
	const struct bm_tie *t = tie;
	size_t n;
	const struct tie_mention *m = tie_mentions_of(t, connection, nth, &n);

	if (n == 0)
		line(l, "log", LABEL, "no log that was given tells of it");
	for (size_t k = 0; k < n && k < OF_A_FAILURE; k++) {
		const struct tie_incident *i = &t->incidents[m[k].incident];
		tell_incident(l, t, i, k == 0 ? "log" : "");
		tell_reasons(l, &i->told[m[k].told]);
	}
	if (n > OF_A_FAILURE)
		bm_say(l, "           and %s more (--format json has them all)\n",
			bm_grouped(n - OF_A_FAILURE).s);
}

static bool
is_told_above(const struct tie_incident *i)
{
	for (size_t k = 0; k < i->told_count; k++)
		if (i->told[k].match.failure != TIE_NONE)
			return true;
	return false;
}

static void
tell_log(struct bm_lines *l, const struct bm_tie *t, const struct tie_log *log, bool first)
{
	size_t above = 0;
	size_t from;

	for (size_t k = 0; k < log->count; k++)
		above += is_told_above(&t->incidents[log->first + k]);
	if (first) {
		bm_say(l, "\n");
		from = l->buf.n;
		bm_style(l, BM_YELLOW);
		bm_say(l, "logs");
		bm_style(l, BM_PLAIN_STYLE);
		bm_say(l, "       ");
	} else {
		from = l->buf.n;
		bm_say(l, "           ");
	}
	bm_say_safe(l, log->name);
	bm_say(l, ": %s incident%s in %s line%s, %s of them with a failure above",
		bm_grouped(log->count + log->left_out).s, log->count + log->left_out == 1 ? "" : "s",
		bm_grouped(log->lines).s, log->lines == 1 ? "" : "s", bm_grouped(above).s);
	bm_wrap_since(l, from, LABEL + 2);
	bm_say(l, "\n");
	if (log->left_out != 0)
		bm_say(l, "             %s of them were not compared: there are too many\n",
			bm_grouped(log->left_out).s);
	if (log->clock != NULL && log->count != 0)
		line(l, "", LABEL + 2, log->clock);
	if (log->secrets != 0)
		bm_say(l, "             %s secret%s in it opened what they fit\n",
			bm_grouped(log->secrets).s, log->secrets == 1 ? "" : "s");
}

static void
tell_other(struct bm_lines *l, const struct bm_tie *t, const struct tie_incident *i)
{
	bm_say(l, "\n");
	tell_incident(l, t, i, "log");
	line(l, "", LABEL + 2, i->quote);
	if (i->because != NULL)
		line(l, "", LABEL + 2, i->because);
	for (size_t k = 0; k < i->told_count && k < OTHERS; k++) {
		const struct tie_match *m = &i->told[k].match;
		const struct tie_connection *c = &t->connections[m->connection];
		char client[BM_ADDRESS_TEXT_MAX], server[BM_ADDRESS_TEXT_MAX];
		bm_address_text(&c->client, client);
		bm_address_text(&c->server, server);
		size_t from = l->buf.n;
		bm_say(l, "             connection %" PRIu64 ", %s -> %s%s", c->id, client, server,
			m->complaint                       ? ": the alert that ended it"
			: c->result == BM_RESULT_UNDECIDED ? ": not all of it could be checked"
											   : "");
		bm_wrap_since(l, from, LABEL + 4);
		bm_say(l, "\n");
		tell_reasons(l, &i->told[k]);
	}
	if (i->told_count > OTHERS || i->told_more != 0)
		bm_say(l, "             and %s more\n",
			bm_grouped(i->told_more + (i->told_count > OTHERS ? i->told_count - OTHERS : 0)).s);
}

bool
tie_text_rest(const void *tie, struct bm_lines *l, size_t step, bool verbose)
{
	const struct bm_tie *t = tie;
	size_t shown = verbose || t->rest_count < OF_THE_REST ? t->rest_count : OF_THE_REST;

	if (step < t->log_count) {
		tell_log(l, t, &t->logs[step], step == 0);
		return true;
	}
	step -= t->log_count;
	if (step < shown) {
		tell_other(l, t, &t->incidents[t->rest[step]]);
		return true;
	}
	if (step != shown || shown == t->rest_count)
		return false;
	bm_say(l, "\n           and %s more (--verbose or --format json shows all)\n",
		bm_grouped(t->rest_count - shown).s);
	return true;
}
