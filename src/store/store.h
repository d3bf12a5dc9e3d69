/* A store of findings: what reports of badmac diagnose say, collected over days and captures in one
 * file (docs/STORE.md). Knows reports, and neither captures nor keys: no secret can get into it.
 * Refuses to read clocks; whoever calls says what time it is. */
#ifndef BM_STORE_STORE_H
#define BM_STORE_STORE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	BM_STORE_PROBLEM = 256,       /* octets of a `problem` */
	BM_STORE_WAIT_MS = 30 * 1000, /* for another program that has the file in hand */
};

struct bm_store;

/* Opens a store; to write, one that is not there, or is an empty file, is made: readable and
 * writable for its owner alone. BM_FORMAT: the file is something else, or of a newer badmac; BM_IO;
 * BM_NOMEM. problem (BM_STORE_PROBLEM octets) then says what is wrong with it, as the end of a
 * sentence that begins with its name; texts of a damaged file may be in it. *out is NULL then.
 *
 * Nothing that stands in the file is executed: neither triggers nor views, nor functions that
 * are not harmless. */
BM_MUST_USE enum bm_status bm_store_open(
	struct bm_store **out, const char *path, bool to_write, char *problem);
/* NULL allowed. */
void bm_store_close(struct bm_store *s);

/* What is known of a run besides its report. Everything may be NULL or 0. */
struct bm_store_run {
	const char *version; /* of the badmac that made the report: "0.1.0" */
	const char *effort;  /* "quick", "normal", "deep" */
	const char *place;   /* "sender", ...; NULL: not told */
	const char *const *captures;
	size_t capture_count;
	int64_t now; /* seconds since 1970 */
};

struct bm_store_added {
	uint64_t findings;              /* in the store that were not there before; less than 0 is 0 */
	uint64_t connections, failures; /* of the report */
	bool known;                     /* the very same report was there already */
};

/* What came of it, in words: BM_STORE_PROBLEM octets. */
void bm_store_told(const struct bm_store_added *added, char *out);

/* Puts a report into the store, all of it or, unless BM_OK is returned, nothing. read gives up to n
 * octets of it, JSON or HTML: the count, 0 at the end, -1 when it failed (BM_IO, with an empty
 * problem). What it takes does not grow with the report where each connection of a JSON report
 * stands on a line of its own, as badmac writes them. BM_LIMIT: the report is too large. */
BM_MUST_USE enum bm_status bm_store_add(struct bm_store *s,
	long (*read)(void *ctx, void *p, size_t n), void *ctx, const struct bm_store_run *run,
	struct bm_store_added *out, char *problem);

#endif
