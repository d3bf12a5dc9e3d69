/* Mbed TLS as a peer. Refuses to know who is at the other end. */
#include "lab/peers/peer.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/debug.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record's version is 3.1 for TLS 1.0; the library counts the second part. */
enum { NEWEST = MBEDTLS_SSL_MINOR_VERSION_3, OLDEST = MBEDTLS_SSL_MINOR_VERSION_1 };

static const char *const features[] = {[1] = "MBEDTLS_SSL_PROTO_TLS1",
	[2] = "MBEDTLS_SSL_PROTO_TLS1_1",
	[3] = "MBEDTLS_SSL_PROTO_TLS1_2"};

static struct {
	struct peer_setup setup;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_ssl_config config;
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	int suites[2]; /* ends with 0 */
} lab;

struct connection {
	mbedtls_ssl_context ssl;
	mbedtls_net_context net;
};

/* The code is that of the header, which programs print. */
static bool
complain(const char *what, int code)
{
	char words[200], line[300];

	mbedtls_strerror(code, words, sizeof words);
	(void)snprintf(line, sizeof line, "returned -0x%04x: %s", (unsigned)-code, words);
	peer_error(what, line);
	return false;
}

static void
say_version(void)
{
	char text[40];

	mbedtls_version_get_string_full(text);
	puts(text);
}

/* Whether a connection could end up with it. */
static bool
is_usable(const mbedtls_ssl_ciphersuite_t *s, int minor)
{
	return s != NULL && s->min_minor_ver <= minor && s->max_minor_ver >= minor;
}

static void
say_abilities(void)
{
	bool has[NEWEST + 1] = {false};

	for (int v = OLDEST; v <= NEWEST; v++) {
		has[v] = mbedtls_version_check_feature(features[v]) == 0;
		if (has[v])
			printf("VERS-TLS1.%d\n", v - 1);
	}
	/* Its own list leaves out RC4 and 3DES, which it still has if they are asked for. */
	for (int id = 1; id <= 0xffff; id++) {
		const mbedtls_ssl_ciphersuite_t *s = mbedtls_ssl_ciphersuite_from_id(id);
		bool any = false;
		for (int v = OLDEST; v <= NEWEST; v++)
			any = any || (has[v] && is_usable(s, v));
		if (any)
			printf("0x%02x, 0x%02x\n", (unsigned)id >> 8, (unsigned)id & 255u);
	}
}

static int
log_secret(void *context, const unsigned char *master, const unsigned char *block, size_t mac,
	size_t key, size_t iv, const unsigned char client[32], const unsigned char server[32],
	mbedtls_tls_prf_types prf)
{
	(void)context, (void)block, (void)mac, (void)key, (void)iv, (void)server, (void)prf;
	peer_log(&lab.setup, "CLIENT_RANDOM", client, master, 48);
	return 0;
}

/* At the first level of debugging the library tells of errors alone. */
static void
say_debug(void *context, int level, const char *file, int line, const char *text)
{
	const char *slash = strrchr(file, '/');

	(void)context;
	printf("%s:%04d: |%d| %s", slash != NULL ? slash + 1 : file, line, level, text);
	(void)fflush(stdout);
}

static bool
load_certificate(void)
{
	char path[PEER_PATH];
	int code =
		mbedtls_x509_crt_parse_file(&lab.certificate, peer_path(&lab.setup, "server.crt", path));

	if (code != 0)
		return complain("mbedtls_x509_crt_parse_file", code);
	code = mbedtls_pk_parse_keyfile(&lab.key, peer_path(&lab.setup, "server.key", path), NULL);
	if (code != 0)
		return complain("mbedtls_pk_parse_keyfile", code);
	code = mbedtls_ssl_conf_own_cert(&lab.config, &lab.certificate, &lab.key);
	return code == 0 || complain("mbedtls_ssl_conf_own_cert", code);
}

static bool
choose(const struct peer_setup *s)
{
	int minor = (int)(s->version & 255u);

	if (s->version >> 8 != 3 || minor < OLDEST || minor > NEWEST ||
		mbedtls_version_check_feature(features[minor]) != 0) {
		peer_error("mbedtls", "this version of TLS is not in the library");
		return false;
	}
	mbedtls_ssl_conf_min_version(&lab.config, MBEDTLS_SSL_MAJOR_VERSION_3, minor);
	mbedtls_ssl_conf_max_version(&lab.config, MBEDTLS_SSL_MAJOR_VERSION_3, minor);
	if (s->suite == 0)
		return true;
	if (!is_usable(mbedtls_ssl_ciphersuite_from_id((int)s->suite), minor)) {
		peer_error("mbedtls", "this cipher suite is not in the library");
		return false;
	}
	lab.suites[0] = (int)s->suite;
	mbedtls_ssl_conf_ciphersuites(&lab.config, lab.suites);
	return true;
}

