/* Versions, record headers, DTLS records and their boundaries. */
#include "tsv.h"

static void
test_versions(void **state)
{
	static const struct {
		unsigned version;
		const char *name;
		bool dtls;
		unsigned rules;
	} c[] = {{0x0002, "SSL 2.0", false, 0x0002}, {0x0300, "SSL 3.0", false, 0x0300},
		{0x0301, "TLS 1.0", false, 0x0301}, {0x0302, "TLS 1.1", false, 0x0302},
		{0x0303, "TLS 1.2", false, 0x0303}, {0x0304, "TLS 1.3", false, 0x0304},
		{0xfeff, "DTLS 1.0", true, 0x0302}, {0xfefd, "DTLS 1.2", true, 0x0303},
		{0xfefc, "DTLS 1.3", true, 0x0304}};
	unsigned named = 0, dtls = 0;

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		assert_string_equal(bm_version_name(c[i].version), c[i].name);
		assert_int_equal(bm_version_is_dtls(c[i].version), c[i].dtls);
		assert_int_equal(bm_version_rules(c[i].version), c[i].rules);
	}
	for (unsigned v = 0; v < 0x10000; v++) {
		named += bm_version_name(v) != NULL;
		dtls += bm_version_is_dtls(v);
		if (!bm_version_is_dtls(v))
			assert_int_equal(bm_version_rules(v), v);
	}
	assert_int_equal(named, 9);
	assert_int_equal(dtls, 3);
}

static bool
plausible(unsigned type, unsigned version, unsigned length, unsigned expected)
{
	const uint8_t p[] = {(uint8_t)type, (uint8_t)(version >> 8), (uint8_t)version,
		(uint8_t)(length >> 8), (uint8_t)length};
	struct bm_record_header h = bm_record_header(p);

	assert_int_equal(h.type, type);
	assert_int_equal(h.version, version);
	assert_int_equal(h.length, length);
	return bm_record_plausible(h, expected);
}

static void
test_plausible(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		assert_int_equal(plausible(type, 0x0303, 1, 0), type >= 20 && type <= 24);
		assert_int_equal(plausible(type, 0x0303, 0, 0), type == 23);
		assert_int_equal(plausible(type, 0x0303, 18432, 0), type >= 20 && type <= 24);
		assert_false(plausible(type, 0x0303, 18433, 0));
	}
	for (unsigned v = 0; v < 0x10000; v++) {
		assert_int_equal(plausible(23, v, 100, 0), v >= 0x0300 && v <= 0x0304);
		assert_int_equal(plausible(22, v, 100, 0x0301), v == 0x0301);
	}
}

/* The records of a datagram, as text: "type epoch seq body;", "!" for a rest that is none. */
static const char *
records(const char *hex, size_t cid_len)
{
	static char out[512];
	uint8_t b[512];
	size_t n = strlen(hex) / 2, at = 0;
	struct bm_dtls_record r;
	bool bad;

	assert_true(bm_unhex(hex, n, b));
	uint8_t *p = exact(bm_view(b, n));
	struct bm_reader rd = bm_reader(bm_view(p, n));
	while (bm_dtls_next(&rd, cid_len, &r, &bad)) {
		char body[128], cid[64];
		assert_false(bad);
		bm_hex(r.body, body);
		bm_hex(r.cid, cid);
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%u %x %u %llx %s %s;",
			r.unified ? "u" : "", r.type, r.version, r.epoch, (unsigned long long)r.seq, cid, body);
		/* The header covers all up to the body, and the number is where it is said to be. */
		assert_ptr_equal(r.header.p + r.header.n, r.body.n != 0 ? r.body.p : rd.p + rd.off);
		uint64_t seq = 0;
		for (unsigned i = 0; i < r.seq_len; i++)
			seq = seq << 8 | r.header.p[r.seq_off + i];
		assert_int_equal(seq, r.seq);
	}
	snprintf(out + at, sizeof out - at, "%s", bad ? "!" : "");
	assert_false(bm_dtls_next(&rd, cid_len, &r, &bad));
	free(p);
	return out;
}

