/* The table of hypotheses and the walk through it. A new one is a function in this folder and a
 * line here; docs/EVIDENCE.md says what each shows. */
#include "why/framing.h"
#include "why/keyless.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Cheapest and likeliest first; those that exclude others stand before them. */
static const struct bm_hypothesis hypotheses[] = {
	{BM_CAUSE_RETRANSMISSION_DIFFERS, bm_ask_shown},
	{BM_CAUSE_PLAINTEXT_ALERT, bm_ask_plaintext_alert},
	{BM_CAUSE_MAC_CONSTRUCTION, bm_ask_construction},
	{BM_CAUSE_MAC_CONSTRUCTION, bm_ask_derivation},
	{BM_CAUSE_WRONG_KEYS, bm_ask_other_session},
	{BM_CAUSE_WRONG_KEYS, bm_ask_wrong_keys},
	{BM_CAUSE_CAPTURE_INCOMPLETE, bm_ask_capture_incomplete},
	{BM_CAUSE_RECORD_WAS_GOOD, bm_ask_record_was_good},
	{BM_CAUSE_RETRANSMISSION_DIFFERS, bm_ask_other_copy},
	{BM_CAUSE_RECORD_REPLAYED, bm_ask_replayed},
	{BM_CAUSE_SEQUENCE_REUSED, bm_ask_reused},
	{BM_CAUSE_RECORDS_REORDERED, bm_ask_reordered},
	{BM_CAUSE_RECORD_MISSING, bm_ask_missing},
	{BM_CAUSE_SENDER_MISCOMPUTED, bm_ask_number},
	{BM_CAUSE_WRONG_EPOCH, bm_ask_epoch},
	{BM_CAUSE_REFLECTED_RECORD, bm_ask_reflected},
	{BM_CAUSE_FOREIGN_RECORD, bm_ask_foreign},
	{BM_CAUSE_BAD_PADDING, bm_ask_padding},
	{BM_CAUSE_HEADER_DAMAGED, bm_ask_header},
	{BM_CAUSE_RECORDS_INTERLEAVED, bm_ask_interleaved},
	{BM_CAUSE_RETRANSMISSION_DIFFERS, bm_ask_elsewhere},
	{BM_CAUSE_BYTES_DAMAGED, bm_ask_good_copy},
	{BM_CAUSE_PLAINTEXT_INJECTED, bm_ask_text},
	{BM_CAUSE_BYTES_INSERTED, bm_ask_inserted},
	{BM_CAUSE_BYTES_DAMAGED, bm_ask_header_and_body},
	{BM_CAUSE_BYTES_MISSING, bm_ask_bytes_missing},
	{BM_CAUSE_TAG_DAMAGED, bm_ask_tag},
	{BM_CAUSE_BITS_FLIPPED, bm_ask_bits},
	{BM_CAUSE_WORDS_SWAPPED, bm_ask_swapped},
	{BM_CAUSE_BYTES_DAMAGED, bm_ask_bytes},
	{BM_CAUSE_SENDER_MISCOMPUTED, bm_ask_keystream},
	{BM_CAUSE_FOREIGN_RECORD, bm_ask_foreign_at_last},
	{BM_CAUSE_BYTES_INSERTED, bm_ask_inserted_at_last},
	{BM_CAUSE_WRONG_KEYS, bm_ask_other_session_at_last},
	{BM_CAUSE_STALE_DATA, bm_ask_stale},
	{BM_CAUSE_SENDER_MISCOMPUTED, bm_ask_miscomputed},
	{BM_CAUSE_WRONG_KEYS, bm_ask_only_record},
};

/* Where nothing can be checked. What no receiver can have accepted stands first. */
static const struct bm_hypothesis keyless[] = {
	{BM_CAUSE_RECORD_REPLAYED, bm_ask_seen_twice},
	{BM_CAUSE_REFLECTED_RECORD, bm_ask_seen_mirrored},
	{BM_CAUSE_BYTES_MISSING, bm_ask_lost_framing},
	{BM_CAUSE_PLAINTEXT_INJECTED, bm_ask_text_seen},
	{BM_CAUSE_SEQUENCE_REUSED, bm_ask_nonces},
	{BM_CAUSE_STALE_DATA, bm_ask_repeat_seen},
	{BM_CAUSE_RETRANSMISSION_DIFFERS, bm_ask_seen_copy},
	{BM_CAUSE_BYTES_DAMAGED, bm_ask_bad_checksum},
};

void
bm_evidence(const struct bm_why *w, struct bm_finding *f, const char *format, ...)
{
	va_list ap;

	if (f->evidence_count >= BM_EVIDENCE_MAX)
		return;
	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	/* Whole, however long the name of a capture is: redaction knows no piece of one. */
	char *text = n >= 0 ? bm_arena_take(w->arena, (size_t)n + 1, 1) : NULL;
	if (text == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, (size_t)n + 1, format, ap);
	va_end(ap);
	f->evidence[f->evidence_count++] = text;
}

