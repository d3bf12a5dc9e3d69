/* Chooses among the candidates of each incident, says how sure that is, and where there is none,
 * why not. Refuses to break ties by order alone: what fits equally well is told as several. */
#include "tie/internal.h"

#include "report/lines.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	LOOKED_AT = 64,
	LEAST_SCORE = 4, /* less is no candidate */
	MARGIN = 6,      /* by less two candidates do not differ */
	CLEAR = 15,      /* by so much the best must lead to be certain */
	TELLING = 40,    /* the client's address and port, or three lengths */
	MIDDLING = 25    /* its port, or two lengths */
};

const char *
tie_sure_id(enum bm_sure s)
{
	static const char *const ids[] = {"none", "several", "possible", "likely", "certain"};

	return ids[s];
}

/* May it be told of at all? What is whole and was open at the time is not, if nothing else fits. */
static bool
counts(const struct tie_match *m)
{
	bool shown = m->random || m->end >= TIE_END_IP;

	if (m->score < LEAST_SCORE && !m->random)
		return false;
	return !m->healthy || shown;
}

static enum bm_sure
how_sure(const struct tie_incident *i, const struct tie_match *best, const struct tie_match *second,
	bool weak_clock, uint64_t left_out)
{
	int lead = second != NULL ? best->score - second->score : CLEAR;
	bool against = best->when == TIE_WHEN_OUTSIDE || best->other_version || best->other_suite ||
				   best->other_length || best->other_end || best->other_alert ||
				   best->direction < 0 || best->healthy;
	bool timed = best->when >= TIE_WHEN_DURING;
	bool fits = best->version || best->suite || best->direction > 0;

	if (lead < MARGIN)
		return BM_SURE_SEVERAL;
	if (best->random)
		return BM_SURE_CERTAIN;
	/* The clock itself was found by what is to be shown. */
	if (weak_clock || i->doubtful)
		return BM_SURE_POSSIBLE;
	bool followed = best->thread_random && best->lengths_fail && best->lengths >= 2 &&
					(second == NULL || !second->lengths_fail);
	if (best->telling >= TELLING && (timed || followed) && !against && lead >= CLEAR &&
		left_out == 0)
		return BM_SURE_CERTAIN;
	if (against)
		return best->telling >= TELLING && timed ? BM_SURE_LIKELY : BM_SURE_POSSIBLE;
	if (best->telling >= MIDDLING && best->when != TIE_WHEN_OUTSIDE)
		return BM_SURE_LIKELY;
	if (best->when >= TIE_WHEN_NEAR && (fits || best->telling != 0))
		return BM_SURE_LIKELY;
	return BM_SURE_POSSIBLE;
}

/* The candidates that fit about as well as the best, all of them failures or whatever there is. */
static size_t
equals(const struct tie_match *all, size_t n)
{
	size_t k = 1;

	while (k < n && all[0].score - all[k].score < MARGIN)
		k++;
	return k;
}

/* What stands in the way of a tie, in words; NULL: out of memory. */
static const char *
why_none(struct bm_tie *t, const struct tie_incident *i, size_t open, size_t unchecked, bool more)
{
	const struct tie_log *log = &t->logs[i->log];
	double first = (double)t->first_ns / 1e9, last = (double)t->last_ns / 1e9, at;
	char offset[16], time[BM_TIME_TEXT_MAX];
	const char *other = "", *most = more ? "at least " : "";

	if (t->connection_count == 0)
		return "the capture holds no TLS connection";
	if (!tie_moment(t, i, (first + last) / 2, &at))
		return "the line shows no time, and nothing else that it shows leads to a connection";
	if (log->other_count != 0)
		other = bm_arena_print(&t->words,
			"; read as %s it would fall onto a failure, and nothing but time speaks for that",
			tie_offset_text(log->other[0], offset));
	if (other == NULL)
		return NULL;
	tie_offset_text(log->offset, offset);
	if (t->first_ns != 0 && (at + i->time.step < first - 1 || at > last + 5)) {
		bool before = at < first;
		bm_time_text(before ? t->first_ns : t->last_ns, time);
		time[19] = '\0';
		return bm_arena_print(&t->words,
			"the capture does not cover that time%s%s%s: it %s at %sZ%s",
			i->time.has_zone ? "" : " (read as ", i->time.has_zone ? "" : offset,
			i->time.has_zone ? "" : ")", before ? "begins" : "ends", time, other);
	}
	if (open == 0)
		return bm_arena_print(
			&t->words, "no connection of the capture was open at that time%s", other);
	if (unchecked != 0)
		return bm_arena_print(&t->words,
			"of the %s%zu connection%s open at that time %zu could not be checked (keys or packets "
			"are missing), and nothing else that the line shows leads to one%s",
			most, open, open == 1 ? "" : "s", unchecked, other);
	return bm_arena_print(&t->words,
		"the connections open at that time (%s%zu) had no failed record and no such alert, and "
		"nothing else that the line shows leads to one%s",
		most, open, other);
}

