/* A SOAP server as it stood on a mainframe in 2011: TLS 1.0, TLS_RSA_WITH_RC4_128_SHA, sessions
 * resumed, a process for each connection. Every answer goes out in three records, and the last of
 * them is now and then spoilt on purpose. Knows HTTP as far as it must; refuses to know who is
 * calling, and what becomes of its records on their way.
 *
 * usage: mainframe CERTIFICATE KEY ANSWERS-A-CONNECTION none|skipped|keystream|twice [ANSWER]...
 * The numbers name the answers, from 0, that are to be spoilt. Says "port N", then one line for
 * each fault: "fault CLIENT-RANDOM SEQUENCE-NUMBER". Ends when its standard input does. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MAC = 20,
	/* Octets of content; on the wire with their MAC they are 483, 16148 and 282. */
	HEAD = 483 - MAC,
	PAGE = 16148 - MAC,
	REST = 282 - MAC,
	SESSIONS = 32,
	SESSION_MAX = 4096,
	REQUEST_MAX = 16384,
	FAULTS_MAX = 64,
	PATIENCE_S = 60 /* no process outlives its client for longer */
};

static const char *const priority = "NONE:+VERS-TLS1.0:+ARCFOUR-128:+SHA1:+RSA:+COMP-NULL:+SIGN-"
									"ALL:%NO_TICKETS:%NO_SESSION_HASH:%NO_ETM";

/* Shared by all processes of the server. */
struct shared {
	atomic_uint answers;
	pthread_mutex_t lock; /* of all that follows */
	unsigned next;
	struct kept {
		uint8_t id[32], data[SESSION_MAX];
		unsigned id_len, data_len; /* id_len 0: free */
	} kept[SESSIONS];
};

enum fault { NONE, SKIPPED, KEYSTREAM, TWICE };

struct server {
	struct shared *shared;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	unsigned long per_connection;
	enum fault fault;
	unsigned long spoilt[FAULTS_MAX];
	size_t spoilt_count;
};

/* One connection. */
struct line {
	const struct server *server;
	gnutls_session_t tls;
	int fd;
	bool lose; /* what is pushed now never gets out */
};

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "mainframe: %s: %s\n", what, why);
	exit(1);
}

/* ---- Sessions ----------------------------------------------------------------------------------
 */

static struct kept *
find(struct shared *s, gnutls_datum_t key)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (s->kept[i].id_len == key.size && memcmp(s->kept[i].id, key.data, key.size) == 0)
			return &s->kept[i];
	return NULL;
}

