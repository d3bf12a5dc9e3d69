/* mac-construction: the record verifies by another rule than the one that was negotiated. What can
 * be otherwise is in rules_mac.c and rules_aead.c; refuses to know it. */
#include "why/dtls.h"
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

	/* Each of the two families has its own. */
	if (bm_version_is_dtls(version) && !bm_is_dtls(s->w))
		return false;

	return s->w->c->kind == BM_CASE_NO_KEYS_FIT || s->wire.version == due || version != due;
}

const uint16_t rule_versions[RULE_VERSIONS] = {
	BM_SSL3, BM_TLS10, BM_TLS11, BM_TLS12, BM_TLS13, BM_DTLS10, BM_DTLS12};

static uint64_t
reversed(uint64_t seq)
{
	uint64_t out = 0;

	for (int i = 0; i < 8; i++)
		out |= (seq >> 8 * i & 0xff) << 8 * (7 - i);
	return out;
}

bool
rule_other_number(
	const struct rule_search *s, unsigned nth, uint64_t *seq, const char **what, const char **id)
{
	enum { SEQ_BITS = 48 };
	uint64_t own = s->w->c->position->seq, low = own & ((UINT64_C(1) << SEQ_BITS) - 1);

	if (nth == 0) {
		*seq = reversed(own);
		*what = "the sequence number low octet first";
		*id = "low-octet-first";
		return true;
	}
	if (nth != 1 || !bm_is_dtls(s->w))
		return false;
	/* RFC 6347, section 4.1.2.1 counts the epoch in; RFC 9147, section 4 does not. */
	bool in = own >> SEQ_BITS != 0;
	*seq = in ? low : (uint64_t)s->w->c->epoch << SEQ_BITS | low;
	*what = in ? "the sequence number without its epoch" : "the epoch before the sequence number";
	*id = in ? "without-epoch" : "with-epoch";
	return true;
}

static size_t
put(uint8_t *out, size_t at, struct bm_view v)
{
	if (v.n != 0)
		memcpy(out + at, v.p, v.n);
	return at + v.n;
}

size_t
rule_header(const struct rule_search *s, unsigned nth, uint64_t seq, unsigned version,
	uint8_t out[RULE_HEADER_MAX], const char **what, const char **id)
{
	const struct bm_wire *w = &s->wire;
	struct bm_position pos = {.seq = seq};
	size_t n = 8;

	*what = *id = NULL;
	if (w->cid.n != 0 && nth == 0 && version != 0) {
		struct bm_wire as = *w;
		as.version = (uint16_t)version;
		return bm_mac_header(s->w->c->protection, &pos, &as, 0, out) - 2;
	}
	if (nth > 2 || (nth != 0 && w->cid.n == 0))
		return 0;
	bm_store64(out, seq);
	out[n++] = w->type;
	if (version != 0) {
		bm_store16(out + n, version);
		n += 2;
	}
	if (nth == 1) {
		/* draft-ietf-tls-dtls-connection-id, up to the 8th. */
		*what = "the connection id behind the version, as in drafts of RFC 9146";
		*id = "cid-as-in-drafts";
		n = put(out, n, w->cid);
		out[n++] = (uint8_t)w->cid.n;
	} else if (nth == 2) {
		*what = "no connection id authenticated";
		*id = "without-cid";
	}
	return n;
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
	bm_alter(w, out, BM_INPUT_RULE);
	out->altered.rule = how;
	out->altered.mac_rule = s->rule;
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

/* One that came back to its sender: every key of the other direction, and no other rule. */
static bool
by_other_side(const struct bm_why *w, const struct bm_wire *wire)
{
	const struct bm_case *c = w->c;
	struct bm_session_key k;
	struct bm_outcome o;

	if (w->session == NULL || c->kind != BM_CASE_BAD_RECORD)
		return false;
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++)
		if (k.side != c->direction && k.epoch == c->epoch && !bm_protection_chained(k.protection) &&
			bm_verify(k.protection, c->position, wire, false, w->scratch, &o) == BM_OK &&
			o.result == BM_VERIFIED)
			return true;
	return false;
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
	/* A length that is 10 too small cuts a MAC of 160 bits to one of 80, just so. */
	if (c->kind == BM_CASE_BAD_RECORD && !bm_version_is_dtls(w->facts->version) &&
		(c->framing_lost || c->region != c->len)) {
		*because = "not tried: what stands behind the record is no record";
		return BM_EXCLUDED;
	}
	if (by_other_side(w, &s.wire)) {
		*because = "it verifies under all keys of the other direction";
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
