/* What is known of logs: sections of a readable file (data/explain.rules; docs/EXPLAIN.md has the
 * syntax). Knows nothing of any log. */
#ifndef BM_EXPLAIN_RULES_H
#define BM_EXPLAIN_RULES_H

#include "explain/match.h"
#include "verdict/model.h"

enum bm_section {
	BM_RULE_STACK,      /* a TLS library */
	BM_RULE_PROGRAM,    /* what uses one: a server, a language, a driver */
	BM_RULE_EVENT,      /* a line that says that a record failed its check */
	BM_RULE_CONTEXT,    /* a line that may have to do with it */
	BM_RULE_OTHER,      /* a line about TLS that is something else */
	BM_RULE_NEGOTIATED, /* a line with version and suite */
	BM_RULE_TRACE,      /* a line for the reader of javax.net.debug */
	BM_RULE_WEIGH,      /* what facts say of causes */
	BM_RULE_SECTIONS
};

enum bm_role { BM_ROLE_UNKNOWN, BM_ROLE_CLIENT, BM_ROLE_SERVER };
enum bm_detector { BM_BY_UNKNOWN, BM_BY_LOCAL, BM_BY_PEER };
enum bm_stage {
	BM_STAGE_UNKNOWN,
	BM_STAGE_HANDSHAKE,
	BM_STAGE_AFTER, /* after the handshake, which record is not known */
	BM_STAGE_FIRST, /* the first record of application data */
	BM_STAGE_LATER
};

enum bm_field_key {
	BM_FIELD_MATCH,
	BM_FIELD_NOT,
	BM_FIELD_NAME,
	BM_FIELD_STACK,
	BM_FIELD_PROGRAM,
	BM_FIELD_DETECTED,
	BM_FIELD_STAGE,
	BM_FIELD_ROLE,
	BM_FIELD_MEANS,
	BM_FIELD_NEEDS,
	BM_FIELD_WHEN,
	BM_FIELD_CAUSE,
	BM_FIELD_RULES_OUT,
	BM_FIELD_NEXT,
	BM_FIELD_BUG,
	BM_FIELD_SOURCE,
	BM_FIELD_KEYS
};

struct bm_field {
	enum bm_field_key key;
	enum bm_cause cause; /* BM_FIELD_CAUSE, BM_FIELD_RULES_OUT */
	unsigned weight;     /* BM_FIELD_CAUSE: 1 to 100 */
	const char *text;    /* the value; after the cause and its weight, the reason */
	const char *more;    /* BM_FIELD_NEXT: the command after the | */
	struct bm_field *next;
};

struct bm_rule {
	enum bm_section section;
	const char *id, *name, *means, *source;
	const char *stack, *program; /* ids; NULL: not said */
	enum bm_detector detected;
	enum bm_stage stage;
	enum bm_role role; /* of a program that is always the same */
	bool needs_tls;    /* the words alone do not say that it was TLS */
	bool needs_more;   /* nor that it was a record, unless another line does */
	bool replaced;     /* by a later section of the same kind and name */
	bool built_in;     /* not of a file that was given */
	unsigned order;    /* later ones win */
	struct bm_field *fields, **last;
	const char *file;
	unsigned line;
};

struct bm_rules;

/* Where a rules file is wrong. */
struct bm_rules_error {
	unsigned line; /* from 1; 0: the file as a whole */
	char what[120];
};

BM_MUST_USE enum bm_status bm_rules_new(struct bm_rules **out);
void bm_rules_free(struct bm_rules *r); /* NULL allowed */
/* text is copied. BM_FORMAT, BM_LIMIT: *e says where and why. */
BM_MUST_USE enum bm_status bm_rules_read(
	struct bm_rules *r, const char *file, struct bm_view text, struct bm_rules_error *e);
/* The ones that are compiled in. */
struct bm_view bm_rules_builtin(void);
/* After the last file: names that lead nowhere are BM_FORMAT (*file says in which one). */
BM_MUST_USE enum bm_status bm_rules_seal(
	struct bm_rules *r, const char **file, struct bm_rules_error *e);

size_t bm_rules_count(const struct bm_rules *r);
const struct bm_rule *bm_rules_at(const struct bm_rules *r, size_t n);
/* NULL: there is none, or id is NULL. */
const struct bm_rule *bm_rules_find(
	const struct bm_rules *r, enum bm_section section, const char *id);

bool bm_rules_may(const struct bm_rules *r, struct bm_view line);
/* The same of up to BM_SCAN_TEXT octets, as bm_matcher_scan. */
void bm_rules_scan(const struct bm_rules *r, struct bm_view text, uint64_t hits[BM_SCAN_WORDS]);
/* Every rule one of whose patterns fits the line and none of whose exceptions does, in order, each
 * once. */
enum { BM_RULE_HITS = 64 };
size_t bm_rules_run(
	struct bm_rules *r, struct bm_view line, const struct bm_rule *hits[BM_RULE_HITS]);

const char *bm_detector_id(enum bm_detector d); /* "local", "peer", "unknown" */
const char *bm_stage_id(enum bm_stage s);       /* NULL: unknown */

#endif
