/* Which sequence numbers of DTLS have been seen, and which a record may have. Refuses to know
 * records. */
#include "session/internal.h"

enum {
	WINDOW = 64,
	BELOW = 4 /* missing numbers below the highest that are thought of */
};

#define SEQ_MASK 0xffffffffffffu

void
dtls_note_number(struct half *h, unsigned slot, uint64_t seq)
{
	uint64_t next = h->next_seq[slot];

	if (seq >= next) {
		uint64_t shift = seq + 1 - next;
		h->came[slot] = shift < WINDOW ? h->came[slot] << shift | 1 : 1;
		h->next_seq[slot] = seq + 1;
	} else if (next - 1 - seq < WINDOW) {
		h->came[slot] |= UINT64_C(1) << (next - 1 - seq);
	}
}

bool
dtls_number_had(const struct half *h, unsigned slot, uint64_t seq)
{
	uint64_t next = h->next_seq[slot];

	return seq < next && (next - 1 - seq >= WINDOW || (h->came[slot] >> (next - 1 - seq) & 1) != 0);
}

size_t
dtls_numbers_left(const struct half *h, unsigned slot, uint64_t out[BM_DTLS_NUMBERS])
{
	uint64_t next = h->next_seq[slot];
	size_t n = 0;

	out[n++] = next;
	for (uint64_t d = 1; d <= WINDOW && d <= next && n < 1 + BELOW; d++)
		if (!dtls_number_had(h, slot, next - d))
			out[n++] = next - d;
	for (uint64_t seq = next + 1; n < BM_DTLS_NUMBERS; seq++)
		out[n++] = seq & SEQ_MASK;
	return n;
}

void
dtls_note_numbers(const struct half *h, struct bm_case *c)
{
	unsigned slot = epoch_slot(c->epoch);
	uint64_t left[BM_DTLS_NUMBERS], own = c->seq;
	size_t n = dtls_numbers_left(h, slot, left);
	/* A copy of one that verified, or one that is due. */
	bool near = dtls_number_had(h, slot, own);

	for (size_t i = 0; i < n; i++)
		near = near || left[i] == own;
	if (near)
		c->numbers[c->number_count++] = own;
	for (size_t i = 0; i < n; i++)
		if (left[i] != own)
			c->numbers[c->number_count++] = left[i];
	if (near)
		return;
	/* What stands under a mask that is garbled is no number to speak of. */
	c->numbers[c->number_count++] = own;
	c->seq = left[0];
}
