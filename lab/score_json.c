/* The score for programs, badmac.lab-score.v1. Refuses to know how it came about. */
#include "lab/score.h"

#include "tls/record.h"

static const char *const causes[] = {
	[LAB_CAUSE_WRONG] = "wrong", [LAB_CAUSE_RIGHT] = "right", [LAB_CAUSE_ALIKE] = "as right"};
static const char *const repairs[] = {[LAB_NOTHING_TO_REPAIR] = "nothing to repair",
	[LAB_REPAIRED] = "repaired",
	[LAB_NOT_REPAIRED] = "not repaired",
	[LAB_MISREPAIRED] = "wrong"};
static const char *const parties[] = {
	[LAB_PARTY_OUT] = "missing", [LAB_PARTY_IN] = "named", [LAB_PARTY_FIRST] = "first"};
static const char *const confidences[] = {
	[LAB_POSSIBLE] = "possible", [LAB_SUPPORTED] = "supported", [LAB_PROVEN] = "proven"};
static const char *const states[] = {
	[LAB_NOT_RUN] = "not run", [LAB_NOT_PUT] = "not put in", [LAB_JUDGED] = "judged"};
static const char *const views[LAB_VIEWS] = {"receiver", "both", "sender"};

static json_t *
answer_of(const struct lab_answer *a, enum lab_view v)
{
	const char *told = a->told[0] != '\0' ? a->told : NULL;

	if (v == LAB_AT_SENDER)
		return json_pack("{s:s?, s:b, s:b, s:s}", "told", told, "right", a->right,
			"proven_and_wrong", a->proven_and_wrong, "problem", a->problem);
	return json_pack("{s:s?, s:s, s:b, s:s, s:s, s:s, s:b, s:b, s:s}", "told", told, "cause",
		causes[a->cause], "located", a->located, "octets", repairs[a->repair], "party",
		parties[a->party], "confidence", confidences[a->confidence], "right", a->right,
		"proven_and_wrong", a->proven_and_wrong, "problem", a->problem);
}

static json_t *
run_of(const struct lab_score *s, size_t i)
{
	const struct lab_case *c = &s->matrix->cases[i];
	const struct lab_result *r = &s->results[i];
	bool judged = r->state == LAB_JUDGED;
	char command[LAB_CASE_TEXT];

	lab_case_command(c, command);
	json_t *o = json_pack("{s:I, s:s, s:s?, s:s, s:s, s:s?, s:b, s:s, s:s, s:s, s:s, s:s?, s:b}",
		"number", (json_int_t)i, "fault", c->fault->cause, "how", c->fault->ways[c->how],
		"direction", c->direction == LAB_C2S ? "client_to_server" : "server_to_client", "version",
		bm_version_name(c->version), "cipher_suite", c->suite != NULL ? c->suite->name : NULL,
		"no_etm", c->no_etm, "server", c->server->name, "client", c->client->name, "command",
		command, "state", states[r->state], "because", judged ? NULL : r->why, "right",
		judged && r->right);
	for (size_t v = 0; v < LAB_VIEWS; v++) {
		json_t *answer = r->judged[v] ? answer_of(&r->answer[v], (enum lab_view)v) : json_null();
		if (json_object_set_new(o, views[v], answer) != 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

bool
lab_score_json(const struct lab_score *s, FILE *out)
{
	json_t *runs = json_array(), *gaps = json_array();
	bool good = true;

	for (size_t i = 0; i < s->matrix->n; i++)
		good = json_array_append_new(runs, run_of(s, i)) == 0 && good;
	for (size_t i = 0; i < s->matrix->gap_count; i++) {
		const struct lab_gap *g = &s->matrix->gaps[i];
		good = json_array_append_new(
				   gaps, json_pack("{s:s, s:s}", "what", g->what, "because", g->why)) == 0 &&
			   good;
	}
	json_t *all =
		json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "schema", "badmac.lab-score.v1",
			"seed", (json_int_t)s->seed, "right", (json_int_t)s->right, "of", (json_int_t)s->runs,
			"not_put_in", (json_int_t)s->not_put, "not_run", (json_int_t)s->not_run,
			"proven_and_wrong", (json_int_t)s->proven_and_wrong, "not_here", gaps, "runs", runs);
	good = good && all != NULL && json_dumpf(all, out, JSON_INDENT(1)) == 0 &&
		   fputc('\n', out) != EOF && fflush(out) == 0;
	json_decref(all);
	return good;
}
