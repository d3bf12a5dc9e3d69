/* Streams that are put as they were sent: wherever damage lies beside the edges of segments, in
 * each copy of them, over IPv4 and IPv6, across the end of the sequence numbers. */
#include "made.h"

#include "carve/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { STREAM = 900, PIECE = 100 };

static uint8_t sent[STREAM + 64];
static const char padding[1] = {0};

/* Octets of which no two runs are alike. */
static void
fill(void)
{
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 7 + i / 31 * 13 + 1);
}

struct shape {
	bool six, repeated, acked_each, finished;
	unsigned tags;
};

/* The client's stream in pieces, each acknowledged if that is wanted, the third captured twice, and
 * one octet of the server's at the end. */
static void
make(struct made *m, struct bm_view stream, const struct shape *shape)
{
	made_start(m);
	m->six = shape->six;
	m->tags = shape->tags;
	made_hello(m);
	for (size_t at = 0; at < stream.n; at += PIECE) {
		size_t n = stream.n - at < PIECE ? stream.n - at : PIECE;
		struct made_segment s = {
			.flags = BM_ACK, .at = at, .payload = bm_view(stream.p + at, n), .padding = at % 3};
		made_add(m, &s);
		if (shape->repeated && at == 2 * PIECE)
			made_add(m, &s);
		if (shape->acked_each)
			made_add(
				m, &(struct made_segment){.from = MADE_SERVER, .flags = BM_ACK, .acked = at + n});
	}
	if (shape->finished)
		made_add(m, &(struct made_segment){.flags = BM_ACK | BM_FIN, .at = stream.n});
	made_add(m, &(struct made_segment){.from = MADE_SERVER,
					.flags = BM_ACK,
					.acked = stream.n + shape->finished,
					.payload = bm_view("!", 1),
					.sack = {stream.n - 10, stream.n}});
}

/* n octets at `at` of what was sent were replaced by `received`. */
static void
check(const struct shape *shape, size_t at, size_t n, struct bm_view received, const char *cause)
{
	struct made m;
	struct made_result r;
	struct bm_buf report, stream = {.max = 1 << 16};
	struct bm_view lost = bm_view(sent + at, n);
	struct made_failure f = {cause, at, 0, made_damage(at, received, &lost)};

	assert_int_equal(bm_buf_add(&stream, bm_view(sent, at)), BM_OK);
	assert_int_equal(bm_buf_add(&stream, received), BM_OK);
	assert_int_equal(bm_buf_add(&stream, bm_view(sent + at + n, STREAM - at - n)), BM_OK);
	make(&m, bm_buf_view(&stream), shape);
	made_report(&report, &m, &f, 1);
	made_carve(&m, bm_buf_view(&report), true, &r);
	assert_int_equal(r.status, BM_OK);
	assert_false(r.missing);
	assert_true(bm_view_equal(bm_buf_view(&r.streams[MADE_CLIENT]), bm_view(sent, STREAM)));
	assert_int_equal(r.streams[MADE_SERVER].n, 1);
	assert_int_equal(r.bad_checksums, 0);
	/* Nothing stands twice that did not before. */
	if (!shape->repeated)
		assert_int_equal(r.octets, STREAM + 1);
	assert_int_equal(r.acked[MADE_SERVER], STREAM + shape->finished);
	assert_int_equal(r.sack[1], STREAM);
	assert_true(r.comments != 0 || received.n >= PIECE);
	made_result_clear(&r);
	bm_buf_clear(&report);
	bm_buf_clear(&stream);
	made_clear(&m);
}

static const struct shape shapes[] = {
	{false, false, false, false, 0},
	{true, true, true, true, 0},
	{false, true, true, true, 2},
};

static void
test_replaced(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++)
		for (size_t at = 2 * PIECE - 3; at < 3 * PIECE + 3; at += 2)
			check(&shapes[k], at, 4, bm_view("WXYZ", 4), "bytes-damaged");
}

