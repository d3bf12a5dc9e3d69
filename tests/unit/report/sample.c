/* See sample.h. */
#include "sample.h"

#include <stdlib.h>

int
sink_write(void *ctx, const char *bytes, size_t n)
{
	struct sink *s = ctx;

	s->calls++;
	if (n > s->largest)
		s->largest = n;
	if (s->calls == s->fail_at)
		return -1;
	if (!s->discard) {
		/* Under sanitizers each realloc copies it all. */
		if (s->cap <= s->n + n) {
			s->cap = 2 * (s->n + n) + 1;
			s->text = realloc(s->text, s->cap);
			assert_non_null(s->text);
		}
		memcpy(s->text + s->n, bytes, n);
		s->text[s->n + n] = '\0';
	}
	s->n += n;
	return 0;
}

void
sink_clear(struct sink *s)
{
	free(s->text);
	memset(s, 0, sizeof *s);
}

struct bm_connection *
sample_full(void)
{
	static struct bm_connection c;
	static struct bm_failure f;
	static struct bm_damage d[2];
	static struct bm_alert a[3];
	static const uint64_t packets[] = {24, 25};
	static const char *const evidence[] = {"first fact", "second \"fact\""};
	static const char *const next[] = {"look at it", "then again"};
	static const struct bm_ruled_out out[] = {
		{BM_CAUSE_RECORD_REPLAYED, "no earlier record is alike"}};

	memset(&c, 0, sizeof c);
	memset(&f, 0, sizeof f);
	c.id = 7;
	static const char *const others[] = {"back.pcap"};
	c.capture = "front.pcap";
	c.also_in = others;
	c.also_in_count = 1;
	c.transport = BM_TCP;
	c.client = (struct bm_address){.ip = {10, 0, 0, 1}, .family = 4, .port = 40112};
	c.server =
		(struct bm_address){.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .family = 6, .port = 443};
	c.first_ts_ns = 1709210096123456789; /* 2024-02-29T12:34:56.123456789Z */
	c.last_ts_ns = 1735689599999999999;  /* 2024-12-31T23:59:59.999999999Z */
	c.version = 0x0303;
	c.has_suite = true;
	c.suite = 0x009c;
	c.has_client_random = true;
	for (uint8_t i = 0; i < 32; i++)
		c.client_random[i] = i;
	c.resumed = 0;
	c.keys = BM_SOURCE_KEY_LOG;
	c.result = BM_RESULT_FAILED;
	c.records[BM_CLIENT_TO_SERVER] = (struct bm_record_counts){1234, 1, 2, 3, 5};
	c.records[BM_SERVER_TO_CLIENT] = (struct bm_record_counts){30, 0, 0, 4, 0};
	c.capture_gaps = 1;
	c.server_name = "example.org";
	c.extended_master_secret = true;
	c.encrypt_then_mac = true;
	c.truncated_hmac = true;
	c.max_fragment_length = 2;
	c.record_size_limit = 16385;
	c.compression = 1;
	c.undecided_because = "the capture lacks packets of this connection";
	c.undecided_detail = "9 bytes are missing";
	c.undecided_next = "capture again";
	a[0] = (struct bm_alert){BM_SERVER_TO_CLIENT, 2, 20, 31, true, false};
	a[1] = (struct bm_alert){BM_CLIENT_TO_SERVER, 1, 0, 33, true, false};
	a[2] = (struct bm_alert){BM_CLIENT_TO_SERVER, 0, 255, 34, true, true};
	c.alerts = a;
	c.alert_count = 3;
	f.direction = BM_CLIENT_TO_SERVER;
	f.epoch = 1;
	f.sequence_number = 4;
	f.stream_offset = 3529;
	f.length = 1029;
	f.packets = packets;
	f.packet_count = 2;
	f.cause = BM_CAUSE_RETRANSMISSION_DIFFERS;
	f.confidence = BM_PROVEN;
	f.at_fault[0] = BM_PARTY_NETWORK;
	f.at_fault[1] = BM_PARTY_SENDER_HOST;
	f.at_fault_count = 2;
	f.summary = "Record 4 of the client verifies with other bytes.";
	f.has_proof = true;
	f.proof = (struct bm_proof){"copy-choice", 128, 3, -126.41503749927884, {.told = false}};
	d[0] = (struct bm_damage){12, 3541, 2, 25, 78, bm_view("\x0a\xff", 2), bm_view("\x0b\xfe", 2),
		true, 8, bm_view("\x00\x01\x02\x03\x0a\xff\x06\x07\x08", 9),
		bm_view("\x00\x01\x02\x03\x0b\xfe\x06\x07\x08", 9)};
	d[1] = (struct bm_damage){40, 3569, 3, BM_UNKNOWN, BM_UNKNOWN, bm_view("\x01\x02\x03", 3),
		bm_view(NULL, 0), false, 0, bm_view(NULL, 0), bm_view(NULL, 0)};
	f.damage = d;
	f.damage_count = 2;
	f.checksum_as_captured = "invalid";
	f.checksum_as_sent = "valid";
	f.evidence = evidence;
	f.evidence_count = 2;
	f.ruled_out = out;
	f.ruled_out_count = 1;
	f.next_steps = next;
	f.next_step_count = 2;
	static const struct bm_carrier carriers[] = {
		{0, 3, 24, 66, "valid"}, {3, 3, BM_UNKNOWN, BM_UNKNOWN, NULL}};
	static const struct bm_octets octets = {
		.received = {(const uint8_t *)"\x17\x03\x03\x00\x01\x0a", 6},
		.sent = {(const uint8_t *)"\x17\x03\x03\x00\x01\x0b\x0c", 7},
		.sent_known = true,
		.carriers = carriers,
		.carrier_count = 2};
	static const struct bm_judged records[] = {{1709210096123456789 + 1999, 3, 0, BM_UNKNOWN, 77,
												   .type = 22, .state = BM_JUDGED_PLAINTEXT},
		{1709210096123456789 - 1, 0, BM_UNKNOWN, 12, 0, .epoch = 1, .direction = 1,
			.state = BM_JUDGED_FAILED}};
	static const struct bm_event events[] = {
		{1709210096123456789, 3, 0, 72, BM_EVENT_HANDSHAKE, 0, 0, 1},
		{1709210096123456789, 0, BM_UNKNOWN, BM_UNKNOWN, BM_EVENT_ALERT, 1, 2, 20}};
	static const struct bm_course course = {records, 2, 5, events, 2, 6};
	f.octets = &octets;
	c.course = &course;
	c.failures = &f;
	c.failure_count = 1;
	return &c;
}

