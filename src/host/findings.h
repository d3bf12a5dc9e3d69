/* What stands in the table of knowledge and was found on a machine. Refuses to know how it is
 * shown. */
#ifndef BM_HOST_FINDINGS_H
#define BM_HOST_FINDINGS_H

#include "host/knowledge.h"
#include "host/model.h"

enum { BM_FOUND_COUNTS_MAX = 8 };

struct bm_found_count {
	const char *name;
	uint64_t n;
	struct bm_count added; /* not known without an earlier reading */
};

struct bm_finding {
	const struct bm_fact *fact;
	const char *subject; /* "eth0", "tcp", "memory", a module */
	const char
		*value; /* a few words: "on: tx-tcp-segmentation", "3 controllers"; NULL if counts say it */
	const char *off, *on; /* commands to type; NULL: none */
	bool fixed;           /* a feature that cannot be switched */
	bool moves;           /* one of the counts grew since the earlier reading */
	struct bm_found_count counts[BM_FOUND_COUNTS_MAX];
	size_t count_n, count_more; /* more: how many did not fit */
};

struct bm_findings {
	struct bm_finding *at; /* heaviest first, those whose counts grew before the others */
	size_t n, cap;
	struct bm_arena *arena;
	struct bm_finding nowhere; /* where there was no room, so that nobody need ask */
	bool no_memory;
};

/* All strings live in the host's arena or in the one that is given. */
void bm_findings_make(const struct bm_host *h, struct bm_arena *arena, struct bm_findings *out);

/* A name as one word of a shell command, quoted where it needs to be; NULL for one that no command
 * should hold: it looks like an option or has control characters. Also NULL, and *no_memory, when
 * there is no room. */
const char *bm_shell_word(struct bm_arena *arena, const char *name, bool *no_memory);

#endif
