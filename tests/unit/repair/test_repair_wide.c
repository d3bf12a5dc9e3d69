/* Damage in more than one place of a record: what BM_NORMAL and BM_DEEP search for. */
#include "damage.h"

enum { SMALL = 1460 };

static void
two_bits(struct sealed *r, size_t kind)
{
	size_t from = 8 * r->text_at, n = 8 * r->text_n;
	size_t a = from + below(&dice, n), b = from + below(&dice, n);

	if (is_short(kind) || (r->text_n > SMALL && kind != GCM12 && kind != POLY13 && kind != CCM13))
		return;
	if (a == b)
		b = a == from ? a + 1 : from;
	flip(r, a);
	flip(r, b);
	repair(r, BM_NORMAL);
	expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
	if (is_ccm(kind))
		return;
	/* One of them in the tag. */
	heal(r);
	flip(r, a);
	flip(r, from + n + below(&dice, 128));
	repair(r, BM_NORMAL);
	expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
}

static void
test_two_bits(void **unused)
{
	(void)unused;
	each(two_bits, SIZE_MAX);
}

static void
two_octets(struct sealed *r, size_t kind)
{
	size_t half = r->text_n / 2;

	if (is_short(kind))
		return;
	spoil(r, r->text_at + below(&dice, half));
	spoil(r, r->text_at + half + below(&dice, half));
	repair(r, is_ccm(kind) ? BM_DEEP : BM_NORMAL);
	expect_repaired(r, r->repair.kind);
	if (is_ccm(kind))
		return;
	heal(r);
	r->received[r->text_at] ^= 0x7f;
	r->received[r->n - 1] ^= 0x5e;
	repair(r, BM_NORMAL);
	expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
	/* A third one is too many; three bits are for a deep search. */
	heal(r);
	r->received[r->text_at] ^= 0x7f;
	r->received[r->text_at + half] ^= 0x77;
	r->received[r->text_at + r->text_n - 1] ^= 0x35;
	repair(r, BM_NORMAL);
	if (r->text_n > 100)
		expect_nothing(r);
}

static void
test_two_octets(void **unused)
{
	(void)unused;
	each(two_octets, 257);
}

static void
three_bits(struct sealed *r, size_t kind)
{
	size_t third = 8 * r->text_n / 3;

	if (is_short(kind) || is_ccm(kind) || r->text_n < 100)
		return;
	for (size_t i = 0; i < 3; i++)
		flip(r, 8 * r->text_at + i * third + below(&dice, third));
	repair(r, BM_NORMAL);
	expect_nothing(r);
	repair(r, BM_DEEP);
	expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
}

static void
test_three_bits(void **unused)
{
	(void)unused;
	each(three_bits, 257);
}

static void
exchange(struct sealed *r, size_t a, size_t b, size_t n)
{
	uint8_t word[8];

	memcpy(word, r->received + a, n);
	memcpy(r->received + a, r->received + b, n);
	memcpy(r->received + b, word, n);
}

static void
swap(struct sealed *r, size_t kind)
{
	if (is_short(kind) ||
		(r->text_n > SMALL && (r->text_n > 4096 || kind == ARIA12 || kind == GCM12)))
		return;
	for (size_t n = 2; n <= 8; n *= 2) {
		size_t words = r->text_n / n - 1, from = r->text_at + below(&dice, n);
		size_t a = below(&dice, words / 2), b = words / 2 + below(&dice, words - words / 2);
		heal(r);
		r->edge_count = 0;
		if (r->text_n > SMALL) {
			/* Within one segment, which starts anywhere. */
			size_t first = 8 + below(&dice, 1400);
			cut(r, first);
			size_t start = r->edges[below(&dice, r->edge_count - 1)];
			from = BM_HEADER + start;
			size_t end = start + 1460 < r->text_at - BM_HEADER + r->text_n
							 ? start + 1460
							 : r->text_at - BM_HEADER + r->text_n;
			words = (end - start) / n;
			if (words < 4)
				continue;
			a = below(&dice, words / 2);
			b = words / 2 + below(&dice, words / 2);
		}
		exchange(r, from + n * a, from + n * b, n);
		repair(r, BM_NORMAL);
		expect_repaired(r, r->repair.kind);
		/* A swap of words that hardly differ looks like flipped bits, and may be said to be. */
		if (n > 2 && b > a + 1)
			assert_int_equal(BM_REPAIR_WORDS_SWAPPED, r->repair.kind);
	}
}

static void
test_swap(void **unused)
{
	(void)unused;
	each(swap, SIZE_MAX);
}

