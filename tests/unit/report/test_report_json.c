/* The JSON report, read back by an independent parser. */
#include "sample.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *
report(const struct bm_connection *c, size_t n)
{
	struct sink s = {0};
	struct bm_report_options o = sample_options(&s, true);
	json_error_t e;

	assert_int_equal(sample_report(&o, c, n), BM_OK);
	for (size_t i = 0; i < s.n; i++)
		assert_true(s.text[i] == '\n' || (s.text[i] >= 0x20 && s.text[i] < 0x7f));
	json_t *j = json_loads(s.text, JSON_REJECT_DUPLICATES, &e);
	if (j == NULL)
		print_error("%s at %d\n%s\n", e.text, e.position, s.text);
	assert_non_null(j);
	sink_clear(&s);
	return j;
}

static json_t *
connection(json_t *j, size_t n)
{
	return json_array_get(json_object_get(j, "connections"), n);
}

/* The value as it would be written by itself, against the text expected. */
static void
expect(const json_t *object, const char *key, const char *want)
{
	json_t *v = json_object_get(object, key);
	assert_non_null(v);
	char *got =
		json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
	assert_non_null(got);
	if (strcmp(got, want) != 0)
		print_error("%s: %s\n", key, got);
	assert_string_equal(got, want);
	free(got);
}

