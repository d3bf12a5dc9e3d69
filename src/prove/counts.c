/* How many records verify, fail and cannot be checked: of a connection, and of all together.
 * Refuses to know why any of them fails. */
#include "prove/internal.h"

#include <stdio.h>

/* Records that failed and were not judged may be told of as undecided, and where no keys were, one
 * that is known to be bad as failed: how far is looked at below. */
static bool
counts_are(const struct bm_tally *t, const struct badmac_counts *c)
{
	return t->verified == c->verified && t->plaintext == c->plaintext &&
		   t->failed + t->undecided == c->failed + c->undecided;
}

static bool
are_as_many(const struct bm_tally *t, const struct badmac_counts *c)
{
	return t->plaintext == c->plaintext &&
		   t->verified + t->failed + t->undecided == c->verified + c->failed + c->undecided;
}

/* More is undecided here than the report says, as where keys are lacking, and that may be all that
 * differs. */
static bool
may_be(const struct bm_tally *t, const struct badmac_counts *c)
{
	return t->undecided > c->undecided && t->verified <= c->verified && t->failed <= c->failed &&
		   are_as_many(t, c);
}

/* And the other way round: its maker may have had fewer keys, or less memory. */
static bool
may_have_been(const struct judge *j, const struct bm_tally *t, const struct badmac_counts *c)
{
	if (j->conn->keys == BADMAC_KEYS_NONE && j->flow->known.facts.source != BM_SOURCE_NONE)
		return true;
	return j->conn->capture_gaps > j->flow->known.facts.gaps && c->verified <= t->verified;
}

/* One proof is not to count for two. */
static bool
is_told_before(const struct badmac_claimed_connection *c, size_t nth)
{
	const struct badmac_claim *a = &c->failures[nth];

	for (size_t i = 0; i < nth; i++) {
		const struct badmac_claim *b = &c->failures[i];
		if (a->stream_offset != BADMAC_UNKNOWN && a->stream_offset == b->stream_offset &&
			a->direction == b->direction && strcmp(a->cause, b->cause) == 0)
			return true;
	}
	return false;
}

/* How many of those that failed here may be told of as undecided, and the other way round. */
static void
restatements(const struct judge *j, unsigned direction, uint64_t *fewer, uint64_t *more)
{
	const struct known *k = &j->flow->known;

	*fewer = *more = 0;
	for (size_t i = 0; i < k->case_count; i++) {
		const struct known_case *c = &k->cases[i];
		if (c->direction != direction)
			continue;
		if (c->kind == BM_CASE_BAD_RECORD)
			/* Perhaps of another epoch, or under keys that are in doubt. */
			*fewer += (c->at_start && !c->complained) || c->only_one;
		else
			++*more;
	}
}

/* False: it was decided. */
static bool
judge_failed(struct judge *j, unsigned d)
{
	static const char *const from[] = {"the client", "the server"};
	const struct bm_tally *t = &j->flow->tally[d];
	const struct badmac_counts *c = &j->conn->records[d];
	uint64_t fewer, more;

	restatements(j, d, &fewer, &more);
	/* Other captures can show that a record is bad which no key opens. */
	if (c->failed > t->failed + more && !j->p->several) {
		bool open = whole_lacks_keys(j);
		step_decides(j, open ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "counts",
			"%llu records of %s fail, and the report says %llu", ull(t->failed), from[d],
			ull(c->failed));
		return false;
	}
	if (c->failed + fewer < t->failed) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "counts",
			"%llu records of %s fail, of which the report calls %llu undecided", ull(t->failed),
			from[d], ull(t->failed - c->failed));
		return false;
	}
	return true;
}

void
judge_counts(struct judge *j)
{
	static const char *const from[] = {"the client", "the server"};

	for (size_t i = 0; i < j->conn->failure_count; i++)
		if (is_told_before(j->conn, i)) {
			step_decides(j, BADMAC_DOES_NOT_HOLD, "counts",
				"failure %zu is told of before: one failure is one", i);
			return;
		}
	for (unsigned d = 0; d < 2; d++) {
		const struct bm_tally *t = &j->flow->tally[d];
		const struct badmac_counts *c = &j->conn->records[d];
		if (!counts_are(t, c)) {
			bool open = may_be(t, c), before = may_have_been(j, t, c);
			step_decides(j, open || before ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD,
				"counts",
				"of %s %llu records verify, %llu fail, %llu are undecided and %llu in the clear; "
				"the report says %llu, %llu, %llu, %llu%s",
				from[d], ull(t->verified), ull(t->failed), ull(t->undecided), ull(t->plaintext),
				ull(c->verified), ull(c->failed), ull(c->undecided), ull(c->plaintext),
				open     ? "; keys or packets are lacking"
				: before ? "; it was made with fewer keys, or less memory"
						 : "");
			return;
		}
		if (!judge_failed(j, d))
			return;
	}
	const struct known *k = &j->flow->known;
	uint64_t after = k->facts.tally[0].after_close + k->facts.tally[1].after_close;
	if (j->conn->records_after_close != BADMAC_UNKNOWN && j->conn->records_after_close != after) {
		bool open = whole_keys_differ(j);
		step_decides(j, open ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "counts",
			"%llu records stand behind close_notify, and the report says %llu", ull(after),
			ull(j->conn->records_after_close));
		return;
	}
	step_passes(
		j, "counts", "as many records verify, fail and are in the clear as the report says");
}

