/* Which connection an incident is said to be about: the right one, its nearest misses, several, and
 * none. Grounds and clocks are set by hand, so that the truth is known. */
#include "ties.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GO "http: TLS handshake error from %s: local error: tls: bad record MAC\n"
#define LOCAL(when) when " local error: tls: bad record MAC\n"

/* Two connections of which one fails at 09:00:10, the other at 09:05:10. */
static const struct made first = {.port = 50001, .from = 1, .to = 11, .fails = 10, .alert = 10.01};
static const struct made second = {
	.port = 50002, .from = 1, .to = 311, .fails = 310, .alert = 310.01};

static struct bm_tie *
two(const char *log)
{
	struct bm_tie *t = ties_open();

	ties_log(t, "app.log", log);
	ties_connection(t, &first);
	ties_connection(t, &second);
	ties_settle(t, 0, 400);
	return t;
}

static void
test_address_and_time(void **state)
{
	(void)state;
	struct bm_tie *t = two("2026-11-26T09:05:10.020Z http: TLS handshake error from "
						   "192.0.2.1:50002: local error: tls: bad record MAC\n");
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_CERTAIN, x.sure);
	assert_int_equal(1, x.connection);
	assert_int_equal(0, x.failure);
	assert_true(ties_ground(t, 0, 0, "address") && ties_ground(t, 0, 0, "time"));
	bm_tie_free(t);
}

static void
test_time_alone(void **state)
{
	(void)state;
	struct bm_tie *t = two(LOCAL("2026-11-26T09:00:10.1Z"));
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_POSSIBLE, x.sure);
	assert_int_equal(0, x.connection);
	bm_tie_free(t);

	/* With the version it is likely; with another version it is no candidate. */
	t = two(LOCAL("2026-11-26T09:00:10.1Z TLSv1.2"));
	assert_int_equal(BM_SURE_LIKELY, ties_nth(t, 0).sure);
	bm_tie_free(t);
	t = two(LOCAL("2026-11-26T09:00:10.1Z TLSv1.3"));
	x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_POSSIBLE, x.sure);
	assert_true(ties_against(t, 0, 0, "the log says TLS 1.3"));
	bm_tie_free(t);
}

/* The nearest miss: the time of one, the port of another. */
static void
test_same_time_another_port(void **state)
{
	struct made whole = {.port = 50003, .from = 5, .to = 20};
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "app.log",
		"2026-11-26T09:00:10Z x from 192.0.2.1:50003: local error: tls: bad record MAC\n"
		"2026-11-26T09:02:10Z x from 192.0.2.1:50009: local error: tls: bad record MAC\n"
		"2026-11-26T09:05:10Z x from 192.0.2.1:50009: local error: tls: bad record MAC\n");
	ties_connection(t, &first);
	ties_connection(t, &second);
	ties_connection(t, &whole);
	ties_settle(t, 0, 400);
	/* It is about the one with its port, in which nothing fails here. */
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(2, x.connection);
	assert_int_equal(BM_UNKNOWN, x.failure);
	assert_int_equal(BM_SURE_LIKELY, x.sure);
	assert_true(ties_against(t, 0, 0, "every record of this connection verifies"));
	/* The port is nobody's, and nothing failed at that time. */
	x = ties_nth(t, 1);
	assert_true(x.sure <= BM_SURE_POSSIBLE);
	assert_true(x.sure == BM_SURE_NONE || ties_against(t, 1, 0, "no end's of this connection"));
	/* The port is nobody's, and something did: it can be no more than possible. */
	x = ties_nth(t, 2);
	assert_int_equal(BM_SURE_POSSIBLE, x.sure);
	assert_int_equal(1, x.connection);
	assert_true(ties_against(t, 2, 0, "no end's of this connection"));
	bm_tie_free(t);
}

#define READS(a, b, c)                                                                             \
	"main, READ: TLSv1.2 Application Data, length = " a "\n"                                       \
	"main, READ: TLSv1.2 Application Data, length = " b "\n"                                       \
	"main, READ: TLSv1.2 Application Data, length = " c "\n"                                       \
	"main, SEND TLSv1.2 ALERT:  fatal, description = bad_record_mac\n"

