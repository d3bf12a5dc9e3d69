/* What another capture of the run shows where a record is bad: the bytes as they were before, and
 * so every way in which they were changed, whatever its shape. Refuses to say where between the
 * two. report/redact_text.c lists where in these sentences a capture's name stands. */
#include "why/record.h"

#include "base/buf.h"
#include "repair/repair.h"

#include <stdlib.h>

enum {
	PROBE = 16,       /* octets that do not stand twice by chance */
	SHIFT_LEAST = 16, /* octets that go on alike behind a run that was put in or is missing */
	END_LEAST = 2,    /* as many will do up to the end of both */
	STALE_LEAST = 8
};

/* What piece of e's capture holds a packet. */
static const char *
piece_text(const struct bm_why *w, const struct bm_elsewhere *e, uint64_t packet)
{
	const char *text = bm_capture_piece_text(e->pieces, packet, w->arena);

	return text != NULL ? text : "";
}

/* The record at `at` as e shows it; empty when it is not all there. */
static struct bm_view
record_there(const struct bm_elsewhere *e, size_t at)
{
	if (at > e->bytes.n || e->bytes.n - at < BM_HEADER)
		return bm_view(NULL, 0);
	struct bm_record_header h = bm_record_header(e->bytes.p + at);
	size_t n = (size_t)BM_HEADER + h.length;
	if (!bm_record_plausible(h, 0) || n > e->bytes.n - at)
		return bm_view(NULL, 0);
	return bm_view(e->bytes.p + at, n);
}

static enum bm_agreement
agreement_at(const struct bm_why *w, const struct bm_elsewhere *e, size_t at)
{
	const struct bm_case *c = w->c;
	bool whole = at <= e->bytes.n && e->bytes.n - at >= c->len && c->len != 0;

	if (whole && memcmp(e->bytes.p + at, c->record, c->len) == 0)
		return BM_SAYS_THE_SAME;
	struct bm_view there = record_there(e, at);
	if (there.n == 0)
		return BM_SAYS_NOTHING;
	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_SAYS_OTHER;
	return bm_try_record(w, c->position, there) ? BM_SAYS_GOOD : BM_SAYS_NOTHING;
}

/* Where e has PROBE octets of the record from `off` on; SIZE_MAX: nowhere. */
static size_t
find_probe(const struct bm_why *w, const struct bm_elsewhere *e, uint32_t off)
{
	const uint8_t *p = w->c->record + off, *here = e->bytes.p;
	size_t left = e->bytes.n;

	while (left >= PROBE) {
		const uint8_t *at = memchr(here, p[0], left - PROBE + 1);
		if (at == NULL)
			break;
		if (memcmp(at, p, PROBE) == 0)
			return (size_t)(at - e->bytes.p);
		left -= (size_t)(at - here) + 1;
		here = at + 1;
	}
	return SIZE_MAX;
}

enum bm_agreement
bm_agreement(const struct bm_why *w, const struct bm_elsewhere *e, size_t *at)
{
	const struct bm_case *c = w->c;

	*at = e->lead;
	if (e->bytes.n == 0 || c->record == NULL || c->region < c->len || c->region < BM_HEADER ||
		bm_version_is_dtls(w->facts->version))
		return BM_SAYS_NOTHING;
	if (c->kind == BM_CASE_BAD_RECORD && (c->protection == NULL || c->position == NULL))
		return BM_SAYS_NOTHING;
	enum bm_agreement a = agreement_at(w, e, *at);
	/* Bytes that were put in or lost before this record have moved it there. */
	const uint32_t probes[] = {BM_HEADER, c->len / 2, c->len > PROBE ? c->len - PROBE : 0};
	for (size_t i = 0; a == BM_SAYS_NOTHING && c->len >= 2 * PROBE + BM_HEADER && i < 3; i++) {
		size_t there = find_probe(w, e, probes[i]);
		if (there == SIZE_MAX || there < probes[i])
			continue;
		*at = there - probes[i];
		a = agreement_at(w, e, *at);
	}
	return a == BM_SAYS_THE_SAME && e->copy ? BM_SAYS_NOTHING : a;
}

