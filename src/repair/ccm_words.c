/* Words that changed places under CCM: next to each other, within a segment, and the octets of
 * every word of a segment the wrong way round. Refuses to know anything quicker than running each
 * chain. */
#include "repair/chain.h"

enum { PART = 64 }; /* octets that a worker takes up at once */

/* Nothing to try where two words are the same. Every text mask is its plaintext's as well. */
static void
swap_lane(const struct bm_chain *c, struct bm_lanes *lanes, size_t a, size_t b, size_t n)
{
	struct bm_lane lane = {.changes = 0};
	const uint8_t *text = c->s->parts.text.p;
	uint8_t mask[8];

	for (size_t i = 0; i < n; i++)
		mask[i] = text[a + i] ^ text[b + i];
	if (bm_weight(mask, n) == 0)
		return;
	bm_lane_change(&lane, c, a, mask, n);
	bm_lane_change(&lane, c, b, mask, n);
	bm_lanes_add(lanes, &lane);
}

void
bm_chain_adjacent(struct bm_chain *c)
{
	static const struct bm_family_name names[] = {
		BM_FAMILY_NAME("two octets next to each other swapped"),
		BM_FAMILY_NAME("two words of 16 bits next to each other swapped"),
		BM_FAMILY_NAME("two words of 32 bits next to each other swapped"),
		BM_FAMILY_NAME("two words of 64 bits next to each other swapped"),
	};

	bool cut = c->tag_n < BM_CHAIN_BLOCK;
	struct bm_lanes *lanes = bm_chain_lanes(c, 0);
	if (lanes == NULL)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = (size_t)1 << i;
		double all = c->text_n >= 2 * n ? (double)(c->text_n - 2 * n + 1) : 0;
		if (!bm_search_open(c->s, &names[i], BM_QUICK, all, all * (cut ? bm_chain_to_end(c) : 2)))
			continue;
		bm_search_swaps(c->s);
		for (size_t at = 0; at + 2 * n <= c->text_n; at++)
			swap_lane(c, lanes, at, at + n, n);
		bm_lanes_run(lanes);
		bm_search_close(c->s);
	}
}

/* Pairs in the segments, and the blocks between them. */
static double
pairs(const struct bm_chain *c, size_t n, double *steps)
{
	double all = 0;
	size_t end;

	for (size_t at = 0; at < c->text_n; at = end) {
		end = bm_search_segment_end(c->s, at);
		for (size_t from = at; from < at + n && from < end; from++) {
			double words = (double)((end - from) / n), mine = words * (words - 1) / 2;
			all += mine;
			*steps += mine * (2 + (double)(end - at) / (3 * BM_CHAIN_BLOCK));
		}
	}
	return all;
}

struct swapping {
	const struct bm_chain *c;
	size_t n;
};

static void
swaps_part(void *ctx, size_t part, unsigned worker)
{
	const struct swapping *x = ctx;
	const struct bm_chain *c = x->c;
	struct bm_lanes *lanes = bm_chain_lanes(c, worker);
	size_t n = x->n, end = 0;

	if (lanes == NULL)
		return;
	for (size_t a = part * PART; a < c->text_n && a < (part + 1) * PART; a++) {
		if (a >= end)
			end = bm_search_segment_end(c->s, a);
		for (size_t b = a + n; b + n <= end; b += n)
			swap_lane(c, lanes, a, b, n);
	}
	bm_lanes_run(lanes);
}

void
bm_chain_swaps(struct bm_chain *c)
{
	static const struct bm_family_name names[] = {
		BM_FAMILY_NAME("two words of 16 bits of one segment swapped"),
		BM_FAMILY_NAME("two words of 32 bits of one segment swapped"),
		BM_FAMILY_NAME("two words of 64 bits of one segment swapped"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = (size_t)2 << i;
		double steps = 0, all = pairs(c, n, &steps);
		if (c->tag_n < BM_CHAIN_BLOCK || !bm_search_open(c->s, &names[i], BM_NORMAL, all, steps))
			continue;
		bm_search_swaps(c->s);
		struct swapping x = {c, n};
		bm_search_run(c->s, (c->text_n + PART - 1) / PART, swaps_part, &x);
		bm_search_close(c->s);
	}
}

/* Every word from `at` to `end`, its parts of `part` octets in reverse order. */
static void
try_reversal(const struct bm_chain *c, size_t at, size_t end, size_t n, size_t part)
{
	uint8_t *trial = bm_search_take(c->s) + c->s->text_at;
	const uint8_t *text = c->s->parts.text.p;

	for (; at + n <= end; at += n)
		for (size_t i = 0; i < n; i += part)
			memcpy(trial + at + n - part - i, text + at + i, part);
	(void)bm_search_try(c->s);
}

static double
reverse_segments(const struct bm_chain *c, size_t n, size_t part, bool search)
{
	double all = 0;
	size_t end;

	for (size_t at = 0; at < c->text_n; at = end) {
		end = bm_search_segment_end(c->s, at);
		for (size_t phase = 0; phase < n && at + phase + n <= end; phase++, all++)
			if (search)
				try_reversal(c, at + phase, end, n, part);
	}
	for (size_t phase = 0; phase < n && phase + n <= c->text_n; phase++, all++)
		if (search)
			try_reversal(c, phase, c->text_n, n, part);
	return all;
}

void
bm_chain_reversals(struct bm_chain *c)
{
	static const struct {
		struct bm_family_name name;
		size_t n, part;
	} kinds[] = {
		{BM_FAMILY_NAME("the octets of every word of 16 bits of a segment reversed"), 2, 1},
		{BM_FAMILY_NAME("the octets of every word of 32 bits of a segment reversed"), 4, 1},
		{BM_FAMILY_NAME("the halves of every word of 32 bits of a segment swapped"), 4, 2},
		{BM_FAMILY_NAME("the octets of every word of 64 bits of a segment reversed"), 8, 1},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double all = reverse_segments(c, kinds[i].n, kinds[i].part, false);
		/* A whole check decrypts, and its chain runs alone. */
		if (!bm_search_open(c->s, &kinds[i].name, BM_NORMAL, all, 4 * all * (double)c->blocks))
			continue;
		bm_search_swaps(c->s);
		(void)reverse_segments(c, kinds[i].n, kinds[i].part, true);
		bm_search_close(c->s);
	}
}