static void
test_lengths(void **state)
{
	struct made good = {.port = 50003,
		.from = 1,
		.to = 20,
		.direction = BM_SERVER_TO_CLIENT,
		.lengths = {483, 16148, 282, 483, 16148, 282}};
	struct made bad = good, other = good;
	struct bm_tie *t = ties_open();

	(void)state;
	bad.fails = 15;
	other.fails = 16;
	other.lengths[5] = 290;
	ties_log(t, "java.log", READS("483", "16148", "282"));
	ties_log(t, "java2.log", READS("483", "16148", "283"));
	ties_connection(t, &good);
	ties_connection(t, &bad);
	ties_connection(t, &other);
	ties_settle(t, 0, 400);
	/* They stand in all three, and end with the failed record in one. */
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(1, x.connection);
	assert_int_equal(BM_SURE_LIKELY, x.sure);
	assert_true(ties_ground(t, 0, 0, "lengths"));
	/* One octet more stands nowhere: what failed is another record. */
	x = ties_nth(t, 1);
	assert_int_equal(BM_SURE_NONE, x.sure);
	assert_non_null(
		strstr(x.because, "nearest comes connection 1, but the record that failed in "
						  "the log has 283 bytes, the one that fails in the capture 282"));
	bm_tie_free(t);

	/* With a port it is that connection all the same, and the difference is told. */
	t = ties_open();
	ties_log(t, "java.log",
		"main, READ: TLSv1.2 Application Data, length = 283\n"
		"main, SEND TLSv1.2 ALERT:  fatal, description = bad_record_mac\n"
		"main, handling exception: bad record MAC 192.0.2.1:50003 \n");
	bad.port = 50003;
	ties_connection(t, &bad);
	ties_settle(t, 0, 400);
	x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_POSSIBLE, x.sure);
	assert_true(ties_ground(t, 0, 0, "address") && ties_against(t, 0, 0, "another record"));
	bm_tie_free(t);
}

static void
test_several(void **state)
{
	struct made twin = first;
	struct bm_tie *t = ties_open();

	(void)state;
	twin.port = 50005;
	twin.fails = 10.3;
	ties_log(t, "a.log", LOCAL("2026-11-26 09:00:10 UTC"));
	/* In another log one of the two is spoken for by its port. */
	ties_log(t, "b.log",
		"2026-11-26 09:00:10 UTC x from 192.0.2.1:50001: local error: tls: bad record MAC\n"
		"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
		"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" LOCAL("2026-11-26 09:00:10 UTC"));
	ties_connection(t, &first);
	ties_connection(t, &second);
	ties_connection(t, &twin);
	ties_settle(t, 0, 400);
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_SEVERAL, x.sure);
	assert_int_equal(2, x.candidates);
	assert_int_equal(BM_UNKNOWN, x.connection);
	assert_string_equal("2 fit about as well", x.because);
	assert_int_equal(BM_SURE_CERTAIN, ties_nth(t, 1).sure);
	x = ties_nth(t, 2);
	assert_int_equal(2, x.connection);
	assert_int_equal(BM_SURE_POSSIBLE, x.sure);
	assert_true(ties_ground(t, 2, 0, "others_taken"));
	bm_tie_free(t);
}

