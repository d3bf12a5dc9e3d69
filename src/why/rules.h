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
	const char *what[8]; /* of the values in use, NULL for a negotiated one */
	size_t parts;
	size_t tag_len; /* of the rule that fits */
};

/* Are there as many deviations as are due? */
bool rule_due(const struct rule_search *s);
/* The other direction's keys of the same epoch, NULL when there are none. */
const struct bm_traffic_keys *rule_other_side(const struct rule_search *s);
/* May the version in the MAC be another one than the header's? Else it is the header that was
 * damaged. */
bool rule_version_free(const struct rule_search *s, unsigned version);
uint64_t rule_reversed(uint64_t seq);

/* True: s->what tells. */
bool rule_search_aead(struct rule_search *s);
bool rule_search_mac(struct rule_search *s);

#endif
