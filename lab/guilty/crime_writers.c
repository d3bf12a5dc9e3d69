/* Crimes of programs that share what is for one writer alone: an SSL after fork(), a descriptor
 * that was closed; and one that forgets the rest of a write. Refuses to know how records are made.
 */
#include "lab/guilty/crimes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child does with its copy of the SSL; it ends up in r. */
typedef bool child_deed(struct scene *s, struct record *r);

static bool
say_line(struct scene *s, struct record *r)
{
	char text[LINE_MAX_OCTETS];

	line_text(s->s, s->s->record, 1, text);
	return peer_make(&s->peer, text, r);
}

/* Its teardown takes leave for the parent, too. */
static bool
say_goodbye(struct scene *s, struct record *r)
{
	(void)SSL_shutdown(s->peer.ssl);
	return peer_take(&s->peer, r);
}

struct child {
	pid_t pid;
	int fd; /* what the two say to each other */
};

/* It waits for a word, does its deed, and tells how long the record was. */
static void
be_child(struct scene *s, child_deed *deed, int fd)
{
	struct record r;
	char word;
	bool good = read(fd, &word, 1) == 1 && deed(s, &r) && r.n != 0 &&
				peer_send(&s->peer, r.p, r.n) && write(fd, &r.n, sizeof r.n) == (ssize_t)sizeof r.n;

	_exit(good ? 0 : 1);
}

/* From here on two processes have one state: the same sequence number, the same keys. */
static bool
have_child(struct scene *s, child_deed *deed, struct child *c)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return trouble("socketpair: %s", strerror(errno));
	(void)fflush(stdout);
	c->pid = fork();
	if (c->pid == 0) {
		(void)close(fds[0]);
		be_child(s, deed, fds[1]);
	}
	(void)close(fds[1]);
	c->fd = fds[0];
	return c->pid > 0 || trouble("fork: %s", strerror(errno));
}

/* Its turn, to the end of it. Octets that it sent count as ours do. */
static bool
let_child(struct scene *s, struct child *c, size_t *wrote)
{
	int status = -1;
	bool good =
		write(c->fd, "", 1) == 1 && read(c->fd, wrote, sizeof *wrote) == (ssize_t)sizeof *wrote;

	(void)close(c->fd);
	if (waitpid(c->pid, &status, 0) != c->pid || status != 0 || !good)
		return trouble("the child did not write");
	s->peer.offset += *wrote;
	return true;
}

static bool
fork_and_write(struct scene *s)
{
	struct peer *p = &s->peer;
	char text[LINE_MAX_OCTETS];
	struct record r;
	struct child c;
	size_t wrote = 0;

	if (!have_child(s, say_line, &c) || !let_child(s, &c, &wrote))
		return false;
	/* The receiver counts the child's record. */
	p->index++;
	confess_here(s, "sender-application");
	s->done.sequence++;
	line_text(s->s, s->s->record, 2, text);
	if (!peer_make(p, text, &r))
		return false;
	s->done.length = r.n;
	return peer_send(p, r.p, r.n);
}

/* The parent writes on, and then the child ends. */
static bool
fork_and_exit(struct scene *s)
{
	struct peer *p = &s->peer;
	char text[LINE_MAX_OCTETS];
	struct child c;
	size_t wrote = 0;

	line_text(s->s, s->s->record, 0, text);
	if (!have_child(s, say_goodbye, &c) || !peer_say(p, text))
		return false;
	confess_here(s, "sender-application");
	if (!let_child(s, &c, &wrote))
		return false;
	s->done.length = wrote;
	/* An alert is taken for application data by who sees TLS 1.3 from outside. */
	if (SSL_version(p->ssl) >= TLS1_3_VERSION)
		p->index++;
	else
		s->done.record = -1;
	return true;
}

/* send() took a part, and nobody looks at how much. */
static bool
write_short(struct scene *s)
{
	struct peer *p = &s->peer;
	struct confession *d = &s->done;
	char text[LINE_MAX_OCTETS];
	struct record r;

	confess_here(s, "sender-application");
	line_text(s->s, s->s->record, 0, text);
	if (!peer_make(p, text, &r))
		return false;
	size_t lost = r.n / 4;
	d->length = r.n;
	d->damaged = true;
	d->damage_off = r.n - lost;
	d->sent.n = lost;
	memcpy(d->sent.p, r.p + r.n - lost, lost);
	return peer_send(p, r.p, r.n - lost);
}

/* A log is opened and closed; its number is free then, and the socket gets it. */
static bool
open_and_close(struct scene *s)
{
	s->stale_fd = open("/dev/null", O_WRONLY);
	return s->stale_fd >= 0 ? close(s->stale_fd) == 0 : trouble("/dev/null: %s", strerror(errno));
}

/* Who wrote the log has the number still. */
static bool
write_stale(struct scene *s, const void *run, size_t n)
{
	struct peer *p = &s->peer;
	struct confession *d = &s->done;

	if (s->stale_fd != p->fd)
		return trouble("the socket did not get the number %d", s->stale_fd);
	confess_here(s, "sender-application");
	if (write(s->stale_fd, run, n) != (ssize_t)n)
		return trouble("write: %s", strerror(errno));
	p->offset += n;
	d->length = n;
	d->damaged = true;
	d->received.n = n;
	memcpy(d->received.p, run, n);
	return true;
}

static bool
write_log_line(struct scene *s)
{
	static const char line[] = "2026-01-01T00:00:00Z WARN pool: 3 of 8 workers are busy\n";

	return write_stale(s, line, sizeof line - 1);
}

/* A protocol without text: a length, a kind, and numbers. */
static bool
write_frame(struct scene *s)
{
	static const uint8_t frame[] = {0x00, 0x00, 0x00, 0x1c, 0x82, 0xff, 0x00, 0x91, 0xa4, 0x0c,
		0xe7, 0x00, 0x00, 0x01, 0x9b, 0x5d, 0xf0, 0x8e, 0x00, 0x00, 0x00, 0x00, 0x03, 0xb9, 0xac,
		0xca, 0x00, 0x88, 0x96, 0xd1, 0xfe, 0x07};

	return write_stale(s, frame, sizeof frame);
}

const struct crime crime_fork = {"fork", NULL, NULL, fork_and_write, NULL, NULL};
const struct crime crime_child_exit = {"child-exit", NULL, NULL, fork_and_exit, NULL, NULL};
const struct crime crime_short_write = {"short-write", NULL, NULL, write_short, NULL, NULL};
const struct crime crime_log_line = {"log-line", open_and_close, NULL, write_log_line, NULL, NULL};
const struct crime crime_stale_writer = {
	"stale-writer", open_and_close, NULL, write_frame, NULL, NULL};
