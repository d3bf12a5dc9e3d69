/* record-replayed, sequence-reused, records-reordered, record-missing: the record is good, its
 * place is not. The searches themselves were made while the stream was followed. */
#include "why/dtls.h"

static size_t
tag_len(const struct bm_case *c)
{
	return c->protection != NULL ? bm_protection_tag_len(c->protection) : 0;
}

/* What is no fault there: records bring their numbers, and datagrams may be lost, doubled and come
 * in any order (RFC 6347, section 3; RFC 9147, section 3). */
static const char no_order[] =
	"not in DTLS: records bring their own numbers, and datagrams may be lost or come in any order";

/* What fell into a gap may have been anything, records of a second writer too. */
static const char *
gap_word(const struct bm_why *w, struct bm_finding *out)
{
	if (!w->c->behind_gap)
		return ", and the capture has no gap here";
	if (out->strength == BM_STRENGTH_PROVEN)
		out->strength = BM_STRENGTH_SUPPORTED;
	return "; but bytes of this direction are missing in the capture before it";
}

/* It verifies at the number that was found. */
static void
alter_number(const struct bm_why *w, struct bm_finding *out)
{
	bm_alter(w, out, 0);
	out->altered.seq = w->c->found_seq;
	bm_alter_chain(w, out, &w->c->found_chain);
}

/* For causes that a search over sequence numbers would have shown. */
static enum bm_answer
not_found(const struct bm_why *w, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->found)
		return BM_NOT_ASKED;
	bool back_alone =
		c->protection != NULL && bm_protection_keys(c->protection)->suite->cipher == BM_RC4;
	if ((c->tried == 0 || back_alone) && c->earlier != 0)
		*because =
			"not tried: under this cipher a record has its state, and its number only there; the "
			"records behind it tell how many there were";
	else if (c->tried == 0)
		*because = c->result == BM_BAD_LENGTH
					   ? "not tried: no record of this cipher suite has such a length"
					   : "not tried: the records around it tell its number";
	else
		*because = bm_arena_print(w->arena,
			"it verifies under none of %llu other sequence numbers around %llu",
			(unsigned long long)c->tried, (unsigned long long)c->seq);
	return BM_EXCLUDED;
}

enum bm_answer
bm_ask_replayed(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (!c->identical) {
		*because = c->compared != 0 ? bm_arena_print(w->arena,
										  "none of %zu records of this direction that verified "
										  "before has the same bytes",
										  c->compared)
									: "not compared with the records before it, if there are any";
		return BM_EXCLUDED;
	}
	/* The earlier one verified at its place; the bytes are the same. */
	bm_prove(out, "sequence-search", tag_len(c), c->twin_off != BM_NO_SEQ ? 1 : c->tried);
	bm_alter(w, out, 0);
	out->altered.seq = c->twin_seq;
	bm_alter_chain(w, out, &c->found_chain);
	if (c->twin_off != BM_NO_SEQ && c->twin_damage == 0)
		bm_alter_other(out, c->direction, c->twin_off, c->twin_packet, c->twin_seq);
	if (bm_is_dtls(w))
		bm_evidence(w, out,
			"the bytes behind its header are those of packet %llu, a record that verified at "
			"sequence number %llu of its own header; this header says otherwise",
			(unsigned long long)c->twin_packet, (unsigned long long)c->twin_seq);
	else if (c->twin_damage != 0)
		bm_evidence(w, out,
			"it verifies at sequence number %llu, which the receiver had counted at stream offset "
			"%llu (packet %llu): it is that record, of which %u bytes were others there; the "
			"receiver expected %llu here",
			(unsigned long long)c->twin_seq, (unsigned long long)c->twin_off,
			(unsigned long long)c->twin_packet, c->twin_damage, (unsigned long long)c->seq);
	else if (c->twin_off == BM_NO_SEQ)
		bm_evidence(w, out,
			"it verifies at sequence number %llu and has the bytes of the record that verified "
			"there before; the "
			"receiver expected %llu here",
			(unsigned long long)c->twin_seq, (unsigned long long)c->seq);
	else
		bm_evidence(w, out,
			"its %u bytes are those of the record at stream offset %llu (packet %llu), which "
			"verified at sequence number %llu; the receiver expected %llu here",
			c->len, (unsigned long long)c->twin_off, (unsigned long long)c->twin_packet,
			(unsigned long long)c->twin_seq, (unsigned long long)c->seq);
	if (c->after == BM_AFTER_SAME)
		bm_evidence(w, out,
			"the record after it verifies at %llu, as if this one had not been sent",
			(unsigned long long)c->after_seq);
	return BM_SHOWN;
}

