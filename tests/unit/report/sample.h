/* A connection in which every field of the model is filled in, and a write function that keeps
 * what it is given or fails when told to. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above. */
#include <cmocka.h>

struct sink {
	char *text; /* NUL-terminated */
	size_t n, cap, calls;
	size_t fail_at; /* the call, from 1, that fails; 0: none */
	size_t largest;
	bool discard;
};

int sink_write(void *ctx, const char *bytes, size_t n);
void sink_clear(struct sink *s);

/* Valid until the next call. */
struct bm_connection *sample_full(void);
/* A connection about which nothing is known. */
struct bm_connection *sample_bare(void);
struct bm_summary sample_summary(const struct bm_connection *c, size_t n);

struct bm_report_options sample_options(struct sink *s, bool json);
/* The whole report about these connections; s must be empty. */
enum bm_status sample_report(
	const struct bm_report_options *o, const struct bm_connection *c, size_t n);

#endif