void
bm_prove(struct bm_finding *f, const char *method, size_t tag_len, uint64_t candidates)
{
	if (candidates == 0)
		candidates = 1;
	f->method = method;
	f->tag_bits = (unsigned)(8 * tag_len);
	f->candidates = candidates;
	f->chance_log2 = log2((double)candidates) - (double)f->tag_bits;
	/* 2^-40: the threshold of every proof, counting all that was tried. */
	f->strength = f->chance_log2 <= -40 ? BM_STRENGTH_PROVEN : BM_STRENGTH_SUPPORTED;
}

void
bm_alter(const struct bm_why *w, struct bm_finding *f, unsigned inputs)
{
	const struct bm_case *c = w->c;

	f->altered = (struct bm_altered){.told = true,
		.inputs = inputs,
		.direction = c->direction,
		.epoch = c->epoch,
		.seq = c->seq,
		.off = c->off,
		.packet = BM_NO_SEQ,
		.packet_off = BM_NO_SEQ,
		.padding = BM_NO_SEQ,
		.keystream = BM_NO_SEQ,
		.sent_packet_off = BM_NO_SEQ};
	if (c->fragment_count != 0 && c->fragments[0].record_off == 0) {
		f->altered.packet = c->fragments[0].packet;
		f->altered.packet_off = c->fragments[0].packet_off;
	}
	if (c->position == NULL || c->protection == NULL)
		return;
	bool stream = bm_protection_keys(c->protection)->suite->cipher == BM_RC4;
	struct bm_chain own = {.known = stream || c->position->seq != 0};
	if (stream)
		own.keystream = c->position->rc4.position;
	memcpy(own.iv, c->position->iv, sizeof own.iv);
	bm_alter_chain(w, f, &own);
}

void
bm_alter_chain(const struct bm_why *w, struct bm_finding *f, const struct bm_chain *chain)
{
	const struct bm_protection *p = w->c->protection;
	bool stream = p != NULL && bm_protection_keys(p)->suite->cipher == BM_RC4;

	f->altered.iv_n = 0;
	f->altered.keystream = BM_NO_SEQ;
	if (p == NULL || !bm_protection_chained(p))
		return;
	if (stream && chain->known)
		f->altered.keystream = chain->keystream;
	/* Encrypt-then-MAC looks at none (RFC 7366, section 3). */
	if (stream || !chain->known || bm_protection_keys(p)->encrypt_then_mac)
		return;
	f->altered.iv_n = bm_cipher_block(bm_protection_keys(p)->suite->cipher);
	memcpy(f->altered.iv, chain->iv, f->altered.iv_n);
}

void
bm_alter_after(const struct bm_why *w, struct bm_finding *f)
{
	const struct bm_case *c = w->c;

	bm_alter(w, f, BM_INPUT_RECORD);
	f->altered.epoch = c->after_epoch;
	f->altered.seq = c->after_seq;
	bm_alter_chain(w, f, &c->after_chain);
	/* Without its IV it is not this one that verifies. */
	f->altered.off = c->after_lacks_iv ? BM_NO_SEQ : c->after_off;
}

void
bm_alter_other(
	struct bm_finding *f, unsigned direction, uint64_t off, uint64_t packet, uint64_t seq)
{
	f->altered.has_other = true;
	f->altered.other = (struct bm_other_record){direction, off, packet, seq};
}

/* Nobody could check the records that may be meant. */
static bool
is_keyless(const struct bm_why *w)
{
	return w->session != NULL && w->c->no_keys &&
		   (w->c->kind == BM_CASE_SUSPECTED ||
			   (w->c->kind == BM_CASE_REJECTED && w->c->before != 0));
}

/* Once a cause: what several who looked for it say stands together. */
static void
exclude(
	const struct bm_why *w, struct bm_explanation *out, enum bm_cause cause, const char *because)
{
	for (size_t i = 0; i < out->excluded_count; i++)
		if (out->excluded[i].cause == cause) {
			const char *both =
				bm_arena_print(w->arena, "%s; %s", out->excluded[i].because, because);
			out->excluded[i].because = both != NULL ? both : because;
			return;
		}
	if (out->excluded_count < BM_EXCLUDED_MAX)
		out->excluded[out->excluded_count++] = (struct bm_excluded){cause, because};
}

/* What was shown in the end, and not by the first who looked for it. */
static void
not_excluded(struct bm_explanation *out, enum bm_cause shown)
{
	size_t n = 0;

	for (size_t i = 0; i < out->excluded_count; i++)
		if (out->excluded[i].cause != shown)
			out->excluded[n++] = out->excluded[i];
	out->excluded_count = n;
}