/* -- all together ------------------------------------------------------------------------ */

/* What was read, of captures of one place; NULL: as the report says. */
static const char *
wrong_frames(const struct bm_prove *p, char *line, size_t n)
{
	const struct badmac_claims *c = p->claims;

	if (p->packets == c->packets && p->bytes == c->bytes && p->undecoded == c->undecoded)
		return NULL;
	(void)snprintf(line, n,
		"the captures hold %llu packets with %llu bytes, of which %llu cannot be decoded, and the "
		"report speaks of %llu, %llu and %llu",
		ull(p->packets), ull(p->bytes), ull(p->undecoded), ull(c->packets), ull(c->bytes),
		ull(c->undecoded));
	return line;
}

static bool
was_without_keys(const struct bm_prove *p)
{
	for (size_t i = 0; i < p->claims->connection_count; i++)
		for (const struct bm_proved_flow *v = p->flows[i]; v != NULL; v = v->next)
			if (v->tls && v->claimed->keys == BADMAC_KEYS_NONE &&
				v->known.facts.source != BM_SOURCE_NONE)
				return true;
	return false;
}

/* Of captures of several places a connection is told of once, and which view it is does not show.
 */
static void
judge_sums(struct judge *j, bool others)
{
	struct bm_prove *p = j->p;
	const struct badmac_claims *c = p->claims;
	bool open = others || may_be(&p->tally, &c->records) || was_without_keys(p);
	enum badmac_verdict wrong = others ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD;
	char line[300];

	if (p->several)
		step_passes(j, "summary", "not compared: the captures are of several places");
	else if (c->seen_elsewhere != 0)
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "summary",
			"the report is of captures of several places, and those given are of one");
	else if (wrong_frames(p, line, sizeof line) != NULL)
		step_decides(j, wrong, "summary", "%s%s", line,
			others ? ": they are others than it was made of, or not all" : "");
	else if (p->connections != c->connection_count)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "summary",
			"the captures hold %llu connections with TLS, and the report tells of %zu",
			ull(p->connections), c->connection_count);
	else if (!counts_are(&p->tally, &c->records))
		step_decides(j, open ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "summary",
			"%llu records verify, %llu do not, in all; the report says %llu and %llu",
			ull(p->tally.verified), ull(p->tally.failed + p->tally.undecided),
			ull(c->records.verified), ull(c->records.failed + c->records.undecided));
	else if (c->records_after_close != BADMAC_UNKNOWN &&
			 p->tally.after_close != c->records_after_close)
		step_decides(j, open ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "summary",
			"%llu records stand behind close_notify, and the report says %llu",
			ull(p->tally.after_close), ull(c->records_after_close));
	else
		step_passes(j, "summary", "%llu packets, %zu connection%s and %llu records that verify",
			ull(p->packets), c->connection_count, c->connection_count == 1 ? "" : "s",
			ull(p->tally.verified));
}

/* The report's own sums: of what it tells of connections. */
static void
judge_added(struct judge *j)
{
	const struct badmac_claims *c = j->p->claims;
	struct badmac_counts sum = {0, 0, 0, 0};
	uint64_t after = 0;
	enum badmac_result worst = BADMAC_VERIFIED;
	const char *what = NULL;

	for (size_t i = 0; i < c->connection_count; i++) {
		const struct badmac_claimed_connection *x = &c->connections[i];
		for (unsigned d = 0; d < 2; d++) {
			sum.verified += x->records[d].verified;
			sum.failed += x->records[d].failed;
			sum.undecided += x->records[d].undecided;
			sum.plaintext += x->records[d].plaintext;
		}
		after += x->records_after_close;
		if (x->result == BADMAC_FAILED || worst == BADMAC_VERIFIED)
			worst = x->result;
	}
	if (c->connection_count == 0 && j->p->cut_hello)
		worst = BADMAC_UNDECIDED;
	if (c->connections_told != c->connection_count)
		what = "so many connections as it counts";
	else if (sum.verified != c->records.verified || sum.failed != c->records.failed ||
			 sum.undecided != c->records.undecided || sum.plaintext != c->records.plaintext)
		what = "the counts of records";
	else if (c->records_after_close != BADMAC_UNKNOWN && after != c->records_after_close)
		what = "the records behind close_notify";
	else if (worst != c->result)
		what = "the result";
	if (what != NULL)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "result",
			"what the summary says differs from what the report tells of connections: %s", what);
	else
		step_passes(j, "result", "the summary is what comes of the connections");
}

void
judge_summary(struct judge *j, bool others)
{
	judge_added(j);
	if (!j->decided)
		judge_sums(j, others);
}
