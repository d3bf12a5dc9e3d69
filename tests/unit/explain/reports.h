/* Logs of tests/explain, and what explain says of them by the rules that are built in. */
#ifndef BM_TESTS_EXPLAIN_REPORTS_H
#define BM_TESTS_EXPLAIN_REPORTS_H

#include "explain/explain.h"

/* For the setup and the teardown of a group; the rules serve all of it. */
int read_rules(void **state);
int free_rules(void **state);
/* A file of tests/explain. */
struct bm_buf read_file(const char *name);
/* The JSON report of a log that comes in pieces of n octets. */
struct bm_buf report(struct bm_view log, size_t n);

#endif