struct bm_connection *
sample_bare(void)
{
	static struct bm_connection c;
	static struct bm_failure f;

	memset(&c, 0, sizeof c);
	memset(&f, 0, sizeof f);
	c.transport = BM_UDP;
	c.client.family = 4;
	c.server.family = 4;
	c.resumed = -1;
	c.result = BM_RESULT_UNDECIDED;
	f.epoch = f.sequence_number = f.stream_offset = f.length = BM_UNKNOWN;
	f.cause = BM_CAUSE_UNEXPLAINED;
	c.failures = &f;
	c.failure_count = 1;
	return &c;
}

struct bm_summary
sample_summary(const struct bm_connection *c, size_t n)
{
	static const struct bm_notice notices[] = {{"front.pcap: ends early"}};
	struct bm_summary s = {.connections = n, .packets = 1234567, .bytes = 5000000000};

	for (size_t i = 0; i < n; i++) {
		for (unsigned d = 0; d < 2; d++) {
			s.records.verified += c[i].records[d].verified;
			s.records.failed += c[i].records[d].failed;
			s.records.undecided += c[i].records[d].undecided;
			s.records.plaintext += c[i].records[d].plaintext;
			s.records.after_close += c[i].records[d].after_close;
		}
		if (c[i].result == BM_RESULT_FAILED ||
			(c[i].result == BM_RESULT_UNDECIDED && s.result == BM_RESULT_VERIFIED))
			s.result = c[i].result;
	}
	s.notices = notices;
	s.notice_count = 1;
	return s;
}

struct bm_report_options
sample_options(struct sink *s, bool json)
{
	return (struct bm_report_options){
		.json = json, .detail_memory = 1 << 20, .write = sink_write, .write_ctx = s};
}

enum bm_status
sample_report(const struct bm_report_options *o, const struct bm_connection *c, size_t n)
{
	struct bm_report *r;
	struct bm_summary s = sample_summary(c, n);
	enum bm_status st = bm_report_new(&r, o);

	for (size_t i = 0; i < n && st == BM_OK; i++)
		st = bm_report_connection(r, &c[i]);
	if (st == BM_OK)
		st = bm_report_finish(r, &s);
	bm_report_free(r);
	return st;
}
