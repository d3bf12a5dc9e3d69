/* What the files of src/session share. */
#ifndef BM_SESSION_INTERNAL_H
#define BM_SESSION_INTERNAL_H

#include "repair/dtls_header.h"
#include "session/session.h"

enum {
	KEEP_BEHIND = 1 << 16, /* octets kept for the report of a lost frame */
	WRITERS = 8,           /* second ones that are kept in mind at once */
	PAST_MAX = 1024,       /* verified records remembered per direction, to know a twin */
	PRINTS_MAX =
		1
		<< 16, /* and of so many their fingerprint, to know it from another's reuse of its number */
	CASES_MAX = 256, /* failures kept per connection; later ones are only counted */
	ALERTS_MAX = 64,
	LAST_PACKETS = 64,
	SEEN_MAX = 1024,    /* records that could not be checked, remembered per direction */
	COPIES_MAX = 16,    /* per failed record */
	EPOCHS = 8,         /* epochs told apart in the tallies; later ones share the last */
	HUNT_MAX = 1 << 20, /* cleartext searched for a hello before a flow is let go */
	CHAIN_MAX = 64,     /* framed records tried after a failure before giving up */
	MESSAGE_MAX = 1 << 18,
	TRANSCRIPT_MAX = 1 << 18
};

/* A record that verified. */
struct past {
	uint64_t seq, off, packet, fingerprint;
	uint32_t len;
	uint32_t epoch;
	union {
		uint8_t iv[BM_BLOCK_MAX];
		uint64_t keystream; /* octets used */
		uint64_t nonce;     /* the explicit part */
	} before;               /* what it was made from, where its number does not tell */
};

/* Keys with a name; owned by the session. */
struct keys {
	struct bm_protection *protection;
	unsigned epoch;
	unsigned side;
	size_t foreign; /* as remember_foreign has it */
};

/* After a failure: where the receiver's view and the stream may meet again. */
struct lost {
	uint32_t passed;          /* octets of second writers' records right behind what failed */
	bool over_gap, tentative; /* tentative: a failure only if something is found */
	unsigned epoch;           /* at start */
	const struct bm_protection *keys; /* at start */
	uint64_t start;                   /* stream offset of what failed, or of the gap */
	uint32_t len;                     /* of the failed record; 0 when a gap or junk is in the way */
	uint64_t chain;                   /* next framed record to try; 0: framing is lost */
	unsigned chained;                 /* framed records after the failed one that did not verify */
	uint64_t scan;                    /* headers are looked for from here on */
	uint64_t tried;
	uint64_t work, share;        /* nanoseconds that its search has cost, and may cost */
	uint64_t missing;            /* bytes in gaps between start and scan */
	uint64_t resume;             /* where the last of those ends; 0: there is none */
	size_t case_index;           /* SIZE_MAX: none */
	struct bm_position expected; /* at start */
	struct bm_position counted;  /* after everything in the chain so far */
	uint8_t last_block[16];      /* end of the last framed record, for chained IVs */
	struct {
		uint64_t off;
		uint32_t len;
	} links[CHAIN_MAX];
};

struct half {
	struct bm_session *s;
	unsigned side; /* who sends */
	enum bm_way way;
	struct bm_stream *stream;
	bool started, over, gave_up;
	bool encrypts;         /* a protected record was seen */
	uint8_t alert_part[1]; /* of an alert that is split over records */
	size_t alert_part_len;
	/* The packets that carry the last record that verified. */
	uint64_t last_off, *last_packets;
	size_t last_packet_count, last_packet_cap;
	bool closed;     /* close_notify came: what follows is nobody's (RFC 8446, 6.1) */
	bool no_waiting; /* for what the other direction has to tell first */
	bool repeated;   /* octets came again, or others for them, that its receiver may have taken */
	uint64_t off;    /* of the next record header */
	struct ahead_record *ahead; /* from there on: those that were checked (ahead.h) */
	struct {
		uint64_t round;              /* of what follows */
		bool good;                   /* all came as it was to be expected */
		uint64_t next;               /* the stream offset that comes next */
		struct ahead_record *record; /* that is put together */
		struct ahead_record *last;   /* of `ahead` */
	} foreseen;

