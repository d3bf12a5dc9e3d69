/* The two fields against published values, schoolbook arithmetic and their own laws; and the doors
 * to the inside of an AEAD. */
#include "vector.h"

#include "crypto/crypto.h"
#include "crypto/gf128.h"
#include "crypto/p1305.h"

enum { ROUNDS = 20000 };

static struct bm_gf128
gf_draw(uint64_t *state)
{
	uint64_t hi = random_next(state);
	return (struct bm_gf128){hi, random_next(state)};
}

static void
assert_gf(struct bm_gf128 want, struct bm_gf128 got)
{
	assert_true(want.hi == got.hi && want.lo == got.lo);
}

/* SP 800-38D, algorithm 1, bit by bit. */
static struct bm_gf128
gf_schoolbook(struct bm_gf128 x, struct bm_gf128 y)
{
	struct bm_gf128 z = {0, 0};

	for (unsigned i = 0; i < 128; i++) {
		uint64_t word = i < 64 ? x.hi : x.lo;
		if ((word >> (63 - i % 64) & 1) != 0)
			z = bm_gf128_add(z, y);
		y = bm_gf128_shift(y);
	}
	return z;
}

/* The GCM submission's test case 2: H, X_1 and GHASH. */
static void
gf_published(void **unused)
{
	(void)unused;
	struct bm_gf128 h = bm_gf128_load(hex("66e94bd4ef8a2c3b884cfa59ca342b2e").p);
	struct bm_gf128 c = bm_gf128_load(hex("0388dace60b6a392f328c2b971b2fe78").p);
	struct bm_gf128 x1 = bm_gf128_mul(c, h);
	assert_gf(bm_gf128_load(hex("5e2ec746917062882c85b0685353deb7").p), x1);
	struct bm_gf128 lengths = {0, 128};
	assert_gf(bm_gf128_load(hex("f38cbb1ad69223dcc3457ae5b6b0f885").p),
		bm_gf128_mul(bm_gf128_add(x1, lengths), h));
}

static void
gf_laws(void **unused)
{
	(void)unused;
	struct bm_gf128 one = {UINT64_C(1) << 63, 0};
	uint64_t state = 7;
	for (int i = 0; i < ROUNDS; i++) {
		struct bm_gf128 a = gf_draw(&state), b = gf_draw(&state);
		struct bm_gf128 z = bm_gf128_mul(a, b);
		assert_gf(gf_schoolbook(a, b), z);
		assert_gf(z, bm_gf128_mul_portable(a, b));
		assert_gf(z, bm_gf128_mul(b, a));
		if (i % 16 == 0)
			assert_gf(one, bm_gf128_mul(a, bm_gf128_inverse(a)));
	}
	/* Single bits meet every path of the reduction. */
	for (unsigned i = 0; i < 128; i++)
		for (unsigned k = 0; k < 128; k++) {
			struct bm_gf128 a = {
				i < 64 ? UINT64_C(1) << i : 0, i < 64 ? 0 : UINT64_C(1) << (i - 64)};
			struct bm_gf128 b = {
				k < 64 ? UINT64_C(1) << k : 0, k < 64 ? 0 : UINT64_C(1) << (k - 64)};
			assert_gf(gf_schoolbook(a, b), bm_gf128_mul(a, b));
			assert_gf(gf_schoolbook(a, b), bm_gf128_mul_portable(a, b));
		}
	struct bm_gf128 zero = {0, 0};
	assert_gf(zero, bm_gf128_inverse(zero));
	assert_gf(zero, bm_gf128_mul(zero, one));
}

static struct bm_p1305
p_load(struct bm_view v)
{
	struct bm_p1305 a = {{0, 0, 0}};
	for (size_t i = 0; i < v.n; i++)
		a.w[i / 8] |= (uint64_t)v.p[i] << 8 * (i % 8);
	return a;
}

/* RFC 8439, section 2.5.2. */
static void
p_published(void **unused)
{
	(void)unused;
	struct bm_view m = str("Cryptographic Forum Research Group");
	struct bm_p1305 r = p_load(hex("85d6be7857556d337f4452fe42d506a8"));
	struct bm_p1305 acc = {{0, 0, 0}};

	/* r as clamped. */
	r.w[0] &= UINT64_C(0x0ffffffc0fffffff);
	r.w[1] &= UINT64_C(0x0ffffffc0ffffffc);
	for (size_t at = 0; at < m.n; at += 16) {
		uint8_t block[17] = {0};
		size_t n = m.n - at < 16 ? m.n - at : 16;
		memcpy(block, m.p + at, n);
		block[n] = 1;
		acc = bm_p1305_mul(bm_p1305_add(acc, p_load(bm_view(block, 17))), r);
	}
	struct bm_p1305 s = p_load(hex("0103808afb0db2fd4abff6af4149f51b"));
	uint64_t low = acc.w[0] + s.w[0];
	uint64_t high = acc.w[1] + s.w[1] + (low < acc.w[0]);
	struct bm_p1305 tag = p_load(hex("a8061dc1305136c6c22b8baf0c0127a9"));
	assert_true(low == tag.w[0] && high == tag.w[1]);
}

static struct bm_p1305
p_draw(uint64_t *state)
{
	uint64_t pick = random_next(state);
	struct bm_p1305 a = {{random_next(state), random_next(state), random_next(state) & 3}};
	/* Often at the edges, where carries run far. */
	if ((pick & 3) == 0)
		a.w[0] = (pick & 4) != 0 ? UINT64_MAX - (pick >> 8) % 8 : (pick >> 8) % 8;
	if ((pick & 0x30) == 0)
		a.w[1] = (pick & 0x40) != 0 ? UINT64_MAX : 0;
	return bm_p1305_reduce(a.w[0], a.w[1], a.w[2]);
}

