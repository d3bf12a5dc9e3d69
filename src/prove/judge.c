/* The steps of a judgement in their order, for every claim; and the counts. Refuses to know what a
 * step looks at. */
#include "prove/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long long
ull(uint64_t n)
{
	return (unsigned long long)n;
}

static const char *
take_step(struct judge *j, const char *id, bool passed, const char *format, va_list ap)
{
	char line[400];

	if (vsnprintf(line, sizeof line, format, ap) < 0)
		line[0] = '\0';
	const char *says = bm_arena_print(&j->p->words, "%s", line);
	if (says == NULL) {
		j->p->status = BM_NOMEM;
		says = "out of memory";
	}
	if (j->step_count < STEPS_MAX)
		j->steps[j->step_count++] = (struct badmac_step){id, says, passed};
	return says;
}

void
step_passes(struct judge *j, const char *id, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)take_step(j, id, true, format, ap);
	va_end(ap);
}

void
step_decides(struct judge *j, enum badmac_verdict verdict, const char *id, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	const char *says = take_step(j, id, false, format, ap);
	va_end(ap);
	j->decided = true;
	j->told.verdict = verdict;
	j->told.step = id;
	j->told.because = says;
}

static void
close_judgement(struct judge *j, struct badmac_judgement *out)
{
	struct badmac_step *steps = bm_arena_copy(
		&j->p->words, bm_view((const uint8_t *)j->steps, j->step_count * sizeof j->steps[0]));

	if (steps == NULL)
		j->p->status = BM_NOMEM;
	j->told.steps = steps;
	j->told.step_count = steps != NULL ? j->step_count : 0;
	*out = j->told;
}

/* What no check can be made of. */
static void
judge_method(struct judge *j)
{
	const struct badmac_claim *c = j->claim;

	if (!c->has_proof)
		step_decides(j, BADMAC_NOT_REPLAYABLE, "method",
			"the report has no proof of it: no check of a record was made");
	else if (!c->has_altered)
		step_decides(j, BADMAC_NOT_REPLAYABLE, "method",
			strcmp(c->method, "repeat-statistics") == 0 || strcmp(c->method, "nonce-count") == 0
				? "it rests on what repeats or counts on, and on no check of a record"
				: "the report does not say what its check was given");
}

static void
judge_claim(struct judge *j)
{
	static void (*const steps[])(struct judge *) = {judge_place, judge_packets, judge_received,
		judge_method, judge_altered, judge_as_captured, judge_verifies, judge_sources, judge_chance,
		judge_checksum};

	j->captured = BM_BAD_TAG;
	/* Where a record stands in a datagram is told of proofs alone. */
	if (j->flow->dtls)
		judge_method(j);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !j->decided; i++) {
		/* Without a record to look at there are its direction's keys all the same. */
		if (steps[i] == judge_chance && j->tag_len == 0) {
			const struct key_set *k =
				flow_keys(j->flow, j->claim->direction, j->claim->altered.epoch, 0);
			j->tag_len = k != NULL ? check_tag_len(&k->keys) : 0;
		}
		steps[i](j);
	}
	free(j->room);
	j->room = NULL;
}

/* -- counts ---------------------------------------------------------------------------- */

/* Records that failed and were not judged may be told of as undecided: both are one here. Where
 * nothing is said to have failed, nothing has. */
static bool
counts_are(const struct bm_tally *t, const struct badmac_counts *c)
{
	return t->verified == c->verified && t->plaintext == c->plaintext &&
		   t->failed + t->undecided == c->failed + c->undecided;
}

/* More is undecided here than the report says, as where keys are lacking, and that may be all that
 * differs. */
static bool
may_be(const struct bm_tally *t, const struct badmac_counts *c)
{
	return t->undecided > c->undecided && t->verified <= c->verified && t->failed <= c->failed &&
		   t->plaintext == c->plaintext &&
		   t->verified + t->failed + t->undecided == c->verified + c->failed + c->undecided;
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

static void
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
			bool open = may_be(t, c);
			step_decides(j, open ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "counts",
				"of %s %llu records verify, %llu fail, %llu are undecided and %llu in the clear; "
				"the report says %llu, %llu, %llu, %llu%s",
				from[d], ull(t->verified), ull(t->failed), ull(t->undecided), ull(t->plaintext),
				ull(c->verified), ull(c->failed), ull(c->undecided), ull(c->plaintext),
				open ? "; keys or packets are lacking" : "");
			return;
		}
		if (j->conn->failure_count == 0 && (c->failed != 0 || t->failed != 0)) {
			/* One that was not judged may be told of as undecided, and nothing shows that it was
			 * not.
			 */
			step_decides(j,
				c->failed != 0 || t->failed > c->undecided ? BADMAC_DOES_NOT_HOLD
														   : BADMAC_CANNOT_BE_CHECKED,
				"counts", "records of %s fail, and the report tells of no failure", from[d]);
			return;
		}
	}
	step_passes(
		j, "counts", "as many records verify, fail and are in the clear as the report says");
}