	/* Joined without its handshake: keys, epoch and number of the next record are still looked for
	 * (place.c). */
	bool unplaced;
	bool in_vain; /* no secret at hand opens what is here of it */
	unsigned place_failures;
	size_t looked_at;     /* records that were at hand the last time */
	uint64_t start_until; /* what fails before here may be no record of the epoch that was found */
	/* Where it was found: nothing is known of what came before. */
	bool joined;
	unsigned joined_epoch;
	uint64_t joined_seq;

	bool protected; /* records are protected from here on */
	unsigned epoch;
	const struct bm_protection *keys; /* NULL: none */
	struct bm_position pos;
	uint8_t secret[BM_SECRET_MAX]; /* TLS 1.3 traffic secret of this epoch */
	size_t secret_len;

	struct bm_assembler messages;
	struct past *past;
	size_t past_count, past_cap, past_next; /* a ring once PAST_MAX long */
	uint64_t *prints; /* by sequence number modulo print_cap, of this epoch; 0: none */
	size_t print_cap;
	uint64_t verified_in[EPOCHS];
	uint64_t records; /* complete ones seen */
	struct lost *lost;

	/* Records that were skipped and may yet come (a failure `found` ahead). */
	uint64_t skipped_from, skipped_to; /* [from, to) */
	size_t skipped_case;
	/* So many records of this epoch a gap can have held, though none was missing right behind it:
	 * they were sent out of turn, or twice. */
	uint64_t unnamed;
	bool reuse_told; /* a second writer has been reported in this direction */
	/* How many records that had a used number stand in a row, and where they end. */
	uint64_t reused, reused_end;
	/* Chained ciphers: where the last WRITERS of them go on; NULL: unknown. */
	struct bm_position *second;
	unsigned seconds;
	struct bm_rc4 *marks; /* RC4: of every PAST_MAX / 2 records the state before the first; two, the
							 newer last */
	uint64_t marked;      /* records so far */

	/* Without keys: keyless.c */
	struct bm_seen_record *seen;
	size_t seen_count, seen_cap;
	bool behind_gap;        /* holds for the next one */
	bool alert_seen;        /* it sent an alert */
	bool lost_known;        /* framing was lost at lost_at */
	bool lost_ever;         /* though it may have been in order */
	uint64_t lost_at, hold; /* hold: bytes from here on are looked at once more; 0: none */

	/* DTLS */
	uint64_t datagram_off;
	uint64_t next_seq[EPOCHS]; /* one more than the highest number that verified */
	uint64_t came[EPOCHS];     /* of the 64 numbers below it, the lowest bit the highest one */
	unsigned futile;           /* searches for a header that found none */
	/* Of this datagram: where the next good record was found, its length for none; 0: not looked
	 * for. And whether the records that are left are known to follow on each other. */
	size_t good_at;
	bool chained;
	const struct bm_protection *dtls_keys[EPOCHS];
};

struct bm_session {
	struct bm_session_env *env;
	struct bm_session *next, *before; /* of those that are alive */
	struct bm_flow *flow;
	struct bm_timeline *timeline; /* NULL: none is wanted */
	enum bm_status status;
	uint64_t held;          /* its part of env->held */
	size_t measured;        /* of that, what session_measure found */
	struct half half[2];    /* by side */
	bool tls, dtls, middle; /* middle: joined without handshake */
	bool noted;             /* its states, and nothing has come since */
	bool turn_round;        /* the client is the other side than was thought */
	/* Up to TLS 1.2: of the epoch that was joined, by side. */
	const struct bm_protection *joined_keys[2];
	/* The record that told which secret it is, for its direction to be placed by. */
	struct {
		bool known;
		enum bm_way way;
		unsigned epoch;
		uint64_t off, seq;
	} first_fit;
	bool superseded; /* another association began on the same ports */
	bool dismissed;  /* no TLS in it, and it is not looked for any more */
	uint64_t hunted;
	uint64_t hunt_from[2]; /* by way */

	struct bm_session_facts facts;
	bool client_hello, server_hello, early_offered;
	bool early_accepted;                   /* EncryptedExtensions said so */
	uint64_t client_hellos, server_hellos; /* read, retries aside */
	bool hello_due; /* after a HelloRetryRequest, until the second ClientHello */
	uint8_t server_random[BM_RANDOM];
	uint8_t server_session_id[32];
	size_t server_session_id_len;
	struct bm_buf offered_ticket; /* of the ClientHello */
	struct bm_buf new_ticket;     /* of NewSessionTicket */
	bool certificate_seen;
	bool rsa_known; /* the certificate belongs to private key rsa_key, or to none when it is
					   SIZE_MAX */
	size_t rsa_key;
	struct bm_buf encrypted_premaster;
	struct bm_buf transcript; /* kept while a private key might open the handshake */
	size_t transcript_at_key_exchange;
	uint8_t *cid[2]; /* by side that receives: what it wants to be addressed by; NULL: none */
	size_t cid_len[2];
	bool cid_set[2];

