/* Key schedules against published traces, against OpenSSL's KDFs (schedule-vectors.tsv), and
 * against a captured datagram that only the right keys open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "tls/schedule.h"

#define CHECK_STATUS(want, call) assert_int_equal((want), (call))
#define REFUSED(call) CHECK_STATUS(BM_UNSUPPORTED, call)

enum { SLOTS = 20, SLOT = 1024, FIELDS = 16, LINE = 8192 };

/* The bytes of hex text; good until SLOTS more were made. "-" is the empty string. */
static struct bm_view
hex(const char *text)
{
	static uint8_t slot[SLOTS][SLOT];
	static size_t next;
	uint8_t *p = slot[next++ % SLOTS];
	size_t n = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;

	assert_true(n <= SLOT);
	assert_true(bm_unhex(text, n, p));
	return bm_view(p, n);
}

static void
check_bytes(struct bm_view want, const uint8_t *got)
{
	assert_memory_equal(want.p, got, want.n);
}

static bool
is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i] != 0)
			return false;
	return true;
}

static const struct bm_suite *
suite(unsigned id)
{
	const struct bm_suite *s = bm_suite_find(id);

	assert_non_null(s);
	return s;
}

static void
check_prf(enum bm_hash h, const char *secret, const char *label, const char *seed, const char *want)
{
	struct bm_view w = hex(want);
	struct bm_view secret_bytes = hex(secret);
	struct bm_view seed_bytes = hex(seed);
	uint8_t out[SLOT + 1];

	/* Every shorter output is a prefix, and nothing is written past its end. */
	for (size_t n = 0; n <= w.n; n++) {
		memset(out, 0x5a, sizeof(out));
		CHECK_STATUS(BM_OK, bm_prf(h, secret_bytes, label, seed_bytes, out, n));
		assert_memory_equal(w.p, out, n);
		assert_int_equal(out[n], 0x5a);
	}
}

/* "Test vectors for TLS 1.2 PRF", ietf-tls mailing list; the first is the older one for TLS 1.0. */
static void
test_prf_published(void **state)
{
	(void)state;
	check_prf(BM_MD5_SHA1,
		"abababababababababababababababababababababababab"
		"abababababababababababababababababababababababab",
		"PRF Testvector",
		"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		"d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754"
		"443bcf9a296519bc289abcbc1187e4ebd31e602353776c408aafb74cbc85eff6"
		"9255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8de9810454b8b2d8f"
		"1afbc655a8c9a013");
	check_prf(BM_SHA256, "9bbe436ba940f017b17652849a71db35", "test label",
		"a0ba9f936cda311827a6f796ffd5198c",
		"e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
		"6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
		"4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
		"87347b66");
	check_prf(BM_SHA384, "b80b733d6ceefcdc71566ea48e5567df", "test label",
		"cd665cf6a8447dd6ff8b27555edb7465",
		"7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd"
		"e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd"
		"8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
		"9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6"
		"91c8f3a26854308d5eaa3be85e0990703d73e56f");
}

