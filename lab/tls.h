/* What shows of a TLS connection without keys: its records, which of them are protected, their
 * numbers. */
#ifndef BM_LAB_TLS_H
#define BM_LAB_TLS_H

#include "lab/base.h"
#include "tls/record.h"
#include "tls/suites.h"

struct lab_tls {
	unsigned version; /* as negotiated, 0 until then */
	const struct bm_suite *suite;
	bool encrypt_then_mac;
	bool client_finished; /* TLS 1.3: its first protected record was seen */
	bool server_finished; /* TLS 1.3: a record as long as that message was seen */
	struct {
		bool protects;
		uint64_t next, applications; /* sequence number, application records so far */
	} side[2];
};

/* A record, header and all. */
struct lab_record {
	enum lab_direction direction;
	struct bm_view bytes;
	uint8_t type;
	bool application; /* protected, and after the handshake of TLS 1.3 */
	/* Of protected ones. TLS 1.3: under the keys for application data. Where the server's begin is
	 * told by the length of a record that holds its Finished and nothing else, else by the client's
	 * Finished. */
	uint64_t sequence;
	uint64_t index; /* among the application records of its direction */
	/* Octets of an explicit IV or nonce in front, and of tag or MAC in the clear behind. */
	size_t front, tag;
	/* CBC with the MAC inside: octets at the end that hold MAC and padding, at most. */
	size_t hidden;
};

/* The length of the record that begins at p, 0 if n octets do not tell. *bad: no record begins
 * there. */
size_t lab_record_length(const uint8_t *p, size_t n, bool *bad);
/* What the record is; t goes on by it. */
void lab_tls_record(
	struct lab_tls *t, enum lab_direction d, struct bm_view bytes, struct lab_record *out);

#endif
