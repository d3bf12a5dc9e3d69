/* Command lines made of templates, and what is picked from what a program says. */
#include "lab/said.h"
#include "lab/stacks.h"
#include "tls/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* The words with blanks between them. */
static const char *
words_of(const char *stack, bool server, const struct lab_setup *setup)
{
	static char line[16384];
	char problem[300];
	struct lab_words w;
	const struct lab_stack *s = lab_stack_find(stack);

	assert_non_null(s);
	if (!lab_stack_words(s, server, setup, &w, problem, sizeof problem))
		return NULL;
	line[0] = '\0';
	for (size_t i = 0; i < w.n; i++)
		(void)snprintf(
			line + strlen(line), sizeof line - strlen(line), "%s%s", i != 0 ? " " : "", w.word[i]);
	lab_words_clear(&w);
	return line;
}

static void
test_words(void **state)
{
	struct lab_setup s = {.folder = "a b", .version = BM_TLS12, .port = 4433};

	(void)state;
	assert_string_equal(words_of("openssl", false, &s),
		"openssl s_client -connect 127.0.0.1:4433 -quiet -no_ign_eof -tls1_2 -cipher "
		"DEFAULT:@SECLEVEL=0 -ciphersuites "
		"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
	s.no_etm = s.client_logs = true;
	assert_string_equal(words_of("openssl", false, &s),
		"openssl s_client -connect 127.0.0.1:4433 -quiet -no_ign_eof -tls1_2 -cipher "
		"DEFAULT:@SECLEVEL=0 -ciphersuites "
		"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256 -no_etm "
		"-keylogfile a b/keys.log");
	s.suite = bm_suite_find(0xc02f);
	assert_string_equal(words_of("gnutls", true, &s),
		"gnutls-serv --echo -p 4433 --x509certfile a b/server.crt --x509keyfile a b/server.key "
		"--disable-client-cert --priority NONE:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+ECDHE-RSA:+COMP-"
		"NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%COMPAT:%NO_ETM");
	assert_string_equal(words_of("nss", false, &s),
		"tstclnt -h 127.0.0.1 -p 4433 -D -o -f -V tls1.2:tls1.2 -c:C02F");
	assert_string_equal(words_of("go", true, &s), "go run a b/peer.go server 4433 a b 771 49199");
	assert_string_equal(words_of("jsse", false, &s),
		"java a b/Peer.java client 4433 a b TLSv1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
	assert_string_equal(
		words_of("mbedtls", true, &s), "badmac-lab-mbedtls server 4433 a b 771 49199 keys -no_etm");
	assert_string_equal(words_of("wolfssl", false, &s),
		"badmac-lab-wolfssl client 4433 a b 771 49199 -no_etm keys");
	assert_string_equal(words_of("nss", true, &s),
		"selfserv -d sql:a b -n lab -p 4433 -g 6 -D -v -H 1 -V tls1.2:tls1.2 -c:C02F");
	s.suite = bm_suite_find(0x000a);
	assert_non_null(strstr(words_of("gnutls", false, &s), ":+3DES-CBC:+SHA1:+RSA:"));
	s.suite = bm_suite_find(0x1303);
	s.version = BM_TLS13;
	assert_non_null(
		strstr(words_of("gnutls", false, &s), "+VERS-TLS1.3:+CHACHA20-POLY1305:+AEAD:"));
	assert_non_null(
		strstr(words_of("openssl", true, &s), " -ciphersuites TLS_CHACHA20_POLY1305_SHA256"));
}

/* What a stack has no name for is refused, and so is a word that is longer than its room. */
static void
test_refused(void **state)
{
	static char longest[9000];
	struct lab_setup s = {
		.folder = "d", .version = BM_TLS12, .port = 1, .suite = bm_suite_find(0x0007)};
	char out[8];

	(void)state;
	assert_null(words_of("gnutls", true, &s)); /* IDEA */
	s.suite = NULL;
	memset(longest, 'x', sizeof longest - 1);
	s.folder = longest;
	assert_null(words_of("go", true, &s));
	assert_false(lab_expand(lab_stack_find("go"), "{nonsense}", &s, out, sizeof out));
	assert_true(lab_expand(lab_stack_find("go"), "{port}", &s, out, sizeof out));
	assert_string_equal(out, "1");
	assert_false(lab_expand(lab_stack_find("go"), "12345678", &s, out, sizeof out));
	assert_null(lab_stack_find("frob"));
}

/* Words that are empty on purpose stay, such as NSS's passwords. */
static void
test_prepare(void **state)
{
	struct lab_setup s = {.folder = "d", .version = BM_TLS12};
	const struct lab_stack *nss = lab_stack_find("nss");
	struct lab_words w;
	char problem[100];

	(void)state;
	assert_true(lab_words_make(nss, nss->prepare_words[2], &s, &w, problem, sizeof problem));
	assert_int_equal(w.n, 9);
	assert_string_equal(w.word[2], "d/server.p12");
	assert_string_equal(w.word[6], "");
	assert_string_equal(w.word[8], "");
	lab_words_clear(&w);
}

/* wolfSSL shows the secrets of TLS 1.2, NSS none, GnuTLS all. */
static void
test_logs(void **state)
{
	(void)state;
	for (int server = 0; server < 2; server++) {
		assert_true(lab_stack_logs(lab_stack_find("wolfssl"), server, BM_TLS12));
		assert_false(lab_stack_logs(lab_stack_find("wolfssl"), server, BM_TLS13));
		assert_false(lab_stack_logs(lab_stack_find("nss"), server, BM_TLS12));
		assert_true(lab_stack_logs(lab_stack_find("gnutls"), server, BM_TLS13));
	}
}

static void
test_versions(void **state)
{
	(void)state;
	assert_int_equal(lab_version_parse("1.2"), BM_TLS12);
	assert_int_equal(lab_version_parse("1.0"), BM_TLS10);
	assert_int_equal(lab_version_parse("1"), BM_TLS10);
	assert_int_equal(lab_version_parse("TLS 1.3"), BM_TLS13);
	assert_int_equal(lab_version_parse("TLSv1.1"), BM_TLS11);
	assert_int_equal(lab_version_parse("tls1_2"), BM_TLS12);
	assert_int_equal(lab_version_parse("1.4"), 0);
	assert_int_equal(lab_version_parse(""), 0);
	assert_int_equal(lab_version_parse("T"), 0);
	assert_int_equal(lab_version_parse("TLS"), 0);
}

static void
test_said(void **state)
{
	struct bm_buf b = {.p = NULL};
	char last[LAB_LAST], *text = NULL;
	size_t n = 0;

	(void)state;
	lab_said_last(&b, last);
	assert_string_equal(last, "");
	assert_true(lab_puts(&b, "ready\n- MAC: AEAD\nverify error:num=18\r\nerror: bad \033[31mmac\r\n"
							 "alert 1\nalert 2\nalert 3\nbye\n\n"));
	FILE *f = open_memstream(&text, &n);
	assert_int_equal(lab_said_tell(f, &b, 3), 3);
	(void)fclose(f);
	assert_string_equal(text, "    error: bad ?[31mmac\n    alert 1\n    alert 2\n");
	free(text);
	lab_said_last(&b, last);
	assert_string_equal(last, "bye");
	for (size_t i = 0; i < 300; i++)
		assert_true(lab_puts(&b, "x"));
	lab_said_last(&b, last);
	assert_int_equal(strlen(last), LAB_LAST - 1);
	bm_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_logs),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
