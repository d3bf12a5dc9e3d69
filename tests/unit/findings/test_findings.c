/* Reports read back: all of their members, wrong ones by name, files cut and damaged everywhere,
 * pages of HTML, limits. */
#include "findings/findings.h"

#include "../stride.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct bm_findings f;
static char problem[BM_FINDINGS_PROBLEM];

static enum bm_status
read_bytes(const char *bytes, size_t n)
{
	/* Of its own, so that a sanitizer sees what lies behind it. */
	char *copy = malloc(n + (n == 0));

	bm_findings_clear(&f);
	assert_non_null(copy);
	memcpy(copy, bytes, n);
	enum bm_status st = bm_findings_read(bm_view(copy, n), &f, problem, sizeof problem);
	free(copy);
	if (st != BM_OK) {
		assert_true(problem[0] != '\0');
		assert_int_equal(f.connection_count, 0);
		assert_null(f.arena.first);
	}
	return st;
}

static enum bm_status
read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void
check_counts(const struct bm_found_counts *c)
{
	assert_int_equal(c->verified, 10);
	assert_int_equal(c->failed, 1);
	assert_int_equal(c->undecided, 2);
	assert_int_equal(c->plaintext, 3);
}

static void
check_failure(const struct bm_found_failure *x)
{
	assert_int_equal(x->direction, BM_FOUND_CLIENT_TO_SERVER);
	assert_int_equal(x->epoch, 3);
	assert_int_equal(x->sequence_number, 4);
	assert_int_equal(x->stream_offset, 3367);
	assert_int_equal(x->length, 1022);
	assert_int_equal(x->packet_count, 2);
	assert_int_equal(x->packets[1], 22);
	assert_string_equal(x->cause, "bits-flipped");
	assert_int_equal(x->confidence, BM_FOUND_PROVEN);
	assert_int_equal(x->at_fault.count, 2);
	assert_string_equal(x->at_fault.at[1], "sender-host");
	assert_string_equal(x->summary, "Bits were flipped.");
	assert_true(x->has_proof);
	assert_string_equal(x->proof.method, "ghash-syndrome");
	assert_int_equal(x->proof.tag_bits, 128);
	assert_int_equal(x->proof.candidates, 8007);
	assert_true(x->proof.chance_log2 < -115.02 && x->proof.chance_log2 > -115.04);
	assert_int_equal(x->damage_count, 2);
	assert_int_equal(x->damage[0].record_offset, 205);
	assert_int_equal(x->damage[0].stream_offset, 3572);
	assert_int_equal(x->damage[0].packet, 21);
	assert_int_equal(x->damage[0].packet_offset, 271);
	assert_true(bm_view_equal(x->damage[0].received, bm_view("\xb0\xff", 2)));
	assert_true(x->damage[0].sent_known);
	assert_true(bm_view_equal(x->damage[0].sent, bm_view("\xa0", 2)));
	assert_int_equal(x->damage[1].packet, BM_FOUND_UNKNOWN);
	assert_int_equal(x->damage[1].length, 0);
	assert_true(x->damage[1].received_known && !x->damage[1].sent_known);
	assert_int_equal(x->checksum_as_captured, BM_FOUND_SUM_VALID);
	assert_int_equal(x->checksum_as_sent, BM_FOUND_SUM_INVALID);
	assert_string_equal(x->evidence.at[0], "a fact");
	assert_string_equal(x->ruled_out[0].cause, "record-replayed");
	assert_string_equal(x->ruled_out[0].because, "it stands once");
	assert_string_equal(x->next_steps.at[1], "again");
}

