/* What the endpoints and the key material say: plaintext-alert, record-was-good,
 * capture-incomplete, wrong-keys. */
#include "why/why.h"

enum bm_answer
bm_ask_plaintext_alert(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	if (w->c->kind == BM_CASE_BAD_RECORD) {
		*because = w->facts->version == BM_TLS13 || w->facts->version == BM_DTLS13
					   ? "what stands here is no alert in the clear"
					   : "this is not TLS 1.3";
		return BM_EXCLUDED;
	}
	if (w->c->kind != BM_CASE_PLAINTEXT_ALERT)
		return BM_NOT_ASKED;
	out->strength = w->c->protection != NULL ? BM_STRENGTH_PROVEN : BM_STRENGTH_SUPPORTED;
	bm_evidence(w, out,
		"a record of type alert with a body of 2 bytes stands where TLS 1.3 demands a protected "
		"record (outer type 23, RFC 8446, section 5.2)");
	return BM_SHOWN;
}

enum bm_answer
bm_ask_capture_incomplete(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind == BM_CASE_BAD_RECORD) {
		*because = c->region >= c->len ? "every byte of the record was captured"
									   : "no packet is missing where it stands";
		return BM_EXCLUDED;
	}
	if (c->kind != BM_CASE_REJECTED || !c->over_gap || c->no_keys == false)
		return BM_NOT_ASKED;
	out->strength = BM_STRENGTH_POSSIBLE;
	bm_evidence(w, out,
		"packet %llu reports a bad record; of the direction that it complains about bytes are "
		"missing in the capture",
		(unsigned long long)c->alert_packet);
	return BM_SHOWN;
}

enum bm_answer
bm_ask_record_was_good(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind == BM_CASE_BAD_RECORD && c->number_reused) {
		*because = "it has a number that another record had had";
		return BM_EXCLUDED;
	}
	if (c->kind == BM_CASE_BAD_RECORD) {
		*because = "the record as captured does not verify";
		return BM_EXCLUDED;
	}
	if (c->kind != BM_CASE_REJECTED)
		return BM_NOT_ASKED;
	if (c->no_keys) {
		*because = "not every record that could be meant could be checked";
		return BM_EXCLUDED;
	}
	out->strength = BM_STRENGTH_PROVEN;
	if (c->protection != NULL)
		bm_prove(out, "verified-as-captured", bm_protection_tag_len(c->protection), 1);
	if (c->protection != NULL) {
		bm_alter(w, out, 0);
		bm_alter_chain(w, out, &c->found_chain);
	}
	bm_evidence(w, out,
		"packet %llu reports a bad record, yet every record of that direction before it verifies "
		"as captured",
		(unsigned long long)c->alert_packet);
	if (c->not_compared) {
		out->strength = BM_STRENGTH_SUPPORTED;
		bm_evidence(w, out,
			"bytes of them were captured twice, before they were acknowledged, and cannot all be "
			"read again: whether the second copies were other ones does not show");
	}
	if (c->meant > 1)
		bm_evidence(w, out,
			"%llu records had come since the last word of its sender: which of them is meant does "
			"not show",
			(unsigned long long)c->meant);
	if (c->first_of_epoch)
		bm_evidence(w, out,
			"it had accepted no record under these keys before: that it derived other keys, from "
			"other bytes of the handshake or another secret, is not ruled out");
	return BM_SHOWN;
}

enum bm_answer
bm_ask_wrong_keys(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind == BM_CASE_BAD_RECORD && !c->only_one) {
		*because = "other records of the epoch verify under these keys";
		return BM_EXCLUDED;
	}
	if (c->kind != BM_CASE_NO_KEYS_FIT)
		return BM_NOT_ASKED;
	out->strength = c->only_one ? BM_STRENGTH_POSSIBLE : BM_STRENGTH_SUPPORTED;
	out->configuration = c->alert == 255;
	if (c->sides == 3)
		bm_evidence(w, out, "no record of epoch %u verifies in either direction", c->epoch);
	else
		bm_evidence(w, out, "no record that the %s sent in epoch %u verifies",
			c->sides == 1 ? "client" : "server", c->epoch);
	if (c->only_one)
		bm_evidence(w, out, "it is the only protected record, so damage to it would look the same");
	if (w->sessions->n != 0)
		bm_evidence(w, out,
			"nor do the master secrets of %llu other sessions of the key material open it%s",
			(unsigned long long)w->sessions->n,
			w->sessions->cut ? ", and not all of them could be tried" : "");
	return BM_SHOWN;
}

/* The only protected record of all, and no damage to it was found: its keys are in doubt as much.
 */
enum bm_answer
bm_ask_only_record(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	(void)because;
	if (c->kind != BM_CASE_BAD_RECORD || !c->only_one || c->sides != 3)
		return BM_NOT_ASKED;
	out->strength = BM_STRENGTH_POSSIBLE;
	out->configuration = c->alert == 255;
	bm_evidence(w, out,
		"it is the only protected record of epoch %u, and no change that was tried makes it verify",
		c->epoch);
	return BM_SHOWN;
}
