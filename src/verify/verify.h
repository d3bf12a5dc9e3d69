/* Pure record checks: would the receiver accept this record? Advances nothing, decrypts in place
 * nothing, logs nothing, knows nothing of streams or of why a check fails. */
#ifndef BM_VERIFY_VERIFY_H
#define BM_VERIFY_VERIFY_H

#include "tls/schedule.h"

/* Traffic keys with their crypto contexts set up. */
struct bm_protection;

/* Copies k. BM_UNSUPPORTED when the suite cannot be verified, or not under this version.
 * encrypt_then_mac and truncated_hmac count where they can be negotiated: not in SSL 3.0, not in
 * TLS 1.3, the first for CBC alone, the second not for AEAD. */
BM_MUST_USE enum bm_status bm_protection_new(
	struct bm_protection **out, const struct bm_traffic_keys *k);
void bm_protection_free(struct bm_protection *p); /* wipes; NULL allowed */
const struct bm_traffic_keys *bm_protection_keys(const struct bm_protection *p);
/* Octets of MAC or tag on the wire; bits a proof can claim is 8 times that. */
size_t bm_protection_tag_len(const struct bm_protection *p);
/* About how many nanoseconds a check of n octets takes, for searches that must end. */
uint64_t bm_protection_cost(const struct bm_protection *p, size_t n);
/* Does the state of one record depend on the one before (TLS 1.0 CBC, RC4)? */
bool bm_protection_chained(const struct bm_protection *p);

/* The state that a receiver brings to a record beside the key. */
struct bm_position {
	uint64_t seq;      /* DTLS: epoch in the upper 16 bits (DTLS 1.3: which do not count there) */
	uint8_t iv[16];    /* CBC up to TLS 1.0: the chained IV; else unused */
	struct bm_rc4 rc4; /* RC4 suites: the keystream state; else unused */
};

/* The same position again, without copying what p has no use for. */
void bm_position_copy(
	const struct bm_protection *p, const struct bm_position *from, struct bm_position *to);
/* The position of the first record of an epoch. */
void bm_position_start(const struct bm_protection *p, struct bm_position *pos);

/* The record number of a DTLS 1.3 record with unified header: *seq, the one nearest to `expected`
 * (one more than the highest that verified), and the header with it unmasked, as bm_wire wants it:
 * `header` holds r->header.n octets. False: too short to carry one. */
bool bm_dtls13_unmask(const struct bm_protection *p, const struct bm_dtls_record *r,
	uint64_t expected, uint64_t *seq, uint8_t *header);

/* A protected record as it stood on the wire. What is authenticated beside the body is taken from
 * type, version and cid up to TLS 1.2 and from header in TLS 1.3. */
struct bm_wire {
	uint8_t type;
	uint16_t version;
	/* As captured (TLS: 5 bytes); DTLS 1.3: with the record number unmasked. */
	struct bm_view header;
	struct bm_view cid; /* DTLS 1.2 with a connection id (type 25); counts for that type alone */
	struct bm_view body;
};

/* Octets of header that a DTLS record has at most: with a connection id of 255. */
enum { BM_DTLS_HEADER_MAX = 13 + 255 };

/* A DTLS record as bm_verify wants it under p, and the sequence number of its position, which the
 * record itself brings. expected: as in bm_dtls13_unmask; header: BM_DTLS_HEADER_MAX octets, lent
 * to w. False: a unified header under keys of another version or the other way round, or too short.
 */
bool bm_dtls_wire(const struct bm_protection *p, const struct bm_dtls_record *r, uint64_t expected,
	uint8_t *header, struct bm_wire *w, uint64_t *seq);

enum bm_result {
	BM_VERIFIED,
	/* MAC or tag differs. */
	BM_BAD_TAG,
	/* CBC: the padding is not what it must be. With encrypt-then-MAC the MAC holds then. */
	BM_BAD_PADDING,
	/* TLS 1.3, DTLS 1.2 with a connection id: tag right, no content type inside. */
	BM_BAD_INNER,
	/* No such length can occur under this suite: too short, no multiple of the block, above 65535.
	 */
	BM_BAD_LENGTH
};

struct bm_outcome {
	enum bm_result result;
	uint8_t type; /* content type; TLS 1.3, connection id: the inner one, when verified */
	uint8_t computed[BM_HASH_MAX]; /* MAC or tag as computed */
	uint8_t received[BM_HASH_MAX]; /* as on the wire */
	size_t tag_len;                /* octets of both; 0 with BM_BAD_LENGTH */
	/* Content without padding and MAC, in the caller's scratch, be the record good or not; empty
	 * unless asked for or decrypted anyway. */
	struct bm_view plain;
	/* CBC: padding bytes with their length byte, 1 with BM_BAD_PADDING; TLS 1.3: zeros. 0 where the
	 * receiver looks at none, because the tag is wrong, and nobody asked for plain. */
	size_t padding;
	/* RC4: the keystream behind the record, in the caller's scratch; NULL otherwise. Secret. */
	const struct bm_rc4 *rc4_after;
};

/* plain buffer for bm_verify; wiped by its owner. Where all was decrypted (plain asked for,
 * MAC-then-encrypt, RC4, CCM), the whole plaintext stands from the first octet on, with what
 * follows the content: MAC and padding, or type and zeros. */
struct bm_scratch {
	uint8_t bytes[65536 + 64];
	struct bm_rc4 rc4;
};

