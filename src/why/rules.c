/* mac-construction: the record verifies by another rule than the one that was negotiated. What can
 * be otherwise is in rules_mac.c and rules_aead.c; refuses to know it. */
#include "why/rules.h"

#include "base/buf.h"

#include <stdio.h>

bool
rule_due(const struct rule_search *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->parts; i++)
		n += s->what[i] != NULL;
	return n == s->depth && s->work < s->limit && s->status == BM_OK;
}

const struct bm_traffic_keys *
rule_other_side(const struct rule_search *s)
{
	const struct bm_case *c = s->w->c;
	struct bm_session_key k;

	if (s->w->session == NULL)
		return NULL;
	for (size_t i = 0; bm_session_key(s->w->session, i, &k); i++)
		if (k.side != c->direction && k.epoch == c->epoch &&
			bm_protection_keys(k.protection)->suite == bm_protection_keys(c->protection)->suite)
			return bm_protection_keys(k.protection);
	return NULL;
}

bool
rule_version_free(const struct rule_search *s, unsigned version)
{
	unsigned due = s->w->facts->version == BM_TLS13 ? BM_TLS12 : s->w->facts->version;

	return s->w->c->kind == BM_CASE_NO_KEYS_FIT || s->wire.version == due || version != due;
}

uint64_t
rule_reversed(uint64_t seq)
{
	uint64_t out = 0;

	for (int i = 0; i < 8; i++)
		out |= (seq >> 8 * i & 0xff) << 8 * (7 - i);
	return out;
}

static const char *
deviations(const struct rule_search *s)
{
	const char *first = NULL, *second = NULL;

	for (size_t i = 0; i < s->parts; i++) {
		if (s->what[i] == NULL)
			continue;
		if (first == NULL)
			first = s->what[i];
		else
			second = s->what[i];
	}
	return bm_arena_print(
		s->w->arena, "%s%s%s", first, second != NULL ? ", and " : "", second != NULL ? second : "");
}

static enum bm_answer
show(const struct rule_search *s, struct bm_finding *out)
{
	const struct bm_why *w = s->w;
	const struct bm_case *c = w->c;
	const char *how = deviations(s);

	bm_prove(out, "rule-search", s->tag_len, s->tried);
	bm_evidence(
		w, out, "it verifies where it was expected with %s", how != NULL ? how : "another rule");
	if (c->kind != BM_CASE_NO_KEYS_FIT)
		return BM_SHOWN;
	bm_evidence(w, out, "by the negotiated rule no record of epoch %u verifies", c->epoch);
	/* Two ends that agree have nothing to complain of; what was read of their handshake may be
	 * what is wrong. */
	out->configuration = c->alert == 255;
	if (out->configuration)
		bm_evidence(w, out, "neither end reports a bad record: both seem to go by this rule");
	return BM_SHOWN;
}

enum bm_answer
bm_ask_construction(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	struct rule_search s = {.w = w, .limit = w->share / 8};

	if ((c->kind != BM_CASE_BAD_RECORD && c->kind != BM_CASE_NO_KEYS_FIT) || c->found ||
		c->identical || c->mirrored || c->result == BM_BAD_INNER)
		return BM_NOT_ASKED;
	if (!bm_failed_record(w, &s.wire)) {
		*because = "not tried: the record's bytes are not at hand";
		return BM_EXCLUDED;
	}
	bool aead = bm_protection_keys(c->protection)->suite->mac == BM_HASH_NONE;
	bool found = false;
	for (s.depth = 1; s.depth <= DEVIATIONS_MAX && !found && s.status == BM_OK; s.depth++)
		found = aead ? rule_search_aead(&s) : rule_search_mac(&s);
	bm_wipe(w->scratch->bytes, sizeof w->scratch->bytes);
	*w->spent += s.work;
	if (found)
		return show(&s, out);
	*because = s.status == BM_NOMEM
				   ? "not tried: out of memory"
				   : bm_arena_print(w->arena, "by none of %llu other rules it verifies%s",
						 (unsigned long long)s.tried,
						 s.work >= s.limit ? ", and not all could be tried" : "");
	return BM_EXCLUDED;
}
