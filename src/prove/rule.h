/* Another rule for the MAC, as a claim spells it out, in numbers. */
#ifndef BM_PROVE_RULE_H
#define BM_PROVE_RULE_H

#include "prove/internal.h"

enum order { OWN_ORDER, MAC_INSIDE, MAC_OUTSIDE };
enum mac { OWN_MAC, MAC_OF_SSL3, MAC_OF_HMAC };
enum key { OWN_KEY, OTHER_SIDE, FIRST_HALF };
enum nonce { OWN_NONCE, FROM_NUMBER, OF_ZEROS, NUMBER_ON_FRONT, BARE_NUMBER, FROM_RECORD };
enum number { OWN_NUMBER, REVERSED, WITHOUT_EPOCH, WITH_EPOCH };
enum number_in { EVERYWHERE, IN_NONCE, IN_DATA };
enum header { OWN_HEADER, AS_12, AS_13, NO_DATA, MASKED, CID_OF_DRAFTS, NO_CID };
enum length { OWN_LENGTH, WITH_TAG, OF_RECORD, WITH_PADDING, WITH_NONCE, LOW_FIRST, WITHOUT_TAG };

/* The claim's words. */
struct rule {
	int order, mac, cipher_key, mac_key, iv, nonce, number, number_in, header, length;
	bool has_version;
	unsigned version; /* 0: none is authenticated */
	size_t tag;       /* 0: as negotiated */
};

/* False: one of the words is not known. */
bool rule_read(const struct badmac_claimed_mac_rule *m, struct rule *r);

#endif
