/* Redaction by itself: addresses and names in every form in which they may stand in a text, what
 * stands for what, and what must stay as it is. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

static struct bm_redact *
begin(enum bm_redaction level)
{
	struct bm_redact *r;

	assert_int_equal(bm_redact_new(&r, level), BM_OK);
	assert_int_equal(bm_redact_file(r, BM_REDACT_CAPTURE, "/home/bob/acme.pcap.gz"), BM_OK);
	assert_int_equal(bm_redact_file(r, BM_REDACT_CAPTURE, "10.1.2.3"), BM_OK);
	assert_int_equal(bm_redact_file(r, BM_REDACT_KEYS, "acme"), BM_OK);
	assert_int_equal(bm_redact_file(r, BM_REDACT_LOG, "standard input"), BM_OK);
	return r;
}

struct row {
	const char *text, *wanted;
};

static void
check(enum bm_redaction level, enum bm_redact_text how, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* Numbers begin anew with each row. */
		struct bm_redact *r = begin(level);
		struct bm_arena a = {.max = 1 << 20};
		const char *got = bm_redact_text(r, &a, rows[i].text, how);
		assert_non_null(got);
		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("%s: %s, wanted %s", rows[i].text, got, rows[i].wanted);
		bm_arena_clear(&a);
		bm_redact_free(r);
	}
}

static void
addresses(void **state)
{
	static const struct row rows[] = {
		{"from 10.0.0.1 to 10.0.0.2, not 10.0.0.1.", "from 192.0.2.1 to 192.0.2.2, not 192.0.2.1."},
		{"10.0.0.1:443 [::ffff:10.0.0.1]:443", "192.0.2.1:443 [::ffff:192.0.2.1]:443"},
		{"tcpdump host 10.0.0.1 and port 443", "tcpdump host 192.0.2.1 and port 443"},
		{"10.0.0.1.443 > 10.0.0.2.50000: S", "192.0.2.1.443 > 192.0.2.2.50000: S"},
		{"net 10.0.0.0/8, v10.0.0.1, 010.000.000.001", "net 192.0.2.1/8, v192.0.2.2, 192.0.2.2"},
		{"ip-10-0-0-1, x_10_0_0_1", "ip-192-0-2-1, x_192-0-2-1"},
		{"[2001:DB9::1]:443 2001:db9:0:0:0:0:0:1", "[2001:db8::1]:443 2001:db8::1"},
		{"2001:0db9:0000:0000:0000:0000:0000:0001, fe80::1%eth0", "2001:db8::1, 2001:db8::2%eth0"},
		{"addr:fd00::2 (fd00::2) 'fd00::2'", "addr:2001:db8::1 (2001:db8::1) '2001:db8::1'"},
		{"64:ff9b::10.0.0.1", "2001:db8::1"},
		{"from 00:1b:21:3c:4d:5e", "from 02:00:00:00:00:01"},
		{"192.0.2.7 then 192.0.2.1", "192.0.2.1 then 192.0.2.2"},
		/* None of these is one. */
		{"[::]:443, 1.2.3, 256.1.1.1, 12:34:56, SSL routines::decryption failed",
			"[::]:443, 1.2.3, 256.1.1.1, 12:34:56, SSL routines::decryption failed"},
		{"which TLS forbids (RFC 5246, section 6.2.3.2)",
			"which TLS forbids (RFC 5246, section 6.2.3.2)"},
	};

	(void)state;
	check(BM_REDACT_ADDRESSES, BM_REDACT_OWN, rows, sizeof rows / sizeof rows[0]);
}