/* -- what the difference comes to ---------------------------------------------- */

struct difference {
	const struct bm_why *w;
	const struct bm_elsewhere *e;
	struct bm_view sent, sent_on; /* the record there, and all that is known from its start on */
	struct bm_view got;           /* what arrived here, from its start on */
	size_t at;                    /* of the first octet that differs */
};

/* Do a and b go on alike for as long as both last, and that is long enough? */
static bool
alike(struct bm_view a, size_t from_a, struct bm_view b, size_t from_b, size_t most)
{
	if (from_a > a.n || from_b > b.n)
		return false;
	size_t n = a.n - from_a < b.n - from_b ? a.n - from_a : b.n - from_b;
	if (n > most)
		n = most;
	return n >= SHIFT_LEAST && memcmp(a.p + from_a, b.p + from_b, n) == 0;
}

/* The same up to where both end, as the last record of a stream does. */
static bool
alike_to_end(struct bm_view a, size_t from_a, struct bm_view b, size_t from_b)
{
	return from_a <= a.n && from_b <= b.n && a.n - from_a == b.n - from_b &&
		   a.n - from_a >= END_LEAST && memcmp(a.p + from_a, b.p + from_b, a.n - from_a) == 0;
}

/* Octets that were put in (positive) or are missing (negative) at d->at; 0: it is no shift. */
static int64_t
shift_of(const struct difference *d)
{
	size_t rest = d->sent.n - d->at < SHIFT_LEAST ? SHIFT_LEAST : d->sent.n - d->at;

	for (size_t n = 1; n < d->got.n - d->at || d->at + n < d->sent_on.n; n++) {
		if (alike(d->got, d->at + n, d->sent_on, d->at, rest) ||
			alike_to_end(d->got, d->at + n, d->sent_on, d->at))
			return (int64_t)n;
		if (alike(d->got, d->at, d->sent_on, d->at + n, rest) ||
			alike_to_end(d->got, d->at, d->sent_on, d->at + n))
			return -(int64_t)n;
	}
	return 0;
}

/* Is v nothing but whole records? */
static bool
whole_records(struct bm_view v)
{
	size_t at = 0;

	while (at + BM_HEADER <= v.n) {
		struct bm_record_header h = bm_record_header(v.p + at);
		if (!bm_record_plausible(h, 0))
			return false;
		at += (size_t)BM_HEADER + h.length;
	}
	return v.n != 0 && at == v.n;
}

static bool
holds(struct bm_view in, struct bm_view v)
{
	for (size_t i = 0; i + v.n <= in.n; i++)
		if (in.p[i] == v.p[0] && memcmp(in.p + i, v.p, v.n) == 0)
			return true;
	return false;
}

/* Records that came twice, late, early, or not at all: nothing in them is damaged. */
static bool
show_records(
	const struct difference *d, int64_t shift, struct bm_finding *out, enum bm_cause *cause)
{
	const struct bm_why *w = d->w;
	size_t n = (size_t)(shift > 0 ? shift : -shift);
	struct bm_view run = bm_view((shift > 0 ? d->got.p : d->sent_on.p) + d->at, n);
	struct bm_view before = bm_view(d->e->bytes.p, (size_t)(d->sent.p - d->e->bytes.p));

	if (d->at != 0 || !whole_records(run))
		return false;
	if (shift < 0) {
		bool late = holds(bm_view(d->got.p, d->got.n), run);
		bm_evidence(w, out,
			"%llu bytes, whole records, stand there before the one that came here%s",
			(unsigned long long)n, late ? "; they came later" : "; they never came");
		*cause = late ? BM_CAUSE_RECORDS_REORDERED : BM_CAUSE_RECORD_MISSING;
		return true;
	}
	if (holds(before, run)) {
		bm_evidence(w, out,
			"%llu bytes, whole records, stand here a second time, and there only once",
			(unsigned long long)n);
		*cause = BM_CAUSE_RECORD_REPLAYED;
		return true;
	}
	if (!holds(d->sent_on, run))
		return false;
	bm_evidence(w, out, "%llu bytes, whole records, stand here before those that they follow there",
		(unsigned long long)n);
	*cause = BM_CAUSE_RECORDS_REORDERED;
	return true;
}

