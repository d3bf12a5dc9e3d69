/* The small messages: made by hand after their RFCs, cut and lengthened. */
#include "tsv.h"

enum { SIZE = 128 };

struct text {
	uint8_t *p;
	struct bm_view v;
};

static struct text
text(const char *hex)
{
	struct text t;

	t.p = tsv_bytes(hex, &t.v);
	return t;
}

static void
test_ticket(void **state)
{
	(void)state;
	struct text t = text("00001c20"
						 "0004"
						 "01020304");
	struct bm_view ticket;

	assert_true(bm_ticket_parse(t.v, &ticket));
	assert_true(bm_view_equal(ticket, bm_view("\1\2\3\4", 4)));
	for (size_t n = 0; n < t.v.n; n++)
		assert_false(bm_ticket_parse(bm_view(t.p, n), &ticket));
	free(t.p);
	/* RFC 5077, section 3.3: an empty ticket is one. */
	t = text("000000000000");
	assert_true(bm_ticket_parse(t.v, &ticket));
	assert_int_equal(ticket.n, 0);
	free(t.p);
	t = text("00000000000000");
	assert_false(bm_ticket_parse(t.v, &ticket));
	free(t.p);
}

static void
test_certificate(void **state)
{
	(void)state;
	struct text t = text("00000b"
						 "000003"
						 "308201"
						 "000002"
						 "3080");
	struct bm_view der;

	assert_true(bm_certificate_parse(t.v, &der));
	assert_true(bm_view_equal(der, bm_view("\x30\x82\x01", 3)));
	for (size_t n = 0; n < t.v.n; n++)
		assert_false(bm_certificate_parse(bm_view(t.p, n), &der));
	free(t.p);
	static const char *const bad[] = {"000000", "000003000000",
		"000004"
		"000003"
		"30",
		"000004"
		"000001"
		"30"
		"00"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		t = text(bad[i]);
		assert_false(bm_certificate_parse(t.v, &der));
		free(t.p);
	}
}

static void
test_key_exchange(void **state)
{
	(void)state;
	struct text t = text("0004"
						 "aabbccdd");
	struct bm_view e;
	static const unsigned versions[] = {BM_TLS10, BM_TLS11, BM_TLS12, BM_DTLS10, BM_DTLS12};

	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		assert_true(bm_rsa_key_exchange_parse(t.v, versions[i], &e));
		assert_true(bm_view_equal(e, bm_view("\xaa\xbb\xcc\xdd", 4)));
		for (size_t n = 0; n < t.v.n; n++)
			assert_false(bm_rsa_key_exchange_parse(bm_view(t.p, n), versions[i], &e));
	}
	assert_true(bm_rsa_key_exchange_parse(t.v, BM_SSL3, &e));
	assert_int_equal(e.n, 6);
	assert_false(bm_rsa_key_exchange_parse(bm_view(t.p, 0), BM_SSL3, &e));
	free(t.p);
	t = text("0000");
	assert_false(bm_rsa_key_exchange_parse(t.v, BM_TLS12, &e));
	free(t.p);
	t = text("0001aa00");
	assert_false(bm_rsa_key_exchange_parse(t.v, BM_TLS12, &e));
	free(t.p);
}

static void
test_encrypted_extensions(void **state)
{
	(void)state;
	/* server_name, record_size_limit, ALPN h2, early_data, an unknown one. */
	struct text t = text("001f"
						 "00000000"
						 "001c00020801"
						 "001000050003026832"
						 "002a0000"
						 "4a4a0004deadbeef");
	struct bm_extensions e;

	assert_true(bm_encrypted_extensions_parse(t.v, &e));
	assert_int_equal(e.record_size_limit, 0x801);
	assert_true(bm_view_equal(e.alpn, bm_view("h2", 2)));
	assert_true(e.early_data);
	assert_int_equal(e.max_fragment_length, 0);
	for (size_t n = 0; n < t.v.n; n++)
		assert_false(bm_encrypted_extensions_parse(bm_view(t.p, n), &e));
	free(t.p);
	t = text("0000");
	assert_true(bm_encrypted_extensions_parse(t.v, &e));
	assert_false(e.early_data);
	free(t.p);
	t = text("000000");
	assert_false(bm_encrypted_extensions_parse(t.v, &e));
	free(t.p);
	/* Extensions mean here what they mean in a ServerHello: a number, no list of identities. */
	t = text("0006"
			 "002900020007");
	assert_true(bm_encrypted_extensions_parse(t.v, &e));
	assert_int_equal(e.selected_identity, 7);
	free(t.p);
	t = text("0003001c00");
	assert_false(bm_encrypted_extensions_parse(t.v, &e));
	free(t.p);
}

/* Whatever the bytes are: views lie inside, or the message is refused. */
static void
test_random(void **state)
{
	unsigned read = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = rnd() % SIZE;
		uint8_t *p = malloc(n != 0 ? n : 1);
		struct bm_view v = bm_view(p, n), out;
		struct bm_extensions e;
		struct bm_hello h;
		assert_non_null(p);
		for (size_t k = 0; k < n; k++)
			p[k] = rnd() % 3 == 0 ? (uint8_t)rnd() : (uint8_t)(rnd() % 4);
		if (bm_ticket_parse(v, &out) && out.n != 0)
			assert_ptr_equal(out.p + out.n, p + n);
		if (bm_certificate_parse(v, &out))
			assert_true(out.p == p + 6 && out.n <= n - 6);
		if (bm_rsa_key_exchange_parse(v, BM_TLS12, &out))
			assert_ptr_equal(out.p + out.n, p + n);
		read += bm_encrypted_extensions_parse(v, &e);
		read += bm_client_hello_parse(v, i % 2 != 0, &h);
		read += bm_server_hello_parse(v, &h);
		read += bm_ssl2_hello_parse(v, &h);
		free(p);
	}
	assert_true(read > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_key_exchange),
		cmocka_unit_test(test_encrypted_extensions),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
