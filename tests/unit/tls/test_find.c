/* Where TLS starts: in captured streams as tshark sees them (start-vectors.tsv), behind every
 * preamble, in every fragmentation, at every cut; and never in what is no TLS. */
#include "tsv.h"

enum { WINDOW = 20000, BYTES = 8 << 20 };

typedef size_t find_fn(struct bm_view v, bool *need_more);

/* Finds it at `want`, whatever has been seen of the stream so far. Returns at how many bytes. */
static size_t
check_every_prefix(find_fn *find, struct bm_view v, size_t want)
{
	size_t first = 0;

	for (size_t n = 0; n <= v.n; n++) {
		uint8_t *p = exact(bm_view(v.p, n));
		bool more = true;
		size_t at = find(bm_view(p, n), &more);
		free(p);
		if (at < n) {
			assert_int_equal(at, want);
			assert_false(more);
			first = first != 0 ? first : n;
		} else {
			assert_int_equal(at, n);
			assert_int_equal(first, 0);
			if (n > want)
				assert_true(more);
		}
	}
	assert_int_not_equal(first, 0);
	assert_true(first - want <= BM_FIND_TAIL);
	return first;
}

static void
check_nothing(find_fn *find, struct bm_view v)
{
	bool more = true;

	assert_int_equal(find(v, &more), v.n);
}

static void
test_captured(void **state)
{
	static struct tsv t;
	unsigned count = 0, later = 0;

	(void)state;
	tsv_open(&t, "start-vectors.tsv");
	while (tsv_next(&t)) {
		struct bm_view v;
		uint8_t *p = tsv_bytes(t.field[3], &v);
		bool client = strcmp(t.field[1], "client") == 0;
		size_t want = strtoul(t.field[2], NULL, 10);
		check_every_prefix(client ? bm_find_client_hello : bm_find_server_hello, v, want);
		check_nothing(client ? bm_find_server_hello : bm_find_client_hello, v);
		later += want != 0;
		count++;
		free(p);
	}
	assert_true(count > 30 && later > 20);
}

struct stream {
	uint8_t b[1 << 17];
	size_t n;
};

static void
put(struct stream *s, const void *p, size_t n)
{
	assert_true(n <= sizeof s->b - s->n);
	memcpy(s->b + s->n, p, n);
	s->n += n;
}

/* Records of at most `piece` bytes of handshake. */
static void
put_records(struct stream *s, struct bm_view message, size_t piece)
{
	for (size_t at = 0; at < message.n; at += piece) {
		uint8_t h[BM_HEADER] = {BM_HANDSHAKE, 3, 1};
		size_t n = message.n - at < piece ? message.n - at : piece;
		bm_store16(h + 3, (unsigned)n);
		put(s, h, sizeof h);
		put(s, message.p + at, n);
	}
}

static struct bm_view
message_of(const struct tsv *t, uint8_t **p)
{
	struct bm_view body;
	uint8_t *q = tsv_bytes(t->field[2], &body);

	*p = malloc(4 + body.n);
	assert_non_null(*p);
	(*p)[0] = t->field[1][0] == 'c' ? BM_CLIENT_HELLO : BM_SERVER_HELLO;
	(*p)[1] = (uint8_t)(body.n >> 16);
	bm_store16(*p + 2, (unsigned)(body.n & 0xffff));
	memcpy(*p + 4, body.p, body.n);
	free(q);
	return bm_view(*p, 4 + body.n);
}

