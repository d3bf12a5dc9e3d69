/* Follows one connection: drives the record checks in order, follows epochs, goes on
 * after a failure. Collects what happened; refuses to say why. */
#ifndef BM_SESSION_SESSION_H
#define BM_SESSION_SESSION_H

#include "session/timeline.h"
#include "tcp/tcp.h"
#include "tls/handshake.h"
#include "tls/keyring.h"
#include "verify/verify.h"

enum { BM_C2S = 0, BM_S2C = 1 }; /* direction: by who sends, BM_CLIENT or BM_SERVER */

/* Traffic keys of a connection of the run, and who sends under them. */
enum { BM_FOREIGN_STATES = 4 };
struct bm_foreign_keys {
	struct bm_traffic_keys keys;
	/* Of ciphers that chain records: where the direction stood when its last record had come, and
	 * where records failed. Owned; wiped. */
	struct bm_position *states;
	size_t state_count;
	uint64_t flow; /* bm_flow_id; BM_NO_SEQ: of an earlier reading */
	struct bm_address from, to;
	bool failed; /* chained: what stands in that direction is not all of its sender's making */
};

/* What the captures of the run hold, to be read once more when a failure asks for it. */
struct bm_traffic {
	/* Hands every segment to `each`, in order of the capture, until that returns false. False: some
	 * of what was read so far cannot be read again. */
	bool (*walk)(
		void *ctx, bool (*each)(void *each_ctx, const struct bm_segment *s), void *each_ctx);
	void *ctx;
};

/* Shared by the sessions of one run. All-zero but keys is valid; bm_session_env_clear wipes it. */
struct bm_session_env {
	struct bm_keyring *keys;
	struct bm_pool *pool; /* for long searches; may be NULL; borrowed */
	struct bm_scratch scratch;
	uint8_t linear[BM_HEADER + 65536]; /* a record put together from its spans */
	uint64_t cases;                    /* failures so far */
	uint64_t held;                     /* octets that go with sessions, about */
	uint64_t kept;                     /* octets that stay: of `foreign` */
	uint64_t spent;                    /* on searches, in nanoseconds by bm_protection_cost */
	/* Starts in the middle have a share of their own, so that failures do not pay for them. */
	uint64_t start_spent, start_tried; /* nanoseconds; keys and numbers, as many as can agree */
	uint64_t first_share;              /* of the first failure's search; 0: BM_SHARE_NORMAL */
	struct bm_traffic traffic;         /* walk may be NULL */
	struct bm_foreign_keys *foreign;   /* of all connections, a ring; owned */
	size_t foreign_count, foreign_cap, foreign_next;
	struct bm_session *sessions; /* that are alive: to learn where they stand */
	/* Other connections of the run are followed elsewhere, at the same time: nothing is to be
	 * learnt from them, or told to them. asked_others: something was. */
	bool apart, asked_others;
	bool knows_all;    /* the keys of all connections were seen in an earlier reading */
	bool foresees;     /* one of them can make use of bm_session_foresee */
	bool records_time; /* each of them has a timeline */
	/* What the records and events of those may hold, beside `held`, and whether one of them would
	 * have had to hold more. */
	uint64_t timeline_most, timeline_held;
	bool timeline_full;
	struct bm_timeline *timelines; /* all that there are */
	struct bm_ahead *ahead;        /* their records that wait to be checked; owned */
	uint64_t *stale;               /* of bm_session_env_stale, in order; owned */
	size_t stale_count, stale_cap;
};
void bm_session_env_clear(struct bm_session_env *env);
/* Before the same captures are read anew: forgets what was seen. */
void bm_session_env_restart(struct bm_session_env *env);
/* Before those of another place: the keys that were seen stay known. */
void bm_session_env_go_on(struct bm_session_env *env);
/* An alert in this packet is said to be about a record that was repaired since. It attests a
 * failure of a record that is bad still, and is no complaint about one that is good. Before the
 * packet is handed on, in the order of packets. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_session_env_stale(struct bm_session_env *env, uint64_t packet);
/* Nanoseconds that the next search may cost: first_share at first, and half of that each time when
 * searches have cost the run half of first_share more, so that hostile input ends too. */
#define BM_SHARE_QUICK 200000000u
#define BM_SHARE_NORMAL 2000000000u
#define BM_SHARE_DEEP 120000000000u
uint64_t bm_search_share(const struct bm_session_env *env);
uint64_t bm_start_share(const struct bm_session_env *env);