/* A local time is read as what other grounds speak for, and as nothing else. */
static void
test_zone(void **state)
{
	(void)state;
	struct bm_tie *t =
		two("2026-11-26 14:50:10 x from 192.0.2.1:50002: local error: tls: bad record MAC\n");
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(1, x.connection);
	assert_int_equal(BM_SURE_CERTAIN, x.sure);
	assert_true(x.utc_offset == 20700 && x.skew == 0);
	assert_non_null(strstr(t->logs[0].clock, "UTC+05:45"));
	bm_tie_free(t);

	/* Five minutes beside a quarter of an hour: no zone, and a clock that nothing else speaks for.
	 */
	t = two("2026-11-26 14:45:10 x from 192.0.2.1:50002: local error: tls: bad record MAC\n");
	assert_true(ties_nth(t, 0).utc_offset == 0);
	assert_true(ties_nth(t, 0).sure < BM_SURE_CERTAIN);
	bm_tie_free(t);

	/* Nothing but the time: it is said what would fit, and not taken. */
	t = two(LOCAL("2026-11-26 10:00:10"));
	x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_NONE, x.sure);
	assert_true(x.utc_offset == 0);
	assert_non_null(strstr(x.because, "does not cover that time (read as UTC)"));
	assert_non_null(strstr(x.because, "read as UTC+01:00 it would fall onto a failure"));
	bm_tie_free(t);

	/* Version and suite speak for it, and that is possible at most. */
	t = two(LOCAL("2026-11-26 10:00:10 TLSv1.2 TLS_RSA_WITH_AES_128_GCM_SHA256"));
	x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_POSSIBLE, x.sure);
	assert_int_equal(0, x.connection);
	assert_true(x.utc_offset == 3600);
	bm_tie_free(t);

	/* Several that fall onto failures at one offset. */
	t = two(LOCAL("2026-11-26 10:00:10") LOCAL("2026-11-26 10:05:10"));
	assert_true(ties_nth(t, 0).utc_offset == 3600);
	assert_int_equal(0, ties_nth(t, 0).connection);
	assert_int_equal(1, ties_nth(t, 1).connection);
	bm_tie_free(t);

	/* Among others that name none, one that does is read by its own. */
	t = two("2026-11-26 10:05:10 x from 192.0.2.1:50002: local error: tls: bad record MAC\n"
			"2026-11-26 10:05:10 x remote error: tls: bad record MAC 192.0.2.1:50002\n"
			"2026-11-26T09:00:10Z x from 192.0.2.1:50001: local error: tls: bad record MAC\n");
	assert_true(ties_nth(t, 0).utc_offset == 3600);
	for (size_t i = 0; i < 3; i++) {
		x = ties_nth(t, i);
		assert_int_equal(BM_SURE_CERTAIN, x.sure);
		assert_int_equal(i != 2, x.connection);
	}
	bm_tie_free(t);

	/* One that names its zone is believed. */
	t = two(LOCAL("2026-11-26T10:00:10+01:00 TLSv1.2"));
	assert_int_equal(BM_SURE_LIKELY, ties_nth(t, 0).sure);
	assert_true(ties_nth(t, 0).utc_offset == 0);
	bm_tie_free(t);
	t = two(LOCAL("2026-11-26T10:00:10Z TLSv1.2"));
	assert_int_equal(BM_SURE_NONE, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

/* A clock that is fast, shown by ports, serves lines without any. */
static void
test_skew(void **state)
{
	(void)state;
	struct bm_tie *t = two(
		"2026-11-26T09:00:50.000Z x from 192.0.2.1:50001: local error: tls: bad record MAC\n"
		"2026-11-26T09:05:50.000Z x from 192.0.2.1:50002: local error: tls: bad record MAC\n"
		"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
		"\n"
		"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" LOCAL("2026-11-26T09:05:50.010Z TLSv1.2"));
	struct bm_tied x = ties_nth(t, 2);
	assert_true(x.skew > 39.9 && x.skew < 40.1);
	assert_int_equal(1, x.connection);
	assert_int_equal(BM_SURE_LIKELY, x.sure);
	assert_int_equal(BM_SURE_CERTAIN, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

/* No year, no day, and forms of loggers. */
static void
test_forms(void **state)
{
	static const char *const forms[] = {"Nov 26 09:00:10 host app: TLSv1.2",
		"<14>Nov 26 09:00:10 host app: TLSv1.2", "09:00:10.050 [main] ERROR TLSv1.2",
		"[26/Nov/2026:09:00:10 +0000] TLSv1.2", "2026/11/26 09:00:10 TLSv1.2",
		"{\"ts\":1795683610.05,\"x\":\"TLSv1.2\"}", "{\"time\":1795683610050,\"x\":\"TLSv1.2\"}",
		"[Thu Nov 26 09:00:10.050 2026] TLSv1.2", "2026-11-26 04:00:10.050-0500 TLSv1.2",
		"Nov 26, 2026 9:00:10 AM TLSv1.2"};
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		(void)snprintf(line, sizeof line, "%s local error: tls: bad record MAC\n", forms[i]);
		struct bm_tie *t = two(line);
		struct bm_tied x = ties_nth(t, 0);
		if (x.sure != BM_SURE_LIKELY || x.connection != 0)
			fail_msg("%s: %s, %s", forms[i], tie_sure_id(x.sure), x.because);
		bm_tie_free(t);
	}
}

static void
test_another_day(void **state)
{
	(void)state;
	struct bm_tie *t = two(LOCAL("2026-11-25T09:00:10Z TLSv1.2 from 198.51.100.7:443"));
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_NONE, x.sure);
	assert_int_equal(0, x.candidates);
	assert_string_equal(
		"the capture does not cover that time: it begins at 2026-11-26T09:00:00Z", x.because);
	bm_tie_free(t);
}

static void
test_why_none(void **state)
{
	struct made whole = {.port = 50001, .from = 1, .to = 20}, closed = whole;
	struct bm_tie *t = ties_open();

	(void)state;
	closed.undecided = true;
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10Z"));
	ties_log(t, "b.log", LOCAL("2026-11-26T09:01:30Z"));
	ties_connection(t, &whole);
	ties_settle(t, 0, 400);
	assert_non_null(strstr(ties_nth(t, 0).because, "had no failed record and no such alert"));
	assert_string_equal(
		"no connection of the capture was open at that time", ties_nth(t, 1).because);
	bm_tie_free(t);

	/* What could not be checked may be it: possible, and several. */
	t = ties_open();
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10Z"));
	ties_connection(t, &whole);
	ties_connection(t, &closed);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_POSSIBLE, ties_nth(t, 0).sure);
	assert_int_equal(1, ties_nth(t, 0).connection);
	bm_tie_free(t);
	t = ties_open();
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10Z"));
	ties_connection(t, &closed);
	ties_connection(t, &closed);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_SEVERAL, ties_nth(t, 0).sure);
	assert_non_null(strstr(ties_nth(t, 0).because, "keys or packets are missing"));
	bm_tie_free(t);

	t = ties_open();
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10Z"));
	ties_settle(t, 0, 400);
	assert_string_equal("the capture holds no TLS connection", ties_nth(t, 0).because);
	bm_tie_free(t);
}

