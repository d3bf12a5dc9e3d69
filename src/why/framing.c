/* header-damaged, bytes-inserted, plaintext-injected, records-interleaved: the stream goes on at a
 * place other than the header says. Refuses to know of bytes that never came. */
#include "why/dtls.h"

#include "base/buf.h"

#include <stdlib.h>

static const char no_bytes[] = "not tried: the record's bytes are not at hand";

size_t
bm_tag_len_of(const struct bm_why *w)
{
	return bm_protection_tag_len(w->c->protection);
}

static bool
add_change(struct bm_finding *out, uint32_t at, struct bm_view received, struct bm_view sent)
{
	if (out->change_count >= BM_CHANGES_MAX)
		return false;
	out->changes[out->change_count++] = (struct bm_change){at, received, sent, 0, false};
	return true;
}

/* -- header-damaged ------------------------------------------------------ */

/* Runs in which the captured header differs from the one that verified. */
static void
header_changes(const struct bm_why *w, const uint8_t *header, struct bm_finding *out)
{
	const uint8_t *was = w->c->record;

	for (uint32_t i = 0; i < BM_HEADER;) {
		if (was[i] == header[i]) {
			i++;
			continue;
		}
		uint32_t n = 1;
		while (i + n < BM_HEADER && was[i + n] != header[i + n])
			n++;
		const uint8_t *sent = bm_arena_copy(w->arena, bm_view(header + i, n));
		if (sent != NULL)
			(void)add_change(out, i, bm_view(was + i, n), bm_view(sent, n));
		i += n;
	}
}

/* Tries headers over the same bytes, for a record of len octets in all. */
static bool
try_headers(const struct bm_why *w, uint8_t *bytes, uint32_t len, uint64_t *tried)
{
	static const uint8_t types[] = {
		BM_APPLICATION_DATA, BM_HANDSHAKE, BM_ALERT, BM_CCS, BM_HEARTBEAT};
	const struct bm_case *c = w->c;
	unsigned version = w->facts->version == BM_TLS13 ? BM_TLS12 : w->facts->version;

	bm_store16(bytes + 1, version);
	bm_store16(bytes + 3, len - BM_HEADER);
	/* The type as it stands first: one field is damaged sooner than two. */
	for (size_t i = 0; i <= sizeof types; i++) {
		bytes[0] = i == 0 ? c->record[0] : types[i - 1];
		if ((i != 0 && bytes[0] == c->record[0]) || memcmp(bytes, c->record, BM_HEADER) == 0)
			continue;
		++*tried;
		if (bm_try_record(w, c->position, bm_view(bytes, len)))
			return true;
	}
	return false;
}

enum bm_answer
bm_ask_header(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	uint64_t tried = 0;
	uint32_t found = 0;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (bm_is_dtls(w))
		return bm_dtls_ask_header(w, out, because);
	if (!bm_has_framing(w)) {
		*because = no_bytes;
		return BM_EXCLUDED;
	}
	uint8_t *bytes = malloc(c->region);
	if (bytes == NULL) {
		*because = "not tried: out of memory";
		return BM_EXCLUDED;
	}
	memcpy(bytes, c->record, c->region);
	if (c->after != BM_AFTER_NOTHING) {
		uint32_t len = c->after_off - c->off <= c->region ? (uint32_t)(c->after_off - c->off) : 0;
		if (len >= BM_HEADER && try_headers(w, bytes, len, &tried))
			found = len;
	} else {
		/* Nothing good follows that would tell where the record ends. */
		uint64_t work = 0;
		for (uint32_t len = c->region; len > BM_HEADER && found == 0 && work < w->share; len--) {
			work += 6 * bm_protection_cost(c->protection, len);
			if (try_headers(w, bytes, len, &tried))
				found = len;
		}
		*w->spent += work;
	}
	if (found != 0) {
		bm_prove(out, "header-search", bm_tag_len_of(w), tried);
		bm_alter(w, out, BM_INPUT_BYTES);
		header_changes(w, bytes, out);
		bm_evidence(w, out,
			"with the header %02x %02x%02x %02x%02x, for %u bytes of body, the record verifies "
			"where it was expected",
			bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], found - BM_HEADER);
	} else {
		*because =
			bm_arena_print(w->arena, "with none of %llu other headers it verifies", bm_ull(tried));
	}
	free(bytes);
	return found != 0 ? BM_SHOWN : BM_EXCLUDED;
}

