/* How each stack's programs are started and asked. Refuses to know what is done to what they send.
 */
#include "lab/stacks.h"

#include "lab/process.h"
#include "tls/record.h"

#include <stdlib.h>

enum { ASK_MS = 10000 };

/* The name that OpenSSL has for a suite of the registry, which it is asked for. */
static bool
openssl_cipher(const struct lab_setup *s, char *out, size_t n)
{
	const char *words[] = {"openssl", "ciphers", "-stdname", "ALL:eNULL:@SECLEVEL=0", NULL};
	struct bm_buf said = {.p = NULL};
	bool found = false;

	if (s->suite == NULL || s->version >= BM_TLS13) {
		(void)snprintf(out, n, "DEFAULT:@SECLEVEL=0");
		return true;
	}
	if (lab_ask(words, ASK_MS, &said)) {
		char *rest = NULL;
		for (char *l = strtok_r((char *)said.p, "\n", &rest); l != NULL && !found;
			 l = strtok_r(NULL, "\n", &rest)) {
			char standard[80], own[80];
			if (sscanf(l, "%79s - %79s", standard, own) == 2 &&
				strcmp(standard, s->suite->name) == 0) {
				(void)snprintf(out, n, "%s:@SECLEVEL=0", own);
				found = true;
			}
		}
	}
	bm_buf_clear(&said);
	return found;
}

/* GnuTLS takes a suite apart: key exchange, cipher, MAC. */
static const char *const gnutls_kx[][2] = {{"TLS_ECDHE_RSA_WITH_", "ECDHE-RSA"},
	{"TLS_ECDHE_ECDSA_WITH_", "ECDHE-ECDSA"}, {"TLS_DHE_RSA_WITH_", "DHE-RSA"},
	{"TLS_RSA_WITH_", "RSA"}, {"TLS_", "ECDHE-RSA"}};
static const char *const gnutls_ciphers[][2] = {{"3DES_EDE_CBC", "3DES-CBC"},
	{"RC4_128", "ARCFOUR-128"}, {"CHACHA20_POLY1305", "CHACHA20-POLY1305"},
	{"AES_128_GCM", "AES-128-GCM"}, {"AES_256_GCM", "AES-256-GCM"},
	{"AES_128_CCM_8", "AES-128-CCM-8"}, {"AES_256_CCM_8", "AES-256-CCM-8"},
	{"AES_128_CCM", "AES-128-CCM"}, {"AES_256_CCM", "AES-256-CCM"}, {"AES_128_CBC", "AES-128-CBC"},
	{"AES_256_CBC", "AES-256-CBC"}, {"CAMELLIA_128_CBC", "CAMELLIA-128-CBC"},
	{"CAMELLIA_256_CBC", "CAMELLIA-256-CBC"}, {"CAMELLIA_128_GCM", "CAMELLIA-128-GCM"},
	{"CAMELLIA_256_GCM", "CAMELLIA-256-GCM"}};

static const char *
translated(const char *const (*table)[2], size_t count, const char **name)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(table[i][0]);
		if (strncmp(*name, table[i][0], n) == 0) {
			*name += n;
			return table[i][1];
		}
	}
	return NULL;
}

static bool
gnutls_cipher(const struct lab_setup *s, char *out, size_t n)
{
	static const char versions[4][4] = {"1.0", "1.1", "1.2", "1.3"};
	const char *version = versions[s->version - BM_TLS10];

	if (s->suite == NULL) {
		(void)snprintf(
			out, n, "NORMAL:-VERS-ALL:+VERS-TLS%s%s", version, s->no_etm ? ":%NO_ETM" : "");
		return true;
	}
	const char *name = s->suite->name;
	const char *kx = translated(gnutls_kx, sizeof gnutls_kx / sizeof gnutls_kx[0], &name);
	const char *cipher =
		translated(gnutls_ciphers, sizeof gnutls_ciphers / sizeof gnutls_ciphers[0], &name);
	const char *mac = s->suite->tag_len != 0       ? "AEAD"
					  : s->suite->mac == BM_MD5    ? "MD5"
					  : s->suite->mac == BM_SHA1   ? "SHA1"
					  : s->suite->mac == BM_SHA256 ? "SHA256"
												   : "SHA384";
	if (kx == NULL || cipher == NULL)
		return false;
	(void)snprintf(out, n,
		"NONE:+VERS-TLS%s:+%s:+%s:+%s:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%%COMPAT%s",
		version, cipher, mac, kx, s->no_etm ? ":%NO_ETM" : "");
	return true;
}

static const struct lab_stack openssl = {"openssl", "OpenSSL", "openssl", "openssl",
	{"openssl", "s_server", "-accept", "127.0.0.1:{port}", "-key", "{folder}/server.key", "-cert",
		"{folder}/server.crt", "-keylogfile", "{folder}/keys.log", "-rev", "-{version}", "-cipher",
		"{cipher}", "-ciphersuites", "{ciphersuites}", "{-no_etm}", NULL},
	{"openssl", "s_client", "-connect", "127.0.0.1:{port}", "-quiet", "-no_ign_eof", "-{version}",
		"-cipher", "{cipher}", "-ciphersuites", "{ciphersuites}", "{-no_etm}", NULL},
	"ACCEPT", NULL, {"openssl", "version", NULL},
	{"openssl", "ciphers", "-stdname", "ALL:eNULL:@SECLEVEL=0", NULL}, openssl_cipher};

