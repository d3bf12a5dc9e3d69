/* truth.json: what was really done. Nothing of it is ever given to diagnose. */
#ifndef BM_LAB_TRUTH_H
#define BM_LAB_TRUTH_H

#include "lab/lane.h"

/* Adds a fault that was put in to plan->truth. at: in the stream as received, of the record that
 * fails. False: out of memory. */
BM_MUST_USE bool lab_truth_add(struct lab_plan *plan, const struct lab_strike *s,
	const struct lab_lane *l, const struct lab_tls *t, uint64_t connection, uint64_t at);
/* One that was done without a strike. */
struct lab_truth {
	const char *cause, *how; /* how: NULL if there is one way alone */
	uint64_t connection;
	unsigned version;
	const struct bm_suite *suite; /* NULL: not known */
	const char *encrypt_then_mac; /* "true", "false"; NULL: not known */
	enum lab_direction direction;
	int64_t record; /* below 0: none of application data */
	uint64_t sequence, at;
	size_t length;
	const char *party, *checksum;
	bool mended;    /* TCP had the octets sent again */
	int64_t age_ms; /* of the connection then; below 0: not known */
	bool damaged;   /* by the following, which are hex */
	uint64_t damage_off;
	struct bm_view received, sent;
};
BM_MUST_USE bool lab_truth_put(struct lab_plan *plan, const struct lab_truth *t);
/* The whole file's text. False: out of memory. */
BM_MUST_USE bool lab_truth_text(const struct lab_plan *plan, struct bm_buf *out);
/* False with errno set. */
bool lab_truth_write(const struct lab_plan *plan, const char *path);

#endif
