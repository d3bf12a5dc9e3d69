/* The text report: the answer first, every fact of a failure, and memory that ends somewhere. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

static char *
text(const struct bm_connection *c, size_t n, bool verbose)
{
	struct sink s = {0};
	struct bm_report_options o = sample_options(&s, false);

	o.verbose = verbose;
	assert_int_equal(sample_report(&o, c, n), BM_OK);
	assert_non_null(s.text);
	return s.text;
}

static void
has(const char *t, const char *piece)
{
	if (strstr(t, piece) == NULL)
		print_error("not found: %s\nin:\n%s\n", piece, t);
	assert_non_null(strstr(t, piece));
}

static void
lacks(const char *t, const char *piece)
{
	if (strstr(t, piece) != NULL)
		print_error("found: %s\nin:\n%s\n", piece, t);
	assert_null(strstr(t, piece));
}

static void
starts(const char *t, const char *piece)
{
	if (strncmp(t, piece, strlen(piece)) != 0)
		print_error("%s\n", t);
	assert_int_equal(strncmp(t, piece, strlen(piece)), 0);
}

static void
whole_failure(void **state)
{
	(void)state;
	char *t = text(sample_full(), 1, false);

	assert_string_equal(t,
		"FAILED: 1 of 1,267 protected records does not verify (TLS 1.2, 10.0.0.1:40112 -> "
		"[2001:db8::1]:443 (example.org))\n"
		"\n"
		"connection 7   10.0.0.1:40112 -> [2001:db8::1]:443 (example.org)\n"
		"  TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256, full handshake, keys from a key log\n"
		"  client to server: 1,234 verified, 1 failed, 2 undecided, 5 behind "
		"close_notify\n"
		"    server to client: 30 verified\n"
		"  capture  lacks bytes in 1 place\n"
		"  seen in  front.pcap, from 2024-02-29T12:34:56.123456789Z; also in back.pcap\n"
		"  alert    bad_record_mac (fatal), server to client, packet 31, encrypted\n"
		"  alert    unreadable, client to server, packet 34, encrypted, about a record that was "
		"repaired\n"
		"           since\n"
		"\n"
		"  record   client to server, epoch 1, sequence number 4, at stream offset 3529, 1,029 "
		"bytes,\n"
		"           packets 24, 25\n"
		"  cause    retransmission-differs (proven): Record 4 of the client verifies with other "
		"bytes.\n"
		"  at fault network, or less likely sender-host\n"
		"  proof    copy-choice: chance of coincidence 1 in 2^126 (3 candidates, tag of 128 "
		"bits)\n"
		"  damage   2 bytes at record offset 12, packet 25 at byte 78\n"
		"             offset    received                    sent\n"
		"                  8    00 01 02 03[0a ff]06 07    00 01 02 03[0b fe]06 07\n"
		"                 16    08                         08\n"
		"  damage   3 bytes at record offset 40\n"
		"             received 010203\n"
		"             sent     unknown\n"
		"  checksum invalid as captured, valid with the repair put in\n"
		"  because  first fact\n"
		"           second \"fact\"\n"
		"  next     look at it\n"
		"           then again\n"
		"\n"
		"  undecided the capture lacks packets of this connection\n"
		"           9 bytes are missing\n"
		"  next     capture again\n");
	free(t);
	t = text(sample_full(), 1, true);
	has(t, "  not      record-replayed: no earlier record is alike\n");
	has(t, "alert    close_notify (warning), client to server, packet 33, encrypted\n");
	has(t,
		"  with     extended master secret, encrypt-then-MAC, truncated HMAC, max fragment length "
		"1024,\n           record size limit 16385, compression method 1\n");
	free(t);
}

static void
proofs_and_missing_bytes(void **state)
{
	(void)state;
	struct bm_connection *c = sample_full();
	struct bm_failure f = c->failures[0];
	struct bm_damage d = {.record_offset = 205,
		.packet = 21,
		.packet_offset = 271,
		.sent = bm_view("\x64\xf9", 2),
		.sent_known = true};

	c->failures = &f;
	f.damage = &d;
	f.damage_count = 1;
	f.proof = (struct bm_proof){"ghash-syndrome", 128, UINT64_MAX, -62.3, {.told = false}};
	char *t = text(c, 1, false);
	has(t, "ghash-syndrome: chance of coincidence 1 in 2^62 (2^66 candidates, tag of 128 bits)\n");
	has(t, "  damage   2 bytes missing at record offset 205, packet 21 at byte 271\n"
		   "             received nothing\n"
		   "             sent     64f9\n");
	free(t);
	/* Without keys there is no tag. */
	d.sent_known = false;
	c->keys = BM_SOURCE_NONE;
	f.proof = (struct bm_proof){"resynchronisation", 96, 7147, -83.2, {.told = false}};
	t = text(c, 1, false);
	has(t, "resynchronisation: chance of coincidence 1 in 2^83 (7,147 candidates, 96 bits)\n");
	has(t, "  damage   bytes missing at record offset 205, packet 21 at byte 271\n");
	free(t);
}