static enum bm_cause
show_shift(const struct difference *d, int64_t shift, struct bm_finding *out)
{
	const struct bm_why *w = d->w;
	struct bm_change *ch = &out->changes[0];
	uint32_t at = (uint32_t)d->at;

	out->change_count = 1;
	if (shift < 0) {
		size_t n = (size_t)-shift;
		const uint8_t *sent = bm_arena_copy(w->arena, bm_view(d->sent_on.p + at, n));
		*ch = (struct bm_change){at, bm_view(w->c->record, 0), bm_view(sent, n), 0, sent == NULL};
		if (sent == NULL)
			ch->sent = bm_view(w->c->record, 0);
		bm_evidence(w, out, "%llu bytes that stand there from offset %u on never came",
			(unsigned long long)n, at);
		return BM_CAUSE_BYTES_MISSING;
	}
	struct bm_view run = bm_view(d->got.p + at, (size_t)shift);
	*ch = (struct bm_change){at, run, bm_view(w->c->record, 0), 0, false};
	bm_evidence(w, out, "%llu bytes from offset %u on do not stand there: \"%s\"",
		(unsigned long long)run.n, at, bm_quote(w, run));
	return bm_is_text(run) ? BM_CAUSE_PLAINTEXT_INJECTED : BM_CAUSE_BYTES_INSERTED;
}

static bool
one_value(struct bm_view v)
{
	return v.n != 0 && memcmp(v.p, v.p + 1, v.n - 1) == 0;
}

/* Does the run that stands at `at` stand elsewhere in what was sent about there? */
static bool
stands_elsewhere(const struct difference *d, size_t at, size_t n, uint64_t *where)
{
	for (size_t i = 0; i + n <= d->e->bytes.n; i++) {
		if (memcmp(d->e->bytes.p + i, d->got.p + at, n) != 0)
			continue;
		*where = i;
		return true;
	}
	return false;
}

static bool
tag_stands_last(const struct bm_why *w)
{
	const struct bm_suite *suite = w->facts->suite;

	if (suite == NULL || w->c->protection == NULL)
		return false;
	return suite->mac == BM_HASH_NONE || suite->cipher == BM_RC4 ||
		   suite->cipher == BM_CIPHER_NULL || w->facts->encrypt_then_mac;
}