/* Words of two segments: TCP's sum would hold, but nothing is known to do that. */
static void
test_swap_far(void **unused)
{
	(void)unused;
	if (!next_case())
		return;
	struct sealed *r = seal(suites[GCM13], 4096, &dice);
	cut(r, 1000);
	exchange(r, r->text_at + 16, r->text_at + 3000, 8);
	repair(r, BM_NORMAL);
	expect_nothing(r);
	r->edge_count = 0;
	repair(r, BM_NORMAL);
	expect_repaired(r, BM_REPAIR_WORDS_SWAPPED);
	unseal(r);
}

/* A record of full length, in segments as TCP has them. */
static void
test_swap_long(void **unused)
{
	(void)unused;
	static const size_t kinds[] = {GCM13, POLY12, CCM12};
	for (size_t i = 0; i < 3; i++) {
		if (!next_case())
			continue;
		struct sealed *r = seal(suites[kinds[i]], 16385, &dice);
		cut(r, 777);
		size_t start = BM_HEADER + r->edges[4 + i];
		exchange(r, start + 7 + 16 * i, start + 1001 + 16 * i, 2);
		repair(r, BM_NORMAL);
		expect_repaired(r, BM_REPAIR_WORDS_SWAPPED);
		unseal(r);
	}
}

static void
reversal(struct sealed *r, size_t kind)
{
	if (!is_gcm(kind) && kind != POLY12 && kind != POLY13)
		return;
	for (size_t n = 2; n <= 8; n *= 2) {
		size_t words = (r->text_n - 8) / n;
		size_t from = below(&dice, words - 2), to = from + 2 + below(&dice, words - from - 1);
		size_t at = r->text_at + below(&dice, 8);
		heal(r);
		for (size_t i = from; i < to; i++)
			for (size_t b = 0; b < n; b++)
				r->received[at + n * i + b] = r->sent[at + n * i + n - 1 - b];
		repair(r, BM_NORMAL);
		expect_repaired(r, BM_REPAIR_WORDS_SWAPPED);
		if (n != 4)
			continue;
		heal(r);
		for (size_t i = from; i < to; i++)
			exchange(r, at + n * i, at + n * i + 2, 2);
		repair(r, BM_NORMAL);
		expect_repaired(r, BM_REPAIR_WORDS_SWAPPED);
	}
}

static void
test_reversal(void **unused)
{
	(void)unused;
	each(reversal, SMALL);
}

/* CCM: of a whole segment, or all of the text. */
static void
segment_reversal(struct sealed *r, size_t kind)
{
	if (!is_ccm(kind) && !is_short(kind))
		return;
	for (size_t n = 2; n <= 8; n *= 2) {
		size_t from = 1, end = r->text_n;
		heal(r);
		r->edge_count = 0;
		if (n != 2 && r->text_n >= 100) {
			r->edge_count = 2;
			r->edges[0] = 40;
			r->edges[1] = 90;
			from = 40 - (uint32_t)(r->text_at - BM_HEADER);
			end = from + 50;
		}
		for (size_t at = from; at + n <= end; at += n)
			for (size_t b = 0; b < n; b++)
				r->received[r->text_at + at + b] = r->sent[r->text_at + at + n - 1 - b];
		repair(r, BM_NORMAL);
		expect_repaired(r, BM_REPAIR_WORDS_SWAPPED);
	}
}

static void
test_segment_reversal(void **unused)
{
	(void)unused;
	each(segment_reversal, 257);
}

static const size_t periods[] = {1, 2, 8, 64, 204, 256, 1024};

static void
lane(struct sealed *r, size_t kind)
{
	if (kind != GCM12 && kind != POLY13)
		return;
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		size_t period = periods[i];
		if (4 * period > r->text_n)
			break;
		/* One bit inverted, from somewhere to somewhere. */
		size_t from = below(&dice, r->text_n / 2);
		size_t to = r->text_n / 2 + below(&dice, r->text_n / 2);
		uint8_t bit = (uint8_t)(1u << below(&dice, 8));
		heal(r);
		for (size_t at = from; at <= to; at += period)
			r->received[r->text_at + at] ^= bit;
		repair(r, BM_NORMAL);
		expect_repaired(r, r->repair.kind);
		/* One mask, up to the end. */
		heal(r);
		for (size_t at = from; at < r->text_n; at += period)
			r->received[r->text_at + at] ^= 0xa5;
		repair(r, BM_NORMAL);
		expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
		/* Up to the end of a segment. */
		if (r->text_n < 1460)
			continue;
		heal(r);
		cut(r, 700);
		for (size_t at = 40; at < 700 - (r->text_at - BM_HEADER); at += period)
			r->received[r->text_at + at] ^= 0x5a;
		repair(r, BM_NORMAL);
		expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
		r->edge_count = 0;
	}
}

