/* The steps of a judgement in their order, for every claim and every connection. Refuses to know
 * what a step looks at. */
#include "prove/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	/* What is wrong goes before what cannot be checked, and the first of either before others. */
	if (j->decided && (verdict != BADMAC_DOES_NOT_HOLD || j->told.verdict == BADMAC_DOES_NOT_HOLD))
		return;
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

/* Of a connection: every step, until one is wrong. */
static void
judge_connection(struct judge *j)
{
	static void (*const steps[])(struct judge *) = {
		judge_counts, judge_negotiated, judge_alerts, judge_failures, judge_result};

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (!j->decided || j->told.verdict != BADMAC_DOES_NOT_HOLD)
			steps[i](j);
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

	for (struct bm_proved_flow *v = p->flows[index]; v != NULL; v = v->next) {
		struct judge j = {.p = p, .conn = c, .flow = v};
		struct badmac_judgement told;
		if (!v->tls || nearness(v, c) != near)
			continue;
		if (nth != BADMAC_WHOLE) {
			j.claim = &c->failures[nth];
			j.part = &v->parts[nth];
			take_copies(p, v, nth);
			judge_claim(&j);
		} else {
			judge_connection(&j);
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

enum bm_status
bm_prove_judge(struct bm_prove *p, const struct bm_prove_read *read)
{
	struct judge all = {.p = p};

	p->several = read->several;
	p->undecoded = read->undecoded;
	p->cut_hello = read->cut_hello;
	for (size_t i = 0; i < p->claims->connection_count && p->status == BM_OK; i++) {
		judge_nearest(p, i, BADMAC_WHOLE, &p->judged[i].whole);
		for (size_t k = 0; k < p->claims->connections[i].failure_count; k++)
			judge_nearest(p, i, k, &p->judged[i].failures[k]);
	}
	if (p->status == BM_OK) {
		judge_summary(&all, lacks_connections(p));
		close_judgement(&all, &p->summary);
	}
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