/* RFC 8448, section 3: simple 1-RTT handshake. */
static void
test_rfc8448(void **state)
{
	static const struct {
		const char *secret, *key, *iv;
	} trace[] = {
		{"b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
			"dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"},
		{"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
			"3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"},
		{"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
			"17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
		{"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
			"9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(trace) / sizeof(*trace); i++) {
		struct bm_traffic_keys k;

		CHECK_STATUS(BM_OK, bm_keys_from_secret(BM_TLS13, suite(0x1301), hex(trace[i].secret), &k));
		check_bytes(hex(trace[i].key), k.key);
		check_bytes(hex(trace[i].iv), k.iv);
		assert_int_equal(k.version, BM_TLS13);
		assert_ptr_equal(k.suite, suite(0x1301));
		assert_false(k.encrypt_then_mac || k.truncated_hmac);
		assert_true(is_zero(k.number_key, sizeof(k.number_key)));
		assert_true(is_zero(k.key + 16, sizeof(k.key) - 16));
		assert_true(is_zero(k.iv + 12, sizeof(k.iv) - 12));
	}
}

/* The values published with the captured connection of tests/data/illustrated-tls12. */
static void
test_illustrated_tls12(void **state)
{
	const struct bm_suite *s = suite(0xc013);
	struct bm_view client = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	struct bm_view server = hex("707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f");
	uint8_t master[BM_MASTER];
	struct bm_traffic_keys k[2];

	(void)state;
	CHECK_STATUS(BM_OK, bm_master_secret(BM_TLS12, s,
							hex("df4a291baa1eb7cfa6934b29b474baad2697e29f1f920dcc77c8a0a088447624"),
							client.p, server.p, master));
	check_bytes(hex("916abf9da55973e13614ae0a3f5d3f37b023ba129aee02cc9134338127cd7049"
					"781c8e19fc1eb2a7387ac06ae237344c"),
		master);
	CHECK_STATUS(BM_OK, bm_key_block(BM_TLS12, s, master, client.p, server.p, k));
	check_bytes(hex("1b7d117c7d5f690bc263cae8ef60af0f1878acc2"), k[BM_CLIENT].mac_key);
	check_bytes(hex("2ad8bdd8c601a617126f63540eb20906f781fad2"), k[BM_SERVER].mac_key);
	check_bytes(hex("f656d037b173ef3e11169f27231a84b6"), k[BM_CLIENT].key);
	check_bytes(hex("752a18e7a9fcb7cbcdd8f98dd8f769eb"), k[BM_SERVER].key);
}

/* Record 0 of both epochs from the server of tests/data/illustrated-dtls13. RFC 9147, sections
 * 4 and 4.2.3: the mask of the sequence number, and the header with the number bare for AAD. */
static void
check_dtls13(const char *secret, const char *datagram)
{
	struct bm_traffic_keys k;
	struct bm_view d = hex(datagram);
	uint8_t mask[16];
	uint8_t head[5];
	uint8_t tag[16];
	struct bm_aead *a;

	CHECK_STATUS(BM_OK, bm_keys_from_secret(BM_DTLS13, suite(0x1301), hex(secret), &k));
	assert_int_equal(k.version, BM_DTLS13);
	CHECK_STATUS(BM_OK, bm_number_mask(BM_AES128, bm_view(k.number_key, 16), d.p + 5, mask));
	memcpy(head, d.p, sizeof(head));
	head[1] ^= mask[0];
	head[2] ^= mask[1];
	assert_int_equal(bm_load16(head + 1), 0);
	CHECK_STATUS(BM_OK, bm_aead_new(&a, BM_AES128, BM_MODE_GCM, 16, bm_view(k.key, 16)));
	CHECK_STATUS(BM_OK, bm_aead_tag(a, k.iv, bm_view(head, sizeof(head)),
							bm_view(d.p + 5, d.n - 5 - 16), NULL, tag));
	assert_memory_equal(d.p + d.n - 16, tag, 16);
	bm_aead_free(a);
}

static void
test_illustrated_dtls13(void **state)
{
	(void)state;
	check_dtls13("8ad7990b9d249bcbaa0805d8d3f3ad2259e75f3a42c5d84db3ea3c6ee57b3d38",
		"2e79fa002fee9dcff3f8679a4859fe68377fb34ada85df879c673e501d7a4e8f1950e0fcf67fe442e7d7d2b8"
		"a3d5fa59574ffd00");
	check_dtls13("4ab12ae4022fc013eca21abb071e13aa24a150e3876c660fe0ed10a8eebd8f17",
		"2f31500023ea80ab8e08c93895418d243571ea6de7d863ee84230bb6043cb384df94b6da285a3bc4");
}

static enum bm_hash
hash_named(const char *name)
{
	if (strcmp(name, "MD5-SHA1") == 0)
		return BM_MD5_SHA1;
	if (strcmp(name, "SHA256") == 0)
		return BM_SHA256;
	return strcmp(name, "SHA384") == 0 ? BM_SHA384 : BM_SM3;
}

static unsigned
number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 16);
}