static int
store(void *arg, gnutls_datum_t key, gnutls_datum_t data)
{
	struct shared *s = arg;

	if (key.size == 0 || key.size > sizeof s->kept[0].id || data.size > SESSION_MAX)
		return -1;
	pthread_mutex_lock(&s->lock);
	struct kept *k = &s->kept[s->next++ % SESSIONS];
	memcpy(k->id, key.data, key.size);
	memcpy(k->data, data.data, data.size);
	k->id_len = key.size;
	k->data_len = data.size;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static gnutls_datum_t
retrieve(void *arg, gnutls_datum_t key)
{
	struct shared *s = arg;
	gnutls_datum_t out = {NULL, 0};

	pthread_mutex_lock(&s->lock);
	const struct kept *k = find(s, key);
	if (k != NULL && (out.data = gnutls_malloc(k->data_len)) != NULL) {
		memcpy(out.data, k->data, k->data_len);
		out.size = k->data_len;
	}
	pthread_mutex_unlock(&s->lock);
	return out;
}

static int
forget(void *arg, gnutls_datum_t key)
{
	struct shared *s = arg;

	pthread_mutex_lock(&s->lock);
	struct kept *k = find(s, key);
	if (k != NULL)
		k->id_len = 0;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* ---- Records -----------------------------------------------------------------------------------
 */

static ssize_t
push(gnutls_transport_ptr_t p, const void *data, size_t n)
{
	const struct line *l = p;

	return l->lose ? (ssize_t)n : send(l->fd, data, n, MSG_NOSIGNAL);
}

static ssize_t
pull(gnutls_transport_ptr_t p, void *data, size_t n)
{
	const struct line *l = p;

	return recv(l->fd, data, n, 0);
}

static int
wait_for_data(gnutls_transport_ptr_t p, unsigned ms)
{
	struct pollfd f = {.fd = ((const struct line *)p)->fd, .events = POLLIN};

	return poll(&f, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

/* One record. */
static bool
say(struct line *l, const char *text, size_t n)
{
	ssize_t done;

	do
		done = gnutls_record_send(l->tls, text, n);
	while (done == GNUTLS_E_INTERRUPTED || done == GNUTLS_E_AGAIN);
	return done == (ssize_t)n;
}

static void
next_number(struct line *l, uint8_t number[8])
{
	if (gnutls_record_get_state(l->tls, 0, NULL, NULL, NULL, number) != 0)
		die("sequence number", "not to be had");
}

/* Says which record will be wrong, by the number that the client waits for: that of the next to be
 * written, and so many more as the client has had already. */
static void
confess(struct line *l, unsigned more)
{
	gnutls_datum_t client, server;
	uint8_t number[8];
	uint64_t seq = 0;
	char text[128];
	int at = snprintf(text, sizeof text, "fault ");

	gnutls_session_get_random(l->tls, &client, &server);
	for (unsigned i = 0; i < client.size && i < 32; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%02x", client.data[i]);
	next_number(l, number);
	for (size_t i = 0; i < sizeof number; i++)
		seq = seq << 8 | number[i];
	at += snprintf(text + at, sizeof text - (size_t)at, " %llu\n", (unsigned long long)seq + more);
	if (write(STDOUT_FILENO, text, (size_t)at) != at)
		die("standard output", strerror(errno));
}

/* Builds and enciphers a record that never gets out. counted: the sequence number goes on with the
 * keystream. */
static void
say_nothing(struct line *l, const char *text, size_t n, bool counted)
{
	uint8_t number[8];

	next_number(l, number);
	l->lose = true;
	say(l, text, n);
	l->lose = false;
	if (!counted && gnutls_record_set_state(l->tls, 0, number) != 0)
		die("sequence number", "not to be set");
}

/* The page is sent by a child, which takes its copy of the keystream and the sequence number with
 * it: here both stand where they stood. */
static bool
say_from_a_child(struct line *l, const char *text, size_t n)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return false;
	if (child == 0)
		_exit(say(l, text, n) ? 0 : 1);
	return waitpid(child, &status, 0) == child && status == 0;
}

/* ---- HTTP --------------------------------------------------------------------------------------
 */

/* Reads one request. False: there is no further one. */
static bool
hear(struct line *l)
{
	static char text[REQUEST_MAX + 1];
	size_t have = 0;

	while (have < REQUEST_MAX) {
		ssize_t n = gnutls_record_recv(l->tls, text + have, REQUEST_MAX - have);
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
		text[have] = '\0';
		const char *end = strstr(text, "\r\n\r\n");
		const char *length = strstr(text, "Content-Length: ");
		if (end == NULL)
			continue;
		size_t body = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
		if (have - (size_t)(end + 4 - text) >= body)
			return true;
	}
	return false;
}

/* Head, page and rest, each to be a record. */
static void
compose(char *text, unsigned answer, bool last)
{
	int n = snprintf(text, HEAD,
		"HTTP/1.1 200 OK\r\nServer: CICS_Transaction_Server/3.2.0\r\nContent-Type: text/xml; "
		"charset=utf-8\r\n"
		"Content-Length: %d\r\nConnection: %s\r\nX-Answer: ",
		PAGE + REST, last ? "close" : "Keep-Alive");

	memset(text + n, '0', HEAD - (size_t)n - 4);
	memcpy(text + HEAD - 4, "\r\n\r\n", 4);
	for (size_t at = HEAD, row = 0; at < HEAD + PAGE + REST; at += (size_t)n, row++) {
		char line[64];
		n = snprintf(line, sizeof line, "<row n=\"%03zu\" account=\"%06u\">EUR %07zu.00</row>\n",
			row, answer, row * row * 37);
		if ((size_t)n > HEAD + PAGE + REST - at)
			n = (int)(HEAD + PAGE + REST - at);
		memcpy(text + at, line, (size_t)n);
	}
}

static bool
answer(struct line *l, bool last)
{
	static char text[HEAD + PAGE + REST];
	const struct server *s = l->server;
	unsigned number = atomic_fetch_add(&s->shared->answers, 1);
	bool spoilt = false;

	for (size_t i = 0; i < s->spoilt_count; i++)
		spoilt = spoilt || s->spoilt[i] == number;
	compose(text, number, last);
	const char *page = text + HEAD, *rest = page + PAGE;
	if (!say(l, text, HEAD))
		return false;
	if (spoilt && s->fault == TWICE) {
		if (!say_from_a_child(l, page, PAGE))
			return false;
		confess(l, 1); /* it has had the page under this one */
		return say(l, rest, REST);
	}
	if (!say(l, page, PAGE))
		return false;
	if (spoilt && (s->fault == SKIPPED || s->fault == KEYSTREAM)) {
		/* Thrown away before it got out, and then built anew. */
		confess(l, 0);
		say_nothing(l, rest, REST, s->fault == SKIPPED);
	}
	return say(l, rest, REST);
}

static void
serve(const struct server *s, int fd)
{
	struct line l = {.server = s, .fd = fd};
	int r;

	if (gnutls_init(&l.tls, GNUTLS_SERVER) != 0 || gnutls_priority_set(l.tls, s->priorities) != 0)
		return;
	gnutls_credentials_set(l.tls, GNUTLS_CRD_CERTIFICATE, s->credentials);
	gnutls_db_set_ptr(l.tls, s->shared);
	gnutls_db_set_store_function(l.tls, store);
	gnutls_db_set_retrieve_function(l.tls, retrieve);
	gnutls_db_set_remove_function(l.tls, forget);
	gnutls_transport_set_ptr(l.tls, &l);
	gnutls_transport_set_push_function(l.tls, push);
	gnutls_transport_set_pull_function(l.tls, pull);
	gnutls_transport_set_pull_timeout_function(l.tls, wait_for_data);
	do
		r = gnutls_handshake(l.tls);
	while (r < 0 && !gnutls_error_is_fatal(r));
	if (r == 0) {
		unsigned long n = 0;
		while (n < s->per_connection && hear(&l) && answer(&l, n + 1 == s->per_connection))
			n++;
		if (n == s->per_connection)
			gnutls_bye(l.tls, GNUTLS_SHUT_WR);
	}
	gnutls_deinit(l.tls);
	close(fd);
}

static int
listen_on_loopback(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0 ||
		getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		die("port", strerror(errno));
	printf("port %u\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void
prepare(struct server *s, char **argv, int argc)
{
	static const char *const names[] = {"none", "skipped", "keystream", "twice"};
	pthread_mutexattr_t attr;
	const char *at;
	int r;

	s->per_connection = strtoul(argv[3], NULL, 10);
	while (s->fault <= TWICE && strcmp(argv[4], names[s->fault]) != 0)
		s->fault++;
	if (s->fault > TWICE || s->per_connection == 0 || argc - 5 > FAULTS_MAX)
		die(argv[4], "no such fault, or no such number");
	for (int i = 5; i < argc; i++)
		s->spoilt[s->spoilt_count++] = strtoul(argv[i], NULL, 10);
	s->shared =
		mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED)
		die("memory", strerror(errno));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&s->shared->lock, &attr);
	if ((r = gnutls_priority_init(&s->priorities, priority, &at)) != 0)
		die(at, gnutls_strerror(r));
	if ((r = gnutls_certificate_allocate_credentials(&s->credentials)) != 0 ||
		(r = gnutls_certificate_set_x509_key_file(
			 s->credentials, argv[1], argv[2], GNUTLS_X509_FMT_PEM)) != 0)
		die(argv[1], gnutls_strerror(r));
}

int
main(int argc, char **argv)
{
	static struct server s;

	if (argc < 5) {
		fprintf(stderr,
			"usage: mainframe CERTIFICATE KEY ANSWERS-A-CONNECTION none|skipped|keystream|twice "
			"[ANSWER]...\n");
		return 2;
	}
	prepare(&s, argv, argc);
	signal(SIGCHLD, SIG_IGN); /* nobody waits for connections */
	int listening = listen_on_loopback();
	struct pollfd f[2] = {
		{.fd = listening, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	while (poll(f, 2, -1) > 0 || errno == EINTR) {
		char byte;
		if (f[1].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			break;
		if (f[0].revents == 0)
			continue;
		int fd = accept(listening, NULL, NULL), on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		pid_t child = fd < 0 ? -1 : fork();
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			alarm(PATIENCE_S);
			signal(SIGCHLD, SIG_DFL);
			close(listening);
			serve(&s, fd);
			_exit(0);
		}
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
