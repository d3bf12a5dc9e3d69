/* What is true of one failing record of tests/data, as a claim. */
#ifndef BM_TESTS_PROVE_CLAIM_H
#define BM_TESTS_PROVE_CLAIM_H

#include "badmac.h"

#include <stdio.h>

/* damaged/tls13-aes256gcm/bitflip, as its receiver saw it: one bit of record 3 of the client. */
struct told {
	struct badmac_claims all;
	struct badmac_claimed_connection connection;
	struct badmac_claim failure;
	struct badmac_claimed_damage damage;
	struct badmac_claimed_alert alert;
	uint64_t packet;
	uint8_t received, sent, random[32];
};
/* Points into *t, which does not move from here on. */
void claim_truth(struct told *t);

struct bytes {
	uint8_t *p;
	size_t n;
};
struct bytes read_data(const char *name); /* in that folder; freed by the caller */

/* A diagnosis with capture and keys added; NULL with *status where it could not be set up. */
struct badmac *claim_about(
	const struct told *t, struct bytes capture, struct bytes keys, enum badmac_status *status);

#endif