/* No record stands where this one ends, and one more was counted than is framed: its end may be
 * missing, with the head of the next one. A header that is hardly damaged is there all the same. */
static void
doubt_its_end(const struct bm_why *w, struct bm_finding *f)
{
	const struct bm_case *c = w->c;
	bool in_place = f->cause == BM_CAUSE_TAG_DAMAGED || f->cause == BM_CAUSE_BITS_FLIPPED ||
					f->cause == BM_CAUSE_BYTES_DAMAGED || f->cause == BM_CAUSE_WORDS_SWAPPED;

	if (!in_place || f->strength != BM_STRENGTH_PROVEN || !c->framing_lost || c->before_gap ||
		c->after != BM_AFTER_OTHER || bm_header_nearly_behind(w))
		return;
	f->strength = BM_STRENGTH_SUPPORTED;
	bm_evidence(w, f,
		"no record stands where its header says that it ends: bytes over its end may be missing as "
		"well");
}

enum bm_status
bm_explain(const struct bm_why *asked, struct bm_explanation *out)
{
	struct bm_cut cut = {.found = false};
	struct bm_damage_search search = {.asked = false};
	struct bm_sessions_tried sessions = {0, false};
	struct bm_why why = *asked;
	const struct bm_why *w = &why;

	why.cut = &cut;
	why.repair = &search;
	why.sessions = &sessions;
	memset(out, 0, sizeof *out);
	out->finding.cause = BM_CAUSE_UNEXPLAINED;
	const size_t early = is_keyless(w) ? sizeof keyless / sizeof keyless[0] : 0;
	for (size_t i = 0; i < early + sizeof hypotheses / sizeof hypotheses[0]; i++) {
		const struct bm_hypothesis *h = i < early ? &keyless[i] : &hypotheses[i - early];
		struct bm_finding f;
		const char *because = NULL;

		memset(&f, 0, sizeof f);
		f.cause = h->cause;
		enum bm_answer a = h->ask(w, &f, &because);
		if (f.no_memory)
			return BM_NOMEM;
		if (a == BM_SHOWN) {
			doubt_its_end(w, &f);
			out->finding = f;
			not_excluded(out, f.cause);
			return BM_OK;
		}
		if (a == BM_EXCLUDED && because != NULL)
			exclude(w, out, h->cause, because);
	}
	struct bm_finding *f = &out->finding;
	const struct bm_case *c = w->c;
	f->strength = BM_STRENGTH_POSSIBLE;
	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_OK;
	f->strength = BM_STRENGTH_SUPPORTED;
	if (c->result == BM_BAD_PADDING)
		bm_evidence(w, f, "after decryption the padding of the record is malformed");
	else if (c->result == BM_BAD_LENGTH)
		bm_evidence(w, f,
			c->framing_lost || c->len == 0
				? "the bytes where a record header is due are no record header that fits"
				: "the record's length cannot occur under this cipher suite");
	else
		bm_evidence(
			w, f, "the tag computed over the record as captured differs from the one it carries");
	if (c->after == BM_AFTER_NEXT && bm_version_is_dtls(w->facts->version))
		bm_evidence(w, f,
			"a record that came after it verifies at sequence number %llu of the same epoch: the "
			"keys are right, this one record is wrong",
			(unsigned long long)c->after_seq);
	else if (c->after == BM_AFTER_NEXT && c->right_behind_gap)
		bm_evidence(w, f,
			"a gap of the capture ends where it begins, and the record after it, at stream offset "
			"%llu, verifies at sequence number %llu: one that was taken before that had the number "
			"before, at which this one does not verify",
			(unsigned long long)c->after_off, (unsigned long long)c->after_seq);
	else if (c->after == BM_AFTER_NEXT)
		bm_evidence(w, f,
			"the record after it, at stream offset %llu, verifies at sequence number %llu: the "
			"receiver's keys and count were right, this one record is wrong",
			(unsigned long long)c->after_off, (unsigned long long)c->after_seq);
	else if (c->after == BM_AFTER_SAME)
		bm_evidence(w, f,
			"the record after it, at stream offset %llu, verifies at the same sequence number "
			"%llu: these bytes were never a record of this sender",
			(unsigned long long)c->after_off, (unsigned long long)c->after_seq);
	else if (c->after == BM_AFTER_OTHER)
		bm_evidence(w, f, "the record at stream offset %llu verifies at sequence number %llu",
			(unsigned long long)c->after_off, (unsigned long long)c->after_seq);
	else
		bm_evidence(w, f,
			c->epoch_verified && bm_version_is_dtls(w->facts->version)
				? "other records of this direction and epoch verify: keys are right, this one "
				  "record is wrong"
				: "no later record of this direction verifies");
	if (c->framing_lost && !bm_version_is_dtls(w->facts->version))
		bm_evidence(w, f, "the next good record does not stand where the header of this one says");
	return BM_OK;
}
