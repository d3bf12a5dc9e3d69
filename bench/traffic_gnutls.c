/* Endpoints with GnuTLS, which still speaks RC4: TLS_RSA_WITH_RC4_128_SHA in TLS 1.2, and no other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "traffic.h"

static const char priorities[] = "NONE:+VERS-TLS1.2:+ARCFOUR-128:+SHA1:+RSA:+COMP-NULL:+SIGN-ALL";

struct endpoint {
	gnutls_session_t session;
	struct tcp *tcp;
	enum side side;
};

static gnutls_certificate_credentials_t credentials[2];
static FILE *key_log;

static void
check(int status, const char *what)
{
	if (status < 0)
		fail("GnuTLS: %s: %s", what, gnutls_strerror(status));
}

static ssize_t
on_write(gnutls_transport_ptr_t p, const void *bytes, size_t n)
{
	struct endpoint *e = p;

	tcp_write(e->tcp, e->side, bytes, n);
	return (ssize_t)n;
}

static ssize_t
on_read(gnutls_transport_ptr_t p, void *bytes, size_t n)
{
	struct endpoint *e = p;
	size_t got = tcp_read(e->tcp, e->side, bytes, n);

	if (got > 0)
		return (ssize_t)got;
	gnutls_transport_set_errno(e->session, EAGAIN);
	return -1;
}

static void
put_hex(const gnutls_datum_t *d)
{
	for (unsigned i = 0; i < d->size; i++)
		fprintf(key_log, "%02x", d->data[i]);
}

static int
on_secret(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
	gnutls_datum_t client, server;

	gnutls_session_get_random(session, &client, &server);
	fprintf(key_log, "%s ", label);
	put_hex(&client);
	fputc(' ', key_log);
	put_hex(secret);
	fputc('\n', key_log);
	return 0;
}

static void
add_certificate(void)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t c;
	time_t now = time(NULL);

	check(gnutls_x509_privkey_init(&key), "key");
	check(gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0), "key");
	check(gnutls_x509_crt_init(&c), "certificate");
	check(gnutls_x509_crt_set_version(c, 3), "certificate");
	check(gnutls_x509_crt_set_serial(c, "\1", 1), "certificate");
	check(gnutls_x509_crt_set_activation_time(c, now), "certificate");
	check(gnutls_x509_crt_set_expiration_time(c, now + 86400), "certificate");
	check(gnutls_x509_crt_set_dn(c, "CN=server", NULL), "certificate");
	check(gnutls_x509_crt_set_key(c, key), "certificate");
	check(gnutls_x509_crt_sign2(c, c, key, GNUTLS_DIG_SHA256, 0), "certificate");
	check(gnutls_certificate_set_x509_key(credentials[SERVER], &c, 1, key), "certificate");
	gnutls_x509_crt_deinit(c);
	gnutls_x509_privkey_deinit(key);
}

static void
start(const struct settings *s)
{
	key_log = s->keys;
	check(gnutls_certificate_allocate_credentials(&credentials[CLIENT]), "credentials");
	check(gnutls_certificate_allocate_credentials(&credentials[SERVER]), "credentials");
	add_certificate();
}

static void
stop(void)
{
	gnutls_certificate_free_credentials(credentials[CLIENT]);
	gnutls_certificate_free_credentials(credentials[SERVER]);
}

static struct endpoint *
open_endpoint(struct tcp *t, enum side side)
{
	struct endpoint *e = calloc(1, sizeof *e);

	if (e == NULL)
		fail("no memory");
	e->tcp = t;
	e->side = side;
	check(gnutls_init(
			  &e->session, GNUTLS_NONBLOCK | (side == SERVER ? GNUTLS_SERVER : GNUTLS_CLIENT)),
		"session");
	check(gnutls_priority_set_direct(e->session, priorities, NULL), "priorities");
	check(gnutls_credentials_set(e->session, GNUTLS_CRD_CERTIFICATE, credentials[side]),
		"credentials");
	if (side == SERVER)
		gnutls_session_set_keylog_function(e->session, on_secret);
	gnutls_transport_set_ptr(e->session, e);
	gnutls_transport_set_push_function(e->session, on_write);
	gnutls_transport_set_pull_function(e->session, on_read);
	return e;
}

static bool
handshake(struct endpoint *e)
{
	int status = gnutls_handshake(e->session);

	if (status == GNUTLS_E_AGAIN)
		return false;
	check(status, "the handshake failed");
	return true;
}

static void
send_record(struct endpoint *e, const uint8_t *p, size_t n)
{
	ssize_t sent = gnutls_record_send(e->session, p, n);

	check((int)sent, "not sent");
	if ((size_t)sent != n)
		fail("GnuTLS: sent in part");
}

static size_t
receive(struct endpoint *e)
{
	static uint8_t bytes[16384];
	size_t all = 0;
	ssize_t n;

	while ((n = gnutls_record_recv(e->session, bytes, sizeof bytes)) > 0)
		all += (size_t)n;
	if (n != GNUTLS_E_AGAIN)
		check((int)n, "not received");
	return all;
}

static void
close_endpoint(struct endpoint *e)
{
	gnutls_bye(e->session, GNUTLS_SHUT_WR);
	gnutls_deinit(e->session);
	free(e);
}

const struct stack gnutls_stack = {
	start, open_endpoint, handshake, send_record, receive, close_endpoint, stop};
