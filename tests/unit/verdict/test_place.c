/* Where a capture was taken, from what its packets show: each sign alone, its nearest miss, signs
 * that contradict each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/verdict.h"

static struct bm_arena arena = {.max = 1 << 16};
static uint64_t sums[2][4];
static struct bm_sighting client, server;
static const char *because;

/* Nothing but TTLs of which the usual start values are 64, 128, 255. */
static void
begin(uint8_t client_ttl, uint8_t server_ttl)
{
	memset(sums, 0, sizeof sums);
	client = (struct bm_sighting){.ttl = client_ttl, .checksums = sums[0]};
	server = (struct bm_sighting){.ttl = server_ttl, .checksums = sums[1]};
	sums[0][BM_CHECKSUM_VALID] = sums[1][BM_CHECKSUM_VALID] = 5;
	client.bare_valid = server.bare_valid = 3;
	bm_arena_clear(&arena);
}

static enum bm_place
ask(void)
{
	return bm_verdict_place_of(&client, &server, false, &arena, &because);
}

static void
says(const char *words)
{
	assert_non_null(because);
	if (strstr(because, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, because);
}

static void
test_ttl(void **state)
{
	(void)state;
	begin(64, 64);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	assert_null(because);
	begin(64, 51);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	says("at or near the client");
	begin(117, 255);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	says("at or near the server");
	begin(63, 51);
	assert_int_equal(BM_AT_MIDDLE, ask());
	says("between the two");
	begin(63, 0);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	assert_null(because);
}

static void
unfinish(struct bm_sighting *s, uint64_t *sum)
{
	sum[BM_CHECKSUM_OFFLOADED] = 5;
	sum[BM_CHECKSUM_VALID] = 0;
	s->bare_offloaded = 3;
	s->bare_valid = 0;
}

static void
test_offload(void **state)
{
	(void)state;
	begin(64, 51);
	unfinish(&client, sums[0]);
	assert_int_equal(BM_AT_CLIENT, ask());
	says("filled in by a network card");
	begin(0, 0);
	unfinish(&server, sums[1]);
	assert_int_equal(BM_AT_SERVER, ask());
	/* Segments that a receiving host merged look unfinished, its bare ones do not. */
	client.bare_valid = 1;
	server.bare_valid = 1;
	assert_int_equal(BM_AT_UNKNOWN, ask());
	/* Both: one host, or a virtual switch. */
	begin(64, 64);
	unfinish(&client, sums[0]);
	unfinish(&server, sums[1]);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	/* One of them is right after all. */
	begin(64, 64);
	unfinish(&client, sums[0]);
	sums[0][BM_CHECKSUM_VALID] = 1;
	assert_int_equal(BM_AT_UNKNOWN, ask());
}

static void
sent_by(struct bm_sighting *s, struct bm_sighting *other)
{
	s->outbound = other->inbound = 4;
	s->inbound = other->outbound = 0;
}

static void
test_frames(void **state)
{
	(void)state;
	begin(64, 51);
	sent_by(&client, &server);
	assert_int_equal(BM_AT_CLIENT, ask());
	says("sent there");
	begin(64, 64);
	sent_by(&server, &client);
	assert_int_equal(BM_AT_SERVER, ask());
	/* A router forwards: each comes in and goes out again. */
	begin(63, 51);
	client.inbound = client.outbound = server.inbound = server.outbound = 4;
	assert_int_equal(BM_AT_MIDDLE, ask());
	/* On the router's interface towards the server. */
	begin(63, 51);
	sent_by(&client, &server);
	assert_int_equal(BM_AT_MIDDLE, ask());
	/* One direction alone says too little. */
	begin(64, 64);
	client.outbound = 4;
	assert_int_equal(BM_AT_UNKNOWN, ask());
	/* Frames and checksums contradict each other. */
	begin(64, 64);
	sent_by(&client, &server);
	unfinish(&server, sums[1]);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	assert_null(because);
}

static void
shake(uint64_t by_server_us, uint64_t by_client_us)
{
	client.syn_ns = 1000000000;
	server.syn_ns = client.syn_ns + by_server_us * 1000;
	client.first_ns = server.syn_ns + by_client_us * 1000;
}

static void
test_handshake(void **state)
{
	(void)state;
	begin(64, 64);
	shake(30000, 60);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	says("at or near the client");
	says("0.06 ms");
	begin(64, 64);
	shake(80, 30000);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	says("at or near the server");
	/* In the middle, or too fast on both sides to tell. */
	begin(64, 64);
	shake(8000, 9000);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	assert_null(because);
	begin(64, 64);
	shake(200, 50);
	assert_int_equal(BM_AT_UNKNOWN, ask());
	assert_null(because);
	/* The SYN was sent again (no time), or packets are out of order. */
	begin(64, 64);
	shake(30000, 60);
	client.syn_ns = 0;
	ask();
	assert_null(because);
	begin(64, 64);
	shake(30000, 60);
	client.first_ns = server.syn_ns;
	ask();
	assert_null(because);
	/* TTLs and times contradict each other. */
	begin(64, 51);
	shake(80, 30000);
	ask();
	assert_null(because);
}

static void
test_one_host(void **state)
{
	(void)state;
	begin(64, 64);
	unfinish(&client, sums[0]);
	sent_by(&client, &server);
	assert_int_equal(BM_AT_UNKNOWN, bm_verdict_place_of(&client, &server, true, &arena, &because));
	says("both ends are on the host");
}

static void
test_given(void **state)
{
	(void)state;
	assert_null(bm_verdict_place_given(BM_AT_UNKNOWN));
	for (int p = BM_AT_SENDER; p <= BM_AT_MIDDLE; p++)
		assert_non_null(strstr(bm_verdict_place_given((enum bm_place)p), "as --at says"));
	bm_arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_offload),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_one_host),
		cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
