/* Crimes in which a record of another TLS connection gets into this one's stream: an SSL that says
 * its last word after its descriptor was closed and given to another, and a tunnel's close_notify
 * within what it carries. */
#include "lab/guilty/crimes.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* The other connection's alert, put where this one's next record is due. */
static bool
put_alert(struct scene *s, struct record *alert, const char *party, bool known)
{
	struct confession *d = &s->done;

	if (alert->n == 0)
		return trouble("the other connection has no last word");
	confess_here(s, party);
	d->length = alert->n;
	d->damaged = !known;
	if (d->damaged)
		d->received = *alert;
	return peer_send(&s->peer, alert->p, alert->n);
}

bool
connect_other(struct scene *s)
{
	char text[LINE_MAX_OCTETS];

	line_text(s->s, 0, 3, text);
	if (!peer_open(&s->other, s->s, s->connections++) || !peer_shake(&s->other) ||
		!peer_say(&s->other, text))
		return false;
	peer_listen(&s->other, 60);
	return true;
}

/* The socket is closed first, the SSL is kept for later. */
static bool
close_too_early(struct scene *s)
{
	if (!connect_other(s))
		return false;
	s->stale_fd = s->other.fd;
	peer_close(&s->other, false);
	return true;
}

/* SSL_shutdown() writes its alert into the descriptor that the SSL still knows. */
static bool
shut_down_late(struct scene *s)
{
	struct record alert;

	if (s->stale_fd != s->peer.fd)
		return trouble("the socket did not get the number %d", s->stale_fd);
	(void)SSL_shutdown(s->other.ssl);
	return peer_take(&s->other, &alert) && put_alert(s, &alert, "sender-application", true);
}

/* The tunnel's other end, in this process: nobody captures it. */
static SSL *
open_tunnel_end(const struct scene *s, SSL_CTX **ctx)
{
	char key[4096], crt[4096];
	SSL *ssl = NULL;

	*ctx = SSL_CTX_new(TLS_server_method());
	(void)snprintf(key, sizeof key, "%s/server.key", s->s->folder);
	(void)snprintf(crt, sizeof crt, "%s/server.crt", s->s->folder);
	if (*ctx != NULL && SSL_CTX_set_cipher_list(*ctx, "ALL:@SECLEVEL=0") == 1 &&
		SSL_CTX_use_certificate_file(*ctx, crt, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_use_PrivateKey_file(*ctx, key, SSL_FILETYPE_PEM) == 1)
		ssl = SSL_new(*ctx);
	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

/* A client and a server, each of which writes into what the other reads. */
static bool
shake_in_memory(SSL *client, SSL *server)
{
	BIO *one = NULL, *two = NULL;
	int done = 0;

	if (BIO_new_bio_pair(&one, 0, &two, 0) != 1)
		return false;
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, two, two);
	for (unsigned i = 0; i < 20 && done != 2; i++)
		done = (SSL_do_handshake(client) == 1) + (SSL_do_handshake(server) == 1);
	return done == 2;
}

/* The client's last word of a tunnel of the same version as the connection within it. */
static bool
make_alert(struct scene *s, SSL *client, SSL *server, struct record *alert)
{
	int version = SSL_version(s->peer.ssl);

	if (SSL_set_min_proto_version(client, version) != 1 ||
		SSL_set_max_proto_version(client, version) != 1 ||
		SSL_set_cipher_list(client, "ALL:@SECLEVEL=0") != 1)
		return false;
	SSL_set_connect_state(client);
	(void)SSL_set_app_data(client, &s->other);
	if (!shake_in_memory(client, server))
		return false;
	/* What the server may have said behind its handshake is read away. */
	(void)SSL_read(client, alert->p, sizeof alert->p);
	(void)SSL_shutdown(client);
	int n = BIO_read(SSL_get_wbio(server), alert->p, sizeof alert->p);
	alert->n = n > 0 ? (size_t)n : 0;
	return true;
}

/* known: the key log gets the tunnel's secrets, too. */
static bool
leak(struct scene *s, bool known)
{
	SSL_CTX *server_ctx = NULL, *client_ctx = SSL_CTX_new(TLS_client_method());
	SSL *server = open_tunnel_end(s, &server_ctx);
	SSL *client = client_ctx != NULL ? SSL_new(client_ctx) : NULL;
	struct record alert;

	s->other = (struct peer){.s = s->s, .fd = -1, .writes_log = known};
	if (client_ctx != NULL)
		SSL_CTX_set_keylog_callback(client_ctx, peer_keep_secret);
	bool good = (server != NULL && client != NULL && make_alert(s, client, server, &alert)) ||
				libssl_trouble("the tunnel");
	good = good && put_alert(s, &alert, "sender-application", known);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
	return good;
}

static bool
leak_known_alert(struct scene *s)
{
	if (SSL_version(s->peer.ssl) < TLS1_3_VERSION)
		return trouble("before TLS 1.3 a key log is not enough to open what was not captured");
	return leak(s, true);
}

static bool
leak_unknown_alert(struct scene *s)
{
	return leak(s, false);
}

const struct crime crime_late_shutdown = {
	"late-shutdown", close_too_early, NULL, shut_down_late, NULL, NULL};
const struct crime crime_outer_alert = {"outer-alert", NULL, NULL, leak_known_alert, NULL, NULL};
const struct crime crime_outer_alert_unknown = {
	"outer-alert-unknown", NULL, NULL, leak_unknown_alert, NULL, NULL};
