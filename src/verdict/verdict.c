/* From a session and the findings about its failures to the model of one connection. */
#include "verdict/verdict.h"

bool
bm_verdict_add_detail(struct bm_connection *out, const char *line, struct bm_arena *a)
{
	if (line == NULL)
		return true;
	out->undecided_detail = out->undecided_detail == NULL
								? line
								: bm_arena_print(a, "%s; %s", out->undecided_detail, line);
	return out->undecided_detail != NULL;
}

static bool
is_failure(const struct bm_failure *f)
{
	/* Key material that does not fit says nothing about the endpoints, and neither does a rule that
	 * both of them go by. */
	return !((f->cause == BM_CAUSE_WRONG_KEYS || f->cause == BM_CAUSE_MAC_CONSTRUCTION) &&
			 f->at_fault_count == 1 && f->at_fault[0] == BM_PARTY_CONFIGURATION);
}

/* Before the first record that verifies in a connection that was joined in the middle: unless it is
 * shown what is wrong with it, or its receiver said so, it may be of another epoch. */
static bool
is_guess(const struct bm_case *c, const struct bm_failure *f)
{
	return c->at_start && c->kind == BM_CASE_BAD_RECORD && c->alert_packet == 0 &&
		   f->confidence != BM_PROVEN;
}

static void
fill_facts(
	const struct bm_session *s, const struct bm_verdict_options *o, struct bm_connection *out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	const struct bm_flow *flow = bm_session_flow(s);

	out->capture = o->capture;
	out->pieces = o->pieces != NULL && o->pieces->n > 1 ? o->pieces : NULL;
	out->also_in = o->also_in;
	out->also_in_count = o->also_in_count;
	out->transport = bm_flow_transport(flow);
	out->client = *bm_flow_source(flow, f->client_way);
	out->server = *bm_flow_source(flow, (enum bm_way)(1 - f->client_way));
	out->first_ts_ns = bm_flow_first_ts(flow);
	out->last_ts_ns = bm_flow_last_ts(flow);
	out->version = f->version;
	out->has_suite = f->has_suite;
	out->suite = f->suite_id;
	out->has_client_random = f->has_client_random;
	memcpy(out->client_random, f->client_random, sizeof out->client_random);
	out->resumed = f->resumed;
	out->keys = f->source;
	out->capture_gaps = f->gaps;
	out->extended_master_secret = f->extended_master_secret;
	out->encrypt_then_mac = f->encrypt_then_mac;
	out->truncated_hmac = f->truncated_hmac;
	out->max_fragment_length = f->max_fragment_length;
	out->record_size_limit = f->record_size_limit;
	out->compression = f->compression;
	for (unsigned d = 0; d < 2; d++)
		out->records[d] = (struct bm_record_counts){f->tally[d].verified, f->tally[d].failed,
			f->tally[d].undecided, f->tally[d].plaintext, f->tally[d].after_close};
}

/* The record at off is what it was not counted as. */
static void
restate(struct bm_connection *out, struct bm_restatements *later, unsigned direction, uint64_t off,
	enum bm_judgement to)
{
	struct bm_record_counts *n = &out->records[direction];

	*(to == BM_JUDGED_FAILED ? &n->undecided : &n->failed) -= 1;
	*(to == BM_JUDGED_FAILED ? &n->failed : &n->undecided) += 1;
	later->item[later->n++] = (struct bm_restated){direction, off, to};
}