static void
files(void **state)
{
	static const struct row notices[] = {
		{"/home/bob/acme.pcap.gz: ends early", "capture-1.pcap.gz: ends early"},
		{"acme: 1 line could not be read; acme", "keys-1.keys: 1 line could not be read; acme"},
		{"acmes: 1 line", "acmes: 1 line"},
		{"standard input: cut", "standard input: cut"},
	};
	static const struct row rows[] = {
		{"in acme.pcap.gz it is good, in 10.1.2.3 the record that was due here is good, in "
		 "10.1.2.33",
			"in capture-1.pcap.gz it is good, in 192.0.2.1 the record that was due here is good, "
			"in "
			"192.0.2.2"},
		{"in 10.1.2.3 the record that was due here is good",
			"in capture-2.pcap the record that was due here is good"},
		{"acme shows the same bytes: acme", "keys-1.keys shows the same bytes: acme"},
		{"too many; acme shows the same bytes", "too many; keys-1.keys shows the same bytes"},
		{"with the bytes of acme it verifies at 7",
			"with the bytes of keys-1.keys it verifies at 7"},
		{"in acme this record does not stand", "in keys-1.keys this record does not stand"},
		{"acme shows other bytes from offset 5", "keys-1.keys shows other bytes from offset 5"},
		{"acme was taken nearer the sender", "keys-1.keys was taken nearer the sender"},
		{"packet 38 (2 of acme): it", "packet 38 (2 of keys-1.keys): it"},
		{"the one (packet 38, 2 of acme, 40 octets), acme, of acme, 2 of acme it",
			"the one (packet 38, 2 of keys-1.keys, 40 octets), acme, of acme, 2 of acme it"},
		{"in Wireshark, packets of acme, display filter: `frame.number in {1..2}`",
			"in Wireshark, packets of keys-1.keys, display filter: `frame.number in {1..2}`"},
		{"acme: in acme; acme is good: `run -acme acme`, acme.pcap",
			"acme: in acme; acme is good: `run -acme acme`, acme.pcap"},
		{"(with -w acme.pcap.gz): `dump -w acme.pcap.gz`, not acme.pcap.gz",
			"(with -w acme.pcap.gz): `dump -w acme.pcap.gz`, not capture-1.pcap.gz"},
		{"they are text: \"acme acme.pcap.gz\"",
			"they are text: \"keys-1.keys capture-1.pcap.gz\""},
	};
	struct bm_redact *r = begin(BM_REDACT_ADDRESSES);

	(void)state;
	check(BM_REDACT_ADDRESSES, BM_REDACT_NOTICE, notices, sizeof notices / sizeof notices[0]);
	check(BM_REDACT_ADDRESSES, BM_REDACT_OWN, rows, sizeof rows / sizeof rows[0]);
	assert_string_equal(bm_redact_file_name(r, "10.1.2.3"), "capture-2.pcap");
	assert_string_equal(bm_redact_file_name(r, "standard input"), "standard input");
	assert_string_equal(bm_redact_file_name(r, "nobody told of this"), "file");
	bm_redact_free(r);
}

static void
foreign_text(void **state)
{
	static const struct row rows[] = {
		{"peer db1.corp.test. refused DB1.Corp.Test",
			"peer host-1.example. refused host-1.example"},
		{"user=alice host='web01' db7", "user=user-1 host='host-1.example' db7"},
		{"client: 10.0.0.1, server: shop, bad record",
			"client: 192.0.2.1, server: host-1.example, bad record"},
		{"mail bob@corp", "mail user-1@host-1.example"},
		{"https://alice:pw@intra:8443/x?y=z done", "https://user@host-1.example:8443/path done"},
		{"http://[fd00::1]:80/x", "http://[2001:db8::1]:80/path"},
		{"read /home/alice/key.pem: no", "read /path: no"},
		{"remote=/10.0.0.1:443", "remote=/192.0.2.1:443"},
		{"<11>Nov  6 14:00:01 web01 nginx[71]: web01",
			"<11>Nov  6 14:00:01 host-1.example nginx[71]: host-1.example"},
		{"2026-11-26T14:00:02Z db7 postgres: SSL error",
			"2026-11-26T14:00:02Z host-1.example postgres: SSL error"},
		/* What says something about the fault stays. */
		{"alert from server: decryption failed", "alert from server: decryption failed"},
		{"javax.net.ssl.SSLException: bad record MAC at "
		 "sun.security.ssl.InputRecord.decrypt(InputRecord.java:210)",
			"javax.net.ssl.SSLException: bad record MAC at "
			"sun.security.ssl.InputRecord.decrypt(InputRecord.java:210)"},
		{"error:0A000119:SSL routines::bad record mac:ssl/record/rec_layer_s3.c:841:",
			"error:0A000119:SSL routines::bad record mac:ssl/record/rec_layer_s3.c:841:"},
		{"14:00:01.123 [main] TLSv1.2 OpenSSL 3.0.13 e.g. TLS/SSL",
			"14:00:01.123 [main] TLSv1.2 OpenSSL 3.0.13 e.g. TLS/SSL"},
	};

	(void)state;
	check(BM_REDACT_ADDRESSES, BM_REDACT_FOREIGN, rows, sizeof rows / sizeof rows[0]);
}