static void
answers(void **state)
{
	(void)state;
	struct bm_connection two[2] = {*sample_full(), *sample_full()};
	char *t = text(two, 2, false);

	starts(t, "FAILED: 2 of 2,534 protected records do not verify (2 of 2 connections)\n");
	free(t);
	/* Nothing fails here, an endpoint says so all the same. */
	two[0].records[0].failed = 0;
	t = text(two, 1, false);
	starts(
		t, "FAILED: Record 4 of the client verifies with other bytes (TLS 1.2, 10.0.0.1:40112 ->");
	free(t);
	two[0].failure_count = 0;
	t = text(two, 1, false);
	starts(t, "FAILED: an endpoint reported a bad record, yet no record fails here (TLS 1.2, ");
	free(t);
	two[1].records[0].failed = 0;
	two[1].records[1].failed = 2;
	two[0].failure_count = 1;
	t = text(two, 2, false);
	starts(t, "FAILED: 2 of 2,534 protected records do not verify, and in 1 more connection an "
			  "endpoint reported a bad record (2 of 2 connections)\n");
	free(t);
	two[1] = *sample_full();
	two[0].result = BM_RESULT_VERIFIED;
	two[0].records[0] = (struct bm_record_counts){.verified = 12};
	struct bm_alert fatal = {BM_CLIENT_TO_SERVER, 2, 48, 9, false, false};
	two[0].alerts = &fatal;
	two[0].alert_count = 1;
	t = text(two, 1, false);
	assert_string_equal(t, "OK: 42 protected records in 1 connection all verify\n\n"
						   "alerts      that ended connections without a failed record\n"
						   "    7  10.0.0.1:40112 -> [2001:db8::1]:443 (example.org)\n"
						   "       fatal alert unknown_ca by the client, packet 9\n");
	free(t);
	struct bm_connection many[23];
	for (size_t i = 0; i < 23; i++)
		many[i] = two[0];
	t = text(many, 23, false);
	has(t, "\n  and 3 more connections: too many");
	free(t);
	fatal.level = 1;
	fatal.description = 0;
	t = text(two, 1, false);
	assert_string_equal(t, "OK: 42 protected records in 1 connection all verify\n");
	free(t);
	t = text(two, 1, true);
	assert_string_equal(t,
		"OK: 42 protected records in 1 connection all verify\n\nverified    1 connection\n"
		"    7  10.0.0.1:40112 -> [2001:db8::1]:443 (example.org)\n"
		"       TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256, 42 protected records\n");
	free(t);
	memset(two[0].records, 0, sizeof two[0].records);
	t = text(two, 1, false);
	assert_string_equal(t, "OK: nothing to check: no protected record in 1 TLS connection\n");
	free(t);
	t = text(NULL, 0, false);
	assert_string_equal(t, "OK: nothing to check: no TLS found in 1,234,567 packets\n");
	free(t);
	t = text(two + 1, 1, false);
	starts(t, "FAILED:");
	free(t);
}