static void
every_field(void **state)
{
	(void)state;
	json_t *j = report(sample_full(), 1), *c = connection(j, 0);

	assert_int_equal(json_object_size(j), 4);
	expect(j, "schema", "\"badmac.diagnosis.v1\"");
	expect(j, "redacted", "null");
	json_t *s = json_object_get(j, "summary");
	assert_int_equal(json_object_size(s), 9);
	expect(s, "result", "\"failed\"");
	expect(s, "connections", "1");
	expect(s, "records", "{\"verified\":1264,\"failed\":1,\"undecided\":2,\"plaintext\":7}");
	expect(s, "records_after_close", "5");
	expect(s, "packets", "1234567");
	expect(s, "bytes", "5000000000");
	expect(s, "undecoded", "0");
	expect(s, "seen_elsewhere", "0");
	expect(s, "notices", "[\"front.pcap: ends early\"]");

	assert_int_equal(json_object_size(c), 29);
	expect(c, "id", "7");
	expect(c, "capture", "\"front.pcap\"");
	expect(c, "also_in", "[\"back.pcap\"]");
	expect(c, "transport", "\"tcp\"");
	expect(c, "client", "\"10.0.0.1:40112\"");
	expect(c, "server", "\"[2001:db8::1]:443\"");
	expect(c, "server_name", "\"example.org\"");
	expect(c, "first_time", "\"2024-02-29T12:34:56.123456789Z\"");
	expect(c, "last_time", "\"2024-12-31T23:59:59.999999999Z\"");
	expect(c, "version", "\"TLS 1.2\"");
	expect(c, "cipher_suite", "\"TLS_RSA_WITH_AES_128_GCM_SHA256\"");
	expect(
		c, "client_random", "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"");
	expect(c, "resumed", "false");
	expect(c, "keys", "\"key log\"");
	expect(c, "extended_master_secret", "true");
	expect(c, "encrypt_then_mac", "true");
	expect(c, "truncated_hmac", "true");
	expect(c, "max_fragment_length", "1024");
	expect(c, "record_size_limit", "16385");
	expect(c, "compression", "1");
	expect(c, "result", "\"failed\"");
	expect(c, "undecided_because", "\"the capture lacks packets of this connection\"");
	expect(c, "undecided_detail", "\"9 bytes are missing\"");
	expect(c, "undecided_next", "\"capture again\"");
	expect(c, "records",
		"{\"client_to_server\":{\"verified\":1234,\"failed\":1,\"undecided\":2,\"plaintext\":3},"
		"\"server_to_client\":{\"verified\":30,\"failed\":0,\"undecided\":0,\"plaintext\":4}}");
	expect(c, "records_after_close", "5");
	expect(c, "capture_gaps", "1");
	expect(c, "alerts",
		"[{\"direction\":\"server_to_client\",\"level\":\"fatal\",\"description\":\"bad_record_"
		"mac\","
		"\"code\":20,\"packet\":31,\"encrypted\":true,\"stale\":false},"
		"{\"direction\":\"client_to_server\",\"level\":\"warning\",\"description\":\"close_"
		"notify\","
		"\"code\":0,\"packet\":33,\"encrypted\":true,\"stale\":false},"
		"{\"direction\":\"client_to_server\",\"level\":null,\"description\":null,"
		"\"code\":null,\"packet\":34,\"encrypted\":true,\"stale\":true}]");

	json_t *f = json_array_get(json_object_get(c, "failures"), 0);
	assert_int_equal(json_object_size(f), 16);
	expect(f, "direction", "\"client_to_server\"");
	expect(f, "epoch", "1");
	expect(f, "sequence_number", "4");
	expect(f, "stream_offset", "3529");
	expect(f, "length", "1029");
	expect(f, "packets", "[24,25]");
	expect(f, "cause", "\"retransmission-differs\"");
	expect(f, "confidence", "\"proven\"");
	expect(f, "at_fault", "[\"network\",\"sender-host\"]");
	expect(f, "summary", "\"Record 4 of the client verifies with other bytes.\"");
	expect(f, "proof",
		"{\"method\":\"copy-choice\",\"tag_bits\":128,\"candidates\":3,\"chance_log2\":-126.42,"
		"\"altered\":null}");
	expect(f, "damage",
		"[{\"record_offset\":12,\"stream_offset\":3541,\"length\":2,\"packet\":25,"
		"\"packet_offset\":78,\"received\":\"0aff\",\"sent\":\"0bfe\"},"
		"{\"record_offset\":40,\"stream_offset\":3569,\"length\":3,\"packet\":null,"
		"\"packet_offset\":null,\"received\":\"010203\",\"sent\":null}]");
	expect(f, "checksum", "{\"as_captured\":\"invalid\",\"as_sent\":\"valid\"}");
	expect(f, "evidence", "[\"first fact\",\"second \\\"fact\\\"\"]");
	expect(f, "ruled_out",
		"[{\"cause\":\"record-replayed\",\"because\":\"no earlier record is alike\"}]");
	expect(f, "next_steps", "[\"look at it\",\"then again\"]");
	json_decref(j);
}

/* A count that ends at 2^64 - 1 is a number all the same, and one that every reader holds. */
static void
more_candidates_than_fit(void **state)
{
	(void)state;
	static const uint64_t counts[] = {UINT64_MAX, (uint64_t)1 << 53, ((uint64_t)1 << 53) - 1};
	struct bm_connection *c = sample_full();
	struct bm_failure f = c->failures[0];

	c->failures = &f;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		f.proof = (struct bm_proof){"ghash-syndrome", 128, counts[i], -61.5, {.told = false}};
		json_t *j = report(c, 1);
		expect(json_array_get(json_object_get(connection(j, 0), "failures"), 0), "proof",
			"{\"method\":\"ghash-syndrome\",\"tag_bits\":128,\"candidates\":9007199254740991,"
			"\"chance_log2\":-61.5,\"altered\":null}");
		json_decref(j);
	}
}

