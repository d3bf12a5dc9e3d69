/* Takes what was found to the chosen kind of report. Refuses to know how it was found. */
#include "explain/report.h"
#include "explain/redact.h"

#include <stdlib.h>

const char *
bm_incident_way(const struct bm_incident *i)
{
	return i->detected == BM_BY_LOCAL ? "received" : i->detected == BM_BY_PEER ? "sent" : NULL;
}

const char *
bm_incident_direction(const struct bm_incident *i)
{
	enum bm_role role = bm_incident_role(i);

	if (i->detected == BM_BY_UNKNOWN || role == BM_ROLE_UNKNOWN)
		return NULL;
	bool by_client = (role == BM_ROLE_CLIENT) == (i->detected == BM_BY_LOCAL);
	return by_client ? "server_to_client" : "client_to_server";
}

const char *
bm_rule_name(const struct bm_rule *r)
{
	return r == NULL ? NULL : r->name != NULL ? r->name : r->id;
}

const char *
bm_quote_text(const struct bm_quote *q)
{
	return q->shown != NULL ? q->shown : q->text;
}

static enum bm_status
write_report(const struct bm_told *t, const struct bm_explain_options *o)
{
	struct bm_out *out = calloc(1, sizeof *out);

	if (out == NULL)
		return BM_NOMEM;
	out->write = o->write;
	out->ctx = o->write_ctx;
	enum bm_status st = o->json ? bm_explain_json(t, out) : bm_explain_text(t, out, o);
	bm_out_flush(out);
	if (st == BM_OK && out->failed)
		st = BM_IO;
	free(out);
	return st;
}

enum bm_status
bm_explain_report(struct bm_explain *x, const struct bm_explain_options *o)
{
	struct bm_told t = {.explain = x, .level = bm_redact_level(o->redact)};
	struct bm_arena words = {.max = 64 << 20};
	struct bm_incident *hidden = NULL;
	enum bm_status st = BM_OK;

	t.incidents = bm_gather_incidents(bm_explain_gather(x), &t.incident_count);
	if (o->redact != NULL) {
		st = bm_incidents_redact(t.incidents, t.incident_count, o->redact, &words, &hidden);
		if (st == BM_OK)
			st = bm_rules_redact(bm_explain_rules(x), o->redact);
		t.incidents = hidden;
	}
	if (st == BM_OK)
		st = write_report(&t, o);
	free(hidden);
	bm_arena_clear(&words);
	return st;
}
