/* Runs a diagnosis over bytes in memory and keeps its report. Refuses to know what a test is about.
 */
#ifndef TEST_API_DIAGNOSE_H
#define TEST_API_DIAGNOSE_H

#include "badmac.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct diagnosis {
	enum badmac_status status;
	enum badmac_result result;
	struct badmac_error error;
	int damaged;
	struct bm_buf report;                              /* JSON */
	uint64_t verified, failed, undecided, connections; /* of the report's summary */
};

/* How the capture's bytes reach the library. */
struct way_in {
	bool stream;
	size_t chunk;    /* octets a read hands out at most; 0: as many as asked for */
	size_t fail_at;  /* reading fails from this octet on; 0: never */
	size_t write_at; /* writing fails from this octet of the report on; 0: never */
	bool mapped;   /* badmac_add_mapped; then fail_at says from which octet on nothing is copied */
	size_t refuse; /* of so many calls one is refused; 0: none */
	unsigned threads;
	bool html; /* of everything; the report is not read then */
};

/* A file of tests/data, read whole; freed with bm_buf_clear. */
struct bm_buf load(const char *name);

/* Diagnoses capture with keys (may be empty); d is cleared with diagnosis_clear. */
void diagnose(
	struct diagnosis *d, struct bm_view keys, struct bm_view capture, const struct way_in *way);
/* The same with a second capture, NULL for none. */
void diagnose_two(struct diagnosis *d, struct bm_view keys, struct bm_view capture,
	const struct bm_view *second, const struct way_in *way);
void diagnosis_clear(struct diagnosis *d);

#endif
