/* Headers of DTLS records, damaged in every field, over records that are sealed here with OpenSSL's
 * calls alone: what was sent is found, and nothing where the body is damaged as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "repair/dtls_header.h"
#include "seal.h"

enum { HEAD = 13, CONTENT = 70, NUMBER = 41, EPOCH = 1 };

static struct bm_scratch scratch;
static struct bm_protection *protection;
static uint8_t datagram[HEAD + 4 * RECORD_MAX];
static size_t datagram_n, record_n;
static const struct kind *const kind = &kinds[14]; /* AES128-SHA DTLS 1.2 */

/* A record as DTLS has it, of what seal.h makes for TLS: the number in the MAC is epoch and number.
 */
static void
set_up(void)
{
	static struct sealed r;

	seal(&r, kind, CONTENT, 0);
	r.position.seq = (uint64_t)EPOCH << 48 | NUMBER;
	fill(r.bytes + 5, 16 + CONTENT);
	protect(&r, kind, CONTENT, 0);
	assert_int_equal(BM_OK, bm_protection_new(&protection, &r.keys));
	memcpy(datagram, r.bytes, 3);
	bm_store64(datagram + 3, r.position.seq);
	bm_store16(datagram + 11, (unsigned)r.body_n);
	memcpy(datagram + HEAD, r.bytes + 5, r.body_n);
	datagram_n = record_n = HEAD + r.body_n;
}

static void
tear_down(void)
{
	bm_protection_free(protection);
	protection = NULL;
}

static struct bm_dtls_headers
asked(size_t end)
{
	struct bm_dtls_headers h = {.version = BM_DTLS12,
		.bytes = bm_view(datagram, datagram_n),
		.ends = {end},
		.end_count = 1,
		.epochs = {{.epoch = EPOCH, .protection = protection, .expected = NUMBER + 2}},
		.epoch_count = 1,
		.work = UINT64_MAX};

	for (uint64_t i = 0; i < BM_DTLS_NUMBERS; i++)
		h.epochs[0].numbers[i] = NUMBER + 2 - i;
	h.epochs[0].number_count = BM_DTLS_NUMBERS;
	return h;
}

static bool
is_found(size_t end, const uint8_t sent[HEAD])
{
	struct bm_dtls_headers h = asked(end);
	struct bm_dtls_header found;

	assert_int_equal(BM_OK, bm_find_dtls_header(&h, &scratch, &found));
	if (!found.found)
		return false;
	assert_int_equal(HEAD, found.len);
	assert_memory_equal(sent, found.bytes, HEAD);
	assert_int_equal(record_n, found.end);
	assert_int_equal(EPOCH, found.epoch);
	assert_int_equal(NUMBER, found.seq);
	assert_ptr_equal(protection, found.protection);
	assert_true(found.tried != 0 && found.work != 0);
	return true;
}

/* Any octet of it, any value. */
static void
test_every_octet(void **state)
{
	uint8_t sent[HEAD];

	(void)state;
	set_up();
	memcpy(sent, datagram, HEAD);
	for (size_t at = 0; at < HEAD; at++) {
		for (unsigned x = 1; x < 256; x++) {
			datagram[at] ^= (uint8_t)x;
			assert_true(is_found(record_n, sent));
			datagram[at] ^= (uint8_t)x;
		}
	}
	tear_down();
}

/* Several fields, and all of them. */
static void
test_several(void **state)
{
	uint8_t sent[HEAD];

	(void)state;
	set_up();
	memcpy(sent, datagram, HEAD);
	for (int i = 0; i < 200; i++) {
		size_t from = (size_t)draw() % HEAD;
		fill(datagram + from, 1 + (size_t)draw() % (HEAD - from));
		if (memcmp(datagram, sent, HEAD) != 0)
			assert_true(is_found(record_n, sent));
		memcpy(datagram, sent, HEAD);
	}
	tear_down();
}

/* What is right is not found again, nor is what is damaged elsewhere, ends elsewhere or may cost
 * nothing. */
static void
test_nearest_miss(void **state)
{
	uint8_t sent[HEAD];

	(void)state;
	set_up();
	memcpy(sent, datagram, HEAD);
	assert_false(is_found(record_n, sent));
	datagram[4] ^= 2;
	for (size_t at = HEAD; at < datagram_n; at += 7) {
		datagram[at] ^= 0x10;
		assert_false(is_found(record_n, sent));
		datagram[at] ^= 0x10;
	}
	for (size_t end = 0; end < record_n + 20; end++)
		if (end != record_n)
			assert_false(is_found(end, sent));
	struct bm_dtls_headers h = asked(record_n);
	struct bm_dtls_header found;
	h.work = 0;
	assert_int_equal(BM_OK, bm_find_dtls_header(&h, &scratch, &found));
	assert_false(found.found);
	assert_int_equal(0, found.tried);
	h = asked(record_n);
	h.epoch_count = 0;
	assert_int_equal(BM_OK, bm_find_dtls_header(&h, &scratch, &found));
	assert_false(found.found);
	/* A number that nobody has thought of, three octets of it damaged. */
	datagram[4] ^= 2;
	h = asked(record_n);
	for (size_t i = 0; i < BM_DTLS_NUMBERS; i++)
		h.epochs[0].numbers[i] += 1000;
	fill(datagram + 6, 3);
	datagram[6] = datagram[7] = datagram[8] = 0x77;
	assert_int_equal(BM_OK, bm_find_dtls_header(&h, &scratch, &found));
	assert_false(found.found);
	tear_down();
}

/* Short ones, and noise: never beyond what is there. */
static void
test_noise(void **state)
{
	(void)state;
	set_up();
	for (unsigned version = 0; version < 2; version++) {
		for (size_t n = 0; n < 60; n++) {
			uint8_t *exact = malloc(n + 1);
			struct bm_dtls_header found;
			fill(exact, n);
			struct bm_dtls_headers h = asked(n);
			h.version = version == 0 ? BM_DTLS12 : BM_DTLS13;
			h.cid = bm_view(datagram, n % 5);
			h.bytes = bm_view(exact, n);
			h.ends[1] = n + 1;
			h.ends[2] = n / 2;
			h.end_count = 3;
			assert_int_equal(BM_OK, bm_find_dtls_header(&h, &scratch, &found));
			assert_false(found.found);
			free(exact);
		}
	}
	tear_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_nearest_miss),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
