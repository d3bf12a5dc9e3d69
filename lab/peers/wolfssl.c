/* wolfSSL as a peer. Its headers give macros OpenSSL's names, so nothing of OpenSSL may be here.
 * Refuses to know who is at the other end. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/error-ssl.h>

#include "lab/peers/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	struct peer_setup setup;
	WOLFSSL_CTX *context;
} lab;

/* In the form in which its examples say it. */
static bool
complain(const char *what, int code)
{
	char words[WOLFSSL_MAX_ERROR_SZ], line[WOLFSSL_MAX_ERROR_SZ + 40];

	(void)wolfSSL_ERR_error_string((unsigned long)code, words);
	(void)snprintf(line, sizeof line, "error = %d, %s", code, words);
	peer_error(what, line);
	return false;
}

static WOLFSSL_METHOD *
method(unsigned version, bool server)
{
	switch (version) {
#ifdef WOLFSSL_ALLOW_TLSV10
	case 0x0301:
		return server ? wolfTLSv1_server_method() : wolfTLSv1_client_method();
#endif
#ifndef NO_OLD_TLS
	case 0x0302:
		return server ? wolfTLSv1_1_server_method() : wolfTLSv1_1_client_method();
#endif
#ifndef WOLFSSL_NO_TLS12
	case 0x0303:
		return server ? wolfTLSv1_2_server_method() : wolfTLSv1_2_client_method();
#endif
#ifdef WOLFSSL_TLS13
	case 0x0304:
		return server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method();
#endif
	default:
		return NULL;
	}
}

static WOLFSSL_CTX *
new_context(unsigned version, bool server)
{
	WOLFSSL_METHOD *m = method(version, server);

	return m != NULL ? wolfSSL_CTX_new(m) : NULL;
}

static void
say_version(void)
{
	printf("wolfSSL %s\n", wolfSSL_lib_version());
}

static void
say_abilities(void)
{
	static char names[1 << 15];

	(void)wolfSSL_Init();
	for (unsigned v = 0x0301; v <= 0x0304; v++) {
		WOLFSSL_CTX *c = new_context(v, false);
		if (c != NULL)
			printf("VERS-TLS1.%u\n", v - 0x0301);
		wolfSSL_CTX_free(c);
	}
	if (wolfSSL_get_ciphers_iana(names, sizeof names) != WOLFSSL_SUCCESS)
		return;
	char *rest = NULL;
	for (const char *n = strtok_r(names, ":", &rest); n != NULL; n = strtok_r(NULL, ":", &rest))
		printf("%s \n", n);
}

static bool
load_certificate(void)
{
	char path[PEER_PATH];
	int code = wolfSSL_CTX_use_certificate_file(
		lab.context, peer_path(&lab.setup, "server.crt", path), WOLFSSL_FILETYPE_PEM);

	if (code != WOLFSSL_SUCCESS)
		return complain("wolfSSL_CTX_use_certificate_file", code);
	code = wolfSSL_CTX_use_PrivateKey_file(
		lab.context, peer_path(&lab.setup, "server.key", path), WOLFSSL_FILETYPE_PEM);
	return code == WOLFSSL_SUCCESS || complain("wolfSSL_CTX_use_PrivateKey_file", code);
}

/* The library takes names alone. */
static bool
choose(unsigned suite)
{
	const char *name =
		wolfSSL_get_cipher_name_from_suite((uint8_t)(suite >> 8), (uint8_t)(suite & 255u));

	if (suite == 0)
		return true;
	if (name != NULL && wolfSSL_CTX_set_cipher_list(lab.context, name) == WOLFSSL_SUCCESS)
		return true;
	peer_error("wolfssl", "this cipher suite is not in the library");
	return false;
}

static bool
set_up(const struct peer_setup *s)
{
	lab.setup = *s;
	(void)wolfSSL_Init();
	lab.context = new_context(s->version, s->server);
	if (lab.context == NULL) {
		peer_error("wolfssl", "this version of TLS is not in the library");
		return false;
	}
	wolfSSL_CTX_set_verify(lab.context, WOLFSSL_VERIFY_NONE, NULL);
	if (s->no_etm)
		(void)wolfSSL_CTX_AllowEncryptThenMac(lab.context, 0);
	return choose(s->suite) && (!s->server || load_certificate());
}

/* Up to TLS 1.2. Of 1.3 the library shows no secret, unless it was built to. */
static void
log_secret(WOLFSSL *ssl)
{
	unsigned char *master, *server, *client;
	unsigned master_n, server_n, client_n;

	if (lab.setup.version < 0x0304 && wolfSSL_get_keys(ssl, &master, &master_n, &server, &server_n,
										  &client, &client_n) == WOLFSSL_SUCCESS)
		peer_log(&lab.setup, "CLIENT_RANDOM", client, master, master_n);
	wolfSSL_FreeArrays(ssl);
}

static void *
begin(int fd)
{
	WOLFSSL *ssl = wolfSSL_new(lab.context);

	if (ssl == NULL) {
		peer_error("wolfssl", "out of memory");
		return NULL;
	}
	wolfSSL_KeepArrays(ssl);
	int code = wolfSSL_set_fd(ssl, fd);
	if (code == WOLFSSL_SUCCESS)
		code = lab.setup.server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl);
	if (code == WOLFSSL_SUCCESS) {
		log_secret(ssl);
		return ssl;
	}
	(void)complain(
		lab.setup.server ? "wolfSSL_accept" : "wolfSSL_connect", wolfSSL_get_error(ssl, code));
	wolfSSL_free(ssl);
	return NULL;
}

static int
read_some(void *connection, uint8_t *p, size_t n)
{
	WOLFSSL *ssl = connection;
	int got = wolfSSL_read(ssl, p, (int)n);

	if (got > 0)
		return got;
	int code = wolfSSL_get_error(ssl, got);
	if (code == WOLFSSL_ERROR_WANT_READ)
		return PEER_LATER;
	/* Of an end without close_notify it makes an error; the other stacks here do not. */
	if (code == WOLFSSL_ERROR_ZERO_RETURN || code == SOCKET_PEER_CLOSED_E)
		return 0;
	(void)complain("wolfSSL_read", code);
	return -1;
}

static bool
write_all(void *connection, const uint8_t *p, size_t n)
{
	WOLFSSL *ssl = connection;

	for (size_t at = 0; at < n;) {
		int put = wolfSSL_write(ssl, p + at, (int)(n - at));
		int code = put > 0 ? 0 : wolfSSL_get_error(ssl, put);
		if (put > 0)
			at += (size_t)put;
		else if (code == WOLFSSL_ERROR_WANT_WRITE)
			peer_await_room(wolfSSL_get_fd(ssl));
		else
			return complain("wolfSSL_write", code);
	}
	return true;
}

static bool
has_more(void *connection)
{
	return wolfSSL_pending(connection) > 0;
}

static void
say_end(void *connection)
{
	(void)wolfSSL_shutdown(connection);
}

static void
end(void *connection)
{
	wolfSSL_free(connection);
}

int
main(int argc, char **argv)
{
	static const struct peer_library library = {
		say_version, say_abilities, set_up, begin, read_some, write_all, has_more, say_end, end};

	return peer_main(&library, argc, argv);
}