enum bm_answer
bm_ask_reused(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	out->nonce_reused = c->nonce_reused;
	if (c->number_reused) {
		bm_prove(out, "verified-as-captured", tag_len(c), 1);
		bm_alter(w, out, 0);
		bm_alter_other(out, c->direction, c->twin_off, c->twin_packet, c->twin_seq);
		bm_evidence(w, out,
			"it verifies at sequence number %llu of its header, and so does another record of this "
			"direction and epoch, in packet %llu, whose bytes are others",
			(unsigned long long)c->twin_seq, (unsigned long long)c->twin_packet);
		bm_evidence(w, out,
			"receivers that keep a replay window discard whichever comes second (RFC 6347, section "
			"4.1.2.6; RFC 9147, section 4.5.1)");
		return BM_SHOWN;
	}
	if (bm_is_dtls(w)) {
		*because = "it does not verify at the number that it carries";
		return BM_EXCLUDED;
	}
	if (!c->found && c->earlier != 0) {
		*because = bm_arena_print(w->arena,
			"it verifies from none of %llu states that its sender had been in before, and under "
			"none of %llu other sequence numbers%s",
			(unsigned long long)c->earlier, (unsigned long long)c->tried,
			c->earlier_cut ? "; not all states that are remembered could be tried" : "");
		return BM_EXCLUDED;
	}
	if (!c->found || c->identical || c->found_seq >= c->seq)
		return not_found(w, because);
	bm_prove(out, "sequence-search", tag_len(c), c->tried + c->earlier);
	alter_number(w, out);
	if (c->twin_off != BM_NO_SEQ)
		bm_alter_other(out, c->direction, c->twin_off, c->twin_packet, c->twin_seq);
	/* What was there failed, or was not captured: it may have been this very record. */
	if (c->first_unseen && out->strength == BM_STRENGTH_PROVEN)
		out->strength = BM_STRENGTH_SUPPORTED;
	if (c->twin_off == BM_NO_SEQ && c->first_unseen)
		bm_evidence(w, out,
			"it verifies at sequence number %llu, which was used up when this record came; the "
			"receiver expected %llu. What stood there did not verify, or was not captured: this "
			"record again would look the same",
			(unsigned long long)c->found_seq, (unsigned long long)c->seq);
	else if (c->twin_off == BM_NO_SEQ)
		bm_evidence(w, out,
			"it verifies at sequence number %llu, which another record of this direction has used "
			"already; the receiver expected %llu",
			(unsigned long long)c->found_seq, (unsigned long long)c->seq);
	else
		bm_evidence(w, out,
			"it verifies at sequence number %llu, which the record at stream offset %llu (packet "
			"%llu) had, and the bytes of both differ; the receiver expected %llu",
			(unsigned long long)c->found_seq, (unsigned long long)c->twin_off,
			(unsigned long long)c->twin_packet, (unsigned long long)c->seq);
	if (c->in_step)
		bm_evidence(w, out,
			"its keystream goes on where that of the record before it ends: whoever wrote both "
			"went on with one cipher, and with another count");
	return BM_SHOWN;
}

