/* What is said of a failure in one sentence, from the check that showed it. Refuses to know how it
 * was shown; keyless.c speaks where nothing could be checked. */
#include "verdict/verdict.h"

/* "record 4", or, where its number is not known, "a record"; `word` begins as the sentence does.
 * NULL without memory. */
static const char *
record_word(const struct bm_case *c, struct bm_arena *a, const char *word)
{
	if (c->seq == BM_NO_SEQ)
		return word[0] == 'R' ? "A record" : "a record";
	return bm_arena_print(a, "%s %llu", word, (unsigned long long)c->seq);
}

/* The first run that differs, in words. */
static const char *
damage_summary(const struct bm_case *c, const struct bm_finding *f, struct bm_arena *a)
{
	static const char *const what[] = {[BM_CAUSE_BITS_FLIPPED] = "bits were flipped",
		[BM_CAUSE_BYTES_DAMAGED] = "bytes were changed",
		[BM_CAUSE_WORDS_SWAPPED] = "words changed places",
		[BM_CAUSE_TAG_DAMAGED] = "the tag was damaged"};
	const struct bm_change *ch = &f->changes[0];
	char received[2 * 8 + 1], sent[2 * 8 + 1];
	size_t n = ch->received.n < 8 ? ch->received.n : 8;

	bm_hex(bm_view(ch->received.p, n), received);
	bm_hex(bm_view(ch->sent.p, n), sent);
	return bm_arena_print(a, "In %s of the %s %s: %s offset %u%s sent as %s and arrived as %s%s.",
		record_word(c, a, "record"), bm_side_word(c->direction), what[f->cause],
		n == 1 ? "the byte at" : "the bytes from", ch->record_off, n == 1 ? " was" : " on were",
		sent, received, f->change_count > 1 || n < ch->received.n ? ", among others" : "");
}

/* What no cipher made; what was sent there is not known. */
static const char *
odd_run_summary(const struct bm_case *c, const struct bm_finding *f, struct bm_arena *a)
{
	return bm_arena_print(a,
		"In %s of the %s %zu octets from offset %u on are no ciphertext of it: %s.",
		record_word(c, a, "record"), bm_side_word(c->direction), f->changes[0].received.n,
		f->changes[0].record_off,
		f->cause == BM_CAUSE_STALE_DATA ? "they stand elsewhere as well" : "all have one value");
}

/* What sentences are made of. */
struct words {
	struct bm_arena *a;
	const char *who, *peer;      /* of the direction: who sent, and who received */
	const char *record, *Record; /* the one it is about */
	const char *alert;           /* NULL: it has no name */
};

/* What an endpoint said, where no record stands in another's place. */
static const char *
reported(const struct bm_case *c, const struct bm_finding *f, const struct words *w)
{
	switch (f->cause) {
	case BM_CAUSE_RECORD_WAS_GOOD:
		return bm_arena_print(w->a,
			"The %s sent %s, but every record of the %s up to then verifies as captured.", w->peer,
			w->alert != NULL ? w->alert : "an alert", w->who);
	case BM_CAUSE_PLAINTEXT_ALERT:
		return bm_arena_print(w->a,
			"The %s sent its alert %s (%u) in the clear where TLS 1.3 expects a protected record; "
			"that alert is the real reason.",
			w->who, w->alert != NULL ? w->alert : "of unassigned code", c->alert);
	case BM_CAUSE_CAPTURE_INCOMPLETE:
		return bm_arena_print(w->a,
			"The %s reported %s; the capture lacks bytes of the %s, so the record cannot be "
			"judged.",
			w->peer, w->alert != NULL ? w->alert : "a bad record", w->who);
	default:
		return NULL;
	}
}