static bool
set_up(const struct peer_setup *s)
{
	lab.setup = *s;
	mbedtls_entropy_init(&lab.entropy);
	mbedtls_ctr_drbg_init(&lab.random);
	mbedtls_ssl_config_init(&lab.config);
	mbedtls_x509_crt_init(&lab.certificate);
	mbedtls_pk_init(&lab.key);
	int code = mbedtls_ctr_drbg_seed(&lab.random, mbedtls_entropy_func, &lab.entropy, NULL, 0);
	if (code != 0)
		return complain("mbedtls_ctr_drbg_seed", code);
	code = mbedtls_ssl_config_defaults(&lab.config,
		s->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
		MBEDTLS_SSL_PRESET_DEFAULT);
	if (code != 0)
		return complain("mbedtls_ssl_config_defaults", code);
	mbedtls_ssl_conf_rng(&lab.config, mbedtls_ctr_drbg_random, &lab.random);
	mbedtls_ssl_conf_authmode(&lab.config, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_dbg(&lab.config, say_debug, NULL);
	mbedtls_debug_set_threshold(1);
	mbedtls_ssl_conf_export_keys_ext_cb(&lab.config, log_secret, NULL);
	mbedtls_ssl_conf_encrypt_then_mac(
		&lab.config, s->no_etm ? MBEDTLS_SSL_ETM_DISABLED : MBEDTLS_SSL_ETM_ENABLED);
	mbedtls_ssl_conf_arc4_support(&lab.config, MBEDTLS_SSL_ARC4_ENABLED);
	return choose(s) && (!s->server || load_certificate());
}

static void
end(void *connection)
{
	struct connection *c = connection;

	mbedtls_ssl_free(&c->ssl);
	free(c);
}

static void *
begin(int fd)
{
	struct connection *c = calloc(1, sizeof *c);

	if (c == NULL) {
		peer_error("mbedtls", "out of memory");
		return NULL;
	}
	c->net.fd = fd;
	mbedtls_ssl_init(&c->ssl);
	int code = mbedtls_ssl_setup(&c->ssl, &lab.config);
	if (code == 0) {
		mbedtls_ssl_set_bio(&c->ssl, &c->net, mbedtls_net_send, mbedtls_net_recv, NULL);
		code = mbedtls_ssl_handshake(&c->ssl);
	}
	if (code == 0)
		return c;
	(void)complain("mbedtls_ssl_handshake", code);
	end(c);
	return NULL;
}

static int
read_some(void *connection, uint8_t *p, size_t n)
{
	struct connection *c = connection;
	int got = mbedtls_ssl_read(&c->ssl, p, n);

	if (got > 0)
		return got;
	if (got == MBEDTLS_ERR_SSL_WANT_READ)
		return PEER_LATER;
	if (got == 0 || got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return 0;
	(void)complain("mbedtls_ssl_read", got);
	return -1;
}

static bool
write_all(void *connection, const uint8_t *p, size_t n)
{
	struct connection *c = connection;

	for (size_t at = 0; at < n;) {
		int put = mbedtls_ssl_write(&c->ssl, p + at, n - at);
		if (put == MBEDTLS_ERR_SSL_WANT_WRITE)
			peer_await_room(c->net.fd);
		else if (put <= 0)
			return complain("mbedtls_ssl_write", put);
		else
			at += (size_t)put;
	}
	return true;
}

static bool
has_more(void *connection)
{
	const struct connection *c = connection;

	return mbedtls_ssl_check_pending(&c->ssl) != 0;
}

static void
say_end(void *connection)
{
	struct connection *c = connection;

	(void)mbedtls_ssl_close_notify(&c->ssl);
}

int
main(int argc, char **argv)
{
	static const struct peer_library library = {
		say_version, say_abilities, set_up, begin, read_some, write_all, has_more, say_end, end};

	return peer_main(&library, argc, argv);
}
