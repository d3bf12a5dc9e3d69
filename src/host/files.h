/* Reads small files of a machine: those of /proc and /sys, or of a copy of them in a folder.
 * Refuses to know what is in them. */
#ifndef BM_HOST_FILES_H
#define BM_HOST_FILES_H

#include "base/buf.h"

#include <stdbool.h>

/* Longer than any that is read: a processor's entry in /proc/cpuinfo has some 1500 octets, and
 * there may be hundreds. */
enum { BM_HOST_FILE_MAX = 4 << 20 };

/* A machine's files. Of a folder no link leads out of it: an absolute one is taken from the folder,
 * as chroot(2) would. */
struct bm_root {
	int fd;
	bool live; /* this machine, not a copy */
};

/* path: NULL or "/" for this machine. 0, or an errno; then there is nothing to close. */
int bm_root_open(struct bm_root *r, const char *path);
void bm_root_close(struct bm_root *r);

/* Whether its files can change by themselves: this machine, and a folder in which a kernel (or a
 * program, by FUSE) shows them. A copy's do not. */
bool bm_root_moves(const struct bm_root *r);

/* Replaces what b holds by the file's bytes; path has no slash in front. 0, or an errno: EINVAL for
 * what is no regular file, EFBIG past b->max; b is empty then. The caller clears b. */
int bm_root_read(const struct bm_root *r, const char *path, struct bm_buf *b);

/* A folder's entries without . and .., sorted; at most `max` of them, the rest are
 * passed over. 0, or an errno and no names. *names is to be freed with bm_names_free. */
struct bm_names {
	char **at;
	size_t n;
	bool more; /* there were more than max */
};
int bm_root_list(const struct bm_root *r, const char *path, size_t max, struct bm_names *names);
void bm_names_free(struct bm_names *names);

/* Where a link leads, as it stands; out is ended by a zero octet. 0, or an errno. */
int bm_root_link(const struct bm_root *r, const char *path, char *out, size_t n);

#endif
