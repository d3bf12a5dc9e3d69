/* The stacks that bring programs of their own: OpenSSL, GnuTLS, NSS. Refuses to know what is done
 * to what they send. */
#include "lab/process.h"
#include "lab/stacks.h"
#include "tls/record.h"

enum { ASK_MS = 10000 };

/* The name that OpenSSL has for a suite of the registry, which it is asked for. */
bool
lab_openssl_cipher(const struct lab_setup *s, char *out, size_t n)
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

static bool
nss_cipher(const struct lab_setup *s, char *out, size_t n)
{
	out[0] = '\0';
	if (s->suite != NULL)
		(void)snprintf(out, n, "-c:%04X", s->suite->id);
	return true;
}

const struct lab_stack lab_openssl = {.name = "openssl",
	.title = "OpenSSL",
	.server = "openssl",
	.client = "openssl",
	.server_words = {"openssl", "s_server", "-accept", "127.0.0.1:{port}", "-key",
		"{folder}/server.key", "-cert", "{folder}/server.crt", "-keylogfile", "{folder}/keys.log",
		"-rev", "-{version}", "-cipher", "{cipher}", "-ciphersuites", "{ciphersuites}", "{-no_etm}",
		NULL},
	.client_words = {"openssl", "s_client", "-connect", "127.0.0.1:{port}", "-quiet", "-no_ign_eof",
		"-{version}", "-cipher", "{cipher}", "-ciphersuites", "{ciphersuites}", "{-no_etm}", NULL},
	.ready = "ACCEPT",
	.server_logs = true,
	.client_more = {"-keylogfile", "{folder}/keys.log", NULL},
	.version_words = {"openssl", "version", NULL},
	.suites_words = {"openssl", "ciphers", "-stdname", "ALL:eNULL:@SECLEVEL=0", NULL},
	.versions = {"tls1", "tls1_1", "tls1_2", "tls1_3"},
	.cipher = lab_openssl_cipher};

const struct lab_stack lab_gnutls = {.name = "gnutls",
	.title = "GnuTLS",
	.server = "gnutls-serv",
	.client = "gnutls-cli",
	.server_words = {"gnutls-serv", "--echo", "-p", "{port}", "--x509certfile",
		"{folder}/server.crt", "--x509keyfile", "{folder}/server.key", "--disable-client-cert",
		"--priority", "{cipher}", NULL},
	.client_words = {"gnutls-cli", "--insecure", "--no-ca-verification", "-p", "{port}",
		"--priority", "{cipher}", "127.0.0.1", NULL},
	.ready = "listening on",
	.server_logs = true,
	.server_set = "SSLKEYLOGFILE={folder}/keys.log",
	.client_set = "SSLKEYLOGFILE={folder}/keys.log",
	.version_words = {"gnutls-cli", "--version", NULL},
	.suites_words = {"gnutls-cli", "--list", NULL},
	.cipher = gnutls_cipher};

/* Its server is for HTTP: it takes the lines for a request, and an empty one for the end of it.
 * Then come its header and -g blocks of 16384 octets, and it closes. Neither part writes keys. */
const struct lab_stack lab_nss = {.name = "nss",
	.title = "NSS selfserv and tstclnt",
	.server = "selfserv",
	.client = "tstclnt",
	.server_words = {"selfserv", "-d", "sql:{folder}", "-n", "lab", "-p", "{port}", "-g", "6", "-D",
		"-v", "-H", "1", "-V", "{version}:{version}", "{cipher}", NULL},
	.client_words = {"tstclnt", "-h", "127.0.0.1", "-p", "{port}", "-D", "-o", "-f", "-V",
		"{version}:{version}", "{cipher}", NULL},
	.prepare_words = {{"openssl", "pkcs12", "-export", "-in", "{folder}/server.crt", "-inkey",
						  "{folder}/server.key", "-name", "lab", "-passout", "pass:", "-out",
						  "{folder}/server.p12", NULL},
		{"certutil", "-N", "-d", "sql:{folder}", "--empty-password", NULL},
		{"pk12util", "-i", "{folder}/server.p12", "-d", "sql:{folder}", "-W", "", "-K", "", NULL}},
	.leftovers = {"cert9.db", "key4.db", "pkcs11.txt", NULL},
	.ready = "About to call accept",
	.versions = {"tls1.0", "tls1.1", "tls1.2", "tls1.3"},
	.cipher = nss_cipher,
	.speaks_first = true,
	.answers_once = true};