	/* SSL 3.0 to TLS 1.2: the keys that the next ChangeCipherSpec brings into use. */
	const struct bm_protection *pending[2];
	size_t candidate; /* which master secret of several */
	bool pending_made, candidates_spent;
	bool masters_tried; /* all of them, for want of a ClientHello */
	uint8_t master[BM_MASTER];
	bool have_master;
	enum bm_key_source master_source;
	uint64_t verified_since_keys;

	/* TLS 1.3: made at the ServerHello: of both sides, for the handshake and what follows it. */
	struct derived {
		/* A copy: what lies in the keyring moves when secrets are added. */
		uint8_t secret[BM_SECRET_MAX];
		size_t secret_len; /* 0: none */
		uint8_t key[BM_KEY_MAX], iv[16];
	} derived[4];
	unsigned derived_version;
	const struct bm_suite *derived_suite;

	struct keys *keys;
	size_t key_count, key_cap;
	struct bm_case *cases;
	size_t case_count, case_cap;
	struct bm_alert_seen *alerts;
	size_t alert_count, alert_cap;
};

/* session.c */
void session_fail(struct bm_session *s, enum bm_status status);
struct bm_tally *tally(struct half *h);
void note_alert(struct half *h, struct bm_view plain, uint64_t packet, bool encrypted);
/* Packet that carries the stream byte at off; 0 if unknown. */
uint64_t packet_at(const struct half *h, uint64_t off);

/* timeline.c. None of these but timeline_restate, timeline_restate_run and timeline_turn without a
 * timeline. */
/* The record in hand is this one. */
void timeline_look(struct half *h, uint64_t off, uint64_t len);
/* ... and stands at `at` of d. */
void timeline_datagram(struct bm_session *s, const struct bm_segment *d, size_t at);
void timeline_record(struct half *h, enum bm_judgement how, uint64_t off, uint64_t len,
	unsigned epoch, uint64_t seq);
void timeline_restate(struct bm_session *s, unsigned direction, uint64_t off,
	enum bm_judgement from, enum bm_judgement to);
/* All those of the direction that begin in [off, end). */
void timeline_restate_run(struct bm_session *s, unsigned direction, uint64_t off, uint64_t end,
	enum bm_judgement from, enum bm_judgement to);
/* It stands in the record in hand. */
void timeline_said(
	struct half *h, enum bm_event_kind kind, uint8_t level, uint8_t code, uint64_t len);
/* Client and server change places. */
void timeline_turn(struct bm_session *s);

/* Counts a record of an epoch: its header stands at off; len 0, and seq BM_NO_SEQ: unknown. */
static inline void
judged_in(
	struct half *h, unsigned epoch, enum bm_judgement how, uint64_t off, uint64_t len, uint64_t seq)
{
	struct bm_tally *t = &h->s->facts.tally[h->side];

	*(how == BM_JUDGED_VERIFIED      ? &t->verified
		: how == BM_JUDGED_FAILED    ? &t->failed
		: how == BM_JUDGED_UNDECIDED ? &t->undecided
									 : &t->plaintext) += 1;
	if (h->s->timeline != NULL)
		timeline_record(h, how, off, len, epoch, seq);
}

static inline void
judged(struct half *h, enum bm_judgement how, uint64_t off, uint64_t len, uint64_t seq)
{
	judged_in(h, h->epoch, how, off, len, seq);
}

/* held.c: how much memory a session takes */
/* Counts octets that are held until the session is freed. */
void session_holds(struct bm_session *s, size_t n);
/* Counts anew what comes and goes. */
void session_measure(struct bm_session *s);

void session_start(struct bm_session *s, enum bm_way client_way, uint64_t client_off);
/* A linear look at what is readable from off, at most so many bytes (65536). */
struct bm_view stream_window(struct bm_session *s, struct bm_stream *st, uint64_t off, size_t most);