/* The same, and what would come nearest if something did not speak against it. */
static const char *
why_not_nearest(struct bm_tie *t, const struct tie_incident *i, const struct tie_match *best,
	const char *because)
{
	struct tie_told told = {.match = *best};

	if (because == NULL || best->failure == TIE_NONE)
		return because;
	if (!tie_words(t, i, &told))
		return NULL;
	if (told.against_count == 0 || best->when == TIE_WHEN_OUTSIDE)
		return because;
	return bm_arena_print(&t->words, "%s; nearest comes connection %" PRIu64 ", but %s", because,
		t->connections[best->connection].id, told.against[0]);
}

static const char *
why_several(struct bm_tie *t, const struct tie_match *all, size_t n, uint64_t more)
{
	bool unchecked = true;

	for (size_t k = 0; k < n; k++)
		unchecked = unchecked && t->connections[all[k].connection].result == BM_RESULT_UNDECIDED;
	return bm_arena_print(&t->words, "%s%" PRIu64 " fit about as well%s",
		more != 0 ? "at least " : "", (uint64_t)n + more,
		unchecked ? "; they could not be checked: keys or packets are missing" : "");
}

static enum bm_status
tell(struct bm_tie *t, struct tie_incident *i, const struct tie_match *all, size_t n, uint64_t more)
{
	size_t told = n < BM_TIE_CANDIDATES ? n : BM_TIE_CANDIDATES;

	i->told = bm_arena_take(&t->words, told, sizeof *i->told);
	if (i->told == NULL)
		return BM_NOMEM;
	for (size_t k = 0; k < told; k++) {
		i->told[k].match = all[k];
		if (!tie_words(t, i, &i->told[k]))
			return BM_NOMEM;
	}
	if (i->sure == BM_SURE_POSSIBLE && i->told[0].ground_count == 0) {
		i->told[0].grounds[0].kind = "only_one";
		i->told[0].grounds[0].says = "nothing else in the capture fits it as well";
		i->told[0].ground_count = 1;
	}
	i->told_count = told;
	i->told_more = n - told + more;
	if (i->sure == BM_SURE_SEVERAL) {
		i->because = why_several(t, all, told, i->told_more);
		if (i->because == NULL)
			return BM_NOMEM;
	}
	return BM_OK;
}

/* What the incidents of the log before have been found to be about for certain. */
struct taken {
	size_t log;
	struct tie_match match;
	enum bm_detector detected;
};
struct round {
	struct taken *taken;
	size_t count, cap;
};

static int
by_place(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	if (x->log != y->log)
		return x->log < y->log ? -1 : 1;
	if (x->match.connection != y->match.connection)
		return x->match.connection < y->match.connection ? -1 : 1;
	if (x->match.failure != y->match.failure)
		return x->match.failure < y->match.failure ? -1 : 1;
	if (x->match.alert != y->match.alert)
		return x->match.alert < y->match.alert ? -1 : 1;
	return x->detected < y->detected ? -1 : x->detected > y->detected;
}

