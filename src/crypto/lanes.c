/* What the lanes share: constants, schedules, single states, and the choice of the fastest kind.
 * Refuses to know how the rounds are done side by side. */
#include "crypto/lanes_tables.h"

#include "base/bytes.h"

/* RFC 1321, section 3.4; FIPS 180-4, sections 4.2.2 and 4.2.3. */
const uint32_t bm_md5_k[64] = {
	0xd76aa478,
	0xe8c7b756,
	0x242070db,
	0xc1bdceee,
	0xf57c0faf,
	0x4787c62a,
	0xa8304613,
	0xfd469501,
	0x698098d8,
	0x8b44f7af,
	0xffff5bb1,
	0x895cd7be,
	0x6b901122,
	0xfd987193,
	0xa679438e,
	0x49b40821,
	0xf61e2562,
	0xc040b340,
	0x265e5a51,
	0xe9b6c7aa,
	0xd62f105d,
	0x02441453,
	0xd8a1e681,
	0xe7d3fbc8,
	0x21e1cde6,
	0xc33707d6,
	0xf4d50d87,
	0x455a14ed,
	0xa9e3e905,
	0xfcefa3f8,
	0x676f02d9,
	0x8d2a4c8a,
	0xfffa3942,
	0x8771f681,
	0x6d9d6122,
	0xfde5380c,
	0xa4beea44,
	0x4bdecfa9,
	0xf6bb4b60,
	0xbebfbc70,
	0x289b7ec6,
	0xeaa127fa,
	0xd4ef3085,
	0x04881d05,
	0xd9d4d039,
	0xe6db99e5,
	0x1fa27cf8,
	0xc4ac5665,
	0xf4292244,
	0x432aff97,
	0xab9423a7,
	0xfc93a039,
	0x655b59c3,
	0x8f0ccc92,
	0xffeff47d,
	0x85845dd1,
	0x6fa87e4f,
	0xfe2ce6e0,
	0xa3014314,
	0x4e0811a1,
	0xf7537e82,
	0xbd3af235,
	0x2ad7d2bb,
	0xeb86d391,
};

const uint32_t bm_sha256_k[64] = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

const uint64_t bm_sha512_k[80] = {
	0x428a2f98d728ae22,
	0x7137449123ef65cd,
	0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc,
	0x3956c25bf348b538,
	0x59f111f1b605d019,
	0x923f82a4af194f9b,
	0xab1c5ed5da6d8118,
	0xd807aa98a3030242,
	0x12835b0145706fbe,
	0x243185be4ee4b28c,
	0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f,
	0x80deb1fe3b1696b1,
	0x9bdc06a725c71235,
	0xc19bf174cf692694,
	0xe49b69c19ef14ad2,
	0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5,
	0x240ca1cc77ac9c65,
	0x2de92c6f592b0275,
	0x4a7484aa6ea6e483,
	0x5cb0a9dcbd41fbd4,
	0x76f988da831153b5,
	0x983e5152ee66dfab,
	0xa831c66d2db43210,
	0xb00327c898fb213f,
	0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2,
	0xd5a79147930aa725,
	0x06ca6351e003826f,
	0x142929670a0e6e70,
	0x27b70a8546d22ffc,
	0x2e1b21385c26c926,
	0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df,
	0x650a73548baf63de,
	0x766a0abb3c77b2a8,
	0x81c2c92e47edaee6,
	0x92722c851482353b,
	0xa2bfe8a14cf10364,
	0xa81a664bbc423001,
	0xc24b8b70d0f89791,
	0xc76c51a30654be30,
	0xd192e819d6ef5218,
	0xd69906245565a910,
	0xf40e35855771202a,
	0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8,
	0x1e376c085141ab53,
	0x2748774cdf8eeb99,
	0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63,
	0x4ed8aa4ae3418acb,
	0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc,
	0x78a5636f43172f60,
	0x84c87814a1f0ab72,
	0x8cc702081a6439ec,
	0x90befffa23631e28,
	0xa4506cebde82bde9,
	0xbef9a3f7b2c67915,
	0xc67178f2e372532b,
	0xca273eceea26619c,
	0xd186b8c721c0c207,
	0xeada7dd6cde0eb1e,
	0xf57d4f7fee6ed178,
	0x06f067aa72176fba,
	0x0a637dc5a2c898a6,
	0x113f9804bef90dae,
	0x1b710b35131c471b,
	0x28db77f523047d84,
	0x32caab7b40c72493,
	0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6,
	0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec,
	0x6c44198c4a475817,
};
const uint8_t bm_md5_word[64] = {
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	1,
	6,
	11,
	0,
	5,
	10,
	15,
	4,
	9,
	14,
	3,
	8,
	13,
	2,
	7,
	12,
	5,
	8,
	11,
	14,
	1,
	4,
	7,
	10,
	13,
	0,
	3,
	6,
	9,
	12,
	15,
	2,
	0,
	7,
	14,
	5,
	12,
	3,
	10,
	1,
	8,
	15,
	6,
	13,
	4,
	11,
	2,
	9,
};

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
