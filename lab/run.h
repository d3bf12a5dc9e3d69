/* One run of a server, a client and a relay that puts a fault in, for whoever wants to know what
 * was done. */
#ifndef BM_LAB_RUN_H
#define BM_LAB_RUN_H

#include "lab/base.h"

enum lab_end {
	LAB_DONE,
	LAB_UNFIT,  /* the fault fitted no record */
	LAB_TROUBLE /* it could not be carried out, or was interrupted */
};

struct lab_outcome {
	enum lab_end end;
	struct bm_buf truth; /* what truth.json says */
};

/* ui->say hears why, unless it was done; ui->out, which may be NULL, gets the account for a person.
 * Signals are the caller's business (lab_catch_signals). */
void lab_run_once(
	const struct lab_run_options *o, const struct lab_ui *ui, struct lab_outcome *out);
void lab_outcome_clear(struct lab_outcome *out);

#endif
