/* What is in a store: findings listed, grouped, plotted, and what they share beyond chance
 * (docs/STORE.md). Refuses to read clocks, terminals and the environment. */
#ifndef BM_STORE_HISTORY_H
#define BM_STORE_HISTORY_H

#include "store/store.h"

enum bm_history_group {
	BM_GROUP_NONE,
	BM_GROUP_CAUSE,
	BM_GROUP_CONFIDENCE,
	BM_GROUP_FAULT,
	BM_GROUP_PEER,
	BM_GROUP_CLIENT,
	BM_GROUP_SERVER,
	BM_GROUP_NAME,
	BM_GROUP_SUITE,
	BM_GROUP_VERSION,
	BM_GROUP_DIRECTION,
	BM_GROUP_CAPTURE,
	BM_GROUP_DAY,
	BM_GROUP_HOUR,
	BM_GROUP_WEEKDAY,
	BM_GROUP_BIT,
	BM_GROUP_FLIP,
	BM_GROUP_OFFSET,
	BM_GROUP_STREAM_OFFSET,
	BM_GROUP_PACKET_OFFSET,
	BM_GROUP_SIZE,
	BM_GROUP_COUNT
};

/* "cause", as on the command line; NULL for BM_GROUP_NONE. */
const char *bm_history_group_name(enum bm_history_group g);
/* BM_GROUP_NONE: there is none of that name. */
enum bm_history_group bm_history_group_find(const char *name);

/* The nth cause that badmac tells apart; NULL past the last. */
const char *bm_history_cause(size_t nth);
/* Has the store a finding of that cause? One of a newer badmac may have others. False too, where it
 * cannot be read. */
bool bm_history_has_cause(struct bm_store *s, const char *cause);

/* Which findings. All zero: all of them, ungrouped. */
struct bm_history_question {
	bool has_since, has_until;
	int64_t since, until; /* nanoseconds since 1970; until is not among them */
	const char *cause;    /* NULL: any */
	const char *peer;     /* an address, with or without a port; NULL: any */
	enum bm_history_group group;
	uint64_t limit; /* findings in the list, the newest first; 0: none */
};

enum bm_history_kind { BM_HISTORY_TEXT, BM_HISTORY_JSON, BM_HISTORY_HTML };

struct bm_history_format {
	enum bm_history_kind kind;
	bool color;       /* text */
	bool ascii;       /* text: the terminal shows nothing else */
	unsigned columns; /* text: its width; 0: BM_COLUMNS */
	const char *name; /* of the store, for a heading */
	int (*write)(void *ctx, const char *bytes, size_t n); /* 0, or non-zero: it failed */
	void *write_ctx;
};

/* Writes the report. BM_IO with an empty problem: a write failed. */
BM_MUST_USE enum bm_status bm_history(struct bm_store *s, const struct bm_history_question *q,
	const struct bm_history_format *f, char *problem);

#endif