static void
undecided_groups(void **state)
{
	(void)state;
	struct bm_connection c[5];

	for (size_t i = 0; i < 5; i++) {
		c[i] = *sample_full();
		c[i].id = i;
		c[i].result = BM_RESULT_UNDECIDED;
		c[i].records[0] = (struct bm_record_counts){.undecided = 500};
		c[i].keys = BM_SOURCE_NONE;
		c[i].failure_count = 0;
		c[i].undecided_wants_keys = i < 3;
		c[i].alert_count = 0;
		c[i].undecided_because =
			i < 3 ? "no key material was given" : "the suite is not known here";
	}
	c[4].failure_count = c[3].failure_count = 1;
	c[0].suite = 0xff42;
	char *t = text(c, 5, false);
	starts(
		t, "UNDECIDED: 2,500 of 2,650 protected records in 5 connections could not be checked\n");
	has(t, "\nundecided   3 connections, 1,500 records: no key material was given\n"
		   "  such as  connection 0, 10.0.0.1:40112 -> [2001:db8::1]:443 (example.org)\n"
		   "           9 bytes are missing\n"
		   "  next     give secrets with -k: a key log (SSLKEYLOGFILE) of either side, or for 2 of "
		   "them the\n             server's RSA private key\n");
	has(t, "\nundecided   2 connections, 1,000 records: the suite is not known here\n"
		   "  such as  connection 3, 10.0.0.1:40112 -> [2001:db8::1]:443 (example.org)\n"
		   "           9 bytes are missing\n"
		   "  next     capture again\n");
	/* What does not count as a failure is shown once. */
	has(t, "connection 3 ");
	lacks(t, "connection 4 ");
	lacks(t, "    0  10.0.0.1");
	free(t);
	t = text(c, 5, true);
	has(t, "\n    0  10.0.0.1:40112 -> [2001:db8::1]:443 (example.org)\n"
		   "       TLS 1.2, cipher suite 0xFF42, 530 protected records\n"
		   "       9 bytes are missing\n");
	lacks(t, "such as");
	has(t, "connection 4 ");
	free(t);
}

/* A terminal of few columns, or many: only the answer, commands and octets pass its edge, and no
 * command is broken. */
static void
columns(void **state)
{
	static const char *const next[] = {
		("look at it, and then look again at what stands there: `badmac diagnose --effort deep -k "
		 "KEYS client.pcap server.pcap`; then something else may help, such as waiting"),
		"capture whole packets (`tcpdump -i any -s 0 -B 65536 -w x.pcap`), on one of the two hosts",
		"`one`, `two`"};
	static const unsigned widths[] = {60, 76, 96, 120};
	struct bm_connection c = *sample_full();
	struct bm_failure f = c.failures[0];

	(void)state;
	f.next_steps = next;
	f.next_step_count = 3;
	c.failures = &f;
	for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
		struct sink s = {0};
		struct bm_report_options o = sample_options(&s, false);
		size_t widest = 0;
		o.columns = widths[i];
		o.verbose = true;
		o.color = i % 2 == 0;
		assert_int_equal(sample_report(&o, &c, 1), BM_OK);
		has(s.text,
			"\n               badmac diagnose --effort deep -k KEYS client.pcap server.pcap\n"
			"             then ");
		has(s.text, "(tcpdump -i any -s 0 -B 65536 -w x.pcap),");
		has(s.text, "           one\n               two\n");
		bool first = true;
		for (char *line = strtok(s.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
			size_t n = 0;
			for (const char *p = line; *p != '\0'; p++, n++)
				if (*p == '\033')
					for (n--; *p != 'm';)
						p++;
			assert_true(n != 0 && line[strlen(line) - 1] != ' ');
			bool octets =
				strstr(line, "  offset ") || strstr(line, "[0a ff]") || strstr(line, "random ");
			if (!first && !octets && strstr(line, "badmac diag") == NULL &&
				strstr(line, "tcpdump") == NULL) {
				if (n > widths[i])
					print_error("%s\n", line);
				assert_true(n <= widths[i]);
				widest = n > widest ? n : widest;
			}
			first = false;
		}
		assert_true(widest + 12 > widths[i] || widths[i] > 96);
		sink_clear(&s);
	}
}

static void
many_reasons(void **state)
{
	(void)state;
	char reason[40][300];
	struct bm_connection c[40];

	for (size_t i = 0; i < 40; i++) {
		c[i] = *sample_full();
		c[i].result = BM_RESULT_UNDECIDED;
		memset(reason[i], 'x', sizeof reason[i]);
		reason[i][0] = (char)('A' + i);
		reason[i][sizeof reason[i] - 1] = '\0';
		c[i].undecided_because = reason[i];
	}
	char *t = text(c, 40, false);
	has(t, "\nundecided   25 connections, 50 records: for other reasons\n");
	free(t);
}