/* Every hello in one record, in tiny ones, behind something, before something. */
static void
test_fragmented(void **state)
{
	static const size_t pieces[] = {16384, 1, 2, 3, 5, 40, 100};
	static struct tsv t;
	static struct stream s;
	unsigned count = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		if (strstr(t.field[1], "dtls") != NULL)
			continue;
		uint8_t *p;
		struct bm_view m = message_of(&t, &p);
		bool client = t.field[1][0] == 'c';
		find_fn *find = client ? bm_find_client_hello : bm_find_server_hello;
		for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
			s.n = 0;
			put(&s, "* OK\r\n\x16\x03", 8);
			put_records(&s, m, pieces[i]);
			/* What follows is no part of it. */
			put(&s, "\x16\x03\x03\x00\x04\x0e\x00\x00\x00", 9);
			bool more;
			assert_int_equal(find(bm_view(s.b, s.n), &more), 8);
			assert_false(more);
			if (count % 16 == 0 && (i < 3 || i > 4))
				check_every_prefix(find, bm_view(s.b + 6, s.n - 6), 2);
			check_nothing(client ? bm_find_server_hello : bm_find_client_hello, bm_view(s.b, s.n));
		}
		free(p);
		count++;
	}
	assert_true(count > 200);
}

/* Split over two records at every place. */
static void
test_two_records(void **state)
{
	static struct tsv t;
	static struct stream s;
	unsigned count = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		if (strstr(t.field[1], "dtls") != NULL || count++ % 8 != 0)
			continue;
		uint8_t *p;
		struct bm_view m = message_of(&t, &p);
		bool more;
		for (size_t at = 1; at < m.n; at++) {
			s.n = 0;
			put_records(&s, bm_view(m.p, at), 16384);
			put_records(&s, bm_view(m.p + at, m.n - at), 16384);
			find_fn *find = t.field[1][0] == 'c' ? bm_find_client_hello : bm_find_server_hello;
			assert_int_equal(find(bm_view(s.b, s.n), &more), 0);
			/* The second record is none: no hello, if the part before does not tell. */
			s.b[5 + at] = 0x55;
			size_t found = find(bm_view(s.b, s.n), &more);
			assert_true(found == 0 || found == s.n);
			assert_true(found == s.n || at >= 40);
		}
		free(p);
	}
}

/* As large as they get: 130 kB in full records, found by its beginning. */
static void
test_large(void **state)
{
	static uint8_t m[4 + 100000];
	static struct stream s;
	bool more;

	(void)state;
	memset(m, 0, sizeof m);
	m[0] = BM_CLIENT_HELLO;
	m[1] = 100000 >> 16;
	bm_store16(m + 2, 100000 & 0xffff);
	bm_store16(m + 4, BM_TLS12);
	bm_store16(m + 39, 60000); /* suites */
	m[4 + 37 + 60000] = 1;
	bm_store16(m + 4 + 37 + 60002, 100000 - 37 - 60004);
	put_records(&s, bm_view(m, sizeof m), 16384);
	for (size_t n = 600; n < s.n; n += 1000)
		assert_int_equal(bm_find_client_hello(bm_view(s.b, n), &more), 0);
	assert_int_equal(bm_find_client_hello(bm_view(s.b, 100), &more), 100);
	assert_true(more);
}

/* One byte in each record and a list of suites without end: decided just within BM_FIND_TAIL. */
static void
test_tail(void **state)
{
	static uint8_t m[4 + 2000];
	static struct stream s;

	(void)state;
	m[0] = BM_CLIENT_HELLO;
	bm_store16(m + 2, 2000);
	bm_store16(m + 4, BM_TLS12);
	bm_store16(m + 39, 1900);
	s.n = 0;
	put(&s, "abc", 3);
	put_records(&s, bm_view(m, sizeof m), 1);
	assert_int_equal(
		check_every_prefix(bm_find_client_hello, bm_view(s.b, 4000), 3), 3 + BM_FIND_TAIL);
}