static void
check_connection(const struct bm_found_connection *c)
{
	assert_int_equal(c->id, 7);
	assert_string_equal(c->capture, "a.pcap");
	assert_string_equal(c->also_in.at[0], "b.pcap");
	assert_int_equal(c->transport, BM_FOUND_TCP);
	assert_string_equal(c->client, "192.0.2.1:49152");
	assert_string_equal(c->server, "[2001:db8::1]:443");
	assert_string_equal(c->server_name, "caf\xc3\xa9\x1b");
	assert_string_equal(c->first_time, "2026-11-23T23:03:49.553087000Z");
	assert_string_equal(c->last_time, "2026-11-23T23:03:50.000000000Z");
	assert_string_equal(c->version, "TLS 1.3");
	assert_string_equal(c->cipher_suite, "TLS_AES_256_GCM_SHA384");
	assert_true(c->has_client_random);
	assert_int_equal(c->client_random[1], 0x11);
	assert_int_equal(c->client_random[31], 0xef);
	assert_int_equal(c->resumed, BM_FOUND_NO);
	assert_string_equal(c->keys, "key log");
	assert_true(c->extended_master_secret && !c->encrypt_then_mac && !c->truncated_hmac);
	assert_int_equal(c->max_fragment_length, 1024);
	assert_int_equal(c->record_size_limit, 16384);
	assert_int_equal(c->compression, 1);
	assert_int_equal(c->result, BM_FOUND_FAILED);
	assert_string_equal(c->undecided_because, "x");
	assert_string_equal(c->undecided_detail, "y");
	assert_string_equal(c->undecided_next, "z");
	check_counts(&c->records[0]);
	check_counts(&c->records[1]);
	assert_int_equal(c->capture_gaps, 5);
	assert_int_equal(c->alert_count, 2);
	assert_int_equal(c->alerts[0].direction, BM_FOUND_SERVER_TO_CLIENT);
	assert_string_equal(c->alerts[0].level, "fatal");
	assert_string_equal(c->alerts[0].description, "bad_record_mac");
	assert_int_equal(c->alerts[0].code, 20);
	assert_int_equal(c->alerts[0].packet, 28);
	assert_true(c->alerts[0].encrypted);
	assert_null(c->alerts[1].level);
	assert_int_equal(c->alerts[1].code, BM_FOUND_UNKNOWN);
	assert_int_equal(c->failure_count, 2);
	check_failure(&c->failures[0]);
}

static void
check_all(void)
{
	assert_int_equal(f.connection_count, 2);
	check_connection(&f.connections[0]);
	const struct bm_found_failure *x = &f.connections[0].failures[1];
	assert_string_equal(x->cause, "eaten-by-moths");
	assert_int_equal(x->epoch, BM_FOUND_UNKNOWN);
	assert_int_equal(x->confidence, BM_FOUND_POSSIBLE);
	assert_int_equal(x->checksum_as_captured, BM_FOUND_SUM_UNKNOWN);
	assert_int_equal(x->checksum_as_sent, BM_FOUND_SUM_UNKNOWN);
	assert_false(x->has_proof);
	const struct bm_found_connection *c = &f.connections[1];
	assert_null(c->capture);
	assert_int_equal(c->transport, BM_FOUND_UDP);
	assert_false(c->has_client_random);
	assert_int_equal(c->resumed, BM_FOUND_NO_ANSWER);
	assert_int_equal(c->compression, BM_FOUND_UNKNOWN);
	assert_int_equal(c->result, BM_FOUND_UNDECIDED);
	assert_int_equal(f.result, BM_FOUND_FAILED);
	assert_int_equal(f.connections_told, 2);
	check_counts(&f.records);
	assert_int_equal(f.packets, 99);
	assert_int_equal(f.bytes, 12345);
	assert_int_equal(f.undecoded, 1);
	assert_int_equal(f.seen_elsewhere, 1);
	assert_string_equal(f.notices.at[0], "cut short");
}

static void
test_all_members(void **state)
{
	(void)state;
	assert_int_equal(read_text(SAMPLE), BM_OK);
	check_all();
	assert_int_equal(read_text("\xef\xbb\xbf \r\n\t" SAMPLE), BM_OK);
	check_all();
}

static void
test_pages(void **state)
{
#define PAGE "<!DOCTYPE html><script>x</script><script type=\"application/json\" id=\"diagnosis\">"

	(void)state;
	assert_int_equal(read_text(PAGE SAMPLE "</script><script>y</script>"), BM_OK);
	check_all();
	assert_int_equal(read_text(PAGE SAMPLE), BM_FORMAT);
	assert_string_equal(problem, "the page ends inside the diagnosis");
	assert_int_equal(read_text("<html>" SAMPLE "</script>"), BM_FORMAT);
	assert_string_equal(problem, "a page without a diagnosis");
	assert_int_equal(read_text(PAGE "</script>"), BM_FORMAT);
}

/* Every value of the report in turn is of a type that it cannot be ("no number", "neither true nor
 * false"), or is not there. */
struct walk {
	json_t *root;
	unsigned tried;
};

