/* Sealing with EVP, and what a repair must look like. */
#include "../stride.h"
#include "damage.h"

#include <openssl/evp.h>

struct bm_scratch test_scratch;
struct bm_pool *test_pool;

uint64_t
draw(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

size_t
below(uint64_t *state, size_t n)
{
	return (size_t)(draw(state) >> 11) % n;
}

static void
fill(uint64_t *state, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(draw(state) >> 56);
}

static const EVP_CIPHER *
algorithm(const struct bm_suite *s)
{
	if (s->mode == BM_MODE_POLY1305)
		return EVP_chacha20_poly1305();
	if (s->mode == BM_MODE_GCM && s->cipher == BM_ARIA128)
		return EVP_aria_128_gcm();
	if (s->mode == BM_MODE_GCM)
		return s->cipher == BM_AES128 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	return s->cipher == BM_AES128 ? EVP_aes_128_ccm() : EVP_aes_256_ccm();
}

static void
encrypt(const struct bm_traffic_keys *k, const uint8_t nonce[12], struct bm_view aad,
	struct bm_view plain, uint8_t *text, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n, size = k->suite->tag_len;
	bool ccm = k->suite->mode == BM_MODE_CCM;

	assert_int_equal(1, EVP_EncryptInit_ex(c, algorithm(k->suite), NULL, NULL, NULL));
	assert_int_equal(1, EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL));
	if (ccm)
		assert_int_equal(1, EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, size, NULL));
	assert_int_equal(1, EVP_EncryptInit_ex(c, NULL, NULL, k->key, nonce));
	if (ccm)
		assert_int_equal(1, EVP_EncryptUpdate(c, NULL, &n, NULL, (int)plain.n));
	assert_int_equal(1, EVP_EncryptUpdate(c, NULL, &n, aad.p, (int)aad.n));
	assert_int_equal(1, EVP_EncryptUpdate(c, text, &n, plain.p, (int)plain.n));
	assert_int_equal(plain.n, n);
	assert_int_equal(1, EVP_EncryptFinal_ex(c, text + n, &n));
	assert_int_equal(1, EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, size, tag));
	EVP_CIPHER_CTX_free(c);
}

static void
seal_into(struct sealed *r, const struct bm_traffic_keys *k, uint64_t *state)
{
	static uint8_t plain[RECORD_MAX];
	uint8_t nonce[12], aad[13], number[8];
	bool tls13 = k->version == BM_TLS13;
	size_t explicit_n = r->text_at - BM_HEADER;

	fill(state, plain, r->text_n);
	if (tls13 && r->text_n != 0)
		plain[r->text_n - 1] = BM_APPLICATION_DATA;
	r->sent[0] = BM_APPLICATION_DATA;
	bm_store16(r->sent + 1, BM_TLS12);
	bm_store16(r->sent + 3, (unsigned)(r->n - BM_HEADER));
	bm_store64(number, r->position.seq);
	memcpy(nonce, k->iv, 12);
	if (explicit_n != 0) {
		memcpy(r->sent + BM_HEADER, number, 8);
		memcpy(nonce + 4, number, 8);
	} else {
		for (size_t i = 0; i < 8; i++)
			nonce[4 + i] ^= number[i];
	}
	memcpy(aad, number, 8);
	memcpy(aad + 8, r->sent, 3);
	bm_store16(aad + 11, (unsigned)r->text_n);
	encrypt(k, nonce, tls13 ? bm_view(r->sent, BM_HEADER) : bm_view(aad, sizeof(aad)),
		bm_view(plain, r->text_n), r->sent + r->text_at, r->sent + r->text_at + r->text_n);
}

struct sealed *
seal(unsigned suite, size_t text_n, uint64_t *state)
{
	struct sealed *r = calloc(1, sizeof(*r));
	struct bm_traffic_keys k = {.suite = bm_suite_find(suite)};

	assert_non_null(r);
	assert_non_null(k.suite);
	k.version = k.suite->kx == BM_KX_TLS13 ? BM_TLS13 : BM_TLS12;
	fill(state, k.key, k.suite->key_len);
	fill(state, k.iv, k.version == BM_TLS13 ? 12 : k.suite->fixed_iv_len);
	assert_int_equal(BM_OK, bm_protection_new(&r->protection, &k));
	bm_position_start(r->protection, &r->position);
	r->position.seq = below(state, 1 << 20);
	r->text_at = BM_HEADER + (k.version == BM_TLS12 && k.suite->mode != BM_MODE_POLY1305 ? 8 : 0);
	r->text_n = text_n;
	r->tag_n = k.suite->tag_len;
	r->n = r->text_at + text_n + r->tag_n;
	assert_true(r->n <= RECORD_MAX);
	seal_into(r, &k, state);
	heal(r);
	return r;
}

void
unseal(struct sealed *r)
{
	bm_protection_free(r->protection);
	free(r);
}

void
heal(struct sealed *r)
{
	memcpy(r->received, r->sent, r->n);
}

