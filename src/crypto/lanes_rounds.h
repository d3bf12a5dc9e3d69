/* The compression functions of MD5, SHA-1, SHA-256 and SHA-512 over vectors, included once by each
 * file that knows a kind of processor. Refuses to know which that is. It defines:
 *
 *   LANE_TARGET          attribute of every function
 *   V32, V64             vectors of words; WIDTH32, WIDTH64 lanes of each
 *   ROTL32, ROTR32, ROTR64 (x, n); SELECT(x, y, z): x ? y : z; MAJORITY, PARITY (x, y, z);
 *   MD5_I (x, y, z): y ^ (x | ~z)
 *   LANE_NAME            string
 */
#include "crypto/lanes.h"
#include "crypto/lanes_tables.h"

/* Two vectors at a time hide each other's latency: a fifth to twice as fast on all that was
 * measured. */
enum { VECTORS = 2 };

#define INLINE static inline __attribute__((always_inline)) LANE_TARGET

/* A row of lanes' words in memory, from some lane on. */
#define LOAD32(p) (*(const V32 *)(const void *)(p))
#define STORE32(p, v) (*(V32 *)(void *)(p) = (v))
#define LOAD64(p) (*(const V64 *)(const void *)(p))
#define STORE64(p, v) (*(V64 *)(void *)(p) = (v))

/* Word t with its constant: of the schedule that all share, or of the lanes' own rows. */
#define KW32(t, k, w, v)                                                                           \
	(own ? LOAD32(&rows[w][lane + (size_t)(v)*WIDTH32]) + (k) : (V32){0} + schedule[t])
#define KW64(t, k, v)                                                                              \
	(own ? LOAD64(&rows[t][lane + (size_t)(v)*WIDTH64]) + (k) : (V64){0} + schedule[t])

#define GET32(name, i)                                                                             \
	V32 name##0 = LOAD32(&s->s.w32[i][lane]);                                                      \
	V32 name##1 = LOAD32(&s->s.w32[i][lane + WIDTH32]);
