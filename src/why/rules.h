/* Records whose MAC or tag was made by another rule than the negotiated one: how the two searches
 * count and tell. Refuses to be included from outside of rules*.c. */
#ifndef BM_WHY_RULES_H
#define BM_WHY_RULES_H

#include "why/record.h"

enum { DEVIATIONS_MAX = 2 };

/* Every input that a rule decides about has a list of values; the first is the negotiated one. */
struct rule_search {
	const struct bm_why *w;
	struct bm_wire wire;
	unsigned depth; /* deviations from the negotiated rule that are looked at now: 1, then 2 */
	uint64_t tried, work, limit;
	enum bm_status status;
	const char *what[9]; /* of the values in use, NULL for a negotiated one */
	size_t parts;
	struct bm_mac_rule rule; /* the same as data */
	size_t tag_len;          /* of the rule that fits */
};

/* Are there as many deviations as are due? */
bool rule_due(const struct rule_search *s);
/* The other direction's keys of the same epoch, NULL when there are none. */
const struct bm_traffic_keys *rule_other_side(const struct rule_search *s);
/* May the version in the MAC be another one than the header's? Else it is the header that was
 * damaged. */
bool rule_version_free(const struct rule_search *s, unsigned version);
/* The nth other number that may have gone into the MAC, what that is called, and its id; false past
 * the last. */
bool rule_other_number(
	const struct rule_search *s, unsigned nth, uint64_t *seq, const char **what, const char **id);

/* What is authenticated in front of the length, up to TLS 1.2. The nth way: 0 the negotiated one,
 * others with a connection id alone; *what names it, and *id. Returns how many octets, 0 past the
 * last. version 0: none. */
enum { RULE_HEADER_MAX = BM_MAC_HEADER_MAX };
size_t rule_header(const struct rule_search *s, unsigned nth, uint64_t seq, unsigned version,
	uint8_t out[RULE_HEADER_MAX], const char **what, const char **id);

/* Versions that have been or may be put in front of a MAC by mistake: SSL 3.0 to TLS 1.3, DTLS 1.0
 * and 1.2. */
enum { RULE_VERSIONS = 7 };
extern const uint16_t rule_versions[RULE_VERSIONS];

/* True: s->what tells. */
bool rule_search_aead(struct rule_search *s);
bool rule_search_mac(struct rule_search *s);

#endif
