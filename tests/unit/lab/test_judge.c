/* The judge of a score, on truths and reports that are made up: what is right, and each way of
 * being wrong. */
#include "lab/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define GCM "TLS_RSA_WITH_AES_128_GCM_SHA256"
#define CBC "TLS_RSA_WITH_AES_128_CBC_SHA"

static struct lab_answer answer;

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *o = json_loads(text, 0, &error);

	if (o == NULL)
		fail_msg("%s: %s", error.text, text);
	return o;
}

/* cause, how, suite, encrypt-then-MAC, damage */
static json_t *
truth_of(const char *cause, const char *how, const char *suite, bool etm, const char *damage)
{
	char text[2000];

	(void)snprintf(text, sizeof text,
		"{\"faults\": [{\"cause\": \"%s\", \"how\": \"%s\", \"connection\": 1, \"cipher_suite\": "
		"\"%s\", \"encrypt_then_mac\": %s, \"direction\": \"client_to_server\", "
		"\"sequence_number\": 3, \"stream_offset\": 100, \"party\": \"network\", \"damage\": "
		"[%s]}]}",
		cause, how, suite, etm ? "true" : "false", damage);
	return parse(text);
}

/* One failure, in the connection and at the number that are given. */
static void
failure_text(char *out, size_t n, const char *cause, unsigned sequence, const char *confidence,
	const char *parties, const char *damage)
{
	(void)snprintf(out, n,
		"{\"direction\": \"client_to_server\", \"sequence_number\": %u, \"stream_offset\": 100, "
		"\"cause\": \"%s\", \"confidence\": \"%s\", \"at_fault\": [%s], \"damage\": [%s]}",
		sequence, cause, confidence, parties, damage);
}

static json_t *
report_of(unsigned id, const char *failures)
{
	char text[4400];

	(void)snprintf(text, sizeof text,
		"{\"connections\": [{\"id\": 0, \"failures\": []}, {\"id\": %u, \"failures\": [%s]}]}", id,
		failures);
	return parse(text);
}

static const char flip[] = "{\"record_offset\": 40, \"received\": \"5f\", \"sent\": \"4f\"}";
static const char network[] = "\"network\"";

/* What a report with this one failure is worth, where one bit of GCM was flipped. */
static void
judge_flip(const char *cause, unsigned sequence, const char *confidence, const char *parties,
	const char *damage)
{
	char failure[2000];
	json_t *truth = truth_of("bits-flipped", "one", GCM, false, flip);

	failure_text(failure, sizeof failure, cause, sequence, confidence, parties, damage);
	json_t *report = report_of(1, failure);
	lab_judge(truth, report, 1, &answer);
	json_decref(truth);
	json_decref(report);
}

static void
test_right(void **state)
{
	(void)state;
	judge_flip("bits-flipped", 3, "proven", network, flip);
	assert_true(answer.right);
	assert_string_equal(answer.problem, "");
	assert_string_equal(answer.told, "bits-flipped");
	assert_int_equal(answer.cause, LAB_CAUSE_RIGHT);
	assert_true(answer.located);
	assert_int_equal(answer.repair, LAB_REPAIRED);
	assert_int_equal(answer.party, LAB_PARTY_FIRST);
	assert_int_equal(answer.confidence, LAB_PROVEN);
	assert_false(answer.proven_and_wrong);
	judge_flip("bits-flipped", 3, "supported", "\"sender-host\", \"network\"", flip);
	assert_true(answer.right);
	assert_int_equal(answer.party, LAB_PARTY_IN);
	assert_int_equal(answer.confidence, LAB_SUPPORTED);
}

static void
test_other_cause(void **state)
{
	(void)state;
	judge_flip("bytes-damaged", 3, "supported", network, flip);
	assert_false(answer.right);
	assert_int_equal(answer.cause, LAB_CAUSE_WRONG);
	assert_false(answer.proven_and_wrong);
	assert_string_equal(answer.problem, "cause bytes-damaged, not bits-flipped");
	judge_flip("bytes-damaged", 3, "proven", network, flip);
	assert_true(answer.proven_and_wrong);
	/* Not known is not right either, where it can be known. */
	judge_flip("unexplained", 3, "supported", network, "");
	assert_false(answer.right);
}