/* Epoch numbers: SSL 3.0 to TLS 1.2 count ChangeCipherSpec; TLS 1.3 has RFC 9147's, section 6.1. */
enum { BM_EPOCH_PLAIN = 0, BM_EPOCH_EARLY = 1, BM_EPOCH_HANDSHAKE = 2, BM_EPOCH_APPLICATION = 3 };

struct bm_tally {
	uint64_t verified, failed, undecided, plaintext;
	uint64_t after_close; /* behind the sender's close_notify, and not good: nobody reads them */
};

struct bm_alert_seen {
	unsigned direction;
	uint8_t level, description; /* 0 and 255 when it could not be read */
	uint64_t packet;
	uint64_t acked; /* stream octets of the other direction that its sender had acknowledged; 0:
					   unknown */
	bool encrypted;
	bool stale; /* bm_session_env_stale */
};

/* A run of a failed record as it was captured. */
struct bm_fragment {
	uint32_t record_off, len;
	uint64_t packet;
	uint32_t packet_off;
	enum bm_checksum checksum;
	uint64_t segment;
	uint32_t segment_off; /* in that segment's payload */
	uint16_t sum;         /* of that segment: bm_segment */
};

/* Another copy of some of its bytes. */
struct bm_other_copy {
	uint32_t record_off;
	uint64_t packet;
	enum bm_checksum checksum;
	struct bm_view bytes; /* owned by the case */
};

/* A protected record that could not be checked, for want of keys. */
struct bm_seen_record {
	uint64_t off, packet; /* of its last octet */
	uint64_t fingerprint;
	uint64_t nonce; /* the first 8 octets of its body, where it has as many */
	uint32_t len;   /* header and body */
	uint8_t type;
	bool behind_gap; /* bytes before it were not captured */
	unsigned epoch;
};

enum bm_case_kind {
	BM_CASE_BAD_RECORD,      /* a record that does not verify where the receiver expected it */
	BM_CASE_PLAINTEXT_ALERT, /* TLS 1.3: an alert in the clear where protection was due */
	BM_CASE_REJECTED,    /* an endpoint sent bad_record_mac, and no bad record was seen before */
	BM_CASE_NO_KEYS_FIT, /* nothing in the epoch verifies under the keys at hand */
	BM_CASE_DIFFERS,     /* a record that no key opens is another one in another capture */
	BM_CASE_SUSPECTED /* no keys, and no complaint that could be read: perhaps nothing is wrong */
};

/* How the records after a bad one went on. */
enum bm_after {
	BM_AFTER_NOTHING, /* none was seen, or none verified */
	BM_AFTER_NEXT,    /* the next one verified as if the bad one had been counted */
	BM_AFTER_SAME,    /* ... as if it had never been sent */
	BM_AFTER_OTHER    /* at another sequence number */
};

enum { BM_CASE_NUMBERS = 9 };

/* What a cipher that chains records brought to one of them, as far as it can be told: the IV of the
 * first record of an epoch comes of the keys, and is not. */
struct bm_chain {
	bool known;
	uint8_t iv[BM_BLOCK_MAX];
	uint64_t keystream; /* octets used before it */
};

/* Everything seen about one failure; the input of src/why. */
struct bm_case {
	enum bm_case_kind kind;
	unsigned direction;
	unsigned epoch;
	uint64_t seq;      /* the receiver's expectation; BM_NO_SEQ unknown */
	uint64_t off;      /* stream offset of the header */
	uint32_t len;      /* header and body */
	uint64_t *packets; /* owned */
	size_t packet_count;

	uint8_t *record; /* owned copy of `region` bytes; NULL when none was kept */
	uint32_t region; /* octets up to where the stream goes on, at least len when known */
	struct bm_fragment *fragments;
	size_t fragment_count;
	struct bm_other_copy *copies;
	size_t copy_count;
	const struct bm_protection *protection; /* owned by the session */
	struct bm_position *position;           /* expected; owned; wiped */
	enum bm_result result;
	/* The next one, at after_seq, could not be checked for want of its IV; the one behind it was.
	 */
	bool after_lacks_iv;
	bool framing_lost; /* no plausible record followed where the header says */

