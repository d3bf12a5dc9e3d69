/* bits-flipped, bytes-damaged, words-swapped, tag-damaged: bytes of the record differ from what was
 * sent. Puts the solvers of repair.h to work once a failure, and tells what they covered. */
#include "why/dtls.h"

#include "repair/repair.h"

#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EDGES_MAX = 512 };

static const char *
first_words(const struct bm_why *w)
{
	switch (w->repair->status) {
	case BM_OK:
		return NULL;
	case BM_UNSUPPORTED:
		return "not tried: the record's bytes are not at hand, or have no length that fits";
	default:
		return "not tried: out of memory";
	}
}

/* The ends of TCP segments within the body. */
static size_t
find_edges(const struct bm_case *c, uint32_t header, uint32_t *edges)
{
	size_t n = 0;

	for (size_t i = 0; i < c->fragment_count && n < EDGES_MAX; i++) {
		uint32_t end = c->fragments[i].record_off + c->fragments[i].len;
		if (end > header && end < c->len)
			edges[n++] = end - header;
	}
	return n;
}

bool
bm_failed_record(const struct bm_why *w, struct bm_wire *wire)
{
	const struct bm_case *c = w->c;

	if (c->record == NULL || c->protection == NULL || c->position == NULL)
		return false;
	if (bm_is_dtls(w))
		return bm_dtls_record(w, c->position->seq, wire);
	if (c->region < c->len || c->len <= BM_HEADER ||
		bm_load16(c->record + BM_HEADER - 2) != c->len - BM_HEADER)
		return false;
	*wire = (struct bm_wire){.type = c->record[0],
		.version = bm_load16(c->record + 1),
		.header = bm_view(c->record, BM_HEADER),
		.body = bm_view(c->record + BM_HEADER, c->len - BM_HEADER)};
	return true;
}

static bool
describe(const struct bm_why *w, struct bm_damaged *d, uint32_t *edges)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD || c->result == BM_BAD_LENGTH ||
		!bm_failed_record(w, &d->wire))
		return false;
	d->protection = c->protection;
	d->position = c->position;
	d->edges = edges;
	d->edge_count = find_edges(c, (uint32_t)d->wire.header.n, edges);
	d->pool = w->pool;
	d->effort = w->effort;
	/* An octet of MAC input for a nanosecond; the effort's own limit when there is time. */
	d->work = w->share < (w->effort == BM_QUICK ? BM_SHARE_QUICK : BM_SHARE_NORMAL) ? w->share : 0;
	return true;
}

/* Under one number after the other, until a change fits. */
static enum bm_status
search_numbers(const struct bm_why *w, const struct bm_damaged *as_captured)
{
	struct bm_damage_search *s = w->repair;
	struct bm_damaged d = *as_captured;
	struct bm_position pos = *w->c->position;
	uint64_t numbers[BM_CASE_NUMBERS];
	enum bm_status st = BM_OK;

	s->numbers = (unsigned)bm_dtls_numbers(w, numbers);
	d.numbers = s->numbers;
	d.position = &pos;
	for (unsigned i = 0; i < s->numbers && st == BM_OK && !s->repair.found; i++) {
		if (i != 0)
			s->before += exp2(s->repair.accepted_log2);
		s->seq = pos.seq = numbers[i];
		s->repair = (struct bm_repair){.sent = s->repair.sent};
		st = bm_dtls_record(w, pos.seq, &d.wire) ? bm_repair(&d, w->scratch, &s->repair)
												 : BM_UNSUPPORTED;
	}
	if (s->repair.found)
		bm_dtls_mask(w, s->seq, s->repair.sent);
	bm_wipe(&pos, sizeof pos);
	return st;
}

