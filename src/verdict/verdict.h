/* Weighs what src/why found: names cause, parties, evidence and next steps, and fills in the model
 * of one connection. Refuses to know bytes beyond what a finding quotes. */
#ifndef BM_VERDICT_VERDICT_H
#define BM_VERDICT_VERDICT_H

#include "verdict/model.h"
#include "why/why.h"

enum bm_place {
	BM_AT_UNKNOWN,
	BM_AT_SENDER,
	BM_AT_RECEIVER,
	BM_AT_CLIENT,
	BM_AT_SERVER,
	BM_AT_MIDDLE
};

/* Of which connections a report shows the course, and of failures the octets. */
enum bm_detail_of {
	BM_DETAIL_NONE,
	BM_DETAIL_TROUBLED, /* those that failed or are undecided */
	BM_DETAIL_ALL
};

struct bm_verdict_options {
	enum bm_detail_of detail; /* else than BM_DETAIL_NONE: the session has a timeline */
	enum bm_place place;
	const char *capture; /* name; outlives the model */
	/* Those of that capture, and all that were read as words of a command (NULL: none are named);
	 * both outlive the model. */
	const struct bm_capture_pieces *pieces;
	const char *all_captures;
	enum bm_effort effort;
	bool any_keys; /* was any key material given at all */
	const struct bm_keyring *keys;
	uint32_t snap_length; /* to which frames of this capture were cut; 0: none was */
	/* What other captures of the run show of a failure of s, at most max; NULL: there are none. */
	size_t (*elsewhere)(void *ctx, const struct bm_session *s, const struct bm_case *c,
		struct bm_elsewhere *out, size_t max);
	void *elsewhere_ctx;
	const char *const *also_in; /* the other captures that show it; outlive the model */
	size_t also_in_count;
};

/* Fills *out with what session s came to; everything in it lives in arena. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_verdict(const struct bm_session *s,
	const struct bm_verdict_options *o, struct bm_scratch *scratch, struct bm_arena *arena,
	struct bm_connection *out);

/* Adds to what is said of an undecided connection; line may be NULL. False: out of memory. */
bool bm_verdict_add_detail(struct bm_connection *out, const char *line, struct bm_arena *arena);
/* failure.c: *shown false: nothing was, or it is no failure as long as nobody complains; then it is
 * said of conn what was seen. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_verdict_failure(const struct bm_session *s, const struct bm_case *c,
	const struct bm_verdict_options *o, struct bm_connection *conn, struct bm_scratch *scratch,
	struct bm_arena *arena, struct bm_failure *out, bool *shown);
/* place.c: BM_AT_UNKNOWN when it does not show; *because, where it is set, says what does. */
enum bm_place bm_verdict_place(
	const struct bm_session *s, struct bm_arena *arena, const char **because);
/* The same of what was seen of the two sides; same_host: both ends are on one. */
enum bm_place bm_verdict_place_of(const struct bm_sighting *client,
	const struct bm_sighting *server, bool same_host, struct bm_arena *arena, const char **because);
const char *bm_verdict_place_given(enum bm_place place); /* a sentence; NULL: not given */
/* compare.c: `place` seen from the sender of `direction`. */
enum bm_place bm_verdict_relative(enum bm_place place, unsigned direction);
/* The same of all captures that show the failure. */
enum bm_place bm_verdict_place_of_all(const struct bm_why *w, enum bm_place place);
/* Clears parties that other captures clear, and says so in f's evidence. */
void bm_verdict_compare(const struct bm_why *w, struct bm_finding *f, struct bm_failure *out);
/* checksum.c: "valid", "invalid" or NULL. */
const char *bm_verdict_checksum_as_sent(const struct bm_case *c, const struct bm_finding *f);
/* shape.c: *because, where it is set, says what shows it. */
enum bm_shape { BM_SHAPE_PLAIN, BM_SHAPE_MEMORY, BM_SHAPE_EDGE, BM_SHAPE_TEXT };
enum bm_shape bm_verdict_shape(const struct bm_case *c, const struct bm_finding *f,
	struct bm_arena *arena, const char **because);
/* parties.c: who is left as culprit, likeliest first, by the checksums in *out too. */
void bm_verdict_parties(const struct bm_case *c, const struct bm_finding *f, enum bm_place place,
	enum bm_shape shape, struct bm_failure *out);
/* octets.c: what was on the wire where the record was due, into out->octets. False: out of memory.
 */
bool bm_verdict_octets(const struct bm_case *c, const struct bm_finding *f,
	const struct bm_session_facts *facts, struct bm_arena *arena, struct bm_failure *out);
/* course.c: records, by direction and offset, that are not what they were first judged: failed
 * instead of undecided, or the other way round. */
struct bm_restated {
	unsigned direction;
	uint64_t off;
	enum bm_judgement to;
};
struct bm_restatements {
	struct bm_restated *item;
	size_t n;
};
/* A copy of t; NULL: out of memory. later may be NULL. */
const struct bm_course *bm_verdict_course(
	const struct bm_timeline *t, const struct bm_restatements *later, struct bm_arena *arena);
/* undecided.c: why, where, and what would settle it. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_verdict_undecided(const struct bm_session *s,
	const struct bm_verdict_options *o, struct bm_arena *arena, struct bm_connection *out);
/* summary.c: what was found, in one sentence; NULL: out of memory. */
const char *bm_verdict_summary(
	const struct bm_case *c, const struct bm_finding *f, struct bm_arena *arena);
/* keyless.c: of a finding that was made without keys; NULL: out of memory. */
const char *bm_verdict_keyless_summary(
	const struct bm_case *c, const struct bm_finding *f, struct bm_arena *arena);
/* Of an alert that could not be read and may have been a complaint; *out NULL: there is none.
 * False: out of memory. */
bool bm_verdict_unread(const struct bm_session *s, struct bm_arena *arena, const char **out);
/* advice.c: what to do next. */
enum bm_status bm_verdict_advice(const struct bm_case *c, const struct bm_finding *f,
	const struct bm_session_facts *facts, const struct bm_connection *conn,
	const char *all_captures, struct bm_arena *arena, struct bm_failure *out);
/* looks.c: where to look at the packets of a failure; how many lines. A line that is NULL: out of
 * memory. */
enum { BM_LOOKS_MAX = 4 };
size_t bm_verdict_looks(const struct bm_case *c, const struct bm_connection *conn,
	const struct bm_failure *out, struct bm_arena *arena, const char *line[BM_LOOKS_MAX]);
/* pieces.c: in sentences, where c->pieces is set, what piece holds a packet. failures: those of c.
 */
BM_MUST_USE enum bm_status bm_verdict_pieces(
	struct bm_connection *c, struct bm_failure *failures, struct bm_arena *arena);

#endif
