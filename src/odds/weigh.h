/* Counters and patterns against each other: what was to be expected, how likely what was seen is.
 * Pure; refuses to know where the counts come from and how the answer is shown. */
#ifndef BM_ODDS_WEIGH_H
#define BM_ODDS_WEIGH_H

#include "base/chance.h"
#include "odds/diagnosis.h"
#include "odds/patterns.h"

#define BM_ODDS_UNKNOWN UINT64_MAX

/* How an answer begins. */
#define BM_VERDICT_LIST(X)                                                                         \
	X(NOTHING, "nothing")         /* no failure to be explained */                                 \
	X(UNKNOWN, "unknown")         /* not counted, or counts differ, or the report is undecided */  \
	X(IMPOSSIBLE, "impossible")   /* such damage never escapes */                                  \
	X(IMPLAUSIBLE, "implausible") /* chance under BM_PLAUSIBLE */                                  \
	X(POSSIBLE, "possible")                                                                        \
	X(OPEN, "open") /* such damage always escapes: the counters say nothing */

enum bm_verdict {
#define BM_VERDICT_ENUM(id, name) BM_VERDICT_##id,
	BM_VERDICT_LIST(BM_VERDICT_ENUM)
#undef BM_VERDICT_ENUM
};
const char *bm_verdict_name(enum bm_verdict v);

#define BM_PLAUSIBLE 0.05

enum { BM_ODDS_LEVELS = 4, BM_ODDS_ROWS = 40 };
/* The chances for which the needed number of bad checksums is told: 0.1 %, 1 %, 5 %, even odds. */
extern const double bm_odds_levels[BM_ODDS_LEVELS];

/* `failures` by damage of one pattern. */
struct bm_odds_row {
	struct bm_pattern pattern;
	uint64_t failures; /* or BM_ODDS_UNKNOWN */
	double escapes;    /* of all damage of this pattern */
	/* Where bad checksums were counted; else NAN. */
	double mean;      /* escapes to be expected beside them: (caught + 1) rho / (1 - rho) */
	double ln_chance; /* of so many failures or more */
	/* ln of how much likelier exactly so many are by this damage than by another cause that makes
	 * `elsewhere` on average, with as many of the bad checksums as fit best; NAN also for rho 1. */
	double ln_ratio;
	uint64_t needed[BM_ODDS_LEVELS]; /* BM_ODDS_UNKNOWN: no number will do */
};

struct bm_odds_question {
	uint64_t caught;   /* bad checksums; all counts may be BM_ODDS_UNKNOWN */
	uint64_t failures; /* records that failed; not read if there is a diagnosis */
	uint64_t segments;
	/* Bad checksums that cards counted by themselves, of which nobody knows whether the kernel saw
	 * them too; 0: none. */
	uint64_t by_cards;
	double elsewhere; /* failures that another cause makes on average; below 0: as many as there are
					   */
	bool pattern_given;
	struct bm_pattern pattern;
	const struct bm_diagnosis *diagnosis; /* NULL: none */
	const struct bm_suite *suite;         /* NULL: that of the diagnosis, if any */
};

struct bm_odds_answer {
	enum bm_verdict verdict;
	/* What was asked: the pattern's row, or one for each pattern of the diagnosis. */
	struct bm_odds_row rows[BM_DIAGNOSIS_GROUPS];
	size_t row_count;
	size_t decisive; /* the row with the smallest chance: all together have no greater one */
	/* If no pattern was given: the same failures by each pattern of bm_pattern_table. */
	struct bm_odds_row table[BM_ODDS_ROWS];
	size_t table_count;
	const struct bm_suite *suite;
};

/* ln of the chance of a row's failures or more beside what was counted by the kernel and by cards
 * together; NAN where either is not known, or there are no failures. */
double bm_odds_ln_chance_with_cards(const struct bm_odds_question *q, const struct bm_odds_row *r);

void bm_odds_weigh(const struct bm_odds_question *q, struct bm_odds_answer *out);

#endif
