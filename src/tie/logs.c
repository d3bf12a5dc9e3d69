/* Reads logs and keeps each occurrence that they tell of. Refuses to know captures. */
#include "tie/internal.h"

#include "explain/evidence.h"

enum bm_status
bm_tie_rules(struct bm_tie *t, const char *name, struct bm_view text, struct bm_rules_error *e)
{
	*e = (struct bm_rules_error){.line = 0};
	if (t->sealed)
		return BM_USAGE;
	return bm_rules_read(t->rules, name, text, e);
}

static const char *
keep(struct bm_tie *t, const char *text)
{
	const char *copy = bm_arena_print(&t->arena, "%s", text);

	if (copy == NULL)
		t->status = BM_NOMEM;
	return copy;
}

static void
keep_incident(struct bm_tie *t, struct tie_incident *o, const struct bm_incident *i)
{
	const struct bm_trace_facts *f = &i->trace;

	*o = (struct tie_incident){.log = t->log_count - 1,
		.first_line = i->first_line,
		.last_line = i->last_line,
		.event = i->event,
		.stack = i->stack,
		.program = i->program,
		.detected = i->detected,
		.stage = i->stage,
		.role = f->known && !f->role_shown ? BM_ROLE_UNKNOWN : bm_incident_role(i),
		.doubtful = bm_incident_is_doubtful(i),
		.known_suite = i->known_suite,
		.time = i->first_time,
		.clues = i->clues};
	memcpy(o->version, i->version, sizeof o->version);
	memcpy(o->suite, i->suite, sizeof o->suite);
	/* Records of TLS 1.3 say that they are of TLS 1.2 (RFC 8446, section 5.1). */
	if (f->known && f->modern && !f->negotiated && strcmp(o->version, "TLS 1.2") == 0)
		o->version[0] = '\0';
	if (o->time.text[0] == '\0')
		o->time = i->clock;
	if (f->known && f->has_client_random && !o->clues.has_random) {
		memcpy(o->clues.random, f->client_random, sizeof o->clues.random);
		o->clues.has_random = o->random_of_thread = true;
	}
	/* Lengths of what was received say something of what failed only where this end checked it. */
	if (f->known && i->detected == BM_BY_LOCAL && f->last_read == JSSE_CONTENT_APPLICATION) {
		o->length_count = f->read_length_count;
		memcpy(o->lengths, f->read_lengths, sizeof o->lengths);
		t->want_lengths = t->want_lengths || o->length_count != 0;
	}
	/* Whose log it is may be a guess there, which is no ground. */
	struct bm_incident told = *i;
	told.trace.role = o->role;
	o->headline = bm_headline(&t->arena, &told);
	o->quote = keep(t, i->quote_count != 0 ? i->quotes[0].text : "");
	o->thread = f->known && f->thread[0] != '\0' ? keep(t, f->thread) : NULL;
	if (o->headline == NULL)
		t->status = BM_NOMEM;
}

static void
on_occurrence(void *ctx, const struct bm_incident *i)
{
	struct bm_tie *t = ctx;
	struct tie_log *log = &t->logs[t->log_count - 1];
	void *items = t->incidents;

	if (t->incident_count == BM_TIE_INCIDENTS) {
		log->left_out++;
		return;
	}
	enum bm_status st = bm_grow(
		&items, &t->incident_cap, t->incident_count + 1, BM_TIE_INCIDENTS, sizeof *t->incidents);
	t->incidents = items;
	if (st != BM_OK) {
		t->status = st;
		return;
	}
	keep_incident(t, &t->incidents[t->incident_count++], i);
	log->count++;
}

/* The log that is being read is over. */
static enum bm_status
end_log(struct bm_tie *t)
{
	struct bm_explain_summary s;

	if (t->reading == NULL)
		return BM_OK;
	struct tie_log *log = &t->logs[t->log_count - 1];
	enum bm_status st = bm_explain_end(t->reading);
	bm_explain_summary(t->reading, &s);
	log->lines = s.lines;
	log->bytes = s.bytes;
	log->secrets = s.secrets;
	bm_explain_free(t->reading);
	t->reading = NULL;
	return st != BM_OK ? st : t->status;
}

enum bm_status
bm_tie_log(struct bm_tie *t, const char *name, struct bm_keyring *keys, const char **file,
	struct bm_rules_error *e)
{
	*e = (struct bm_rules_error){.line = 0};
	*file = NULL;
	enum bm_status st = end_log(t);
	if (st == BM_OK && !t->sealed)
		st = bm_rules_seal(t->rules, file, e);
	if (st != BM_OK)
		return st;
	t->sealed = true;
	void *items = t->logs;
	st = bm_grow(&items, &t->log_cap, t->log_count + 1, BM_TIE_LOGS, sizeof *t->logs);
	t->logs = items;
	if (st != BM_OK)
		return st;
	struct tie_log *log = &t->logs[t->log_count];
	*log =
		(struct tie_log){.name = bm_arena_print(&t->arena, "%s", name), .first = t->incident_count};
	if (log->name == NULL)
		return BM_NOMEM;
	st = bm_explain_new(&t->reading, t->rules, keys);
	if (st != BM_OK)
		return st;
	t->log_count++;
	bm_explain_watch(t->reading, on_occurrence, t);
	return BM_OK;
}

enum bm_status
bm_tie_feed(struct bm_tie *t, struct bm_view bytes)
{
	if (t->reading == NULL)
		return BM_USAGE;
	enum bm_status st = bm_explain_feed(t->reading, bytes);
	return st != BM_OK ? st : t->status;
}

enum bm_status
bm_tie_logs_end(struct bm_tie *t)
{
	return end_log(t);
}