static void
expect_wrong(struct walk *w, const char *path, const char *what)
{
	char *text = json_dumps(w->root, JSON_COMPACT);
	char start[200];

	assert_int_equal(read_text(text), BM_FORMAT);
	(void)snprintf(start, sizeof start, "%s: %s", path, what);
	if (strncmp(problem, start, strlen(start)) != 0)
		fail_msg("'%s' is not about '%s'", problem, start);
	free(text);
	w->tried++;
}

static json_t *
wrong_for(const json_t *value)
{
	if (json_is_null(value)) /* may be many things, and none an array */
		return json_array();
	return json_is_object(value) ? json_true() : json_object();
}

static void walk_into(struct walk *w, json_t *value, const char *path);

static void
walk_object(struct walk *w, json_t *object, const char *path)
{
	json_t *members = json_copy(object), *value;
	const char *key;
	char inner[200];

	json_object_foreach(members, key, value)
	{
		(void)snprintf(inner, sizeof inner, "%s%s%s", path, path[0] != '\0' ? "." : "", key);
		if (strcmp(inner, "schema") != 0) {
			json_object_set_new(object, key, wrong_for(value));
			expect_wrong(w, inner, "n");
			json_object_del(object, key);
			expect_wrong(w, inner, "missing");
			json_object_set(object, key, value);
		}
		walk_into(w, value, inner);
	}
	json_decref(members);
}

static void
walk_into(struct walk *w, json_t *value, const char *path)
{
	char inner[200];

	if (json_is_object(value))
		walk_object(w, value, path);
	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *element = json_incref(json_array_get(value, i));
		(void)snprintf(inner, sizeof inner, "%s[%zu]", path, i);
		json_array_set_new(value, i, wrong_for(element));
		expect_wrong(w, inner, "n");
		json_array_set(value, i, element);
		walk_into(w, element, inner);
		json_decref(element);
	}
}

static void
test_wrong_types(void **state)
{
	struct walk w = {.root = json_loads(SAMPLE, 0, NULL)};

	(void)state;
	assert_non_null(w.root);
	walk_into(&w, w.root, "");
	assert_true(w.tried > 200);
	json_decref(w.root);
}

/* What stands for one text in the sample. */
static void
expect_instead(const char *old, const char *new, enum bm_status status, const char *what)
{
	static const char sample[] = SAMPLE;
	const char *at = strstr(sample, old);
	size_t n = sizeof sample + strlen(new);
	char *text = malloc(n);

	assert_non_null(at);
	(void)snprintf(text, n, "%.*s%s%s", (int)(at - sample), sample, new, at + strlen(old));
	assert_int_equal(read_text(text), status);
	if (what != NULL)
		assert_string_equal(problem, what);
	free(text);
}

static void
test_wrong_values(void **state)
{
	(void)state;
	expect_instead(
		"\"a000\"", "\"a00\"", BM_FORMAT, "connections[0].failures[0].damage[0].sent: no hex");
	expect_instead(
		"\"a000\"", "\"a0g0\"", BM_FORMAT, "connections[0].failures[0].damage[0].sent: no hex");
	expect_instead("\"a000\"", "\"\"", BM_OK, NULL);
	expect_instead("\"b0Ff\"", "\"b0\"", BM_FORMAT,
		"connections[0].failures[0].damage[0].received: not as long as its length says");
	expect_instead("\"b0Ff\"", "null", BM_OK, NULL);
	assert_false(f.connections[0].failures[0].damage[0].received_known);
	expect_instead(SAMPLE_RANDOM, "00", BM_FORMAT, "connections[0].client_random: not 32 octets");
	expect_instead("\"packets\":[21,22]", "\"packets\":[21,0]", BM_FORMAT,
		"connections[0].failures[0].packets[1]: no number of a packet");
	expect_instead(
		"\"code\":20", "\"code\":256", BM_FORMAT, "connections[0].alerts[0].code: out of range");
	expect_instead("\"id\":7", "\"id\":-1", BM_FORMAT, "connections[0].id: out of range");
	expect_instead("\"id\":7", "\"id\":7.0", BM_FORMAT, "connections[0].id: no whole number");
	expect_instead("\"id\":7", "\"id\":9007199254740992", BM_OK, NULL);
	expect_instead(
		"\"id\":7", "\"id\":9007199254740993", BM_FORMAT, "connections[0].id: out of range");
	expect_instead("\"id\":7", "\"id\":99999999999999999999", BM_FORMAT, NULL);
	expect_instead("-115.03", "-115", BM_OK, NULL);
	expect_instead(
		"-115.03", "0", BM_FORMAT, "connections[0].failures[0].proof.chance_log2: out of range");
	expect_instead("-115.03", "-1e999", BM_FORMAT, NULL);
	expect_instead("\"proven\"", "\"sure\"", BM_FORMAT,
		"connections[0].failures[0].confidence: none of the words that it may be");
	expect_instead("\"a.pcap\"", "\"a\\u0000b\"", BM_FORMAT, NULL);
	expect_instead("\"id\":7", "\"id\":7,\"id\":8", BM_FORMAT, NULL);
	expect_instead("\"id\":7", "\"id\":7,\"new\":{\"x\":[[],\"{\"]}", BM_OK, NULL);
	check_all();
	expect_instead("diagnosis.v1", "diagnosis.v2", BM_FORMAT,
		"no report of badmac diagnose (badmac.diagnosis.v1)");
}

