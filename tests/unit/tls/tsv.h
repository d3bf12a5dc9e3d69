/* Reads the vectors of this folder. */
#ifndef BM_TEST_TSV_H
#define BM_TEST_TSV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tls/handshake.h"

enum { TSV_FIELDS = 17, TSV_LINE = 1 << 17 };

struct tsv {
	FILE *f;
	char line[TSV_LINE];
	char *field[TSV_FIELDS];
	size_t n;
};

void tsv_open(struct tsv *t, const char *name);
/* The next line that is no comment, split at tabs. Closes the file at its end. */
bool tsv_next(struct tsv *t);
/* The bytes of a hex field ("-": none), allocated to their exact size, so that a sanitizer sees
 * every step past the end; for free(). *v is a view of them. */
uint8_t *tsv_bytes(const char *field, struct bm_view *v);
/* The number in a hex field, 0 for "-". */
unsigned tsv_number(const char *field);
bool tsv_is(const char *field, struct bm_view v);

/* A copy of exactly v.n bytes; for free(). */
uint8_t *exact(struct bm_view v);
/* Pseudo-random, always the same. */
uint32_t rnd(void);

#endif