/* At each place around the edges of a segment, of a few octets and of more than one segment. */
static void
test_missing(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
		for (size_t at = 2 * PIECE - 2; at < 3 * PIECE + 3; at++)
			check(&shapes[k], at, 7, bm_view(padding, 0), "bytes-missing");
		check(&shapes[k], 250, 250, bm_view(padding, 0), "bytes-missing");
		/* The last octets of all, with a FIN behind them or nothing. */
		check(&shapes[k], STREAM - 7, 7, bm_view(padding, 0), "bytes-missing");
		check(&shapes[k], 0, 7, bm_view(padding, 0), "bytes-missing");
	}
}

static void
test_inserted(void **state)
{
	static uint8_t foreign[350];

	(void)state;
	memset(foreign, 0xaa, sizeof foreign);
	for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++)
		for (size_t n = 1; n <= sizeof foreign; n += n < 10 ? 3 : 113)
			for (size_t at = 2 * PIECE - 2; at < 3 * PIECE + 3; at += 5)
				check(&shapes[k], at, 0, bm_view(foreign, n), "bytes-inserted");
	/* Whole segments of nothing else. */
	check(&shapes[1], 2 * PIECE, 0, bm_view(foreign, PIECE), "plaintext-injected");
	check(&shapes[1], 2 * PIECE, 0, bm_view(foreign, 3 * PIECE), "plaintext-injected");
}

/* Shorter and longer than what was sent. */
static void
test_other_length(void **state)
{
	(void)state;
	for (size_t at = 2 * PIECE - 8; at < 3 * PIECE + 3; at++) {
		check(&shapes[1], at, 9, bm_view("WXYZ", 4), "bytes-damaged");
		check(&shapes[2], at, 3, bm_view("RSTUVWXYZ", 9), "bytes-damaged");
	}
}

static void
test_two_failures(void **state)
{
	struct made m;
	struct made_result r;
	struct bm_buf report, stream = {.max = 1 << 16};
	struct bm_view none = bm_view(padding, 0), lost = bm_view(sent + 500, 5);
	char one[2000], two[2000];
	struct made_failure f[] = {{"bytes-inserted", 150, 0, one}, {"bytes-missing", 505, 0, two}};

	(void)state;
	/* Ten octets too many at 150, five too few at 500, which then is 510. */
	assert_int_equal(bm_buf_add(&stream, bm_view(sent, 150)), BM_OK);
	assert_int_equal(bm_buf_add(&stream, bm_view("0123456789", 10)), BM_OK);
	assert_int_equal(bm_buf_add(&stream, bm_view(sent + 150, 350)), BM_OK);
	assert_int_equal(bm_buf_add(&stream, bm_view(sent + 505, STREAM - 505)), BM_OK);
	(void)snprintf(one, sizeof one, "%s", made_damage(150, bm_view("0123456789", 10), &none));
	(void)snprintf(two, sizeof two, "%s", made_damage(510, none, &lost));
	make(&m, bm_buf_view(&stream), &shapes[1]);
	made_report(&report, &m, f, 2);
	made_carve(&m, bm_buf_view(&report), true, &r);
	assert_int_equal(r.status, BM_OK);
	assert_false(r.missing);
	assert_true(bm_view_equal(bm_buf_view(&r.streams[MADE_CLIENT]), bm_view(sent, STREAM)));
	assert_int_equal(r.bad_checksums, 0);
	made_result_clear(&r);
	bm_buf_clear(&report);
	/* The same bytes twice: the second is not made. */
	f[1] = f[0];
	made_report(&report, &m, f, 2);
	made_carve(&m, bm_buf_view(&report), true, &r);
	assert_int_equal(r.status, BM_OK);
	assert_true(r.missing);
	made_result_clear(&r);
	bm_buf_clear(&report);
	bm_buf_clear(&stream);
	made_clear(&m);
}

/* One copy is bad and was sent again: the good one stays as it is. Checksums that were wrong for
 * another reason stay wrong. */