	/* Where it verifies after all. */
	bool found; /* at found_seq */
	uint64_t found_seq;
	/* Of it there, or of the record that it mirrors; and of the record at after_off. */
	struct bm_chain found_chain, after_chain;
	size_t compared;      /* records before it, as to that */
	bool identical;       /* its bytes equal those of the record at twin_off */
	uint32_t twin_damage; /* identical: but for so many, which had been damaged there */
	uint64_t twin_off, twin_seq, twin_packet; /* off: BM_NO_SEQ when it is too long ago */
	/* The record of its number that came behind it and is good, where the two have the same MAC:
	 * what this one was when it was sent. Owned; NULL: none came. */
	uint8_t *good;
	uint32_t good_len;
	uint64_t good_off, good_packet; /* of its last octet */
	/* AFTER_SAME: so many octets of this one are those of the record behind it, where that is as
	 * long. */
	uint32_t alike;
	uint64_t tried;   /* sequence hypotheses tried in all */
	uint64_t earlier; /* chained ciphers: states tried that its sender had been in */
	bool earlier_cut; /* not all that are remembered */
	uint32_t between; /* whole records between it and the next good one */
	uint64_t run;     /* octets of it and of the records sent again behind it */
	uint64_t repeats; /* records of those */
	/* TLS 1.3: it is the first record of found_epoch; what ends its own epoch never came. */
	bool epoch_skipped;
	unsigned found_epoch;
	bool mirrored; /* its bytes equal those of a good record of the other direction */
	uint64_t mirror_off, mirror_seq, mirror_packet;
	unsigned mirror_epoch;
	bool came_late; /* the records skipped before it turned up after it */

	/* DTLS */
	uint16_t header_len;               /* of the record as it stands there; 0: none can be read */
	uint8_t cid_len;                   /* of its connection id */
	uint8_t reflected_cid_len;         /* of those of the other direction */
	uint64_t numbers[BM_CASE_NUMBERS]; /* DTLS 1.3: that it may have, likeliest first */
	size_t number_count;
	uint8_t *sent_header; /* owned; with it, and sent_len octets in all, it verifies at found_seq */
	size_t sent_header_len, sent_len;
	bool number_reused; /* it verifies, and so did another record of its number: twin_packet */
	bool nonce_reused;  /* and both were encrypted with the same keystream (not DTLS alone) */
	bool
		first_unseen; /* no other record of number found_seq verified: it failed, or a gap has it */
	bool in_step;     /* RC4: it verifies at found_seq, with the keystream that was due */
	bool number_alone; /* ... which is ahead, and the next one counts as if it had its own */

	enum bm_after after;
	unsigned after_epoch;
	uint64_t after_seq; /* the sequence number at which the first good one after it verified */
	uint64_t after_off;
	uint64_t after_count; /* good records after it until the next failure */
	uint64_t after_tried;

	uint8_t alert; /* PLAINTEXT_ALERT: its code; REJECTED: the code */
	uint64_t alert_packet;
	/* PLAINTEXT_ALERT: it may stand there (RFC 8446, section 6), unless its receiver complains. */
	bool tolerated;
	bool behind_close; /* BAD_RECORD, tolerated: counted under after_close, unless of interest */
	uint64_t
		meant; /* REJECTED: records that the complaint may be about; 1: the one that is named */
	bool carried_on;       /* BAD_RECORD: its receiver went on as if nothing had happened */
	bool first_of_epoch;   /* REJECTED: its receiver had accepted nothing of the epoch */
	bool over_gap;         /* REJECTED: bytes of this direction were not captured */
	bool behind_gap;       /* BAD_RECORD: the same, of those before it */
	bool right_behind_gap; /* BAD_RECORD: a gap ends where it begins; the one behind it tells its
							  number */
	bool before_gap;       /* BAD_RECORD: and of those between it and the next good one */
	bool no_keys;          /* REJECTED: records of this direction could not be checked */
	bool epoch_verified;   /* other records of its direction and epoch do verify */
	unsigned sides;        /* NO_KEYS_FIT: whose records, as bits */
	bool shown;            /* REJECTED: bm_session_show has said which record it was */
	/* BAD_RECORD: it verified with the copy that came first. This one, other_packet of it first,
	 * came apart_ns later, before its receiver had acknowledged it; that complained. */
	bool good_first;
	uint64_t other_packet, apart_ns;
	/* REJECTED: octets came again before they were acknowledged, and what was in them, or in those
	 * before, could not be read again. */
	bool not_compared;
	bool at_start; /* nothing before it verified: it may be of another epoch */
	bool only_one; /* no other record of its epoch could be tried under these keys */

