/* Files into memory, and streams behind read functions. */
#ifndef BM_CLI_INPUT_H
#define BM_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* A capture: mapped if it is a regular file, else read as it comes. Lives until the process ends.
 */
struct input_file {
	const char *path, *name; /* as given; as shown: "standard input" for "-" */
	int fd;                  /* -1: not open any more */
	const void *bytes;       /* of a mapped file */
	size_t n;
	bool stream, failed; /* failed: a read went wrong, and it has been said */
	bool any, ended;     /* of a stream: it had a byte; its end was reached */
	dev_t device;
	ino_t inode;
};

/* False: it has been said why not. path is kept. */
bool input_open(struct input_file *f, const char *path);
/* The same of a log: one without a byte is no trouble, for programs make them before they log. */
bool input_open_log(struct input_file *f, const char *path);
/* Whether all of it was read, and there was nothing. */
bool input_was_empty(const struct input_file *f);
/* For badmac_add_stream; ctx is the struct input_file. */
long input_read(void *ctx, uint8_t *p, size_t n);
/* For badmac_add_mapped, the same. */
bool input_read_at(void *ctx, uint64_t offset, uint8_t *p, size_t n);

/* All of it, piece by piece; false as soon as `take` says so, or a read goes wrong (it has been
 * said). What was read of a stream is wiped. */
bool input_each(
	struct input_file *f, bool (*take)(void *ctx, const uint8_t *p, size_t n), void *ctx);

/* All of a file of key material, to be given to input_forget. False: it has been said why not. */
bool input_secret(const char *path, uint8_t **bytes, size_t *n);
/* The same of another file, of so many octets at most. */
enum { INPUT_RULES_MOST = 64 << 20 };
bool input_whole(const char *path, size_t most, uint8_t **bytes, size_t *n);
void input_forget(uint8_t *bytes, size_t n);

#endif
