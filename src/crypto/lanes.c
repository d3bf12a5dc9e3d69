/* What the lanes share: schedules, single states, and the choice of the fastest kind.
 * Refuses to know how the rounds are done side by side. */
#include "crypto/lanes_tables.h"

#include "base/bytes.h"

enum { KINDS = 3 };

/* The kinds that this processor has, fastest first. */
static size_t
kinds(const struct bm_lane_hash *have[KINDS])
{
	size_t n = 0;
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		have[n++] = bm_lanes_avx512;
	if (__builtin_cpu_supports("avx2"))
		have[n++] = bm_lanes_avx2;
#endif
	have[n++] = bm_lanes_vector;
	return n;
}

const struct bm_lane_hash *
bm_lane_hash_at(enum bm_hash h, size_t i)
{
	const struct bm_lane_hash *have[KINDS];

	if (i >= kinds(have))
		return NULL;
	for (size_t k = 0; k < BM_LANE_HASHES; k++)
		if (have[i][k].hash == h)
			return &have[i][k];
	return NULL;
}

const struct bm_lane_hash *
bm_lane_hash(enum bm_hash h)
{
	return bm_lane_hash_at(h, 0);
}

/* RFC 1321, section 3.3; FIPS 180-4, section 5.3. */
void
bm_lane_start(enum bm_hash h, union bm_lane_state *s)
{
	static const uint32_t md5[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	static const uint32_t sha1[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	static const uint32_t sha256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	static const uint64_t sha384[8] = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
		0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7,
		0x47b5481dbefa4fa4};

	memset(s, 0, sizeof(*s));
	if (h == BM_MD5)
		memcpy(s->w32, md5, sizeof(md5));
	else if (h == BM_SHA1)
		memcpy(s->w32, sha1, sizeof(sha1));
	else if (h == BM_SHA256)
		memcpy(s->w32, sha256, sizeof(sha256));
	else if (h == BM_SHA384)
		memcpy(s->w64, sha384, sizeof(sha384));
}

static uint32_t
rotl32(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint64_t
rotr64(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

/* RFC 1321, section 2: low octet first. */
static uint32_t
load32_low_first(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void
md5_schedule(const uint8_t *block, uint32_t *kw)
{
	for (size_t t = 0; t < 64; t++)
		kw[t] = load32_low_first(block + 4 * (size_t)bm_md5_word[t]) + bm_md5_k[t];
}

static void
sha1_schedule(const uint8_t *block, uint32_t *kw)
{
	static const uint32_t k[4] = {BM_SHA1_K0, BM_SHA1_K1, BM_SHA1_K2, BM_SHA1_K3};

	for (size_t t = 0; t < 16; t++)
		kw[t] = bm_load32(block + 4 * t);
	for (size_t t = 16; t < 80; t++)
		kw[t] = rotl32(kw[t - 3] ^ kw[t - 8] ^ kw[t - 14] ^ kw[t - 16], 1);
	for (size_t t = 0; t < 80; t++)
		kw[t] += k[t / 20];
}

static void
sha256_schedule(const uint8_t *block, uint32_t *kw)
{
	for (size_t t = 0; t < 16; t++)
		kw[t] = bm_load32(block + 4 * t);
	for (size_t t = 16; t < 64; t++) {
		uint32_t x = kw[t - 15], y = kw[t - 2];
		kw[t] = (rotl32(x, 25) ^ rotl32(x, 14) ^ x >> 3) + kw[t - 7] +
				(rotl32(y, 15) ^ rotl32(y, 13) ^ y >> 10) + kw[t - 16];
	}
	for (size_t t = 0; t < 64; t++)
		kw[t] += bm_sha256_k[t];
}

static void
sha512_schedule(const uint8_t *block, uint64_t *kw)
{
	for (size_t t = 0; t < 16; t++)
		kw[t] = bm_load64(block + 8 * t);
	for (size_t t = 16; t < 80; t++) {
		uint64_t x = kw[t - 15], y = kw[t - 2];
		kw[t] = (rotr64(x, 1) ^ rotr64(x, 8) ^ x >> 7) + kw[t - 7] +
				(rotr64(y, 19) ^ rotr64(y, 61) ^ y >> 6) + kw[t - 16];
	}
	for (size_t t = 0; t < 80; t++)
		kw[t] += bm_sha512_k[t];
}

void
bm_lane_schedule(enum bm_hash h, const uint8_t *block, void *schedule)
{
	if (h == BM_MD5)
		md5_schedule(block, schedule);
	else if (h == BM_SHA1)
		sha1_schedule(block, schedule);
	else if (h == BM_SHA256)
		sha256_schedule(block, schedule);
	else if (h == BM_SHA384)
		sha512_schedule(block, schedule);
}

void
bm_lanes_set(enum bm_hash h, struct bm_lanes *to, const union bm_lane_state *s)
{
	for (size_t i = 0; i < 8; i++)
		for (size_t l = 0; l < BM_LANES; l++)
			if (h == BM_SHA384)
				to->s.w64[i][l] = s->w64[i];
			else
				to->s.w32[i][l] = s->w32[i];
}

static uint64_t
load_word(enum bm_hash h, const uint8_t *p)
{
	if (h == BM_SHA384)
		return bm_load64(p);
	return h == BM_MD5 ? load32_low_first(p) : bm_load32(p);
}

void
bm_lane_block_set(enum bm_hash h, struct bm_lane_block *to, const uint8_t *block)
{
	size_t word = h == BM_SHA384 ? 8 : 4;

	for (size_t t = 0; t < 16; t++) {
		uint64_t w = load_word(h, block + word * t);
		for (size_t l = 0; l < BM_LANES; l++)
			if (h == BM_SHA384)
				to->w.w64[t][l] = w;
			else
				to->w.w32[t][l] = (uint32_t)w;
	}
}

static void
put_octet(enum bm_hash h, struct bm_lane_block *to, size_t lane, size_t off, uint8_t v)
{
	if (h == BM_SHA384) {
		uint64_t *w = &to->w.w64[off / 8][lane];
		size_t shift = 8 * (7 - off % 8);
		*w = (*w & ~((uint64_t)0xff << shift)) | (uint64_t)v << shift;
	} else {
		uint32_t *w = &to->w.w32[off / 4][lane];
		size_t shift = 8 * (h == BM_MD5 ? off % 4 : 3 - off % 4);
		*w = (*w & ~((uint32_t)0xff << shift)) | (uint32_t)v << shift;
	}
}

void
bm_lane_block_put(
	enum bm_hash h, struct bm_lane_block *to, size_t lane, size_t off, const uint8_t *p, size_t n)
{
	size_t word = h == BM_SHA384 ? 8 : 4;

	while (n != 0) {
		size_t step = 1;
		if (off % word != 0 || n < word) {
			put_octet(h, to, lane, off, *p);
		} else {
			step = word;
			if (h == BM_SHA384)
				to->w.w64[off / 8][lane] = load_word(h, p);
			else
				to->w.w32[off / 4][lane] = (uint32_t)load_word(h, p);
		}
		p += step;
		off += step;
		n -= step;
	}
}
