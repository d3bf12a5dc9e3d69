/* Claims by the library's own calls: the truth holds; with one member altered it does not, and the
 * step that finds it is the right one; calls in the wrong order are refused. */
#include "claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bytes capture, keys;
static struct told t;

/* NULL: it holds. */
static void
expect(enum badmac_verdict verdict, const char *step)
{
	enum badmac_status status;
	struct badmac *b = claim_about(&t, capture, keys, &status);

	assert_non_null(b);
	assert_null(badmac_judgement(b, 0, 0));
	assert_int_equal(badmac_prove(b, NULL), BADMAC_OK);
	const struct badmac_judgement *j = badmac_judgement(b, 0, 0);
	assert_non_null(j);
	if (step == NULL ? j->step != NULL : j->step == NULL || strcmp(j->step, step) != 0)
		print_message("%s: %s\n", j->step != NULL ? j->step : "none",
			j->because != NULL ? j->because : "it holds");
	assert_int_equal(j->verdict, verdict);
	if (step == NULL)
		assert_null(j->step);
	else
		assert_string_equal(j->step, step);
	assert_true(j->step_count != 0);
	for (size_t i = 0; i + 1 < j->step_count; i++)
		assert_true(j->steps[i].passed);
	assert_int_equal(j->steps[j->step_count - 1].passed, step == NULL);
	assert_null(badmac_judgement(b, 0, 1));
	assert_null(badmac_judgement(b, 1, 0));
	assert_null(badmac_judgement(b, BADMAC_WHOLE, 0));
	assert_non_null(badmac_judgement(b, BADMAC_WHOLE, BADMAC_WHOLE));
	badmac_free(b);
	claim_truth(&t);
}

static void
test_truth(void **state)
{
	(void)state;
	expect(BADMAC_HOLDS, NULL);
	/* What is not claimed is not looked at. */
	t.failure.checksum_as_captured = t.failure.checksum_as_sent = BADMAC_SUM_UNKNOWN;
	expect(BADMAC_HOLDS, NULL);
}

static void
test_lies(void **state)
{
	(void)state;
	t.connection.client = "10.9.2.2:44637";
	expect(BADMAC_CANNOT_BE_CHECKED, "connection");
	t.random[31] ^= 1;
	expect(BADMAC_CANNOT_BE_CHECKED, "connection");
	t.failure.stream_offset = 1 << 20;
	expect(BADMAC_DOES_NOT_HOLD, "place");
	t.failure.stream_offset = UINT64_MAX - 5;
	expect(BADMAC_DOES_NOT_HOLD, "place");
	t.failure.length = UINT64_MAX - 1;
	expect(BADMAC_CANNOT_BE_CHECKED, "place");
	t.packet = 22;
	expect(BADMAC_DOES_NOT_HOLD, "packets");
	t.failure.packet_count = 0;
	expect(BADMAC_DOES_NOT_HOLD, "packets");
	t.received ^= 1;
	expect(BADMAC_DOES_NOT_HOLD, "received");
	t.damage.received_known = 0;
	expect(BADMAC_CANNOT_BE_CHECKED, "received");
	t.damage.record_offset = UINT64_MAX;
	expect(BADMAC_DOES_NOT_HOLD, "received");
	t.damage.packet_offset++;
	expect(BADMAC_DOES_NOT_HOLD, "received");
	t.failure.has_proof = 0;
	expect(BADMAC_NOT_REPLAYABLE, "method");
	t.failure.has_altered = 0;
	expect(BADMAC_NOT_REPLAYABLE, "method");
	t.failure.cause = "unheard-of";
	expect(BADMAC_NOT_REPLAYABLE, "altered");
	t.failure.cause = "record-replayed";
	expect(BADMAC_DOES_NOT_HOLD, "altered");
	t.failure.altered.inputs |= BADMAC_INPUT_EPOCH;
	expect(BADMAC_DOES_NOT_HOLD, "altered");
	t.failure.sequence_number = t.failure.altered.sequence_number = 4;
	expect(BADMAC_DOES_NOT_HOLD, "as-captured");
	t.failure.length = 1021;
	expect(BADMAC_DOES_NOT_HOLD, "as-captured");
	t.sent ^= 1;
	expect(BADMAC_DOES_NOT_HOLD, "verifies");
	t.failure.method = "copy-choice";
	expect(BADMAC_CANNOT_BE_CHECKED, "source");
	t.failure.cause = "tag-damaged";
	expect(BADMAC_DOES_NOT_HOLD, "source");
	t.failure.tag_bits = 64;
	expect(BADMAC_DOES_NOT_HOLD, "chance");
	t.failure.chance_log2 = -120;
	expect(BADMAC_DOES_NOT_HOLD, "chance");
	t.failure.checksum_as_sent = BADMAC_SUM_VALID;
	expect(BADMAC_DOES_NOT_HOLD, "checksum");
	t.failure.checksum_as_captured = BADMAC_SUM_OFFLOADED;
	expect(BADMAC_DOES_NOT_HOLD, "checksum");
}

