/* What is one connection and one finding, case by case with its nearest miss; reading in pieces;
 * times, addresses and chances. */
#include "report.h"

#include "store/model.h"
#include "store/put.h"

#include <stdio.h>

enum { ONE = 1, TWO = 2 };

/* How many findings two reports come to, in either order. */
static void
both(const struct made *a, const struct made *b, long findings, long connections)
{
	char problem[BM_STORE_PROBLEM];
	struct bm_store_added added;

	for (int turn = 0; turn < 2; turn++) {
		store_remove();
		assert_int_equal(store_put(turn == 0 ? a : b, 1, true, &added, problem), BM_OK);
		assert_int_equal(store_put(turn == 0 ? b : a, 1, false, &added, problem), BM_OK);
		assert_int_equal(store_ask("SELECT count(*) FROM finding"), findings);
		assert_int_equal(store_ask("SELECT count(*) FROM connection"), connections);
	}
	store_remove();
}

static void
test_connections(void **state)
{
	static const struct made whole = {MADE, .random = RANDOM, .keys = "key log"};
	struct made x = whole;

	(void)state;
	both(&whole, &x, ONE, ONE);
	/* Behind an address translator. */
	x.client = "198.51.100.7:1";
	both(&whole, &x, ONE, ONE);
	x = whole;
	x.server = "[2001:db8::1]:8443";
	both(&whole, &x, ONE, ONE);
	/* Another port alone: a client that makes no new randoms. */
	x = whole;
	x.client = "192.0.2.1:40001";
	both(&whole, &x, TWO, TWO);
	/* Another random between the same ends. */
	x = whole;
	x.random = "9f1d4b2a90c7e35564a8f0123bcd9e7711223a4c5d6e7f8091a2b3c4d5e6f708";
	both(&whole, &x, TWO, TWO);
}

static void
test_connections_without_randoms(void **state)
{
	static const struct made whole = {MADE, .random = RANDOM, .keys = "key log"};
	static const struct made early = {MADE, .first = "00.000000000", .last = "00.500000000"};
	struct made x = whole;

	(void)state;
	x.random = NULL;
	x.first = "01.500000000";
	both(&whole, &x, ONE, ONE);
	x.server = "192.0.2.2:444";
	both(&whole, &x, TWO, TWO);
	/* Both without one: near in time. */
	x = early;
	x.first = "59.000000000";
	x.last = "59.500000000";
	both(&early, &x, ONE, ONE);
	/* Counting up, and with too few different octets: none. */
	x = early;
	struct made y = early;
	x.random = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	y.random = x.random;
	y.client = "198.51.100.1:7";
	both(&x, &y, TWO, TWO);
	x.random = y.random = "0102030405060708090a0b0c0d0e0f0102030405060708090a0b0c0d0e0f0102";
	both(&x, &y, TWO, TWO);
	x.random = y.random = RANDOM;
	both(&x, &y, ONE, ONE);
}

static const char flip_a[] =
	"{\"record_offset\": 205, \"stream_offset\": 3205, \"length\": 1, \"packet\": 7,"
	" \"packet_offset\": 271, \"received\": \"b0\", \"sent\": \"a0\"}";
static const char flip_b[] =
	"{\"record_offset\": 205, \"stream_offset\": 3205, \"length\": 1, \"packet\": 7,"
	" \"packet_offset\": 271, \"received\": \"b0\", \"sent\": \"b1\"}";