static bool
fill_alerts(const struct bm_session *s, struct bm_arena *arena, struct bm_connection *out)
{
	size_t n;
	const struct bm_alert_seen *seen = bm_session_alerts(s, &n);
	struct bm_alert *a = bm_arena_take(arena, n, sizeof *a);

	if (a == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		a[i] = (struct bm_alert){seen[i].direction, seen[i].level, seen[i].description,
			seen[i].packet, seen[i].encrypted, seen[i].stale};
	out->alerts = a;
	out->alert_count = n;
	return true;
}

/* What the failures of a connection come to. */
struct outcome {
	bool any;           /* something was seen */
	bool failed;        /* and it is a failure */
	bool by_other_rule; /* all of an epoch verifies by another rule */
	bool doubtful;      /* whether keys fit */
	struct bm_restatements later;
	struct bm_failure *failures;
};

/* A failure that is told of. */
static void
count_failure(const struct bm_case *c, const struct bm_failure *g, struct bm_connection *out,
	struct outcome *all)
{
	all->any = true;
	all->failed = all->failed || is_failure(g);
	if (c->no_keys && c->kind != BM_CASE_DIFFERS && g->stream_offset != BM_UNKNOWN &&
		out->records[g->direction].undecided != 0) {
		/* The record that is named could not be checked, and is known to be bad. */
		restate(out, &all->later, g->direction, g->stream_offset, BM_JUDGED_FAILED);
	}
	if (c->kind == BM_CASE_BAD_RECORD && !is_failure(g)) {
		/* A record whose keys are in doubt is undecided. */
		restate(out, &all->later, c->direction, c->off, BM_JUDGED_UNDECIDED);
		all->doubtful = true;
	}
	all->by_other_rule = all->by_other_rule ||
						 (c->kind == BM_CASE_NO_KEYS_FIT && g->cause == BM_CAUSE_MAC_CONSTRUCTION);
}

static enum bm_status
fill_failures(const struct bm_session *s, const struct bm_verdict_options *o,
	struct bm_scratch *scratch, struct bm_arena *arena, struct bm_connection *out,
	struct outcome *all)
{
	size_t n;
	const struct bm_case *cases = bm_session_cases(s, &n);
	struct bm_failure *failures = bm_arena_take(arena, n, sizeof *failures);

	all->later.item = bm_arena_take(arena, 2 * n, sizeof *all->later.item);
	if (failures == NULL || all->later.item == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct bm_failure *g = &failures[out->failure_count];
		bool shown = true;
		enum bm_status st = bm_verdict_failure(s, &cases[i], o, out, scratch, arena, g, &shown);
		if (st != BM_OK)
			return st;
		if (!shown)
			continue;
		if (is_guess(&cases[i], g)) {
			restate(out, &all->later, cases[i].direction, cases[i].off, BM_JUDGED_UNDECIDED);
			memset(g, 0, sizeof *g);
			continue;
		}
		out->failure_count++;
		count_failure(&cases[i], g, out, all);
	}
	out->failures = all->failures = failures;
	return BM_OK;
}

/* The result, and what is said where it is undecided. */
static bool
conclude(const struct bm_session *s, const struct outcome *all, struct bm_arena *arena,
	struct bm_connection *out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	uint64_t undecided = out->records[0].undecided + out->records[1].undecided;

	if (undecided != 0 && f->source == BM_SOURCE_NONE && !all->any) {
		const char *unread;
		if (!bm_verdict_unread(s, arena, &unread) || !bm_verdict_add_detail(out, unread, arena))
			return false;
	}
	if (all->failed || out->records[0].failed + out->records[1].failed != 0)
		out->result = BM_RESULT_FAILED;
	else if (undecided != 0 || all->any)
		out->result = BM_RESULT_UNDECIDED;
	else
		out->result = BM_RESULT_VERIFIED;
	if (undecided == 0 && out->result != BM_RESULT_UNDECIDED) {
		out->undecided_because = out->undecided_detail = out->undecided_next = NULL;
		out->undecided_wants_keys = false;
	}
	if (out->undecided_because != NULL && all->doubtful)
		out->undecided_because =
			"its only protected record does not verify under the keys that were found";
	if (out->undecided_because != NULL && f->keys_wrong && all->by_other_rule)
		out->undecided_because =
			"its records verify by another rule for the MAC than the one that was negotiated";
	return true;
}

enum bm_status
bm_verdict(const struct bm_session *s, const struct bm_verdict_options *o,
	struct bm_scratch *scratch, struct bm_arena *arena, struct bm_connection *out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	struct outcome all = {.any = false};
	enum bm_status st = BM_OK;
	size_t n;

	memset(out, 0, sizeof *out);
	fill_facts(s, o, out);
	if (f->server_name[0] != '\0') {
		out->server_name = bm_arena_print(arena, "%s", f->server_name);
		if (out->server_name == NULL)
			return BM_NOMEM;
	}
	if (!fill_alerts(s, arena, out))
		return BM_NOMEM;
	(void)bm_session_cases(s, &n);
	/* What would settle it is advice for failures too. */
	if (out->records[0].undecided + out->records[1].undecided != 0 || n != 0)
		st = bm_verdict_undecided(s, o, arena, out);
	if (st == BM_OK)
		st = fill_failures(s, o, scratch, arena, out, &all);
	if (st != BM_OK)
		return st;
	if (!conclude(s, &all, arena, out))
		return BM_NOMEM;
	if (o->detail == BM_DETAIL_ALL ||
		(o->detail == BM_DETAIL_TROUBLED && out->result != BM_RESULT_VERIFIED)) {
		out->course = bm_verdict_course(bm_session_timeline(s), &all.later, arena);
		if (out->course == NULL)
			return BM_NOMEM;
	}
	return bm_verdict_pieces(out, all.failures, arena);
}
