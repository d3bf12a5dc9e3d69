/* Writes the report. Refuses to leave half of one in the place of a file. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/output.h"

#include "cli/cli.h"
#include "cli/guard.h"
#include "cli/input.h"
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { HELD_MAX = 1 << 16 };

static bool
trouble(struct output *o)
{
	say("%s: %s", o->name, strerror(errno));
	o->failed = true;
	return false;
}

static char *
beside(const char *path)
{
	static const char tail[] = ".XXXXXX";
	size_t n = strlen(path) + sizeof tail;
	char *s = malloc(n);

	if (s != NULL)
		(void)snprintf(s, n, "%s%s", path, tail);
	return s;
}

static mode_t
mode_of_new_files(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return 0666 & ~mask;
}

/* Where a file that is not there yet will be, once it is made: at the end of the links that lead
 * there. To be freed; NULL: errno says why. */
static char *
end_of_links(const char *path)
{
	enum { LINKS = 40, LENGTH = 4096 };
	char *at = strdup(path), target[LENGTH];

	for (int i = 0; at != NULL && i <= LINKS; i++) {
		ssize_t n = readlink(at, target, sizeof target - 1);
		if (n < 0)
			return at;
		target[n] = '\0';
		const char *slash = strrchr(at, '/');
		size_t folder = target[0] == '/' || slash == NULL ? 0 : (size_t)(slash - at) + 1;
		char *next = malloc(folder + (size_t)n + 1);
		if (next != NULL) {
			memcpy(next, at, folder);
			memcpy(next + folder, target, (size_t)n + 1);
		}
		free(at);
		at = next;
	}
	int error = at != NULL ? ELOOP : ENOMEM;
	free(at);
	errno = error;
	return NULL;
}

/* st: of the file as it is, NULL if there is none. */
static bool
open_beside(struct output *o, const struct stat *st)
{
	o->temporary = beside(o->path);
	if (o->temporary == NULL)
		return trouble(o);
	o->fd = guard_make(o->temporary);
	if (o->fd < 0) {
		int error = errno;
		free(o->temporary);
		o->temporary = NULL;
		errno = error;
		/* A file that may be written in a folder that may not. */
		if (st != NULL && (error == EACCES || error == EROFS || error == EPERM))
			o->fd = open(o->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		return o->fd >= 0 || trouble(o);
	}
	if (fchmod(o->fd, st != NULL ? st->st_mode & 0777 : mode_of_new_files()) != 0)
		return trouble(o);
	return true;
}

/* https://no-color.org: any value but the empty one. */
bool
output_has_color(const char *path, int asked)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (asked >= 0)
		return asked == 1;
	return (path == NULL || strcmp(path, "-") == 0) && isatty(STDOUT_FILENO) &&
		   (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

unsigned
output_columns(const char *path)
{
	enum { LEAST = 60, MOST = 120 };
	const char *said = getenv("COLUMNS");
	struct winsize size;
	long n = 0;

	if ((path != NULL && strcmp(path, "-") != 0) || !isatty(STDOUT_FILENO))
		return 0;
	if (said != NULL)
		n = strtol(said, NULL, 10);
	if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		n = size.ws_col;
	if (n <= 0)
		return 0;
	return n < LEAST ? LEAST : n > MOST ? MOST : (unsigned)n;
}

bool
output_open(struct output *o, const char *path)
{
	struct stat st;

	*o = (struct output){.name = "standard output", .fd = STDOUT_FILENO};
	o->held = malloc(HELD_MAX);
	if (o->held == NULL)
		return trouble(o);
	if (path == NULL || strcmp(path, "-") == 0)
		return true;
	o->name = path;
	bool exists = stat(path, &st) == 0;
	if (!exists && errno != ENOENT)
		return trouble(o);
	if (exists && !S_ISREG(st.st_mode)) {
		o->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return o->fd >= 0 || trouble(o);
	}
	if (exists && access(path, W_OK) != 0)
		return trouble(o);
	/* A link stays one. */
	o->path = exists ? realpath(path, NULL) : end_of_links(path);
	return o->path != NULL ? open_beside(o, exists ? &st : NULL) : trouble(o);
}

bool
output_private(struct output *o)
{
	return o->path == NULL || fchmod(o->fd, 0600) == 0 || trouble(o);
}

bool
output_is(const char *path, dev_t device, ino_t inode)
{
	struct stat st;

	return path != NULL && strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		   st.st_dev == device && st.st_ino == inode;
}

static bool
flush(struct output *o)
{
	size_t done = 0;

	if (o->progress != NULL)
		progress_clear(o->progress);
	while (done < o->n && !o->failed) {
		ssize_t w = write(o->fd, o->held + done, o->n - done);
		if (w >= 0)
			done += (size_t)w;
		else if (errno != EINTR)
			return trouble(o);
	}
	o->n = 0;
	return !o->failed;
}

int
output_write(void *ctx, const char *bytes, size_t n)
{
	struct output *o = ctx;

	while (n != 0) {
		size_t piece = n < HELD_MAX - o->n ? n : HELD_MAX - o->n;
		memcpy(o->held + o->n, bytes, piece);
		o->n += piece;
		bytes += piece;
		n -= piece;
		if (o->n == HELD_MAX && !flush(o))
			return -1;
	}
	return o->failed ? -1 : 0;
}

bool
output_commit(struct output *o)
{
	int fd = o->fd;

	if (!flush(o))
		return false;
	/* Some file systems tell only now that there was no room. */
	o->fd = -1;
	if (close(fd) != 0)
		return trouble(o);
	if (o->temporary == NULL)
		return true;
	if (rename(o->temporary, o->path) != 0)
		return trouble(o);
	guard_finished(o->temporary);
	free(o->temporary);
	o->temporary = NULL;
	return true;
}

void
output_close(struct output *o)
{
	if (o->fd > STDERR_FILENO)
		(void)close(o->fd);
	if (o->temporary != NULL)
		(void)unlink(o->temporary);
	guard_finished(o->temporary);
	free(o->temporary);
	free(o->path);
	/* Key logs pass through it too. */
	input_forget((uint8_t *)o->held, HELD_MAX);
}
