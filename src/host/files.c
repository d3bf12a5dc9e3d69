/* Files below a root, opened so that nothing of it can make the reader wait or look elsewhere. */
#define _GNU_SOURCE /* O_PATH, struct open_how */
#include "host/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

int
bm_root_open(struct bm_root *r, const char *path)
{
	r->live = path == NULL || strcmp(path, "/") == 0;
	r->fd = open(r->live ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r->fd >= 0 ? 0 : errno;
}

void
bm_root_close(struct bm_root *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
}

/* A copy may hold links that were right on the machine it comes from: without RESOLVE_IN_ROOT they
 * would show this machine's files as the other's. Where the kernel has no openat2, nothing is read
 * rather than that. */
static int
open_below(const struct bm_root *r, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_IN_ROOT};

	if (r->live)
		return openat(r->fd, path, flags);
	return (int)syscall(SYS_openat2, r->fd, path, &how, sizeof how);
}

bool
bm_root_moves(const struct bm_root *r)
{
	static const char *const places[] = {"proc", "sys"};
	bool moves = r->live;

	for (size_t i = 0; i < sizeof places / sizeof *places && !moves; i++) {
		struct statfs fs;
		int fd = open_below(r, places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstatfs(fd, &fs) == 0)
			moves = fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
					fs.f_type == FUSE_SUPER_MAGIC;
		(void)close(fd);
	}
	return moves;
}

static int
read_all(int fd, struct bm_buf *b)
{
	for (;;) {
		if (b->n == b->max) {
			char one;
			ssize_t more = read(fd, &one, 1);
			return more == 0 ? 0 : more < 0 ? errno : EFBIG;
		}
		size_t want = b->n < 4096 ? 4096 : b->n;
		if (want > b->max - b->n)
			want = b->max - b->n;
		if (bm_buf_reserve(b, want) != BM_OK)
			return ENOMEM;
		ssize_t got = read(fd, b->p + b->n, want);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return errno;
		if (got > 0)
			b->n += (size_t)got;
	}
}

int
bm_root_read(const struct bm_root *r, const char *path, struct bm_buf *b)
{
	struct stat st;
	int error;

	b->n = 0;
	/* A FIFO in a copy would make open wait for whoever writes to it. */
	int fd = open_below(r, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	else
		error = read_all(fd, b);
	(void)close(fd);
	if (error != 0)
		b->n = 0;
	return error;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
list(DIR *d, size_t max, struct bm_names *names)
{
	const struct dirent *e;
	size_t cap = 0;

	while (errno = 0, (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (names->n == max) {
			names->more = true;
			break;
		}
		if (bm_grow((void **)&names->at, &cap, names->n + 1, max, sizeof *names->at) != BM_OK)
			return ENOMEM;
		names->at[names->n] = strdup(e->d_name);
		if (names->at[names->n] == NULL)
			return ENOMEM;
		names->n++;
	}
	return errno;
}

int
bm_root_list(const struct bm_root *r, const char *path, size_t max, struct bm_names *names)
{
	*names = (struct bm_names){NULL, 0, false};
	int fd = open_below(r, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	DIR *d = fdopendir(fd);
	if (d == NULL) {
		int error = errno;
		(void)close(fd);
		return error;
	}
	int error = list(d, max, names);
	(void)closedir(d);
	if (error != 0)
		bm_names_free(names);
	else if (names->n != 0)
		qsort(names->at, names->n, sizeof *names->at, by_name);
	return error;
}

void
bm_names_free(struct bm_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct bm_names){NULL, 0, false};
}

int
bm_root_link(const struct bm_root *r, const char *path, char *out, size_t n)
{
	int fd = open_below(r, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ssize_t got = readlinkat(fd, "", out, n - 1);
	/* "" of what is no link is not there. */
	int error = got >= 0 ? 0 : errno == ENOENT ? EINVAL : errno;
	(void)close(fd);
	out[got < 0 ? 0 : got] = '\0';
	return error;
}
