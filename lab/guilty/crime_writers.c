/* Crimes of programs that share what is for one writer alone: an SSL after fork(), a descriptor
 * that was closed; and one that forgets the rest of a write. Refuses to know how records are made.
 */
#include "lab/guilty/crimes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child says a line on its copy of the SSL, and how long its record was. */
static void
be_child(struct scene *s, int tell)
{
	char text[LINE_MAX_OCTETS];
	struct record r;

	line_text(s->s, s->s->record, 1, text);
	bool good = peer_make(&s->peer, text, &r) && peer_send(&s->peer, r.p, r.n) &&
				write(tell, &r.n, sizeof r.n) == (ssize_t)sizeof r.n;
	_exit(good ? 0 : 1);
}

/* Both processes go on with one state: the same sequence number, the same keys. */
static bool
fork_and_write(struct scene *s)
{
	struct peer *p = &s->peer;
	char text[LINE_MAX_OCTETS];
	struct record r;
	size_t child_wrote = 0;
	int fds[2], status = -1;

	if (pipe(fds) != 0)
		return trouble("pipe: %s", strerror(errno));
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		be_child(s, fds[1]);
	(void)close(fds[1]);
	bool heard = read(fds[0], &child_wrote, sizeof child_wrote) == (ssize_t)sizeof child_wrote;
	(void)close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 || !heard)
		return trouble("the child did not write");
	/* The receiver counts the child's record. */
	p->offset += child_wrote;
	confess_here(s, "sender-application");
	s->done.record++;
	s->done.sequence++;
	line_text(s->s, s->s->record, 2, text);
	if (!peer_make(p, text, &r) || !peer_send(p, r.p, r.n))
		return false;
	s->done.length = r.n;
	p->index++;
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

const struct crime crime_fork = {"fork", NULL, NULL, fork_and_write, NULL};
const struct crime crime_short_write = {"short-write", NULL, NULL, write_short, NULL};
const struct crime crime_log_line = {"log-line", open_and_close, NULL, write_log_line, NULL};
const struct crime crime_stale_writer = {"stale-writer", open_and_close, NULL, write_frame, NULL};