/* Records that are right by themselves, and stand where others were due. */
static const char *
out_of_place(const struct bm_case *c, const struct bm_finding *f, const struct words *w)
{
	switch (f->cause) {
	case BM_CAUSE_RECORD_REPLAYED:
		if (c->shown)
			return bm_arena_print(w->a, "A record of the %s stands a second time.", w->who);
		return bm_arena_print(w->a,
			"Where %s of the %s was due, its record %llu stands a second time.", w->record, w->who,
			(unsigned long long)c->twin_seq);
	case BM_CAUSE_SEQUENCE_REUSED:
		if (c->number_reused)
			return bm_arena_print(w->a,
				"Two different records of the %s have sequence number %llu.", w->who,
				(unsigned long long)c->seq);
		return bm_arena_print(w->a,
			"Where %s of the %s was due stands one made with sequence number %llu, which another "
			"record had used: two writers.",
			w->record, w->who, (unsigned long long)c->found_seq);
	case BM_CAUSE_RECORDS_REORDERED:
		if (c->shown)
			return bm_arena_print(
				w->a, "Records of the %s came in another order than elsewhere.", w->who);
		return bm_arena_print(w->a, "Record %llu of the %s came before %s.",
			(unsigned long long)c->found_seq, w->who, w->record);
	case BM_CAUSE_RECORD_MISSING:
		if (c->epoch_skipped)
			return bm_arena_print(w->a,
				"What ends epoch %u of the %s was never sent or was taken out on the way.",
				c->epoch, w->who);
		if (f->own_make)
			return bm_arena_print(w->a,
				"Where %s of the %s was due its sender left out numbers, and no record.", w->record,
				w->who);
		return bm_arena_print(
			w->a, "%s of the %s was never sent or was taken out on the way.", w->Record, w->who);
	case BM_CAUSE_FOREIGN_RECORD:
		return bm_arena_print(w->a, "Where %s of the %s was due stands one of another connection.",
			w->record, w->who);
	case BM_CAUSE_RECORDS_INTERLEAVED:
		return bm_arena_print(
			w->a, "The bytes of %s of the %s and of another one are mixed.", w->record, w->who);
	default:
		return NULL;
	}
}

/* Records made with other keys. */
static const char *
of_other_keys(const struct bm_case *c, const struct bm_finding *f, const struct words *w)
{
	switch (f->cause) {
	case BM_CAUSE_WRONG_KEYS:
		if (f->configuration)
			return bm_arena_print(w->a,
				"No record of epoch %u verifies under the key material that was given.", c->epoch);
		if (c->alert == 255)
			return bm_arena_print(w->a,
				"No record of epoch %u of the %s verifies under the negotiated secret.", c->epoch,
				w->who);
		return bm_arena_print(w->a,
			"No record of epoch %u verifies under the negotiated secret, and the %s "
			"reported %s.",
			c->epoch, w->peer, w->alert != NULL ? w->alert : "it");
	case BM_CAUSE_WRONG_EPOCH:
		return bm_arena_print(w->a,
			"Where %s of the %s was due stands one made with keys of another epoch.", w->record,
			w->who);
	case BM_CAUSE_REFLECTED_RECORD:
		if (f->own_make)
			return bm_arena_print(w->a,
				"Where %s of the %s was due stands one that it made with the keys of the %s.",
				w->record, w->who, w->peer);
		return bm_arena_print(w->a,
			"Where %s of the %s was due stands one that the %s itself had sent.", w->record, w->who,
			w->peer);
	default:
		return NULL;
	}
}

/* Bytes that are not those that were sent. */
static const char *
damaged(const struct bm_case *c, const struct bm_finding *f, const struct words *w)
{
	switch (f->cause) {
	case BM_CAUSE_BITS_FLIPPED:
	case BM_CAUSE_BYTES_DAMAGED:
	case BM_CAUSE_WORDS_SWAPPED:
	case BM_CAUSE_TAG_DAMAGED:
		if (f->changes[0].sent_unknown)
			return odd_run_summary(c, f, w->a);
		return damage_summary(c, f, w->a);
	case BM_CAUSE_STALE_DATA:
		if (f->changes[0].sent_unknown)
			return odd_run_summary(c, f, w->a);
		return bm_arena_print(w->a,
			"%s of the %s verifies once bytes that stand in the wrong place, from offset %u on, "
			"are put back.",
			w->Record, w->who, f->changes[0].record_off);
	case BM_CAUSE_RETRANSMISSION_DIFFERS:
		return bm_arena_print(w->a,
			"%s of the %s verifies with the bytes of another copy of the same TCP data.", w->Record,
			w->who);
	case BM_CAUSE_HEADER_DAMAGED:
		return bm_arena_print(
			w->a, "%s of the %s verifies with another header.", w->Record, w->who);
	case BM_CAUSE_PLAINTEXT_INJECTED:
		return bm_arena_print(w->a,
			"Readable text stands in the TLS stream of the %s where %s was due.", w->who,
			w->record);
	case BM_CAUSE_BYTES_INSERTED:
		return bm_arena_print(w->a,
			"Bytes that are not TLS of the %s stand in its stream where %s was due.", w->who,
			w->record);
	case BM_CAUSE_BYTES_MISSING:
		return bm_arena_print(
			w->a, "%s of the %s lacks bytes that its header announces.", w->Record, w->who);
	default:
		return NULL;
	}
}

