/* Where the points and the words of docs/LOGS.md begin and end: each case lies just on one side.
 */
#include "ties.h"

#include <stdio.h>

#define LOCAL(when) when " local error: tls: bad record MAC\n"
#define FROM(when, end) when " x from " end ": local error: tls: bad record MAC\n"
#define FAR_APART                                                                                  \
	"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" \
	"\n\n\n"

static const struct made failed = {.port = 50001, .from = 1, .to = 20, .fails = 10, .alert = 10.01};

/* Two points apart: several. */
static void
test_margin(void **state)
{
	struct made complained = {.port = 50002, .from = 1, .to = 20, .alert = 10, .undecided = true};
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10.100Z"));
	ties_connection(t, &failed);
	ties_connection(t, &complained);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_SEVERAL, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

/* The port was used twice, and both failed within two seconds: eight points apart are not enough to
 * be certain, fifteen are. */
static void
test_clear(void **state)
{
	(void)state;
	for (int far = 0; far < 2; far++) {
		struct made again = failed;
		struct bm_tie *t = ties_open();
		again.fails = far ? 19 : 11.5;
		again.alert = again.fails;
		ties_log(t, "a.log", FROM("2026-11-26T09:00:10.000Z", "192.0.2.1:50001"));
		ties_connection(t, &failed);
		ties_connection(t, &again);
		ties_settle(t, 0, 400);
		assert_int_equal(0, ties_nth(t, 0).connection);
		assert_int_equal(far ? BM_SURE_CERTAIN : BM_SURE_LIKELY, ties_nth(t, 0).sure);
		bm_tie_free(t);
	}
}

/* What an incident is only likely to be about is not taken from the others. */
static void
test_taken(void **state)
{
	struct made twin = failed;
	struct bm_tie *t = ties_open();

	(void)state;
	twin.port = 50005;
	twin.fails = 10.3;
	ties_log(t, "a.log",
		FROM("2026-11-26 09:00:10 UTC", "203.0.113.9:50001")
			FAR_APART FAR_APART LOCAL("2026-11-26 09:00:10 UTC"));
	ties_connection(t, &failed);
	ties_connection(t, &twin);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_LIKELY, ties_nth(t, 0).sure);
	assert_int_equal(0, ties_nth(t, 0).connection);
	assert_int_equal(BM_SURE_SEVERAL, ties_nth(t, 1).sure);
	bm_tie_free(t);
}