static const struct lab_stack gnutls = {"gnutls", "GnuTLS", "gnutls-serv", "gnutls-cli",
	{"gnutls-serv", "--echo", "-p", "{port}", "--x509certfile", "{folder}/server.crt",
		"--x509keyfile", "{folder}/server.key", "--disable-client-cert", "--priority", "{cipher}",
		NULL},
	{"gnutls-cli", "--insecure", "--no-ca-verification", "-p", "{port}", "--priority", "{cipher}",
		"127.0.0.1", NULL},
	"listening on", "SSLKEYLOGFILE={folder}/keys.log", {"gnutls-cli", "--version", NULL},
	{"gnutls-cli", "--list", NULL}, gnutls_cipher};

const struct lab_stack *const lab_stacks[] = {&openssl, &gnutls, NULL};

const struct lab_stack *
lab_stack_find(const char *name)
{
	for (const struct lab_stack *const *s = lab_stacks; *s != NULL; s++)
		if (strcmp((*s)->name, name) == 0)
			return *s;
	return NULL;
}

unsigned
lab_version_parse(const char *text)
{
	static const char *const names[] = {
		"1.0", "1", "1_0", "1.1", "1_1", "1.1", "1.2", "1_2", "1.2", "1.3", "1_3", "1.3"};

	if ((text[0] == 'T' || text[0] == 't') && strlen(text) > 3)
		text += 3 + strspn(text + 3, "v ");
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(text, names[i]) == 0)
			return BM_TLS10 + i / 3;
	return 0;
}

/* What stands for a word in braces; NULL: no such word. */
static const char *
meaning(const struct lab_stack *s, const char *word, size_t len, const struct lab_setup *setup,
	char *room, size_t n)
{
	static const char *const versions[4] = {"tls1", "tls1_1", "tls1_2", "tls1_3"};
	static const char every13[] =
		"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
	struct bm_view w = bm_view(word, len);

	if (bm_view_equal(w, bm_view("folder", 6)))
		return setup->folder;
	if (bm_view_equal(w, bm_view("version", 7)))
		return versions[setup->version - BM_TLS10];
	if (bm_view_equal(w, bm_view("-no_etm", 7)))
		return setup->no_etm ? "-no_etm" : "";
	if (bm_view_equal(w, bm_view("ciphersuites", 12)))
		return setup->suite != NULL && setup->version >= BM_TLS13 ? setup->suite->name : every13;
	if (bm_view_equal(w, bm_view("cipher", 6)))
		return s->cipher(setup, room, n) ? room : NULL;
	(void)snprintf(room, n, "%u", setup->port);
	return bm_view_equal(w, bm_view("port", 4)) ? room : NULL;
}

bool
lab_expand(const struct lab_stack *s, const char *template, const struct lab_setup *setup,
	char *out, size_t n)
{
	size_t at = 0;

	while (*template != '\0') {
		char room[400], one[2] = {*template, '\0'};
		const char *put = one, *end = *template == '{' ? strchr(template, '}') : NULL;
		if (end != NULL)
			put = meaning(s, template + 1, (size_t)(end - template) - 1, setup, room, sizeof room);
		if (put == NULL || at + strlen(put) + 1 > n)
			return false;
		memcpy(out + at, put, strlen(put));
		at += strlen(put);
		template = end != NULL ? end + 1 : template + 1;
	}
	out[at] = '\0';
	return true;
}

bool
lab_stack_words(const struct lab_stack *s, bool server, const struct lab_setup *setup,
	struct lab_words *out, char *problem, size_t n)
{
	const char *const *w = server ? s->server_words : s->client_words;

	*out = (struct lab_words){.n = 0};
	for (; *w != NULL && out->n < LAB_WORDS; w++) {
		char word[4096];
		if (!lab_expand(s, *w, setup, word, sizeof word)) {
			(void)snprintf(problem, n, "%s cannot be asked for %s", s->title,
				setup->suite != NULL ? setup->suite->name : *w);
			lab_words_clear(out);
			return false;
		}
		if (word[0] == '\0')
			continue;
		out->word[out->n] = strdup(word);
		if (out->word[out->n++] == NULL) {
			(void)snprintf(problem, n, "out of memory");
			lab_words_clear(out);
			return false;
		}
	}
	return true;
}

void
lab_words_clear(struct lab_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->word[i]);
	*w = (struct lab_words){.n = 0};
}

void
lab_stack_title(const struct lab_stack *s, char *out, size_t n)
{
	struct bm_buf said = {.p = NULL};
	const char *words[4] = {NULL};

	for (size_t i = 0; i < 3 && s->version_words[i] != NULL; i++)
		words[i] = s->version_words[i];
	(void)snprintf(out, n, "%s", s->title);
	if (lab_ask(words, ASK_MS, &said))
		(void)snprintf(
			out, n, "%.*s", (int)strcspn((const char *)said.p, "\r\n"), (const char *)said.p);
	bm_buf_clear(&said);
}
