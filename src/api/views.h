/* What the captures of a run show of one and the same connection: which of them tells of it, and
 * the bytes of the others beside what it calls bad. Refuses to know captures and reports. */
#ifndef BM_API_VIEWS_H
#define BM_API_VIEWS_H

#include "verdict/verdict.h"

struct view;
struct want;

/* All-zero is valid. Bounded: later connections are not compared. */
struct views {
	struct view *item; /* by site and flow once settled */
	size_t n, cap;
	struct view **ranked; /* by name: the views of one connection stand side by side */
	struct want *want;
	size_t want_n, want_cap;
	uint64_t held;         /* octets of wanted bytes */
	uint64_t not_compared; /* connections and failures past the limits */
};

/* First reading: takes note of a connection that has ended; digest: of its directions, by way. */
BM_MUST_USE enum bm_status views_note(
	struct views *v, const struct bm_session *s, const char *capture, const uint64_t digest[2]);
/* Between the readings: finds out which are the same, chooses the one to tell of, and what bytes of
 * the others are needed for that. */
BM_MUST_USE enum bm_status views_settle(struct views *v);
/* Is anything wanted of this site? */
bool views_want_site(const struct views *v, uint32_t site);

/* Second reading: the events of tcp.h. False: nothing is wanted of this flow. */
bool views_want_flow(const struct views *v, const struct bm_flow *f);
BM_MUST_USE enum bm_status views_data(struct views *v, struct bm_flow *f, enum bm_way way);
void views_copy(
	struct views *v, const struct bm_flow *f, enum bm_way way, const struct bm_span *copy);

/* Last reading. */
/* Another capture tells of this connection. */
bool views_left_out(const struct views *v, const struct bm_flow *f);
/* How many connections are left out. */
uint64_t views_left_out_count(const struct views *v);
/* Names of the other captures that show it, at most max; returns how many there are. */
size_t views_others(
	const struct views *v, const struct bm_flow *f, const char **captures, size_t max);
/* What the others show of the case, at most max. Borrowed. */
size_t views_elsewhere(const struct views *v, const struct bm_flow *f, const struct bm_case *c,
	struct bm_elsewhere *out, size_t max);
/* Shows the session where the captures differ: which records its complaints without keys are about,
 * and, where nobody complained, that there is one. */
BM_MUST_USE enum bm_status views_show(const struct views *v, struct bm_session *s);
void views_clear(struct views *v);

#endif
