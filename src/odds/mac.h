/* How long the MAC of a cipher suite is, and how often it misses damage. Refuses to know how it is
 * computed. */
#ifndef BM_ODDS_MAC_H
#define BM_ODDS_MAC_H

#include "tls/suites.h"

struct bm_mac_strength {
	const char *name, *source; /* "HMAC-SHA1"; where its length stands */
	unsigned bits;
	/* log2 of the chance that damage nobody aimed at it passes: -bits for HMAC and CCM, which
	 * behave as random functions do; for GCM and Poly1305 a bound that holds for any damage to a
	 * record of 2^14 octets, over the choice of the key. */
	double miss_log2;
};

/* The suite by its IANA name or its code (0xNNNN); also SSL_ for TLS_, as JSSE has it. NULL: not
 * registered. */
const struct bm_suite *bm_suite_named(const char *text);
/* False: a suite without a MAC of its own that badmac knows (NULL-NULL, GOST, ...). */
bool bm_mac_strength(const struct bm_suite *s, struct bm_mac_strength *out);

#endif