static void
check_block(char *const *f)
{
	unsigned version = number(f[1]);
	const struct bm_suite *s = suite(number(f[2]));
	struct bm_view client = hex(f[4]);
	struct bm_view server = hex(f[5]);
	uint8_t master[BM_MASTER];
	struct bm_traffic_keys k[2];

	CHECK_STATUS(BM_OK, bm_master_secret(version, s, hex(f[3]), client.p, server.p, master));
	check_bytes(hex(f[6]), master);
	memset(k, 0xff, sizeof(k));
	CHECK_STATUS(BM_OK, bm_key_block(version, s, master, client.p, server.p, k));
	for (int side = BM_CLIENT; side <= BM_SERVER; side++) {
		struct bm_view mac = hex(f[9 + side]);
		struct bm_view key = hex(f[11 + side]);
		struct bm_view iv = hex(f[13 + side]);

		assert_int_equal(mac.n, bm_hash_size(s->mac));
		assert_int_equal(key.n, s->key_len);
		check_bytes(mac, k[side].mac_key);
		check_bytes(key, k[side].key);
		check_bytes(iv, k[side].iv);
		assert_true(is_zero(k[side].mac_key + mac.n, sizeof(k[side].mac_key) - mac.n));
		assert_true(is_zero(k[side].key + key.n, sizeof(k[side].key) - key.n));
		assert_true(is_zero(k[side].iv + iv.n, sizeof(k[side].iv) - iv.n));
		assert_true(is_zero(k[side].number_key, sizeof(k[side].number_key)));
		assert_int_equal(k[side].version, version);
		assert_ptr_equal(k[side].suite, s);
		assert_false(k[side].encrypt_then_mac || k[side].truncated_hmac);
	}
	if (version == BM_SSL3) {
		REFUSED(bm_master_secret_extended(version, s, hex(f[3]), hex(f[7]), master));
		return;
	}
	CHECK_STATUS(BM_OK, bm_master_secret_extended(version, s, hex(f[3]), hex(f[7]), master));
	check_bytes(hex(f[8]), master);
}

static void
check_secret(char *const *f)
{
	unsigned version = number(f[1]);
	const struct bm_suite *s = suite(number(f[2]));
	struct bm_view secret = hex(f[3]);
	uint8_t next[BM_SECRET_MAX];
	struct bm_traffic_keys k;

	CHECK_STATUS(BM_OK, bm_keys_from_secret(version, s, secret, &k));
	check_bytes(hex(f[4]), k.key);
	check_bytes(hex(f[5]), k.iv);
	check_bytes(hex(f[6]), k.number_key);
	memcpy(next, secret.p, secret.n);
	CHECK_STATUS(BM_OK, bm_secret_update(version, s, next, secret.n));
	check_bytes(hex(f[7]), next);
}

static void
test_vectors(void **state)
{
	static char line[LINE];
	char path[4096];
	const char *tests = getenv("BADMAC_TESTS");
	size_t prfs = 0;
	size_t blocks = 0;
	size_t secrets = 0;

	(void)state;
	assert_non_null(tests);
	snprintf(path, sizeof(path), "%s/unit/tls/schedule-vectors.tsv", tests);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *f[FIELDS];
		size_t n = 0;

		line[strcspn(line, "\n")] = '\0';
		for (char *p = line; n < FIELDS && p != NULL;) {
			f[n++] = p;
			p = strchr(p, '\t');
			if (p != NULL)
				*p++ = '\0';
		}
		if (n == 6 && strcmp(f[0], "prf") == 0) {
			check_prf(hash_named(f[1]), f[2], f[3], f[4], f[5]);
			prfs++;
		} else if (n == 15 && strcmp(f[0], "block") == 0) {
			check_block(f);
			blocks++;
		} else if (n == 8 && strcmp(f[0], "secret") == 0) {
			check_secret(f);
			secrets++;
		} else {
			assert_int_equal(line[0], '#');
		}
	}
	fclose(file);
	assert_int_equal(prfs, 56);
	assert_int_equal(blocks, 64);
	assert_int_equal(secrets, 14);
}