/* Something that a stream begins with, then TLS. */
static void
test_preambles(void **state)
{
	/* PROXY protocol, version 2, with a TLV that speaks of TLS 1.2 and a cipher, and one that holds
	 * what could be the start of a record. */
	static const char proxy2[] =
		"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21\x11\x00\x30"
		"\xc0\x00\x02\x01\xc0\x00\x02\x02\xc0\x00\x01\xbb"
		"\x20\x00\x14\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.2\x22\x00\x02\x16\x03"
		"\xe0\x00\x07\x16\x03\x01\x02\x00\x01\x00";
	static const char mysql[] =
		"\x20\x00\x00\x01\x85\xae\xff\x20\x00\x00\x00\x01\x21\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
	static const char rdp[] =
		"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00";
#define TEXT(t)                                                                                    \
	{                                                                                              \
		t, sizeof t - 1                                                                            \
	}
	static const struct {
		const char *p;
		size_t n;
	} c[] = {TEXT(""), TEXT(proxy2), TEXT(mysql), TEXT(rdp),
		TEXT("\x00\x00\x00\x08\x04\xd2\x16\x2f"), TEXT("S"),
		TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 49152 443\r\n"),
		TEXT("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
		TEXT("HTTP/1.1 200 Connection established\r\n\r\n"), TEXT("CAPABILITIES\r\nSTARTTLS\r\n"),
		TEXT("\x05\x01\x00\x05\x01\x00\x03\x09"
			 "a.example\x01\xbb"),
		TEXT("\x16"), TEXT("\x16\x03"), TEXT("\x16\x03\x01"), TEXT("\x80"),
		TEXT("\x15\x03\x01\x00\x02")};
	static struct tsv t;
	static struct stream s;
	unsigned count = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		if (strstr(t.field[1], "dtls") != NULL || count++ % 8 != 0)
			continue;
		uint8_t *p;
		struct bm_view m = message_of(&t, &p);
		for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
			bool more;
			s.n = 0;
			put(&s, c[i].p, c[i].n);
			put_records(&s, m, 16384);
			find_fn *find = t.field[1][0] == 'c' ? bm_find_client_hello : bm_find_server_hello;
			assert_int_equal(find(bm_view(s.b, s.n), &more), c[i].n);
		}
		free(p);
	}
}

static void
test_alert(void **state)
{
	uint8_t b[] = {'x', 21, 3, 1, 0, 2, 2, 40, 'y'};
	unsigned known = 0;
	bool more;

	(void)state;
	check_every_prefix(bm_find_server_hello, bm_view(b, sizeof b), 1);
	check_nothing(bm_find_client_hello, bm_view(b, sizeof b));
	for (unsigned code = 0; code < 256; code++) {
		b[7] = (uint8_t)code;
		known += bm_find_server_hello(bm_view(b, sizeof b), &more) == 1;
	}
	assert_int_equal(known, 37);
	b[7] = 40;
	/* Every other field counts; of version and level there are several that are right. */
	for (size_t i = 1; i < 7; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1u << bit);
			bool right = i == 3 && b[i] <= 4;
			assert_int_equal(bm_find_server_hello(bm_view(b, sizeof b), &more) == 1, right);
			b[i] ^= (uint8_t)(1u << bit);
		}
	}
}

