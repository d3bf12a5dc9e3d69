/* Byte views and a bounds-checked reader.
 * Knows nothing of the network; every wire read in badmac goes through here. */
#ifndef BM_BASE_BYTES_H
#define BM_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed run of bytes. p may be NULL only when n is 0. */
struct bm_view {
	const uint8_t *p;
	size_t n;
};

static inline struct bm_view
bm_view(const void *p, size_t n)
{
	return (struct bm_view){(const uint8_t *)p, n};
}

static inline bool
bm_view_equal(struct bm_view a, struct bm_view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Reads forward through a view. The first read past the end sets `bad` for
 * good; from then on every read yields zero or an empty view, so a parser may
 * read a whole structure straight down and ask once at the end. */
struct bm_reader {
	const uint8_t *p;
	size_t n;
	size_t off;
	bool bad;
};

static inline struct bm_reader
bm_reader(struct bm_view v)
{
	return (struct bm_reader){v.p, v.n, 0, false};
}

static inline size_t
bm_left(const struct bm_reader *r)
{
	return r->bad ? 0 : r->n - r->off;
}

/* The next n bytes, borrowed from the underlying view; empty when they are not there. */
static inline struct bm_view
bm_take(struct bm_reader *r, size_t n)
{
	if (r->bad || n > r->n - r->off) {
		r->bad = true;
		return (struct bm_view){NULL, 0};
	}
	struct bm_view v = {n != 0 ? r->p + r->off : NULL, n};
	r->off += n;
	return v;
}

static inline struct bm_view
bm_take_rest(struct bm_reader *r)
{
	return bm_take(r, bm_left(r));
}

static inline void
bm_skip(struct bm_reader *r, size_t n)
{
	(void)bm_take(r, n);
}

/* Big-endian ("network order") loads from memory known to be long enough. */
static inline uint16_t
bm_load16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t
bm_load24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t
bm_load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
bm_load64(const uint8_t *p)
{
	return (uint64_t)bm_load32(p) << 32 | bm_load32(p + 4);
}

static inline void
bm_store16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
bm_store32(uint8_t *p, uint32_t v)
{
	bm_store16(p, v >> 16);
	bm_store16(p + 2, v & 0xffff);
}

static inline void
bm_store64(uint8_t *p, uint64_t v)
{
	bm_store32(p, (uint32_t)(v >> 32));
	bm_store32(p + 4, (uint32_t)v);
}

static inline uint8_t
bm_u8(struct bm_reader *r)
{
	struct bm_view v = bm_take(r, 1);
	return v.n != 0 ? v.p[0] : 0;
}

static inline uint16_t
bm_u16(struct bm_reader *r)
{
	struct bm_view v = bm_take(r, 2);
	return v.n != 0 ? bm_load16(v.p) : 0;
}

static inline uint32_t
bm_u24(struct bm_reader *r)
{
	struct bm_view v = bm_take(r, 3);
	return v.n != 0 ? bm_load24(v.p) : 0;
}

static inline uint32_t
bm_u32(struct bm_reader *r)
{
	struct bm_view v = bm_take(r, 4);
	return v.n != 0 ? bm_load32(v.p) : 0;
}

static inline uint64_t
bm_u64(struct bm_reader *r)
{
	struct bm_view v = bm_take(r, 8);
	return v.n != 0 ? bm_load64(v.p) : 0;
}

/* A vector with an 8, 16 or 24 bit length in front (RFC 8446, section 3.4). */
static inline struct bm_view
bm_vec8(struct bm_reader *r)
{
	return bm_take(r, bm_u8(r));
}

static inline struct bm_view
bm_vec16(struct bm_reader *r)
{
	return bm_take(r, bm_u16(r));
}

static inline struct bm_view
bm_vec24(struct bm_reader *r)
{
	return bm_take(r, bm_u24(r));
}

/* What an input is whose first octets are these. */
struct bm_magic {
	const char *octets;
	size_t n;
	const char *means;
};

/* What the first of n that v starts with means; NULL: none. */
const char *bm_magic_means(struct bm_view v, const struct bm_magic *known, size_t n);

/* Of ASCII, whatever the locale. */
static inline bool
bm_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool
bm_is_alnum(int c)
{
	return bm_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Lower-case hex of v into out, which holds at least 2 * v.n + 1 bytes. */
void bm_hex(struct bm_view v, char *out);

/* Value of a hex digit of either case; -1 when c is none. */
int bm_hex_digit(int c);

/* Reads exactly 2 * n hex digits of either case from text into out.
 * False, with out's contents unspecified, when one is not a hex digit. */
bool bm_unhex(const char *text, size_t n, uint8_t *out);

#endif