/* join.c: records where no beginning was captured */
/* Looks for them from s->hunt_from on. True: found, or what stands there may be some. */
bool join_middle(struct bm_session *s, enum bm_way way, bool final);
/* The same in the other direction. */
void join_second(struct half *h, bool final);
/* The server's hello was lost; perhaps the secrets tell what it said. */
void join_without_server_hello(struct bm_session *s);

/* negotiation.c: what handshake messages change */
void handshake_plain(struct half *h, struct bm_view fragment);
void handle_message(struct half *h, const struct bm_message *m);
/* The sender `h` has switched to the pending keys (ChangeCipherSpec, up to TLS 1.2). */
void change_cipher_spec(struct half *h);
/* Both hellos are known: derives the keys that the next ChangeCipherSpec brings into use. */
void prepare_pending(struct bm_session *s);

/* keys.c: which keys protect what */
/* Builds s->pending from the nth master secret that can be found. False when there is none. */
bool make_pending(struct bm_session *s, size_t nth);
/* Of both sides, as the hellos negotiated them. Secret. */
bool keys_from_master(
	const struct bm_session *s, const uint8_t master[BM_MASTER], struct bm_traffic_keys k[2]);
/* By the nth private key. Secret. */
bool premaster_from_private_key(
	const struct bm_session *s, size_t nth, uint8_t premaster[BM_MASTER]);
/* The ClientHello was not captured: it had this random, and came to this master secret. Makes
 * s->pending. */
bool use_master(
	struct bm_session *s, struct bm_view client_random, const uint8_t master[BM_MASTER]);
/* Nothing has verified yet: put another candidate's keys in place. False when there is none. */
bool next_candidate(struct bm_session *s);
/* Protected from here on by p (NULL: keys that are not at hand), from its first record on. */
void begin_epoch(struct half *h, unsigned epoch, const struct bm_protection *p);
/* TLS 1.3: enters `epoch` in h's direction, with keys if they can be found. */
void enter_epoch(struct half *h, unsigned epoch);
/* TLS 1.3: the ServerHello has been read. Derives the keys of the epochs that are to come, at once.
 */
void derive_ahead(struct bm_session *s);
/* TLS 1.3: after KeyUpdate. */
void enter_next_generation(struct half *h);
/* TLS 1.3: keys for another epoch without entering it; NULL when there are none. */
const struct bm_protection *epoch_keys(struct half *h, unsigned epoch, size_t nth);
/* TLS 1.3: stays in this epoch, but with the nth secret logged for it. */
void choose_secret(struct half *h, size_t nth, const struct bm_protection *p);
/* TLS 1.3: the keys that a KeyUpdate would bring, without entering their epoch. */
const struct bm_protection *next_generation(struct half *h);
/* Something verified: remember the session for resumptions. */
void keys_confirmed(struct bm_session *s);

/* TLS 1.3: the keys that a secret at hand gives in h's direction, kept; NULL when there are none.
 */
const struct bm_protection *secret_keys(
	struct half *h, unsigned epoch, const struct bm_suite *suite, struct bm_view secret);
/* TLS 1.3: the nth secret logged for an epoch of h's connection. */
bool find_traffic_secret(struct half *h, unsigned epoch, size_t nth, struct bm_secret *secret);

/* framed.c, middle.c and place.c: a connection that was joined in the middle */
enum { FRAMED_MAX = 16 };
struct framed {
	struct half *h;
	size_t n;
	bool last; /* no more are coming that could be waited for */
	struct {
		uint64_t off;
		struct bm_record_header hdr;
	} at[FRAMED_MAX];
};
/* The whole records from h->off on that TLS 1.3 may have protected. */
void frame_records(struct half *h, bool final, struct framed *f);
struct bm_wire framed_wire(const struct framed *f, size_t i, uint8_t header[BM_HEADER]);

/* What a search for the start has used up, and may. */
struct seek {
	struct framed framed;
	uint64_t work, share;
	bool cut; /* it ended before everything had been tried */
};
void begin_seek(struct half *h, struct seek *k);
/* Counts time, and tries that were made otherwise. False: there is no time left. */
bool seek_pays(struct seek *k, uint64_t nanoseconds, uint64_t tries);
/* Does record i verify under p at a number in [from, to), or at any where that can be solved for?
 * With a short tag two records in a row have to. */
bool seek_number(struct seek *k, const struct bm_protection *p, size_t i, uint64_t from,
	uint64_t to, uint64_t *seq);