/* A sentence of the program's own, with something of the wire in quotes. */
static void
quotes(void **state)
{
	static const struct row some[] = {
		{"it reads \"HTTP/1.1 502 from shop.test\", and shop.test",
			"it reads \"HTTP/1.1 502 from host-1.example\", and host-1.example"},
		{"it begins \"GET /x", "it begins \"GET /path"},
		{"badmac diagnose -k server.key ... frame.number == 3",
			"badmac diagnose -k server.key ... frame.number == 3"},
	};
	static const struct row all[] = {
		{"it reads \"HTTP/1.1 502\", the beginning of a response",
			"it reads \"...\", the beginning of a response"},
		{"client random 000102030405060708090a0b0c0d0e0f", "client random .."},
		{"has 0000000000000007 where 0123456789abcdef was due", "has .. where .. was due"},
		{"read as UTC+05:30: it ends at 2026-11-23T23:02:40Z",
			"read as its own zone: it ends at (hidden)"},
		{"offset 271 (0x10f), packet 21", "offset 271 (0x10f), packet 21"},
	};
	static const struct row damaged[] = {
		{"0123456789abcdef was sent", "0123456789abcdef was sent"}};
	static const struct row foreign[] = {{"a line of a log", "(hidden)"}, {"", ""}};

	(void)state;
	check(BM_REDACT_ADDRESSES, BM_REDACT_OWN, some, sizeof some / sizeof some[0]);
	check(BM_REDACT_ALL, BM_REDACT_OWN, all, sizeof all / sizeof all[0]);
	check(BM_REDACT_ALL, BM_REDACT_DAMAGE, damaged, 1);
	check(BM_REDACT_ALL, BM_REDACT_FOREIGN, foreign, 2);
}

/* Is this one of the blocks that replacements come from? */
static bool
is_shown(const unsigned ip[4])
{
	return (ip[0] == 192 && ip[1] == 0 && ip[2] == 2) ||
		   (ip[0] == 198 && ip[1] == 51 && ip[2] == 100) ||
		   (ip[0] == 203 && ip[1] == 0 && ip[2] == 113);
}

/* Whatever stands in a text, and wherever it is cut: nothing is read past its ends, and no IPv4
 * address but such a one is left. */
