/* The sum against the plain way for every length and alignment, and what is said of a
 * checksum that a network card was still to fill in. */
#include "make.h"

#include <stdio.h>

static struct made m;
static struct bm_decoder *d;
static struct bm_segment s;

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(bm_decoder_new(&d, 0), BM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bm_decoder_free(d);
	made_free(&m);
	return 0;
}

static uint16_t
sum_of(const uint8_t *p, size_t n, bool odd)
{
	return bm_sum16_fold(bm_sum16(0, bm_view(p, n), odd));
}

/* RFC 1071, section 3: in words, from an odd place, and in two groups. */
static void
test_rfc1071(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(sum_of(bytes, 8, false), 0xddf2);
	assert_int_equal(sum_of(bytes, 8, true), 0xf2dd);
	uint64_t sum = bm_sum16(0, bm_view(bytes, 3), false);
	assert_int_equal(bm_sum16_fold(bm_sum16(sum, bm_view(bytes + 3, 5), true)), 0xddf2);
	assert_int_equal(sum_of(bytes, 0, false), 0);
	assert_int_equal(bm_sum16(7, bm_view(NULL, 0), true), 7);
	assert_int_equal(bm_sum16_fold(0x1fffe), 0xffff);
	assert_int_equal(bm_sum16_fold(UINT64_MAX), 0xffff);
}

static void
test_every_length_and_alignment(void **state)
{
	static uint8_t bytes[1200];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * i * 31 + i * 7 + 200);
	for (size_t at = 0; at < 64; at++)
		for (size_t n = 0; n + at <= sizeof bytes; n++) {
			uint16_t plain = plain_sum(bytes + at, n, 0);
			assert_int_equal(sum_of(bytes + at, n, false), plain);
			assert_int_equal(sum_of(bytes + at, n, true), (uint16_t)(plain << 8 | plain >> 8));
		}
}

/* The largest and the smallest values there are, over a length at which short accumulators
 * overflow. */
static void
test_long_runs(void **state)
{
	static uint8_t bytes[1 << 24];

	(void)state;
	memset(bytes, 0xff, sizeof bytes);
	assert_int_equal(sum_of(bytes, sizeof bytes, false), 0xffff);
	bytes[sizeof bytes - 1] = 0xfe;
	assert_int_equal(sum_of(bytes, sizeof bytes, false), 0xfffe);
	bytes[0] = 0;
	assert_int_equal(sum_of(bytes, sizeof bytes, false), plain_sum(bytes, sizeof bytes, 0));
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(sum_of(bytes, sizeof bytes, false), 0);
	bytes[sizeof bytes - 2] = 1;
	assert_int_equal(sum_of(bytes, sizeof bytes, false), 0x0100);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = i % 2 != 0 ? 0xff : 0x7f; /* the largest of signed ones */
	assert_int_equal(sum_of(bytes, sizeof bytes, false), plain_sum(bytes, sizeof bytes, 0));
}

/* Cut into two anywhere, the sum stays. */
static void
test_cut_in_two(void **state)
{
	uint8_t bytes[400];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = made_byte(i);
	uint16_t whole = plain_sum(bytes, sizeof bytes, 0);
	for (size_t at = 0; at <= sizeof bytes; at++) {
		uint64_t sum = bm_sum16(0, bm_view(bytes, at), false);
		sum = bm_sum16(sum, bm_view(bytes + at, sizeof bytes - at), at % 2 != 0);
		assert_int_equal(bm_sum16_fold(sum), whole);
	}
}

struct transport {
	const char *words;
	size_t field_at; /* of the checksum in the frame */
	size_t ip_size;
	size_t src_at;
	unsigned protocol;
};

static const struct transport transports[] = {
	{"eth ip4 tcp", 14 + 20 + 16, 4, 14 + 12, 6},
	{"eth ip6 tcp", 14 + 40 + 16, 16, 14 + 8, 6},
	{"eth ip4 udp", 14 + 20 + 6, 4, 14 + 12, 17},
	{"eth ip6 udp", 14 + 40 + 6, 16, 14 + 8, 17},
};

