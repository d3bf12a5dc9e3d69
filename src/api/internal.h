/* A diagnosis, as badmac.c and read.c see it. */
#ifndef BM_API_INTERNAL_H
#define BM_API_INTERNAL_H

#include "badmac.h"

#include "api/again.h"
#include "api/inputs.h"
#include "api/views.h"
#include "prove/prove.h"
#include "report/report.h"
#include "tcp/tcp.h"
#include "tie/tie.h"

enum { NOTICES_MAX = 64, REASONS_MAX = 16 };

/* What a reading of the captures is for. Several places are read more than once: the reports of one
 * need what the others hold. */
enum pass {
	PASS_REPORT,
	PASS_SURVEY, /* which connections there are, and which fail */
	PASS_COLLECT /* what other captures hold where one fails */
};

/* Why connections are undecided, and how many for that reason. */
struct reason {
	const char *because;
	uint64_t connections;
};

struct badmac {
	struct badmac_options options;
	struct bm_keyring *keys;
	struct bm_key_counts key_counts;
	struct inputs inputs;
	struct again again; /* the captures of the site in hand, for a second look */
	struct bm_session_env env;
	struct bm_arena arena; /* notices and what lives for the run */
	struct bm_arena words; /* of the connection that is told of */
	struct bm_notice notices[NOTICES_MAX];
	size_t notice_count;
	struct reason reasons[REASONS_MAX];
	size_t reason_count;
	struct bm_summary summary;
	struct bm_report *report, *json; /* json: NULL: none besides */
	struct bm_redact *redact;        /* NULL: nothing is hidden */
	struct bm_tie *tie;              /* NULL: no logs */
	struct bm_prove *prove;          /* NULL: a diagnosis */
	struct bm_rules_error rules_error;
	struct bm_tcp *tcp;
	const char *site_name, *reading;             /* the capture in hand */
	const struct bm_capture_pieces *pieces;      /* by site */
	const struct bm_capture_pieces *site_pieces; /* of the site in hand */
	uint32_t sites;
	const char *command_words; /* all captures, for commands that are proposed; NULL: not named */
	uint64_t next_id;
	uint64_t told;                             /* connections that the report has */
	struct shard *shard;                       /* NULL but in a part of a run (shards.h) */
	uint64_t held_part;                        /* of the memory limit, in such a part */
	uint64_t input_total, input_done, packets; /* packets: of all passes */
	enum pass pass;
	struct views views;   /* when there are several sites */
	uint32_t snap_length; /* to which frames of the capture in hand were cut; 0: none */
	uint64_t cut_frames;
	size_t stale_told;     /* of env.stale, in captures that it was said of */
	bool cut_hello;        /* the beginning of one was seen, in any site */
	uint64_t ended_early;  /* connections of the site in hand, for want of memory */
	enum bm_status status; /* first failure inside a callback */
	bool ran, finished, damaged;
};

/* The statuses that the library shows are fewer. */
enum badmac_status api_public_status(enum bm_status s);
/* Fills in error from s and e, which may be NULL. */
enum badmac_status api_fail(struct badmac_error *error, enum bm_status s, const struct bm_error *e);
/* Those of all captures that can be read at once. */
BM_MUST_USE enum bm_status api_scan_secrets(struct badmac *b);
/* Tells the user something about the input as a whole (printf). A file's name stands in front, with
 * a colon, or redaction does not find it. */
__attribute__((format(printf, 2, 3))) void api_notice(struct badmac *b, const char *format, ...);

/* redact.c: a file that was given. */
BM_MUST_USE enum bm_status api_note_file(
	struct badmac *b, enum bm_redact_kind kind, const char *name);
/* The captures, before they are brought into another order. */
BM_MUST_USE enum bm_status api_begin_redaction(struct badmac *b);

/* pieces.c: after inputs_order. BM_NOMEM. */
BM_MUST_USE enum bm_status api_begin_pieces(struct badmac *b, uint32_t sites);
/* Before a capture is read, and after its last packet; frames: of its site, so far. */
void api_begin_piece(struct input *in, uint64_t frames);
void api_end_piece(struct input *in, uint64_t frames);
/* Those of a site, which is known by this very name. NULL: there is none such. */
const struct bm_capture_pieces *api_pieces_of(const struct badmac *b, const char *site_name);
/* Puts the captures into the summary, if several were given. BM_NOMEM. */
BM_MUST_USE enum bm_status api_tell_captures(struct badmac *b);

/* logs.c: the last log is over; what the logs say goes into the report that is about to end. */
BM_MUST_USE enum bm_status api_end_logs(struct badmac *b);
BM_MUST_USE enum bm_status api_tie_logs(struct badmac *b);

/* read.c: what badmac may hold, octets. */
uint64_t api_memory_limit(const struct badmac *b);
/* HTML: what the detail in the report may take, and what timelines may, octets. */
size_t api_detail_memory(const struct badmac *b);
uint64_t api_timeline_memory(const struct badmac *b);
/* All captures of one site, in order of time, through one flow table. */
BM_MUST_USE enum bm_status read_site(struct badmac *b, uint32_t site, struct bm_error *e);
/* Parts of it, for shards.c too. */
struct frames;
struct bm_tcp_options api_tcp_options(const struct badmac *b);
uint64_t api_held_limit(const struct badmac *b);
void api_count_frame(
	struct badmac *b, const struct bm_frame *frame, const struct bm_segment *segment);
/* s: how reading it ended. Closes f. */
BM_MUST_USE enum bm_status api_end_input(struct badmac *b, const struct input *in, struct frames *f,
	enum bm_status s, const struct bm_decoder_stats *before, const struct bm_decoder *decoder,
	struct bm_error *e);
void api_tell_decoding(struct badmac *b, const struct bm_decoder_stats *d);
void api_tell_progress(struct badmac *b, uint64_t here);

/* watch.c: what becomes of the flows. */
/* bm_session_foresee for the session that g goes to, if there is one. */
bool api_foresee(struct badmac *b, uint32_t site, const struct bm_segment *g);
struct bm_tcp_events api_events(struct badmac *b);
/* prove.c: the same for proofs. */
struct bm_tcp_events api_prove_events(struct badmac *b);
/* Puts a connection into the report and the summary. */
void api_tell(struct badmac *b, const struct bm_connection *c);
/* Takes the secrets of a capture (struct badmac *). */
BM_MUST_USE enum bm_status add_secrets(void *ctx, const struct bm_secrets *s);

#endif