static void
random_texts(void **state)
{
	static const char letters[] =
		"0123456789....::::-_/@=\"'`[]<> abcdefF\x01\xff host user // client: ";
	struct bm_redact *all = begin(BM_REDACT_ALL);
	uint32_t x = 1;

	(void)state;
	for (unsigned k = 0; k < 20000; k++) {
		struct bm_redact *r = begin(BM_REDACT_ADDRESSES);
		struct bm_arena a = {.max = 1 << 20};
		char text[81];
		size_t n = k % (sizeof text - 1);
		for (size_t i = 0; i < n; i++) {
			x = x * 1664525 + 1013904223;
			text[i] = letters[(x >> 16) % (sizeof letters - 1)];
		}
		text[n] = '\0';
		/* On the heap, so that a sanitizer sees its end. */
		char *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, text, n + 1);
		enum bm_redact_text how = (enum bm_redact_text)(k % (BM_REDACT_FOREIGN + 1));
		const char *got = bm_redact_text(r, &a, copy, how);
		assert_non_null(got);
		for (const char *p = got; *p != '\0';) {
			unsigned ip[4];
			int taken = 0;
			if (sscanf(p, "%3u.%3u.%3u.%3u%n", &ip[0], &ip[1], &ip[2], &ip[3], &taken) == 4 &&
				*p >= '0' && *p <= '9' && ip[0] < 256 && ip[1] < 256 && ip[2] < 256 &&
				ip[3] < 256) {
				if (!is_shown(ip))
					fail_msg("%s: %s", text, got);
				p += taken;
			} else if (*p >= '0' && *p <= '9') {
				while (*p >= '0' && *p <= '9')
					p++;
			} else {
				p++;
			}
		}
		assert_non_null(bm_redact_text(all, &a, copy, how));
		free(copy);
		bm_arena_clear(&a);
		bm_redact_free(r);
	}
	bm_redact_free(all);
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t
different(uint32_t *v, size_t n)
{
	size_t count = 0;

	qsort(v, n, sizeof *v, by_value);
	for (size_t i = 0; i < n; i++)
		count += i == 0 || v[i] != v[i - 1];
	return count;
}

/* Thousands of addresses, past each of the blocks that replacements come from: each has one of its
 * own, and none stands for itself. */
static void
many_addresses(void **state)
{
	enum { MANY = 140000 };
	static uint32_t before[MANY], after[MANY];
	struct bm_redact *r = begin(BM_REDACT_ADDRESSES);

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		/* Those very blocks, among others. */
		uint32_t v = i < 1024 ? 0xc0000200u + i : i < 4096 ? 0xc6120000u + i : i * 0x9e3779b1u;
		struct bm_address a = {.family = 4, .port = 443};
		bm_store32(a.ip, v);
		struct bm_address b = a, again = a;
		assert_int_equal(bm_redact_address(r, &b), BM_OK);
		assert_int_equal(bm_redact_address(r, &again), BM_OK);
		assert_true(bm_address_equal(&b, &again) && b.port == 443 && b.family == 4);
		before[i] = v;
		after[i] = bm_load32(b.ip);
		assert_int_not_equal(before[i], after[i]);
	}
	assert_int_equal(different(before, MANY), different(after, MANY));
	bm_redact_free(r);
}