/* What a receiver would say of record i at this number. False: it could not be checked. */
bool seek_result(
	struct seek *k, const struct bm_protection *p, size_t i, uint64_t seq, enum bm_result *result);
/* Does all that was tried leave a coincidence of so many bits at 2^-40 or less? numbers: that one
 * try stood for, as a power of two. */
bool start_is_certain(const struct bm_session_env *env, unsigned bits, unsigned numbers);
/* Looks through the key material for the secret that opens records of h. Sets version, suite,
 * client random and s->first_fit. */
bool identify(struct half *h, struct seek *k);
/* The same of SSL 3.0 to TLS 1.2, with what a log told of whole connections. Makes s->pending. */
bool identify_tls12(struct half *h, struct seek *k);
/* The ServerHello was captured and the ClientHello was not: does w, the first record of an epoch,
 * verify under any master secret? Puts the keys in place. */
bool try_masters(struct half *h, const struct bm_wire *w);
enum placed { PLACE_WAIT, PLACE_GO, PLACE_TURN };
enum placed place_half(struct half *h, bool final);

/* foreign.c */
/* Which keys of the run they are, from 0; SIZE_MAX: they are not remembered. */
size_t remember_foreign(struct bm_session *s, const struct bm_traffic_keys *k, unsigned side);
/* Where the directions of s stand, for keys of ciphers that chain records. */
void remember_states(struct bm_session *s);

/* records.c: the loop over a TLS stream */
void run_half(struct half *h, bool final);
/* The record at off (complete in the stream) as bm_verify wants it; borrows env->linear if it is in
 * pieces. */
struct bm_wire wire_at(struct half *h, uint64_t off, struct bm_record_header hdr, uint8_t *header);
void accept_record(struct half *h, const struct bm_wire *w, const struct bm_outcome *o,
	uint64_t off, uint64_t packet);
/* The same of one that is counted as failed: its receiver could not open it, and yet what it says
 * counts. */
void accept_failed(struct half *h, const struct bm_wire *w, const struct bm_outcome *o,
	uint64_t off, uint64_t packet);
/* Reads what a second writer's record says, which verifies at `at`: of what it changes both go by.
 */
void read_second(
	struct half *h, const struct bm_wire *w, const struct bm_position *at, uint64_t packet);
bool check(struct half *h, const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, bool want_plain, struct bm_outcome *o);

/* past.c: the records that verified lately */
uint64_t fingerprint(const struct bm_wire *w);
const struct past *find_twin(const struct half *h, const struct bm_wire *w);
/* Puts what that said into the case; twin may be NULL. */
void note_twin(const struct half *h, struct bm_case *c, const struct past *twin);
/* c: a failure. Whether w is that record as it was sent, which came damaged before. */
bool is_damaged_twin(struct half *h, const struct bm_wire *w, const struct bm_case *c);
/* Notes in c, which has its bytes, that it was so. */
void note_damaged_twin(struct bm_case *c, const struct bm_case *twin);
/* Notes in c that it verifies at the number of the failure `first`, of which note_good has said
 * whether it is the same record. */
void note_second(struct bm_case *c, const struct bm_case *first);
/* Are c and w, which is good, one record that was damaged in c? */
bool is_damaged_copy(const struct bm_case *c, const struct bm_wire *w);
/* How many octets of w are those of c's record, each in its place. */
uint32_t octets_alike(const struct bm_case *c, const struct bm_wire *w);
/* w, which stands at off and is good where c was expected, is what c was when it was sent, if the
 * two end alike. Notes that in c. */
void note_good(struct half *h, struct bm_case *c, const struct bm_wire *w, uint64_t off);
/* The one that verified at seq in this epoch, of those that are remembered, or NULL. */
const struct past *verified_at(const struct half *h, unsigned epoch, uint64_t seq);
/* Two writers: w verifies at the number of `first`, or of one that is too long ago (NULL). Notes
 * that in the case. */
void note_first(
	const struct half *h, struct bm_case *c, const struct past *first, const struct bm_wire *w);
/* Do the bytes of w seem to be those of the record that verified at seq in this epoch? */
bool other_known_at(const struct half *h, const struct bm_wire *w, unsigned epoch, uint64_t seq);
bool same_as_at(const struct half *h, const struct bm_wire *w, uint64_t seq);
void forget_prints(struct half *h);
/* fp: fingerprint(w). */
void remember_record(struct half *h, const struct bm_wire *w, uint64_t fp, uint64_t seq,
	uint64_t off, uint64_t packet);