/* Checks one record. want_plain: fill o->plain (else plaintext is produced only when the rules need
 * it). Allocates nothing; writes o and the scratch alone.
 *
 * The receiver's order of checks is that of RFC 6101, 2246, 4346, 5246, 7366, 7905, 6655, 8446,
 * 9146 and 9147. Both a wrong MAC and a wrong padding in MAC-then-encrypt CBC: BM_BAD_PADDING only
 * if the padding is malformed; the MAC is then computed as RFC 5246, 6.2.3.2 says (as for zero
 * padding) and reported.
 *
 * What endpoints answer otherwise than with bad_record_mac is no matter of this call: content above
 * 2^14 octets (record_overflow, and some stacks let it pass) and in TLS 1.3 an outer type
 * other than 23 (unexpected_message) are checked like all else. A type or version altered on the
 * way is BM_BAD_TAG by itself, as both are authenticated. Exceptions: the version in SSL 3.0, and
 * the whole header in TLS 1.3 up to draft 24. */
BM_MUST_USE enum bm_status bm_verify(const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, bool want_plain, struct bm_scratch *scratch, struct bm_outcome *o);

/* One of many checks that are made together, which is faster where suites have a MAC of their own.
 */
enum { BM_CHECKS_MAX = 16, BM_CHECK_BODY = (1 << 14) + 2048 };
struct bm_check {
	const struct bm_protection *p;
	struct bm_position pos;
	struct bm_wire w;
	/* RC4: of the record before, which is checked earlier: where pos.rc4 is to be had from; or
	 * NULL. */
	const struct bm_check *before;
	/* As bm_verify would return, without plain; BM_LIMIT: not made, as the record is longer than
	 * BM_CHECK_BODY or has a connection id. */
	enum bm_status status;
	struct bm_outcome o;
	struct bm_rc4 rc4;                             /* o.rc4_after; secret */
	_Alignas(64) uint8_t room[64 + BM_CHECK_BODY]; /* holds plaintext afterwards */
};
/* In this order. */
void bm_verify_batch(struct bm_check *const *checks, size_t n);
/* Is a check of p faster among others? */
bool bm_protection_lanes(const struct bm_protection *p);
/* May several threads use p at once? */
bool bm_protection_shared(const struct bm_protection *p);

/* What an AEAD check of w at pos is made of, for searches that undo the tag. */
struct bm_aead_parts {
	const struct bm_aead *aead; /* the protection's own */
	uint8_t nonce[12];
	uint8_t aad[8 + 1 + 1 + 1 + 2 + 8 + 255 + 2]; /* the longest: RFC 9146, section 5 */
	size_t aad_len;
	/* Of aad, where the header's type and version stand, two octets of version behind one of type;
	 * aad_len where they do not stand together or are not authenticated. */
	size_t type_at;
	struct bm_view text, tag; /* in the body: the explicit nonce, if any, stands before */
};

/* False when bm_verify would not come to compute a tag: no AEAD suite, no such length. */
bool bm_verify_parts(const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, struct bm_aead_parts *parts);

/* GCM alone: the one sequence number below 2^48 under which w may verify, without a search. False:
 * under none of them, or the suite is another. Right by accident once in 2^80 records: 48 of the
 * tag's bits go into the number. bm_number_solvable: would it be? */
bool bm_number_solvable(const struct bm_protection *p);
bool bm_solve_number(const struct bm_protection *p, const struct bm_wire *w, uint64_t *seq);
/* The same of AES-GCM in TLS 1.3 with keys that nothing was set up for: many are tried once. */
bool bm_number_of_keys(const struct bm_traffic_keys *k, const struct bm_wire *w, uint64_t *seq);

/* What the position is after w was accepted as one record: next seq, IV, keystream. in and out may
 * be the same. DTLS: the epoch stays. A record too short to hold a block leaves the IV as it is. */
void bm_position_after(const struct bm_protection *p, const struct bm_position *in,
	const struct bm_wire *w, struct bm_position *out);
/* The same after o was made of w at `in`, whose scratch was used for nothing since: RC4 then need
 * not go through its keystream once more. */
void bm_position_after_checked(const struct bm_protection *p, const struct bm_position *in,
	const struct bm_wire *w, const struct bm_outcome *o, struct bm_position *out);

/* How the MAC of SSL 3.0 to TLS 1.2 is made: for searches that compute very many of them. */
enum bm_mac_order {
	BM_MAC_NONE,         /* AEAD */
	BM_MAC_BEHIND,       /* RC4, NULL: the MAC behind the content, encrypted with it or not */
	BM_MAC_THEN_ENCRYPT, /* CBC: content, MAC, padding, all encrypted */
	BM_MAC_ENCRYPT_THEN  /* CBC: the MAC in the clear, over IV and ciphertext */
};

struct bm_mac_rules {
	enum bm_mac_order order;
	enum bm_hash hash;
	bool ssl3;                /* RFC 6101, section 5.2.3.1, else HMAC */
	size_t tag_len;           /* as on the wire */
	size_t block;             /* of the cipher, 1 for none */
	size_t record_iv;         /* octets of IV in front of the ciphertext */
	struct bm_view key;       /* of the MAC. Secret; borrowed from the protection like cbc */
	const struct bm_cbc *cbc; /* NULL unless CBC */
};
void bm_protection_mac(const struct bm_protection *p, struct bm_mac_rules *r);

/* The octets in front of the text in the MAC of w, len being the text's length as authenticated:
 * with SSL 3.0 without key and padding. Not for AEAD. Returns how many. */
enum { BM_MAC_HEADER_MAX = 288 };
size_t bm_mac_header(const struct bm_protection *p, const struct bm_position *pos,
	const struct bm_wire *w, size_t len, uint8_t out[BM_MAC_HEADER_MAX]);

#endif