	/* Without keys: what the receiver had of this direction before the complaint or the end, as far
	 * as it is at hand (a case of its own, of which bytes, fragments and copies count); owned. */
	struct bm_case *scope;
	uint64_t before;  /* records whose last packet is a later one are not meant */
	uint64_t word;    /* packet of the receiver's last word: an alert, or none: BM_NO_SEQ */
	uint64_t lost_at; /* where no header stood any more; BM_NO_SEQ: nowhere */
	bool both_lost;   /* and so in the other direction: perhaps TLS was over */
	bool stream_ends; /* behind the scope nothing follows */
};
#define BM_NO_SEQ UINT64_MAX

/* Octets that came in the place of a failed record of a stream, and are at hand; 0: not all are. */
static inline uint32_t
bm_case_octets(const struct bm_case *c)
{
	bool elsewhere = c->framing_lost && c->after != BM_AFTER_NOTHING && c->after_off > c->off;
	uint64_t n = elsewhere ? c->after_off - c->off : c->len;

	return c->record != NULL && n <= c->region ? (uint32_t)n : 0;
}

struct bm_session;

/* The environment that it was made with. */
struct bm_session_env *bm_session_env_of(const struct bm_session *s);

/* Takes over a flow. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_session_new(
	struct bm_session **out, struct bm_session_env *env, struct bm_flow *f);
void bm_session_free(struct bm_session *s); /* wipes */

/* The events of tcp.h. Afterwards bm_session_status tells whether memory ran out. */
void bm_session_data(struct bm_session *s, enum bm_way way);
/* Octets would have to be dropped for want of memory: those that wait to be checked are taken now.
 */
void bm_session_press(struct bm_session *s);
/* Segments that are about to be handed to the flow table, a round of them in their order: the
 * records that they complete are checked together before, where that is faster. False: there is no
 * room for more in this round. Nothing that is found depends on it. The payload stays where it is
 * until the round is forgotten. */
bool bm_session_foresee(struct bm_session *s, enum bm_way way, const struct bm_segment *g);
/* When all of the round have been shown, and when they have been handed on. */
void bm_session_check_foreseen(struct bm_session_env *env);
void bm_session_forget_foreseen(struct bm_session_env *env);
void bm_session_copy(struct bm_session *s, enum bm_way way, const struct bm_span *copy);
void bm_session_datagram(struct bm_session *s, enum bm_way way, const struct bm_segment *d);
/* Something that is no record happened on its way, for its timeline; e->direction does not count.
 */
void bm_session_event(struct bm_session *s, enum bm_way way, const struct bm_event *e);
/* The flow is over: judge what is left. */
void bm_session_end(struct bm_session *s);
/* Both directions were closed and read to their ends, all of it was good, and nobody complained:
 * nothing that may still be captured of it changes what is told. It may be ended and freed before
 * its flow is. */
bool bm_session_settled(const struct bm_session *s);

enum bm_status bm_session_status(const struct bm_session *s);
/* False: the flow carries no TLS (so far). */
bool bm_session_is_tls(const struct bm_session *s);
/* True: it carries none, is ignored from here on (bm_flow_ignore), and the session may be freed. */
bool bm_session_dismissed(const struct bm_session *s);
/* True: the datagram was not taken; it begins another association, for a session of its own. */
bool bm_session_superseded(const struct bm_session *s);