static void
test_copies(void **state)
{
	struct made m;
	struct made_result r;
	struct bm_buf report;
	struct bm_view good = bm_view(sent, PIECE);
	uint8_t bad[PIECE];
	struct bm_view lost = bm_view(sent + 40, 2);
	struct made_failure f = {"retransmission-differs", 0, 0, NULL};

	(void)state;
	memcpy(bad, sent, PIECE);
	memcpy(bad + 40, "ZZ", 2);
	f.damage = made_damage(40, bm_view("ZZ", 2), &lost);
	made_start(&m);
	made_hello(&m);
	made_add(&m, &(struct made_segment){.flags = BM_ACK, .payload = bm_view(bad, PIECE)});
	made_add(&m, &(struct made_segment){.flags = BM_ACK, .payload = good});
	made_add(&m, &(struct made_segment){
					 .flags = BM_ACK, .at = PIECE, .payload = good, .bad_checksum = true});
	made_report(&report, &m, &f, 1);
	made_carve(&m, bm_buf_view(&report), true, &r);
	assert_int_equal(r.status, BM_OK);
	assert_false(r.missing);
	assert_int_equal(r.packets, 6);
	assert_int_equal(r.bad_checksums, 1);
	assert_int_equal(r.comments, 1);
	assert_true(bm_view_equal(bm_view(r.streams[MADE_CLIENT].p, PIECE), good));
	made_result_clear(&r);
	bm_buf_clear(&report);
	made_clear(&m);
}

/* Numbers move behind what is taken out; a checksum that was wrong is wrong still. */
static void
test_wrong_checksums(void **state)
{
	struct made m;
	struct made_result r;
	struct bm_buf report;
	struct bm_view none = bm_view(padding, 0), data = bm_view(sent, PIECE);
	struct made_failure f = {"bytes-inserted", 0, 0, made_damage(10, bm_view(sent + 10, 9), &none)};

	(void)state;
	for (unsigned bad = 0; bad < 2; bad++) {
		made_start(&m);
		made_hello(&m);
		made_add(&m, &(struct made_segment){.flags = BM_ACK, .payload = data});
		made_add(&m, &(struct made_segment){
						 .flags = BM_ACK, .at = PIECE, .payload = data, .bad_checksum = bad != 0});
		made_report(&report, &m, &f, 1);
		made_carve(&m, bm_buf_view(&report), true, &r);
		assert_int_equal(r.status, BM_OK);
		assert_false(r.missing);
		assert_int_equal(r.streams[MADE_CLIENT].n, 2 * PIECE - 9);
		assert_int_equal(r.bad_checksums, bad);
		made_result_clear(&r);
		bm_buf_clear(&report);
		made_clear(&m);
	}
}

