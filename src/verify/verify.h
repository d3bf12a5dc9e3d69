/* Pure record checks: would the receiver accept this record? Advances nothing, decrypts in place
 * nothing, logs nothing, knows nothing of streams or of why a check fails. */
#ifndef BM_VERIFY_VERIFY_H
#define BM_VERIFY_VERIFY_H

#include "tls/schedule.h"

/* Traffic keys with their crypto contexts set up. */
struct bm_protection;

/* Copies k. BM_UNSUPPORTED when the suite cannot be verified. */
BM_MUST_USE enum bm_status bm_protection_new(
	struct bm_protection **out, const struct bm_traffic_keys *k);
void bm_protection_free(struct bm_protection *p); /* wipes; NULL allowed */
const struct bm_traffic_keys *bm_protection_keys(const struct bm_protection *p);
/* Octets of MAC or tag on the wire; bits a proof can claim is 8 times that. */
size_t bm_protection_tag_len(const struct bm_protection *p);
/* Does the state of one record depend on the one before (TLS 1.0 CBC, RC4)? */
bool bm_protection_chained(const struct bm_protection *p);

/* The state that a receiver brings to a record beside the key. */
struct bm_position {
	uint64_t seq;      /* DTLS: epoch in the upper 16 bits */
	uint8_t iv[16];    /* CBC up to TLS 1.0: the chained IV; else unused */
	struct bm_rc4 rc4; /* RC4 suites: the keystream state; else unused */
};

/* The position of the first record of an epoch. */
void bm_position_start(const struct bm_protection *p, struct bm_position *pos);

/* The record number of a DTLS 1.3 record with unified header: *seq, the one nearest to `expected`
 * (one more than the highest that verified), and the header with it unmasked, as bm_wire wants it:
 * `header` holds r->header.n octets. False: too short to carry one. */
bool bm_dtls13_unmask(const struct bm_protection *p, const struct bm_dtls_record *r,
	uint64_t expected, uint64_t *seq, uint8_t *header);

/* A protected record as it stood on the wire. */
struct bm_wire {
	uint8_t type;
	uint16_t version;
	struct bm_view
		header;         /* as captured (TLS: 5 bytes); DTLS 1.3: with the record number unmasked */
	struct bm_view cid; /* DTLS 1.2 with a connection id (type 25) */
	struct bm_view body;
};

enum bm_result {
	BM_VERIFIED,
	BM_BAD_TAG,     /* MAC or tag differs */
	BM_BAD_PADDING, /* MAC-then-encrypt CBC: the padding bytes are not what they must be */
	BM_BAD_INNER,   /* TLS 1.3: tag right, no content type inside */
	BM_BAD_LENGTH   /* no such length can occur under this suite (too short, not a multiple of the
					   block, too long) */
};

struct bm_outcome {
	enum bm_result result;
	uint8_t type;                  /* content type; TLS 1.3: the inner one, when verified */
	uint8_t computed[BM_HASH_MAX]; /* MAC or tag as computed */
	uint8_t received[BM_HASH_MAX]; /* as on the wire */
	size_t tag_len;
	struct bm_view plain; /* content without padding and MAC, in the caller's scratch; empty unless
							 asked for or decrypted anyway */
	size_t padding;       /* CBC: padding bytes with their length byte; TLS 1.3: zeros */
};

/* plain buffer for bm_verify; wiped by its owner. */
struct bm_scratch {
	uint8_t bytes[65536 + 64];
};

/* Checks one record. want_plain: fill o->plain (else plaintext is produced only when the rules need
 * it). Both a wrong MAC and a wrong padding in MAC-then-encrypt CBC: BM_BAD_PADDING only if the
 * padding is malformed; the MAC is then computed as RFC 5246, 6.2.3.2 says (as for zero padding)
 * and reported. The receiver's order of checks and limits are those of RFC 6101, 2246, 4346, 5246,
 * 7366, 7905, 6655, 8446, 9146, 9147. */
BM_MUST_USE enum bm_status bm_verify(const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, bool want_plain, struct bm_scratch *scratch, struct bm_outcome *o);

/* What the position is after w was accepted as one record: next seq, IV, keystream. in and out may
 * be the same. */
void bm_position_after(const struct bm_protection *p, const struct bm_position *in,
	const struct bm_wire *w, struct bm_position *out);

#endif