bool
bm_header_nearly_behind(const struct bm_why *w)
{
	enum { TELLING = 3, ENOUGH = 2 }; /* type and version */
	const struct bm_case *c = w->c;

	if (c->record == NULL || c->region < c->len + BM_HEADER)
		return false;
	const uint8_t *p = c->record + c->len;
	unsigned alike = p[0] >= BM_CCS && p[0] <= BM_HEARTBEAT;
	for (size_t i = 1; i < TELLING; i++)
		alike += p[i] == c->record[i];
	return alike >= ENOUGH;
}

/* -- runs that are no part of the record ------------------------------------- */

/* What is right behind it, and good in its place, shares octets with it beyond chance, which makes
 * one in 256 alike: these are no foreign bytes. */
static bool
looks_like_next(const struct bm_case *c)
{
	enum { LEAST = 16, PART = 8 };

	if (c->good == NULL && bm_protection_keys(c->protection)->suite->cipher == BM_CIPHER_NULL)
		return false; /* contents may well be alike */
	return c->good != NULL || (c->alike >= LEAST && c->alike >= bm_case_octets(c) / PART);
}

/* Octets up to the next good record, if it has the number that was expected here: all of them are
 * foreign, also where it begins before the end that the header announces. 0: it has not. */
static uint32_t
whole_region(const struct bm_why *w)
{
	const struct bm_case *c = w->c;

	/* If that one is what these were when they were sent, they were a record. */
	if (c->after != BM_AFTER_SAME || c->after_epoch != c->epoch || looks_like_next(c) ||
		c->after_off - c->off > c->region)
		return 0;
	return (uint32_t)(c->after_off - c->off);
}

static struct bm_view
foreign_run(const struct bm_why *w, uint32_t *at)
{
	const struct bm_case *c = w->c;

	*at = 0;
	if (whole_region(w) != 0)
		return bm_view(c->record, whole_region(w));
	const struct bm_cut *cut = bm_find_cut(w);
	if (!cut->found || cut->record_inside || cut->parted)
		return bm_view(NULL, 0);
	*at = cut->at;
	return bm_view(c->record + cut->at, cut->n);
}

/* Is it one record after another, as far as headers tell? */
static bool
is_framed(const struct bm_why *w)
{
	const struct bm_case *c = w->c;
	unsigned version = w->facts->version == BM_TLS13 ? BM_TLS12 : w->facts->version;
	uint32_t at = 0;

	while (at + BM_HEADER <= whole_region(w)) {
		struct bm_record_header hdr = bm_record_header(c->record + at);
		if (!bm_record_plausible(hdr, version))
			return false;
		at += BM_HEADER + (uint32_t)hdr.length;
	}
	return at == whole_region(w);
}

/* The record without what was cut out of it. */
static void
alter_cut(const struct bm_why *w, struct bm_finding *out)
{
	bm_alter(w, out, BM_INPUT_BYTES);
	out->altered.seq = w->cut->seq;
}

static void
show_run(const struct bm_why *w, struct bm_finding *out, uint32_t at, struct bm_view run)
{
	const struct bm_case *c = w->c;

	if (whole_region(w) != 0) {
		bm_prove(out, "resynchronisation", bm_tag_len_of(w), c->after_tried);
		bm_alter_after(w, out);
		bm_evidence(w, out,
			"the next good record stands %u bytes further on and verifies at sequence number %llu, "
			"which was expected here: these bytes were never a record of this sender",
			whole_region(w), bm_ull(c->after_seq));
		if (is_framed(w)) {
			out->strength = BM_STRENGTH_SUPPORTED;
			bm_evidence(w, out,
				"they are framed as a record: one by a second writer that holds these keys would "
				"look the same, were it damaged, or made from a number or state that was not "
				"tried");
		}
	} else {
		bm_prove(out, "cut-search", bm_tag_len_of(w), w->cut->tried);
		alter_cut(w, out);
		bm_evidence(w, out,
			"with the %llu bytes from %u on cut out the record verifies at sequence number %llu",
			bm_ull(run.n), at, bm_ull(w->cut->seq));
	}
	(void)add_change(out, at, run, bm_view(c->record, 0));
}

static enum bm_answer
no_run(const struct bm_why *w, const char **because)
{
	const struct bm_cut *cut = w->cut;
	const struct bm_case *c = w->c;

	if (c->after == BM_AFTER_SAME && looks_like_next(c)) {
		*because = bm_arena_print(w->arena,
			"%u of its bytes are, each in its place, those of the record behind it, which verifies "
			"where this one was expected",
			c->alike);
		return BM_EXCLUDED;
	}
	if (cut->tried != 0)
		*because = bm_arena_print(w->arena,
			"with no run cut out of it the record verifies: %llu were tried", bm_ull(cut->tried));
	else
		*because = "no more bytes stand before the next record than its header says";
	return BM_EXCLUDED;
}

