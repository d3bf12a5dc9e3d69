/* The client's connection. Refuses to know crimes. */
#include "lab/guilty/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHAKE_MS = 20000, LEAVE_MS = 1500 };

bool
trouble(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("badmac-lab-guilty: ", stdout);
	(void)vprintf(format, ap);
	(void)putchar('\n');
	va_end(ap);
	return false;
}

bool
libssl_trouble(const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_peek_error(), text, sizeof text);
	ERR_clear_error();
	return trouble("%s: %s", what, text);
}

void
peer_keep_secret(const SSL *ssl, const char *line)
{
	static const char *const labels[SECRETS] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ",
		"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ", "CLIENT_RANDOM "};
	struct peer *p = SSL_get_app_data(ssl);
	const char *hex = strrchr(line, ' ');

	if (p == NULL)
		return;
	(void)snprintf(p->secret_line, sizeof p->secret_line, "%s\n", line);
	for (size_t i = 0; i < SECRETS && hex != NULL; i++)
		if (strncmp(line, labels[i], strlen(labels[i])) == 0 &&
			OPENSSL_hexstr2buf_ex(
				p->secret[i].p, sizeof p->secret[i].p, &p->secret[i].n, hex + 1, '\0') != 1)
			p->secret[i].n = 0;
	if (p->writes_log && !peer_log(p))
		(void)trouble("keys.log: %s", strerror(errno));
}

bool
peer_log(const struct peer *p)
{
	char path[4096];
	int n = snprintf(path, sizeof path, "%s/keys.log", p->s->folder);
	int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_WRONLY | O_APPEND) : -1;
	size_t len = strlen(p->secret_line);
	bool good = fd >= 0 && write(fd, p->secret_line, len) == (ssize_t)len;

	if (fd >= 0)
		(void)close(fd);
	return good;
}

static bool
set_up(struct peer *p)
{
	const struct settings *s = p->s;
	SSL_CTX *ctx = p->ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, s->version) != 1 ||
		SSL_CTX_set_max_proto_version(ctx, s->version) != 1 ||
		SSL_CTX_set_cipher_list(ctx, s->cipher) != 1 ||
		SSL_CTX_set_ciphersuites(ctx, s->ciphersuites) != 1)
		return libssl_trouble("libssl");
	/* As for s_client; a record for each write, also in TLS 1.0. */
	SSL_CTX_set_options(ctx, SSL_OP_ALL | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
								 (s->no_etm ? SSL_OP_NO_ENCRYPT_THEN_MAC : 0));
	SSL_CTX_set_keylog_callback(ctx, peer_keep_secret);
	p->ssl = SSL_new(ctx);
	BIO *in = p->ssl != NULL ? BIO_new_socket(p->fd, BIO_NOCLOSE) : NULL;
	p->out = in != NULL ? BIO_new(BIO_s_mem()) : NULL;
	if (p->out == NULL)
		return libssl_trouble("libssl");
	SSL_set_bio(p->ssl, in, p->out);
	(void)SSL_set_app_data(p->ssl, p);
	SSL_set_connect_state(p->ssl);
	return true;
}

bool
peer_open(struct peer *p, const struct settings *s, unsigned connection)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
	int one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*p = (struct peer){.s = s, .connection = connection, .writes_log = s->logs};
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0)
		return trouble("127.0.0.1:%u: %s", s->port, strerror(errno));
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	/* Reading does not block; sending waits by itself. */
	(void)fcntl(p->fd, F_SETFL, O_NONBLOCK);
	return set_up(p);
}

void
peer_wait(const struct peer *p, int ms)
{
	struct pollfd f = {p->fd, POLLIN, 0};

	(void)poll(&f, 1, ms);
}

bool
peer_send(struct peer *p, const void *octets, size_t n)
{
	const uint8_t *at = octets;

	while (n != 0) {
		ssize_t sent = send(p->fd, at, n, MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
			struct pollfd f = {p->fd, POLLOUT, 0};
			(void)poll(&f, 1, 1000);
			continue;
		}
		if (sent <= 0) {
			p->gone = true;
			return trouble("send: %s", strerror(errno));
		}
		at += sent;
		n -= (size_t)sent;
		p->offset += (uint64_t)sent;
	}
	return true;
}