static void
test_no_reports(void **state)
{
	static const char *const texts[] = {"", " ", "[]", "null", "{}", "\"x\"", "FAILED: 1 of 21",
		"<", "{\"schema\": \"badmac.explanation.v1\"}", "\xff\xfe", "{\"\x1b\": \x1b}"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(read_text(texts[i]), BM_FORMAT);
		for (const char *p = problem; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
	}
}

static void
test_cut_everywhere(void **state)
{
	/* But for the last two octets, a brace and the end of the line. */
	(void)state;
	for (size_t n = 0; n < sizeof SAMPLE - 3; n++)
		if (due())
			assert_int_equal(read_bytes(SAMPLE, n), BM_FORMAT);
}

static void
test_damaged_everywhere(void **state)
{
	static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
	static char text[] = SAMPLE;
	unsigned fine = 0, wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++)
		for (size_t m = 0; m < sizeof masks; m++) {
			if (!due())
				continue;
			text[i] = (char)(text[i] ^ masks[m]);
			if (read_bytes(text, sizeof text - 1) == BM_OK)
				fine++;
			else
				wrong++;
			text[i] = (char)(text[i] ^ masks[m]);
		}
	/* Digits and letters of texts may be others; names may not. */
	assert_true(fine > 10 && wrong > fine);
	assert_int_equal(read_text(text), BM_OK);
	check_all();
}

static void
test_limits(void **state)
{
	size_t n = BM_FINDINGS_MOST + 1;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', n);
	assert_int_equal(read_bytes(text, n), BM_LIMIT);
	assert_string_equal(problem, "longer than 64 MiB");
	/* Enough commas, and enough brackets: refused before anything is built. */
	memset(text, ',', BM_FINDINGS_VALUES);
	assert_int_equal(read_bytes(text, BM_FINDINGS_VALUES), BM_LIMIT);
	memset(text, '[', 100000);
	assert_int_equal(read_bytes(text, 100000), BM_LIMIT);
	assert_string_equal(problem, "too deep for a diagnosis");
	/* In a text they are none; a text that ends in an escape is none either. */
	text[0] = '"';
	assert_int_equal(read_bytes(text, 100000), BM_FORMAT);
	text[99999] = '\\';
	assert_int_equal(read_bytes(text, 100000), BM_FORMAT);
	/* More alerts than a connection has. */
	int len = snprintf(text, n, "\"alerts\":[");
	for (int i = 0; i < BM_FINDINGS_OF_ONE + 1; i++)
		len += snprintf(text + len, n - (size_t)len, "%s%s", i == 0 ? "" : ",", SAMPLE_DARK_ALERT);
	snprintf(text + len, n - (size_t)len, "]");
	expect_instead("\"alerts\":[]", text, BM_LIMIT, "connections[1].alerts: too many elements");
	free(text);
}

static int
clear(void **state)
{
	(void)state;
	bm_findings_clear(&f);
	return 0;
}

static const char altered[] =
	"-115.03,\"altered\":{\"inputs\":[\"sequence_number\",\"record\"],"
	"\"direction\":\"server_to_client\",\"epoch\":2,\"sequence_number\":5,\"stream_offset\":99,"
	"\"packet\":21,\"packet_offset\":66,\"sender\":\"192.0.2.1:1\",\"receiver\":\"192.0.2.2:2\","
	"\"session\":\"abcd\",\"rule\":\"another\",\"padding\":3,\"keystream_offset\":70,\"iv\":"
	"\"0102\","
	"\"capture\":\"c.pcap\",\"sent_packets\":[4,5],\"sent_packet_offset\":80,\"other_record\":{"
	"\"direction\":\"client_to_server\",\"stream_offset\":7,\"packet\":8,\"sequence_number\":9}}";

