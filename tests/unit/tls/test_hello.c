/* Hellos of real stacks against what tshark says of them (hello-vectors.tsv), and every way to
 * break them. */
#include "tsv.h"

enum {
	CAPTURE,
	KIND,
	BODY,
	VERSION,
	RANDOM,
	SESSION_ID,
	SUITES,
	COMPRESSION,
	COOKIE,
	TYPES,
	SERVER_NAME,
	ALPN,
	VERSIONS,
	PSK,
	SIZE_LIMIT,
	FRAGMENT_LENGTH,
	CONNECTION_ID
};

static bool
is_client(const struct tsv *t)
{
	return strncmp(t->field[KIND], "client", 6) == 0;
}

static bool
is_dtls(const struct tsv *t)
{
	return strstr(t->field[KIND], "dtls") != NULL;
}

static bool
parse(const struct tsv *t, struct bm_view body, struct bm_hello *h)
{
	return is_client(t) ? bm_client_hello_parse(body, is_dtls(t), h)
						: bm_server_hello_parse(body, h);
}

/* Is the extension in the list of types? */
static bool
has(const struct tsv *t, const char *type)
{
	const char *p = t->field[TYPES];

	for (; *p != '\0'; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ','))
		if (strncmp(p, type, 4) == 0)
			return true;
	return false;
}

static void
check_extensions(const struct tsv *t, const struct bm_extensions *e)
{
	assert_int_equal(e->extended_master_secret, has(t, "0017"));
	assert_int_equal(e->encrypt_then_mac, has(t, "0016"));
	assert_int_equal(e->truncated_hmac, has(t, "0004"));
	assert_int_equal(e->early_data, has(t, "002a"));
	assert_int_equal(e->session_ticket, has(t, "0023"));
	assert_int_equal(e->pre_shared_key, has(t, "0029"));
	assert_int_equal(e->connection_id, has(t, "0036"));
	assert_int_equal(e->renegotiation_info, has(t, "ff01"));
	assert_true(tsv_is(t->field[SERVER_NAME], e->server_name));
	assert_true(tsv_is(t->field[ALPN], e->alpn));
	assert_int_equal(tsv_number(t->field[SIZE_LIMIT]), e->record_size_limit);
	assert_int_equal(tsv_number(t->field[FRAGMENT_LENGTH]), e->max_fragment_length);
	if (e->connection_id)
		assert_true(tsv_is(t->field[CONNECTION_ID], e->cid));
}

static void
check_client(const struct tsv *t, const struct bm_hello *h)
{
	assert_true(tsv_is(t->field[SUITES], h->suites));
	assert_true(tsv_is(t->field[COOKIE], h->cookie));
	assert_true(tsv_is(t->field[VERSIONS], h->ext.supported_versions));
	assert_true(tsv_is(t->field[PSK], h->ext.psk_identity));
}

static unsigned
selected(const struct tsv *t, unsigned *draft)
{
	unsigned v = tsv_number(t->field[strcmp(t->field[VERSIONS], "-") != 0 ? VERSIONS : VERSION]);

	*draft = 0;
	if (v >> 8 == 0x7f)
		*draft = v & 0xff;
	else if (v >> 8 == 0x7e)
		*draft = 18;
	else if (v == BM_TLS13 && strcmp(t->field[VERSIONS], "-") == 0)
		*draft = 14;
	else
		return v;
	return BM_TLS13;
}

static void
check_server(const struct tsv *t, const struct bm_hello *h)
{
	unsigned draft;

	assert_int_equal(tsv_number(t->field[SUITES]), h->suite);
	assert_int_equal(tsv_number(t->field[COMPRESSION]), h->compression);
	assert_int_equal(tsv_number(t->field[PSK]), h->ext.selected_identity);
	assert_int_equal(
		h->hello_retry_request, strncmp(t->field[RANDOM], "cf21ad74e59a6111", 16) == 0);
	assert_int_equal(selected(t, &draft), bm_hello_version(h));
	assert_int_equal(draft, h->ext.draft);
}

