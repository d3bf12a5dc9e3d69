/* What came of the matrix. */
#ifndef BM_LAB_SCORE_H
#define BM_LAB_SCORE_H

#include "lab/judge.h"
#include "lab/matrix.h"

enum lab_state {
	LAB_NOT_RUN, /* could not be carried out */
	LAB_NOT_PUT, /* the fault fitted no record */
	LAB_JUDGED
};

/* What badmac was shown. */
enum lab_view {
	LAB_AT_RECEIVER, /* the receiver's capture alone */
	LAB_AT_BOTH,
	LAB_AT_SENDER, /* alone; judged where the damage is behind it */
	LAB_VIEWS
};

struct lab_result {
	enum lab_state state;
	char why[200]; /* unless it was judged */
	bool judged[LAB_VIEWS];
	struct lab_answer answer[LAB_VIEWS];
	bool right; /* all of them */
};

struct lab_score {
	const struct lab_matrix *matrix;
	const struct lab_result *results; /* one for each case */
	uint64_t seed;
	size_t runs, right, not_put, not_run, proven_and_wrong;
	size_t located[LAB_VIEWS], cause[LAB_VIEWS], judged[LAB_VIEWS];
};

extern const char *const lab_view_names[LAB_VIEWS];

/* False: they could not be written. */
bool lab_score_text(const struct lab_score *s, FILE *out);
bool lab_score_json(const struct lab_score *s, FILE *out);

#endif