/* Everything that a proof can have been given otherwise, and nothing of it. */
static void
what_was_altered(void **state)
{
	(void)state;
	struct bm_connection *c = sample_full();
	struct bm_failure f = c->failures[0];
	struct bm_altered all = {.told = true,
		.inputs = BM_INPUT_NUMBER | BM_INPUT_CONNECTION | BM_INPUT_KEYSTREAM,
		.direction = BM_SERVER_TO_CLIENT,
		.epoch = 2,
		.seq = 7,
		.off = 100,
		.packet = 3,
		.packet_off = 66,
		.sender = {{192, 0, 2, 1}, 4, 443},
		.receiver = {{192, 0, 2, 2}, 4, 50000},
		.session = {0xab, 0xcd},
		.session_n = 2,
		.rule = "another",
		.padding = 12,
		.keystream = 4096,
		.iv = {1, 2},
		.iv_n = 2,
		.capture = "other.pcap",
		.sent_packets = {9, 11},
		.sent_packet_count = 2,
		.sent_packet_off = 70,
		.has_other = true,
		.other = {BM_CLIENT_TO_SERVER, 50, 2, 6}};
	struct bm_altered none = {.told = true,
		.epoch = BM_UNKNOWN,
		.seq = BM_UNKNOWN,
		.off = BM_UNKNOWN,
		.packet = BM_UNKNOWN,
		.packet_off = BM_UNKNOWN,
		.padding = BM_UNKNOWN,
		.keystream = BM_UNKNOWN,
		.sent_packet_off = BM_UNKNOWN};
	c->failures = &f;
	f.proof.altered = all;
	json_t *j = report(c, 1);
	expect(
		json_object_get(json_array_get(json_object_get(connection(j, 0), "failures"), 0), "proof"),
		"altered",
		"{\"inputs\":[\"sequence_number\",\"connection\",\"keystream\"],\"direction\":\"server_to_"
		"client\","
		"\"epoch\":2,\"sequence_number\":7,\"stream_offset\":100,\"packet\":3,\"packet_offset\":66,"
		"\"sender\":\"192.0.2.1:443\",\"receiver\":\"192.0.2.2:50000\",\"session\":\"abcd\","
		"\"rule\":\"another\",\"mac_rule\":null,"
		"\"padding\":12,\"keystream_offset\":4096,\"iv\":\"0102\",\"capture\":\"other.pcap\","
		"\"sent_packets\":[9,11],\"sent_packet_offset\":70,"
		"\"other_record\":{\"direction\":\"client_to_server\",\"stream_offset\":50,\"packet\":2,"
		"\"sequence_number\":6}}");
	json_decref(j);
	f.proof.altered = none;
	j = report(c, 1);
	expect(
		json_object_get(json_array_get(json_object_get(connection(j, 0), "failures"), 0), "proof"),
		"altered",
		"{\"inputs\":[],\"direction\":\"client_to_server\",\"epoch\":null,\"sequence_number\":null,"
		"\"stream_offset\":null,\"packet\":null,\"packet_offset\":null,\"sender\":null,"
		"\"receiver\":null,"
		"\"session\":null,\"rule\":null,\"mac_rule\":null,\"padding\":null,\"keystream_offset\":"
		"null,"
		"\"iv\":null,\"capture\":null,"
		"\"sent_packets\":[],\"sent_packet_offset\":null,\"other_record\":null}");
	json_decref(j);
	none.inputs = BM_INPUT_RULE;
	none.mac_rule = (struct bm_mac_rule){.order = "mac-then-encrypt",
		.tag_length = 10,
		.cipher_key = "first-half",
		.number = "low-octet-first",
		.version = "TLS 1.1"};
	f.proof.altered = none;
	j = report(c, 1);
	expect(json_object_get(
			   json_object_get(
				   json_array_get(json_object_get(connection(j, 0), "failures"), 0), "proof"),
			   "altered"),
		"mac_rule",
		"{\"order\":\"mac-then-encrypt\",\"tag_length\":10,\"mac\":null,\"cipher_key\":\"first-"
		"half\","
		"\"mac_key\":null,\"iv\":null,\"nonce\":null,\"number\":\"low-octet-first\",\"number_in\":"
		"null,"
		"\"version\":\"TLS 1.1\",\"header\":null,\"length\":null}");
	json_decref(j);
}

static void
unknown_is_null(void **state)
{
	(void)state;
	json_t *j = report(sample_bare(), 1), *c = connection(j, 0);
	static const char *const of_connection[] = {"capture", "server_name", "first_time", "last_time",
		"version", "cipher_suite", "client_random", "resumed", "keys", "max_fragment_length",
		"record_size_limit", "compression", "undecided_because", "undecided_detail",
		"undecided_next"};
	static const char *const of_failure[] = {
		"epoch", "sequence_number", "stream_offset", "length", "proof"};

	assert_int_equal(json_object_size(c), 29);
	for (size_t i = 0; i < sizeof of_connection / sizeof of_connection[0]; i++)
		expect(c, of_connection[i], "null");
	expect(c, "transport", "\"udp\"");
	expect(c, "alerts", "[]");
	expect(c, "also_in", "[]");
	json_t *f = json_array_get(json_object_get(c, "failures"), 0);
	assert_int_equal(json_object_size(f), 16);
	for (size_t i = 0; i < sizeof of_failure / sizeof of_failure[0]; i++)
		expect(f, of_failure[i], "null");
	expect(f, "checksum", "{\"as_captured\":null,\"as_sent\":null}");
	expect(f, "packets", "[]");
	expect(f, "damage", "[]");
	expect(f, "at_fault", "[]");
	expect(f, "evidence", "[]");
	expect(f, "ruled_out", "[]");
	expect(f, "next_steps", "[]");
	json_decref(j);
	j = report(NULL, 0);
	expect(j, "connections", "[]");
	expect(json_object_get(j, "summary"), "result", "\"verified\"");
	json_decref(j);
}