static void
test_findings(void **state)
{
	static const struct made keyed = {MADE, .random = RANDOM, .keys = "key log", .damage = flip_a};
	struct made x = keyed;

	(void)state;
	/* The same packets, first without keys: the place of the record is the same. */
	x.keys = NULL;
	x.sequence = -1;
	x.damage = "";
	both(&keyed, &x, ONE, ONE);
	/* Another capture: the number says it, wherever offsets are counted from. */
	x = keyed;
	x.first = "01.100000000";
	x.last = "02.100000000";
	x.offset = 1234;
	both(&keyed, &x, ONE, ONE);
	x.sequence = 5;
	both(&keyed, &x, TWO, ONE);
	x.sequence = 4;
	x.epoch = 2;
	both(&keyed, &x, TWO, ONE);
	x.epoch = 1;
	x.direction = "server_to_client";
	both(&keyed, &x, TWO, ONE);
	/* No number, and offsets from elsewhere: the damage says it. */
	x = keyed;
	x.first = "01.100000000";
	x.last = "02.100000000";
	x.offset = 77;
	x.sequence = -1;
	both(&keyed, &x, ONE, ONE);
	x.damage = flip_b;
	both(&keyed, &x, TWO, ONE);
	x.damage = flip_a;
	x.length = 1030;
	both(&keyed, &x, TWO, ONE);
	/* Not at the same time. */
	x.length = 1029;
	x.first = "02.000000001";
	both(&keyed, &x, TWO, ONE);
	/* A piece of the same capture, which is no better. */
	x = keyed;
	x.first = "01.100000000";
	x.sequence = 77;
	both(&keyed, &x, ONE, ONE);
	/* A complaint is about what another capture shows. */
	x = keyed;
	x.first = "00.900000000";
	x.last = "01.900000000";
	x.cause = "record-was-good";
	x.sequence = 9;
	x.offset = 9000;
	x.damage = "";
	both(&keyed, &x, ONE, ONE);
	x.direction = "server_to_client";
	both(&keyed, &x, TWO, ONE);
}

static void
test_who_tells(void **state)
{
	static const struct made keyed = {
		MADE, .random = RANDOM, .keys = "key log", .confidence = "proven", .damage = flip_a};
	struct made good = keyed, keyless = keyed;
	char problem[BM_STORE_PROBLEM];
	struct bm_store_added added;

	(void)state;
	/* Keys superseded what was thought without them; the reverse changes nothing. */
	keyless.keys = NULL;
	keyless.verified = 0;
	keyless.undecided = 5;
	keyless.offset = 100;
	keyless.sequence = -1;
	keyless.cause = "bytes-missing";
	both(&keyed, &keyless, ONE, ONE);
	good.cause = NULL;
	store_remove();
	assert_int_equal(store_put(&keyless, 1, true, &added, problem), BM_OK);
	assert_int_equal(added.findings, 1);
	assert_int_equal(store_ask("SELECT count(*) FROM finding"), 1);
	assert_int_equal(store_put(&good, 1, true, &added, problem), BM_OK);
	assert_int_equal(store_ask("SELECT count(*) FROM finding"), 0);
	assert_int_equal(store_ask("SELECT count(*) FROM failure"), 1);
	assert_int_equal(store_ask("SELECT superseded FROM sighting ORDER BY id"), 1);
	/* What never failed leaves numbers. */
	good.random = "9f1d4b2a90c7e35564a8f0123bcd9e7711223a4c5d6e7f8091a2b3c4d5e6f708";
	good.client = "192.0.2.1:40001";
	assert_int_equal(store_put(&good, 1, true, &added, problem), BM_OK);
	assert_int_equal(store_ask("SELECT count(*) FROM sighting"), 2);
	assert_int_equal(store_ask("SELECT sum(connections) FROM traffic WHERE kind = 'server'"), 3);
	/* Bits. */
	store_remove();
	assert_int_equal(store_put(&keyed, 1, true, &added, problem), BM_OK);
	assert_int_equal(store_ask("SELECT bits FROM failure"), 1);
	assert_int_equal(store_ask("SELECT bit FROM failure"), 4);
	assert_int_equal(store_ask("SELECT flip = '0 to 1' FROM failure"), 1);
	assert_int_equal(store_ask("SELECT damage_packet_offset FROM failure"), 271);
	assert_int_equal(store_ask("SELECT count(*) FROM evidence"), 2);
	store_remove();
}