static const char with_rule[] =
	"-115.03,\"altered\":{\"inputs\":[\"rule\"],"
	"\"direction\":\"server_to_client\",\"epoch\":2,\"sequence_number\":5,\"stream_offset\":99,"
	"\"packet\":21,\"packet_offset\":66,\"sender\":null,\"receiver\":null,\"session\":null,"
	"\"rule\":\"another\",\"mac_rule\":{\"order\":\"a\",\"tag_length\":10,\"mac\":\"b\","
	"\"cipher_key\":\"c\",\"mac_key\":\"d\",\"iv\":\"e\",\"nonce\":\"f\",\"number\":\"g\","
	"\"number_in\":\"h\",\"version\":\"i\",\"header\":\"j\",\"length\":null},\"padding\":null,"
	"\"keystream_offset\":null,\"iv\":null,\"capture\":null,\"sent_packets\":[],"
	"\"sent_packet_offset\":null,\"other_record\":null}";

/* What a check was given otherwise; reports of before say nothing of it. */
static void
test_altered(void **state)
{
	(void)state;
	expect_instead("\"id\":7", "\"id\":7", BM_OK, NULL);
	assert_false(f.connections[0].failures[0].proof.has_altered);
	expect_instead("-115.03", "-115.03,\"altered\":null", BM_OK, NULL);
	assert_false(f.connections[0].failures[0].proof.has_altered);
	expect_instead("-115.03", altered, BM_OK, NULL);
	const struct bm_found_proof *p = &f.connections[0].failures[0].proof;
	const struct bm_found_altered *a = &p->altered;
	assert_true(p->has_altered);
	assert_int_equal(a->inputs, BM_FOUND_INPUT_SEQUENCE_NUMBER | BM_FOUND_INPUT_RECORD);
	assert_int_equal(a->direction, BM_FOUND_SERVER_TO_CLIENT);
	assert_int_equal(a->epoch, 2);
	assert_int_equal(a->sequence_number, 5);
	assert_int_equal(a->stream_offset, 99);
	assert_int_equal(a->packet, 21);
	assert_int_equal(a->packet_offset, 66);
	assert_string_equal(a->sender, "192.0.2.1:1");
	assert_string_equal(a->receiver, "192.0.2.2:2");
	assert_int_equal(a->session.n, 2);
	assert_string_equal(a->rule, "another");
	assert_int_equal(a->padding, 3);
	assert_int_equal(a->keystream_offset, 70);
	assert_int_equal(a->iv.p[1], 2);
	assert_string_equal(a->capture, "c.pcap");
	assert_int_equal(a->sent_packet_count, 2);
	assert_int_equal(a->sent_packets[1], 5);
	assert_int_equal(a->sent_packet_offset, 80);
	assert_true(a->has_other_record);
	assert_int_equal(a->other_record.stream_offset, 7);
	assert_int_equal(a->other_record.packet, 8);
	assert_int_equal(a->other_record.sequence_number, 9);
	assert_false(a->has_mac_rule);
	expect_instead("-115.03", with_rule, BM_OK, NULL);
	a = &f.connections[0].failures[0].proof.altered;
	assert_true(a->has_mac_rule);
	assert_int_equal(a->mac_rule.tag_length, 10);
	assert_string_equal(a->mac_rule.order, "a");
	assert_string_equal(a->mac_rule.mac, "b");
	assert_string_equal(a->mac_rule.cipher_key, "c");
	assert_string_equal(a->mac_rule.mac_key, "d");
	assert_string_equal(a->mac_rule.iv, "e");
	assert_string_equal(a->mac_rule.nonce, "f");
	assert_string_equal(a->mac_rule.number, "g");
	assert_string_equal(a->mac_rule.number_in, "h");
	assert_string_equal(a->mac_rule.version, "i");
	assert_string_equal(a->mac_rule.header, "j");
	assert_null(a->mac_rule.length);
	expect_instead("-115.03", "-115.03,\"altered\":{}", BM_FORMAT,
		"connections[0].failures[0].proof.altered.inputs: missing");
	expect_instead("-115.03", "-115.03,\"altered\":[]", BM_FORMAT, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_members),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_no_reports),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_damaged_everywhere),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("findings: reports read back", tests, NULL, clear);
}