static void
words(void **state)
{
	(void)state;
	static const struct {
		enum bm_key_source source;
		const char *name;
	} sources[] = {{BM_SOURCE_NONE, "null"}, {BM_SOURCE_KEY_LOG, "\"key log\""},
		{BM_SOURCE_SECRETS_BLOCK, "\"secrets block\""}, {BM_SOURCE_PRIVATE_KEY, "\"private key\""},
		{BM_SOURCE_JSSE_LOG, "\"jsse log\""}};

	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		struct bm_connection *c = sample_full();
		c->keys = sources[i].source;
		c->resumed = 1;
		c->suite = 0xff42; /* private use: no name */
		c->version = 0;
		json_t *j = report(c, 1);
		expect(connection(j, 0), "keys", sources[i].name);
		expect(connection(j, 0), "resumed", "true");
		expect(connection(j, 0), "cipher_suite", "\"0xFF42\"");
		expect(connection(j, 0), "version", "null");
		json_decref(j);
	}
}

static void
escapes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"\"\\/", "\"\\\"\\\\/\""},
		{"\x01\x1b[31m\n\t\x7f", "\"\\u0001\\u001B[31m\\n\\t\x7f\""},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92", "\"caf\\u00E9 \\u20AC \\uD83D\\uDD12\""},
		{"\xff"
		 "a",
			"\"\\uFFFDa\""},
		{"\xc0\xaf", "\"\\uFFFD\\uFFFD\""},                       /* overlong */
		{"\xed\xa0\x80", "\"\\uFFFD\\uFFFD\\uFFFD\""},            /* a surrogate */
		{"\xf4\x90\x80\x80", "\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\""}, /* past U+10FFFF */
		{"\xe2\x82", "\"\\uFFFD\\uFFFD\""},                       /* cut short */
		{"\xf4\x8f\xbf\xbf", "\"\\uDBFF\\uDFFF\""},
		{"", "\"\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bm_connection *c = sample_full();
		c->server_name = cases[i].text;
		json_t *j = report(c, 1);
		expect(connection(j, 0), "server_name", cases[i].json);
		json_decref(j);
	}
}