static enum bm_status
try_block(unsigned version, const struct bm_suite *s)
{
	static const uint8_t zero[BM_MASTER];
	uint8_t master[BM_MASTER];
	struct bm_traffic_keys k[2];

	memset(master, 0xff, sizeof(master));
	memset(k, 0xff, sizeof(k));
	enum bm_status st = bm_master_secret(version, s, bm_view(zero, 48), zero, zero, master);
	assert_int_equal(st, bm_key_block(version, s, zero, zero, zero, k));
	if (st != BM_OK) {
		assert_true(is_zero(master, sizeof(master)));
		assert_true(is_zero(k, sizeof(k)));
	}
	return st;
}

static void
test_block_refused(void **state)
{
	static const unsigned strange[] = {
		0,
		BM_SSL2,
		0x0100,
		0x02ff,
		0x0305,
		0x7f1c,
		0xfe00,
		0xfefe,
		0x10303,
	};
	static const uint8_t zero[BM_MASTER];
	uint8_t master[BM_MASTER];

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++)
		REFUSED(try_block(strange[i], suite(0x002f)));
	CHECK_STATUS(BM_USAGE, try_block(BM_TLS12, NULL));
	/* TLS 1.3 has no key block, whichever of the two says so. */
	REFUSED(try_block(BM_TLS13, suite(0x1301)));
	REFUSED(try_block(BM_DTLS13, suite(0x1301)));
	REFUSED(try_block(BM_TLS13, suite(0x002f)));
	REFUSED(try_block(BM_TLS12, suite(0x1301)));
	/* AEAD began with TLS 1.2. */
	REFUSED(try_block(BM_TLS11, suite(0x009c)));
	REFUSED(try_block(BM_DTLS10, suite(0xcca8)));
	REFUSED(try_block(BM_SSL3, suite(0x009c)));
	CHECK_STATUS(BM_OK, try_block(BM_DTLS12, suite(0x009c)));
	/* Not verifiable. */
	REFUSED(try_block(BM_TLS10, suite(0x0003)));
	REFUSED(try_block(BM_TLS12, suite(0x0000)));
	REFUSED(try_block(BM_TLS12, suite(0xcc13)));

	CHECK_STATUS(
		BM_USAGE, bm_master_secret(BM_TLS12, suite(0x002f), bm_view(NULL, 0), zero, zero, master));
	CHECK_STATUS(BM_USAGE, bm_master_secret_extended(BM_TLS12, suite(0x002f), bm_view(NULL, 0),
							   bm_view(zero, 5), master));
	REFUSED(bm_master_secret_extended(
		BM_TLS13, suite(0x1301), bm_view(zero, 48), bm_view(zero, 5), master));
	assert_true(is_zero(master, sizeof(master)));
}

/* Every verifiable suite gets keys in every version that may carry it, and in no other. */
static void
test_every_suite(void **state)
{
	static const unsigned versions[] = {
		BM_SSL3,
		BM_TLS10,
		BM_TLS11,
		BM_TLS12,
		BM_DTLS10,
		BM_DTLS12,
	};
	static const uint8_t zero[BM_SECRET_MAX];
	struct bm_traffic_keys k;
	size_t n;
	const struct bm_suite *t = bm_suite_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (t[i].kx == BM_KX_TLS13) {
			struct bm_view secret = bm_view(zero, bm_hash_size(t[i].prf));

			CHECK_STATUS(t[i].verifiable ? BM_OK : BM_UNSUPPORTED,
				bm_keys_from_secret(BM_TLS13, &t[i], secret, &k));
			continue;
		}
		for (size_t v = 0; v < sizeof(versions) / sizeof(*versions); v++) {
			bool tls12 = versions[v] == BM_TLS12 || versions[v] == BM_DTLS12;
			bool good = t[i].verifiable && (tls12 || t[i].mac != BM_HASH_NONE);

			CHECK_STATUS(good ? BM_OK : BM_UNSUPPORTED, try_block(versions[v], &t[i]));
		}
	}
}

