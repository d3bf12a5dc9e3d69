/* Faults that change octets in their place. Refuses to know other records but to take octets from.
 */
#include "lab/fault.h"

enum { WAY_ONE, WAY_PAIR };

/* Two bits at the same place of two words of 16 bits, of which one rises and one falls: RFC 1071's
 * sum stays. */
static bool
flip_pair(struct lab_strike *s)
{
	const uint8_t *p = s->record->bytes.p;

	for (unsigned tries = 0; tries < 4000; tries++) {
		size_t i, apart = 2 * (1 + lab_below(s->chance, 7)), j;
		if (!lab_place(s, apart + 1, &i))
			return false;
		j = i + apart;
		unsigned differ = p[i] ^ p[j], bit = 1u << lab_below(s->chance, 8);
		if ((differ & bit) == 0 || !lab_same_segment(s, i, j))
			continue;
		s->out.p[i] ^= (uint8_t)bit;
		s->out.p[j] ^= (uint8_t)bit;
		return true;
	}
	return false;
}

static bool
flip(struct lab_strike *s)
{
	size_t at;

	if (!lab_copy(s))
		return false;
	if (s->spec->how == WAY_PAIR)
		return flip_pair(s);
	if (!lab_place(s, 1, &at))
		return false;
	s->out.p[at] ^= (uint8_t)(1u << lab_below(s->chance, 8));
	return true;
}

static unsigned
bits_of(unsigned v)
{
	unsigned n = 0;

	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

/* Every octet of at..at+n changes, and more than four bits do: up to four are told as bits. */
static void
garble(struct lab_strike *s, size_t at, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned mask = 1 + (unsigned)lab_below(s->chance, 255);
		if (i + 1 == n && bits + bits_of(mask) <= 4)
			mask = 0x7f ^ (unsigned)lab_below(s->chance, 2);
		bits += bits_of(mask);
		s->out.p[at + i] ^= (uint8_t)mask;
	}
}

static bool
damage(struct lab_strike *s)
{
	bool zeros = s->spec->how == 1;
	size_t n = zeros && s->spec->length < 0 ? 64 : lab_length(s), at;

	if (!lab_copy(s) || !lab_place(s, n, &at))
		return false;
	if (zeros)
		memset(s->out.p + at, 0, n);
	else
		garble(s, at, n);
	return true;
}

/* Two words of `length` octets that stand side by side, at a multiple of 16 bits of the segment. */
static bool
swap(struct lab_strike *s)
{
	size_t width = lab_length(s), at;

	if (width % 2 != 0 || width > 64 || !lab_copy(s))
		return false;
	for (unsigned tries = 0; tries < 1000; tries++) {
		if (!lab_place(s, 2 * width + 1, &at))
			return false;
		if (s->spec->byte < 0)
			at += (s->burst_off + at) % 2;
		uint8_t *p = s->out.p + at, word[64];
		if (memcmp(p, p + width, width) == 0 || !lab_same_segment(s, at, at + 2 * width - 1))
			continue;
		memcpy(word, p, width);
		memcpy(p, p + width, width);
		memcpy(p + width, word, width);
		return true;
	}
	return false;
}

/* In the tag or MAC, where it can be told from the rest; else in the last octets, which hold it. */
static bool
hit_tag(struct lab_strike *s)
{
	const struct lab_record *r = s->record;
	size_t behind = r->tag != 0 ? r->tag : r->hidden, n = lab_length(s);

	if (behind < n || r->bytes.n < lab_low(r) + behind || !lab_copy(s))
		return false;
	size_t at = r->bytes.n - behind + lab_below(s->chance, behind - n + 1);
	if (s->spec->byte >= 0)
		at = (size_t)s->spec->byte;
	if (at + n > r->bytes.n)
		return false;
	for (size_t i = 0; i < n; i++)
		s->out.p[at + i] ^= (uint8_t)(1 + lab_below(s->chance, 255));
	return true;
}

static bool
hit_header(struct lab_strike *s)
{
	static const uint8_t places[] = {0, 2, 4};
	static const uint8_t masks[] = {0x01, 0x04, 0x08};
	size_t how = (size_t)s->spec->how,
		   at = s->spec->byte >= 0 ? (size_t)s->spec->byte : places[how];

	if (at >= BM_HEADER || !lab_copy(s))
		return false;
	s->out.p[at] ^= masks[how];
	return true;
}

/* Octets that were there before: of the record itself, else of the one before it. */
static bool
repeat_stale(struct lab_strike *s)
{
	size_t n = lab_length(s), at, low = lab_low(s->record);
	struct bm_view from = s->record->bytes;

	if (!lab_copy(s) || !lab_place(s, n, &at))
		return false;
	if (at >= low + n) {
		from.p += at - n;
	} else if (s->before.n >= BM_HEADER + 16 + n) {
		from = bm_view(s->before.p + s->before.n - n, n);
	} else if (at + 2 * n <= lab_high(s->record)) {
		/* The other way round: what comes after it. */
		from.p += at + n;
	} else {
		return false;
	}
	memcpy(s->out.p + at, from.p, n);
	return memcmp(s->out.p, s->record->bytes.p, s->out.n) != 0;
}

static bool
differ(struct lab_strike *s)
{
	size_t at, n = lab_length(s);

	if (!lab_copy(s) || !lab_place(s, n, &at))
		return false;
	garble(s, at, n);
	s->again = true;
	return true;
}

const struct lab_fault lab_bits_flipped = {"bits-flipped", {"one", "pair", NULL},
	"one bit, or a pair of bits that no TCP checksum notices", 0, 3, true, flip, NULL};
const struct lab_fault lab_bytes_damaged = {"bytes-damaged", {"run", "zeros", NULL},
	"a run of octets, or a cache line that became zeros", 5, 3, true, damage, NULL};
const struct lab_fault lab_words_swapped = {"words-swapped", {NULL},
	"two words change places, which no checksum notices", 2, 1, true, swap, NULL};
const struct lab_fault lab_tag_damaged = {
	"tag-damaged", {NULL}, "octets of the tag or MAC", 1, 1, true, hit_tag, NULL};
const struct lab_fault lab_header_damaged = {"header-damaged", {"type", "version", "length"},
	"the record's header: its type, its version or its length", 0, 7, true, hit_header, NULL};
const struct lab_fault lab_stale_data = {"stale-data", {NULL},
	"a block of what was there before takes the place of a block", 80, 1, true, repeat_stale, NULL};
const struct lab_fault lab_retransmission_differs = {"retransmission-differs", {NULL},
	"two copies of a segment differ, and the wrong one is taken", 9, 1, true, differ, NULL};