/* Without a time, the only failure is possible. */
static void
test_no_time(void **state)
{
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "a.log", LOCAL(""));
	ties_connection(t, &first);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_POSSIBLE, ties_nth(t, 0).sure);
	assert_true(ties_ground(t, 0, 0, "only_one"));
	bm_tie_free(t);
	t = two(LOCAL(""));
	assert_int_equal(BM_SURE_SEVERAL, ties_nth(t, 0).sure);
	bm_tie_free(t);
}

/* Whose log it is, is shown by its handshake; then the other direction speaks against. */
static void
test_detector(void **state)
{
	static const char log[] =
		"main, WRITE: TLSv1.2 Handshake, length = 50\n"
		"%% Cached client session: [Session-1, TLS_RSA_WITH_AES_128_GCM_SHA256]\n"
		"main, READ: TLSv1.2 Application Data, length = 100\n"
		"main, SEND TLSv1.2 ALERT:  fatal, description = bad_record_mac\n";
	struct made down = first, up = first;
	struct bm_tie *t = ties_open();

	(void)state;
	down.direction = BM_SERVER_TO_CLIENT;
	ties_log(t, "java.log", log);
	ties_connection(t, &up);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_NONE, ties_nth(t, 0).sure);
	assert_non_null(strstr(ties_nth(t, 0).because,
		"nearest comes connection 0, but the log is about a record that the client had received"));
	bm_tie_free(t);

	/* By its port it is the one all the same. */
	t = ties_open();
	ties_log(t, "java.log", log);
	assert_int_equal(BM_OK, bm_tie_feed(t, bm_view(" at 192.0.2.1:50001\n", 20)));
	ties_connection(t, &up);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_POSSIBLE, ties_nth(t, 0).sure);
	assert_true(ties_against(t, 0, 0, "about a record that the client had received"));
	assert_true(ties_against(t, 0, 0, "by the log the client detected it"));
	bm_tie_free(t);

	t = ties_open();
	ties_log(t, "java.log", log);
	ties_connection(t, &up);
	ties_connection(t, &down);
	ties_settle(t, 0, 400);
	assert_int_equal(1, ties_nth(t, 0).connection);
	assert_true(ties_ground(t, 0, 0, "detected_by"));
	bm_tie_free(t);
}