static void
chances(void **state)
{
	(void)state;
	static const struct {
		double chance;
		const char *json; /* NULL: no proof */
	} cases[] = {{-88, "-88.0"}, {-0.01, "-0.01"}, {-39.999, "-40.0"}, {0, NULL}, {3, NULL},
		{-INFINITY, NULL}, {INFINITY, NULL}, {NAN, NULL}, {-1e300, "-1000000000.0"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bm_connection *c = sample_full();
		struct bm_failure f = c->failures[0];
		f.proof.chance_log2 = cases[i].chance;
		c->failures = &f;
		json_t *j = report(c, 1);
		json_t *p = json_object_get(
			json_array_get(json_object_get(connection(j, 0), "failures"), 0), "proof");
		assert_int_equal(json_is_null(p), cases[i].json == NULL);
		if (cases[i].json != NULL)
			assert_true(fabs(json_real_value(json_object_get(p, "chance_log2")) -
							 strtod(cases[i].json, NULL)) < 1e-9);
		json_decref(j);
	}
}

static void
long_damage(void **state)
{
	(void)state;
	static uint8_t bytes[16384 + 5];
	static char want[2 * sizeof bytes + 3];
	struct bm_connection *c = sample_full();
	struct bm_failure f = c->failures[0];
	struct bm_damage d = f.damage[0];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	want[0] = '"';
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(want + 1 + 2 * i, 3, "%02x", bytes[i]);
	strcat(want, "\"");
	d.received = bm_view(bytes, sizeof bytes);
	d.sent = bm_view(NULL, 0); /* inserted bytes: the empty string */
	f.damage = &d;
	f.damage_count = 1;
	c->failures = &f;
	json_t *j = report(c, 1);
	json_t *got = json_array_get(
		json_object_get(json_array_get(json_object_get(connection(j, 0), "failures"), 0), "damage"),
		0);
	expect(got, "received", want);
	expect(got, "sent", "\"\"");
	json_decref(j);
}

/* Connections leave as they come, one on each line. */
static void
streams(void **state)
{
	(void)state;
	struct sink s = {0};
	struct bm_report_options o = sample_options(&s, true);
	struct bm_connection *c = sample_full();
	struct bm_summary sum = sample_summary(c, 1);
	struct bm_report *r;
	size_t before = 0;

	assert_int_equal(bm_report_new(&r, &o), BM_OK);
	for (uint64_t i = 0; i < 10000; i++) {
		c->id = i;
		assert_int_equal(bm_report_connection(r, c), BM_OK);
		assert_true(s.n > before + 1000);
		before = s.n;
	}
	assert_true(s.largest <= 16384);
	assert_int_equal(bm_report_finish(r, &sum), BM_OK);
	assert_int_equal(bm_report_finish(r, &sum), BM_USAGE);
	bm_report_free(r);
	json_t *j = json_loads(s.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_int_equal(json_array_size(json_object_get(j, "connections")), 10000);
	assert_int_equal(json_integer_value(json_object_get(connection(j, 9999), "id")), 9999);
	json_decref(j);
	size_t lines = 0;
	for (size_t i = 0; i < s.n; i++)
		lines += s.text[i] == '\n';
	assert_int_equal(lines, 2 + 10000 + 2);
	sink_clear(&s);
}

static void
write_failures_stick(void **state)
{
	(void)state;
	struct sink whole = {0};
	struct bm_report_options o = sample_options(&whole, true);
	struct bm_connection two[2] = {*sample_full(), *sample_full()};

	assert_int_equal(sample_report(&o, two, 2), BM_OK);
	assert_in_range(whole.calls, 3, 10);
	for (size_t i = 1; i <= whole.calls; i++) {
		struct sink s = {.fail_at = i};
		struct bm_report *r;
		struct bm_summary sum = sample_summary(two, 2);
		enum bm_status st = BM_OK;
		o.write_ctx = &s;
		assert_int_equal(bm_report_new(&r, &o), BM_OK);
		for (size_t k = 0; k < 2; k++) {
			enum bm_status now = bm_report_connection(r, &two[k]);
			assert_true(st == BM_OK || now == BM_IO);
			st = now;
		}
		assert_int_equal(bm_report_finish(r, &sum), BM_IO);
		assert_int_equal(bm_report_connection(r, &two[0]), BM_IO);
		assert_int_equal(bm_report_finish(r, &sum), BM_IO);
		assert_int_equal(s.calls, i); /* nothing is written past the failure */
		assert_true(s.n == 0 || memcmp(s.text, whole.text, s.n) == 0);
		bm_report_free(r);
		sink_clear(&s);
	}
	sink_clear(&whole);
}

static void
refuses_no_writer(void **state)
{
	(void)state;
	struct bm_report_options o = {.json = true};
	struct bm_report *r = NULL;

	assert_int_equal(bm_report_new(&r, &o), BM_USAGE);
	assert_null(r);
	bm_report_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_field),
		cmocka_unit_test(more_candidates_than_fit), cmocka_unit_test(what_was_altered),
		cmocka_unit_test(unknown_is_null), cmocka_unit_test(words), cmocka_unit_test(escapes),
		cmocka_unit_test(chances), cmocka_unit_test(long_damage), cmocka_unit_test(streams),
		cmocka_unit_test(write_failures_stick), cmocka_unit_test(refuses_no_writer)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