static void
test_other_record(void **state)
{
	char failure[2000];

	(void)state;
	judge_flip("bits-flipped", 4, "proven", network, flip);
	assert_false(answer.right);
	assert_false(answer.located);
	assert_true(answer.proven_and_wrong);
	/* The right number in another connection. */
	failure_text(failure, sizeof failure, "bits-flipped", 3, "supported", network, flip);
	json_t *truth = truth_of("bits-flipped", "one", GCM, false, flip),
		   *report = report_of(2, failure);
	lab_judge(truth, report, 1, &answer);
	assert_false(answer.located);
	assert_false(answer.right);
	json_decref(report);
	/* Its turn counts, where times tell it, and not its id. */
	report = report_of(0, failure);
	json_t *connections = json_object_get(report, "connections");
	json_object_set_new(
		json_array_get(connections, 0), "first_time", json_string("2026-01-01T00:00:02Z"));
	json_object_set_new(
		json_array_get(connections, 1), "first_time", json_string("2026-01-01T00:00:03Z"));
	lab_judge(truth, report, 1, &answer);
	assert_true(answer.located);
	json_object_set_new(
		json_array_get(connections, 1), "first_time", json_string("2026-01-01T00:00:01Z"));
	lab_judge(truth, report, 1, &answer);
	assert_false(answer.located);
	json_decref(report);
	json_decref(truth);
}

static void
test_other_octets(void **state)
{
	static const char other[] = "{\"record_offset\": 41, \"received\": \"5f\", \"sent\": \"4f\"}";
	static const char nulls[] = "{\"record_offset\": 40, \"received\": \"5f\", \"sent\": null}";
	static const char longer[] =
		"{\"record_offset\": 39, \"received\": \"aa5fbb\", \"sent\": \"aa4fbb\"}";
	static const char more[] =
		"{\"record_offset\": 39, \"received\": \"aa5fbb\", \"sent\": \"aa4fbc\"}";

	(void)state;
	judge_flip("bits-flipped", 3, "supported", network, other);
	assert_int_equal(answer.repair, LAB_MISREPAIRED);
	assert_false(answer.right);
	assert_false(answer.proven_and_wrong);
	judge_flip("bits-flipped", 3, "proven", network, other);
	assert_true(answer.proven_and_wrong);
	judge_flip("bits-flipped", 3, "proven", network, more);
	assert_int_equal(answer.repair, LAB_MISREPAIRED);
	/* Octets around them that are right do not count, and what is not told is not wrong. */
	judge_flip("bits-flipped", 3, "proven", network, longer);
	assert_int_equal(answer.repair, LAB_REPAIRED);
	judge_flip("bits-flipped", 3, "proven", network, nulls);
	assert_int_equal(answer.repair, LAB_NOT_REPAIRED);
	assert_true(answer.right);
	judge_flip("bits-flipped", 3, "proven", network, "");
	assert_int_equal(answer.repair, LAB_NOT_REPAIRED);
}

static void
test_other_party(void **state)
{
	(void)state;
	judge_flip("bits-flipped", 3, "supported", "\"sender-tls\", \"receiver-tls\"", flip);
	assert_int_equal(answer.party, LAB_PARTY_OUT);
	assert_false(answer.right);
	assert_false(answer.proven_and_wrong);
	judge_flip("bits-flipped", 3, "proven", "\"sender-tls\"", flip);
	assert_true(answer.proven_and_wrong);
}