static void
test_client_random(void **state)
{
	struct made a = first, b = first;
	struct bm_tie *t = ties_open();

	(void)state;
	a.random = 0xab;
	b.random = 0xcd;
	ties_log(t, "a.log",
		LOCAL("client random cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"));
	ties_connection(t, &a);
	ties_connection(t, &b);
	ties_settle(t, 0, 400);
	assert_int_equal(BM_SURE_CERTAIN, ties_nth(t, 0).sure);
	assert_int_equal(1, ties_nth(t, 0).connection);
	bm_tie_free(t);
}

static void
test_server_name(void **state)
{
	struct made a = first, b = first;
	struct bm_tie *t = ties_open();

	(void)state;
	a.name = "api.example.org";
	b.name = "www.example.org";
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10Z host WWW.example.org, "));
	ties_connection(t, &a);
	ties_connection(t, &b);
	ties_settle(t, 0, 400);
	assert_int_equal(1, ties_nth(t, 0).connection);
	assert_int_equal(BM_SURE_LIKELY, ties_nth(t, 0).sure);
	assert_true(ties_ground(t, 0, 0, "server_name"));
	bm_tie_free(t);
}

/* Thousands of incidents and connections: each finds its own, and time does not grow with the
 * product. */
static void
test_many(void **state)
{
	enum { LINES = 4000, CONNECTIONS = 20000 };
	struct bm_tie *t = ties_open();
	char *log = malloc(LINES * 200), *to = log;

	(void)state;
	assert_non_null(log);
	for (unsigned i = 0; i < LINES; i++)
		to += snprintf(to, 200,
			"2026-11-26T%02u:%02u:%02u.0Z from 192.0.2.1:%u: local error: tls: bad record MAC\n",
			9 + i / 3600, i / 60 % 60, i % 60, 20000 + i);
	ties_log(t, "a.log", log);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct made m = {
			.port = (uint16_t)(20000 + i % LINES), .from = i / 5.0, .to = i / 5.0 + 50};
		if (i < LINES)
			m = (struct made){
				.port = (uint16_t)(20000 + i), .from = i - 0.5, .to = i + 1, .fails = i + 0.1};
		ties_connection(t, &m);
	}
	clock_t began = clock();
	ties_settle(t, 0, 5000);
	double took = (double)(clock() - began) / CLOCKS_PER_SEC;
	for (unsigned i = 1; i < LINES; i++)
		if (ties_nth(t, i).connection != i || ties_nth(t, i).failure != 0)
			fail_msg("%u", i);
	/* It takes half a second; under a sanitizer on a busy machine more. */
	assert_true(took < 30);
	bm_tie_free(t);
	free(log);
}

/* All lines are about one moment at which thousands fail: bounded, and told as several. */
static void
test_crowd(void **state)
{
	enum { LINES = 3000, CONNECTIONS = 5000 };
	struct bm_tie *t = ties_open();
	char *log = malloc(LINES * 160), *to = log;

	(void)state;
	assert_non_null(log);
	for (unsigned i = 0; i < LINES; i++)
		to += snprintf(
			to, 160, "2026-11-26T09:00:10Z from 192.0.2.1: local error: tls: bad record MAC\n");
	ties_log(t, "a.log", log);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		ties_connection(t, &first);
	ties_settle(t, 0, 400);
	struct bm_tied x = ties_nth(t, LINES - 1);
	assert_int_equal(BM_SURE_SEVERAL, x.sure);
	assert_int_equal(BM_TIE_CANDIDATES, x.candidates);
	assert_non_null(strstr(x.because, "at least "));
	bm_tie_free(t);
	free(log);
}

/* Tables have an end too: where memory is short the last lengths are looked up, which are those of
 * what failed, and connections that no longer fit are left out. */
