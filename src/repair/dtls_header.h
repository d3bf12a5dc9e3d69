/* Which header makes a DTLS record verify? Whole headers are tried over bytes whose own header is
 * not to be trusted: what the neighbours, the negotiation and the bytes themselves leave. Refuses
 * to know streams and causes. */
#ifndef BM_REPAIR_DTLS_HEADER_H
#define BM_REPAIR_DTLS_HEADER_H

#include "verify/verify.h"

enum { BM_DTLS_NUMBERS = 8, BM_DTLS_ENDS = 3, BM_DTLS_EPOCHS = 4 };

/* An epoch of the direction, whose keys are known. */
struct bm_dtls_epoch {
	unsigned epoch;
	const struct bm_protection *protection;
	uint64_t expected; /* one more than the highest number that verified */
	/* Numbers that have not been seen, likeliest first. */
	uint64_t numbers[BM_DTLS_NUMBERS];
	size_t number_count;
};

struct bm_dtls_headers {
	unsigned version;          /* negotiated */
	struct bm_view cid;        /* that its receiver wants to be addressed by */
	struct bm_view bytes;      /* from the header on, to the end of the datagram */
	size_t ends[BM_DTLS_ENDS]; /* where the record may end, likeliest first */
	size_t end_count;
	struct bm_dtls_epoch epochs[BM_DTLS_EPOCHS]; /* likeliest first */
	size_t epoch_count;
	uint64_t work; /* nanoseconds that it may cost */
};

struct bm_dtls_header {
	bool found;
	uint8_t bytes[BM_DTLS_HEADER_MAX]; /* as sent: in DTLS 1.3 with the number masked */
	size_t len;
	size_t end; /* of the record, in headers->bytes */
	unsigned epoch;
	uint64_t seq;
	const struct bm_protection *protection;
	uint64_t tried, work;
};

/* One field altered first, then whole headers. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_find_dtls_header(
	const struct bm_dtls_headers *h, struct bm_scratch *scratch, struct bm_dtls_header *out);

#endif
