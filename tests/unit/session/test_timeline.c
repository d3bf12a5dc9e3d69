/* The timeline of a connection: what it keeps, what it counts when there is no room, and that it
 * changes nothing of what is counted otherwise. */
#include "session/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct world {
	struct bm_session_env env;
	struct bm_session s;
	struct half *half;
};

static int
setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	w.env.timeline_most = UINT64_MAX;
	w.s.env = &w.env;
	for (unsigned side = 0; side < 2; side++) {
		w.s.half[side].s = &w.s;
		w.s.half[side].side = side;
	}
	w.half = &w.s.half[BM_CLIENT];
	assert_int_equal(bm_timeline_new(&w.s.timeline, &w.env), BM_OK);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	bm_timeline_free(w->s.timeline);
	w->s.timeline = NULL;
	assert_int_equal(w->env.timeline_held, 0);
	assert_null(w->env.timelines);
	return 0;
}

/* Every record is counted, with a timeline and without one. */
static void
test_counts(void **state)
{
	struct world *w = *state;
	struct bm_timeline *t = w->s.timeline;
	const struct bm_tally *n = &w->s.facts.tally[BM_C2S];

	for (unsigned round = 0; round < 2; round++) {
		w->s.timeline = round == 0 ? NULL : t;
		judged(w->half, BM_JUDGED_VERIFIED, 10, 20, 3);
		judged_in(w->half, 7, BM_JUDGED_FAILED, 30, 40, BM_NO_SEQ);
		judged(w->half, BM_JUDGED_UNDECIDED, 70, 0, BM_NO_SEQ);
		judged(w->half, BM_JUDGED_PLAINTEXT, 71, UINT64_MAX, BM_NO_SEQ);
		assert_int_equal(n->verified, round + 1);
		assert_int_equal(n->failed, round + 1);
		assert_int_equal(n->undecided, round + 1);
		assert_int_equal(n->plaintext, round + 1);
	}
	assert_int_equal(t->record_count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(t->records[i].state, i);
	assert_int_equal(t->records[0].seq, 3);
	assert_int_equal(t->records[0].len, 20);
	assert_int_equal(t->records[1].epoch, 7);
	assert_true(t->records[1].seq == BM_NO_SEQ);
	assert_int_equal(t->records[3].len, 0);
}

/* An epoch that no field can hold is the last one, not another. */
static void
test_epoch(void **state)
{
	struct world *w = *state;

	judged_in(w->half, UINT32_MAX, BM_JUDGED_VERIFIED, 0, 1, 0);
	judged_in(w->half, 1 << 20, BM_JUDGED_VERIFIED, 0, 1, 0);
	assert_int_equal(w->s.timeline->records[0].epoch, (1 << 20) - 1);
	assert_int_equal(w->s.timeline->records[1].epoch, (1 << 20) - 1);
}

static void
test_restate(void **state)
{
	struct world *w = *state;
	const struct bm_timeline *t = w->s.timeline;

	judged(w->half, BM_JUDGED_FAILED, 5, 1, 0);
	judged(&w->s.half[BM_SERVER], BM_JUDGED_FAILED, 5, 1, 0);
	judged(w->half, BM_JUDGED_VERIFIED, 5, 1, 0);
	timeline_restate(&w->s, BM_C2S, 5, BM_JUDGED_FAILED, BM_JUDGED_UNDECIDED);
	timeline_restate(&w->s, BM_C2S, 6, BM_JUDGED_VERIFIED, BM_JUDGED_UNDECIDED); /* none is there */
	assert_int_equal(t->records[0].state, BM_JUDGED_UNDECIDED);
	assert_int_equal(t->records[1].state, BM_JUDGED_FAILED);
	assert_int_equal(t->records[2].state, BM_JUDGED_VERIFIED);
	timeline_turn(&w->s);
	assert_int_equal(t->records[0].direction, BM_S2C);
	assert_int_equal(t->records[1].direction, BM_C2S);
	w->s.timeline = NULL;
	timeline_restate(&w->s, BM_C2S, 5, BM_JUDGED_FAILED, BM_JUDGED_UNDECIDED);
	timeline_turn(&w->s);
	w->s.timeline = (struct bm_timeline *)(uintptr_t)t;
}

static void
test_most_records(void **state)
{
	struct world *w = *state;
	const struct bm_timeline *t = w->s.timeline;

	for (uint64_t i = 0; i < BM_TIMELINE_RECORDS + 3; i++)
		judged(w->half, BM_JUDGED_VERIFIED, i, 1, i);
	assert_int_equal(t->record_count, BM_TIMELINE_RECORDS);
	assert_int_equal(t->records_left_out, 3);
	assert_int_equal(t->records[BM_TIMELINE_RECORDS - 1].off, BM_TIMELINE_RECORDS - 1);
	assert_false(w->env.timeline_full);
	for (unsigned i = 0; i < BM_TIMELINE_EVENTS + 2; i++)
		timeline_said(w->half, BM_EVENT_HANDSHAKE, 0, 1, 2);
	assert_int_equal(t->event_count, BM_TIMELINE_EVENTS);
	assert_int_equal(t->events_left_out, 2);
	assert_true(w->env.timeline_held >= BM_TIMELINE_RECORDS * sizeof *t->records);
}

/* Past what all may hold nothing is added any more, and what comes is counted. */
static void
test_budget(void **state)
{
	struct world *w = *state;
	const struct bm_timeline *t = w->s.timeline;

	w->env.timeline_most = 1 << 14;
	for (uint64_t i = 0; i < 1000; i++)
		judged(w->half, BM_JUDGED_VERIFIED, i, 1, i);
	assert_true(w->env.timeline_full);
	assert_true(w->env.timeline_held <= w->env.timeline_most);
	assert_in_range(t->record_count, 100, 999);
	assert_int_equal(t->record_count + t->records_left_out, 1000);
	/* With room again there is still no hole in it. */
	w->env.timeline_most = UINT64_MAX;
	judged(w->half, BM_JUDGED_VERIFIED, 1000, 1, 1000);
	assert_int_equal(t->records[t->record_count - 1].off, t->record_count - 1);
	bm_timelines_drop(&w->env);
	assert_int_equal(t->record_count, 0);
	assert_int_equal(t->records_left_out, 1001);
	assert_int_equal(w->env.timeline_held, 0);
	judged(w->half, BM_JUDGED_VERIFIED, 1001, 1, 1001);
	assert_int_equal(w->env.timeline_held, 0);
	assert_int_equal(t->records_left_out, 1002);
	assert_int_equal(w->s.facts.tally[BM_C2S].verified, 1002);
}

static void
test_gaps_grow(void **state)
{
	struct world *w = *state;
	const struct bm_timeline *t = w->s.timeline;
	struct bm_event e = {.kind = BM_EVENT_GAP, .off = 100, .len = 10};

	bm_session_event(&w->s, BM_FORWARD, &e);
	e.off = 110;
	bm_session_event(&w->s, BM_FORWARD, &e);
	bm_session_event(&w->s, BM_BACKWARD, &e);
	e.off = 130;
	bm_session_event(&w->s, BM_BACKWARD, &e);
	assert_int_equal(t->event_count, 3);
	assert_int_equal(t->events[0].len, 20);
	assert_int_equal(t->events[0].direction, BM_C2S);
	assert_int_equal(t->events[1].direction, BM_S2C);
}

static void
test_taken(void **state)
{
	struct world *w = *state;
	struct bm_timeline *others[2];

	judged(w->half, BM_JUDGED_VERIFIED, 0, 1, 0);
	assert_int_equal(bm_timeline_new(&others[0], &w->env), BM_OK);
	assert_int_equal(bm_timeline_new(&others[1], &w->env), BM_OK);
	bm_timeline_free(others[0]);
	struct bm_timeline *t = bm_session_take_timeline(&w->s);
	assert_null(bm_session_timeline(&w->s));
	judged(w->half, BM_JUDGED_VERIFIED, 0, 1, 0);
	assert_int_equal(t->record_count, 1);
	bm_timeline_free(t);
	bm_timeline_free(others[1]);
	bm_timeline_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_most_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gaps_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