/* However the octets come. */
static void
test_pieces(void **state)
{
	static const struct made list[] = {{MADE, .random = RANDOM},
		{MADE, .client = "192.0.2.9:1",
			.random = "9f1d4b2a90c7e35564a8f0123bcd9e7711223a4c5d6e7f8091a2b3c4d5e6f708"}};
	const struct bm_store_run run = {.now = 1};
	char problem[BM_STORE_PROBLEM];
	struct bm_store_added added;
	struct bm_store *s;
	struct bm_buf b;

	(void)state;
	store_remove();
	assert_int_equal(bm_store_open(&s, store_path(), true, problem), BM_OK);
	for (int lines = 0; lines < 2; lines++) {
		report_make(&b, list, 2, lines != 0);
		for (size_t chunk = 1; chunk < 200; chunk = chunk * 3 + 1) {
			struct report_source source = {.bytes = bm_buf_view(&b), .chunk = chunk};
			assert_int_equal(bm_store_add(s, report_read, &source, &run, &added, problem), BM_OK);
			assert_int_equal(added.findings, lines == 0 && chunk == 1 ? 2 : 0);
			assert_int_equal(added.connections, 2);
		}
		/* Cut anywhere it is no report, and cannot be read it is none. */
		for (size_t n = 0; n + 2 < b.n; n += 37) {
			struct report_source cut = {.bytes = bm_view(b.p, n)};
			struct report_source broken = {
				.bytes = bm_buf_view(&b), .chunk = n + 1, .fail_at = n + 1};
			assert_int_equal(bm_store_add(s, report_read, &cut, &run, &added, problem), BM_FORMAT);
			assert_true(problem[0] != '\0');
			assert_int_equal(bm_store_add(s, report_read, &broken, &run, &added, problem), BM_IO);
			assert_string_equal(problem, "");
		}
		bm_buf_clear(&b);
	}
	bm_store_close(s);
	assert_int_equal(store_ask("SELECT count(*) FROM finding"), 2);
	store_remove();
}

static void
test_times_and_addresses(void **state)
{
	static const struct {
		const char *text;
		int64_t ns; /* below 0: none */
	} times[] = {{"1970-01-01T00:00:00.000000000Z", 0},
		{"2000-02-29T12:34:56.000000007Z", 951827696000000007},
		{"2026-11-24T10:00:00.000000000Z", 1795514400000000000},
		{"2100-03-01T00:00:00.000000000Z", 4107542400000000000},
		{"2026-13-01T00:00:00.000000000Z", -1}, {"2026-00-01T00:00:00.000000000Z", -1},
		{"1969-12-31T00:00:00.000000000Z", -1}, {"2262-01-01T00:00:00.000000000Z", -1},
		{"2026-11-24T24:00:00.000000000Z", -1}, {"2026-11-24 10:00:00.000000000Z", -1},
		{"2026-11-24T10:00:00.00000000Z", -1}, {"2026-11-24T10:00:00Z", -1}, {"", -1}};
	static const char *const ends[][2] = {{"192.0.2.1:443", "192.0.2.1"},
		{"[2001:db8::1]:443", "2001:db8::1"}, {"[::1]", "[:"}, {"host-3", "host-3"}, {"", ""},
		{":1", ""}};
	char out[32];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		assert_int_equal(bm_store_time(times[i].text, &ns), times[i].ns >= 0);
		if (times[i].ns >= 0)
			assert_true(ns == times[i].ns);
	}
	assert_false(bm_store_time(NULL, &ns));
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		bm_store_address(ends[i][0], out, sizeof out);
		if (strcmp(ends[i][0], "[::1]") != 0)
			assert_string_equal(out, ends[i][1]);
	}
	bm_store_address("[2001:db8:1111:2222:3333:4444:5555:6666:7777:8888]:443", out, 8);
	assert_string_equal(out, "2001:db");
}

static void
test_groups_have_names(void **state)
{
	(void)state;
	assert_null(bm_history_group_name(BM_GROUP_NONE));
	assert_int_equal(bm_history_group_find("colour"), BM_GROUP_NONE);
	for (int g = 1; g < BM_GROUP_COUNT; g++) {
		assert_int_equal(bm_history_group_find(bm_history_group_name((enum bm_history_group)g)), g);
		assert_memory_equal(bm_group_heading((enum bm_history_group)g), "by ", 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_connections),
		cmocka_unit_test(test_connections_without_randoms), cmocka_unit_test(test_findings),
		cmocka_unit_test(test_who_tells), cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_times_and_addresses), cmocka_unit_test(test_groups_have_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
