/* The cipher suite table against the registry, against what OpenSSL says of the suites it has, and
 * against what the names themselves say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "tls/suites.h"

enum { FIELDS = 5, LINE = 512 };

/* Splits a line at tabs. Returns the number of fields, 0 for a comment. */
static size_t
split(char *line, char *field[FIELDS])
{
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (*line == '#' || *line == '\0')
		return 0;
	while (n < FIELDS) {
		field[n++] = line;
		line = strchr(line, '\t');
		if (line == NULL)
			break;
		*line++ = '\0';
	}
	return n;
}

static FILE *
registry_open(void)
{
	char path[4096];
	const char *tests = getenv("BADMAC_TESTS");

	assert_non_null(tests);
	snprintf(path, sizeof(path), "%s/unit/tls/cipher-suites.tsv", tests);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	return f;
}

static bool
has(const struct bm_suite *s, const char *word)
{
	return strstr(s->name, word) != NULL;
}

static bool
ends(const char *text, const char *tail)
{
	size_t n = strlen(text);
	size_t t = strlen(tail);

	return n >= t && strcmp(text + n - t, tail) == 0;
}

static void
test_sorted(void **state)
{
	size_t n;
	const struct bm_suite *t = bm_suite_table(&n);

	(void)state;
	assert_true(n > 350);
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || t[i - 1].id < t[i].id);
		assert_ptr_equal(bm_suite_find(t[i].id), &t[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(t[i].name, t[j].name);
	}
}

static void
test_unknown(void **state)
{
	static const unsigned unknown[] = {
		0x0047,
		0x005f,
		0x006e,
		0x00fe,
		0x0a0a,
		0x1300,
		0xc000,
		0xcc16,
		0xfefd,
		0xff00,
		0xffff,
		0x10005,
		0xffff0005,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		assert_null(bm_suite_find(unknown[i]));
}

static void
test_registry(void **state)
{
	FILE *f = registry_open();
	char line[LINE];
	char *field[FIELDS];
	size_t lines = 0;
	size_t n;

	(void)state;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (split(line, field) == 0)
			continue;
		const struct bm_suite *s = bm_suite_find((unsigned)strtoul(field[0], NULL, 16));
		assert_non_null(s);
		assert_string_equal(s->name, field[1]);
		lines++;
	}
	fclose(f);
	bm_suite_table(&n);
	assert_int_equal(lines, n);
}

static void
check_openssl(const struct bm_suite *s, const char *kx, const char *enc, const char *mac)
{
	static const struct {
		const char *enc;
		enum bm_cipher cipher;
		enum bm_mode mode;
		uint8_t key, tag;
	} known[] = {
		{"None", BM_CIPHER_NULL, BM_MODE_STREAM, 0, 0},
		{"AES(128)", BM_AES128, BM_MODE_CBC, 16, 0},
		{"AES(256)", BM_AES256, BM_MODE_CBC, 32, 0},
		{"Camellia(128)", BM_CAMELLIA128, BM_MODE_CBC, 16, 0},
		{"Camellia(256)", BM_CAMELLIA256, BM_MODE_CBC, 32, 0},
		{"AESGCM(128)", BM_AES128, BM_MODE_GCM, 16, 16},
		{"AESGCM(256)", BM_AES256, BM_MODE_GCM, 32, 16},
		{"ARIAGCM(128)", BM_ARIA128, BM_MODE_GCM, 16, 16},
		{"ARIAGCM(256)", BM_ARIA256, BM_MODE_GCM, 32, 16},
		{"AESCCM(128)", BM_AES128, BM_MODE_CCM, 16, 16},
		{"AESCCM(256)", BM_AES256, BM_MODE_CCM, 32, 16},
		{"AESCCM8(128)", BM_AES128, BM_MODE_CCM, 16, 8},
		{"AESCCM8(256)", BM_AES256, BM_MODE_CCM, 32, 8},
		{"CHACHA20/POLY1305(256)", BM_CHACHA20, BM_MODE_POLY1305, 32, 16},
	};
	static const struct {
		const char *mac;
		enum bm_hash hash;
	} macs[] = {
		{"AEAD", BM_HASH_NONE},
		{"MD5", BM_MD5},
		{"SHA1", BM_SHA1},
		{"SHA256", BM_SHA256},
		{"SHA384", BM_SHA384},
	};
	size_t i = 0;

	assert_int_equal(s->kx, strcmp(kx, "RSA") == 0   ? BM_KX_RSA
							: strcmp(kx, "any") == 0 ? BM_KX_TLS13
													 : BM_KX_OTHER);
	while (i < sizeof(known) / sizeof(*known) && strcmp(known[i].enc, enc) != 0)
		i++;
	assert_true(i < sizeof(known) / sizeof(*known));
	assert_int_equal(s->cipher, known[i].cipher);
	assert_int_equal(s->mode, known[i].mode);
	assert_int_equal(s->key_len, known[i].key);
	assert_int_equal(s->tag_len, known[i].tag);
	for (i = 0; i < sizeof(macs) / sizeof(*macs) && strcmp(macs[i].mac, mac) != 0; i++)
		;
	assert_true(i < sizeof(macs) / sizeof(*macs));
	assert_int_equal(s->mac, macs[i].hash);
}

static void
test_openssl(void **state)
{
	FILE *f = registry_open();
	char line[LINE];
	char *field[FIELDS];
	size_t checked = 0;

	(void)state;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (split(line, field) < FIELDS)
			continue;
		const struct bm_suite *s = bm_suite_find((unsigned)strtoul(field[0], NULL, 16));
		assert_non_null(s);
		check_openssl(s, field[2], field[3], field[4]);
		assert_true(s->verifiable);
		assert_true(bm_suite_available(s));
		checked++;
	}
	fclose(f);
	assert_true(checked > 150);
}

