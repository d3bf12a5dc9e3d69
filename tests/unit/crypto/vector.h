/* Hex vectors into bytes, for the tests of this folder. Knows no algorithm. */
#ifndef BM_TEST_VECTOR_H
#define BM_TEST_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define CHECK_STATUS(want, call) assert_int_equal((want), (call))

/* Storage for a few vectors at a time; a view lives until `hex_slots` more were made. */
enum { hex_slots = 16, hex_max = 512 };

static inline struct bm_view
hex(const char *text)
{
	static uint8_t slot[hex_slots][hex_max];
	static size_t next;
	uint8_t *p = slot[next++ % hex_slots];
	size_t n = strlen(text) / 2;

	assert_true(n <= hex_max && strlen(text) % 2 == 0);
	assert_true(bm_unhex(text, n, p));
	return bm_view(p, n);
}

static inline struct bm_view
str(const char *text)
{
	return bm_view(text, strlen(text));
}

/* xorshift64: the same bytes on every run. */
static inline uint64_t
random_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static inline void
random_fill(uint64_t *state, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(random_next(state) >> 32);
}

#endif
