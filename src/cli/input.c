/* Opens what is to be read. Refuses to know what is in it. */
#define _GNU_SOURCE /* explicit_bzero, F_SETPIPE_SZ */
#include "cli/input.h"

#include "cli/cli.h"
#include "cli/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static const uint64_t secret_max = (uint64_t)4 << 30;

enum {
	OPEN_MAX_FILES = 128,
	PIPE_OCTETS = 1 << 20 /* as much as anybody may ask for (pipe(7)) */
};
static unsigned files_open;

/* A process may not have many files open; of many captures each is likely to be small. */
static bool
may_stay_open(void)
{
	struct rlimit l;
	rlim_t most = OPEN_MAX_FILES;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur / 2 < most)
		most = l.rlim_cur / 2;
	return files_open < most;
}

static bool
is_standard_input(const char *path)
{
	return strcmp(path, "-") == 0;
}

static bool
trouble(const char *name, const char *what)
{
	say("%s: %s", name, what);
	return false;
}

/* A descriptor that can be read from, and what is behind it. */
static bool
open_to_read(const char *path, const char *name, int *fd, struct stat *st)
{
	*fd = is_standard_input(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0 || fstat(*fd, st) != 0)
		return trouble(name, strerror(errno));
	if (S_ISDIR(st->st_mode))
		return trouble(name, strerror(EISDIR));
	return true;
}

static bool
map(struct input_file *f, const struct stat *st)
{
	if ((uintmax_t)st->st_size > SIZE_MAX)
		return trouble(f->name, strerror(EFBIG));
	f->n = (size_t)st->st_size;
	void *p = mmap(NULL, f->n, PROT_READ, MAP_PRIVATE, f->fd, 0);
	if (p == MAP_FAILED) {
		f->stream = errno == ENODEV || errno == EACCES; /* a file system without maps */
		return f->stream || trouble(f->name, strerror(errno));
	}
	f->bytes = p;
	(void)posix_madvise(p, f->n, POSIX_MADV_SEQUENTIAL);
	if (f->fd != STDIN_FILENO && !may_stay_open()) {
		(void)close(f->fd);
		f->fd = -1;
	} else {
		files_open++;
	}
	return guard_map(p, f->n, f->name) || trouble(f->name, strerror(ENOMEM));
}

static bool
open_input(struct input_file *f, const char *path, bool may_be_empty)
{
	struct stat st;

	*f = (struct input_file){
		.path = path, .name = is_standard_input(path) ? "standard input" : path, .fd = -1};
	if (!open_to_read(path, f->name, &f->fd, &st))
		return false;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	char first;
	if (!may_be_empty && S_ISREG(st.st_mode) && st.st_size == 0 && pread(f->fd, &first, 1, 0) == 0)
		return trouble(f->name, "empty file");
	/* Redirected standard input may stand anywhere; files of /proc say that they have no size. */
	bool from_start = !is_standard_input(path) || lseek(f->fd, 0, SEEK_CUR) == 0;
	if (S_ISREG(st.st_mode) && from_start && st.st_size != 0)
		return map(f, &st);
#ifdef F_SETPIPE_SZ
	/* The more a read brings, the better; where it is no pipe, or nobody has so much, so be it. */
	(void)fcntl(f->fd, F_SETPIPE_SZ, PIPE_OCTETS);
#endif
	f->stream = true;
	return true;
}

bool
input_open(struct input_file *f, const char *path)
{
	return open_input(f, path, false);
}

bool
input_open_log(struct input_file *f, const char *path)
{
	return open_input(f, path, true);
}

bool
input_was_empty(const struct input_file *f)
{
	return f->stream && f->ended && !f->any;
}

long
input_read(void *ctx, uint8_t *p, size_t n)
{
	struct input_file *f = ctx;
	ssize_t got;

	do
		got = read(f->fd, p, n);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		f->failed = true;
		say("%s: %s", f->name, strerror(errno));
	}
	f->any = f->any || got > 0;
	f->ended = f->ended || got == 0;
	return got;
}

bool
input_read_at(void *ctx, uint64_t offset, uint8_t *p, size_t n)
{
	const struct input_file *f = ctx;

	while (n != 0 && f->fd >= 0) {
		ssize_t got = pread(f->fd, p, n, (off_t)offset);
		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got < 0)
			continue;
		p += got;
		offset += (size_t)got;
		n -= (size_t)got;
	}
	return n == 0;
}

void
input_forget(uint8_t *bytes, size_t n)
{
	if (bytes != NULL)
		explicit_bzero(bytes, n);
	free(bytes);
}

bool
input_each(struct input_file *f, bool (*take)(void *ctx, const uint8_t *p, size_t n), void *ctx)
{
	enum { PIECE = 1 << 18 };
	long got = 1;

	if (!f->stream)
		return take(ctx, f->bytes, f->n);
	uint8_t *piece = malloc(PIECE);
	if (piece == NULL)
		return trouble(f->name, strerror(errno));
	while (got > 0) {
		got = input_read(f, piece, PIECE);
		if (got > 0 && !take(ctx, piece, (size_t)got))
			got = -1;
	}
	input_forget(piece, PIECE);
	return got == 0;
}

/* Not realloc, which would leave a copy behind. */
static bool
grow(uint8_t **bytes, size_t n, size_t *cap)
{
	size_t want = *cap != 0 ? *cap * 2 : 1 << 16;

	if (want > secret_max || want < *cap) {
		errno = EFBIG;
		return false;
	}
	uint8_t *more = malloc(want);
	if (more == NULL)
		return false;
	if (n != 0)
		memcpy(more, *bytes, n);
	input_forget(*bytes, n);
	*bytes = more;
	*cap = want;
	return true;
}

bool
input_secret(const char *path, uint8_t **bytes, size_t *n)
{
	return input_whole(path, secret_max, bytes, n);
}

bool
input_whole(const char *path, size_t most, uint8_t **bytes, size_t *n)
{
	const char *name = is_standard_input(path) ? "standard input" : path;
	size_t cap = 0;
	struct stat st;
	ssize_t got = 1;
	int fd;

	*bytes = NULL;
	*n = 0;
	if (!open_to_read(path, name, &fd, &st))
		return false;
	/* The octet more is for the read that says that it ends. */
	if (S_ISREG(st.st_mode) && st.st_size > 0 && (uintmax_t)st.st_size < secret_max) {
		*bytes = malloc((size_t)st.st_size + 1);
		cap = *bytes != NULL ? (size_t)st.st_size + 1 : 0;
	}
	while (got != 0) {
		if (*n > most) {
			errno = EFBIG;
			got = -1;
		} else if (*n == cap && !grow(bytes, *n, &cap))
			got = -1;
		else
			got = read(fd, *bytes + *n, cap - *n);
		if (got > 0)
			*n += (size_t)got;
		else if (got < 0 && errno != EINTR)
			break;
	}
	int error = errno;
	if (fd != STDIN_FILENO)
		(void)close(fd);
	if (got == 0)
		return true;
	input_forget(*bytes, *n);
	*bytes = NULL;
	return trouble(name, strerror(error));
}