void
cut(struct sealed *r, size_t first)
{
	r->edge_count = 0;
	for (size_t at = first; at < r->n - BM_HEADER && r->edge_count < EDGES_MAX; at += 1460)
		r->edges[r->edge_count++] = (uint32_t)at;
}

void
repair_with(struct sealed *r, solver solve, enum bm_effort effort, uint64_t work)
{
	struct bm_damaged d = {.protection = r->protection,
		.position = &r->position,
		.wire = {.type = r->received[0],
			.version = bm_load16(r->received + 1),
			.header = bm_view(r->received, BM_HEADER),
			.body = bm_view(r->received + BM_HEADER, r->n - BM_HEADER)},
		.edges = r->edges,
		.edge_count = r->edge_count,
		.pool = test_pool,
		.effort = effort,
		.work = work};

	memset(&r->repair, 0, sizeof(r->repair));
	memset(r->repaired, 0xee, sizeof(r->repaired));
	r->repair.sent = r->repaired;
	assert_int_equal(BM_OK, solve(&d, &test_scratch, &r->repair));
	assert_int_equal(0xee, r->repaired[r->n]);
}

solver
solver_of(const struct sealed *r)
{
	switch (bm_protection_keys(r->protection)->suite->mode) {
	case BM_MODE_GCM:
		return bm_repair_gcm;
	case BM_MODE_POLY1305:
		return bm_repair_poly1305;
	default:
		return bm_repair_ccm;
	}
}

static void
show(const struct sealed *r)
{
	for (size_t i = 0; i < r->repair.family_count; i++)
		print_message("#  %s: %llu%s\n", r->repair.family[i].name,
			(unsigned long long)r->repair.family[i].candidates,
			r->repair.family[i].complete ? "" : " (not complete)");
	for (size_t i = 0; i < r->n; i++)
		if (r->sent[i] != r->received[i])
			print_message("#  at %zu of %zu (text %zu+%zu): %02x for %02x, repaired %02x\n", i,
				r->n, r->text_at, r->text_n, r->received[i], r->sent[i], r->repaired[i]);
}

void
expect_repaired(const struct sealed *r, enum bm_repair_kind cause)
{
	bool good =
		r->repair.found && r->repair.kind == cause && memcmp(r->sent, r->repaired, r->n) == 0;

	if (!good) {
		print_message("# found %d, cause %d for %d, shape %s\n", r->repair.found,
			(int)r->repair.kind, (int)cause, r->repair.shape != NULL ? r->repair.shape : "-");
		show(r);
	}
	assert_true(good);
	assert_non_null(r->repair.method);
	assert_int_equal(8 * r->tag_n, r->repair.tag_bits);
	assert_true(r->repair.family_count > 0);
	assert_string_equal(r->repair.shape, r->repair.family[r->repair.family_count - 1].name);
	/* What is found can always be proved. */
	assert_true(r->repair.accepted_log2 >= 0);
	assert_true(r->repair.accepted_log2 - (double)r->repair.tag_bits <= -40);
	assert_true(r->repair.candidates > 0);
}

void
expect_nothing(const struct sealed *r)
{
	if (r->repair.found)
		show(r);
	assert_false(r->repair.found);
}

const unsigned suites[KINDS] = {
	[GCM12] = 0x009c, /* AES-128-GCM */
	[GCM13] = 0x1302, /* AES-256-GCM */
	[POLY12] = 0xcca8,
	[POLY13] = 0x1303,
	[CCM12] = 0xc09d, /* AES-256-CCM */
	[CCM13] = 0x1304,
	[SHORT12] = 0xc0a0,
	[SHORT13] = 0x1305,
	[ARIA12] = 0xc050, /* ARIA-128-GCM */
};

uint64_t dice = 0x62616462616d6163;

bool
is_short(size_t kind)
{
	return kind == SHORT12 || kind == SHORT13;
}

bool
is_ccm(size_t kind)
{
	return kind == CCM12 || kind == CCM13;
}

bool
is_gcm(size_t kind)
{
	return kind == GCM12 || kind == GCM13 || kind == ARIA12;
}

bool
next_case(void)
{
	static uint64_t nth;

	dice = 0x62616462616d6163 ^ ++nth * 0x9e3779b97f4a7c15;
	return due();
}

void
each(void (*test)(struct sealed *r, size_t kind), size_t most)
{
	static const size_t lengths[] = {32, 33, 100, 257, 1460, 4096, 16385};

	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]) && lengths[i] <= most; i++) {
			if (!next_case())
				continue;
			struct sealed *r = seal(suites[kind], lengths[i], &dice);
			test(r, kind);
			unseal(r);
		}
}

void
flip(struct sealed *r, size_t bit)
{
	r->received[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

void
spoil(struct sealed *r, size_t at)
{
	r->received[at] = r->sent[at] ^ (uint8_t)(1 + below(&dice, 255));
}

void
repair(struct sealed *r, enum bm_effort effort)
{
	repair_with(r, solver_of(r), effort, 0);
}
