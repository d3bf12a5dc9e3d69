/* Next steps follow from who is left as culprit: what is cleared is not looked at, what was done is
 * not asked for, and nothing is said twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/verdict.h"

static struct bm_arena arena = {.max = 1 << 20};
static const char *const also[] = {"sender.pcap"};
static struct bm_connection conn;
static struct bm_case failed;
static struct bm_finding finding;
static struct bm_failure out;

static void
begin(enum bm_cause cause, bool two_captures)
{
	static uint64_t packets[] = {21};

	bm_arena_clear(&arena);
	conn = (struct bm_connection){.transport = BM_TCP,
		.server = {.family = 4, .port = 443},
		.also_in = also,
		.also_in_count = two_captures};
	failed = (struct bm_case){
		.kind = BM_CASE_BAD_RECORD, .direction = BM_C2S, .packets = packets, .packet_count = 1};
	finding = (struct bm_finding){.cause = cause};
	out = (struct bm_failure){.checksum_as_captured = "valid", .checksum_as_sent = "invalid"};
}

static void
blame(enum bm_party p)
{
	out.at_fault[out.at_fault_count++] = p;
}

static void
ask(void)
{
	struct bm_session_facts facts = {.version = 0x0303};

	assert_int_equal(
		bm_verdict_advice(&failed, &finding, &facts, &conn, NULL, &arena, &out), BM_OK);
	for (size_t i = 0; i < out.next_step_count; i++)
		for (size_t k = 0; k < i; k++)
			assert_null(strstr(out.next_steps[k], out.next_steps[i]));
}

/* The first step with `piece` in it. */
static const char *
step(const char *piece)
{
	for (size_t i = 0; i < out.next_step_count; i++)
		if (strstr(out.next_steps[i], piece) != NULL)
			return out.next_steps[i];
	return NULL;
}

static void
test_sender_cleared(void **state)
{
	(void)state;
	static const struct {
		enum bm_cause cause;
		const char *at_sender, *on_way;
	} rows[] = {
		{BM_CAUSE_RECORD_MISSING, "ss -tnp", "WAN optimisers"},
		{BM_CAUSE_RECORD_REPLAYED, "forked workers", "WAN optimisers"},
		{BM_CAUSE_BYTES_MISSING, "partial writes", "look for proxies and tunnels"},
		{BM_CAUSE_BYTES_INSERTED, "goes past the TLS library", "what on the way writes"},
		{BM_CAUSE_PLAINTEXT_INJECTED, "goes past the TLS library", "what on the way writes"},
		{BM_CAUSE_RETRANSMISSION_DIFFERS, "zero-copy sends", "WAN optimisers"},
		{BM_CAUSE_STALE_DATA, "zero-copy sends", "WAN optimisers"},
		{BM_CAUSE_FOREIGN_RECORD, "file descriptors", "load balancers that mix"},
		{BM_CAUSE_BITS_FLIPPED, "let the kernel make the sums", "at more places between these"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(rows[i].cause, true);
		blame(BM_PARTY_NETWORK);
		ask();
		assert_null(step(rows[i].at_sender));
		assert_non_null(step(rows[i].on_way));
		assert_non_null(step("at more places between these"));
		begin(rows[i].cause, false);
		blame(BM_PARTY_SENDER_APPLICATION);
		blame(BM_PARTY_NETWORK);
		ask();
		assert_non_null(step(rows[i].at_sender));
		assert_non_null(step("at both ends"));
	}
}

/* Where to capture next, and when captures can settle nothing any more. */
static void
test_where_to_capture(void **state)
{
	(void)state;
	begin(BM_CAUSE_BITS_FLIPPED, true);
	blame(BM_PARTY_SENDER_HOST);
	blame(BM_PARTY_NETWORK);
	ask();
	assert_non_null(step("capture nearer the client"));
	begin(BM_CAUSE_RECORD_WAS_GOOD, true);
	blame(BM_PARTY_RECEIVER_TLS);
	blame(BM_PARTY_NETWORK);
	ask();
	assert_non_null(step("capture nearer the server"));
	failed.direction = BM_S2C;
	ask();
	assert_non_null(step("capture nearer the client"));
	for (unsigned two = 0; two < 2; two++) {
		begin(BM_CAUSE_BITS_FLIPPED, two != 0);
		blame(BM_PARTY_SENDER_HOST);
		ask();
		assert_null(step("tcpdump"));
		assert_non_null(step("let the kernel make the sums"));
	}
}

/* Without keys the first step is to get them; once is enough. */
static void
test_keys_once(void **state)
{
	(void)state;
	begin(BM_CAUSE_HEADER_DAMAGED, false);
	blame(BM_PARTY_NETWORK);
	failed.kind = BM_CASE_SUSPECTED;
	finding.about = &failed;
	conn.undecided_next = "give secrets with -k";
	ask();
	assert_non_null(strstr(out.next_steps[0], "give secrets with -k: the MAC then"));
	assert_null(strstr(out.next_steps[1], "give secrets"));
	begin(BM_CAUSE_BITS_FLIPPED, true);
	blame(BM_PARTY_NETWORK);
	failed.kind = BM_CASE_DIFFERS;
	conn.undecided_next = "give secrets with -k";
	ask();
	assert_string_equal(out.next_steps[0], "give secrets with -k");
	bm_arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sender_cleared),
		cmocka_unit_test(test_where_to_capture),
		cmocka_unit_test(test_keys_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