/* The same octets, but for some runs. */
static enum bm_cause
show_changes(const struct difference *d, struct bm_finding *out)
{
	const struct bm_why *w = d->w;
	const struct bm_case *c = w->c;
	size_t n = d->sent.n < c->len ? d->sent.n : c->len, last = n;
	uint64_t where;

	uint8_t *sent = bm_arena_copy(w->arena, bm_view(c->record, c->len));
	if (sent == NULL)
		return BM_CAUSE_BYTES_DAMAGED;
	memcpy(sent, d->sent.p, n);
	bm_list_changes(w, sent, c->len, out);
	while (last > d->at && c->record[last - 1] == sent[last - 1])
		last--;
	unsigned bits = bm_tell_bits(w, sent, out);
	if (last <= BM_HEADER)
		return BM_CAUSE_HEADER_DAMAGED;
	for (size_t i = 0; i < d->e->copy_count; i++) {
		const struct bm_other_copy *o = &d->e->copies[i];
		size_t from = (size_t)(d->sent.p - d->e->bytes.p) + d->at, to = from + (last - d->at);
		if (o->record_off > from || o->record_off + o->bytes.n < to ||
			memcmp(o->bytes.p + (from - o->record_off), c->record + d->at, last - d->at) != 0)
			continue;
		bm_evidence(w, out,
			"there packet %llu%s carries the bytes as they arrived here: the two were sent as "
			"copies of the same TCP data",
			(unsigned long long)o->packet, piece_text(w, d->e, o->packet));
		return BM_CAUSE_RETRANSMISSION_DIFFERS;
	}
	if (d->sent.n == c->len && tag_stands_last(w) &&
		d->at >= c->len - bm_protection_tag_len(c->protection))
		return BM_CAUSE_TAG_DAMAGED;
	/* Words that differ in few bits alone are rare; flips that look like their exchange are rarer.
	 */
	if (bm_words_traded(bm_view(c->record, c->len), d->sent)) {
		bm_tell_swap_or_bits(w, BM_CAUSE_WORDS_SWAPPED, sent, bits, out);
		return BM_CAUSE_WORDS_SWAPPED;
	}
	if (bits <= BM_FEW_BITS)
		return BM_CAUSE_BITS_FLIPPED;
	struct bm_view run = bm_view(c->record + d->at, last - d->at);
	if (run.n >= STALE_LEAST && one_value(run)) {
		bm_evidence(w, out, "all %llu bytes that arrived instead have the value %02x",
			(unsigned long long)run.n, run.p[0]);
		return BM_CAUSE_BYTES_DAMAGED;
	}
	if (run.n >= STALE_LEAST && stands_elsewhere(d, d->at, run.n, &where)) {
		bm_evidence(w, out,
			"what arrived instead stands in the same stream, %lld bytes from the start of the "
			"record",
			(long long)where - (long long)(d->sent.p - d->e->bytes.p));
		return BM_CAUSE_STALE_DATA;
	}
	return BM_CAUSE_BYTES_DAMAGED;
}

enum bm_cause
bm_shape_of_change(const struct bm_why *w, struct bm_view sent, struct bm_finding *out)
{
	struct bm_elsewhere e = {.bytes = sent};
	struct difference d = {w, &e, sent, sent, bm_view(w->c->record, sent.n), 0};

	while (d.at < sent.n && d.got.p[d.at] == sent.p[d.at])
		d.at++;
	return show_changes(&d, out);
}

static const struct bm_fragment *
fragment_there(const struct bm_elsewhere *e, size_t at)
{
	for (size_t i = 0; i < e->fragment_count; i++)
		if (at >= e->fragments[i].record_off &&
			at - e->fragments[i].record_off < e->fragments[i].len)
			return &e->fragments[i];
	return NULL;
}

/* The same bytes come about wherever octets repeat: of those places the start of the record, else
 * the edge of a segment, else the first one. */
static void
settle(struct difference *d, int64_t shift)
{
	const struct bm_case *c = d->w->c;
	struct bm_view v = shift > 0 ? d->got : d->sent_on;
	size_t n = (size_t)(shift > 0 ? shift : -shift), last = d->at;

	while (d->at > 0 && v.p[d->at - 1] == v.p[d->at - 1 + n])
		d->at--;
	for (size_t at = d->at; d->at != 0 && at <= last; at++)
		for (size_t i = 0; i < c->fragment_count; i++)
			if (c->fragments[i].record_off == at) {
				d->at = at;
				return;
			}
}

