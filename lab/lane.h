/* One direction of a relayed connection: octets in, records, faults, octets out. */
#ifndef BM_LAB_LANE_H
#define BM_LAB_LANE_H

#include "lab/fault.h"

/* Application records of different connections, for foreign-record. */
struct lab_seen {
	struct {
		uint64_t connection;
		struct bm_buf record;
	} slot[2]; /* the latest first */
};

/* What a relay puts in, and what it has put in. */
struct lab_plan {
	struct lab_spec *specs;
	size_t spec_count;
	double probability;
	uint64_t seed;
	struct lab_seen seen[2];
	bool keeps_truth;
	struct bm_buf truth; /* JSON objects, with commas between them */
	unsigned struck;
	char account[400];            /* of the latest, for a person */
	const struct bm_suite *suite; /* that its connection had; NULL: not known */
};

struct lab_lane {
	enum lab_direction direction;
	struct bm_buf in, held, last;
	uint64_t sent, received; /* octets of stream so far, before and after the fault */
	bool struck, raw, mute;
	uint64_t records; /* application records seen */
	uint64_t age_ms;  /* of the connection, as whoever feeds it says */
};

/* What became of octets that were fed. */
struct lab_passed {
	struct bm_buf sent, received;
	bool sum_sent; /* checksums are those of what was sent */
	bool again;    /* a segment that touches from..to is recorded twice */
	/* Of received: what holds damage. Nothing does if to is not behind from. */
	size_t from, to;
	/* Not empty: what a capture shows first instead of received, of the same length. Its segments
	 * that touch from..to are dropped by the receiver for their checksums, and sent again. */
	struct bm_buf dropped;
};

/* Feeds a chunk; ended: nothing follows it. p holds what passes, from empty. other: the lane of the
 * other direction. False: out of memory. */
BM_MUST_USE bool lab_lane_feed(struct lab_lane *l, const struct lab_lane *other,
	struct lab_tls *tls, struct lab_plan *plan, uint64_t connection, struct bm_view chunk,
	bool ended, struct lab_passed *p);
void lab_lane_clear(struct lab_lane *l);
void lab_passed_clear(struct lab_passed *p);
void lab_plan_clear(struct lab_plan *p); /* specs are the caller's */

#endif