/* failure.c: a record that does not verify */
/* Looks for the sequence number under which w verifies with the state of h->pos, nearest first, and
 * at most `forward` ahead. */
bool search_sequence(
	struct half *h, const struct bm_wire *w, uint64_t forward, uint64_t *found, uint64_t *tried);
/* Returns true when the loop may go on at h->off; false: lost, resync decides. */
bool record_failed(
	struct half *h, const struct bm_wire *w, uint64_t off, const struct bm_outcome *o);

/* case.c: what is kept of a failure */
/* New case about [off, off + len) of h; NULL when the cap is reached or memory is out. */
struct bm_case *new_case(struct half *h, enum bm_case_kind kind, uint64_t off, uint32_t len);
/* Copies the record's bytes, where they stood and their other copies into c. */
void case_keep_bytes(struct half *h, struct bm_case *c, uint64_t off, uint32_t region);
void case_clear(struct bm_case *c);
/* What pos brings to a record, and what p was made from. */
struct bm_chain chain_at(const struct bm_protection *keys, const struct bm_position *pos);
struct bm_chain chain_of(const struct bm_protection *keys, const struct past *p);
/* Returns how many octets it holds for it. */
size_t case_add_copy(struct bm_case *c, const struct bm_span *copy);

/* attempt.c */
/* How many records n octets can be at most. */
uint64_t records_in(uint64_t n);
/* The IV of the record at `at` up to TLS 1.0 into pos. False: it was not captured, or IVs are not
 * chained. */
bool chained_iv(
	struct half *h, const struct bm_protection *p, uint64_t at, struct bm_position *pos);
/* Does the record at `at` verify anywhere that what was lost could have led to? Sets h->pos, and
 * keys and epoch where they are others. */
bool attempt_all(struct half *h, const struct bm_wire *w, uint64_t at);

/* The same at any point of an RC4 keystream nearby; counted: the lost record has a number of its
 * own. */
bool attempt_keystream(struct half *h, const struct bm_wire *w, bool counted);
/* A search must end on hostile input too: this one has cost what one loss may. */
bool exhausted(const struct half *h);

/* earlier.c: states that this sender was in before, under chained ciphers */
struct earlier {
	uint64_t seq;   /* under which the record verifies */
	uint64_t tried; /* states */
	bool cut;       /* not all that are remembered */
	bool failed;    /* it is that of a record that failed: what its sender made there is unknown */
	struct bm_position at; /* the state; secret */
};
/* Does w verify from one of them? Remembers where that goes on. */
bool earlier_state_fits(struct half *h, const struct bm_wire *w, struct earlier *e);
/* RC4: the record that is remembered now was made from h->pos. */
void mark_keystream(struct half *h);
void forget_earlier(struct half *h); /* wipes */

/* resync.c */
/* Does the record at `at` lead to another plausible header, or to the exact end of what there is?
 */
bool framing_holds(struct half *h, uint64_t at, const struct bm_wire *w, bool final);
/* len: of the failed record as its header says, 0 when there is no sense in the header. */
void lose(struct half *h, uint64_t start, uint32_t len, size_t case_index);
/* The input ends within a record: was its length damaged? Only a later record that verifies tells.
 */
void lose_at_end(struct half *h, uint64_t start);
void lose_in_gap(struct half *h, uint64_t start, uint64_t gap_end);
/* True: found, h->off and h->pos are set. False: wait for more (or, when final, nothing is left).
 */
bool resync(struct half *h, bool final);
void drop_lost(struct half *h); /* wipes */

/* behind_gap.c: w, at `at`, verifies at h->pos. Does a whole record stand between it and the end of
 * a gap that its receiver cannot have taken? Tells of it. */
void tell_behind_gap(struct half *h, const struct bm_wire *w, uint64_t at);

/* meet.c: the record at `at` verifies at h->pos; goes on there. */
void meet(struct half *h, const struct bm_wire *w, uint64_t at);

/* keyless.c: what can be kept in mind of records that cannot be checked */
void keyless_record(struct half *h, const struct bm_wire *w, uint64_t off);
/* The same of the record at h->off, all of which is there, by its ends alone; false: where that
 * will not do, nothing happened. */