enum bm_answer
bm_ask_reordered(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (bm_is_dtls(w)) {
		*because = no_order;
		return BM_EXCLUDED;
	}
	if (!c->found || !c->came_late || c->found_seq <= c->seq)
		return not_found(w, because);
	bm_prove(out, "sequence-search", tag_len(c), c->tried + c->after_tried);
	alter_number(w, out);
	(void)gap_word(w, out);
	bm_evidence(w, out,
		"it verifies at sequence number %llu; the receiver expected %llu, and that one came after "
		"it",
		(unsigned long long)c->found_seq, (unsigned long long)c->seq);
	return BM_SHOWN;
}

enum bm_answer
bm_ask_number(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	(void)because;
	if (c->kind != BM_CASE_BAD_RECORD || !c->found || !c->number_alone)
		return BM_NOT_ASKED;
	bm_prove(out, "sequence-search", tag_len(c), c->tried);
	alter_number(w, out);
	bm_evidence(w, out,
		"it verifies at sequence number %llu, with the keystream that is due; the receiver "
		"expected %llu, and the record right behind it has %llu: its sender made the MAC of this "
		"one alone with another number",
		(unsigned long long)c->found_seq, (unsigned long long)c->seq,
		(unsigned long long)(c->seq + 1));
	return BM_SHOWN;
}

enum bm_answer
bm_ask_missing(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (bm_is_dtls(w)) {
		*because = no_order;
		return BM_EXCLUDED;
	}
	if (c->epoch_skipped) {
		bm_prove(out, "sequence-search", tag_len(c), c->tried);
		alter_number(w, out);
		out->altered.epoch = c->found_epoch;
		bm_evidence(w, out,
			"it is the first record of epoch %u, and the receiver was still in epoch %u: what ends "
			"that epoch (Finished, KeyUpdate) never came%s",
			c->found_epoch, c->epoch, gap_word(w, out));
		return BM_SHOWN;
	}
	if (c->found && c->number_alone)
		return BM_NOT_ASKED;
	/* What is enciphered and left out takes keystream with it. */
	if (c->found && c->in_step && c->found_seq > c->seq) {
		bm_prove(out, "sequence-search", tag_len(c), c->tried);
		alter_number(w, out);
		out->own_make = true;
		bm_evidence(w, out,
			"it verifies at sequence number %llu; the receiver expected %llu, and what comes "
			"behind it goes on from there",
			(unsigned long long)c->found_seq, (unsigned long long)c->seq);
		bm_evidence(w, out,
			"its keystream goes on where that of the record before it ends: nothing was enciphered "
			"between them, its sender counted on without a record");
		return BM_SHOWN;
	}
	if (c->found && !c->identical && c->found_seq > c->seq) {
		bm_prove(out, "sequence-search", tag_len(c), c->tried);
		alter_number(w, out);
		bm_evidence(w, out,
			"it verifies at sequence number %llu; the receiver expected %llu: %llu record%s before "
			"it never came%s",
			(unsigned long long)c->found_seq, (unsigned long long)c->seq,
			(unsigned long long)(c->found_seq - c->seq), c->found_seq - c->seq == 1 ? "" : "s",
			gap_word(w, out));
		return BM_SHOWN;
	}
	/* With chained state the record itself cannot be opened; the next one shows the count. */
	if (!c->found && c->after == BM_AFTER_OTHER && !c->framing_lost && c->after_seq > c->seq + 1 &&
		c->protection != NULL && bm_protection_chained(c->protection)) {
		bm_prove(out, "sequence-search", tag_len(c), c->after_tried);
		bm_alter_after(w, out);
		uint64_t missing = c->after_seq - c->seq - 1 - c->between;
		bm_evidence(w, out,
			"a record after it verifies at sequence number %llu where %llu would be next: %llu "
			"record%s never "
			"came, and with %s went the state that this record is chained to",
			(unsigned long long)c->after_seq, (unsigned long long)(c->seq + 1 + c->between),
			(unsigned long long)missing, missing == 1 ? "" : "s", missing == 1 ? "it" : "them");
		return BM_SHOWN;
	}
	return not_found(w, because);
}
