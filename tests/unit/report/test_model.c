/* The words of the contract, against a list of their own, and the alert registry. */
#include "sample.h"

#include <stdio.h>

static void
ids(void **state)
{
	(void)state;
	static const char *const causes =
		"record-was-good bits-flipped bytes-damaged words-swapped "
		"tag-damaged header-damaged stale-data retransmission-differs bytes-missing bytes-inserted "
		"plaintext-injected records-interleaved sequence-reused record-replayed records-reordered "
		"record-missing wrong-epoch reflected-record foreign-record wrong-keys mac-construction "
		"bad-padding sender-miscomputed plaintext-alert capture-incomplete unexplained ";
	static const char *const parties =
		"sender-application sender-tls sender-host network "
		"receiver-host receiver-tls receiver-application configuration capture ";
	char all[2048] = "";

	for (int i = 0; i < BM_CAUSE_COUNT; i++) {
		strcat(all, bm_cause_id((enum bm_cause)i));
		strcat(all, " ");
	}
	assert_string_equal(all, causes);
	all[0] = '\0';
	for (int i = 0; i < BM_PARTY_COUNT; i++) {
		strcat(all, bm_party_id((enum bm_party)i));
		strcat(all, " ");
	}
	assert_string_equal(all, parties);
	assert_string_equal(bm_cause_id(BM_CAUSE_COUNT), "unexplained");
	assert_non_null(bm_party_id(BM_PARTY_COUNT));
	assert_string_equal(bm_cause_id(BM_CAUSE_SEQUENCE_REUSED), "sequence-reused");
	assert_string_equal(bm_party_id(BM_PARTY_RECEIVER_TLS), "receiver-tls");
	assert_string_equal(bm_confidence_id(BM_POSSIBLE), "possible");
	assert_string_equal(bm_confidence_id(BM_SUPPORTED), "supported");
	assert_string_equal(bm_confidence_id(BM_PROVEN), "proven");
	assert_string_equal(bm_conclusion_id(BM_RESULT_VERIFIED), "verified");
	assert_string_equal(bm_conclusion_id(BM_RESULT_FAILED), "failed");
	assert_string_equal(bm_conclusion_id(BM_RESULT_UNDECIDED), "undecided");
}

static void
alerts(void **state)
{
	(void)state;
	/* RFC 8446, appendix B.2, and RFC 5246, section 7.2, in the order of their codes. */
	static const struct {
		unsigned code;
		const char *name;
	} known[] = {{0, "close_notify"}, {10, "unexpected_message"}, {20, "bad_record_mac"},
		{21, "decryption_failed"}, {22, "record_overflow"}, {30, "decompression_failure"},
		{40, "handshake_failure"}, {42, "bad_certificate"}, {47, "illegal_parameter"},
		{48, "unknown_ca"}, {51, "decrypt_error"}, {70, "protocol_version"}, {80, "internal_error"},
		{86, "inappropriate_fallback"}, {90, "user_canceled"}, {100, "no_renegotiation"},
		{109, "missing_extension"}, {112, "unrecognized_name"}, {116, "certificate_required"},
		{120, "no_application_protocol"}, {121, "ech_required"}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		assert_string_equal(bm_alert_name(known[i].code), known[i].name);
	for (unsigned code = 0; code < 256; code++)
		n += bm_alert_name(code) != NULL;
	assert_int_equal(n, 37);
	assert_null(bm_alert_name(1));
	assert_null(bm_alert_name(255));
	assert_null(bm_alert_name(256 + 20));
	assert_string_equal(bm_alert_level(1), "warning");
	assert_string_equal(bm_alert_level(2), "fatal");
	assert_null(bm_alert_level(0));
	assert_null(bm_alert_level(3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ids), cmocka_unit_test(alerts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
