/* From the timeline of a session to the course of a connection in the model. Refuses to know why a
 * record is what it was judged to be. */
#include "verdict/verdict.h"

/* Where none stands at its offset, the last one of its direction is meant: the diagnosis counts a
 * complaint about a record that verified against one that could not be checked. */
static void
restate(struct bm_judged *records, size_t n, const struct bm_restated *r)
{
	unsigned from = r->to == BM_JUDGED_FAILED ? BM_JUDGED_UNDECIDED : BM_JUDGED_FAILED;
	struct bm_judged *meant = NULL;

	for (size_t i = 0; i < n; i++) {
		struct bm_judged *j = &records[i];
		if (j->direction != r->direction || j->state != from)
			continue;
		if (meant == NULL || meant->off != r->off || j->off == r->off)
			meant = j;
	}
	if (meant != NULL)
		meant->state = r->to & 3;
}

const struct bm_course *
bm_verdict_course(
	const struct bm_timeline *t, const struct bm_restatements *later, struct bm_arena *arena)
{
	struct bm_course *course = bm_arena_take(arena, 1, sizeof *course);
	struct bm_judged *records =
		bm_arena_copy(arena, bm_view(t->records, t->record_count * sizeof *records));
	struct bm_event *events =
		bm_arena_copy(arena, bm_view(t->events, t->event_count * sizeof *events));

	if (course == NULL || records == NULL || events == NULL)
		return NULL;
	for (size_t i = 0; later != NULL && i < later->n; i++)
		restate(records, t->record_count, &later->item[i]);
	*course = (struct bm_course){.records = records,
		.record_count = t->record_count,
		.records_left_out = t->records_left_out,
		.events = events,
		.event_count = t->event_count,
		.events_left_out = t->events_left_out};
	return course;
}
