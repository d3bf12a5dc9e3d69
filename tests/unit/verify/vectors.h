/* Rows of verify-vectors.tsv and of rfc8448.tsv, read one by one.
 * Knows how the files are written, not what a record means. */
#ifndef VECTORS_H
#define VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "verify/verify.h"

enum { FIELDS = 12, LINE = 16384, BYTES_MAX = 8192 };

/* Bytes in an allocation of just their size, so that a read past the end is seen. */
struct bytes {
	uint8_t *p;
	size_t n;
};

struct vectors {
	FILE *f;
	char line[LINE];
	char *field[FIELDS];
	size_t fields;
};

/* In the folder of these tests. */
void vectors_open(struct vectors *v, const char *name);
/* False at the end. Lines with # are left out. */
bool vectors_next(struct vectors *v);
void vectors_close(struct vectors *v);

/* "-" is empty. */
struct bytes bytes_of(const char *hex);
struct bytes bytes_copy(struct bm_view v);
void bytes_free(struct bytes *b);
static inline struct bm_view
bytes_view(struct bytes b)
{
	return bm_view(b.p, b.n);
}
uint64_t number_of(const char *hex);

#endif