#define PUT32(name, i)                                                                             \
	STORE32(&s->s.w32[i][lane], name##0 + LOAD32(&s->s.w32[i][lane]));                             \
	STORE32(&s->s.w32[i][lane + WIDTH32], name##1 + LOAD32(&s->s.w32[i][lane + WIDTH32]));
#define GET64(name, i)                                                                             \
	V64 name##0 = LOAD64(&s->s.w64[i][lane]);                                                      \
	V64 name##1 = LOAD64(&s->s.w64[i][lane + WIDTH64]);
#define PUT64(name, i)                                                                             \
	STORE64(&s->s.w64[i][lane], name##0 + LOAD64(&s->s.w64[i][lane]));                             \
	STORE64(&s->s.w64[i][lane + WIDTH64], name##1 + LOAD64(&s->s.w64[i][lane + WIDTH64]));

/* RFC 1321, section 3.4. */
#define MD5_F(x, y, z) SELECT(x, y, z)
#define MD5_G(x, y, z) SELECT(z, x, y)
#define MD5_H(x, y, z) PARITY(x, y, z)
#define MD5_1(f, a, b, c, d, n, kw)                                                                \
	a += (kw);                                                                                     \
	a += f(b, c, d);                                                                               \
	a = ROTL32(a, n) + b;
#define MD5(f, a, b, c, d, t, n)                                                                   \
	MD5_1(f, a##0, b##0, c##0, d##0, n, KW32(t, bm_md5_k[t], bm_md5_word[t], 0))                   \
	MD5_1(f, a##1, b##1, c##1, d##1, n, KW32(t, bm_md5_k[t], bm_md5_word[t], 1))
#define MD5_4(f, t, n1, n2, n3, n4)                                                                \
	for (int i = (t); i < (t) + 16; i += 4) {                                                      \
		MD5(f, a, b, c, d, i, n1)                                                                  \
		MD5(f, d, a, b, c, i + 1, n2)                                                              \
		MD5(f, c, d, a, b, i + 2, n3)                                                              \
		MD5(f, b, c, d, a, i + 3, n4)                                                              \
	}

INLINE void
md5_block(struct bm_lanes *s, const uint32_t *schedule, uint32_t (*rows)[BM_LANES], size_t lane,
	const bool own){GET32(a, 0) GET32(b, 1) GET32(c, 2) GET32(d, 3) MD5_4(MD5_F, 0, 7, 12, 17, 22)
		MD5_4(MD5_G, 16, 5, 9, 14, 20) MD5_4(MD5_H, 32, 4, 11, 16, 23)
			MD5_4(MD5_I, 48, 6, 10, 15, 21) PUT32(a, 0) PUT32(b, 1) PUT32(c, 2) PUT32(d, 3)}

/* FIPS 180-4, section 6.1.2. */
#define SHA1_1(f, a, b, c, d, e, kw)                                                               \
	e += (kw);                                                                                     \
	e += f(b, c, d);                                                                               \
	e += ROTL32(a, 5);                                                                             \
	b = ROTL32(b, 30);
#define SHA1(f, a, b, c, d, e, t, k)                                                               \
	SHA1_1(f, a##0, b##0, c##0, d##0, e##0, KW32(t, k, t, 0))                                      \
	SHA1_1(f, a##1, b##1, c##1, d##1, e##1, KW32(t, k, t, 1))
#define SHA1_20(f, t, k)                                                                           \
	for (int i = (t); i < (t) + 20; i += 5) {                                                      \
		SHA1(f, a, b, c, d, e, i, k)                                                               \
		SHA1(f, e, a, b, c, d, i + 1, k)                                                           \
		SHA1(f, d, e, a, b, c, i + 2, k)                                                           \
		SHA1(f, c, d, e, a, b, i + 3, k)                                                           \
		SHA1(f, b, c, d, e, a, i + 4, k)                                                           \
	}

INLINE void sha1_block(struct bm_lanes *s, const uint32_t *schedule, uint32_t (*rows)[BM_LANES],
	size_t lane, const bool own){GET32(a, 0) GET32(b, 1) GET32(c, 2) GET32(d, 3) GET32(e, 4)
		SHA1_20(SELECT, 0, BM_SHA1_K0) SHA1_20(PARITY, 20, BM_SHA1_K1)
			SHA1_20(MAJORITY, 40, BM_SHA1_K2) SHA1_20(PARITY, 60, BM_SHA1_K3) PUT32(a, 0)
				PUT32(b, 1) PUT32(c, 2) PUT32(d, 3) PUT32(e, 4)}

INLINE void sha1_expand(uint32_t (*rows)[BM_LANES], size_t lane)
{
	for (size_t t = 16; t < 80; t++) {
		V32 x = PARITY(LOAD32(&rows[t - 3][lane]), LOAD32(&rows[t - 8][lane]),
					LOAD32(&rows[t - 14][lane])) ^
				LOAD32(&rows[t - 16][lane]);
		STORE32(&rows[t][lane], ROTL32(x, 1));
	}
}

/* FIPS 180-4, sections 6.2.2 and 6.4.2. */
#define SHA2_1(S0, S1, a, b, c, d, e, f, g, h, kw)                                                 \
	h += (kw);                                                                                     \
	h += SELECT(e, f, g);                                                                          \
	h += S1(e);                                                                                    \
	d += h;                                                                                        \
	h += MAJORITY(a, b, c);                                                                        \
	h += S0(a);
#define SHA2(bits, a, b, c, d, e, f, g, h, t)                                                      \
	SHA2_1(SHA##bits##_S0, SHA##bits##_S1, a##0, b##0, c##0, d##0, e##0, f##0, g##0, h##0,         \
		SHA##bits##_KW(t, 0))                                                                      \
	SHA2_1(SHA##bits##_S0, SHA##bits##_S1, a##1, b##1, c##1, d##1, e##1, f##1, g##1, h##1,         \
		SHA##bits##_KW(t, 1))
#define SHA2_ALL(bits, rounds)                                                                     \
	for (int i = 0; i < (rounds); i += 8) {                                                        \
		SHA2(bits, a, b, c, d, e, f, g, h, i)                                                      \
		SHA2(bits, h, a, b, c, d, e, f, g, i + 1)                                                  \
		SHA2(bits, g, h, a, b, c, d, e, f, i + 2)                                                  \
		SHA2(bits, f, g, h, a, b, c, d, e, i + 3)                                                  \
		SHA2(bits, e, f, g, h, a, b, c, d, i + 4)                                                  \
		SHA2(bits, d, e, f, g, h, a, b, c, i + 5)                                                  \
		SHA2(bits, c, d, e, f, g, h, a, b, i + 6)                                                  \
		SHA2(bits, b, c, d, e, f, g, h, a, i + 7)                                                  \
	}
#define SHA256_KW(t, v) KW32(t, bm_sha256_k[t], t, v)
#define SHA256_S0(x) PARITY(ROTR32(x, 2), ROTR32(x, 13), ROTR32(x, 22))
#define SHA256_S1(x) PARITY(ROTR32(x, 6), ROTR32(x, 11), ROTR32(x, 25))
#define SHA512_KW(t, v) KW64(t, bm_sha512_k[t], v)
#define SHA512_S0(x) PARITY(ROTR64(x, 28), ROTR64(x, 34), ROTR64(x, 39))
#define SHA512_S1(x) PARITY(ROTR64(x, 14), ROTR64(x, 18), ROTR64(x, 41))

INLINE void
sha256_block(struct bm_lanes *s, const uint32_t *schedule, uint32_t (*rows)[BM_LANES], size_t lane,
	const bool own){GET32(a, 0) GET32(b, 1) GET32(c, 2) GET32(d, 3) GET32(e, 4) GET32(f, 5)
		GET32(g, 6) GET32(h, 7) SHA2_ALL(256, 64) PUT32(a, 0) PUT32(b, 1) PUT32(c, 2) PUT32(d, 3)
			PUT32(e, 4) PUT32(f, 5) PUT32(g, 6) PUT32(h, 7)}

INLINE void sha256_expand(uint32_t (*rows)[BM_LANES], size_t lane)
{
	for (size_t t = 16; t < 64; t++) {
		V32 x = LOAD32(&rows[t - 15][lane]);
		V32 y = LOAD32(&rows[t - 2][lane]);
		V32 s0 = PARITY(ROTR32(x, 7), ROTR32(x, 18), x >> 3);
		V32 s1 = PARITY(ROTR32(y, 17), ROTR32(y, 19), y >> 10);
		STORE32(&rows[t][lane], s0 + s1 + LOAD32(&rows[t - 7][lane]) + LOAD32(&rows[t - 16][lane]));
	}
}

INLINE void
sha512_block(struct bm_lanes *s, const uint64_t *schedule, uint64_t (*rows)[BM_LANES], size_t lane,
	const bool own){GET64(a, 0) GET64(b, 1) GET64(c, 2) GET64(d, 3) GET64(e, 4) GET64(f, 5)
		GET64(g, 6) GET64(h, 7) SHA2_ALL(512, 80) PUT64(a, 0) PUT64(b, 1) PUT64(c, 2) PUT64(d, 3)
			PUT64(e, 4) PUT64(f, 5) PUT64(g, 6) PUT64(h, 7)}

INLINE void sha512_expand(uint64_t (*rows)[BM_LANES], size_t lane)
{
	for (size_t t = 16; t < 80; t++) {
		V64 x = LOAD64(&rows[t - 15][lane]);
		V64 y = LOAD64(&rows[t - 2][lane]);
		V64 s0 = PARITY(ROTR64(x, 1), ROTR64(x, 8), x >> 7);
		V64 s1 = PARITY(ROTR64(y, 19), ROTR64(y, 61), y >> 6);
		STORE64(&rows[t][lane], s0 + s1 + LOAD64(&rows[t - 7][lane]) + LOAD64(&rows[t - 16][lane]));
	}
}

INLINE void
md5_expand(uint32_t (*rows)[BM_LANES], size_t lane)
{
	(void)rows;
	(void)lane;
}

#define LANE_FUNCTIONS(hash, word, width, member, rounds)                                          \
	LANE_TARGET static void hash##_shared(struct bm_lanes *s, const void *schedule, size_t n)      \
	{                                                                                              \
		for (size_t lane = 0; lane < BM_LANES; lane += (size_t)VECTORS * (width))                  \
			for (size_t i = 0; i < n; i++)                                                         \
				hash##_block(s, (const word *)schedule + i * (rounds), NULL, lane, false);         \
	}                                                                                              \
	LANE_TARGET static void hash##_few(struct bm_lanes *s, struct bm_lane_block *b, size_t lanes)  \
	{                                                                                              \
		for (size_t lane = 0; lane < lanes; lane += (size_t)VECTORS * (width)) {                   \
			hash##_expand(b->w.member, lane);                                                      \
			hash##_expand(b->w.member, lane + (width));                                            \
			hash##_block(s, NULL, b->w.member, lane, true);                                        \
		}                                                                                          \
	}                                                                                              \
	LANE_TARGET static void hash##_own(struct bm_lanes *s, struct bm_lane_block *b)                \
	{                                                                                              \
		hash##_few(s, b, BM_LANES);                                                                \
	}
LANE_FUNCTIONS(md5, uint32_t, WIDTH32, w32, 64)
LANE_FUNCTIONS(sha1, uint32_t, WIDTH32, w32, 80)
LANE_FUNCTIONS(sha256, uint32_t, WIDTH32, w32, 64)
LANE_FUNCTIONS(sha512, uint64_t, WIDTH64, w64, 80)

#define LANE_TABLE                                                                                 \
	{                                                                                              \
		{LANE_NAME, BM_MD5, 4, 4, 64, 64 * 4, md5_shared, md5_own, md5_few, VECTORS * WIDTH32},    \
			{LANE_NAME, BM_SHA1, 5, 4, 64, 80 * 4, sha1_shared, sha1_own, sha1_few,                \
				VECTORS * WIDTH32},                                                                \
			{LANE_NAME, BM_SHA256, 8, 4, 64, 64 * 4, sha256_shared, sha256_own, sha256_few,        \
				VECTORS * WIDTH32},                                                                \
			{LANE_NAME, BM_SHA384, 8, 8, 128, 80 * 8, sha512_shared, sha512_own, sha512_few,       \
				VECTORS * WIDTH64},                                                                \
	}