static void
test_dtls_records(void **state)
{
	(void)state;
	assert_string_equal(records("", 0), "");
	assert_string_equal(records("15fefd0001000000000005"
								"0002"
								"0228",
							0),
		"21 fefd 1 5  0228;");
	assert_string_equal(records("14feff0000ffffffffffff"
								"0001"
								"01"
								"17fefd0001000000000000"
								"0000",
							0),
		"20 feff 0 ffffffffffff  01;23 fefd 1 0  ;");
	assert_string_equal(records("160100000000000000000100"
								"01"
								"aa",
							0),
		"22 100 0 1  aa;");
	/* RFC 9146: the connection id stands before the length. */
	assert_string_equal(records("19fefd0001000000000007"
								"c1d2e3"
								"0002"
								"aabb",
							3),
		"25 fefd 1 7 c1d2e3 aabb;");
	assert_string_equal(records("19fefd0001000000000007"
								"c1d2e3"
								"0002"
								"aabb",
							0),
		"!");
	/* Records without one may stand beside those with one. */
	assert_string_equal(records("16fefd0000000000000007"
								"0002"
								"aabb",
							3),
		"22 fefd 0 7  aabb;");
	/* RFC 9147, section 4, figure 4: the full header, the shortest, and a connection id. */
	assert_string_equal(records("2e"
								"1234"
								"0002"
								"aabb"
								"21"
								"56"
								"cc",
							0),
		"u0 0 2 1234  aabb;u0 0 1 56  cc;");
	assert_string_equal(records("3f"
								"0102"
								"1234"
								"0002"
								"aabb"
								"3a"
								"0102"
								"1235"
								"cc",
							2),
		"u0 0 3 1234 0102 aabb;u0 0 2 1235 0102 cc;");
	assert_string_equal(records("3f"
								"1234"
								"0002"
								"aabb",
							0),
		"!");
	assert_string_equal(records("21"
								"56",
							0),
		"!");
	assert_string_equal(records("2c"
								"56"
								"1234"
								"0000",
							0),
		"!");
	/* ACK in the clear, then nonsense. */
	assert_string_equal(records("1afefd0000000000000001"
								"0002"
								"0000"
								"80",
							0),
		"26 fefd 0 1  0000;!");
	/* No type, no version, too long, one byte missing. */
	assert_string_equal(records("13fefd0001000000000005"
								"0001"
								"02",
							0),
		"!");
	assert_string_equal(records("1bfefd0001000000000005"
								"0001"
								"02",
							0),
		"!");
	assert_string_equal(records("16fefe0001000000000005"
								"0001"
								"02",
							0),
		"!");
	assert_string_equal(records("160303000100000000000500"
								"01"
								"02",
							0),
		"!");
	assert_string_equal(records("16fefd0001000000000005"
								"0002"
								"02",
							0),
		"!");
}

static void
test_dtls_length(void **state)
{
	static uint8_t b[13 + 18433];
	struct bm_dtls_record r;
	bool bad;

	(void)state;
	for (unsigned n = 18432; n <= 18433; n++) {
		memcpy(b, "\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x01", 11);
		bm_store16(b + 11, n);
		struct bm_reader rd = bm_reader(bm_view(b, 13 + n));
		assert_int_equal(bm_dtls_next(&rd, 0, &r, &bad), n == 18432);
		memcpy(b, "\x2e\x00\x01", 3);
		bm_store16(b + 3, n);
		rd = bm_reader(bm_view(b, 5 + n));
		assert_int_equal(bm_dtls_next(&rd, 0, &r, &bad), n == 18432);
	}
}

/* Every prefix of a datagram: the same records up to the cut, then the end or a rest that is none.
 */
static void
test_dtls_cut(void **state)
{
	static const char hex[] = "16fefd00000000000000010002aabb"
							  "19fefd0001000000000007c1d20002aabb"
							  "3ec1d2123400020102"
							  "2256cccccc";
	uint8_t b[128];
	size_t n = (sizeof hex - 1) / 2;
	size_t ends[] = {15, 32, 41, 46};

	(void)state;
	assert_true(bm_unhex(hex, n, b));
	for (size_t cut = 0; cut <= n; cut++) {
		uint8_t *p = exact(bm_view(b, cut));
		struct bm_reader rd = bm_reader(bm_view(p, cut));
		struct bm_dtls_record r;
		bool bad;
		size_t count = 0, whole = 0;
		while (bm_dtls_next(&rd, 2, &r, &bad))
			count++;
		bool clean = cut == 0;
		for (size_t i = 0; i < 4; i++) {
			whole += ends[i] <= cut;
			clean = clean || cut == ends[i];
		}
		/* The last has no length: it ends where the datagram does. */
		if (cut > 41 + 2 && cut < 46) {
			whole++;
			clean = true;
		}
		assert_int_equal(count, whole);
		assert_int_equal(bad, !clean);
		free(p);
	}
}