static void
test_vectors(void **state)
{
	static struct tsv t;
	unsigned clients = 0, servers = 0, dtls = 0, drafts = 0, retries = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		struct bm_view body;
		struct bm_hello h;
		uint8_t *p = tsv_bytes(t.field[BODY], &body);
		if (!parse(&t, body, &h))
			fail_msg("not read: %s %s %.60s", t.field[CAPTURE], t.field[KIND], t.field[BODY]);
		assert_int_equal(t.n, TSV_FIELDS);
		assert_int_equal(tsv_number(t.field[VERSION]), h.version);
		assert_true(tsv_is(t.field[RANDOM], bm_view(h.random, sizeof h.random)));
		assert_true(tsv_is(t.field[SESSION_ID], h.session_id));
		assert_int_equal(h.server, !is_client(&t));
		assert_false(h.ssl2_format);
		check_extensions(&t, &h.ext);
		if (is_client(&t))
			check_client(&t, &h);
		else
			check_server(&t, &h);
		clients += is_client(&t);
		servers += !is_client(&t);
		dtls += is_dtls(&t);
		drafts += h.ext.draft != 0;
		retries += h.hello_retry_request;
		free(p);
	}
	assert_true(clients > 100 && servers > 80 && dtls > 10 && drafts > 5 && retries > 1);
}

/* Where extensions begin; 0 in drafts' layout, which may be read as the other when cut. */
static size_t
fixed_part(const struct tsv *t, struct bm_view body, const struct bm_hello *h)
{
	if (h->version >> 8 == 0x7f || (h->server && h->version == BM_TLS13))
		return 0;
	size_t at = 35 + h->session_id.n;
	if (h->server)
		return at + 3;
	at += (is_dtls(t) ? 1 + h->cookie.n : 0) + 2 + h->suites.n;
	return at + 1 + body.p[at];
}

/* Cut anywhere: malformed. Only extensions may be missing as a whole, and up to TLS 1.1 anything
 * may stand in their place. */
static void
test_cut(void **state)
{
	static struct tsv t;
	unsigned without = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		struct bm_view body;
		struct bm_hello h, whole;
		uint8_t *p = tsv_bytes(t.field[BODY], &body);
		assert_true(parse(&t, body, &whole));
		size_t fixed = fixed_part(&t, body, &whole);
		bool lax = is_client(&t) && (whole.version < BM_TLS12 || whole.version == BM_DTLS10);
		for (size_t n = 0; n < body.n; n++) {
			uint8_t *q = exact(bm_view(p, n));
			bool ok = parse(&t, bm_view(q, n), &h);
			if (fixed != 0)
				assert_int_equal(ok, n == fixed || (lax && n > fixed));
			without += ok;
			free(q);
		}
		/* Something behind it. */
		uint8_t *q = malloc(body.n + 1);
		assert_non_null(q);
		memcpy(q, p, body.n);
		q[body.n] = 0;
		assert_int_equal(parse(&t, bm_view(q, body.n + 1), &h), lax);
		free(q);
		free(p);
	}
	assert_true(without > 100);
}

static bool
inside(struct bm_view v, struct bm_view body)
{
	return v.n == 0 || (v.p >= body.p && v.n <= body.n && (size_t)(v.p - body.p) <= body.n - v.n);
}

static void
views_inside(const struct bm_hello *h, struct bm_view body)
{
	const struct bm_view v[] = {h->session_id, h->suites, h->cookie, h->ext.ticket,
		h->ext.psk_identity, h->ext.cid, h->ext.server_name, h->ext.alpn,
		h->ext.supported_versions};

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		assert_true(inside(v[i], body));
	assert_true(h->session_id.n <= 32);
	assert_true(h->ext.cid.n <= 255);
}