/* Right to the last octet, but more failed than there was, or the exit status says otherwise. */
static void
test_more_than_there_is(void **state)
{
	char first[2000], second[2000], both[4100];
	json_t *truth = truth_of("bits-flipped", "one", GCM, false, flip), *report;

	(void)state;
	failure_text(first, sizeof first, "bits-flipped", 3, "proven", network, flip);
	failure_text(second, sizeof second, "bits-flipped", 9, "proven", network, flip);
	(void)snprintf(both, sizeof both, "%s, %s", second, first);
	report = report_of(1, both);
	lab_judge(truth, report, 1, &answer);
	assert_true(answer.located);
	assert_false(answer.right);
	assert_true(answer.proven_and_wrong);
	assert_string_equal(answer.problem, "1 more failures than there are");
	json_decref(report);
	report = report_of(1, first);
	lab_judge(truth, report, 3, &answer);
	assert_false(answer.right);
	json_decref(report);
	json_decref(truth);
	/* Of two that changed places, both may be told. */
	truth = truth_of("records-reordered", "", GCM, false, "");
	failure_text(first, sizeof first, "records-reordered", 3, "proven", network, "");
	failure_text(second, sizeof second, "records-reordered", 4, "proven", network, "");
	(void)snprintf(both, sizeof both, "%s, %s", first, second);
	report = report_of(1, both);
	lab_judge(truth, report, 1, &answer);
	assert_true(answer.right);
	assert_int_equal(answer.repair, LAB_NOTHING_TO_REPAIR);
	json_decref(report);
	json_decref(truth);
}

static void
test_nothing(void **state)
{
	json_t *truth = truth_of("bits-flipped", "one", GCM, false, flip), *report = report_of(1, ""),
		   *empty = parse("{\"faults\": []}");

	(void)state;
	lab_judge(truth, report, 0, &answer);
	assert_false(answer.right);
	assert_string_equal(answer.told, "nothing");
	lab_judge(truth, NULL, -1, &answer);
	assert_false(answer.right);
	assert_string_equal(answer.told, "no report");
	lab_judge(empty, report, 1, &answer);
	assert_false(answer.right);
	lab_judge_none("ended by signal 11", &answer);
	assert_false(answer.right);
	assert_string_equal(answer.problem, "ended by signal 11");
	json_decref(empty);
	json_decref(report);
	json_decref(truth);
}

static void
judge_as(const char *cause, const char *how, const char *suite, bool etm, const char *damage,
	const char *told, const char *told_damage)
{
	char failure[2000];
	json_t *truth = truth_of(cause, how, suite, etm, damage);

	failure_text(failure, sizeof failure, told, 3, "supported", network, told_damage);
	json_t *report = report_of(1, failure);
	lab_judge(truth, report, 1, &answer);
	json_decref(report);
	json_decref(truth);
}

static void
test_names_that_are_as_right(void **state)
{
	static const char other[] = "{\"record_offset\": 41, \"received\": \"5f\", \"sent\": \"4f\"}";

	(void)state;
	judge_as("stale-data", "", "TLS_RSA_WITH_NULL_SHA256", false, flip, "unexplained", "");
	assert_int_equal(answer.cause, LAB_CAUSE_ALIKE);
	assert_true(answer.right);
	judge_as("stale-data", "", GCM, false, flip, "stale-data", "");
	assert_int_equal(answer.cause, LAB_CAUSE_RIGHT);
	/* In that way only, */
	judge_as("bytes-damaged", "zeros", CBC, true, flip, "unexplained", "");
	assert_false(answer.right);
	/* under that kind of protection only, */
	judge_as("bytes-damaged", "run", CBC, true, flip, "unexplained", "");
	assert_true(answer.right);
	judge_as("bytes-damaged", "run", GCM, false, flip, "unexplained", "");
	assert_false(answer.right);
	/* and with the very octets where it takes these. */
	judge_as("tag-damaged", "", CBC, false, flip, "bits-flipped", flip);
	assert_true(answer.right);
	judge_as("tag-damaged", "", CBC, false, flip, "bits-flipped", "");
	assert_false(answer.right);
	judge_as("tag-damaged", "", CBC, false, flip, "bits-flipped", other);
	assert_false(answer.right);
	judge_as("tag-damaged", "", CBC, true, flip, "bits-flipped", flip);
	assert_false(answer.right);
}

