/* Key material of every kind, by content: key logs of five stacks, private keys, session text, Java
 * logs in every dress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"
#include "logs/keyfile.h"

static struct bm_keyring *ring;
static struct bm_key_counts counts;
static struct bm_error error;

static int
setup(void **state)
{
	(void)state;
	memset(&counts, 0, sizeof counts);
	memset(&error, 0, sizeof error);
	return bm_keyring_new(&ring) == BM_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	bm_keyring_free(ring);
	bm_crypto_free_all();
	return 0;
}

static void
again(void)
{
	bm_keyring_free(ring);
	assert_int_equal(0, setup(NULL));
}

static struct bm_view
text(const char *s)
{
	return bm_view(s, strlen(s));
}

static void
add(struct bm_buf *b, const char *s)
{
	assert_int_equal(BM_OK, bm_buf_add(b, text(s)));
}

static struct bm_buf
read_file(const char *name)
{
	struct bm_buf b = {.max = 1 << 20};
	char path[1024];
	const char *tests = getenv("BADMAC_TESTS");

	snprintf(path, sizeof path, "%s/data/%s", tests != NULL ? tests : "tests", name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	assert_int_equal(BM_OK, bm_buf_reserve(&b, 1 << 16));
	b.n = fread(b.p, 1, 1 << 16, f);
	fclose(f);
	return b;
}

static enum bm_status
read_keys(struct bm_view v)
{
	error.what = NULL;
	return bm_keys_read(ring, v, &counts, &error);
}

/* Secrets of jsse.keylog that the ring has. */
static unsigned
masters_found(enum bm_key_source source)
{
	struct bm_buf log = read_file("keys/jsse.keylog");
	unsigned found = 0;

	for (size_t at = 0; at + 14 + 64 + 1 + 96 < log.n; at += 14 + 64 + 1 + 96 + 1) {
		uint8_t random[32], master[48];
		struct bm_secret got;
		assert_true(bm_unhex((char *)log.p + at + 14, 32, random));
		assert_true(bm_unhex((char *)log.p + at + 14 + 64 + 1, 48, master));
		if (!bm_keyring_find(ring, BM_LABEL_CLIENT_RANDOM, bm_view(random, 32), 0, &got))
			continue;
		/* None is better than a wrong one. */
		assert_memory_equal(got.bytes.p, master, 48);
		assert_int_equal(source, got.source);
		found++;
	}
	bm_buf_clear(&log);
	return found;
}

static void
test_key_logs_of_stacks(void **state)
{
	static const struct {
		const char *name;
		unsigned secrets;
	} logs[] = {{"keys/openssl.keylog", 6}, {"keys/gnutls.keylog", 6}, {"keys/go.keylog", 5},
		{"keys/node.keylog", 6}, {"illustrated-dtls13/keylog.txt", 4}, {"mlkem/tls.keylog", 4}};

	(void)state;
	for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
		struct bm_buf b = read_file(logs[i].name);
		again();
		assert_int_equal(BM_OK, read_keys(bm_buf_view(&b)));
		assert_int_equal(0, counts.bad_lines + counts.unknown_labels + counts.duplicates);
		if (counts.secrets != logs[i].secrets)
			fail_msg("%s: %u", logs[i].name, (unsigned)counts.secrets);
		bm_buf_clear(&b);
	}
}

static void
test_utf16(void **state)
{
	struct bm_buf b = read_file("keys/jsse.keylog");

	(void)state;
	for (unsigned form = 0; form < 4; form++) {
		struct bm_buf wide = {.max = 1 << 20};
		unsigned big = form & 1;
		if (form & 2)
			assert_int_equal(BM_OK, bm_buf_add(&wide, bm_view(big ? "\xfe\xff" : "\xff\xfe", 2)));
		for (size_t i = 0; i < b.n; i++) {
			uint8_t pair[2] = {big ? 0 : b.p[i], big ? b.p[i] : 0};
			assert_int_equal(BM_OK, bm_buf_add(&wide, bm_view(pair, 2)));
		}
		again();
		assert_int_equal(BM_OK, read_keys(bm_buf_view(&wide)));
		assert_int_equal(4, masters_found(BM_SOURCE_KEY_LOG));
		assert_int_equal(0, counts.bad_lines);
		bm_buf_clear(&wide);
	}
	bm_buf_clear(&b);
}

