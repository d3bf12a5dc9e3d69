/* The ones'-complement sum of the Internet checksum (RFC 1071), as fast as memory gives bytes.
 * Refuses to know headers. */
#include "packet/packet.h"

/* The sum does not depend on byte order but for a final swap, nor on how the words are
 * grouped (RFC 1071, section 2): whole 64-bit words are split into halves, and these are added
 * up in lanes of 64 bits, which do not overflow before 2^32 words. */
enum { LANES = 4, ROWS = 4, BLOCK = LANES * ROWS * 8 };

typedef uint64_t lanes __attribute__((vector_size(LANES * 8)));

/* n is a multiple of BLOCK. Inlined into one function for each instruction set. */
static inline __attribute__((always_inline)) uint64_t
sum_blocks(const uint8_t *p, size_t n)
{
	lanes low[ROWS] = {{0}}, high[ROWS] = {{0}};

	for (const uint8_t *end = p + n; p < end; p += BLOCK) {
#pragma GCC unroll 4
		for (size_t i = 0; i < ROWS; i++) {
			lanes v;
			memcpy(&v, p + i * sizeof v, sizeof v);
			low[i] += v & 0xffffffff;
			high[i] += v >> 32;
		}
	}
	lanes all = {0};
#pragma GCC unroll 4
	for (size_t i = 0; i < ROWS; i++)
		all += low[i] + high[i];
	uint64_t sum = 0;
#pragma GCC unroll 4
	for (size_t i = 0; i < LANES; i++)
		sum += (all[i] & 0xffffffff) + (all[i] >> 32);
	return sum;
}

static uint64_t
sum_blocks_plain(const uint8_t *p, size_t n)
{
	return sum_blocks(p, n);
}

#if defined(__x86_64__) && !defined(BM_SUM16_PORTABLE) /* as a test has it */
__attribute__((target("avx2"))) static uint64_t
sum_blocks_avx2(const uint8_t *p, size_t n)
{
	return sum_blocks(p, n);
}

static uint64_t
sum_blocks_best(const uint8_t *p, size_t n)
{
	return __builtin_cpu_supports("avx2") ? sum_blocks_avx2(p, n) : sum_blocks_plain(p, n);
}
#else
static uint64_t
sum_blocks_best(const uint8_t *p, size_t n)
{
	return sum_blocks_plain(p, n);
}
#endif

/* Fewer than BLOCK bytes; the last ones are filled up with zeros. */
static uint64_t
sum_rest(const uint8_t *p, size_t n)
{
	uint64_t sum = 0, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	if (n != 0) {
		word = 0;
		memcpy(&word, p, n);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	return sum;
}

uint16_t
bm_sum16_fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
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
	size_t blocks = v.n - v.n % BLOCK;
	uint64_t native = 0;

	if (v.n == 0)
		return sum;
	if (blocks != 0)
		native = sum_blocks_best(v.p, blocks);
	native += sum_rest(v.p + blocks, v.n - blocks);
	uint16_t words = to_network(bm_sum16_fold(native));
	/* At an odd place each byte stands in the other half of its word (RFC 1071, section 2.B). */
	return sum + (odd ? swap16(words) : words);
}
