/* What a report hides of whom it is about, so that it can be handed on: addresses and names are
 * replaced, the same one always by the same, and more is left out on demand. Refuses to know how a
 * report looks. docs/REDACT.md says what is replaced by what. */
#ifndef BM_REPORT_REDACT_H
#define BM_REPORT_REDACT_H

#include "base/arena.h"
#include "verdict/model.h"

enum bm_redaction {
	BM_REDACT_NOTHING,
	BM_REDACT_ADDRESSES, /* addresses, names of hosts, users and files */
	BM_REDACT_ALL        /* and octets that are not damaged, absolute times, lines of logs */
};
const char *bm_redaction_id(enum bm_redaction level); /* "addresses", "all", NULL */

/* What was replaced by what, in one report. */
struct bm_redact;

/* level: not BM_REDACT_NOTHING. */
BM_MUST_USE enum bm_status bm_redact_new(struct bm_redact **out, enum bm_redaction level);
void bm_redact_free(struct bm_redact *r); /* NULL allowed */
enum bm_redaction bm_redact_level(const struct bm_redact *r);

/* Files get their neutral names in the order in which they are told of: capture-1.pcap, ... A name
 * that is none ("standard input") stays. name is copied. */
enum bm_redact_kind { BM_REDACT_CAPTURE, BM_REDACT_LOG, BM_REDACT_KEYS, BM_REDACT_KINDS };
BM_MUST_USE enum bm_status bm_redact_file(
	struct bm_redact *r, enum bm_redact_kind kind, const char *name);
/* What stands for a file; valid as long as r. Of a file that was not told of: "file". */
const char *bm_redact_file_name(struct bm_redact *r, const char *name);

/* In place; the port stays. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_redact_address(struct bm_redact *r, struct bm_address *a);
/* What stands for a host's name, whatever the case of its letters; NULL: no memory. */
const char *bm_redact_host(struct bm_redact *r, struct bm_arena *a, struct bm_view name);

/* How a text is to be taken. Names of files are plain words often enough ("server", "k"), so in the
 * program's own sentences they are looked for where such sentences name files: redact_text.c lists
 * the places. */
enum bm_redact_text {
	BM_REDACT_OWN,     /* the program's own sentence; what it quotes is from elsewhere */
	BM_REDACT_NOTICE,  /* the same, of a run: may start with a file's name and a colon */
	BM_REDACT_NAMED,   /* the same as OWN, and a word without a dot in it may be a host's name */
	BM_REDACT_DAMAGE,  /* the same as OWN, and octets in it are damaged ones, which may be shown */
	BM_REDACT_FOREIGN, /* from elsewhere: what looks like a name or a path is taken for one */
	BM_REDACT_GIVEN    /* the same of what was given and stands in no input: never left out */
};
/* The text without what is hidden, in a. NULL: no memory. */
const char *bm_redact_text(
	struct bm_redact *r, struct bm_arena *a, const char *text, enum bm_redact_text how);

/* A time as it is shown; 0 stays 0. With BM_REDACT_ALL the first one that is asked for becomes
 * 2000-01-01 and the others keep their distance from it. */
uint64_t bm_redact_time(struct bm_redact *r, uint64_t ts_ns);

/* The same connection, and the same summary, without what is hidden; copies are in a. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_redact_connection(struct bm_redact *r, struct bm_arena *a,
	const struct bm_connection *c, struct bm_connection *out);
BM_MUST_USE enum bm_status bm_redact_summary(
	struct bm_redact *r, struct bm_arena *a, const struct bm_summary *s, struct bm_summary *out);

#endif