static void
test_ssl2(void **state)
{
	static const char hex[] =
		"8067010301004e000000100100800300800700c00600400200800400800000390000380000350000330000"
		"3200000400000500002f00001600001300feff00000a00001500001200fefe0000090000640000620000"
		"030000063143c465d52771e466a42be1701787fd";
	uint8_t b[4 + sizeof hex / 2];
	size_t n = (sizeof hex - 1) / 2;

	(void)state;
	memcpy(b, "\x80\x90zz", 4);
	assert_true(bm_unhex(hex, n, b + 4));
	size_t seen = check_every_prefix(bm_find_client_hello, bm_view(b, 4 + n), 4);
	assert_int_equal(seen, 4 + 11);
	check_nothing(bm_find_server_hello, bm_view(b, 4 + n));
	/* Lengths that do not add up, or add up to something else. */
	static const uint8_t at[] = {1, 6, 8, 10}, by[] = {1, 3, 16, 1, 255};
	for (size_t i = 0; i < sizeof at; i++) {
		for (size_t k = 0; k < sizeof by; k++) {
			b[4 + at[i]] = (uint8_t)(b[4 + at[i]] + by[k]);
			check_nothing(bm_find_client_hello, bm_view(b, 4 + n));
			b[4 + at[i]] = (uint8_t)(b[4 + at[i]] - by[k]);
		}
	}
	b[4 + 10]--;
	b[4 + 1]--;
	check_nothing(bm_find_client_hello, bm_view(b, 4 + n)); /* a challenge of 15 bytes */
	b[4 + 10]++;
	b[4 + 1]++;
	/* What it offers: SSL 3.0 to TLS 1.2. */
	for (unsigned minor = 0; minor < 256; minor++) {
		bool more;
		b[4 + 4] = (uint8_t)minor;
		assert_int_equal(bm_find_client_hello(bm_view(b, 4 + n), &more), minor <= 3 ? 4 : 4 + n);
	}
	/* SSL 2.0 itself. */
	b[4 + 3] = 0;
	b[4 + 4] = 2;
	check_nothing(bm_find_client_hello, bm_view(b, 4 + n));
}

/* A length inside a hello becomes `with`: no hello any more. */
static void
spoil(find_fn *find, struct stream *s, size_t at, uint8_t with)
{
	uint8_t was = s->b[at];
	bool more;

	s->b[at] = with;
	assert_int_equal(find(bm_view(s->b, s->n), &more), s->n);
	s->b[at] = was;
}

static void
test_inner_lengths(void **state)
{
	static struct tsv t;
	static struct stream s;
	unsigned count = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		if (strstr(t.field[1], "dtls") != NULL || t.field[3][0] != '0' || t.field[3][3] == '4')
			continue;
		uint8_t *p;
		struct bm_view m = message_of(&t, &p);
		bool client = t.field[1][0] == 'c';
		find_fn *find = client ? bm_find_client_hello : bm_find_server_hello;
		size_t at = 4 + 34;
		s.n = 0;
		put_records(&s, m, 16384);
		spoil(find, &s, BM_HEADER + at, 33);
		spoil(find, &s, BM_HEADER + at, 255);
		at += 1 + (size_t)p[at];
		size_t suites = client ? bm_load16(p + at) : 0;
		if (client && at + 2 + suites < 500) {
			spoil(find, &s, BM_HEADER + at, 0xff);
			spoil(find, &s, BM_HEADER + at + 1, p[at + 1] ^ 1);
			at += 2 + suites;
			spoil(find, &s, BM_HEADER + at, 0);
			if (m.n - at < 256)
				spoil(find, &s, BM_HEADER + at, (uint8_t)(m.n - at));
			/* Messages too short to be one, and too long. */
			spoil(find, &s, BM_HEADER + 1, 3);
			count++;
		}
		free(p);
	}
	assert_true(count > 80);
}

/* The lengths and types that hold a hello together: none may be anything else. */
static void
test_strict(void **state)
{
	static struct tsv t;
	static struct stream s;
	unsigned count = 0;
	bool more;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		if (strstr(t.field[1], "dtls") != NULL)
			continue;
		uint8_t *p;
		struct bm_view m = message_of(&t, &p);
		bool client = t.field[1][0] == 'c';
		find_fn *find = client ? bm_find_client_hello : bm_find_server_hello;
		s.n = 0;
		put_records(&s, m, 16384);
		assert_int_equal(find(bm_view(s.b, s.n), &more), 0);
		/* Record type, version; message type, length; version. */
		static const uint8_t fixed[] = {0, 1, 5, 6};
		for (size_t i = 0; i < sizeof fixed; i++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				s.b[fixed[i]] ^= (uint8_t)(1u << bit);
				/* A client's hello may be as long as 0x1ffff. */
				if (i == 3 && bit < 2)
					assert_true(find(bm_view(s.b, s.n), &more) == s.n || !client || s.n > 500);
				else if (find(bm_view(s.b, s.n), &more) == 0)
					assert_true(!client && i == 2); /* HelloRetryRequest of a draft */
				s.b[fixed[i]] ^= (uint8_t)(1u << bit);
			}
		}
		count++;
		free(p);
	}
	assert_true(count > 200);
}