/* Of the connection itself. NULL: all of it holds. */
static void
expect_whole(enum badmac_verdict verdict, const char *step)
{
	enum badmac_status status;
	struct badmac *b = claim_about(&t, capture, keys, &status);

	assert_non_null(b);
	assert_int_equal(badmac_prove(b, NULL), BADMAC_OK);
	const struct badmac_judgement *j = badmac_judgement(b, 0, BADMAC_WHOLE);
	if (step == NULL ? j->step != NULL : j->step == NULL || strcmp(j->step, step) != 0)
		print_message("%s: %s\n", j->step != NULL ? j->step : "none",
			j->because != NULL ? j->because : "it holds");
	assert_int_equal(j->verdict, verdict);
	if (step != NULL)
		assert_string_equal(j->step, step);
	badmac_free(b);
	claim_truth(&t);
}

static void
test_whole(void **state)
{
	struct badmac_claim two[2];

	(void)state;
	expect_whole(BADMAC_HOLDS, NULL);
	t.connection.records[0].verified++;
	expect_whole(BADMAC_DOES_NOT_HOLD, "counts");
	t.connection.records_after_close = 1;
	expect_whole(BADMAC_DOES_NOT_HOLD, "counts");
	t.connection.version = "TLS 1.2";
	expect_whole(BADMAC_DOES_NOT_HOLD, "negotiated");
	t.connection.version = NULL;
	expect_whole(BADMAC_CANNOT_BE_CHECKED, "negotiated");
	t.connection.cipher_suite = "TLS_AES_128_GCM_SHA256";
	expect_whole(BADMAC_DOES_NOT_HOLD, "negotiated");
	t.connection.last_ns++;
	expect_whole(BADMAC_DOES_NOT_HOLD, "negotiated");
	t.connection.keys = BADMAC_KEYS_PRIVATE_KEY;
	expect_whole(BADMAC_CANNOT_BE_CHECKED, "negotiated");
	t.alert.description = "decode_error";
	expect_whole(BADMAC_DOES_NOT_HOLD, "alerts");
	t.connection.alert_count = 0;
	expect_whole(BADMAC_DOES_NOT_HOLD, "alerts");
	t.connection.failure_count = 0;
	expect_whole(BADMAC_DOES_NOT_HOLD, "failures");
	two[0] = two[1] = t.failure;
	two[1].stream_offset = 0;
	t.connection.failures = two;
	t.connection.failure_count = 2;
	expect_whole(BADMAC_DOES_NOT_HOLD, "failures");
	two[1] = two[0];
	t.connection.failures = two;
	t.connection.failure_count = 2;
	expect_whole(BADMAC_DOES_NOT_HOLD, "counts");
	/* The same place of the other stream is another record. */
	two[1].direction = BADMAC_SERVER_TO_CLIENT;
	t.connection.failures = two;
	t.connection.failure_count = 2;
	expect_whole(BADMAC_DOES_NOT_HOLD, "failures");
	t.connection.result = BADMAC_VERIFIED;
	expect_whole(BADMAC_DOES_NOT_HOLD, "result");
	/* What is wrong goes before what cannot be checked. */
	t.connection.keys = BADMAC_KEYS_PRIVATE_KEY;
	t.connection.result = BADMAC_UNDECIDED;
	expect_whole(BADMAC_DOES_NOT_HOLD, "result");
}

static void
test_without_keys(void **state)
{
	struct bytes given = keys;

	(void)state;
	keys.n = 0;
	expect(BADMAC_CANNOT_BE_CHECKED, "as-captured");
	keys = given;
}

static void
test_order_of_calls(void **state)
{
	enum badmac_status status;
	struct badmac *b = claim_about(&t, capture, keys, &status);

	(void)state;
	assert_non_null(b);
	assert_int_equal(badmac_add_claims(b, &t.all, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_run(b, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_prove(b, NULL), BADMAC_OK);
	assert_int_equal(badmac_prove(b, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_run(b, NULL), BADMAC_USAGE);
	badmac_free(b);
	assert_int_equal(badmac_prove(NULL, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_add_claims(NULL, &t.all, NULL), BADMAC_USAGE);
	assert_null(badmac_judgement(NULL, 0, 0));
}

static int
set_up(void **state)
{
	(void)state;
	capture = read_data("receiver.pcap");
	keys = read_data("keys.log");
	claim_truth(&t);
	return capture.n == 0 || keys.n == 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(capture.p);
	free(keys.p);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_truth), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_whole), cmocka_unit_test(test_without_keys),
		cmocka_unit_test(test_order_of_calls)};

	return cmocka_run_group_tests_name("claims proved", tests, set_up, tear_down);
}
