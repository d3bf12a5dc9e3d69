/* Damage to the bytes of one record: which small change to them makes it verify. One solver for
 * each family of MAC, all behind the same interface. Refuses to know streams, other records, and
 * whose fault it is. */
#ifndef BM_REPAIR_REPAIR_H
#define BM_REPAIR_REPAIR_H

#include "base/pool.h"
#include "verify/verify.h"

/* What a change that makes the record verify comes to. */
enum bm_repair_kind {
	BM_REPAIR_BITS_FLIPPED,
	BM_REPAIR_BYTES_DAMAGED,
	BM_REPAIR_WORDS_SWAPPED,
	BM_REPAIR_OCTETS_MOVED,
	BM_REPAIR_TAG_DAMAGED,
	BM_REPAIR_HEADER_DAMAGED
};

/* Damage of as many bits is told bit by bit. */
enum { BM_FEW_BITS = 4 };

/* How far a search goes: BM_NORMAL about two seconds of one core for a record, BM_QUICK a tenth of
 * that, BM_DEEP as long as its families take. */
enum bm_effort { BM_QUICK, BM_NORMAL, BM_DEEP };

/* A record that does not verify where it was expected. TLS over TCP, header of BM_HEADER octets
 * first; for DTLS `head` octets of header and w's fields as bm_verify had them. */
struct bm_damaged {
	const struct bm_protection *protection;
	const struct bm_position *position; /* as its receiver expected it */
	struct bm_wire wire;                /* as received: header, cid and body */
	/* Ends of TCP segments within the body, ascending octets of body: words change places within
	 * one. */
	const uint32_t *edges;
	size_t edge_count;
	/* HMAC: octets at the body's start are tried first, all values of two of them. */
	bool front;
	/* Under how many sequence numbers it is searched in turn (DTLS 1.3), 0 for one: each takes its
	 * part of the work, and of what leaves a proof. */
	unsigned numbers;
	/* Over which the search is spread; NULL: none. The answer is the same. */
	struct bm_pool *pool;
	enum bm_effort effort;
	uint64_t work; /* limit in octets of MAC input (an operation of GF(2^128) counts 16); 0: the
					  effort's own */
};

enum { BM_FAMILIES_MAX = 64 };

/* One family of changes that was searched. */
struct bm_family {
	const char *name; /* static, for a person: "one bit anywhere", "two words of 16 bits swapped" */
	uint64_t candidates; /* changes that were covered, each as good as tried */
	bool complete;       /* false: the limit cut it short */
};

/* What a search came to. Zeroed by the caller, with `sent` pointing to wire.header.n + wire.body.n
 * octets of the caller's. */
struct bm_repair {
	bool found;
	enum bm_repair_kind kind;
	const char
		*method; /* static: "ghash-syndrome", "poly1305-difference", "ccm-meeting", "hmac-search" */
	const char *shape; /* static, the name of the family that it was found in */
	uint8_t *sent;     /* header and body as they were sent; bm_verify has said so */
	size_t tag_bits;   /* that the proof can claim (CCM_8: 64) */
	/* Base-2 logarithm of the number of alterations that would have been accepted, over everything
	 * tried up to the find: the chance of a false proof is 2^(accepted_log2 - tag_bits). */
	double accepted_log2;
	uint64_t candidates;                      /* the same as a count, saturating */
	struct bm_family family[BM_FAMILIES_MAX]; /* searched, in order, with or without success */
	size_t family_count;
};

/* Searches with the solver that fits the suite. BM_OK whether or not something is found; BM_NOMEM.
 * Every repair has passed bm_verify with the altered bytes, and is the only one that its family
 * found: where two changes of one family fit, nothing is found and the family's name says so. */
BM_MUST_USE enum bm_status bm_repair(
	const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out);

/* The solvers; same contract. bm_repair picks one. */
BM_MUST_USE enum bm_status bm_repair_gcm(
	const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out);
BM_MUST_USE enum bm_status bm_repair_poly1305(
	const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out);
BM_MUST_USE enum bm_status bm_repair_ccm(
	const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out);
BM_MUST_USE enum bm_status bm_repair_hmac(
	const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out);

#endif
