/* What the files of src/prove share. */
#ifndef BM_PROVE_INTERNAL_H
#define BM_PROVE_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "prove/prove.h"

enum {
	LEAD_MAX = 16 + 64,       /* octets kept in front of a record: the IV of old CBC, and a MAC */
	WINDOW_MOST = 4 * 65536,  /* octets of a stream kept for one claim */
	FRAMES_MOST = 256 << 20,  /* octets of frames kept in all */
	WINDOWS_MOST = 256 << 20, /* and of streams */
	STEPS_MAX = 24
};

/* For %llu. */
static inline unsigned long long
ull(uint64_t n)
{
	return n;
}

/* A run of a window as it was captured. */
struct bit {
	uint64_t off; /* in the stream */
	uint32_t len;
	uint64_t packet;
	uint32_t packet_off;
	enum bm_checksum checksum;
	uint32_t segment_off;
};

/* Octets of a stream, from a claimed offset on, as they were delivered. */
struct window {
	bool wanted;
	unsigned side; /* who sends */
	uint64_t off;
	uint32_t lead, want, have; /* have: octets from off - lead on, without a gap */
	uint8_t *bytes;            /* owned */
	size_t room;
	struct bit *bits; /* owned */
	size_t bit_count, bit_cap;
	bool gone; /* bytes that are missing will not come */
};

/* What a session knew of one claim when it ended. */
struct part {
	struct window record, checked, other;
	bool has_case;
	enum bm_case_kind kind;
	bool framed;      /* behind it, where its header says, stands another record, or nothing */
	size_t case_keys; /* SIZE_MAX: none */
	bool has_position;
	struct bm_position position; /* that the receiver brought; secret */
	uint8_t cid_len[2];          /* DTLS: as it was read, and of the other direction */
	bool came_late, epoch_skipped, number_alone; /* as the session went on */
	bool rejected;                               /* an endpoint complained of the direction */
	bool good_first;   /* ... and took another copy of it than the one that came first */
	uint64_t expected; /* number, as the session counted; BADMAC_UNKNOWN */
	uint32_t len;      /* of the record, as it was read */
	bool has_derived;
	struct bm_traffic_keys derived; /* secret */
};

struct key_set {
	struct bm_traffic_keys keys;    /* secret */
	const struct bm_protection *of; /* only to be compared, while the session lives */
	unsigned side, epoch;
};

/* A failure, as the session had it. */
struct known_case {
	enum bm_case_kind kind;
	unsigned direction;
	uint64_t off, packet; /* packet: the first; BADMAC_UNKNOWN */
	uint32_t len;
	bool at_start, complained, by_alert, no_keys, only_one;
};

/* What a session knew of the connection as a whole. */
struct known {
	struct bm_session_facts facts;
	uint64_t first_ns, last_ns;   /* 0: unknown */
	struct bm_alert_seen *alerts; /* owned, like cases */
	size_t alert_count;
	struct known_case *cases;
	size_t case_count;
};

/* A flow of which something is claimed. */
struct bm_proved_flow {
	struct bm_proved_flow *next;   /* of the same claimed connection */
	struct bm_proved_flow *beside; /* of the same flow */
	const struct badmac_claimed_connection *claimed;
	size_t index; /* of that */
	const char *site;
	enum bm_way client_way;
	struct part *parts; /* one for each claimed failure */
	bool tls;
	struct bm_tally tally[2];
	struct known known;
	struct key_set *keys;
	size_t key_count;
	bool dtls, has_first_seq[2];
	uint32_t first_seq[2]; /* by side: TCP sequence number of stream offset 0 */
};

/* A frame that a claim names. */
struct kept {
	const char *site;
	uint64_t number;
	uint8_t *bytes; /* owned */
	size_t n;
	bool has_segment; /* all of it stands in this frame */
	struct bm_segment s;
	uint32_t payload_off; /* in the frame */
};

/* Keys of a connection that a claim calls another one. */
struct others {
	struct bm_address sender, receiver;
	struct key_set *keys;
	size_t key_count;
};

struct judged {
	struct badmac_judgement whole, *failures;
};