/* The words of a name that badmac has no rules for. */
static bool
name_only(const struct bm_suite *s)
{
	static const char *const words[] = {
		"EXPORT",
		"GOST",
		"FORTEZZA",
		"FIPS",
		"SCSV",
		"OLD_TLS",
		"AEGIS",
		"NULL_WITH_NULL_NULL",
		"TLS_SHA256_SHA256",
		"TLS_SHA384_SHA384",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has(s, words[i]))
			return true;
	return false;
}

static void
check_cipher(const struct bm_suite *s)
{
	static const struct {
		const char *word;
		enum bm_cipher cipher;
	} words[] = {
		{"_NULL_", BM_CIPHER_NULL},
		{"_RC4_128_", BM_RC4},
		{"_3DES_EDE_CBC_", BM_3DES},
		{"_DES_CBC_", BM_DES},
		{"_IDEA_CBC_", BM_IDEA},
		{"_SEED_CBC_", BM_SEED},
		{"_CAMELLIA_128_", BM_CAMELLIA128},
		{"_CAMELLIA_256_", BM_CAMELLIA256},
		{"_ARIA_128_", BM_ARIA128},
		{"_ARIA_256_", BM_ARIA256},
		{"_AES_128_", BM_AES128},
		{"_AES_256_", BM_AES256},
		{"_CHACHA20_", BM_CHACHA20},
		{"_SM4_", BM_SM4},
	};
	size_t found = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (has(s, words[i].word)) {
			assert_int_equal(s->cipher, words[i].cipher);
			found++;
		}
	}
	assert_int_equal(found, 1);
	assert_int_equal(s->key_len, bm_cipher_key_size(s->cipher));
}

static void
check_mode(const struct bm_suite *s)
{
	bool tls13 = s->kx == BM_KX_TLS13;

	if (has(s, "_GCM") || has(s, "_CCM")) {
		assert_int_equal(s->mode, has(s, "_GCM") ? BM_MODE_GCM : BM_MODE_CCM);
		assert_int_equal(s->fixed_iv_len, tls13 ? 0 : 4);
		assert_int_equal(s->tag_len, has(s, "_CCM_8") ? 8 : 16);
	} else if (has(s, "_POLY1305")) {
		assert_int_equal(s->mode, BM_MODE_POLY1305);
		assert_int_equal(s->fixed_iv_len, tls13 ? 0 : 12);
		assert_int_equal(s->tag_len, 16);
	} else {
		assert_int_equal(s->mode, has(s, "_CBC_") ? BM_MODE_CBC : BM_MODE_STREAM);
		assert_int_equal(s->fixed_iv_len, 0);
		assert_int_equal(s->tag_len, 0);
	}
}

static void
check_hashes(const struct bm_suite *s)
{
	enum bm_hash named = ends(s->name, "_MD5")      ? BM_MD5
						 : ends(s->name, "_SHA")    ? BM_SHA1
						 : ends(s->name, "_SHA384") ? BM_SHA384
						 : ends(s->name, "_SM3")    ? BM_SM3
													: BM_SHA256;

	assert_int_equal(s->mac, s->tag_len != 0 ? BM_HASH_NONE : named);
	assert_int_equal(s->prf, named == BM_MD5 || named == BM_SHA1 ? BM_SHA256 : named);
	assert_true(bm_hash_size(s->mac) <= BM_HASH_MAX);
}

static void
test_names(void **state)
{
	size_t n;
	const struct bm_suite *t = bm_suite_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct bm_suite *s = &t[i];

		assert_int_equal(s->verifiable, !name_only(s));
		if (!s->verifiable)
			continue;
		assert_int_equal(s->kx, strncmp(s->name, "TLS_RSA_WITH_", 13) == 0 ? BM_KX_RSA
								: has(s, "_WITH_")                         ? BM_KX_OTHER
																		   : BM_KX_TLS13);
		check_cipher(s);
		check_mode(s);
		check_hashes(s);
	}
	assert_int_equal(bm_suite_find(0x0003)->kx, BM_KX_RSA);
	assert_int_equal(bm_suite_find(0x0011)->kx, BM_KX_OTHER);
}

static void
test_available(void **state)
{
	size_t n;
	const struct bm_suite *t = bm_suite_table(&n);

	(void)state;
	assert_false(bm_suite_available(NULL));
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < n; i++)
			assert_int_equal(bm_suite_available(&t[i]),
				t[i].verifiable && bm_cipher_available(t[i].cipher, t[i].mode));
	struct bm_suite strange = *bm_suite_find(0x1301);
	strange.cipher = (enum bm_cipher)99;
	assert_false(bm_suite_available(&strange));
	strange = *bm_suite_find(0x1301);
	strange.mode = (enum bm_mode)99;
	assert_false(bm_suite_available(&strange));
}

static void *
ask_all(void *count)
{
	size_t n;
	const struct bm_suite *t = bm_suite_table(&n);

	for (size_t i = 0; i < n; i++)
		*(size_t *)count += bm_suite_available(&t[i]);
	return NULL;
}

static void
test_threads(void **state)
{
	enum { THREADS = 4 };
	pthread_t thread[THREADS];
	size_t count[THREADS] = {0};

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_all, &count[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(count[i], count[0]);
	assert_true(count[0] > 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads), /* first, while nothing is known yet */
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_openssl),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_available),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