bool keyless_skim(struct half *h, struct bm_record_header hdr);
/* No header stands at off. */
void keyless_break(struct half *h, uint64_t off);
/* stale.c: does an alert in this packet speak of what is no more? */
bool is_stale(const struct bm_session_env *env, uint64_t packet);

/* The other side may have complained of what h sent so far. */
void keyless_hold(struct half *h);
/* bm_stream_release, but for what may have to be looked at once more. */
void let_go(struct half *h, uint64_t off);
/* The complaint a (NULL: none that could be read) is about what h sent: fills in c->scope and what
 * belongs to it. False: there is nothing to look at. */
bool keyless_scope(struct half *h, struct bm_case *c, const struct bm_alert_seen *a);
/* Connections that ended without a readable complaint. */
void keyless_judge(struct bm_session *s);

/* ahead.c */
void ahead_clear(struct bm_session_env *env);

/* judge.c: the end of the connection */
void judge(struct bm_session *s);
/* Had the receiver's TCP the record, when it complained? */
bool was_there(const struct past *p, const struct bm_alert_seen *a);

/* taken.c: all that h sent is good, and a complains of it. Did its receiver take another copy of a
 * record, captured in a packet later than `since`, or of `last`? Tells of it. *unread: that could
 * not be found out. */
bool tell_taken(struct half *h, const struct bm_alert_seen *a, uint64_t since,
	const struct past *last, bool *unread);

/* dtls.c */
void dtls_datagram(struct bm_session *s, enum bm_way way, const struct bm_segment *d);
/* The keys of an epoch that was entered, or that can come next; NULL when there are none. */
const struct bm_protection *dtls_keys_of(struct half *h, unsigned epoch);
/* Does the record verify under the keys of its epoch? Nothing follows from it. Adds to *work. */
bool dtls_verifies(struct half *h, const struct bm_dtls_record *r, uint64_t *work);

/* dtls_bad.c: what does not verify */
enum dtls_state {
	DTLS_UNFRAMED,  /* no header that could be read */
	DTLS_NO_KEYS,   /* no keys for the epoch that it names */
	DTLS_ODD_PLAIN, /* unprotected by its header, and nothing that may be sent so */
	DTLS_FAILS      /* its MAC is wrong under the keys of its epoch */
};
struct dtls_judged {
	enum dtls_state state;
	unsigned epoch;
	uint64_t seq;                     /* BM_NO_SEQ: unknown */
	const struct bm_protection *keys; /* NULL: none */
	struct bm_position pos;
	enum bm_result result;
	struct bm_wire wire; /* body.p NULL: none */
	uint8_t header[BM_DTLS_HEADER_MAX];
};
/* Counts what stands at `at` as failed or undecided, and says where the next record begins. */
size_t dtls_bad(struct half *h, const struct dtls_judged *j, const struct bm_dtls_record *r,
	size_t at, const struct bm_segment *d);
/* bm_dtls_next, for headers that can occur in this connection alone. */
bool dtls_next(const struct half *h, struct bm_reader *rd, struct bm_dtls_record *r, bool *bad);
/* A case about n octets of the datagram; counts it as failed. NULL: no more cases. */
struct bm_case *dtls_case(struct half *h, const struct dtls_judged *j,
	const struct bm_dtls_record *r, size_t at, size_t n, const struct bm_segment *d);
/* dtls_numbers.c */
/* A record with this number verified, or was shown to have been sent. */
void dtls_note_number(struct half *h, unsigned slot, uint64_t seq);
/* May a record with this number have verified before? */
bool dtls_number_had(const struct half *h, unsigned slot, uint64_t seq);
/* Numbers that a record of the epoch may have, as none has been seen with them: the next one, the
 * last that were left out, those after it. How many. */
size_t dtls_numbers_left(const struct half *h, unsigned slot, uint64_t out[BM_DTLS_NUMBERS]);
/* DTLS 1.3: what stands under the mask, and what its neighbours leave. */
void dtls_note_numbers(const struct half *h, struct bm_case *c);

/* The record version to expect in headers once the handshake has told it; 0 before. */
unsigned record_version(const struct bm_session *s);
static inline bool
is_tls13(const struct bm_session *s)
{
	return s->facts.version == BM_TLS13 || s->facts.version == BM_DTLS13;
}
static inline unsigned
epoch_slot(unsigned epoch)
{
	return epoch < EPOCHS ? epoch : EPOCHS - 1;
}

#endif