struct bm_prove {
	const struct badmac_claims *claims;
	const char *site;
	const char *sites[64];
	size_t site_count;
	size_t *order;                 /* connections by their addresses */
	struct bm_proved_flow **flows; /* by claimed connection */
	uint64_t *numbers;             /* of frames that are wanted, ascending */
	size_t number_count;
	struct kept *kept;
	size_t kept_count, kept_cap;
	uint64_t kept_octets, window_octets;
	bool others_wanted;
	struct others *others;
	size_t others_count, others_cap;
	uint64_t packets, bytes, connections; /* of the captures */
	uint64_t undecoded;                   /* frames */
	bool several;                         /* captures of several places were read */
	bool cut_hello;
	struct bm_tally tally;
	bool cut; /* a limit was reached */
	enum bm_status status;
	struct bm_arena words;
	struct judged *judged; /* by connection */
	struct badmac_judgement summary;
	struct bm_scratch scratch;
};

/* window.c */
void window_want(struct window *w, unsigned side, uint64_t off, uint64_t want);
void window_fill(struct bm_prove *p, struct window *w, const struct bm_stream *s);
void window_free(struct window *w);
/* Octets from off on that are there. */
uint32_t window_have(const struct window *w);
const uint8_t *window_bytes(const struct window *w);

/* CBC up to TLS 1.0: the last block of ciphertext before the record (RFC 2246, section 6.2.3.2),
 * which with encrypt-then-MAC a MAC follows (RFC 7366, section 3); empty when it was not captured.
 */
struct bm_view window_iv(const struct window *w, const struct bm_traffic_keys *k);

/* frames.c */
enum bm_status frames_wanted(struct bm_prove *p); /* before anything is read */
const struct kept *frame_kept(const struct bm_prove *p, const char *site, uint64_t number);
void frames_free(struct bm_prove *p);

/* flows.c: what sessions say */
BM_MUST_USE bool keys_copy(const struct bm_session *s, struct key_set **out, size_t *count);
void keys_free(struct key_set *k, size_t n);

/* others.c */
void others_take(struct bm_prove *p, const struct bm_session *s);
/* Of who sends and who receives, as a claim names them; NULL: they were not seen. */
const struct others *others_of(const struct bm_prove *p, const char *sender, const char *receiver);
void others_free(struct bm_prove *p);

/* taken.c: the window of the nth failure's record shows what its receiver took of it. */
void take_copies(struct bm_prove *p, struct bm_proved_flow *v, size_t nth);

/* known.c. False: no memory. */
BM_MUST_USE bool known_take(const struct bm_session *s, struct known *out);
void known_free(struct known *k);

/* check.c: one check */
struct check {
	const struct bm_traffic_keys *keys;
	uint64_t seq;
	struct bm_view iv;                  /* empty: that of the first record */
	uint64_t keystream;                 /* octets; BADMAC_UNKNOWN: as at the start */
	const struct bm_position *position; /* else, what the receiver brought; NULL */
	bool dtls;
	uint8_t cid_len;
	struct bm_view record; /* header first */
	uint64_t padding;      /* octets that stand for padding; BADMAC_UNKNOWN: as they say */
	/* Another rule for the MAC; NULL: the negotiated one. And what it may take besides. */
	const struct badmac_claimed_mac_rule *rule;
	const struct bm_traffic_keys *other; /* of the other direction; NULL: there are none */
	uint64_t epoch;
};
struct checked {
	bool made; /* false: no record that could be checked, by its header */
	enum bm_result result;
	size_t tag_len;
	size_t used; /* octets of the record */
};
/* By every library there is, one after the other: *agree false if they differ. BM_NOMEM,
 * BM_UNSUPPORTED. */
BM_MUST_USE enum bm_status check_make(
	const struct check *c, struct bm_scratch *scratch, struct checked *out, bool *agree);
bool check_is_chained(const struct bm_traffic_keys *k);
/* Octets of MAC or tag under these keys; 0: they cannot be used. */
size_t check_tag_len(const struct bm_traffic_keys *k);
/* Libraries that check_make uses, in words. */
const char *check_libraries(void);

/* rule.c: are all its words known? And what it would be by another name; NULL: it is another rule.
 * all_fail: no record of the epoch verifies by the negotiated one. */