/* -- which flow ------------------------------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *last = strrchr(path, '/');

	return last != NULL ? last + 1 : path;
}

/* 2: of the capture that the report names; 1: of one with that file's name; 0: of another. */
static int
nearness(const struct bm_proved_flow *v, const struct badmac_claimed_connection *c)
{
	if (c->capture == NULL || v->site == NULL)
		return 0;
	if (strcmp(v->site, c->capture) == 0)
		return 2;
	return strcmp(base_name(v->site), base_name(c->capture)) == 0;
}

static int
nearest(const struct bm_prove *p, size_t index)
{
	int best = -1;

	for (const struct bm_proved_flow *v = p->flows[index]; v != NULL; v = v->next)
		if (v->tls && nearness(v, v->claimed) > best)
			best = nearness(v, v->claimed);
	return best;
}

static bool
is_better(const struct badmac_judgement *a, const struct badmac_judgement *b)
{
	if ((a->verdict == BADMAC_HOLDS) != (b->verdict == BADMAC_HOLDS))
		return a->verdict == BADMAC_HOLDS;
	return a->step_count > b->step_count;
}

/* The nth failure of a connection, or, of BADMAC_WHOLE, its counts: of the views that are as near
 * as any, the one that says most for it. */
static void
judge_nearest(struct bm_prove *p, size_t index, size_t nth, struct badmac_judgement *out)
{
	const struct badmac_claimed_connection *c = &p->claims->connections[index];
	int near = nearest(p, index);
	bool any = false;

	for (const struct bm_proved_flow *v = p->flows[index]; v != NULL; v = v->next) {
		struct judge j = {.p = p, .conn = c, .flow = v};
		struct badmac_judgement told;
		if (!v->tls || nearness(v, c) != near)
			continue;
		if (nth != BADMAC_WHOLE) {
			j.claim = &c->failures[nth];
			j.part = &v->parts[nth];
			judge_claim(&j);
		} else {
			judge_counts(&j);
		}
		close_judgement(&j, &told);
		if (!any || is_better(&told, out))
			*out = told;
		any = true;
	}
	if (any)
		return;
	struct judge j = {.p = p};
	step_decides(&j, BADMAC_CANNOT_BE_CHECKED, "connection",
		"no connection of these addresses and this client random is in the captures");
	close_judgement(&j, out);
}

static bool
lacks_connections(const struct bm_prove *p)
{
	for (size_t i = 0; i < p->claims->connection_count; i++)
		if (nearest(p, i) < 0)
			return true;
	return false;
}

/* Of captures of several places a connection is told of once, and which view it is does not show.
 */
static void
judge_summary(struct bm_prove *p, bool several)
{
	const struct badmac_claims *c = p->claims;
	struct judge j = {.p = p};
	bool same = p->packets == c->packets && p->bytes == c->bytes, others = lacks_connections(p);
	bool open = may_be(&p->tally, &c->records);

	if (several)
		step_passes(&j, "summary", "not compared: the captures are of several places");
	else if (c->seen_elsewhere != 0)
		step_decides(&j, BADMAC_CANNOT_BE_CHECKED, "summary",
			"the report is of captures of several places, and those given are of one");
	else if (!same)
		step_decides(&j, others ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "summary",
			"the captures hold %llu packets with %llu bytes, and the report speaks of %llu with "
			"%llu%s",
			ull(p->packets), ull(p->bytes), ull(c->packets), ull(c->bytes),
			others ? ": they are others than it was made of, or not all" : "");
	else if (p->connections != c->connection_count)
		step_decides(&j, BADMAC_DOES_NOT_HOLD, "summary",
			"the captures hold %llu connections with TLS, and the report tells of %zu",
			ull(p->connections), c->connection_count);
	else if (!counts_are(&p->tally, &c->records))
		step_decides(&j, open || others ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD,
			"summary", "%llu records verify, %llu do not, in all; the report says %llu and %llu",
			ull(p->tally.verified), ull(p->tally.failed + p->tally.undecided),
			ull(c->records.verified), ull(c->records.failed + c->records.undecided));
	else
		step_passes(&j, "summary", "%llu packets, %zu connection%s and %llu records that verify",
			ull(p->packets), c->connection_count, c->connection_count == 1 ? "" : "s",
			ull(p->tally.verified));
	close_judgement(&j, &p->summary);
}

enum bm_status
bm_prove_judge(struct bm_prove *p, bool several)
{
	for (size_t i = 0; i < p->claims->connection_count && p->status == BM_OK; i++) {
		judge_nearest(p, i, BADMAC_WHOLE, &p->judged[i].whole);
		for (size_t k = 0; k < p->claims->connections[i].failure_count; k++)
			judge_nearest(p, i, k, &p->judged[i].failures[k]);
	}
	if (p->status == BM_OK)
		judge_summary(p, several);
	return p->status;
}

const struct badmac_judgement *
bm_prove_told(const struct bm_prove *p, size_t connection, size_t failure)
{
	if (connection == BADMAC_WHOLE)
		return failure == BADMAC_WHOLE ? &p->summary : NULL;
	if (connection >= p->claims->connection_count)
		return NULL;
	if (failure == BADMAC_WHOLE)
		return &p->judged[connection].whole;
	return failure < p->claims->connections[connection].failure_count
			   ? &p->judged[connection].failures[failure]
			   : NULL;
}
