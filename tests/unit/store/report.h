/* Reports for tests, put together from a few values. Refuses to know what a store makes of them. */
#ifndef TEST_STORE_REPORT_H
#define TEST_STORE_REPORT_H

#include "base/buf.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A connection with one failure. Texts are JSON values as they stand: "null", "\"text\"". */
struct made {
	const char *client, *server; /* without quotes */
	const char *random;          /* 64 hex digits; NULL: null */
	const char *first, *last;    /* the seconds within a minute: "01.000000000" */
	const char *keys;            /* without quotes; NULL: null */
	unsigned verified, undecided;
	const char *cause; /* NULL: no failure */
	const char *direction, *confidence;
	int epoch, sequence, offset; /* below 0: null */
	unsigned length;
	const char *damage; /* elements of the array */
};

/* What is common, to be overridden. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define MADE                                                                                       \
	.client = "192.0.2.1:40000", .server = "192.0.2.2:443", .first = "01.000000000",               \
	.last = "02.000000000", .verified = 5, .cause = "bits-flipped",                                \
	.direction = "client_to_server", .confidence = "supported", .epoch = 1, .sequence = 4,         \
	.offset = 3000, .length = 1029, .damage = ""
#define RANDOM "8f1d4b2a90c7e35564a8f0123bcd9e7711223a4c5d6e7f8091a2b3c4d5e6f708"

/* b is cleared by the caller. lines: as badmac writes it; else all in one. */
void report_make(struct bm_buf *b, const struct made *list, size_t n, bool lines);

/* For bm_store_add. */
struct report_source {
	struct bm_view bytes;
	size_t at, chunk; /* chunk: octets a read gives at most; 0: as many as asked for */
	size_t fail_at;   /* reading fails from there on; 0: never */
};
long report_read(void *source, void *p, size_t n);

/* A path for a store that is not there; the same for a process. */
const char *store_path(void);
/* What is at store_path is gone. */
void store_remove(void);
/* One report into it. */
enum bm_status store_put(
	const struct made *list, size_t n, bool lines, struct bm_store_added *out, char *problem);
/* The first column of the first row; -1: NULL. The store is not asked through our own code. */
long store_ask(const char *sql);

#endif