bool rule_is_known(const struct badmac_claimed_mac_rule *m);
const char *rule_wrong(const struct badmac_claimed_mac_rule *m, const struct bm_traffic_keys *k,
	struct bm_view record, bool all_fail);
/* rule_check.c: as check_make, by the library that was chosen. out->used stays as it is. BM_NOMEM.
 */
BM_MUST_USE enum bm_status rule_check(const struct check *c, const struct bm_protection *p,
	const struct bm_position *pos, const struct bm_wire *w, struct bm_scratch *scratch,
	struct checked *out);
/* HMAC, or the MAC of SSL 3.0, whole, with the key and the hash of r. */
BM_MUST_USE enum bm_status mac_make(const struct bm_mac_rules *r, struct bm_view head,
	struct bm_view text, uint8_t out[BM_HASH_MAX]);

/* The keys that sender and epoch name, the last first; NULL past them. */
const struct key_set *flow_keys(
	const struct bm_proved_flow *f, unsigned side, uint64_t epoch, size_t nth);

/* judge.c and what it is made of */
struct judge {
	struct bm_prove *p;
	const struct badmac_claimed_connection *conn;
	const struct badmac_claim *claim;
	const struct bm_proved_flow *flow;
	const struct part *part;
	struct badmac_step steps[STEPS_MAX];
	size_t step_count;
	bool decided;
	struct badmac_judgement told;
	/* DTLS: the datagram's record. */
	struct bm_view datagram;
	const struct kept *frame;
	const struct key_set *receiver; /* keys that the receiver had */
	struct bm_view rebuilt;         /* the record that was checked in the end */
	uint8_t *room;                  /* owned, for that */
	size_t tag_len;
	enum bm_result captured; /* what came of the check as captured */
};
/* Each is a step. The first that does not pass decides; later ones are not made. */
__attribute__((format(printf, 3, 4))) void step_passes(
	struct judge *j, const char *id, const char *format, ...);
__attribute__((format(printf, 4, 5))) void step_decides(
	struct judge *j, enum badmac_verdict verdict, const char *id, const char *format, ...);

/* place.c */
void judge_place(struct judge *j);
void judge_packets(struct judge *j);
void judge_received(struct judge *j);
struct bm_view judge_captured(const struct judge *j); /* the record's octets and what follows */
const struct bit *judge_bits(const struct judge *j, size_t *n, struct bit *own);
/* altered.c */
void judge_altered(struct judge *j);
/* moved.c: the same octets in another order; octets moved over by a few; payloads exchanged */
bool is_exchange(const struct badmac_claim *c);
bool is_moved(const struct badmac_claim *c);
bool is_of_two_packets(const struct badmac_claim *c); /* its damage */
bool are_segments_exchanged(struct judge *j);
/* sources.c */
void judge_sources(struct judge *j);
/* verify.c */
void judge_as_captured(struct judge *j);
void judge_verifies(struct judge *j);
/* judge_rule.c, of a claim of another rule. False: it was decided. */
bool judge_rule(struct judge *j);
void rule_choose(const struct judge *j, struct check *k);
/* k verifies: does it take all that the rule names? */
void judge_rule_needed(struct judge *j, const struct check *k);
/* verify.c: the check, made. False: it could not be, which decides. */
bool judge_made(struct judge *j, const struct check *c, const char *id, struct checked *out);
/* counts.c: of a connection, and of all; others: connections that are told of are in no capture */
void judge_counts(struct judge *j);
void judge_summary(struct judge *j, bool others);
/* whole.c */
void judge_negotiated(struct judge *j);
void judge_alerts(struct judge *j);
void judge_failures(struct judge *j);
void judge_result(struct judge *j);
bool whole_lacks_keys(const struct judge *j);  /* that the report's maker had */
bool whole_keys_differ(const struct judge *j); /* or the other way round */
/* facts.c */
void judge_chance(struct judge *j);
void judge_checksum(struct judge *j);

bool is_cause(const struct judge *j, const char *cause);
bool is_of_order(const struct judge *j); /* one of records that came or went as a whole */

#endif