/* A hello of each capture, in a record. */
static void
test_dtls_starts(void **state)
{
	static struct tsv t;
	unsigned hellos = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		struct bm_view body;
		if (strstr(t.field[1], "dtls") == NULL)
			continue;
		uint8_t *p = tsv_bytes(t.field[2], &body);
		uint8_t *b = calloc(1, 25 + body.n);
		assert_non_null(b);
		memcpy(b, "\x16\xfe\xff", 3);
		bm_store16(b + 11, (unsigned)(12 + body.n));
		b[13] = t.field[1][0] == 'c' ? 1 : 2;
		bm_store16(b + 15, (unsigned)body.n);
		bm_store16(b + 23, (unsigned)body.n);
		memcpy(b + 25, body.p, body.n);
		struct bm_view v = bm_view(b, 25 + body.n);
		assert_true(bm_dtls_starts(v));
		for (size_t n = 0; n < v.n; n++)
			assert_false(bm_dtls_starts(bm_view(b, n)));
		/* Type, version, epoch, length of the record; type and high length of the message. */
		static const uint8_t counts[] = {0, 1, 2, 3, 4, 11, 12, 13, 14};
		for (size_t i = 0; i < sizeof counts; i++) {
			b[counts[i]] ^= 0x40;
			assert_false(bm_dtls_starts(v));
			b[counts[i]] ^= 0x40;
		}
		b[25] ^= 0x40;
		assert_false(bm_dtls_starts(v));
		b[25] ^= 0x40;
		/* A later fragment alone. */
		memmove(b + 25, b + 25 + 20, body.n - 20);
		bm_store16(b + 20, 20);
		bm_store16(b + 23, (unsigned)body.n - 20);
		bm_store16(b + 11, (unsigned)(12 + body.n - 20));
		assert_true(bm_dtls_starts(bm_view(b, v.n - 20)));
		b[24]++;
		assert_false(bm_dtls_starts(bm_view(b, v.n - 20)));
		free(b);
		free(p);
		hellos++;
	}
	assert_true(hellos > 10);
}

static void
test_dtls_not_started(void **state)
{
	/* HelloVerifyRequest; the same with an impossible length; an alert; STUN; RTP. */
	static const char verify[] = "16feff0000000000000000000f"
								 "030000030000000000000003"
								 "feff00";
	static const char *const none[] = {"16feff0000000000000000000e"
									   "030000020000000000000002"
									   "feff",
		"15feff000000000000000000020228", "000100002112a442000000000000000000000000",
		"8000000000000000000000000000000000000000"};
	uint8_t b[64];

	(void)state;
	/* The first two bytes of a ClientHello: its version. */
	static const char tiny[] = "16feff0000000000000000000e"
							   "010000300000000000000002"
							   "feff";
	assert_true(bm_unhex(tiny, (sizeof tiny - 1) / 2, b));
	assert_true(bm_dtls_starts(bm_view(b, (sizeof tiny - 1) / 2)));
	b[26] = 0;
	assert_false(bm_dtls_starts(bm_view(b, (sizeof tiny - 1) / 2)));
	assert_true(bm_unhex(verify, (sizeof verify - 1) / 2, b));
	assert_true(bm_dtls_starts(bm_view(b, (sizeof verify - 1) / 2)));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		assert_true(bm_unhex(none[i], strlen(none[i]) / 2, b));
		assert_false(bm_dtls_starts(bm_view(b, strlen(none[i]) / 2)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_plausible),
		cmocka_unit_test(test_dtls_records),
		cmocka_unit_test(test_dtls_length),
		cmocka_unit_test(test_dtls_cut),
		cmocka_unit_test(test_dtls_starts),
		cmocka_unit_test(test_dtls_not_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
