/* Every family of damage on every kind of AEAD: what was damaged comes back as it was sent, with
 * its cause and a proof; what no family covers does not. */
#include "damage.h"

/* CCM_8 must run every change to the end. */
static enum bm_effort
enough(const struct sealed *r, size_t kind)
{
	return is_short(kind) && r->text_n > 256 ? BM_NORMAL : BM_QUICK;
}

static void
one_bit(struct sealed *r, size_t kind)
{
	size_t from = 8 * r->text_at, n = 8 * r->text_n;
	size_t places[] = {from + below(&dice, n), from, from + n - 1, from + below(&dice, n)};

	for (size_t i = 0; i < (is_short(kind) && r->text_n > 1460 ? 1 : 4); i++) {
		heal(r);
		flip(r, places[i]);
		repair(r, enough(r, kind));
		expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
		assert_string_equal("one bit anywhere", r->repair.shape);
	}
}

static void
test_one_bit(void **unused)
{
	(void)unused;
	each(one_bit, SIZE_MAX);
}

static void
tag(struct sealed *r, size_t kind)
{
	size_t at = r->n - r->tag_n;

	flip(r, 8 * at + below(&dice, 8 * r->tag_n));
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_TAG_DAMAGED);
	heal(r);
	spoil(r, r->n - 1);
	spoil(r, r->n - 2);
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_TAG_DAMAGED);
	if (is_short(kind))
		return;
	heal(r);
	for (size_t i = 0; i < 8; i++)
		spoil(r, at + 5 + i);
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_TAG_DAMAGED);
	/* All of it: who can tell? */
	heal(r);
	for (size_t i = 0; i < r->tag_n; i++)
		spoil(r, at + i);
	repair(r, r->text_n < 4096 ? BM_NORMAL : BM_QUICK);
	expect_nothing(r);
}

static void
test_tag(void **unused)
{
	(void)unused;
	each(tag, SIZE_MAX);
}

static void
header(struct sealed *r, size_t kind)
{
	r->received[0] = BM_ALERT;
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_HEADER_DAMAGED);
	heal(r);
	r->received[2] ^= 0x81;
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_HEADER_DAMAGED);
	heal(r);
	memset(r->received, 0xff, 3);
	repair(r, BM_QUICK);
	if (is_short(kind)) /* 2^24 changes leave nothing of a proof of 64 bits */
		expect_nothing(r);
	else
		expect_repaired(r, BM_REPAIR_HEADER_DAMAGED);
	/* The length in the header is authenticated in TLS 1.3 alone, and elsewhere not looked at. */
	if (bm_protection_keys(r->protection)->version != BM_TLS13 || is_short(kind))
		return;
	heal(r);
	r->received[3] ^= 0x12;
	r->received[1] ^= 1;
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_HEADER_DAMAGED);
}

static void
test_header(void **unused)
{
	(void)unused;
	each(header, SIZE_MAX);
}

static void
few_bits(struct sealed *r, size_t kind)
{
	if (is_short(kind))
		return;
	size_t block = below(&dice, r->text_n / 16);
	for (size_t i = 0; i < 4; i++)
		flip(r, 8 * (r->text_at + 16 * block + 4 * i) + below(&dice, 32));
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
	/* 16 bits, far apart in a block. */
	heal(r);
	for (size_t i = 0; i < 16; i++)
		flip(r, 8 * (r->text_at + 16 * block + i) + below(&dice, 8));
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
	/* More than that in all of a block: something always fits, so nothing may. */
	heal(r);
	for (size_t i = 0; i < 16; i++)
		r->received[r->text_at + 16 * block + i] ^= 0x3d;
	repair(r, BM_QUICK);
	expect_nothing(r);
}

static void
test_few_bits(void **unused)
{
	(void)unused;
	each(few_bits, SIZE_MAX);
}

static void
run(struct sealed *r, size_t kind)
{
	if (is_short(kind))
		return;
	for (size_t n = 2; n <= 9; n++) {
		size_t block = below(&dice, r->text_n / 16);
		size_t at = r->text_at + 16 * block + below(&dice, 17 - n);
		heal(r);
		for (size_t i = 0; i < n; i++)
			spoil(r, at + i);
		repair(r, BM_QUICK);
		assert_true(r->repair.found);
		expect_repaired(r, r->repair.kind);
		if (n > 4)
			assert_int_equal(BM_REPAIR_BYTES_DAMAGED, r->repair.kind);
	}
}

static void
test_run(void **unused)
{
	(void)unused;
	each(run, SIZE_MAX);
}