static struct bm_p1305
p_schoolbook(struct bm_p1305 a, struct bm_p1305 b)
{
	struct bm_p1305 z = {{0, 0, 0}};
	for (unsigned i = 130; i-- > 0;) {
		z = bm_p1305_add(z, z);
		if ((b.w[i / 64] >> i % 64 & 1) != 0)
			z = bm_p1305_add(z, a);
	}
	return z;
}

static bool
p_canonical(struct bm_p1305 a)
{
	return a.w[2] < 3 || (a.w[2] == 3 && (a.w[1] != UINT64_MAX || a.w[0] < UINT64_MAX - 4));
}

static void
p_laws(void **unused)
{
	(void)unused;
	struct bm_p1305 one = {{1, 0, 0}}, zero = {{0, 0, 0}};
	uint64_t state = 11;
	for (int i = 0; i < ROUNDS; i++) {
		struct bm_p1305 a = p_draw(&state), b = p_draw(&state);
		struct bm_p1305 z = bm_p1305_mul(a, b);
		assert_true(p_canonical(a) && p_canonical(z));
		assert_true(p_canonical(bm_p1305_add(a, b)) && p_canonical(bm_p1305_subtract(a, b)));
		assert_true(bm_p1305_equal(p_schoolbook(a, b), z));
		assert_true(bm_p1305_equal(a, bm_p1305_add(bm_p1305_subtract(a, b), b)));
		assert_true(bm_p1305_equal(zero, bm_p1305_add(a, bm_p1305_negative(a))));
		if (i % 16 == 0 && !bm_p1305_equal(a, zero))
			assert_true(bm_p1305_equal(one, bm_p1305_mul(a, bm_p1305_inverse(a))));
	}
	assert_true(bm_p1305_equal(zero, bm_p1305_inverse(zero)));
	/* p itself and p + 1. */
	assert_true(bm_p1305_equal(zero, bm_p1305_reduce(UINT64_MAX - 4, UINT64_MAX, 3)));
	assert_true(bm_p1305_equal(one, bm_p1305_reduce(UINT64_MAX - 3, UINT64_MAX, 3)));
	/* The largest product. */
	struct bm_p1305 most = bm_p1305_negative(one);
	assert_true(bm_p1305_equal(one, bm_p1305_mul(most, most)));
}

/* The bare cipher: FIPS 197, appendix C.1, and GCM's H of test case 2. */
static void
blocks(void **unused)
{
	(void)unused;
	static const enum bm_mode modes[] = {BM_MODE_GCM, BM_MODE_CCM};
	for (size_t i = 0; i < 2; i++) {
		struct bm_aead *a;
		uint8_t out[48];
		CHECK_STATUS(BM_OK,
			bm_aead_new(&a, BM_AES128, modes[i], 16, hex("000102030405060708090a0b0c0d0e0f")));
		struct bm_view in = hex("00112233445566778899aabbccddeeff00000000000000000000000000000000"
								"00112233445566778899aabbccddeeff");
		CHECK_STATUS(BM_OK, bm_aead_blocks(a, in.p, 3, out));
		assert_memory_equal(hex("69c4e0d86a7b0430d8cdb78070b4c55a").p, out, 16);
		assert_memory_equal(hex("c6a13b37878f5b826f4f8162a1c8d879").p, out + 16, 16);
		assert_memory_equal(out, out + 32, 16);
		/* In place, and nothing at all. */
		memcpy(out, in.p, 48);
		CHECK_STATUS(BM_OK, bm_aead_blocks(a, out, 1, out));
		assert_memory_equal(hex("69c4e0d86a7b0430d8cdb78070b4c55a").p, out, 16);
		CHECK_STATUS(BM_OK, bm_aead_blocks(a, NULL, 0, NULL));
		uint8_t key[32];
		CHECK_STATUS(BM_UNSUPPORTED, bm_aead_one_time_key(a, in.p, key));
		bm_aead_free(a);
	}
}

/* RFC 8439, section 2.6.2 (not clamped there) and its clamping of section 2.5. */
static void
one_time_key(void **unused)
{
	(void)unused;
	struct bm_aead *a;
	uint8_t key[32];
	CHECK_STATUS(
		BM_OK, bm_aead_new(&a, BM_CHACHA20, BM_MODE_POLY1305, 16,
				   hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")));
	CHECK_STATUS(BM_OK, bm_aead_one_time_key(a, hex("000000000001020304050607").p, key));
	uint8_t want[32];
	memcpy(want, hex("8ad5a08b905f81cc815040274ab29471a833b637e3fd0da508dbb8e2fdd1a646").p, 32);
	for (size_t i = 3; i < 16; i += 4)
		want[i] &= 15;
	for (size_t i = 4; i < 16; i += 4)
		want[i] &= 252;
	assert_memory_equal(want, key, 32);
	CHECK_STATUS(BM_UNSUPPORTED, bm_aead_blocks(a, key, 1, key));
	bm_aead_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gf_published),
		cmocka_unit_test(gf_laws),
		cmocka_unit_test(p_published),
		cmocka_unit_test(p_laws),
		cmocka_unit_test(blocks),
		cmocka_unit_test(one_time_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
