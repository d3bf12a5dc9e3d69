/* A claim of another rule for the MAC: whether it can be checked, is no damage by another name, and
 * names nothing that it does not take. Refuses to know what its words mean. */
#include "prove/internal.h"

bool
judge_rule(struct judge *j)
{
	const struct badmac_claimed_change *a = &j->claim->altered;
	bool all_fail = j->part->kind == BM_CASE_NO_KEYS_FIT;

	if (!a->has_mac_rule || !rule_is_known(&a->mac_rule)) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "verifies",
			a->has_mac_rule ? "the rule for the MAC that the report names is not known here"
							: "the report names the rule for the MAC in words alone");
		return false;
	}
	const char *what = rule_wrong(&a->mac_rule, &j->receiver->keys, judge_captured(j), all_fail);
	/* A length that is too small cuts a MAC just as a rule would. */
	if (what == NULL && !all_fail && !j->flow->dtls && !j->part->framed)
		what = "what stands behind the record is no record, so that its length may be wrong";
	if (what != NULL)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies", "%s", what);
	return what == NULL;
}

/* Keys of the other direction, of the same epoch and suite: the first there were. */
static const struct bm_traffic_keys *
other_side(const struct judge *j, const struct bm_traffic_keys *own)
{
	const struct bm_proved_flow *f = j->flow;

	for (size_t i = 0; i < f->key_count; i++)
		if (f->keys[i].side != j->claim->direction && f->keys[i].epoch == j->claim->epoch &&
			f->keys[i].keys.suite == own->suite)
			return &f->keys[i].keys;
	return NULL;
}

void
rule_choose(const struct judge *j, struct check *k)
{
	k->rule = &j->claim->altered.mac_rule;
	k->other = other_side(j, k->keys);
	k->epoch = j->claim->altered.epoch;
}

void
judge_rule_needed(struct judge *j, const struct check *k)
{
	struct badmac_claimed_mac_rule r = *k->rule;
	const char **const words[] = {&r.order, &r.mac, &r.cipher_key, &r.mac_key, &r.iv, &r.nonce,
		&r.number, &r.number_in, &r.version, &r.header, &r.length};
	enum { WORDS = sizeof words / sizeof words[0] };
	struct check without = *k;
	struct checked got;
	bool enough = false;

	without.rule = &r;
	for (size_t i = 0; i <= WORDS && !enough && !j->decided; i++) {
		r = *k->rule;
		if (i < WORDS ? *words[i] == NULL : r.tag_length == BADMAC_UNKNOWN)
			continue;
		if (i < WORDS)
			*words[i] = NULL;
		else
			r.tag_length = BADMAC_UNKNOWN;
		if (judge_made(j, &without, "verifies", &got))
			enough = got.made && got.result == BM_VERIFIED;
	}
	if (enough && !j->decided)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies",
			"the rule that it names says more than it takes: with less it verifies as well");
}