/* Records that were made otherwise than was agreed. */
static const char *
made_otherwise(const struct bm_case *c, const struct bm_finding *f, const struct words *w)
{
	switch (f->cause) {
	case BM_CAUSE_MAC_CONSTRUCTION:
		return bm_arena_print(w->a,
			"%s of the %s verifies by another rule for its MAC than the one that was "
			"negotiated%s.",
			w->Record, w->who, f->configuration ? ", and nobody complained" : "");
	case BM_CAUSE_BAD_PADDING:
		return bm_arena_print(w->a, "The MAC of %s of the %s is right; %s.", w->record, w->who,
			c->result == BM_BAD_INNER ? "inside there is no content type" : "the padding is not");
	case BM_CAUSE_SENDER_MISCOMPUTED:
		if (c->number_alone)
			return bm_arena_print(w->a,
				"%s of the %s has its content and its place in the keystream; its sender made the "
				"MAC with another sequence number.",
				w->Record, w->who);
		if (f->strength == BM_STRENGTH_PROVEN)
			return bm_arena_print(w->a,
				"%s of the %s has its number and its content; the sender's keystream was at "
				"another place than its receiver's.",
				w->Record, w->who);
		return bm_arena_print(w->a,
			"%s of the %s decrypts to what looks like its content; its MAC belongs to "
			"something else.",
			w->Record, w->who);
	default:
		return NULL;
	}
}

static const char *
unexplained(const struct bm_case *c, const struct words *w)
{
	if (c->kind == BM_CASE_BAD_RECORD)
		return bm_arena_print(w->a,
			"%s of the %s fails its check, and nothing that was tried explains it.", w->Record,
			w->who);
	return bm_arena_print(w->a,
		"The %s reported %s about a record of the %s that could not be checked here.", w->peer,
		w->alert != NULL ? w->alert : "a bad record", w->who);
}

const char *
bm_verdict_summary(const struct bm_case *c, const struct bm_finding *f, struct bm_arena *a)
{
	typedef const char *sentence(
		const struct bm_case *c, const struct bm_finding *f, const struct words *w);
	static sentence *const by_cause[BM_CAUSE_COUNT] = {
		[BM_CAUSE_RECORD_WAS_GOOD] = reported,
		[BM_CAUSE_PLAINTEXT_ALERT] = reported,
		[BM_CAUSE_CAPTURE_INCOMPLETE] = reported,
		[BM_CAUSE_RECORD_REPLAYED] = out_of_place,
		[BM_CAUSE_SEQUENCE_REUSED] = out_of_place,
		[BM_CAUSE_RECORDS_REORDERED] = out_of_place,
		[BM_CAUSE_RECORD_MISSING] = out_of_place,
		[BM_CAUSE_FOREIGN_RECORD] = out_of_place,
		[BM_CAUSE_RECORDS_INTERLEAVED] = out_of_place,
		[BM_CAUSE_WRONG_KEYS] = of_other_keys,
		[BM_CAUSE_WRONG_EPOCH] = of_other_keys,
		[BM_CAUSE_REFLECTED_RECORD] = of_other_keys,
		[BM_CAUSE_BITS_FLIPPED] = damaged,
		[BM_CAUSE_BYTES_DAMAGED] = damaged,
		[BM_CAUSE_WORDS_SWAPPED] = damaged,
		[BM_CAUSE_TAG_DAMAGED] = damaged,
		[BM_CAUSE_STALE_DATA] = damaged,
		[BM_CAUSE_RETRANSMISSION_DIFFERS] = damaged,
		[BM_CAUSE_HEADER_DAMAGED] = damaged,
		[BM_CAUSE_PLAINTEXT_INJECTED] = damaged,
		[BM_CAUSE_BYTES_INSERTED] = damaged,
		[BM_CAUSE_BYTES_MISSING] = damaged,
		[BM_CAUSE_MAC_CONSTRUCTION] = made_otherwise,
		[BM_CAUSE_BAD_PADDING] = made_otherwise,
		[BM_CAUSE_SENDER_MISCOMPUTED] = made_otherwise,
	};
	struct words w = {.a = a,
		.who = bm_side_word(c->direction),
		.peer = bm_side_word(1 - c->direction),
		.record = record_word(c, a, "record"),
		.Record = record_word(c, a, "Record"),
		.alert = bm_alert_name(c->alert)};

	if (w.record == NULL || w.Record == NULL)
		return NULL;
	return by_cause[f->cause] != NULL ? by_cause[f->cause](c, f, &w) : unexplained(c, &w);
}