static void
hosts(void **state)
{
	static const char *const names[] = {
		"shop.test", "SHOP.TEST.", "10.0.0.1", "host-1.example", "host-3.example", ""};
	static const char *const wanted[] = {"host-1.example", "host-1.example", "host-2.example",
		"host-3.example", "host-4.example", "host-5.example"};
	struct bm_redact *r = begin(BM_REDACT_ADDRESSES);
	struct bm_arena a = {.max = 1 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_string_equal(bm_redact_host(r, &a, bm_view(names[i], strlen(names[i]))), wanted[i]);
	bm_arena_clear(&a);
	bm_redact_free(r);
	/* A name that would stand for itself gets another one, which is no one else's. */
	r = begin(BM_REDACT_ADDRESSES);
	const char *first = bm_redact_host(r, &a, bm_view("host-1.example", 14));
	assert_string_not_equal(first, "host-1.example");
	assert_string_equal(bm_redact_host(r, &a, bm_view("b.test", 6)), "host-2.example");
	bm_arena_clear(&a);
	bm_redact_free(r);
}

static void
times(void **state)
{
	const uint64_t second = 1000000000, day_2000 = UINT64_C(946684800) * second;
	struct bm_redact *some = begin(BM_REDACT_ADDRESSES), *all = begin(BM_REDACT_ALL);

	(void)state;
	assert_int_equal(bm_redact_time(some, 7 * second), 7 * second);
	assert_int_equal(bm_redact_time(all, 0), 0);
	assert_int_equal(bm_redact_time(all, 1700000000 * second), day_2000);
	assert_int_equal(bm_redact_time(all, 1700000001 * second + 5), day_2000 + second + 5);
	assert_int_equal(bm_redact_time(all, 1699999999 * second), day_2000 - second);
	assert_int_equal(bm_redact_time(all, 1), 1);
	bm_redact_free(some);
	bm_redact_free(all);
}

static bool
is_in(const struct sink *s, const char *text)
{
	return s->text != NULL && strstr(s->text, text) != NULL;
}

/* Everything that the model can hold, in both formats. */
static void
whole_reports(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		enum bm_redaction level = k < 2 ? BM_REDACT_ADDRESSES : BM_REDACT_ALL;
		struct bm_connection c = *sample_full();
		uint8_t raw[64];
		struct bm_damage damage = {.record_offset = 3,
			.length = sizeof raw,
			.packet = 9,
			.packet_offset = 1,
			.received = {raw, sizeof raw},
			.sent_known = true};
		static const char *const evidence[] = {"it reads \"GET http://shop.test/x\"",
			"it verifies under the keys of another connection, [fd00::7]:1 to 10.9.9.9:2"};
		struct bm_failure f = c.failures[0];
		char name[] = "ShOp.TeSt";
		struct sink s = {0};
		struct bm_report_options o = sample_options(&s, k % 2 == 0);

		memset(raw, 0xee, sizeof raw);
		memcpy(raw + 7, "Host: shop.test\r\n", 17);
		memcpy(raw + 40, c.client.ip, 4);
		memcpy(raw + 46, c.server.ip, 16);
		c.client.family = 4;
		f.has_proof = true;
		f.proof.altered = (struct bm_altered){.told = true,
			.inputs = BM_INPUT_CONNECTION,
			.sender = {.family = 4, .ip = {10, 9, 9, 9}, .port = 1},
			.receiver = {.family = 4, .ip = {10, 9, 9, 9}, .port = 2},
			.session = {0xab, 0xcd, 0xef, 0x01, 0x23},
			.session_n = 5,
			.iv = {0x98, 0x76, 0x54, 0x32},
			.iv_n = 4,
			.capture = "/home/shop/elsewhere.pcap"};
		f.evidence = evidence;
		f.evidence_count = 2;
		f.damage = &damage;
		f.damage_count = 1;
		c.failures = &f;
		c.failure_count = 1;
		c.server_name = name;
		c.result = BM_RESULT_FAILED;
		o.verbose = true;
		struct bm_redact *r = begin(level);
		o.redact = r;
		assert_int_equal(sample_report(&o, &c, 1), BM_OK);
		assert_false(is_in(&s, "hop.") || is_in(&s, "HOP.") || is_in(&s, "hOp.T"));
		assert_false(is_in(&s, "fd00") || is_in(&s, "10.9.9.9"));
		assert_true(is_in(&s, "host-1.example"));
		assert_true(is_in(&s, bm_redaction_id(level)));
		/* "Host: shop" in hex. */
		assert_false(is_in(&s, "486f73743a2073686f70"));
		assert_true(is_in(&s, "7878787878787878"));
		char hex[9];
		bm_hex(bm_view(c.client.ip, 4), hex);
		assert_false(is_in(&s, hex));
		char of_server[33];
		bm_hex(bm_view(c.server.ip, 16), of_server);
		assert_false(is_in(&s, of_server));
		assert_false(is_in(&s, "elsewhere.pcap"));
		/* JSON alone tells of them. */
		bool told = k % 2 == 0 && level == BM_REDACT_ADDRESSES;
		assert_int_equal(is_in(&s, "abcdef0123"), told);
		assert_int_equal(is_in(&s, "98765432"), told);
		sink_clear(&s);
		bm_redact_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(files),
		cmocka_unit_test(foreign_text), cmocka_unit_test(random_texts), cmocka_unit_test(quotes),
		cmocka_unit_test(many_addresses), cmocka_unit_test(hosts), cmocka_unit_test(times),
		cmocka_unit_test(whole_reports)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
