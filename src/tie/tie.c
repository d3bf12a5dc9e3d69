/* The life of a struct bm_tie, and the order in which it does its work. Refuses to know how any of
 * it is done. */
#include "tie/internal.h"

#include <stdlib.h>

enum bm_status
bm_tie_new(struct bm_tie **out, size_t memory)
{
	struct bm_rules_error e;
	struct bm_tie *t = calloc(1, sizeof *t);

	*out = NULL;
	if (t == NULL)
		return BM_NOMEM;
	memory = memory > TIE_LEAST_MEMORY ? memory : TIE_LEAST_MEMORY;
	t->watch_max = memory / TIE_WATCH_SHARE;
	t->tables_max = memory;
	t->lengths_of = TIE_RECORDS;
	t->arena.max = t->words.max = (memory - t->watch_max) / 2;
	enum bm_status st = bm_rules_new(&t->rules);
	if (st == BM_OK)
		st = bm_rules_read(t->rules, "built in", bm_rules_builtin(), &e);
	if (st != BM_OK) {
		bm_tie_free(t);
		return st;
	}
	*out = t;
	return BM_OK;
}

void
bm_tie_free(struct bm_tie *t)
{
	if (t == NULL)
		return;
	bm_explain_free(t->reading);
	bm_rules_free(t->rules);
	tie_index_clear(&t->index);
	free(t->logs);
	free(t->incidents);
	free(t->connections);
	bm_arena_clear(&t->arena);
	bm_arena_clear(&t->words);
	free(t->mentions);
	free(t->rest);
	free(t);
}

void
bm_tie_frame(struct bm_tie *t, uint64_t ts_ns)
{
	if (ts_ns == 0)
		return;
	if (t->first_ns == 0 || ts_ns < t->first_ns)
		t->first_ns = ts_ns;
	if (ts_ns > t->last_ns)
		t->last_ns = ts_ns;
}

uint64_t
bm_tie_left_out(const struct bm_tie *t)
{
	return t->left_out;
}

size_t
bm_tie_lengths_of(const struct bm_tie *t, bool *fewer)
{
	*fewer = t->lengths_of < TIE_RECORDS;
	return t->lengths_of;
}

enum bm_status
bm_tie_settle(struct bm_tie *t)
{
	enum bm_status st = t->status;

	if (t->settled)
		return BM_USAGE;
	t->settled = true;
	if (st == BM_OK)
		st = tie_index_build(t);
	if (st == BM_OK)
		st = tie_clocks(t);
	if (st == BM_OK)
		st = tie_assign(t);
	if (st == BM_OK)
		st = tie_mentions_build(t);
	return st;
}

bool
bm_tie_nth(const struct bm_tie *t, size_t nth, struct bm_tied *out)
{
	*out = (struct bm_tied){.connection = BM_UNKNOWN, .failure = BM_UNKNOWN, .alert = BM_UNKNOWN};
	if (nth >= t->incident_count)
		return false;
	const struct tie_incident *i = &t->incidents[nth];
	out->sure = i->sure;
	out->candidates = i->told_count;
	out->because = i->because;
	out->utc_offset = t->logs[i->log].offset;
	out->skew = t->logs[i->log].skew;
	if (i->sure < BM_SURE_POSSIBLE)
		return true;
	const struct tie_match *m = &i->told[0].match;
	out->connection = t->connections[m->connection].id;
	out->failure = m->failure != TIE_NONE ? (uint64_t)m->failure : BM_UNKNOWN;
	out->alert = m->alert != TIE_NONE ? (uint64_t)m->alert : BM_UNKNOWN;
	return true;
}
