/* What the files of src/session share. */
#ifndef BM_SESSION_INTERNAL_H
#define BM_SESSION_INTERNAL_H

#include "session/session.h"

enum {
	PAST_MAX = 1024, /* verified records remembered per direction, to know a twin */
	PRINTS_MAX =
		1
		<< 16, /* and of so many their fingerprint, to know it from another's reuse of its number */
	CASES_MAX = 256, /* failures kept per connection; later ones are only counted */
	ALERTS_MAX = 64,
	LAST_PACKETS = 64,
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
};

/* Keys with a name; owned by the session. */
struct keys {
	struct bm_protection *protection;
	unsigned epoch;
	unsigned side;
};

/* After a failure: where the receiver's view and the stream may meet again. */
struct lost {
	bool over_gap, tentative; /* tentative: a failure only if something is found */
	unsigned epoch;           /* at start */
	uint64_t start;           /* stream offset of what failed, or of the gap */
	uint32_t len;             /* of the failed record; 0 when a gap or junk is in the way */
	uint64_t chain;           /* next framed record to try; 0: framing is lost */
	unsigned chained;         /* framed records after the failed one that did not verify */
	uint64_t scan;            /* headers are looked for from here on */
	uint64_t tried;
	uint64_t work, share;        /* nanoseconds that its search has cost, and may cost */
	uint64_t missing;            /* bytes in gaps between start and scan */
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
	uint64_t last_off, last_packets[LAST_PACKETS];
	size_t last_packet_count;
	bool closed;     /* close_notify came: what follows is nobody's (RFC 8446, 6.1) */
	bool no_waiting; /* for what the other direction has to tell first */
	uint64_t off;    /* of the next record header */

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
	bool reuse_told; /* a second writer has been reported in this direction */

	/* DTLS */
	uint64_t datagram_off;
	uint64_t next_seq[EPOCHS];
	const struct bm_protection *dtls_keys[EPOCHS];
};

struct bm_session {
	struct bm_session_env *env;
	struct bm_flow *flow;
	enum bm_status status;
	uint64_t held;          /* its part of env->held */
	struct half half[2];    /* by side */
	bool tls, dtls, middle; /* middle: joined without handshake */
	bool superseded;        /* another association began on the same ports */
	bool dismissed;         /* no TLS in it, and it is not looked for any more */
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
	size_t cid_len[2]; /* by side that receives: what it wants to be addressed by */
	bool cid_set[2];

	/* SSL 3.0 to TLS 1.2: the keys that the next ChangeCipherSpec brings into use. */
	const struct bm_protection *pending[2];
	size_t candidate; /* which master secret of several */
	bool pending_made, candidates_spent;
	uint8_t master[BM_MASTER];
	bool have_master;
	enum bm_key_source master_source;
	uint64_t verified_since_keys;

	struct keys *keys;
	size_t key_count, key_cap;
	struct bm_case *cases;
	size_t case_count, case_cap;
	struct bm_alert_seen *alerts;
	size_t alert_count, alert_cap;
};

/* session.c */
void session_fail(struct bm_session *s, enum bm_status status);
/* Counts octets that are held until the session is freed. */
void session_holds(struct bm_session *s, size_t n);
struct bm_tally *tally(struct half *h);
void note_alert(struct half *h, struct bm_view plain, uint64_t packet, bool encrypted);
/* Packet that carries the stream byte at off; 0 if unknown. */
uint64_t packet_at(const struct half *h, uint64_t off);

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
/* Nothing has verified yet: put another candidate's keys in place. False when there is none. */
bool next_candidate(struct bm_session *s);
/* Protected from here on by p (NULL: keys that are not at hand), from its first record on. */
void begin_epoch(struct half *h, unsigned epoch, const struct bm_protection *p);
/* TLS 1.3: enters `epoch` in h's direction, with keys if they can be found. */
void enter_epoch(struct half *h, unsigned epoch);
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

/* foreign.c */
void remember_foreign(struct bm_session *s, const struct bm_traffic_keys *k, unsigned side);

/* records.c: the loop over a TLS stream */
void run_half(struct half *h, bool final);
/* The record at off (complete in the stream) as bm_verify wants it; borrows env->linear if it is in
 * pieces. */
struct bm_wire wire_at(struct half *h, uint64_t off, struct bm_record_header hdr, uint8_t *header);
void accept_record(
	struct half *h, const struct bm_wire *w, struct bm_outcome *o, uint64_t off, uint64_t packet);
bool check(struct half *h, const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, bool want_plain, struct bm_outcome *o);
uint64_t fingerprint(const struct bm_wire *w);
const struct past *find_twin(const struct half *h, const struct bm_wire *w);
/* Do the bytes of w seem to be those of the record that verified at seq in this epoch? */
bool same_as_at(const struct half *h, const struct bm_wire *w, uint64_t seq);
void forget_prints(struct half *h);
void remember_record(
	struct half *h, const struct bm_wire *w, uint64_t seq, uint64_t off, uint64_t packet);

/* failure.c: a record that does not verify */
/* Returns true when the loop may go on at h->off; false: lost, resync decides. */
bool record_failed(
	struct half *h, const struct bm_wire *w, uint64_t off, const struct bm_outcome *o);
/* New case about [off, off + len) of h; NULL when the cap is reached or memory is out. */
struct bm_case *new_case(struct half *h, enum bm_case_kind kind, uint64_t off, uint32_t len);
/* Copies the record's bytes, where they stood and their other copies into c. */
void case_keep_bytes(struct half *h, struct bm_case *c, uint64_t off, uint32_t region);
void case_clear(struct bm_case *c);
void case_add_copy(struct bm_case *c, const struct bm_span *copy);

/* attempt.c */
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

/* resync.c */
/* len: of the failed record as its header says, 0 when there is no sense in the header. */
void lose(struct half *h, uint64_t start, uint32_t len, size_t case_index);
/* The input ends within a record: was its length damaged? Only a later record that verifies tells.
 */
void lose_at_end(struct half *h, uint64_t start);
void lose_in_gap(struct half *h, uint64_t start, uint64_t gap_end);
/* True: found, h->off and h->pos are set. False: wait for more (or, when final, nothing is left).
 */
bool resync(struct half *h, bool final);

/* judge.c: the end of the connection */
void judge(struct bm_session *s);

/* dtls.c */
void dtls_datagram(struct bm_session *s, enum bm_way way, const struct bm_segment *d);

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
