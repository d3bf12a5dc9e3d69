/* The hypotheses about a failure: each alters one input of the record check and shows
 * its cause, or is ruled out with a count. Refuses to know how they are shown to people. */
#ifndef BM_WHY_WHY_H
#define BM_WHY_WHY_H

#include "base/arena.h"
#include "capture/pieces.h"
#include "session/session.h"
#include "repair/repair.h"
#include "why/altered.h"
#include "why/cause.h"

enum bm_strength {
	BM_STRENGTH_NONE,
	BM_STRENGTH_POSSIBLE,
	BM_STRENGTH_SUPPORTED,
	BM_STRENGTH_PROVEN
};

/* A run of the record that was sent otherwise. Views borrow from the case. */
struct bm_change {
	uint32_t record_off;
	struct bm_view received, sent;
	uint64_t sent_packet; /* that carries the other copy */
	bool sent_unknown;    /* sent is empty because it cannot be told */
};

enum { BM_CHANGES_MAX = 64, BM_EVIDENCE_MAX = 12 };

/* What a hypothesis found. */
struct bm_finding {
	enum bm_cause cause;
	enum bm_strength strength;
	const char *method; /* static; NULL: no MAC was computed for it */
	unsigned tag_bits;
	uint64_t candidates;
	double chance_log2;
	struct bm_altered altered;
	struct bm_change changes[BM_CHANGES_MAX];
	size_t change_count;
	const char *evidence[BM_EVIDENCE_MAX]; /* in the arena */
	size_t evidence_count;
	/* Without keys: the record that it is about, in the arena; NULL: the case says. */
	const struct bm_case *about;
	/* ... and nobody need have complained of it: its receiver cannot have taken it, and its last
	 * word came after it. */
	bool stands;
	bool no_memory; /* what would have been shown could not be */
	bool has_seq;   /* of the record, where the case could not know it */
	uint64_t seq;
	bool nonce_reused;  /* one keystream, two plaintexts */
	bool own_make;      /* nobody but its sender can have made it */
	bool configuration; /* speaks of the key material that was given, of no endpoint */
};

/* The same connection in another capture of the run. Borrowed. */
struct bm_elsewhere {
	const char *capture;
	const struct bm_capture_pieces *pieces; /* of that capture */
	/* Octets of the failed record's direction there, and which of them stands where the failed
	 * record begins. Empty: none were captured, or there was no use for them. */
	struct bm_view bytes;
	size_t lead;
	const struct bm_fragment *fragments; /* record_off counts within bytes */
	size_t fragment_count;
	const struct bm_other_copy *copies; /* the same */
	size_t copy_count;
	struct bm_view here; /* the stream as it arrived here, from the failed record on */
	unsigned place;      /* enum bm_place of that capture */
	int order; /* 1: it stands nearer the sender of the record, -1: farther, 0: nothing tells */
	bool copy; /* it was taken where this one was, or is the same: that both agree says nothing */
	bool all_good; /* every record of the connection verifies there */
	bool ended; /* the same, its stream ends where the failed record begins here, and the complaint
				   is there all the same */
};

enum { BM_ELSEWHERE_MAX = 8 };

/* What another capture shows where the failed record is due. */
enum bm_agreement {
	BM_SAYS_NOTHING,
	BM_SAYS_THE_SAME, /* the same bytes */
	BM_SAYS_GOOD,     /* others, with which it verifies */
	BM_SAYS_OTHER     /* others, of which no key says whether they are good */
};

struct bm_cut;

/* What the search for damaged bytes came to. */
struct bm_damage_search {
	bool asked;
	enum bm_status status;
	struct bm_repair repair;
	/* DTLS 1.3: the number under which it was found, and the changes that were tried under others.
	 */
	uint64_t seq;
	double before;
	unsigned numbers;
};

/* Master secrets of other sessions that were tried. */
struct bm_sessions_tried {
	uint64_t n;
	bool cut; /* not all of them */
};

struct bm_why {
	const struct bm_session *session;
	const struct bm_case *c;
	const struct bm_session_facts *facts;
	struct bm_scratch *scratch;
	struct bm_arena *arena;
	struct bm_pool *pool; /* may be NULL */
	enum bm_effort effort;
	uint64_t share;  /* nanoseconds that each search may cost */
	uint64_t *spent; /* on searches, by the run */
	const struct bm_elsewhere *elsewhere;
	size_t elsewhere_count;
	/* bm_explain's own, filled in when first asked for. */
	struct bm_cut *cut;
	struct bm_damage_search *repair;
	struct bm_sessions_tried *sessions;
};

struct bm_excluded {
	enum bm_cause cause;
	const char *because; /* in the arena or static */
};

enum { BM_EXCLUDED_MAX = BM_CAUSE_COUNT };

struct bm_explanation {
	struct bm_finding finding; /* BM_CAUSE_UNEXPLAINED when nothing was shown */
	struct bm_excluded excluded[BM_EXCLUDED_MAX];
	size_t excluded_count;
};

/* Tries every hypothesis of the table, likeliest first, until one is shown. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_explain(const struct bm_why *w, struct bm_explanation *out);

/* For the files of src/why. */
enum bm_answer {
	BM_SHOWN,    /* out is filled in */
	BM_EXCLUDED, /* *because says why not */
	BM_NOT_ASKED /* says nothing about this kind of failure */
};

struct bm_hypothesis {
	enum bm_cause cause;
	enum bm_answer (*ask)(const struct bm_why *w, struct bm_finding *out, const char **because);
};

enum bm_answer bm_ask_plaintext_alert(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_capture_incomplete(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_record_was_good(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_wrong_keys(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_other_copy(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_shown(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_elsewhere(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_good_copy(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_replayed(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_reordered(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_missing(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_number(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_epoch(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_reflected(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_foreign(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_foreign_at_last(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_bits(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_tag(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_swapped(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_bytes(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_only_record(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_header(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_header_and_body(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_text(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_inserted(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_inserted_at_last(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_interleaved(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_bytes_missing(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_derivation(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_other_session(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_other_session_at_last(
	const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_construction(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_padding(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_stale(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_keystream(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_miscomputed(const struct bm_why *, struct bm_finding *, const char **);
enum bm_answer bm_ask_reused(const struct bm_why *, struct bm_finding *, const char **);

/* Adds a line of evidence (printf); lines past BM_EVIDENCE_MAX are dropped. */
__attribute__((format(printf, 3, 4))) void bm_evidence(
	const struct bm_why *w, struct bm_finding *f, const char *format, ...);
/* *at: where in e->bytes it begins (but for BM_SAYS_NOTHING). */
enum bm_agreement bm_agreement(const struct bm_why *w, const struct bm_elsewhere *e, size_t *at);
/* Fills in the proof of an exact tag match among `candidates` tries. */
void bm_prove(struct bm_finding *f, const char *method, size_t tag_len, uint64_t candidates);
/* The same, and what the check was given: `inputs` (enum bm_input) otherwise, all else as the
 * receiver of w->c had it. The caller sets in f->altered what is another. */
void bm_alter(const struct bm_why *w, struct bm_finding *f, unsigned inputs);
/* A cipher that chains records stood there, and not where its receiver had it. */
void bm_alter_chain(const struct bm_why *w, struct bm_finding *f, const struct bm_chain *chain);
/* Of another record that shows the place: the one behind what is wrong. */
void bm_alter_after(const struct bm_why *w, struct bm_finding *f);
/* Another record of that direction. */
void bm_alter_other(
	struct bm_finding *f, unsigned direction, uint64_t off, uint64_t packet, uint64_t seq);

#endif