/* A run that was put in is the same run one octet further on, if what it begins with follows it. */
static void
test_runs(void **state)
{
	static const char run[] =
		"{\"record_offset\": 40, \"received\": \"0102030405\", \"sent\": \"\"}";
	static const char next[] =
		"{\"record_offset\": 42, \"received\": \"0304050102\", \"sent\": \"\"}";
	static const char bad[] =
		"{\"record_offset\": 42, \"received\": \"0304050103\", \"sent\": \"\"}";
	static const char far[] =
		"{\"record_offset\": 45, \"received\": \"0102030405\", \"sent\": \"\"}";
	static const char lost[] = "{\"record_offset\": 40, \"received\": \"\", \"sent\": \"010203\"}";
	static const char null[] = "{\"record_offset\": 40, \"received\": \"\", \"sent\": null}";

	(void)state;
	judge_as("bytes-inserted", "within", GCM, false, run, "bytes-inserted", run);
	assert_int_equal(answer.repair, LAB_REPAIRED);
	judge_as("bytes-inserted", "within", GCM, false, run, "bytes-inserted", next);
	assert_int_equal(answer.repair, LAB_REPAIRED);
	judge_as("bytes-inserted", "within", GCM, false, next, "bytes-inserted", run);
	assert_int_equal(answer.repair, LAB_REPAIRED);
	judge_as("bytes-inserted", "within", GCM, false, run, "bytes-inserted", bad);
	assert_int_equal(answer.repair, LAB_MISREPAIRED);
	judge_as("bytes-inserted", "within", GCM, false, run, "bytes-inserted", far);
	assert_int_equal(answer.repair, LAB_MISREPAIRED);
	judge_as("bytes-missing", "", GCM, false, lost, "bytes-missing", lost);
	assert_int_equal(answer.repair, LAB_REPAIRED);
	judge_as("bytes-missing", "", GCM, false, lost, "bytes-missing", null);
	assert_int_equal(answer.repair, LAB_NOT_REPAIRED);
	judge_as("bytes-missing", "", GCM, false, lost, "bytes-missing", run);
	assert_int_equal(answer.repair, LAB_MISREPAIRED);
	/* Nothing was damaged, and something is said to have been. */
	judge_as("record-missing", "", GCM, false, "", "record-missing", run);
	assert_int_equal(answer.repair, LAB_MISREPAIRED);
}

static void
test_clean(void **state)
{
	char failure[2000];
	json_t *report = report_of(1, "");

	(void)state;
	lab_judge_clean(report, 0, &answer);
	assert_true(answer.right);
	lab_judge_clean(report, 3, &answer);
	assert_false(answer.right);
	lab_judge_clean(NULL, -1, &answer);
	assert_false(answer.right);
	json_decref(report);
	failure_text(failure, sizeof failure, "record-was-good", 3, "proven", network, "");
	report = report_of(1, failure);
	lab_judge_clean(report, 1, &answer);
	assert_true(answer.right);
	json_decref(report);
	failure_text(failure, sizeof failure, "bits-flipped", 3, "proven", network, "");
	report = report_of(1, failure);
	lab_judge_clean(report, 1, &answer);
	assert_false(answer.right);
	assert_true(answer.proven_and_wrong);
	json_decref(report);
}

static void
test_kinds(void **state)
{
	static const struct {
		const char *suite;
		bool etm;
		unsigned kind;
	} kinds[] = {{GCM, false, LAB_AEAD}, {"TLS_AES_128_CCM_8_SHA256", false, LAB_SHORT_TAG},
		{CBC, false, LAB_MAC_INSIDE}, {CBC, true, LAB_MAC_BEHIND},
		{"TLS_RSA_WITH_RC4_128_SHA", false, LAB_STREAM},
		{"TLS_RSA_WITH_NULL_SHA256", false, LAB_CLEAR},
		{"TLS_CHACHA20_POLY1305_SHA256", false, LAB_AEAD}, {"unknown", false, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		json_t *truth = truth_of("bits-flipped", "one", kinds[i].suite, kinds[i].etm, "");
		assert_int_equal(
			lab_kind_of(json_array_get(json_object_get(truth, "faults"), 0)), kinds[i].kind);
		json_decref(truth);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_other_cause),
		cmocka_unit_test(test_other_record),
		cmocka_unit_test(test_other_octets),
		cmocka_unit_test(test_other_party),
		cmocka_unit_test(test_more_than_there_is),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_names_that_are_as_right),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests_name("lab judge", tests, NULL, NULL);
}
