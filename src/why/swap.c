/* Words that traded places, told apart from bits that flipped: where the words differ in few bits
 * both leave the same bytes. Refuses to know which of them is likelier. */
#include "why/record.h"

#include "repair/repair.h"

#include <string.h>

/* The first word holds the first octet that differs, the second one the last. */
static bool
traded(struct bm_view r, struct bm_view s, size_t first, size_t last, size_t unit)
{
	for (size_t a = first + 1 > unit ? first + 1 - unit : 0; a <= first; a++) {
		for (size_t b = last + 1 > unit ? last + 1 - unit : 0; b <= last && b + unit <= r.n; b++) {
			if (b < a + unit || memcmp(r.p + a, s.p + b, unit) != 0 ||
				memcmp(r.p + b, s.p + a, unit) != 0)
				continue;
			if (memcmp(r.p + a + unit, s.p + a + unit, b - a - unit) == 0)
				return true;
		}
	}
	return false;
}

bool
bm_words_traded(struct bm_view received, struct bm_view sent)
{
	size_t first = 0, last = received.n;

	if (received.n != sent.n)
		return false;
	while (first < last && received.p[first] == sent.p[first])
		first++;
	while (last > first && received.p[last - 1] == sent.p[last - 1])
		last--;
	if (first == last)
		return false;
	for (size_t unit = 2; unit <= 8; unit *= 2)
		if (traded(received, sent, first, last - 1, unit))
			return true;
	return false;
}

void
bm_tell_swap_or_bits(const struct bm_why *w, enum bm_cause cause, const uint8_t *sent,
	unsigned bits, struct bm_finding *out)
{
	struct bm_view received = bm_view(w->c->record, w->c->len);

	if (bits > BM_FEW_BITS)
		return;
	if (cause == BM_CAUSE_WORDS_SWAPPED)
		bm_evidence(w, out,
			"the words differ in so little that %u flipped bits would have left the same bytes",
			bits);
	else if (cause == BM_CAUSE_BITS_FLIPPED && bm_words_traded(received, bm_view(sent, received.n)))
		bm_evidence(w, out, "two words that trade places would have left the same bytes");
}
