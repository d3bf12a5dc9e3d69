/* Command line, sockets of the loopback, and who speaks when. Refuses to know which library it is.
 */
#include "lab/peers/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 16384 };

void
peer_error(const char *what, const char *words)
{
	printf("error: %s: %s\n", what, words);
	(void)fflush(stdout);
}

static void
system_error(const char *what)
{
	peer_error(what, strerror(errno));
}

const char *
peer_path(const struct peer_setup *s, const char *name, char out[PEER_PATH])
{
	int n = snprintf(out, PEER_PATH, "%s/%s", s->folder, name);

	if (n < 0 || n >= PEER_PATH) {
		peer_error(name, "the folder's name is too long");
		exit(1);
	}
	return out;
}

static size_t
put_hex(char *out, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	return 2 * n;
}

void
peer_log(const struct peer_setup *s, const char *label, const uint8_t random[32],
	const uint8_t *secret, size_t n)
{
	char path[PEER_PATH], line[400];
	size_t at = strlen(label);

	if (!s->logs || at + 2 * (32 + n) + 3 > sizeof line)
		return;
	memcpy(line, label, at);
	line[at++] = ' ';
	at += put_hex(line + at, random, 32);
	line[at++] = ' ';
	at += put_hex(line + at, secret, n);
	line[at++] = '\n';
	int fd = open(peer_path(s, "keys.log", path), O_WRONLY | O_CREAT | O_APPEND, 0600);
	/* At once, so that lines of several writers stay whole. */
	if (fd < 0 || write(fd, line, at) != (ssize_t)at)
		system_error(path);
	if (fd >= 0)
		(void)close(fd);
}

static struct sockaddr_in
loopback(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

void
peer_await_room(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};

	(void)poll(&p, 1, -1);
}

/* A handshake waits for the other end; what comes after it must not. */
static void *
begin(const struct peer_library *l, int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	void *c = l->begin(fd);
	if (c != NULL)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return c;
}

static void
give_back(const struct peer_library *l, int fd)
{
	uint8_t piece[PIECE];
	void *c = begin(l, fd);
	int n;

	if (c == NULL)
		return;
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		if (!l->has_more(c))
			(void)poll(&p, 1, -1);
		n = l->read(c, piece, sizeof piece);
		if (n == PEER_LATER)
			continue;
		if (n <= 0 || !l->write(c, piece, (size_t)n))
			break;
	}
	if (n == 0)
		l->say_end(c);
	l->end(c);
}

/* One client after the other. */
static int
serve(const struct peer_library *l, unsigned port)
{
	struct sockaddr_in a = loopback(port);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
		bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0) {
		system_error("listen");
		return 1;
	}
	printf("listening\n");
	(void)fflush(stdout);
	for (;;) {
		int client = accept(fd, NULL, NULL);
		if (client < 0 && errno == EINTR)
			continue;
		if (client < 0) {
			system_error("accept");
			return 1;
		}
		give_back(l, client);
		(void)close(client);
	}
}

/* What standard input has goes out. *open becomes false at its end. */
static bool
say(const struct peer_library *l, void *c, bool *open)
{
	uint8_t piece[PIECE];
	ssize_t n = read(STDIN_FILENO, piece, sizeof piece);

	if (n > 0)
		return l->write(c, piece, (size_t)n);
	*open = false;
	l->say_end(c);
	return true;
}

/* Until the other end says no more, or something goes wrong. */
static bool
talk(const struct peer_library *l, void *c, int fd)
{
	uint8_t piece[PIECE];
	bool open = true;

	for (;;) {
		struct pollfd fds[2] = {{fd, POLLIN, 0}, {open ? STDIN_FILENO : -1, POLLIN, 0}};
		if (!l->has_more(c) && poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if (l->has_more(c) || fds[0].revents != 0) {
			int n = l->read(c, piece, sizeof piece);
			if (n <= 0 && n != PEER_LATER)
				return n == 0;
		} else if (fds[1].revents != 0 && !say(l, c, &open)) {
			return false;
		}
	}
}

static int
be_client(const struct peer_library *l, unsigned port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof a) != 0) {
		system_error("connect");
		return 1;
	}
	void *c = begin(l, fd);
	if (c == NULL)
		return 1;
	bool good = talk(l, c, fd);
	l->end(c);
	(void)close(fd);
	return good ? 0 : 1;
}

static bool
number(const char *text, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*out = (unsigned)v;
	return *text >= '0' && *text <= '9' && *end == '\0' && v <= max;
}

int
peer_main(const struct peer_library *l, int argc, char **argv)
{
	struct peer_setup s = {.server = argc > 1 && strcmp(argv[1], "server") == 0};
	unsigned port;

	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		l->say_version();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		l->say_abilities();
		return 0;
	}
	if (argc < 6 || (!s.server && strcmp(argv[1], "client") != 0) ||
		!number(argv[2], 65535, &port) || !number(argv[4], 65535, &s.version) ||
		!number(argv[5], 65535, &s.suite)) {
		fprintf(stderr,
			"usage: %s version|list\n"
			"       %s server|client PORT FOLDER VERSION SUITE [keys] [-no_etm]\n",
			argv[0], argv[0]);
		return 2;
	}
	s.folder = argv[3];
	for (int i = 6; i < argc; i++) {
		s.logs = s.logs || strcmp(argv[i], "keys") == 0;
		s.no_etm = s.no_etm || strcmp(argv[i], "-no_etm") == 0;
	}
	/* A peer that is gone is told of by write. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (!l->set_up(&s))
		return 1;
	return s.server ? serve(l, port) : be_client(l, port);
}
