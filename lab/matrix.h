/* What badmac lab score runs: every fault in each of its ways, under every kind of protection,
 * between the stacks that are installed. */
#ifndef BM_LAB_MATRIX_H
#define BM_LAB_MATRIX_H

#include "lab/fault.h"
#include "lab/stacks.h"

struct lab_case {
	const struct lab_fault *fault;
	int how; /* index into the fault's ways */
	enum lab_direction direction;
	unsigned version;
	const struct bm_suite *suite; /* NULL: what the stacks like best */
	bool no_etm;
	const struct lab_stack *server, *client;
	uint64_t seed;
};

/* A stack, or a protection between two, that there is none of here. */
struct lab_gap {
	char what[100], why[200];
};

enum { LAB_CASES = 4096, LAB_GAPS = 64 };
struct lab_matrix {
	struct lab_case *cases;
	size_t n;
	struct lab_gap gaps[LAB_GAPS];
	size_t gap_count;
};

/* Asks the stacks what they can. quick: each fault a few times only. False: out of memory. */
BM_MUST_USE bool lab_matrix_make(struct lab_matrix *m, uint64_t seed, bool quick);
void lab_matrix_clear(struct lab_matrix *m);

/* CAUSE:KEY=VALUE,... */
enum { LAB_CASE_TEXT = 400 };
void lab_case_fault(const struct lab_case *c, char out[LAB_CASE_TEXT]);
/* The command that does it again, into a folder named flip. */
void lab_case_command(const struct lab_case *c, char out[LAB_CASE_TEXT]);

#endif