/* Searches once; everything else reads what it came to. */
const struct bm_repair *
bm_find_repair(const struct bm_why *w)
{
	struct bm_damage_search *s = w->repair;
	struct bm_damaged d = {.protection = NULL};
	uint32_t edges[EDGES_MAX];

	if (s->asked)
		return &s->repair;
	s->asked = true;
	s->status = BM_UNSUPPORTED;
	if (!describe(w, &d, edges))
		return &s->repair;
	s->repair.sent = bm_arena_take(w->arena, w->c->len, 1);
	if (s->repair.sent == NULL)
		s->status = BM_NOMEM;
	else if (bm_is_dtls(w))
		s->status = search_numbers(w, &d);
	else
		s->status = bm_repair(&d, w->scratch, &s->repair);
	*w->spent += s->repair.found ? w->share / 16 : w->share / 2;
	return &s->repair;
}

void
bm_list_changes(const struct bm_why *w, const uint8_t *sent, uint32_t len, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	uint32_t merge = 0, n;

	do {
		n = 0;
		for (uint32_t i = 0; i < len;) {
			if (c->record[i] == sent[i]) {
				i++;
				continue;
			}
			uint32_t end = i + 1, same = 0;
			while (end + same < len && same <= merge) {
				if (c->record[end + same] != sent[end + same]) {
					end += same + 1;
					same = 0;
				} else {
					same++;
				}
			}
			if (n < BM_CHANGES_MAX)
				out->changes[n] = (struct bm_change){
					i, bm_view(c->record + i, end - i), bm_view(sent + i, end - i), 0, false};
			n++;
			i = end;
		}
		merge = merge == 0 ? 1 : merge * 2;
	} while (n > BM_CHANGES_MAX);
	out->change_count = n;
}

static unsigned
ones(unsigned b)
{
	unsigned n = 0;

	for (; b != 0; b &= b - 1)
		n++;
	return n;
}

unsigned
bm_tell_bits(const struct bm_why *w, const uint8_t *sent, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	unsigned told = 0, bits = 0;

	for (uint32_t i = 0; i < c->len; i++)
		bits += ones((unsigned)c->record[i] ^ sent[i]);
	if (bits > BM_FEW_BITS) {
		bm_evidence(w, out, "%u bits differ", bits);
		return bits;
	}
	for (uint32_t i = 0; i < c->len && told < bits; i++) {
		unsigned x = (unsigned)c->record[i] ^ sent[i];
		for (unsigned bit = 0; bit < 8; bit++) {
			if ((x >> bit & 1) == 0)
				continue;
			told++;
			bm_evidence(w, out, "bit %u of the byte at offset %u was sent as %u and arrived as %u",
				bit, i, (unsigned)sent[i] >> bit & 1u, (unsigned)c->record[i] >> bit & 1u);
		}
	}
	return bits;
}

/* Changes that were covered, under all sequence numbers that were tried. */
static double
changes_tried(const struct bm_why *w, const struct bm_repair *r)
{
	double total = w->repair->before;

	for (size_t i = 0; i < r->family_count; i++)
		total += (double)r->family[i].candidates;
	return total;
}

static const char *
families(const struct bm_why *w, const struct bm_repair *r)
{
	struct bm_buf b = {.max = 4096};
	double total = changes_tried(w, r);
	bool cut = false;

	for (size_t i = 0; i < r->family_count; i++)
		cut = cut || !r->family[i].complete;
	char head[200];
	char under[40] = "";
	if (w->repair->numbers > 1)
		(void)snprintf(under, sizeof under, " under %u sequence numbers", w->repair->numbers);
	(void)snprintf(head, sizeof head, "none of %llu%s changes%s makes it verify%s: ",
		total < 0x1p63 ? (unsigned long long)total : UINT64_MAX, total < 0x1p63 ? "" : " and more",
		under, cut ? ", and not all that were due could be tried" : "");
	bool ok = bm_buf_add(&b, bm_view(head, strlen(head))) == BM_OK;
	for (size_t i = 0; ok && i < r->family_count; i++) {
		const char *parts[] = {
			i != 0 ? "; " : "", r->family[i].name, r->family[i].complete ? "" : " (cut short)"};
		for (size_t k = 0; ok && k < 3; k++)
			ok = bm_buf_add(&b, bm_view(parts[k], strlen(parts[k]))) == BM_OK;
	}
	const char *text =
		b.n != 0 ? bm_arena_print(w->arena, "%.*s", (int)b.n, (const char *)b.p) : NULL;
	bm_buf_clear(&b);
	return text != NULL ? text : "no change that was tried makes it verify";
}