static void
test_flipped(void **state)
{
	static struct tsv t;
	unsigned refused = 0, accepted = 0;

	(void)state;
	tsv_open(&t, "hello-vectors.tsv");
	while (tsv_next(&t)) {
		struct bm_view body;
		struct bm_hello h;
		uint8_t *p = tsv_bytes(t.field[BODY], &body);
		for (size_t i = 0; i < body.n; i++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				p[i] ^= (uint8_t)(1u << bit);
				if (parse(&t, body, &h)) {
					views_inside(&h, body);
					accepted++;
				} else {
					refused++;
				}
				p[i] ^= (uint8_t)(1u << bit);
			}
		}
		free(p);
	}
	assert_true(refused > 10000 && accepted > 100000);
}

/* A ClientHello or ServerHello with these extensions. */
static struct bm_view
with(bool server, const char *extensions)
{
	static uint8_t b[2048];
	size_t n = strlen(extensions) / 2, at = 0;

	memset(b, 0, 64);
	bm_store16(b, BM_TLS12);
	at = 35; /* session id of length 0 */
	if (server) {
		bm_store16(b + at, 0x1301);
		at += 3;
	} else {
		memcpy(b + at, "\x00\x02\x13\x01\x01\x00", 6);
		at += 6;
	}
	bm_store16(b + at, (unsigned)n);
	assert_true(bm_unhex(extensions, n, b + at + 2));
	return bm_view(b, at + 2 + n);
}

static void
test_extensions(void **state)
{
	struct bm_hello h;

	(void)state;
	/* A ServerHello's extensions. */
	assert_true(bm_server_hello_parse(with(true, "00170000"
												 "00160000"
												 "00040000"
												 "0001000102"
												 "001c00024001"
												 "002900020007"
												 "ff01000100"),
		&h));
	assert_true(h.ext.extended_master_secret && h.ext.encrypt_then_mac && h.ext.truncated_hmac);
	assert_true(h.ext.pre_shared_key && h.ext.renegotiation_info);
	assert_int_equal(h.ext.max_fragment_length, 2);
	assert_int_equal(h.ext.record_size_limit, 0x4001);
	assert_int_equal(h.ext.selected_identity, 7);
	assert_int_equal(bm_hello_version(&h), BM_TLS12);
	/* Duplicates: the first counts, for those of high numbers too. */
	assert_true(bm_server_hello_parse(with(true, "001c00020100"
												 "001c00020200"
												 "abcd0001aa"
												 "abcd0000"),
		&h));
	assert_int_equal(h.ext.record_size_limit, 0x100);
	/* Contents that make no sense are passed over. */
	assert_true(bm_server_hello_parse(with(true, "00010001ff"
												 "001c000101"
												 "00290000"
												 "002b0001aa"
												 "003600020500"
												 "00100003000105"),
		&h));
	assert_int_equal(
		h.ext.max_fragment_length + h.ext.record_size_limit + h.ext.selected_version, 0);
	assert_false(h.ext.pre_shared_key || h.ext.connection_id);
	assert_int_equal(h.ext.alpn.n, 0);
	/* Lengths that do not fit are not. */
	assert_false(bm_server_hello_parse(with(true, "001c00030100"), &h));
	assert_false(bm_server_hello_parse(with(true, "001c00"), &h));
	assert_false(bm_client_hello_parse(with(false, "0000ffff00"), false, &h));
	/* An empty connection id is one (RFC 9146, section 3). */
	assert_true(bm_client_hello_parse(with(false, "0036000100"), false, &h));
	assert_true(h.ext.connection_id);
	assert_int_equal(h.ext.cid.n, 0);
	/* A list of names: one of an unknown type, then the host. */
	assert_false(bm_client_hello_parse(with(false, "0000000b0009"
												   "0900016100000361622e"),
		false, &h));
	assert_true(bm_client_hello_parse(with(false, "0000000c000a"
												  "09000161"
												  "00000361622e"),
		false, &h));
	assert_true(bm_view_equal(h.ext.server_name, bm_view("ab.", 3)));
	/* A list of protocols, and the same with something behind it. */
	assert_true(bm_client_hello_parse(with(false, "0010000500030268aa"), false, &h));
	assert_true(bm_view_equal(h.ext.alpn, bm_view("h\xaa", 2)));
	assert_true(bm_client_hello_parse(with(false, "0010000600030268aa00"), false, &h));
	assert_int_equal(h.ext.alpn.n, 0);
	/* No host among them. */
	assert_true(bm_client_hello_parse(with(false, "0000000600040900"
												  "0161"),
		false, &h));
	assert_int_equal(h.ext.server_name.n, 0);
	/* Two PSK identities: the first. */
	assert_false(bm_client_hello_parse(with(false, "0029001a0010"
												   "0002aabb00000001"
												   "0002ccdd00000001"
												   "00060102030405"),
		false, &h));
	assert_false(bm_client_hello_parse(with(false, "002900190010"
												   "0002aabb00000001"
												   "0002ccdd00000001"
												   "0005010203040500"),
		false, &h));
	assert_true(bm_client_hello_parse(with(false, "00290018"
												  "0010"
												  "0002aabb00000001"
												  "0002ccdd00000001"
												  "000401020304"),
		false, &h));
	assert_true(bm_view_equal(h.ext.psk_identity, bm_view("\xaa\xbb", 2)));
}