static void
test_secret_refused(void **state)
{
	static const size_t wrong[] = {0, 1, 31, 33, 48, 64, 65, 1000};
	uint8_t secret[1000] = {0};
	struct bm_traffic_keys k;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		memset(&k, 0xff, sizeof(k));
		CHECK_STATUS(
			BM_USAGE, bm_keys_from_secret(BM_TLS13, suite(0x1301), bm_view(secret, wrong[i]), &k));
		assert_true(is_zero(&k, sizeof(k)));
		CHECK_STATUS(BM_USAGE, bm_secret_update(BM_DTLS13, suite(0x1301), secret, wrong[i]));
		assert_true(is_zero(secret, sizeof(secret)));
	}
	CHECK_STATUS(BM_USAGE, bm_keys_from_secret(BM_TLS13, NULL, bm_view(secret, 32), &k));
	REFUSED(bm_keys_from_secret(BM_TLS12, suite(0x1301), bm_view(secret, 32), &k));
	REFUSED(bm_keys_from_secret(BM_TLS12, suite(0x009c), bm_view(secret, 32), &k));
	REFUSED(bm_keys_from_secret(BM_TLS13, suite(0x009c), bm_view(secret, 32), &k));
	REFUSED(bm_keys_from_secret(BM_TLS13, suite(0xc0b4), bm_view(secret, 32), &k));
	REFUSED(bm_secret_update(BM_TLS12, suite(0x009c), secret, 32));
}

static void
test_prf_refused(void **state)
{
	uint8_t out[8];

	(void)state;
	memset(out, 0xff, sizeof(out));
	REFUSED(bm_prf(BM_HASH_NONE, hex("00"), "label", hex("00"), out, sizeof(out)));
	assert_true(is_zero(out, sizeof(out)));
	CHECK_STATUS(
		BM_OK, bm_prf(BM_MD5_SHA1, bm_view(NULL, 0), "label", bm_view(NULL, 0), out, sizeof(out)));
	/* From Python: hmac.new(b'', ...) both ways, one block each, XORed. */
	check_bytes(hex("6611f4595b573ccc"), out);
}

static long until_failure; /* counts down to the allocation that fails; 0: none does */

static bool
due(void)
{
	return until_failure > 0 && --until_failure == 0;
}

static void *
failing_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return due() ? NULL : malloc(n);
}

static void *
failing_realloc(void *old, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return due() ? NULL : realloc(old, n);
}

static void
failing_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Each allocation in turn fails: a status, no half of a key, and a secret that is still the old. */
static void
test_memory(void **state)
{
	static const uint8_t zero[BM_MASTER];
	uint8_t secret[32], master[BM_MASTER];
	const struct bm_suite *cbc = suite(0x002f);
	struct bm_traffic_keys k[2];
	unsigned failures = 0;
	bool again = true;

	(void)state;
	for (long nth = 1; again; nth++) {
		again = false;
		until_failure = nth;
		if (bm_master_secret(BM_TLS10, cbc, bm_view(zero, 48), zero, zero, master) != BM_OK) {
			assert_true(is_zero(master, sizeof(master)));
			again = true;
		}
		until_failure = nth;
		if (bm_key_block(BM_TLS12, suite(0x009c), zero, zero, zero, k) != BM_OK) {
			assert_true(is_zero(k, sizeof(k)));
			again = true;
		}
		until_failure = nth;
		if (bm_keys_from_secret(BM_DTLS13, suite(0x00c6), bm_view(zero, 32), k) != BM_OK) {
			assert_true(is_zero(k, sizeof(*k)));
			again = true;
		}
		until_failure = nth;
		memset(secret, 0, sizeof(secret));
		if (bm_secret_update(BM_TLS13, suite(0x00c6), secret, sizeof(secret)) != BM_OK) {
			assert_true(is_zero(secret, sizeof(secret)));
			again = true;
		} else {
			assert_false(is_zero(secret, sizeof(secret)));
		}
		failures += again;
	}
	until_failure = 0;
	assert_true(failures > 5);
}

int
main(void)
{
	if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, failing_free) != 1)
		return EXIT_FAILURE;

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prf_published),
		cmocka_unit_test(test_prf_refused),
		cmocka_unit_test(test_rfc8448),
		cmocka_unit_test(test_illustrated_tls12),
		cmocka_unit_test(test_illustrated_dtls13),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_block_refused),
		cmocka_unit_test(test_every_suite),
		cmocka_unit_test(test_secret_refused),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
