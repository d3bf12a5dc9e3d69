/* Endpoints with OpenSSL: all suites but RC4. */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "traffic.h"

struct endpoint {
	SSL *ssl;
	struct tcp *tcp;
	enum side side;
};

static SSL_CTX *contexts[2];
static BIO_METHOD *method;
static FILE *key_log;

static void
check(bool ok, const char *what)
{
	if (ok)
		return;
	ERR_print_errors_fp(stderr);
	fail("OpenSSL: %s", what);
}

static int
on_write(BIO *b, const char *p, int n)
{
	struct endpoint *e = BIO_get_data(b);

	tcp_write(e->tcp, e->side, p, (size_t)n);
	return n;
}

static int
on_read(BIO *b, char *p, int n)
{
	struct endpoint *e = BIO_get_data(b);
	size_t got = tcp_read(e->tcp, e->side, p, (size_t)n);

	BIO_clear_retry_flags(b);
	if (got == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	return (int)got;
}

static long
on_control(BIO *b, int command, long number, void *p)
{
	(void)b;
	(void)number;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

static void
on_secret(const SSL *ssl, const char *line)
{
	(void)ssl;
	fprintf(key_log, "%s\n", line);
}

/* Signed by itself; the client asks no more. */
static void
add_certificate(SSL_CTX *ctx, EVP_PKEY *key)
{
	X509 *c = X509_new();

	check(c != NULL && key != NULL, "no certificate");
	X509_NAME *name = X509_get_subject_name(c);
	check(X509_set_version(c, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1 &&
			  X509_gmtime_adj(X509_getm_notBefore(c), 0) != NULL &&
			  X509_gmtime_adj(X509_getm_notAfter(c), 86400) != NULL &&
			  X509_NAME_add_entry_by_txt(
				  name, "CN", MBSTRING_ASC, (const uint8_t *)"server", -1, -1, 0) == 1 &&
			  X509_set_issuer_name(c, name) == 1 && X509_set_pubkey(c, key) == 1 &&
			  X509_sign(c, key, EVP_sha256()) > 0,
		"no certificate");
	check(SSL_CTX_use_certificate(ctx, c) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1,
		"the certificate does not fit");
	X509_free(c);
	EVP_PKEY_free(key);
}

static SSL_CTX *
new_context(const struct settings *s, const SSL_METHOD *m)
{
	SSL_CTX *ctx = SSL_CTX_new(m);
	int version = s->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;

	check(ctx != NULL, "no context");
	SSL_CTX_set_security_level(ctx, 0);
	check(SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
			  SSL_CTX_set_max_proto_version(ctx, version) == 1,
		"no such version");
	check((s->tls13 ? SSL_CTX_set_ciphersuites(ctx, s->suite)
					: SSL_CTX_set_cipher_list(ctx, s->suite)) == 1,
		"no such suite");
	if (s->mac_then_encrypt)
		SSL_CTX_set_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

static void
start(const struct settings *s)
{
	key_log = s->keys;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "TCP in a capture");
	check(method != NULL, "no memory");
	BIO_meth_set_write(method, on_write);
	BIO_meth_set_read(method, on_read);
	BIO_meth_set_ctrl(method, on_control);
	contexts[CLIENT] = new_context(s, TLS_client_method());
	contexts[SERVER] = new_context(s, TLS_server_method());
	SSL_CTX_set_keylog_callback(contexts[SERVER], on_secret);
	add_certificate(contexts[SERVER], EVP_EC_gen("P-256"));
	add_certificate(contexts[SERVER], EVP_RSA_gen(2048));
}

static void
stop(void)
{
	SSL_CTX_free(contexts[CLIENT]);
	SSL_CTX_free(contexts[SERVER]);
	BIO_meth_free(method);
}

static struct endpoint *
open_endpoint(struct tcp *t, enum side side)
{
	struct endpoint *e = malloc(sizeof *e);
	BIO *b = BIO_new(method);

	check(e != NULL && b != NULL, "no memory");
	*e = (struct endpoint){SSL_new(contexts[side]), t, side};
	check(e->ssl != NULL, "no memory");
	BIO_set_data(b, e);
	BIO_set_init(b, 1);
	SSL_set_bio(e->ssl, b, b);
	if (side == SERVER)
		SSL_set_accept_state(e->ssl);
	else
		SSL_set_connect_state(e->ssl);
	return e;
}

static bool
handshake(struct endpoint *e)
{
	int n = SSL_do_handshake(e->ssl);

	check(n == 1 || SSL_get_error(e->ssl, n) == SSL_ERROR_WANT_READ, "the handshake failed");
	return n == 1;
}

static void
send_record(struct endpoint *e, const uint8_t *p, size_t n)
{
	size_t sent;

	check(SSL_write_ex(e->ssl, p, n, &sent) == 1 && sent == n, "not sent");
}

static size_t
receive(struct endpoint *e)
{
	static uint8_t bytes[16384];
	size_t n, all = 0;

	while (SSL_read_ex(e->ssl, bytes, sizeof bytes, &n) == 1)
		all += n;
	check(SSL_get_error(e->ssl, 0) == SSL_ERROR_WANT_READ, "not received");
	return all;
}

static void
close_endpoint(struct endpoint *e)
{
	SSL_shutdown(e->ssl);
	SSL_free(e->ssl);
	free(e);
}

const struct stack openssl_stack = {
	start, open_endpoint, handshake, send_record, receive, close_endpoint, stop};
