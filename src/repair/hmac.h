/* What the files of the search in HMAC-protected records share. Refuses to be included from
 * anywhere else.
 *
 * A candidate says which octets of the body were sent otherwise. What it makes of the text under
 * the MAC is an edit: the same octets for a stream cipher or where the MAC is over the ciphertext,
 * garbled and flipped blocks for CBC with the MAC inside. Candidates whose edits lie in the same
 * blocks of the hash share a group, a lane each.
 *
 * Candidates are gathered in rounds, which workers go through chunk by chunk. Which candidates a
 * round has depends on nothing that differs between machines. */
#ifndef BM_REPAIR_HMAC_H
#define BM_REPAIR_HMAC_H

#include "base/buf.h"
#include "crypto/lanes.h"
#include "repair/repair.h"

enum {
	HS_RUN = 16,             /* octets of one change at most */
	HS_CHANGES = 2,          /* of a candidate */
	HS_EDIT = 96,            /* octets of one edit at most: two runs of three blocks that touch */
	HS_BATCH = 256,          /* candidates whose blocks are decrypted together */
	HS_CHUNK = 4 * HS_BATCH, /* candidates that a worker takes up at once */
	HS_CHUNKS = 64,          /* of a round at most */
	HS_TOUCHED = 6,          /* cipher blocks that a candidate changes at most */
	HS_SPAN = 6 /* blocks of the hash that the lanes of a group may spread over, at either place */
};

struct hs_change {
	uint32_t off; /* in the body */
	uint32_t n;
	uint8_t to[HS_RUN];
};

/* Changes ascend and do not overlap. */
struct hs_candidate {
	size_t n;
	struct hs_change c[HS_CHANGES];
};

struct hs_edit {
	uint32_t off; /* in the text */
	uint32_t n;
	uint8_t to[HS_EDIT];
};

struct hs_edits {
	size_t n;
	struct hs_edit e[HS_CHANGES];
};

/* Blocks of the hash, from lo up to hi; none when lo is above hi. */
struct hs_blocks {
	size_t lo, hi;
};

struct hs_group {
	size_t n;
	struct hs_blocks first, second; /* where any lane differs */
	struct hs_candidate candidate[BM_LANES];
	struct hs_edits edits[BM_LANES];
};

/* A cipher block of a candidate: block `q` of the body, IV included; `at` in the batch's blocks. */
struct hs_touched {
	uint32_t q, at;
};

struct hs_batch {
	size_t n;
	struct hs_candidate candidate[HS_BATCH];
	size_t touched_n[HS_BATCH];
	struct hs_touched touched[HS_BATCH][HS_TOUCHED];
	size_t blocks; /* cipher blocks gathered */
	uint8_t cipher[HS_BATCH * HS_TOUCHED * BM_BLOCK_MAX];
	uint8_t plain[HS_BATCH * HS_TOUCHED * BM_BLOCK_MAX];
};

/* The record as received, and everything about its MAC that no candidate changes. */
struct hs_base {
	struct bm_mac_rules rules;
	const struct bm_lane_hash *lane; /* NULL: no lanes for this hash, whole checks instead */
	struct bm_outcome outcome;
	uint8_t *text; /* plaintext, or the body where that is what the MAC is over or beside */
	size_t text_n;
	size_t content_n; /* octets of text under the MAC, as the received padding has it */
	bool layout;      /* false: the received padding length leaves no room for a MAC */
	/* Octets of padding that are not what the last one says: from the first to behind the last. */
	size_t bad_from, bad_to;
	size_t prefix;  /* octets of MAC input before the text, in the blocks that follow `start` */
	size_t blocks;  /* of the whole MAC input, padded */
	uint8_t *input; /* that input */
	union bm_lane_state *before; /* each block */
	void *schedule;              /* of each block */
	union bm_lane_state outer;   /* before the outer hash's own blocks */
	uint8_t outer_text[2 * 128]; /* with a hole where the inner digest goes */
	size_t outer_blocks, hole;
	uint8_t computed[BM_HASH_MAX];
	uint64_t block_cost; /* of decrypting one block, in octets of MAC input */
};

/* What one worker has to itself. */
struct hs_worker {
	struct hmac_search *s;
	uint64_t work;      /* octets of MAC input, not yet counted in s */
	struct bm_cbc *cbc; /* NULL unless CBC inside which there is a MAC */
	struct hs_batch batch;
	struct hs_group group;
	struct bm_lanes lanes;
	struct bm_lane_block block;
};

struct hmac_search {
	const struct bm_damaged *d;
	struct bm_scratch *scratch;
	struct bm_repair *out;
	struct bm_family *family; /* being searched */
	enum bm_status status;    /* anything but BM_OK ends the search */
	uint64_t limit, work;     /* octets of MAC input */
	double accepted;
	size_t fits;      /* different records that verify, in this family */
	uint8_t *altered; /* the record under test, header and body */
	struct hs_base base;
	struct hs_candidate *round; /* n candidates to be tried, up to `room` */
	size_t n, room;
	struct hs_worker **worker; /* each made when it is first needed; the first one always is */
};

/* hmac_base.c. hs_open fails with what can be freed; hs_close wipes. */
BM_MUST_USE enum bm_status hs_open(struct hmac_search *s);
void hs_close(struct hmac_search *s);

/* hmac_worker.c: memory for one. NULL: BM_NOMEM, and noted in s. */
struct hs_worker *hs_worker_new(struct hmac_search *s);
void hs_worker_free(struct hs_worker *w); /* wipes; NULL allowed */
/* What trying a candidate costs in the mean, in octets of MAC input. */
double hs_cost(const struct hmac_search *s);
/* Counts the candidate and sees to it that it is tried, at the latest by hs_finish. False when the
 * search must end. */
bool hs_try(struct hmac_search *s, const struct hs_candidate *c);
void hs_finish(struct hmac_search *s);
/* The search cannot go on. */
void hs_fail(struct hmac_search *s, enum bm_status status);

/* hmac_try.c: n candidates, at most HS_CHUNK. */
void hs_try_chunk(struct hs_worker *w, const struct hs_candidate *c, size_t n);
/* Whether the received record with the candidate's changes verifies; notes a fit. */
void hs_confirm(struct hs_worker *w, const struct hs_candidate *c);
/* The same for a record in s->altered with this type and version, for who has that to himself. */
bool hs_verifies(struct hmac_search *s, uint64_t *work, uint8_t type, uint16_t version);

/* hmac_edits.c: what the batch's candidate i makes of the text. */
void hs_gather(struct hs_worker *w, const struct hs_candidate *c, size_t i);
void hs_edits_of(const struct hs_worker *w, size_t i, struct hs_edits *out);

/* hmac_lanes.c. */
void hs_group_add(struct hs_worker *w, const struct hs_candidate *c, const struct hs_edits *e);
void hs_group_run(struct hs_worker *w);
/* The states before each block, and the MAC of the record as received. */
void hs_run_base(struct hmac_search *s);

/* hmac_families.c: in order of likelihood and cost. The first ones are always begun; the others
 * only where they fit into what the effort has left. */
void hs_search_families(struct hmac_search *s);

/* hmac.c: the ledger. hs_end closes the account of a family; true when the search is over. */
void hs_begin(struct hmac_search *s, const char *name);
bool hs_end(struct hmac_search *s, bool complete, const char *ambiguous, enum bm_repair_kind kind);
void hs_count(struct hmac_search *s, double candidates);

#endif