/* Over a boundary, at every place that the run can have on it. */
static void
across(struct sealed *r, size_t kind)
{
	if (is_short(kind) || r->text_n < 48)
		return;
	for (size_t n = 2; n <= 9; n++)
		for (size_t before = 1; before < n; before++) {
			size_t boundary = 16 * (1 + below(&dice, r->text_n / 16 - 1));
			if (boundary + n - before > r->text_n)
				continue;
			/* CCM cannot solve for both ends; a quick search tries one octet of one of them. */
			if (is_ccm(kind) && (n > 8 || (before > 1 && n - before > 1)))
				continue;
			heal(r);
			for (size_t i = 0; i < n; i++)
				spoil(r, r->text_at + boundary - before + i);
			repair(r, BM_QUICK);
			assert_true(r->repair.found);
			expect_repaired(r, r->repair.kind);
		}
}

static void
test_across(void **unused)
{
	(void)unused;
	each(across, SIZE_MAX);
}

static void
swap_words(struct sealed *r, size_t at, size_t n)
{
	uint8_t word[8];

	memcpy(word, r->received + at, n);
	memmove(r->received + at, r->received + at + n, n);
	memcpy(r->received + at + n, word, n);
}

static void
adjacent(struct sealed *r, size_t kind)
{
	for (size_t n = 1; n <= (is_short(kind) && r->text_n > 1460 ? 1 : 8); n *= 2) {
		size_t at = r->text_at + below(&dice, r->text_n - 2 * n + 1);
		heal(r);
		if (memcmp(r->sent + at, r->sent + at + n, n) == 0)
			continue;
		swap_words(r, at, n);
		repair(r, enough(r, kind));
		expect_repaired(r, BM_REPAIR_WORDS_SWAPPED);
	}
}

static void
test_adjacent(void **unused)
{
	(void)unused;
	each(adjacent, SIZE_MAX);
}

/* Over the edge of the nonce, over that of the tag, and within the tag. */
static void
over_edges(struct sealed *r, size_t kind)
{
	size_t tag = r->n - r->tag_n;

	if (is_short(kind) && r->text_n > 1460)
		return;
	for (size_t n = 1; n <= 8; n *= 2) {
		for (size_t at = BM_HEADER; at + 2 * n <= r->n; at++) {
			bool text = at >= r->text_at && at + 2 * n <= tag;
			bool nonce = at + 2 * n <= r->text_at;
			if (text || nonce || memcmp(r->sent + at, r->sent + at + n, n) == 0)
				continue;
			heal(r);
			swap_words(r, at, n);
			repair(r, enough(r, kind));
			/* What is not of the tag may be the same in both words. */
			expect_repaired(r, memcmp(r->sent, r->received, tag) == 0 ? BM_REPAIR_TAG_DAMAGED
																	  : BM_REPAIR_WORDS_SWAPPED);
		}
	}
}

static void
test_over_edges(void **unused)
{
	(void)unused;
	each(over_edges, 200);
}

/* GCM: over the edge of ciphertext and tag, at every place that the run can have on it; nine octets
 * are too many. */
static void
tag_edge(struct sealed *r, size_t kind)
{
	(void)kind;
	if (bm_protection_keys(r->protection)->suite->mode != BM_MODE_GCM)
		return;
	for (size_t n = 2; n <= 9; n++)
		for (size_t before = 1; before < n && before <= r->text_n; before++) {
			heal(r);
			for (size_t i = 0; i < n; i++)
				spoil(r, r->text_at + r->text_n - before + i);
			repair(r, BM_QUICK);
			if (n > 8) {
				assert_false(r->repair.found);
				continue;
			}
			assert_true(r->repair.found);
			expect_repaired(r, r->repair.kind);
		}
}

static void
test_tag_edge(void **unused)
{
	(void)unused;
	each(tag_edge, SIZE_MAX);
}

static void
nonce(struct sealed *r, size_t kind)
{
	size_t explicit_n = r->text_at - BM_HEADER;

	if (explicit_n == 0)
		return;
	flip(r, 8 * BM_HEADER + below(&dice, 64));
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
	heal(r);
	for (size_t i = 0; i < explicit_n; i++)
		spoil(r, BM_HEADER + i);
	repair(r, BM_QUICK);
	/* In the tests the nonce is the sequence number, so CCM knows it too. */
	expect_repaired(r, BM_REPAIR_BYTES_DAMAGED);
	(void)kind;
}

static void
test_nonce(void **unused)
{
	(void)unused;
	each(nonce, SIZE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_few_bits),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_across),
		cmocka_unit_test(test_tag_edge),
		cmocka_unit_test(test_adjacent),
		cmocka_unit_test(test_over_edges),
		cmocka_unit_test(test_nonce),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