static void
test_versions(void **state)
{
	struct bm_hello h;
	static const struct {
		const char *ext;
		unsigned version, draft;
	} c[] = {{"002b00020304", BM_TLS13, 0}, {"002b00027f1c", BM_TLS13, 28},
		{"002b0002fb1a", BM_TLS13, 26}, {"002b00027e02", BM_TLS13, 18},
		{"002b0002fefc", BM_DTLS13, 0}, {"", BM_TLS12, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		assert_true(bm_server_hello_parse(with(true, c[i].ext), &h));
		assert_int_equal(bm_hello_version(&h), c[i].version);
		assert_int_equal(h.ext.draft, c[i].draft);
	}
}

/* suricata-verify, tls13-draft14: 0x0304, random, suite 0xc02b, one key share. tshark 4.0 reads it
 * as RFC 8446 has it, and so takes half a suite for the length of a session id. */
static const char draft14[] =
	"03042393b6518b8dd3d7ae957155977935932a6f5e600e5b7d9774daa7bc2f2cbcc3c02b0049002800450017004104"
	"2dd095"
	"2da464b93202b067c846029914097c1887d6d068d353f8bea91988051990f726f1f2739d87d6f7e6"
	"3b2bd045d19d6940e75fe8ae06fd04b350c5bf1565";

static void
test_draft14(void **state)
{
	uint8_t b[sizeof draft14 / 2];
	struct bm_hello h;

	(void)state;
	assert_true(bm_unhex(draft14, sizeof b, b));
	assert_true(bm_server_hello_parse(bm_view(b, sizeof b), &h));
	assert_int_equal(h.suite, 0xc02b);
	assert_int_equal(h.session_id.n, 0);
	assert_int_equal(bm_hello_version(&h), BM_TLS13);
	assert_int_equal(h.ext.draft, 14);
}

/* Trailing bytes: RFC 4346, section 7.4.1.2, against RFC 5246. Suites and session ids out of
 * bounds. */
static void
test_malformed(void **state)
{
	struct bm_hello h;
	uint8_t b[128];
	struct bm_view v = with(false, "");

	(void)state;
	memcpy(b, v.p, v.n);
	assert_true(bm_client_hello_parse(bm_view(b, v.n), false, &h));
	assert_true(bm_client_hello_parse(bm_view(b, v.n - 2), false, &h)); /* no extensions at all */
	assert_false(bm_client_hello_parse(bm_view(b, v.n - 1), false, &h));
	b[v.n] = 7;
	assert_false(bm_client_hello_parse(bm_view(b, v.n + 1), false, &h));
	bm_store16(b, BM_TLS11);
	assert_true(bm_client_hello_parse(bm_view(b, v.n + 1), false, &h));
	assert_true(bm_client_hello_parse(bm_view(b, v.n - 1), false, &h));
	bm_store16(b, BM_TLS12);
	b[36] = 1; /* odd list of suites */
	assert_false(bm_client_hello_parse(bm_view(b, v.n), false, &h));
	b[36] = 0;
	assert_false(bm_client_hello_parse(bm_view(b, v.n), false, &h));
	/* A session id of 33 bytes, in a hello that would otherwise fit. */
	memset(b, 0, sizeof b);
	bm_store16(b, BM_TLS12);
	b[34] = 33;
	memcpy(b + 68, "\x00\x02\x13\x01\x01\x00", 6);
	assert_false(bm_client_hello_parse(bm_view(b, 74), false, &h));
	assert_false(bm_server_hello_parse(bm_view(b, 71), &h));
	b[34] = 32;
	assert_true(bm_server_hello_parse(bm_view(b, 70), &h));
	assert_int_equal(h.session_id.n, 32);
}

/* suricata-verify, sslv2-tls-upgrade-01: what Internet Explorer sent; numbers as tshark shows them.
 */
static const char ssl2[] =
	"8067010301004e000000100100800300800700c00600400200800400800000390000380000350000330000320000"
	"0400000500002f00001600001300feff00000a00001500001200fefe0000090000640000620000030000063143c465"
	"d52771e466a42be1701787fd";

static void
test_ssl2(void **state)
{
	uint8_t b[sizeof ssl2 / 2 + 1];
	size_t n = (sizeof ssl2 - 1) / 2;
	struct bm_hello h;
	char text[65];

	(void)state;
	assert_int_equal(n, 105);
	assert_true(bm_unhex(ssl2, n, b));
	assert_true(bm_ssl2_hello_parse(bm_view(b, n), &h));
	assert_true(h.ssl2_format && !h.server);
	assert_int_equal(h.version, BM_TLS10);
	assert_int_equal(h.suites.n, 78);
	assert_int_equal(h.session_id.n, 0);
	bm_hex(bm_view(h.random, 32), text);
	assert_string_equal(text, "00000000000000000000000000000000"
							  "3143c465d52771e466a42be1701787fd");
	for (size_t i = 0; i < n; i++) {
		uint8_t *q = exact(bm_view(b, i));
		assert_false(bm_ssl2_hello_parse(bm_view(q, i), &h));
		free(q);
	}
	b[n] = 0;
	assert_false(bm_ssl2_hello_parse(bm_view(b, n + 1), &h));
	/* A session id of three bytes, taken from the cipher specs, and one of sixteen. */
	b[6] = 75;
	b[8] = 3;
	assert_false(bm_ssl2_hello_parse(bm_view(b, n), &h));
	b[6] = 78 - 16 - 2;
	b[8] = 16;
	b[10] = 18;
	assert_true(bm_ssl2_hello_parse(bm_view(b, n), &h));
	assert_int_equal(h.session_id.n, 16);
	assert_int_equal(h.random[13], 0);
	assert_ptr_equal(h.session_id.p, b + 11 + 60);
	/* No cipher specs at all. */
	uint8_t none[11 + 16] = {0x80, 25, 1, 3, 1, 0, 0, 0, 0, 0, 16};
	assert_false(bm_ssl2_hello_parse(bm_view(none, sizeof none), &h));
	b[6] = 78;
	b[8] = 0;
	b[10] = 16;
	/* Every field of the fixed part counts, but for the low version byte. */
	for (size_t i = 0; i < 11; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1u << bit);
			bool version = i == 4 && b[i] <= 3;
			assert_int_equal(bm_ssl2_hello_parse(bm_view(b, n), &h), version);
			b[i] ^= (uint8_t)(1u << bit);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_draft14),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_ssl2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