static void
safe_for_terminals(void **state)
{
	(void)state;
	static const struct {
		const char *name, *shown;
	} cases[] = {
		{"\x1b[31mred\x07", "(\\x1b[31mred\\x07)"},
		{"a\nOK: all verify", "(a\\x0aOK: all verify)"},
		{"caf\xc3\xa9", "(caf\xc3\xa9)"},
		{"\xff\xfe", "(\\xff\\xfe)"},
		{"\xc2\x9b"
		 "31m",
			"(\\xc2\\x9b31m)"}, /* CSI as one C1 character */
		{"\xe2\x80\xae"
		 "gro",
			"(\\xe2\\x80\\xaegro)"}, /* right-to-left override */
		{"\x7f", "(\\x7f)"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bm_connection *c = sample_full();
		struct bm_failure f = c->failures[0];
		c->server_name = c->capture = cases[i].name;
		f.summary = cases[i].name;
		c->failures = &f;
		char *t = text(c, 1, true);
		has(t, cases[i].shown);
		for (const char *p = t; *p != '\0'; p++)
			assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
		free(t);
	}
}

static void
colours(void **state)
{
	(void)state;
	struct sink s = {0};
	struct bm_report_options o = sample_options(&s, false);

	o.color = true;
	assert_int_equal(sample_report(&o, sample_full(), 1), BM_OK);
	starts(s.text, "\033[1;31mFAILED:\033[0m\033[1m 1 of");
	/* Taken out, they leave the same report. */
	char *plain = text(sample_full(), 1, false), *to = s.text;
	for (const char *p = s.text; *p != '\0';) {
		if (*p == '\033') {
			p = strchr(p, 'm') + 1;
			continue;
		}
		*to++ = *p++;
	}
	*to = '\0';
	assert_string_equal(s.text, plain);
	free(plain);
	sink_clear(&s);
}

static void
long_lists_are_cut(void **state)
{
	(void)state;
	struct bm_connection *c = sample_full();
	struct bm_failure f[30];
	struct bm_damage d[20];
	struct bm_alert a[30];
	uint64_t packets[50];
	uint8_t bytes[100];

	memset(bytes, 0xab, sizeof bytes);
	for (size_t i = 0; i < 50; i++)
		packets[i] = i + 1;
	for (size_t i = 0; i < 20; i++) {
		d[i] = c->failures[0].damage[0];
		d[i].received = bm_view(bytes, sizeof bytes);
		d[i].line_received = d[i].line_sent = bm_view(NULL, 0);
	}
	for (size_t i = 0; i < 30; i++) {
		a[i] = c->alerts[0];
		f[i] = c->failures[0];
		f[i].packets = packets;
		f[i].packet_count = 50;
		f[i].damage = d;
		f[i].damage_count = 20;
	}
	c->failures = f;
	c->failure_count = 30;
	c->alerts = a;
	c->alert_count = 30;
	char *t = text(c, 1, false);
	has(t, "packets 1, 2, 3, 4, 5, 6 and 44 more\n");
	has(t, "received abababababababababababababababababababababababababababababababab... (100 "
		   "bytes)\n");
	has(t, "           and 16 more runs\n");
	has(t, "           and 24 more alerts\n");
	has(t, "  and 20 more failures (--verbose or --format json shows all)\n");
	free(t);
	t = text(c, 1, true);
	has(t, "48, 49, 50\n");
	lacks(t, " more runs");
	lacks(t, " more alerts");
	lacks(t, " more failures");
	free(t);
}

/* Memory does not grow with the connections, and what is not shown is counted. */
static void
bounded(void **state)
{
	(void)state;
	struct sink s = {0};
	struct bm_report_options o = sample_options(&s, false);
	struct bm_connection failing = *sample_full(), fine = *sample_full(), open = *sample_full();
	struct bm_summary sum = sample_summary(&failing, 1);
	struct bm_report *r;

	fine.result = BM_RESULT_VERIFIED;
	open.result = BM_RESULT_UNDECIDED;
	o.verbose = true;
	sum.connections = 90000;
	assert_int_equal(bm_report_new(&r, &o), BM_OK);
	for (uint64_t i = 0; i < 30000; i++) {
		failing.id = fine.id = open.id = i;
		assert_int_equal(bm_report_connection(r, &failing), BM_OK);
		assert_int_equal(bm_report_connection(r, &fine), BM_OK);
		assert_int_equal(bm_report_connection(r, &open), BM_OK);
	}
	assert_int_equal(s.n, 0); /* the answer stands first */
	assert_int_equal(bm_report_finish(r, &sum), BM_OK);
	assert_true(s.n < 12u << 20);
	has(s.text, "FAILED: ");
	has(s.text, "(30,000 of 90,000 connections)\n");
	has(s.text, " more connections: too many to show as text, --format json has them all\n");
	has(s.text, "\nverified    30,000 connections\n");
	has(s.text, "undecided   30,000 connections, 60,000 records: ");
	/* Shown and counted make all of them. */
	unsigned long shown = 0, more = 0;
	for (const char *p = s.text; (p = strstr(p, "\nconnection ")) != NULL; p++)
		shown++;
	const char *p = s.text;
	for (int i = 0; i < 2; i++) {
		p = strstr(p, "\n  and ");
		assert_non_null(p);
		for (p += 7; *p != ' '; p++)
			if (*p != ',')
				more = more * (*p == ' ' ? 1 : 10) + (unsigned long)(*p - '0');
		if (i == 0) {
			shown += more;
			more = 0;
		}
	}
	assert_int_equal(shown + more, 60000);
	bm_report_free(r);
	sink_clear(&s);
}

/* Lines end before they run out of the terminal, and nothing is lost by it. */
static void
wraps(void **state)
{
	(void)state;
	struct bm_connection *c = sample_full();
	struct bm_failure f = c->failures[0];
	struct bm_ruled_out out[3] = {{BM_CAUSE_RECORD_REPLAYED, "no other fits"},
		{BM_CAUSE_WRONG_EPOCH, "none"}, {BM_CAUSE_RECORD_MISSING, "no other fits"}};
	char longest[400], *p = longest;
	const char *lines[] = {longest, "short"};

	for (int i = 0; i < 39; i++)
		p += sprintf(p, "%sword%04d", i != 0 ? " " : "", i);
	f.evidence = lines;
	f.ruled_out = out;
	f.ruled_out_count = 3;
	c->failures = &f;
	char *t = text(c, 1, true);
	char *because = strstr(t, "  because  word0000 ");
	assert_non_null(because);
	int i = 0;
	for (char *line = because; strstr(line, "short") != line + 11; line = strchr(line, '\n') + 1) {
		assert_true(strchr(line, '\n') - line <= 96);
		assert_true(line == because || strncmp(line, "             word", 17) == 0);
		for (char *w = line; (w = strstr(w, "word")) != NULL && w < strchr(line, '\n'); w += 8)
			assert_int_equal(strtol(w + 4, NULL, 10), i++);
	}
	assert_int_equal(i, 39);
	/* What holds for several is said once. */
	has(t, "  not      record-replayed, record-missing: no other fits\n           wrong-epoch: "
		   "none\n");
	free(t);
}

static void
seen_twice(void **state)
{
	(void)state;
	struct sink s = {0};
	struct bm_report_options o = sample_options(&s, false);
	struct bm_summary sum = sample_summary(sample_full(), 1);
	struct bm_report *r;

	sum.seen_elsewhere = 2;
	assert_int_equal(bm_report_new(&r, &o), BM_OK);
	assert_int_equal(bm_report_connection(r, sample_full()), BM_OK);
	assert_int_equal(bm_report_finish(r, &sum), BM_OK);
	bm_report_free(r);
	has(s.text,
		"\n2 connections of another capture are the same as one of these, seen elsewhere\n");
	has(s.text, "seen in  front.pcap, from 2024-02-29T12:34:56.123456789Z; also in back.pcap\n");
	sink_clear(&s);
}

static void
write_failures_stick(void **state)
{
	(void)state;
	struct bm_connection two[2] = {*sample_full(), *sample_full()};
	struct bm_summary sum = sample_summary(two, 2);
	static char big[30000];
	struct bm_failure f = two[0].failures[0];

	memset(big, 'x', sizeof big - 1);
	f.summary = big; /* more than one write */
	two[0].failures = two[1].failures = &f;
	for (size_t i = 1; i <= 4; i++) {
		struct sink s = {.fail_at = i};
		struct bm_report_options o = sample_options(&s, false);
		struct bm_report *r;
		assert_int_equal(bm_report_new(&r, &o), BM_OK);
		assert_int_equal(bm_report_connection(r, &two[0]), BM_OK);
		assert_int_equal(bm_report_connection(r, &two[1]), BM_OK);
		assert_int_equal(bm_report_finish(r, &sum), BM_IO);
		assert_int_equal(bm_report_finish(r, &sum), BM_IO);
		assert_int_equal(bm_report_connection(r, &two[0]), BM_IO);
		assert_int_equal(s.calls, i);
		bm_report_free(r);
		sink_clear(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whole_failure),
		cmocka_unit_test(proofs_and_missing_bytes), cmocka_unit_test(answers),
		cmocka_unit_test(undecided_groups), cmocka_unit_test(many_reasons),
		cmocka_unit_test(columns), cmocka_unit_test(safe_for_terminals), cmocka_unit_test(colours),
		cmocka_unit_test(long_lists_are_cut), cmocka_unit_test(bounded),
		cmocka_unit_test(write_failures_stick), cmocka_unit_test(wraps),
		cmocka_unit_test(seen_twice)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