/* TLS 1.2 and later: the extensions fill the message (RFC 5246, section 7.4.1.2); up to TLS 1.1 a
 * client may let anything follow. */
static void
test_extensions_fit(void **state)
{
	static struct tsv t;
	static struct stream s;
	unsigned strict = 0, lax = 0;
	bool more;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		if (strstr(t.field[1], "dtls") != NULL || strcmp(t.field[9], "-") == 0)
			continue;
		uint8_t *p;
		struct bm_view m = message_of(&t, &p);
		bool client = t.field[1][0] == 'c';
		find_fn *find = client ? bm_find_client_hello : bm_find_server_hello;
		size_t at = 4 + 35 + p[38];
		at += client ? 2 + bm_load16(p + at) : 3;
		at += client ? 1 + (size_t)p[at] : 0;
		if (tsv_number(t.field[3]) > BM_TLS12 || at + 2 > 512)
			at = 0;
		if (at != 0) {
			assert_int_equal(at + 2 + bm_load16(p + at), m.n);
			p[at + 1] ^= 1;
			s.n = 0;
			put_records(&s, m, 16384);
			bool lenient = client && tsv_number(t.field[3]) < BM_TLS12;
			assert_int_equal(find(bm_view(s.b, s.n), &more), lenient ? 0 : s.n);
			strict += !lenient;
			lax += lenient;
		}
		free(p);
	}
	assert_true(strict > 100 && lax > 5);
}

static unsigned
finds(const uint8_t *p, size_t n)
{
	unsigned count = 0;
	bool more;

	for (size_t at = 0; at < n; at += WINDOW / 2) {
		size_t len = n - at < WINDOW ? n - at : WINDOW;
		count += bm_find_client_hello(bm_view(p + at, len), &more) < len;
		count += bm_find_server_hello(bm_view(p + at, len), &more) < len;
	}
	return count;
}

static void
test_random(void **state)
{
	static const char *const seeds[] = {
		"", "\x16\x03\x01", "\x16\x03\x03\x01", "\x15\x03\x03", "\x80", "\x16\x03\x03\x02"};
	uint8_t *p = malloc(BYTES);

	(void)state;
	assert_non_null(p);
	for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++) {
		for (size_t i = 0; i < BYTES; i++)
			p[i] = (uint8_t)rnd();
		size_t len = strlen(seeds[k]);
		for (size_t i = 0; len != 0 && i < BYTES - 64; i += 32 + rnd() % 32)
			memcpy(p + i, seeds[k], len);
		assert_int_equal(finds(p, BYTES), 0);
	}
	free(p);
}

/* Cleartext: what stands in the repository and a capture of HTTP. */
static void
test_cleartext(void **state)
{
	static const char *const files[] = {"data/mercury/nokeys/http_rawip.pcap",
		"data/illustrated-tls13/keylog.txt", "unit/tls/hello-vectors.tsv", "unit/tls/test_find.c"};
	const char *tests = getenv("BADMAC_TESTS");
	static uint8_t b[1 << 20];

	(void)state;
	assert_non_null(tests);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", tests, files[i]);
		FILE *f = fopen(path, "rb");
		assert_non_null(f);
		size_t n = fread(b, 1, sizeof b, f);
		fclose(f);
		assert_true(n > 100);
		assert_int_equal(finds(b, n), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured),
		cmocka_unit_test(test_fragmented),
		cmocka_unit_test(test_two_records),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_preambles),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_ssl2),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_inner_lengths),
		cmocka_unit_test(test_extensions_fit),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_cleartext),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