static void
add_key(BIO *bio, EVP_PKEY *key, bool pkcs8, bool encrypt)
{
	const EVP_CIPHER *c = encrypt ? EVP_aes_128_cbc() : NULL;
	const char *password = encrypt ? "secret" : NULL;
	int n = encrypt ? 6 : 0;

	assert_int_equal(1, pkcs8 ? PEM_write_bio_PKCS8PrivateKey(bio, key, c, password, n, NULL, NULL)
							  : PEM_write_bio_PrivateKey_traditional(
									bio, key, c, (const unsigned char *)password, n, NULL, NULL));
}

static enum bm_status
read_bio(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	again();
	return read_keys(bm_view(p, (size_t)n));
}

static void
test_private_keys(void **state)
{
	EVP_PKEY *rsa = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	add_key(bio, ec, true, false);
	assert_int_equal(BM_UNSUPPORTED, read_bio(bio));
	assert_non_null(strstr(error.what, "not RSA"));
	add_key(bio, rsa, true, true);
	assert_int_equal(BM_UNSUPPORTED, read_bio(bio));
	assert_non_null(strstr(error.what, "encrypted"));
	assert_null(bm_keyring_rsa(ring, 0));
	/* Words around and other keys between are passed over. */
	BIO_puts(bio, "Bag Attributes\n  friendlyName: x\n");
	add_key(bio, rsa, false, false);
	BIO_puts(bio, "CLIENT_RANDOM is not here\n");
	add_key(bio, rsa, true, false);
	assert_int_equal(BM_OK, read_bio(bio));
	assert_int_equal(2, counts.private_keys);
	assert_int_equal(0, counts.bad_lines);
	assert_non_null(bm_keyring_rsa(ring, 0));
	assert_non_null(bm_keyring_rsa(ring, 1));
	assert_null(bm_keyring_rsa(ring, 2));
	assert_false(bm_keyring_empty(ring));
	/* With a key log after them. */
	struct bm_buf log = read_file("keys/jsse.keylog");
	BIO_write(bio, log.p, (int)log.n);
	assert_int_equal(BM_OK, read_bio(bio));
	assert_int_equal(2, counts.private_keys);
	assert_int_equal(4, masters_found(BM_SOURCE_KEY_LOG));
	bm_buf_clear(&log);
	for (unsigned i = 0; i < 300; i++)
		add_key(bio, rsa, false, false);
	assert_int_equal(BM_LIMIT, read_bio(bio));
	BIO_free(bio);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

static void
test_what_is_none(void **state)
{
	static const struct {
		const char *bytes;
		enum bm_status status;
		const char *words;
	} cases[] = {
		{"", BM_FORMAT, "empty"},
		{" \r\n\n", BM_FORMAT, "empty"},
		{"hello world\n", BM_FORMAT, "no key material found: expected an NSS key log"},
		{"HELLO 00 11\n", BM_FORMAT, "no key material found"},
		{"\x30\x82\x04\xa4", BM_UNSUPPORTED, "DER"},
		{"\xfe\xed\xfe\xed", BM_UNSUPPORTED, "Java key store"},
		{"\x1f\x8b\x08", BM_UNSUPPORTED, "unpack"},
		{"\x0a\x0d\x0d\x0a", BM_UNSUPPORTED, "capture"},
		{"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", BM_UNSUPPORTED,
			"without"},
		{"-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n", BM_FORMAT,
			"malformed"},
		{"-----BEGIN RSA PRIVATE KEY-----\nAA", BM_FORMAT, "malformed"},
		{"main, WRITE: TLSv1 Handshake, length = 75\n", BM_UNSUPPORTED, "ssl,keygen"},
		{"*** ClientHello, TLSv1\n", BM_UNSUPPORTED, "ssl,keygen"},
		{"x CONNECTION KEYGEN:\nx Client Nonce:\n", BM_FORMAT, "no complete key generation"},
		{"    Session-ID: \n    Master-Key: 0011\n", BM_UNSUPPORTED, "session id"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		again();
		enum bm_status st = read_keys(text(cases[i].bytes));
		if (st != cases[i].status || error.status != st ||
			strstr(error.what, cases[i].words) == NULL)
			fail_msg("%zu: %d, %s", i, (int)st, error.what);
		assert_true(bm_keyring_empty(ring));
	}
	/* Key logs without a secret: a head, and lines that are all bad. */
	again();
	assert_int_equal(BM_OK, read_keys(text("# SSL/TLS secrets log file, generated by NSS\n")));
	assert_int_equal(BM_OK, read_keys(text("ECH_CONFIG 00 11\n")));
	assert_int_equal(BM_OK, read_keys(text("CLIENT_RANDOM 0011\n")));
	assert_int_equal(1, counts.bad_lines);
	struct bm_buf b = read_file("keys/jdk17-debug.txt");
	assert_int_equal(BM_UNSUPPORTED, read_keys(bm_buf_view(&b)));
	assert_non_null(strstr(error.what, "jSSLKeyLog"));
	assert_int_equal(BM_FORMAT, bm_keys_read(ring, text("x"), NULL, NULL));
	bm_buf_clear(&b);
}

static void
test_session_text(void **state)
{
	struct bm_buf b = read_file("keys/s_client.txt");
	static const char id_hex[] = "90F8CA21819E5466BC93F14F8CE8BF75056A82FB8777EF81674018355F12BFF1";
	uint8_t id[32];
	struct bm_secret got;

	(void)state;
	assert_int_equal(BM_OK, read_keys(bm_buf_view(&b)));
	assert_int_equal(1, counts.secrets);
	assert_int_equal(0, counts.bad_lines);
	assert_true(bm_unhex(id_hex, 32, id));
	assert_true(bm_keyring_find(ring, BM_LABEL_RSA_SESSION_ID, bm_view(id, 32), 0, &got));
	assert_int_equal(48, got.bytes.n);
	assert_int_equal(0x94, got.bytes.p[0]);
	bm_buf_clear(&b);
}

/* The Java log with a prefix before every line and an end after it. */
static struct bm_buf
dressed(const char *prefix, const char *end, unsigned *number)
{
	struct bm_buf plain = read_file("keys/jsse.log"), out = {.max = 1 << 20};
	char head[256];

	for (size_t at = 0; at < plain.n;) {
		size_t n = 0;
		while (plain.p[at + n] != '\n')
			n++;
		++*number;
		snprintf(head, sizeof head, prefix, *number % 60, *number % 1000);
		add(&out, head);
		assert_int_equal(BM_OK, bm_buf_add(&out, bm_view(plain.p + at, n)));
		add(&out, end);
		at += n + 1;
	}
	bm_buf_clear(&plain);
	return out;
}

static void
test_java_prefixes(void **state)
{
	static const char *const prefixes[] = {
		"",
		"// SSL: ",
		"[STDOUT] ",
		"2013-06-04 09:32:%02u,%03u INFO  [STDOUT] (http-8443-1) ",
		"2013-06-04T09:32:%02u.%03uZ [pool-1-thread-2] INFO stdout - ",
		"09:32:%02u,%03u|main|stdout|",
		"[6/4/13 9:32:%02u:%03u CEST] 0000001a SystemOut     O ",
		"Jun 04 09:32:%02u host java[1234]: ",
		"INFO   | jvm 1    | 2013/06/04 09:32:%02u | ",
		"06-04 09:32:%02u.%03u I/System.out( 1234): ",
		"<14>1 2013-06-04T09:32:%02u.%03u+02:00 h app ",
	};
	static const char *const ends[] = {"\n", "\r\n", "  \n"};

	(void)state;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		for (size_t j = 0; j < 3; j++) {
			unsigned number = 0;
			struct bm_buf b = dressed(prefixes[i], ends[j], &number);
			again();
			assert_int_equal(BM_OK, read_keys(bm_buf_view(&b)));
			if (masters_found(BM_SOURCE_JSSE_LOG) != 4 || counts.secrets != 4)
				fail_msg("%s", prefixes[i]);
			assert_int_equal(4, bm_keyring_size(ring));
			assert_int_equal(0, counts.bad_lines);
			bm_buf_clear(&b);
		}
}

/* Line by line from several logs in turn. */
static struct bm_buf
interleaved(const struct bm_buf *b, size_t n)
{
	struct bm_buf out = {.max = 1 << 20};
	size_t at[4] = {0}, done = 0;

	while (done < n) {
		done = 0;
		for (size_t i = 0; i < n; i++) {
			size_t start = at[i];
			while (at[i] < b[i].n && b[i].p[at[i]++] != '\n')
				continue;
			assert_int_equal(BM_OK, bm_buf_add(&out, bm_view(b[i].p + start, at[i] - start)));
			done += at[i] == b[i].n;
		}
	}
	return out;
}

static void
test_java_interleaved(void **state)
{
	static const char *const named[] = {"09:32:%02u [worker-1] ", "09:32:%02u [worker-2] "};
	static const char *const same[] = {"09:32:%02u ", "09:33:%02u "};

	(void)state;
	for (unsigned shift = 0; shift < 40; shift++) {
		for (unsigned form = 0; form < 2; form++) {
			struct bm_buf b[2], noise = {.max = 1 << 20};
			unsigned number = 0;
			b[0] = dressed(form == 0 ? named[0] : same[0], "\n", &number);
			struct bm_buf second = dressed(form == 0 ? named[1] : same[1], "\n", &number);
			for (unsigned i = 0; i < shift; i++)
				add(&noise, "09:00:00 [main] something else\n");
			assert_int_equal(BM_OK, bm_buf_add(&noise, bm_buf_view(&second)));
			b[1] = noise;
			struct bm_buf mixed = interleaved(b, 2);
			again();
			enum bm_status st = read_keys(bm_buf_view(&mixed));
			/* masters_found fails when one is wrong. */
			unsigned found = masters_found(BM_SOURCE_JSSE_LOG);
			if (form == 0) {
				assert_int_equal(BM_OK, st);
				assert_int_equal(4, found);
				assert_int_equal(4, counts.duplicates);
			}
			bm_buf_clear(&second);
			bm_buf_clear(&b[0]);
			bm_buf_clear(&b[1]);
			bm_buf_clear(&mixed);
		}
	}
}

/* What a capture without hellos is opened with. */
static void
test_java_connections(void **state)
{
	static const uint8_t server[] = {0x73, 0xd5, 0x1a, 0xbb};
	struct bm_buf b = read_file("keys/jsse.log");
	struct bm_ring_entry e;
	uint64_t at = 0;

	(void)state;
	again();
	assert_int_equal(BM_OK, read_keys(bm_buf_view(&b)));
	assert_int_equal(4, bm_keyring_count(ring, BM_LABEL_CONNECTION));
	while (bm_keyring_walk(ring, &at, &e) && e.label != BM_LABEL_CONNECTION)
		;
	assert_int_equal(BM_LABEL_CONNECTION, e.label);
	assert_int_equal(BM_RANDOM + BM_MASTER, e.secret.bytes.n);
	assert_memory_equal(server, e.secret.bytes.p, sizeof server);
	assert_int_equal(0x94, e.secret.bytes.p[BM_RANDOM]);
	bm_buf_clear(&b);
}

static void
test_java_truncated(void **state)
{
	struct bm_buf b = read_file("keys/jsse.log");
	unsigned most = 0;

	(void)state;
	for (size_t n = 1; n <= b.n; n++) {
		uint8_t *copy = malloc(n);
		memcpy(copy, b.p, n);
		again();
		enum bm_status st = read_keys(bm_view(copy, n));
		unsigned found = masters_found(BM_SOURCE_JSSE_LOG);
		assert_true(found >= most);
		most = found;
		if (found != 0)
			assert_int_equal(BM_OK, st);
		/* Cut at the start instead. */
		again();
		st = read_keys(bm_view(b.p + n, b.n - n));
		(void)masters_found(BM_SOURCE_JSSE_LOG);
		free(copy);
	}
	assert_int_equal(4, most);
	bm_buf_clear(&b);
}

static void
test_java_flipped(void **state)
{
	struct bm_buf b = read_file("keys/jsse.log");

	(void)state;
	for (size_t i = 0; i < b.n; i++)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			b.p[i] ^= (uint8_t)(1u << bit);
			again();
			assert_int_equal(BM_OK, read_keys(bm_buf_view(&b)));
			if (counts.secrets < 2 || counts.secrets > 4)
				fail_msg("%zu.%u: %u", i, bit, (unsigned)counts.secrets);
			b.p[i] ^= (uint8_t)(1u << bit);
		}
	bm_buf_clear(&b);
}

#define HELLO                                                                                      \
	"*** ClientHello, TLSv1\nRandomCookie:  GMT: 1353488396 bytes = { 70, 71, 31, 104, 89, 61, "   \
	"15, 244, "                                                                                    \
	"74, 56, 148, 75, 179, 193, 105, 85, 211, 49, 116, 127, 110, 94, 88, 67, 48, 228, 229, 164 "   \
	"}\n"
#define PREMASTER                                                                                  \
	"SESSION KEYGEN:\nPreMaster Secret:\n0000: 03 01 02 03 04 05 06 07   08 09 0A 0B 0C 0D 0E 0F " \
	" ................\n"                                                                          \
	"0010: 10 11 12                                           ...\n"
#define NONCE                                                                                      \
	"CONNECTION KEYGEN:\nClient Nonce:\n"                                                          \
	"0000: 51 AD 98 0C 46 47 1F 68   59 3D 0F F4 4A 38 94 4B  Q...FG.hY=..J8.K\n"                  \
	"0010: B3 C1 69 55 D3 31 74 7F   6E 5E 58 43 30 E4 E5 A4  ..iU.1t.n^XC0...\n"

static bool
has_premaster(const char *log)
{
	static const char random_hex[] =
		"51ad980c46471f68593d0ff44a38944bb3c16955d331747f6e5e584330e4e5a4";
	static const uint8_t premaster[19] = {
		3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
	uint8_t random[32];
	struct bm_secret got;

	again();
	(void)read_keys(text(log));
	assert_true(bm_unhex(random_hex, 32, random));
	if (!bm_keyring_find(ring, BM_LABEL_PMS_CLIENT_RANDOM, bm_view(random, 32), 0, &got))
		return false;
	assert_true(bm_view_equal(got.bytes, bm_view(premaster, 19)));
	return true;
}

static void
test_java_premaster(void **state)
{
	(void)state;
	assert_true(has_premaster(PREMASTER NONCE));
	/* The hello's random serves, signed octets of its time and all; but only if there is one. */
	assert_true(has_premaster(HELLO PREMASTER));
	assert_true(has_premaster(HELLO HELLO PREMASTER));
	assert_false(has_premaster(
		HELLO "*** ClientHello, TLSv1\nRandomCookie:  GMT: 1 bytes = { 1, 1, 1, 1, 1, 1, "
			  "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }\n" PREMASTER));
	/* The server's is not the client's. */
	assert_false(has_premaster("*** ServerHello, TLSv1\n" PREMASTER));
	/* Two threads that look the same. */
	assert_false(has_premaster(PREMASTER PREMASTER NONCE));
	/* A resumed session cut short is not the next one's. */
	assert_false(has_premaster(NONCE PREMASTER));
	assert_false(has_premaster(PREMASTER));
}

#define MASTER                                                                                     \
	"Master Secret:\n0000: 00 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00  ................\n"  \
	"0010: 00 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00  ................\n"                  \
	"0020: 00 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00  ................\n"
#define OTHER_NONCE                                                                                \
	"CONNECTION KEYGEN:\nClient Nonce:\n"                                                          \
	"0000: 01 AD 98 0C 46 47 1F 68   59 3D 0F F4 4A 38 94 4B  Q...FG.hY=..J8.K\n"                  \
	"0010: B3 C1 69 55 D3 31 74 7F   6E 5E 58 43 30 E4 E5 A4  ..iU.1t.n^XC0...\n"

static uint64_t
secrets_of(const char *log)
{
	again();
	(void)read_keys(text(log));
	return counts.secrets;
}

static void
test_java_tangled(void **state)
{
	(void)state;
	assert_int_equal(1, secrets_of(NONCE MASTER));
	assert_int_equal(2, secrets_of(NONCE MASTER OTHER_NONCE MASTER));
	/* Whose master secret is it? And after both, all is well again. */
	assert_int_equal(0, secrets_of(NONCE OTHER_NONCE MASTER));
	assert_int_equal(0, secrets_of(NONCE OTHER_NONCE MASTER MASTER));
	assert_int_equal(1, secrets_of(NONCE OTHER_NONCE MASTER MASTER NONCE MASTER));
	/* A lost master secret costs its own block only. */
	assert_int_equal(1, secrets_of(NONCE "Server write key:\n" OTHER_NONCE MASTER));
	/* A line of a dump that is not the next. */
	assert_int_equal(
		0, secrets_of("Client Nonce:\n0000: 51 AD 98 0C 46 47 1F 68   59 3D 0F F4 4A 38 94 4B  Q\n"
					  "0000: B3 C1 69 55 D3 31 74 7F   6E 5E 58 43 30 E4 E5 A4  .\n" MASTER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_key_logs_of_stacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_utf16, setup, teardown),
		cmocka_unit_test_setup_teardown(test_private_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_prefixes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_interleaved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_flipped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_premaster, setup, teardown),
		cmocka_unit_test_setup_teardown(test_java_tangled, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