static void
test_no_memory_for_tables(void **state)
{
	static const char log[] = "main, READ: TLSv1.2 Application Data, length = 303\n"
							  "main, READ: TLSv1.2 Application Data, length = 404\n"
							  "main, SEND TLSv1.2 ALERT:  fatal, description = bad_record_mac\n";
	struct made m = {.port = 50001,
		.from = 1,
		.to = 11,
		.fails = 10,
		.lengths = {101, 202, 111, 222, 121, 242, 303, 404}};

	(void)state;
	for (size_t spare = 0; spare <= 700; spare += 50) {
		struct bm_tie *t = ties_open();
		bool fewer;
		ties_log(t, "java.log", log);
		ties_connection(t, &m);
		t->tables_max = t->tables + spare;
		assert_int_equal(BM_OK, bm_tie_logs_end(t));
		/* Another one has no place, but with the most. */
		struct bm_connection c = {.id = 1, .client = {{192, 0, 2, 1}, 4, 4000}};
		assert_int_equal(BM_OK, bm_tie_connection(t, &c, BM_FORWARD, NULL));
		assert_int_equal(bm_tie_left_out(t), t->connection_count == 1);
		bool alone = t->connection_count == 1;
		ties_settle(t, 0, 400);
		size_t octets = t->index.lengths.cap * sizeof *t->index.lengths.entries;
		assert_true(t->tables + 2 * octets <= t->tables_max);
		size_t last = bm_tie_lengths_of(t, &fewer);
		assert_int_equal(fewer, last < TIE_RECORDS);
		if (alone) {
			assert_true(fewer == (spare < 768));
			assert_int_equal(t->index.lengths.count, last < 8 ? 2 * last : 15);
		}
		struct bm_tied x = ties_nth(t, 0);
		assert_true(spare < 100 || x.connection == 0);
		bm_tie_free(t);
	}
}

/* What is said has an end, and nothing else suffers from it. */
static void
test_no_memory_for_words(void **state)
{
	struct bm_tie *t = ties_open();

	(void)state;
	ties_log(t, "a.log", LOCAL("2026-11-26T09:00:10Z TLSv1.2"));
	ties_connection(t, &first);
	t->words.max = 4096;
	t->words.used = 4000;
	ties_settle(t, 0, 400);
	struct bm_tied x = ties_nth(t, 0);
	assert_int_equal(BM_SURE_NONE, x.sure);
	assert_non_null(strstr(x.because, "--memory"));
	bm_tie_free(t);
}

/* Addresses and ports as logs write them. */
static void
test_clues(void **state)
{
	static const struct {
		const char *line;
		size_t ends;
		uint8_t family;
		uint16_t port;
	} cases[] = {{"from 192.0.2.1:50001: bad", 1, 4, 50001},
		{"client: 192.0.2.1, server: x", 1, 4, 0}, {"/192.0.2.1:50001->", 1, 4, 50001},
		{"[2001:db8::1]:443 x", 1, 6, 443}, {"peer 2001:db8::1 said", 1, 6, 0},
		{"[::ffff:192.0.2.1]:9", 1, 4, 9}, {"remote port=50001 x", 1, 0, 50001},
		{"localhost:8443", 1, 0, 8443}, {"192.0.2.1.5 1.2.3 300.1.1.1 09:00:00 ab:cd:ef", 0, 0, 0},
		{"192.0.2.1:99999", 1, 4, 0}, {"SSLSocketImpl.java:1959 port 0 port x", 0, 0, 0},
		{"ended at 192.0.2.1.", 1, 4, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bm_clues c = {.end_count = 0};
		bm_find_clues(bm_view(cases[i].line, strlen(cases[i].line)), &c);
		if (c.end_count != cases[i].ends ||
			(c.end_count != 0 &&
				(c.ends[0].family != cases[i].family || c.ends[0].port != cases[i].port)))
			fail_msg(
				"%s: %zu, %u, %u", cases[i].line, c.end_count, c.ends[0].family, c.ends[0].port);
	}
}

/* The random of a ClientHello as Java prints it, before version 11 and after. */
static void
test_java_random(void **state)
{
	static const char now[] =
		"  \"random\"              : \"00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E "
		"0F 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F\",";
	static const char then[] =
		"RandomCookie:  GMT: 66051 bytes = { 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, "
		"15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 }";
	uint8_t r[32];

	(void)state;
	assert_true(bm_find_java_random(bm_view(now, sizeof now - 1), r));
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(i, r[i]);
	assert_true(bm_find_java_random(bm_view(then, sizeof then - 1), r));
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(i, r[i]);
	assert_false(bm_find_java_random(bm_view(now, sizeof now - 8), r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_and_time),
		cmocka_unit_test(test_time_alone),
		cmocka_unit_test(test_same_time_another_port),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_another_day),
		cmocka_unit_test(test_why_none),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_detector),
		cmocka_unit_test(test_client_random),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_no_memory_for_tables),
		cmocka_unit_test(test_no_memory_for_words),
		cmocka_unit_test(test_clues),
		cmocka_unit_test(test_java_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
