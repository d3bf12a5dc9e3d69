/* Cuts the connections that failed out of captures: a small pcapng with the secrets that open it,
 * comments on what is wrong, and, where it is wanted, the octets as they were sent. What the
 * command calls. Refuses to know files, and how anything in the report was found: it believes the
 * report as far as the captures agree with it. */
#ifndef BM_CARVE_CARVE_H
#define BM_CARVE_CARVE_H

#include "base/bytes.h"
#include "base/status.h"
#include "capture/capture.h"
#include "findings/findings.h"

struct bm_carve;

/* One failure of one connection, as in the report. */
struct bm_carve_failure {
	uint64_t connection; /* its id */
	uint64_t failure;    /* its place in the connection's failures, from 0 */
};

struct bm_carve_options {
	const struct bm_findings *report; /* outlives the carving */
	/* What is wanted; both empty: every connection that has failures, with all of them. A
	 * connection that is named has all of its failures told of, unless some of them are named. */
	const uint64_t *connections;
	size_t connection_count;
	const struct bm_carve_failure *failures;
	size_t failure_count;
	bool repaired;       /* packets as they were sent */
	bool no_secrets;     /* nothing that opens records is written */
	const char *program; /* static: "badmac 0.1.0" */
};

/* BM_NOMEM. BM_USAGE: the report has no such connection or failure, or none at all; problem, of
 * n octets, says which. *out is NULL then. */
BM_MUST_USE enum bm_status bm_carve_new(
	struct bm_carve **out, const struct bm_carve_options *o, char *problem, size_t n);

/* Key material of any kind, recognised by content; copied, and wiped by bm_carve_free. As
 * bm_keys_read. */
BM_MUST_USE enum bm_status bm_carve_add_keys(
	struct bm_carve *c, struct bm_view bytes, struct bm_error *e);

/* A capture; name is copied. bytes (read is NULL) or what read brings (with ctx) outlive the
 * reading. */
BM_MUST_USE enum bm_status bm_carve_add_capture(
	struct bm_carve *c, const char *name, struct bm_view bytes, bm_read_fn read, void *ctx);

/* Reads the captures, once, pieces of one in the order that `diagnose` has them, and prepares what
 * is to be written. BM_NOMEM, BM_LIMIT (more than BM_CARVE_MOST octets of frames, or packets, would
 * have to be held), BM_IO, BM_FORMAT and what else an input that cannot be read comes to: *e says
 * what, and *input (static for the carving) which. A capture that ends early is read as far as it
 * goes, and a message says so. */
BM_MUST_USE enum bm_status bm_carve_read(
	struct bm_carve *c, struct bm_error *e, const char **input);
#define BM_CARVE_MOST ((uint64_t)1 << 30)

/* Writes the file, with what bm_carve_has_secrets tells of or, to have a look at it, with whatever
 * opens it. As often as is wanted. write: 0, or non-zero on failure. BM_IO, BM_NOMEM. */
BM_MUST_USE enum bm_status bm_carve_write(struct bm_carve *c, bool all_secrets,
	int (*write)(void *ctx, const char *bytes, size_t n), void *ctx);

/* Whether what is written holds secrets. After bm_carve_read. */
bool bm_carve_has_secrets(const struct bm_carve *c);
/* Packets that are written. */
uint64_t bm_carve_packets(const struct bm_carve *c);

/* The nth sentence for a person, NULL past the last; it may hold any octet of names. *missing:
 * something that was asked for is not in what is written. */
const char *bm_carve_message(const struct bm_carve *c, size_t nth, bool *missing);

/* Wipes and frees; NULL allowed. */
void bm_carve_free(struct bm_carve *c);

#endif