/* The longest run of text in the record's body: TEXT_CERTAIN octets of it come about in ciphertext
 * once in 2^33 places or less (98 of 256 values each). */
static struct bm_view
text_run(const struct bm_why *w, uint32_t *at)
{
	enum { TEXT_CERTAIN = 24 };
	const struct bm_case *c = w->c;
	uint32_t best = 0, from = 0, n = 0;

	/* Where nothing is encrypted, text is what was sent. */
	*at = 0;
	if (bm_protection_keys(c->protection)->suite->cipher == BM_CIPHER_NULL)
		return bm_view(NULL, 0);
	/* What is no header may be text as well. */
	uint32_t first = bm_record_plausible(bm_record_header(c->record), 0) ? BM_HEADER : 0;
	for (uint32_t i = first; i <= c->region; i++) {
		if (i < c->region && bm_is_text_octet(c->record[i])) {
			n++;
			continue;
		}
		if (n > best) {
			best = n;
			from = i - n;
		}
		n = 0;
	}
	*at = from;
	return best >= TEXT_CERTAIN ? bm_view(c->record + from, best) : bm_view(NULL, 0);
}

enum bm_answer
bm_of_stream(const struct bm_why *w, const char **because)
{
	if (w->c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (bm_is_dtls(w))
		*because =
			"not in DTLS: a datagram comes whole or not at all, and between two of them is nothing";
	else if (!bm_has_framing(w))
		*because = no_bytes;
	else
		return BM_SHOWN;
	return BM_EXCLUDED;
}

enum bm_answer
bm_ask_text(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	uint32_t at;

	enum bm_answer a = bm_of_stream(w, because);
	if (a != BM_SHOWN)
		return a;
	struct bm_view run = foreign_run(w, &at);
	if (run.n == 0) {
		/* Where nothing good follows, the text speaks for itself. */
		run = text_run(w, &at);
		if (run.n == 0)
			return no_run(w, because);
		out->strength = BM_STRENGTH_SUPPORTED;
		(void)add_change(out, at, run, bm_view(w->c->record, 0));
		bm_evidence(w, out, "%llu bytes of the record are text, which ciphertext is not: \"%s\"",
			bm_ull(run.n), bm_quote(w, run));
		return BM_SHOWN;
	}
	if (!bm_is_text(run)) {
		*because = "the foreign bytes are no readable text";
		return BM_EXCLUDED;
	}
	show_run(w, out, at, run);
	bm_evidence(w, out, "they are text: \"%s\"", bm_quote(w, run));
	return BM_SHOWN;
}

static enum bm_answer
inserted(const struct bm_why *w, struct bm_finding *out, const char **because, bool last)
{
	uint32_t at;

	enum bm_answer a = bm_of_stream(w, because);
	if (a != BM_SHOWN)
		return last ? BM_NOT_ASKED : a;
	/* It may be a damaged record of a second writer: asked at last. */
	if (!last && whole_region(w) != 0 && is_framed(w))
		return BM_NOT_ASKED;
	struct bm_view run = foreign_run(w, &at);
	if (run.n == 0)
		return last ? BM_NOT_ASKED : no_run(w, because);
	show_run(w, out, at, run);
	bm_evidence(w, out, "they begin with \"%s\"", bm_quote(w, run));
	return BM_SHOWN;
}

enum bm_answer
bm_ask_inserted(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	return inserted(w, out, because, false);
}

enum bm_answer
bm_ask_inserted_at_last(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	return inserted(w, out, because, true);
}

enum bm_answer
bm_ask_interleaved(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	enum bm_answer a = bm_of_stream(w, because);
	if (a != BM_SHOWN)
		return a;
	if (whole_region(w) != 0) {
		*because = "none of these bytes is part of a record of this sender";
		return BM_EXCLUDED;
	}
	const struct bm_cut *cut = bm_find_cut(w);
	if (!cut->found || !cut->record_inside)
		return no_run(w, because);
	bm_prove(out, "cut-search", bm_tag_len_of(w), cut->tried);
	alter_cut(w, out);
	bm_evidence(w, out,
		"the bytes from %u on, %u of them, belong to another record: parted, the two verify at "
		"sequence numbers %llu and %llu",
		cut->at, cut->n, bm_ull(cut->seq), bm_ull(cut->inside_seq));
	(void)add_change(out, cut->at, bm_view(c->record + cut->at, cut->n), bm_view(c->record, 0));
	return BM_SHOWN;
}
