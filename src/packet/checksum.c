/* The ones'-complement sum of the Internet checksum (RFC 1071), as fast as memory gives bytes.
 * Refuses to know headers.
 *
 * The sum does not depend on byte order but for a final swap, nor on how the words are grouped
 * (RFC 1071, section 2). */
#include "packet/packet.h"

#if defined(__x86_64__) && !defined(BM_SUM16_PORTABLE) /* as a test has it */
#include <immintrin.h>
#define BM_SUM16_AVX2
#endif

enum {
	LANES = 4,
	ROWS = 4,
	VECTOR = LANES * 8,
	BLOCK = ROWS * VECTOR,
	FEW = 2 * VECTOR /* octets for which no vectors are set up */
};

typedef uint64_t lanes __attribute__((vector_size(VECTOR)));

/* Whole 64-bit words; n is a multiple of VECTOR. The upper halves are added up, and the whole words
 * without regard to carries: what is left of those without the upper halves is the sum of the lower
 * ones. A lane of either does not overflow before 2^32 words. */
__attribute__((noinline)) static uint64_t
sum_vectors_plain(const uint8_t *p, size_t n)
{
	lanes whole[ROWS] = {{0}}, high[ROWS] = {{0}}, v;
	const uint8_t *end = p + n;

	for (; end - p >= BLOCK; p += BLOCK) {
#pragma GCC unroll 4
		for (size_t i = 0; i < ROWS; i++) {
			memcpy(&v, p + i * VECTOR, VECTOR);
			whole[i] += v;
			high[i] += v >> 32;
		}
	}
	for (; p < end; p += VECTOR) {
		memcpy(&v, p, VECTOR);
		whole[0] += v;
		high[0] += v >> 32;
	}
	uint64_t sum = 0;
	for (size_t i = 0; i < LANES; i++) {
		uint64_t w = whole[0][i] + whole[1][i] + whole[2][i] + whole[3][i];
		uint64_t h = high[0][i] + high[1][i] + high[2][i] + high[3][i];
		sum += h + (w - (h << 32));
	}
	return sum;
}

#ifdef BM_SUM16_AVX2
enum {
	/* Lanes of 32 bits, to which each step adds two words; all rows together still fit one. */
	CHUNK = 1 << 19,
	/* Frames stand in a capture one behind the other, so what lies so far behind this is summed
	 * next; what the processor fetches by itself ends with the page. */
	AHEAD = 2048
};

/* A step adds words of 16 bits by twos. That they are taken for signed ones is why each is moved
 * down by half of its range first. */
__attribute__((target("avx2"))) static inline __m256i
add_words(__m256i sum, const uint8_t *p)
{
	__m256i words = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i moved = _mm256_xor_si256(words, _mm256_set1_epi16(INT16_MIN));

	return _mm256_add_epi32(sum, _mm256_madd_epi16(moved, _mm256_set1_epi16(1)));
}

__attribute__((target("avx2"))) static uint64_t
sum_chunk_avx2(const uint8_t *p, size_t n)
{
	__m256i row[ROWS] = {_mm256_setzero_si256()};
	const uint8_t *end = p + n, *blocks = end - n % BLOCK;

	for (; p != blocks; p += BLOCK) {
		__builtin_prefetch(p + AHEAD);
		__builtin_prefetch(p + AHEAD + BLOCK / 2);
#pragma GCC unroll 4
		for (size_t i = 0; i < ROWS; i++)
			row[i] = add_words(row[i], p + i * VECTOR);
	}
	for (; p != end; p += VECTOR)
		row[0] = add_words(row[0], p);
	__m256i all =
		_mm256_add_epi32(_mm256_add_epi32(row[0], row[1]), _mm256_add_epi32(row[2], row[3]));
	/* Sign-extended, eight lanes become four of 64 bits, and these one. */
	__m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(all)),
		_mm256_cvtepi32_epi64(_mm256_extracti128_si256(all, 1)));
	__m128i two = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
	int64_t moved = _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
	return (uint64_t)(moved + (int64_t)(n / 2 * 0x8000));
}

static uint64_t
sum_vectors_avx2(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (; n > CHUNK; p += CHUNK, n -= CHUNK)
		sum += sum_chunk_avx2(p, CHUNK);
	return sum + sum_chunk_avx2(p, n);
}

static uint64_t
sum_vectors(const uint8_t *p, size_t n)
{
	return __builtin_cpu_supports("avx2") ? sum_vectors_avx2(p, n) : sum_vectors_plain(p, n);
}
#else
static uint64_t
sum_vectors(const uint8_t *p, size_t n)
{
	return sum_vectors_plain(p, n);
}
#endif

static inline uint64_t
add_octets(uint64_t sum, const uint8_t *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return sum + (word & 0xffffffff) + (word >> 32);
}

/* Fewer than FEW bytes. Each part starts at an even place; a last odd byte is filled up with a
 * zero. */
static inline uint64_t
sum_few(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	if ((n & 32) != 0) {
		sum = add_octets(add_octets(sum, p, 8), p + 8, 8);
		sum = add_octets(add_octets(sum, p + 16, 8), p + 24, 8);
		p += 32;
	}
	if ((n & 16) != 0) {
		sum = add_octets(add_octets(sum, p, 8), p + 8, 8);
		p += 16;
	}
	if ((n & 8) != 0) {
		sum = add_octets(sum, p, 8);
		p += 8;
	}
	if ((n & 4) != 0) {
		sum = add_octets(sum, p, 4);
		p += 4;
	}
	if ((n & 2) != 0) {
		sum = add_octets(sum, p, 2);
		p += 2;
	}
	return (n & 1) != 0 ? add_octets(sum, p, 1) : sum;
}

static uint16_t
swap16(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

/* The sum of 16-bit words in the machine's byte order, to that in network order. */
static uint16_t
to_network(uint16_t v)
{
	uint8_t bytes[2];

	memcpy(bytes, &v, 2);
	return bm_load16(bytes);
}

uint64_t
bm_sum16(uint64_t sum, struct bm_view v, bool odd)
{
	uint64_t native = 0;

	if (v.n == 0)
		return sum;
	size_t vectors = v.n >= FEW ? v.n - v.n % VECTOR : 0;
	if (vectors != 0)
		native = sum_vectors(v.p, vectors);
	native += sum_few(v.p + vectors, v.n - vectors);
	uint16_t words = to_network(bm_sum16_fold(native));
	/* At an odd place each byte stands in the other half of its word (RFC 1071, section 2.B). */
	return sum + (odd ? swap16(words) : words);
}