static enum bm_cause
cause_of(enum bm_repair_kind k)
{
	switch (k) {
	case BM_REPAIR_BITS_FLIPPED:
		return BM_CAUSE_BITS_FLIPPED;
	case BM_REPAIR_BYTES_DAMAGED:
		return BM_CAUSE_BYTES_DAMAGED;
	case BM_REPAIR_WORDS_SWAPPED:
		return BM_CAUSE_WORDS_SWAPPED;
	case BM_REPAIR_OCTETS_MOVED:
		return BM_CAUSE_STALE_DATA;
	case BM_REPAIR_TAG_DAMAGED:
		return BM_CAUSE_TAG_DAMAGED;
	case BM_REPAIR_HEADER_DAMAGED:
		break;
	}
	return BM_CAUSE_HEADER_DAMAGED;
}

static enum bm_answer
ask(const struct bm_why *w, enum bm_cause cause, struct bm_finding *out, const char **because)
{
	if (w->c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	const struct bm_repair *r = bm_find_repair(w);
	if (w->repair->status != BM_OK) {
		*because = first_words(w);
		return BM_EXCLUDED;
	}
	if (!r->found) {
		*because = cause == BM_CAUSE_BITS_FLIPPED
					   ? families(w, r)
					   : bm_arena_print(w->arena,
							 "none of the %.0f changes that exclude bits-flipped makes it verify",
							 changes_tried(w, r));
		return BM_EXCLUDED;
	}
	if (cause_of(r->kind) != cause)
		return BM_NOT_ASKED;
	out->method = r->method;
	out->tag_bits = (unsigned)r->tag_bits;
	double accepted = exp2(r->accepted_log2) + w->repair->before;
	out->candidates =
		accepted < 0x1p63 && r->candidates != UINT64_MAX ? (uint64_t)accepted : UINT64_MAX;
	out->chance_log2 = log2(accepted) - (double)r->tag_bits;
	out->strength = out->chance_log2 <= -40 ? BM_STRENGTH_PROVEN : BM_STRENGTH_SUPPORTED;
	bm_alter(w, out, BM_INPUT_BYTES);
	if (w->repair->numbers > 1 || (bm_is_dtls(w) && w->facts->version == BM_DTLS13))
		out->altered.seq = w->repair->seq;
	bm_list_changes(w, r->sent, w->c->len, out);
	if (bm_is_dtls(w) && w->facts->version == BM_DTLS13) {
		out->has_seq = true;
		out->seq = w->repair->seq;
		if (w->repair->seq != w->c->position->seq)
			bm_evidence(w, out,
				"its number is under a mask that its first 16 bytes of ciphertext give (RFC 9147, "
				"section 4.2.3): as captured it reads %llu; %llu is missing among its neighbours",
				(unsigned long long)w->c->position->seq, (unsigned long long)w->repair->seq);
	}
	bm_evidence(w, out, "with %s changed back it verifies where it was expected; found among: %s",
		out->change_count == 1 ? "one run of bytes" : "a few bytes", r->shape);
	bm_tell_swap_or_bits(w, cause, r->sent, bm_tell_bits(w, r->sent, out), out);
	return BM_SHOWN;
}

bool
bm_find_moved(const struct bm_why *w, struct bm_finding *out)
{
	const char *because;

	return ask(w, BM_CAUSE_STALE_DATA, out, &because) == BM_SHOWN;
}

enum bm_answer
bm_ask_bits(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	return ask(w, BM_CAUSE_BITS_FLIPPED, out, because);
}

enum bm_answer
bm_ask_tag(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	return ask(w, BM_CAUSE_TAG_DAMAGED, out, because);
}

enum bm_answer
bm_ask_swapped(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	return ask(w, BM_CAUSE_WORDS_SWAPPED, out, because);
}

enum bm_answer
bm_ask_bytes(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	return ask(w, BM_CAUSE_BYTES_DAMAGED, out, because);
}
