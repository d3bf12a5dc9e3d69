/* What stands out on a direction's way is told to whoever asks, once, with its packet and place;
 * where nobody asks, all else is told alike. */
#include "rig.h"

static struct rig *
begin(bool odd)
{
	static struct rig r;

	memset(&r, 0, sizeof r);
	r.odd = odd;
	rig_open(&r);
	rig_shake(&r);
	return &r;
}

static void
test_retransmission(void **state)
{
	struct rig *r = begin(true);

	(void)state;
	rig_text(r, F, 1, 1, "abcdef");
	rig_text(r, F, 1, 1, "abcdef");
	rig_text(r, F, 4, 1, "defghi");
	rig_log(r, "F+6 Fr0+6@5 F=0+6V Fr3+6@6 F=3+3V F+3");
	rig_close(r);
}

/* What repeats bytes that nobody has got yet is no retransmission of what was delivered. */
static void
test_held(void **state)
{
	struct rig *r = begin(true);

	(void)state;
	rig_text(r, F, 4, 1, "def");
	rig_text(r, F, 4, 1, "def");
	rig_text(r, F, 1, 1, "abc");
	rig_log(r, "F+6");
	rig_close(r);
}

static void
test_checksum(void **state)
{
	struct rig *r = begin(true);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		rig_text(r, F, 1 + 3 * i, 1, "abc");
	rig_log(r, "F+3 F+3 F+3 F+3");
	r->checksum = BM_CHECKSUM_INVALID;
	rig_text(r, F, 13, 1, "xyz");
	rig_send(r, F, "A", 13, 1, NULL, 0);
	r->checksum = BM_CHECKSUM_VALID;
	rig_log(r, "Fc12+3@8 Fc12+0@9");
	rig_text(r, F, 13, 1, "mno");
	rig_log(r, "F=12+3I F+3");
	rig_close(r);
}

/* A direction in which none is right was captured before they were filled in. */
static void
test_offloaded(void **state)
{
	struct rig *r = begin(true);

	(void)state;
	r->checksum = BM_CHECKSUM_INVALID;
	for (uint32_t i = 0; i < 20; i++)
		rig_text(r, F, 1 + 3 * i, 1, "abc");
	r->log[r->log_n] = '\0';
	assert_null(strstr(r->log, "Fc33+3"));
	assert_null(strstr(r->log, "Fc57+3"));
	r->log_n = 0;
	rig_close(r);
}

static void
test_gap(void **state)
{
	struct rig *r = begin(true);

	(void)state;
	rig_text(r, F, 1, 1, "abc");
	rig_text(r, F, 8, 1, "hij");
	rig_log(r, "F+3");
	bm_tcp_finish(r->t);
	rig_log(r, "Fg3+4@0 F?4 F+3 end");
	rig_close(r);
}

static void
test_ends(void **state)
{
	struct rig *r = begin(true);

	(void)state;
	rig_send(r, F, "FA", 1, 1, "abc", 3);
	rig_send(r, F, "FA", 1, 1, "abc", 3);
	rig_send(r, B, "RA", 1, 5, NULL, 0);
	rig_log(r, "Ff3+0@4 F+3 F. Fr0+3@5 F=0+3V Bx0+0@6 B!");
	rig_close(r);
}

static void
test_nobody_asks(void **state)
{
	struct rig *r = begin(false);

	(void)state;
	rig_text(r, F, 1, 1, "abcdef");
	rig_text(r, F, 1, 1, "abcdef");
	rig_text(r, F, 10, 1, "jkl");
	rig_send(r, B, "FA", 1, 13, NULL, 0);
	rig_log(r, "F+6 F=0+6V B.");
	bm_tcp_finish(r->t);
	rig_log(r, "F?3 F+3 end");
	rig_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_offloaded),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_nobody_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