struct bm_session_facts {
	unsigned version;             /* 0 unknown */
	const struct bm_suite *suite; /* NULL unknown */
	bool has_suite;
	uint16_t suite_id;
	bool has_client_random;
	uint8_t client_random[BM_RANDOM]; /* of the last ClientHello */
	uint8_t first_random[BM_RANDOM]; /* of the first one, which every sighting shows in the clear */
	int resumed;                     /* 1, 0, -1 unknown */
	enum bm_key_source source;       /* of the keys in use */
	bool rsa_of_others;              /* no private key given is that of the server's certificate */
	bool keys_wrong;                 /* keys were found, none of the epoch's records fit */
	bool handshake_seen;             /* both hellos were read */
	bool suite_unsupported;
	uint16_t draft;
	uint8_t compression;
	bool extended_master_secret, encrypt_then_mac, truncated_hmac;
	uint8_t max_fragment_length;
	uint16_t record_size_limit;
	char server_name[256]; /* as sent, cut, NUL-terminated; untrusted bytes */
	enum bm_way client_way;
	uint64_t hello_off[2]; /* by side: stream offset of its hello; BM_NO_SEQ: it was not seen */
	uint64_t hello_ts[2];  /* when that was captured, ns; 0 unknown */
	uint64_t gaps;
	bool cut_off[2]; /* by side: what was captured of it ends within a record */
	uint64_t
		iv_in_doubt;     /* undecided records right behind one that failed, whose end is their IV */
	uint64_t odd_packet; /* DTLS: the first that holds what is no record, 0: none */
	struct bm_tally tally[2];
	/* Joined in the middle: how far its secret was looked for. */
	struct bm_start {
		bool sought, found, cut; /* cut: the time for it ran out */
		uint64_t secrets, tried; /* TLS 1.3 secrets at hand, and how many were tried at all */
		uint64_t numbers;        /* of each under suites whose number cannot be solved for */
		uint64_t masters;        /* instead: master secrets at hand, with a ServerHello */
		uint64_t connections;    /* instead: TLS up to 1.2 that a log told all but the suite of */
		uint64_t placing; /* the same of a direction that was not found, once the secrets were */
	} start;
};
const struct bm_session_facts *bm_session_facts(const struct bm_session *s);
const struct bm_flow *bm_session_flow(const struct bm_session *s);
/* NULL: none was asked for. What failed under keys that are in doubt stands there as failed. */
const struct bm_timeline *bm_session_timeline(const struct bm_session *s);
/* It outlives the session then, and is freed by the caller. */
struct bm_timeline *bm_session_take_timeline(struct bm_session *s);
struct bm_flow *bm_session_flow_of(const struct bm_session *s); /* the same, to reach its streams */
const struct bm_alert_seen *bm_session_alerts(const struct bm_session *s, size_t *count);
/* The nth set of keys that the connection has had; false past the last. */
struct bm_session_key {
	const struct bm_protection *protection;
	unsigned side, epoch;
	uint64_t next; /* the sequence number after its last record, as far as is known */
};
bool bm_session_key(const struct bm_session *s, size_t nth, struct bm_session_key *out);
/* Did another record of that side, not this one, verify at this number? false: or it is forgotten.
 */
bool bm_session_sent_other(const struct bm_session *s, unsigned side, unsigned epoch, uint64_t seq,
	const struct bm_wire *w);
/* Up to TLS 1.2: keys of a side that its end may have come to in another way than the standard's:
 * bm_derivations_begin, then each of the two calls until it says false, and bm_derivations_end,
 * which wipes. The caller frees what it gets. */
enum { BM_PREMASTER_MAX = 1024 };
struct bm_derivations {
	const struct bm_session *session;
	unsigned side;
	uint8_t premaster[BM_PREMASTER_MAX];
	size_t premaster_n;
	unsigned way;
	uint64_t at;     /* in the keyring */
	uint64_t passed; /* its entries so far, those of other kinds too */
};
struct bm_derivation {
	struct bm_protection *protection;
	const char *how, *extended; /* what is otherwise; static; NULL: nothing */
	struct bm_view id;          /* of the other session; borrowed from the keyring */
	bool by_random;             /* it is its client random, else its session id */
};
void bm_derivations_begin(struct bm_derivations *d, const struct bm_session *s, unsigned side);
/* By another derivation from the premaster secret, where that is known. */
bool bm_derivations_next(struct bm_derivations *d, struct bm_derivation *out);
/* From the master secret of another session, among the next `most` entries of the keyring. */
bool bm_derivations_session(struct bm_derivations *d, uint64_t most, struct bm_derivation *out);
void bm_derivations_end(struct bm_derivations *d);
/* The keys of all connections so far, with their states as of now. */
const struct bm_foreign_keys *bm_session_foreign(const struct bm_session *s, size_t *count);
/* The last records of that direction that could not be checked for want of keys, in order. */
const struct bm_seen_record *bm_session_seen(
	const struct bm_session *s, unsigned direction, size_t *count);
const struct bm_case *bm_session_cases(const struct bm_session *s, size_t *count);
/* A new failure of kind BM_CASE_DIFFERS in what `direction` sends, for bm_session_show; *nth is its
 * place. False: no more can be kept. */
bool bm_session_differs(struct bm_session *s, unsigned direction, size_t *nth);
/* What a complaint was about, shown by other means than its check: the record at stream offset off,
 * `region` octets from there on at `bytes` (len of them are the record), which stand in
 * `fragments`. Copies all. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_session_show(struct bm_session *s, size_t nth, uint64_t off,
	uint32_t len, struct bm_view bytes, const struct bm_fragment *fragments, size_t fragment_count);

#endif
