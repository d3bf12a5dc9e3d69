/* Where the report goes. */
#ifndef BM_CLI_OUTPUT_H
#define BM_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct progress;

/* A regular file is replaced as a whole once the report is complete; until then it stays as it was.
 * Anything else (standard output, a pipe, a device) is written to as it comes. */
struct output {
	const char *name; /* for messages */
	int fd;
	char *path, *temporary;    /* of a file to be replaced; else NULL */
	bool failed;               /* a write went wrong, and it has been said */
	struct progress *progress; /* to be cleared before writing to a terminal; may be NULL */
	char *held;
	size_t n;
};

/* path: NULL or "-" for standard output. False: it has been said why not. */
bool output_open(struct output *o, const char *path);
/* What is written holds secrets: nobody but the owner may read the file, even if there was one that
 * others could. To be called before anything is written; pipes and devices stay as they are.
 * False: it has been said why not. */
bool output_private(struct output *o);
/* Whether the file that is to be written is this one. */
bool output_is(const char *path, dev_t device, ino_t inode);
/* Whether text that goes to this path (as above) is to have colors. asked: 1, 0; -1: as the
 * terminal is. */
bool output_has_color(const char *path, int asked);
/* Columns of a line of such text: those of the terminal (COLUMNS says it where it is set), between
 * 60 and 120; 0, the library's own number, where it goes elsewhere. */
unsigned output_columns(const char *path);
/* For badmac_options.write; ctx is the struct output. */
int output_write(void *ctx, const char *bytes, size_t n);
/* Writes what is held and puts the file in its place. False: it has been said why not. */
bool output_commit(struct output *o);
/* Leaves everything as it was, as far as that is possible; also after output_commit. */
void output_close(struct output *o);

#endif