/* What the capture does not bear out is not done. */
static void
test_refused(void **state)
{
	struct made m;
	struct made_result r;
	struct bm_buf report;
	static uint8_t lots[900];
	struct bm_view some = bm_view("ab", 2), none = bm_view(padding, 0), much = bm_view(lots, 900);
	const struct made_failure f[] = {
		{"bits-flipped", 0, 0, made_damage(40, bm_view("ZZ", 2), &some)},
		{"bits-flipped", 0, 0, made_damage(40, bm_view(sent + 40, 2), NULL)},
		{"bytes-missing", 0, 0, made_damage(STREAM + 1, none, &some)},
		{"bytes-missing", 0, 0, made_damage((uint64_t)1 << 53, none, &some)},
		{"record-replayed", 0, 200, NULL},
		{"record-replayed", STREAM, 5, NULL},
		{"records-reordered", (uint64_t)1 << 53, 5, NULL},
		{"records-interleaved", 0, 50, made_damage(40, bm_view(sent + 40, 900), &none)},
		{"eaten-by-moths", 0, 0, NULL},
		{"record-missing", 0, 5, NULL},
	};

	(void)state;
	make(&m, bm_view(sent, STREAM), &shapes[0]);
	for (size_t i = 0; i < sizeof f / sizeof f[0]; i++) {
		made_report(&report, &m, &f[i], 1);
		made_carve(&m, bm_buf_view(&report), true, &r);
		assert_int_equal(r.status, BM_OK);
		assert_true(r.missing);
		assert_true(bm_view_equal(bm_buf_view(&r.streams[MADE_CLIENT]), bm_view(sent, STREAM)));
		assert_int_equal(r.bad_checksums, 0);
		assert_int_equal(r.comments, 0);
		made_result_clear(&r);
		bm_buf_clear(&report);
	}
	made_clear(&m);
	/* Longer than IP can say: 65 segments' worth in one. */
	made_start(&m);
	made_hello(&m);
	struct bm_buf big = {.max = 1 << 20};
	for (unsigned i = 0; i < 65000 / sizeof lots; i++)
		assert_int_equal(bm_buf_add(&big, much), BM_OK);
	made_add(&m, &(struct made_segment){.flags = BM_ACK, .payload = bm_buf_view(&big)});
	struct made_failure one = {"bytes-missing", 0, 0, made_damage(7, none, &much)};
	made_report(&report, &m, &one, 1);
	made_carve(&m, bm_buf_view(&report), true, &r);
	assert_int_equal(r.status, BM_OK);
	assert_true(r.missing);
	assert_int_equal(r.streams[MADE_CLIENT].n, big.n);
	made_result_clear(&r);
	bm_buf_clear(&report);
	bm_buf_clear(&big);
	made_clear(&m);
}

static void
test_cut(void **state)
{
	struct made m;
	struct made_result r;
	struct bm_buf report;
	struct bm_view lost = bm_view(sent + 10, 2), none = bm_view(padding, 0);
	uint8_t bad[PIECE];
	struct made_failure f = {"bits-flipped", 0, 0, NULL};

	(void)state;
	memcpy(bad, sent, PIECE);
	memcpy(bad + 10, "ZZ", 2);
	for (unsigned shorter = 0; shorter < 2; shorter++) {
		f.damage = made_damage(10, bm_view("ZZ", 2), shorter != 0 ? &none : &lost);
		made_start(&m);
		made_hello(&m);
		made_add(
			&m, &(struct made_segment){.flags = BM_ACK, .payload = bm_view(bad, PIECE), .cut = 50});
		made_report(&report, &m, &f, 1);
		made_carve(&m, bm_buf_view(&report), true, &r);
		assert_int_equal(r.status, BM_OK);
		assert_int_equal(r.missing, shorter != 0);
		assert_int_equal(r.streams[MADE_CLIENT].n, 50);
		assert_int_equal(memcmp(r.streams[MADE_CLIENT].p, shorter != 0 ? bad : sent, 50), 0);
		made_result_clear(&r);
		bm_buf_clear(&report);
		made_clear(&m);
	}
}

static void
test_dates(void **state)
{
	static const char *const wrong[] = {"", "soon", "2026-01-01T00:00:00Z",
		"2026-01-01 00:00:00.000000000Z", "2026-13-01T00:00:00.000000000Z",
		"2026-01-00T00:00:00.000000000Z", "1969-12-31T23:59:59.000000000Z",
		"2026-01-01T00:00:00.000000000Zx", "9999-01-01T00:00:00.000000000Z"};
	uint64_t ns;

	(void)state;
	assert_true(date_ns("1970-01-01T00:00:00.000000001Z", &ns));
	assert_int_equal(ns, 1);
	/* date -ud '2024-02-29 23:59:59' +%s */
	assert_true(date_ns("2024-02-29T23:59:59.123456789Z", &ns));
	assert_true(ns == 1709251199123456789);
	assert_true(date_ns("2100-03-01T00:00:00.000000000Z", &ns));
	assert_true(ns == 4107542400000000000);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(date_ns(wrong[i], &ns));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_inserted),
		cmocka_unit_test(test_other_length),
		cmocka_unit_test(test_two_failures),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_wrong_checksums),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_dates),
	};

	fill();
	return cmocka_run_group_tests_name("carve: as it was sent", tests, NULL, NULL);
}