static enum bm_checksum
with_field(const struct transport *t, unsigned field)
{
	bm_store16(m.frame + t->field_at, field);
	assert_true(bm_decode(d, &m.f, &s));
	assert_int_equal(s.checksum_field, field);
	return s.checksum;
}

/* For every value of the field: right, left to the card, none, or wrong. */
static void
check_fields(const struct transport *t, size_t n)
{
	make(&m, t->words, n);
	make_frame(&m, 1, 1);
	unsigned right = bm_load16(m.frame + t->field_at);
	size_t segment = m.f.data.n - t->src_at - 2 * t->ip_size;
	uint32_t sum = plain_sum(m.frame + t->src_at, 2 * t->ip_size, t->protocol);
	unsigned without = plain_sum(NULL, 0, sum);
	sum += (uint32_t)segment;
	unsigned with = (sum & 0xffff) + (sum >> 16);
	unsigned found[4] = {0};

	assert_int_equal(with_field(t, right), BM_CHECKSUM_VALID);
	assert_int_equal(with_field(t, with), BM_CHECKSUM_OFFLOADED);
	assert_int_equal(with_field(t, without), BM_CHECKSUM_OFFLOADED);
	assert_int_equal(
		with_field(t, 0), t->protocol == 6 ? BM_CHECKSUM_OFFLOADED : BM_CHECKSUM_UNKNOWN);
	for (unsigned field = 0; field < 0x10000; field++)
		found[with_field(t, field)]++;
	assert_int_equal(found[BM_CHECKSUM_VALID], 1);
	assert_int_equal(found[BM_CHECKSUM_OFFLOADED], t->protocol == 6 ? 3 : 2);
	assert_int_equal(found[BM_CHECKSUM_UNKNOWN], t->protocol == 6 ? 0 : 1);
	made_free(&m);
}

static void
test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		check_fields(&transports[i], 37);
		check_fields(&transports[i], 1448);
	}
}

/* The field of a real frame from a Linux loopback, which is the pseudo-header's sum:
 * 127.0.0.1 to itself, TCP, 32 octets and no payload, gives 0xfe28. */
static void
test_linux_loopback(void **state)
{
	(void)state;
	make(&m, "eth ip4 tcp", 0);
	make_frame(&m, 1, 1);
	memcpy(m.frame + 26, "\x7f\0\0\1\x7f\0\0\1", 8);
	bm_store16(m.frame + 50, 0xfe28);
	assert_true(bm_decode(d, &m.f, &s));
	assert_int_equal(s.checksum, BM_CHECKSUM_OFFLOADED);
}

/* A sum that comes out as zero is sent as ones in UDP (RFC 768) and as zero in TCP. */
static void
test_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		const struct transport *t = &transports[i];
		make(&m, t->words, 40);
		make_frame(&m, 1, 1);
		unsigned right = bm_load16(m.frame + t->field_at);
		/* The last word takes up what the field gives. */
		uint8_t *last = m.frame + m.f.data.n - 2;
		uint32_t word = (uint32_t)bm_load16(last) + right;
		bm_store16(last, (word & 0xffff) + (word >> 16));
		assert_int_equal(with_field(t, t->protocol == 6 ? 0 : 0xffff), BM_CHECKSUM_VALID);
		made_free(&m);
	}
}

/* Swapped words escape the sum; that is what "valid" does not exclude. */
static void
test_swapped_words(void **state)
{
	(void)state;
	make(&m, "eth ip4 tcp", 40);
	make_frame(&m, 1, 1);
	uint8_t *p = m.frame + m.f.data.n - 40;
	for (size_t i = 0; i < 2; i++) {
		uint8_t keep = p[i];
		p[i] = p[i + 8];
		p[i + 8] = keep;
	}
	assert_true(bm_decode(d, &m.f, &s));
	assert_int_equal(s.checksum, BM_CHECKSUM_VALID);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071),
		cmocka_unit_test(test_every_length_and_alignment),
		cmocka_unit_test(test_long_runs),
		cmocka_unit_test(test_cut_in_two),
		TEST(test_fields),
		TEST(test_linux_loopback),
		TEST(test_zero),
		TEST(test_swapped_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