/* Lanes that begin anywhere within their first period, however long that is. */
static void
long_lane(struct sealed *r)
{
	static const size_t longest[] = {1500, 2048, 4096};

	for (size_t i = 0; i < 12; i++) {
		size_t period = longest[i % 3], from = below(&dice, period);
		if (!next_case())
			continue;
		heal(r);
		for (size_t at = from; at < from + 3 * period && at < r->text_n; at += period)
			r->received[r->text_at + at] ^= 0x10;
		repair(r, BM_NORMAL);
		expect_repaired(r, r->repair.kind);
	}
}

static void
test_lane(void **unused)
{
	(void)unused;
	each(lane, 257);
	if (!next_case())
		return;
	struct sealed *r = seal(suites[GCM12], SMALL, &dice);
	lane(r, GCM12);
	unseal(r);
	r = seal(suites[POLY13], 16384, &dice);
	long_lane(r);
	unseal(r);
}

/* GCM: a mask of a word that comes back, at any place in a block, to the end of text or segment. */
static void
test_word_lane(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		if (!next_case())
			continue;
		struct sealed *r = seal(suites[i % 2 == 0 ? GCM12 : GCM13], 2100, &dice);
		size_t octets = periods[i] < 4 ? periods[i] : 4;
		for (size_t segment = 0; segment < 2; segment++) {
			size_t from = 13 + below(&dice, 300), end = r->text_n;
			heal(r);
			if (segment != 0) {
				cut(r, 1450);
				end = 1450 - (r->text_at - BM_HEADER);
			}
			for (size_t at = from; at < end; at += periods[i])
				for (size_t b = 0; b < octets && at + b < end; b++)
					r->received[r->text_at + at + b] ^= (uint8_t)(0xe1 + 2 * b);
			repair(r, BM_NORMAL);
			expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
		}
		unseal(r);
	}
}

/* A lane that is stuck at one value: only those octets are wrong in which it should have been the
 * other. */
static void
test_suspects(void **unused)
{
	(void)unused;
	static const struct {
		size_t n, period;
	} cases[] = {{4096, 64}, {1000, 32}, {257, 8}, {100, 4}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!next_case())
			continue;
		struct sealed *r = seal(suites[i % 2 == 0 ? GCM12 : GCM13], cases[i].n, &dice);
		size_t from = below(&dice, cases[i].period);
		for (size_t at = from; at < r->text_n; at += cases[i].period)
			r->received[r->text_at + at] |= 0x10;
		repair(r, BM_NORMAL);
		expect_repaired(r, r->repair.kind);
		/* Within a segment, though the record is too long for the whole of it. */
		heal(r);
		if (r->text_n >= 4096) {
			cut(r, 500);
			for (size_t at = r->edges[0] - (r->text_at - BM_HEADER) + 3; at < 1900; at += 32)
				r->received[r->text_at + at] &= 0xfe;
			repair(r, BM_NORMAL);
			expect_repaired(r, r->repair.kind);
		}
		unseal(r);
	}
}

/* Two octets of one end at a boundary, for CCM. */
static void
test_ccm_edge(void **unused)
{
	(void)unused;
	for (size_t tail = 1; tail < 8; tail++) {
		size_t head = 8 - tail;
		if (!next_case())
			continue;
		struct sealed *r = seal(suites[CCM12], 100, &dice);
		for (size_t i = 0; i < 8; i++)
			spoil(r, r->text_at + 48 - tail + i);
		repair(r, BM_NORMAL);
		if (tail <= 2 || head <= 2)
			expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
		else
			expect_nothing(r);
		unseal(r);
	}
}

/* A tag of 8 octets: one octet is as much as can be proved. */
static void
short_octet(struct sealed *r, size_t kind)
{
	if (!is_short(kind))
		return;
	r->received[r->text_at + below(&dice, r->text_n)] ^= 0xb7;
	repair(r, BM_NORMAL);
	expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
	flip(r, 8 * (r->text_at + r->text_n - 1));
	r->received[r->text_at] = (uint8_t)~r->sent[r->text_at];
	repair(r, BM_DEEP);
	expect_nothing(r);
}

static void
test_short_octet(void **unused)
{
	(void)unused;
	each(short_octet, 257);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_bits),
		cmocka_unit_test(test_two_octets),
		cmocka_unit_test(test_three_bits),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_swap_far),
		cmocka_unit_test(test_swap_long),
		cmocka_unit_test(test_reversal),
		cmocka_unit_test(test_segment_reversal),
		cmocka_unit_test(test_lane),
		cmocka_unit_test(test_word_lane),
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_ccm_edge),
		cmocka_unit_test(test_short_octet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
