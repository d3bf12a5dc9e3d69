/* What the files of redaction share: what is known to be a name or an address, and what stands for
 * it. */
#ifndef BM_REPORT_REDACT_INTERNAL_H
#define BM_REPORT_REDACT_INTERNAL_H

#include "report/redact.h"

/* Kinds of things that are numbered. */
enum bm_hidden {
	BM_HIDDEN_IPV4,
	BM_HIDDEN_IPV6,
	BM_HIDDEN_MAC,
	BM_HIDDEN_HOST,
	BM_HIDDEN_USER,
	BM_HIDDEN_FILE,
	BM_HIDDEN_BASE, /* the last part of a file's path */
	BM_HIDDEN_KINDS
};

enum { BM_HIDDEN_NAME_MAX = 40, BM_HIDDEN_LENGTHS = 512 };

/* What stands for the files of a number. */
struct bm_hidden_file {
	char shown[BM_HIDDEN_NAME_MAX];
};

struct bm_redact {
	enum bm_redaction level;
	/* Open addressing over keys that stand in one arena. */
	struct bm_arena keys;
	struct bm_hidden_key *table;
	size_t cap, count;
	uint64_t counted[BM_HIDDEN_KINDS];
	struct bm_hidden_file *files[2]; /* of BM_HIDDEN_FILE and BM_HIDDEN_BASE, by number - 1 */
	size_t file_cap[2];
	unsigned files_told[BM_REDACT_KINDS];
	uint16_t lengths[BM_HIDDEN_LENGTHS]; /* of names of files, the longest first */
	size_t length_count;
	uint64_t origin_ns; /* 0: none yet */
};

/* redact_names.c: the number of a thing, from 1 on; 0: there are too many, or, with add false, it
 * is not known. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_hidden_number(
	struct bm_redact *r, enum bm_hidden kind, struct bm_view key, bool add, uint64_t *number);
/* What stands for an address of 4 or 16 octets, in place. */
BM_MUST_USE enum bm_status bm_hidden_ip(struct bm_redact *r, uint8_t *ip, unsigned family);
/* "host-3.example", "user-1": for a name, the case of whose letters does not count for hosts. */
BM_MUST_USE enum bm_status bm_hidden_name(struct bm_redact *r, enum bm_hidden kind,
	struct bm_view name, bool add, char out[BM_HIDDEN_NAME_MAX]);
/* The longest name of a file that v starts with, and nothing of it goes on after it but `behind`
 * does; what stands for it, and in *n its octets. NULL: none. */
const char *bm_hidden_file_at(struct bm_redact *r, struct bm_view v, const char *behind, size_t *n);
/* Could a name go on with this octet? */
bool bm_hidden_goes_on(uint8_t c);

#endif