static bool
is_taken(const struct round *r, const struct tie_incident *i, const struct tie_match *m)
{
	const struct taken key = {i->log, *m, i->detected};

	return r->count != 0 && bsearch(&key, r->taken, r->count, sizeof key, by_place) != NULL;
}

/* Of what fits equally, takes out what other incidents of the same log are surely about, if
 * anything is left then. */
static size_t
without_taken(const struct round *r, const struct tie_incident *i, struct tie_match *all, size_t n)
{
	size_t same = equals(all, n), kept = 0;

	if (same < 2)
		return n;
	for (size_t k = 0; k < same; k++)
		kept += !is_taken(r, i, &all[k]);
	if (kept == 0 || kept == same)
		return n;
	size_t to = 0;
	for (size_t k = 0; k < n; k++)
		if (k >= same || !is_taken(r, i, &all[k]))
			all[to++] = all[k];
	for (size_t k = 0; k < kept; k++)
		all[k].taken = true;
	return to;
}

static enum bm_status
note_taken(struct round *r, const struct tie_incident *i, const struct tie_match *m)
{
	void *items = r->taken;
	enum bm_status st = bm_grow(&items, &r->cap, r->count + 1, BM_TIE_INCIDENTS, sizeof *r->taken);

	r->taken = items;
	if (st == BM_OK)
		r->taken[r->count++] = (struct taken){i->log, *m, i->detected};
	return st;
}

static enum bm_status
settle(struct bm_tie *t, size_t at, struct round *r, bool last)
{
	struct tie_incident *i = &t->incidents[at];
	struct tie_match all[LOOKED_AT];
	uint64_t left_out;
	size_t open = 0, unchecked = 0, n = 0;

	size_t found = tie_candidates(t, i, true, all, LOOKED_AT, &left_out);
	const struct tie_match nearest = found != 0 ? all[0] : (struct tie_match){.failure = TIE_NONE};
	for (size_t k = 0; k < found; k++) {
		const struct tie_connection *c = &t->connections[all[k].connection];
		bool first = k == 0 || all[k].connection != all[k - 1].connection;
		open += all[k].when >= TIE_WHEN_DURING && first;
		unchecked += all[k].when >= TIE_WHEN_DURING && first && c->result == BM_RESULT_UNDECIDED;
		if (counts(&all[k]))
			all[n++] = all[k];
	}
	n = n != 0 && last ? without_taken(r, i, all, n) : n;
	if (n == 0) {
		i->sure = BM_SURE_NONE;
		i->because = last ? why_none(t, i, open, unchecked, found == LOOKED_AT) : NULL;
		if (last && found != 0)
			i->because = why_not_nearest(t, i, &nearest, i->because);
		return last && i->because == NULL ? BM_NOMEM : BM_OK;
	}
	size_t same = equals(all, n);
	i->sure = how_sure(i, &all[0], n > 1 ? &all[1] : NULL, t->logs[i->log].weak, left_out);
	if (!last)
		return i->sure == BM_SURE_CERTAIN ? note_taken(r, i, &all[0]) : BM_OK;
	return tell(t, i, all, i->sure == BM_SURE_SEVERAL ? same : 1,
		i->sure == BM_SURE_SEVERAL && same == LOOKED_AT ? left_out : 0);
}

/* Reasons have a memory of their own; what does not fit it is not told, and that is. */
static void
leave_unsaid(struct tie_incident *i)
{
	i->sure = BM_SURE_NONE;
	i->told_count = 0;
	i->told_more = 0;
	i->because = "the memory for what is said of incidents is used up (--memory)";
}

enum bm_status
tie_assign(struct bm_tie *t)
{
	struct round r = {.count = 0};
	enum bm_status st = BM_OK;

	for (size_t n = 0; st == BM_OK && n < t->incident_count; n++)
		st = settle(t, n, &r, false);
	if (r.count != 0)
		qsort(r.taken, r.count, sizeof *r.taken, by_place);
	for (size_t n = 0; st == BM_OK && n < t->incident_count; n++)
		if (settle(t, n, &r, true) != BM_OK)
			leave_unsaid(&t->incidents[n]);
	free(r.taken);
	return st;
}