/* Of a line that may not be about TLS at all nothing is more than possible. */
static void
test_doubtful(void **state)
{
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "a.log", "2026-11-26T09:00:10.000Z 192.0.2.1:50001: alert number 21\n");
	ties_connection(t, &failed);
	ties_settle(t, 0, 400);
	assert_int_equal(0, ties_nth(t, 0).connection);
	assert_int_equal(BM_SURE_POSSIBLE, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

/* A client and a server with many connections: address and port of the client say no less for it.
 */
static void
test_busy_client(void **state)
{
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "a.log", FROM("2026-11-26T09:00:10.000Z", "192.0.2.1:50001 to 198.51.100.7:443"));
	ties_connection(t, &failed);
	for (uint16_t i = 0; i < 60; i++) {
		struct made other = {.port = (uint16_t)(40000 + i), .from = 100 + i, .to = 101 + i};
		ties_connection(t, &other);
	}
	ties_settle(t, 0, 400);
	assert_int_equal(0, ties_nth(t, 0).connection);
	assert_int_equal(BM_SURE_CERTAIN, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

/* One port, used more often than is looked at: nothing is certain. */
static void
test_busy_port(void **state)
{
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "a.log", FROM("2026-11-26T09:00:10.000Z", "192.0.2.1:50001"));
	ties_connection(t, &failed);
	for (uint16_t i = 0; i < 60; i++) {
		struct made other = {.port = 50001, .from = 100 + i, .to = 101 + i};
		ties_connection(t, &other);
	}
	ties_settle(t, 0, 400);
	assert_int_equal(0, ties_nth(t, 0).connection);
	assert_int_equal(BM_SURE_LIKELY, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

#define AT "2026-11-26T09:00:15.000Z main, "
#define READ(n) AT "READ: TLSv1.2 Application Data, length = " n "\n"

/* Three lengths that end with no failure count a quarter, which a name comes near to. */
static void
test_lengths_in_the_midst(void **state)
{
	struct made lengths = {.port = 50001,
		.from = 1,
		.to = 20,
		.direction = BM_SERVER_TO_CLIENT,
		.undecided = true,
		.lengths = {483, 16148, 282, 90}};
	struct made name = {.port = 50002, .from = 1, .to = 20, .undecided = true};
	struct bm_tie *t = ties_open();

	(void)state;
	name.name = "www.example.org";
	ties_log(t, "a.log",
		READ("483") READ("16148") READ("282") AT
		"SEND TLSv1.2 ALERT:  fatal, description = bad_record_mac\n" AT
		"handling exception: bad record MAC www.example.org \n");
	ties_connection(t, &lengths);
	ties_connection(t, &name);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_SEVERAL, ties_nth(t, 0).sure);
	assert_true(ties_ground(t, 0, 0, "lengths") && ties_ground(t, 0, 1, "server_name"));
	bm_tie_free(t);
}

/* Up to five seconds after its end a line may still be about a connection. */
static void
test_late(void **state)
{
	struct made open = {.port = 50001, .from = 1, .to = 10, .undecided = true};

	(void)state;
	for (int late = 0; late < 2; late++) {
		struct bm_tie *t = ties_open();
		ties_log(t, "a.log",
			late ? LOCAL("2026-11-26T09:00:16.000Z") : LOCAL("2026-11-26T09:00:14.000Z"));
		ties_connection(t, &open);
		ties_settle(t, 0, 400);
		assert_int_equal(late ? BM_SURE_NONE : BM_SURE_POSSIBLE, ties_nth(t, 0).sure);
		bm_tie_free(t);
	}
}

#define JAVA(level, rest) "javax.net.ssl|" level "|01|main|2026-11-26 09:00:15.000 UTC|" rest

/* The client random that a thread showed counts a quarter where nothing failed: the other one,
 * which failed, is as likely. */
static void
test_random_of_thread(void **state)
{
	struct made bad = failed, whole = {.port = 50002, .from = 1, .to = 20, .random = 0xcd};
	struct bm_tie *t = ties_open();

	(void)state;
	bad.direction = BM_SERVER_TO_CLIENT;
	ties_log(t, "java.log",
		JAVA("DEBUG",
			"ClientHello.java:653|Produced ClientHello handshake message (\n") "  \"random\" : "
																			   "\"CDCDCDCDCDCDCDCDC"
																			   "DCDCDCDCDCDCDCDCDCD"
																			   "CDCDCDCDCDCDCDCDCDC"
																			   "DCDCDCDCD\","
																			   "\n" JAVA("ERROR",
																				   "TransportContex"
																				   "t.java:313|"
																				   "Fatal "
																				   "(BAD_RECORD_"
																				   "MAC): "
																				   "192.0.2.1 "
																				   "(\n"));
	ties_connection(t, &bad);
	ties_connection(t, &whole);
	ties_settle(t, 0, 400);
	assert_int_equal(0, ties_nth(t, 0).connection);
	assert_int_equal(0, ties_nth(t, 0).failure);
	bm_tie_free(t);
}

/* Lines that name their zone have no vote on how the others are to be read, however many. */
static void
test_zones_mixed(void **state)
{
	struct made other = failed, third = failed;
	struct bm_tie *t = ties_open();

	(void)state;
	other.port = 50002;
	third.port = 50003;
	ties_log(t, "a.log",
		FROM("2026-11-26T09:00:10Z", "192.0.2.1:50001") FROM("2026-11-26T09:00:10Z",
			"192.0.2.1:50002") FROM("2026-11-26 10:00:10", "192.0.2.1:50003"));
	ties_connection(t, &failed);
	ties_connection(t, &other);
	ties_connection(t, &third);
	ties_settle(t, 0, 400);
	assert_true(ties_nth(t, 2).utc_offset == 3600);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(i, ties_nth(t, i).connection);
		assert_int_equal(BM_SURE_CERTAIN, ties_nth(t, i).sure);
	}
	bm_tie_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_margin),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_doubtful),
		cmocka_unit_test(test_busy_client),
		cmocka_unit_test(test_busy_port),
		cmocka_unit_test(test_lengths_in_the_midst),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_random_of_thread),
		cmocka_unit_test(test_zones_mixed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