/* Fills in out from what e shows at `at`. False: nothing is to be seen there. */
static bool
show_difference(
	const struct bm_why *w, const struct bm_elsewhere *e, size_t at, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	struct difference d = {w, e, record_there(e, at), bm_view(e->bytes.p + at, e->bytes.n - at),
		e->here.n > c->region ? e->here : bm_view(c->record, c->region), 0};
	size_t both = d.got.n < d.sent.n ? d.got.n : d.sent.n;

	while (d.at < both && d.got.p[d.at] == d.sent.p[d.at])
		d.at++;
	if (d.at == both && d.at == d.sent.n)
		return false;
	int64_t shift = d.at < d.sent.n ? shift_of(&d) : 0;
	if (shift != 0)
		settle(&d, shift);
	const struct bm_fragment *g = fragment_there(e, at + d.at);
	if (g != NULL)
		bm_evidence(w, out,
			"%s shows other bytes from offset %llu of the record on: packet %llu there%s, offset "
			"%llu in its frame",
			e->capture, (unsigned long long)d.at, (unsigned long long)g->packet,
			piece_text(w, e, g->packet),
			(unsigned long long)(g->packet_off + (at + d.at - g->record_off)));
	if (shift == 0)
		out->cause = show_changes(&d, out);
	else if (!show_records(&d, shift, out, &out->cause))
		out->cause = show_shift(&d, shift, out);
	for (size_t i = 0; g != NULL && i < out->change_count; i++)
		out->changes[i].sent_packet = g->packet;
	if (g != NULL && out->change_count != 0 && out->changes[0].record_off == d.at)
		out->altered.sent_packet_off = g->packet_off + (at + d.at - g->record_off);
	return true;
}

/* Runs that are put right, or, where whole records came or went, the place of another one. */
static void
alter(const struct bm_why *w, const struct bm_elsewhere *e, struct bm_finding *out)
{
	uint64_t place = out->altered.sent_packet_off;
	bool known = out->change_count != 0;

	for (size_t i = 0; i < out->change_count; i++)
		known = known && !out->changes[i].sent_unknown;
	bm_alter(w, out, known ? BM_INPUT_BYTES : BM_INPUT_RECORD);
	if (!known)
		out->altered.off = BM_NO_SEQ;
	out->altered.capture = e->capture;
	out->altered.sent_packet_off = place != 0 ? place : BM_NO_SEQ;
}

enum bm_answer
bm_ask_elsewhere(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	size_t at;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	for (size_t i = 0; i < w->elsewhere_count; i++) {
		const struct bm_elsewhere *e = &w->elsewhere[i];
		enum bm_agreement a = bm_agreement(w, e, &at);
		if (a == BM_SAYS_THE_SAME && *because == NULL)
			*because = bm_arena_print(w->arena, "%s shows the same bytes", e->capture);
		if (a != BM_SAYS_GOOD || !show_difference(w, e, at, out))
			continue;
		/* One try for each capture and each place in it. */
		bm_prove(out, "other-capture", bm_protection_tag_len(c->protection),
			4 * (uint64_t)w->elsewhere_count);
		alter(w, e, out);
		bm_evidence(w, out,
			"with the bytes of %s it verifies at sequence number %llu, where it was "
			"expected",
			e->capture, (unsigned long long)c->seq);
		return BM_SHOWN;
	}
	return *because != NULL ? BM_EXCLUDED : BM_NOT_ASKED;
}

enum bm_answer
bm_ask_shown(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	size_t at;

	(void)because;
	if (!w->c->shown)
		return BM_NOT_ASKED;
	for (size_t i = 0; i < w->elsewhere_count; i++) {
		const struct bm_elsewhere *e = &w->elsewhere[i];
		if (bm_agreement(w, e, &at) != BM_SAYS_OTHER || !show_difference(w, e, at, out))
			continue;
		out->strength = BM_STRENGTH_SUPPORTED;
		if (e->order <= 0) {
			/* Which of the two was sent is not known. */
			out->strength = BM_STRENGTH_POSSIBLE;
			for (size_t k = 0; k < out->change_count; k++)
				out->changes[k].sent_unknown = true;
			bm_evidence(w, out, "nothing tells which of the two captures stands nearer the sender");
		}
		return BM_SHOWN;
	}
	return BM_NOT_ASKED;
}