bool
peer_take(struct peer *p, struct record *out)
{
	size_t waits = BIO_ctrl_pending(p->out);

	out->n = 0;
	if (waits > sizeof out->p)
		return trouble("libssl put out %zu octets at once", waits);
	if (waits != 0 && BIO_read_ex(p->out, out->p, sizeof out->p, &out->n) != 1)
		return libssl_trouble("BIO_read_ex");
	return true;
}

int
peer_step(struct peer *p)
{
	int result = SSL_do_handshake(p->ssl), error = SSL_get_error(p->ssl, result);

	if (result == 1)
		return 1;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return 0;
	(void)libssl_trouble("handshake");
	return -1;
}

/* Behind ChangeCipherSpec stands the first record that is protected. */
static void
note_first(struct peer *p, const struct record *flight)
{
	enum { CCS = 20 };
	bool ccs = false;

	for (size_t at = 0, n; at + SEAL_HEADER <= flight->n; at += n) {
		n = SEAL_HEADER + ((size_t)flight->p[at + 3] << 8 | flight->p[at + 4]);
		if (ccs) {
			p->first_offset = p->offset + at;
			p->first_length = n;
		}
		ccs = flight->p[at] == CCS;
	}
}

bool
peer_shake(struct peer *p)
{
	struct record r;
	int done = 0;

	for (int ms = 0; done == 0 && ms < SHAKE_MS; ms += 20) {
		done = peer_step(p);
		if (!peer_take(p, &r))
			return false;
		note_first(p, &r);
		if (!peer_send(p, r.p, r.n))
			return false;
		if (done == 0)
			peer_wait(p, 20);
	}
	/* Number 0 was the Finished message's up to TLS 1.2; TLS 1.3 begins again behind it. */
	p->sequence = SSL_version(p->ssl) >= TLS1_3_VERSION ? 0 : 1;
	return done == 1 || (done == 0 && trouble("handshake: no end of it"));
}

bool
peer_make(struct peer *p, const char *text, struct record *out)
{
	int n = (int)strlen(text);

	if (SSL_write(p->ssl, text, n) != n)
		return libssl_trouble("SSL_write");
	if (!peer_take(p, out))
		return false;
	if (out->n < SEAL_HEADER || out->p[0] != SEAL_DATA ||
		out->n != SEAL_HEADER + ((size_t)out->p[3] << 8 | out->p[4]))
		return trouble("libssl made something else than one record of it");
	p->sequence++;
	p->index++;
	return true;
}

bool
peer_say(struct peer *p, const char *text)
{
	struct record r;

	return peer_make(p, text, &r) && peer_send(p, r.p, r.n);
}

void
peer_listen(struct peer *p, int ms)
{
	char room[4096];
	struct record r;

	for (int left = ms; !p->gone; left -= 5) {
		int n = SSL_read(p->ssl, room, sizeof room), error = SSL_get_error(p->ssl, n);
		if (n > 0)
			continue;
		if (error != SSL_ERROR_WANT_READ) {
			p->gone = true;
			if (error != SSL_ERROR_ZERO_RETURN)
				(void)libssl_trouble("error");
		}
		/* It may have an answer to what it read. */
		if (peer_take(p, &r) && r.n != 0)
			(void)peer_send(p, r.p, r.n);
		if (left <= 0)
			return;
		peer_wait(p, 5);
	}
}

void
peer_hold(const struct peer *p, bool hold)
{
#ifdef TCP_CORK
	int value = hold;

	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
#else
	(void)p;
	(void)hold;
#endif
}

void
peer_close(struct peer *p, bool orderly)
{
	struct record r;

	if (orderly && !p->gone) {
		(void)SSL_shutdown(p->ssl);
		if (peer_take(p, &r))
			(void)peer_send(p, r.p, r.n);
		peer_listen(p, LEAVE_MS);
	}
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

void
peer_free(struct peer *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	OPENSSL_cleanse(p->secret, sizeof p->secret);
	*p = (struct peer){.fd = -1};
}

/* splitmix64 */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
line_text(const struct settings *s, unsigned n, unsigned variant, char out[LINE_MAX_OCTETS])
{
	static const char letters[] = "BCDFGHJKLNPQSTVWXZ0123456789";
	static const size_t lengths[LINES] = {180, 700, 1300, 2900, 90, 1000, 400, 250};
	uint64_t state = s->seed * 1000 + n * 10 + variant;
	size_t length = lengths[n % LINES];

	for (size_t i = 0; i + 1 < length; i++)
		out[i] = letters[next(&state) % (sizeof letters - 1)];
	out[length - 1] = '\n';
	out[length] = '\0';
}
