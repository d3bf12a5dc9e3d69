/* Published records, lengths at every limit, positions, refusals. Vectors of other
 * implementations are in test_verify_vectors.c. */
#include "vectors.h"

static struct bm_scratch scratch;

static struct bm_protection *
protect(unsigned version, unsigned suite, bool etm)
{
	struct bm_traffic_keys k = {.version = (uint16_t)version,
		.suite = bm_suite_find(suite),
		.encrypt_then_mac = etm,
		.mac_key = {1, 2, 3},
		.key = {4, 5, 6},
		.iv = {7, 8, 9}};
	struct bm_protection *p;

	assert_non_null(k.suite);
	assert_int_equal(BM_OK, bm_protection_new(&p, &k));
	return p;
}

static enum bm_result
verify(const struct bm_protection *p, const struct bm_position *pos, const struct bm_wire *w,
	bool plain, struct bm_outcome *o)
{
	assert_int_equal(BM_OK, bm_verify(p, pos, w, plain, &scratch, o));
	return o->result;
}

struct secret {
	struct bm_protection *p;
	struct bm_position pos;
	unsigned long used;
};

/* One section of the RFC: what each side's secrets are, in the order of their use. */
struct section {
	char name[8];
	struct secret secrets[2][8];
	size_t count[2], current[2];
};

static void
section_end(struct section *s)
{
	for (unsigned side = 0; side < 2; side++) {
		for (size_t i = 0; i < s->count[side]; i++) {
			assert_true(s->secrets[side][i].used != 0);
			bm_protection_free(s->secrets[side][i].p);
		}
	}
	memset(s, 0, sizeof(*s));
}

static void
section_secret(struct section *s, unsigned side, const char *hex)
{
	struct bytes b = bytes_of(hex);
	struct secret *new = &s->secrets[side][s->count[side]++];
	struct bm_traffic_keys k;

	assert_int_equal(
		BM_OK, bm_keys_from_secret(BM_TLS13, bm_suite_find(0x1301), bytes_view(b), &k));
	assert_int_equal(BM_OK, bm_protection_new(&new->p, &k));
	bm_position_start(new->p, &new->pos);
	bytes_free(&b);
}

static unsigned
type_of(const char *what)
{
	if (strcmp(what, "handshake") == 0)
		return BM_HANDSHAKE;
	return strcmp(what, "alert") == 0 ? BM_ALERT : BM_APPLICATION_DATA;
}

/* It verifies under the current secret or the next, at the number that is due, and under no other.
 */
static void
section_record(struct section *s, unsigned side, const char *what, const char *hex)
{
	struct bytes b = bytes_of(hex);
	struct bm_wire w = {.type = b.p[0],
		.version = bm_load16(b.p + 1),
		.header = bm_view(b.p, BM_HEADER),
		.body = bm_view(b.p + BM_HEADER, b.n - BM_HEADER)};
	struct bm_outcome o;
	size_t fits = 0;

	for (size_t i = 0; i < s->count[side]; i++) {
		struct secret *secret = &s->secrets[side][i];
		if (verify(secret->p, &secret->pos, &w, true, &o) != BM_VERIFIED)
			continue;
		assert_true(i == s->current[side] || i == s->current[side] + 1);
		s->current[side] = i;
		fits++;
		secret->used++;
		bm_position_after(secret->p, &secret->pos, &w, &secret->pos);
		assert_int_equal(type_of(what), o.type);
		assert_int_equal(o.plain.n + 1 + 16 + o.padding, w.body.n);
		if (o.type == BM_ALERT)
			assert_memory_equal("\1\0", o.plain.p, 2); /* close_notify */
	}
	assert_int_equal(1, fits);
	bytes_free(&b);
}

static void
test_rfc8448(void **unused)
{
	static struct vectors v;
	static struct section s;
	unsigned records = 0;

	(void)unused;
	vectors_open(&v, "rfc8448.tsv");
	while (vectors_next(&v)) {
		unsigned side = strcmp(v.field[2], "server") == 0;
		if (strcmp(s.name, v.field[1]) != 0) {
			section_end(&s);
			snprintf(s.name, sizeof(s.name), "%s", v.field[1]);
		}
		if (strcmp(v.field[0], "secret") == 0) {
			section_secret(&s, side, v.field[3]);
		} else {
			section_record(&s, side, v.field[3], v.field[4]);
			records++;
		}
	}
	section_end(&s);
	assert_int_equal(27, records);
	vectors_close(&v);
}

/* A body whose tag is put right: what is computed for it is written into it. */
static void
check_length(const struct bm_protection *p, size_t n, bool possible)
{
	struct bytes body = {malloc(n != 0 ? n : 1), n};
	struct bm_wire w = {
		.type = BM_APPLICATION_DATA, .version = BM_TLS12, .header = bm_view("\27\3\3\0\0", 5)};
	struct bm_position pos;
	struct bm_outcome o;
	size_t tag = bm_protection_tag_len(p);

	assert_non_null(body.p);
	memset(body.p, 0x29, n);
	w.body = bytes_view(body);
	bm_position_start(p, &pos);
	enum bm_result result = verify(p, &pos, &w, false, &o);
	if (!possible) {
		assert_int_equal(BM_BAD_LENGTH, result);
		assert_int_equal(0, o.tag_len + o.plain.n + o.padding);
		assert_int_equal(BM_BAD_LENGTH, verify(p, &pos, &w, true, &o));
	} else {
		assert_int_equal(BM_BAD_TAG, result);
		assert_int_equal(tag, o.tag_len);
		memcpy(body.p + n - tag, o.computed, tag);
		assert_int_equal(BM_VERIFIED, verify(p, &pos, &w, false, &o));
		assert_int_equal(BM_VERIFIED, verify(p, &pos, &w, true, &o));
	}
	bytes_free(&body);
}

/* Too long is no matter of the MAC: whatever a 16 bit length can say is checked. */
static void
test_lengths(void **unused)
{
	static const struct {
		unsigned version, suite;
		size_t least;
	} cases[] = {
		{BM_TLS12, 0x009c, 24},
		{BM_TLS12, 0xc0a0, 16},
		{BM_TLS12, 0xcca8, 16},
		{BM_TLS13, 0x1301, 17},
		{BM_TLS13, 0x1303, 17},
		{BM_TLS12, 0x0002, 20},
		{BM_SSL3, 0x0001, 16},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bm_protection *p = protect(cases[i].version, cases[i].suite, false);
		for (size_t n = 0; n < 100; n++)
			check_length(p, n, n >= cases[i].least);
		check_length(p, 16384 + 17, true);
		check_length(p, 16384 + 2048 + 1, true);
		check_length(p, 65535, true);
		check_length(p, 65536, false);
		bm_protection_free(p);
	}
}

/* Zeros up to any length behind the type, which stands at any place in the steps of the search. */
static void
test_zeros(void **unused)
{
	static const unsigned suites[] = {0x1301, 0x1302, 0x1303, 0x1304, 0x00c6};
	static const size_t sizes[] = {
		1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 193, 320, 448, 449, 960, 1500, 16385, 65519};
	static uint8_t body[65535];

	(void)unused;
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++) {
		struct bm_protection *p = protect(BM_TLS13, suites[i], false);
		const struct bm_traffic_keys *k = bm_protection_keys(p);
		struct bm_aead *a;
		assert_int_equal(BM_OK, bm_aead_new(&a, k->suite->cipher, k->suite->mode, 16,
									bm_view(k->key, k->suite->key_len)));
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			size_t n = sizes[s];
			/* at: of the type; n: nowhere. */
			for (size_t at = 0; at <= n; at += n < 500 || at + 200 >= n ? 1 : n / 9) {
				struct bm_position pos;
				struct bm_outcome o[2];
				struct bm_wire w = {.type = 23,
					.version = BM_TLS12,
					.header = bm_view("\27\3\3\1\1", 5),
					.body = bm_view(body, n + 16)};
				bm_position_start(p, &pos);
				memset(body, 0, n);
				if (at < n) {
					memset(body, 0xa5, at);
					body[at] = 22;
				}
				/* Counter modes encrypt as they decrypt. */
				assert_int_equal(BM_OK, bm_aead_decrypt_at(a, k->iv, 0, bm_view(body, n), body));
				(void)verify(p, &pos, &w, false, &o[0]);
				memcpy(body + n, o[0].computed, 16);
				for (int plain = 0; plain < 2; plain++) {
					enum bm_result result = verify(p, &pos, &w, plain != 0, &o[plain]);
					assert_int_equal(at < n ? BM_VERIFIED : BM_BAD_INNER, result);
					assert_int_equal(at < n ? 22 : 23, o[plain].type);
					assert_int_equal(at < n ? n - at - 1 : n, o[plain].padding);
				}
				assert_int_equal(at < n ? at : 0, o[1].plain.n);
				/* Whoever asks sees the plaintext of a bad record too, but not its type. */
				body[n] ^= 1;
				assert_int_equal(BM_BAD_TAG, verify(p, &pos, &w, true, &o[1]));
				assert_int_equal(at < n ? at : 0, o[1].plain.n);
				assert_int_equal(23, o[1].type);
			}
		}
		bm_aead_free(a);
		bm_protection_free(p);
	}
}

static void
refused(unsigned version, unsigned suite)
{
	struct bm_traffic_keys k = {.version = (uint16_t)version, .suite = bm_suite_find(suite)};
	struct bm_protection *p = (struct bm_protection *)&k;

	assert_non_null(k.suite);
	assert_int_equal(BM_UNSUPPORTED, bm_protection_new(&p, &k));
	assert_null(p);
}

static void
test_refusals(void **unused)
{
	struct bm_traffic_keys none = {.version = BM_TLS12};
	struct bm_protection *p;

	(void)unused;
	assert_int_equal(BM_UNSUPPORTED, bm_protection_new(&p, &none));
	assert_null(p);
	refused(BM_TLS12, 0x0000);  /* NULL_WITH_NULL_NULL: nothing to verify */
	refused(BM_TLS10, 0x0003);  /* export */
	refused(BM_TLS12, 0xc100);  /* GOST */
	refused(BM_DTLS10, 0x0005); /* RC4 */
	refused(BM_DTLS12, 0x0004);
	refused(BM_DTLS12, 0xc011);
	refused(BM_TLS11, 0x009c); /* AEAD before TLS 1.2 */
	refused(BM_DTLS10, 0xcca8);
	refused(BM_SSL3, 0xc0a0);
	refused(BM_SSL3, 0x003c); /* SSL 3.0 has MD5 and SHA-1 */
	refused(BM_TLS12, 0x1301);
	refused(BM_DTLS12, 0x1303);
	refused(BM_TLS13, 0x009c);
	refused(BM_DTLS13, 0x002f);
	refused(BM_SSL2, 0x0005);
	refused(0x0305, 0x1301);
	refused(0, 0x002f);
	bm_protection_free(NULL);
}

static void
test_positions(void **unused)
{
	uint8_t body[100];
	struct bm_wire w = {.type = 23, .version = BM_TLS10, .body = bm_view(body, sizeof(body))};
	struct bm_position pos, next, step;
	struct bm_protection *p = protect(BM_TLS10, 0x002f, false);

	(void)unused;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	bm_position_start(p, &pos);
	assert_memory_equal(bm_protection_keys(p)->iv, pos.iv, 16);
	bm_position_after(p, &pos, &w, &next);
	assert_memory_equal(body + 84, next.iv, 16);
	assert_memory_equal(bm_protection_keys(p)->iv, pos.iv, 16);
	w.body.n = 15;
	bm_position_after(p, &next, &w, &next);
	assert_memory_equal(body + 84, next.iv, 16);
	w.body.n = 0;
	bm_position_after(p, &next, &w, &next);
	assert_memory_equal(body + 84, next.iv, 16);
	assert_int_equal(3, next.seq);
	w.body.n = 16;
	bm_position_after(p, &next, &w, &next);
	assert_memory_equal(body, next.iv, 16);
	bm_protection_free(p);

	/* Behind the ciphertext stand 20 octets of MAC. */
	p = protect(BM_TLS10, 0x000a, true);
	bm_position_start(p, &pos);
	w.body = bm_view(body, 100);
	bm_position_after(p, &pos, &w, &next);
	assert_memory_equal(body + 72, next.iv, 8);
	w.body.n = 27;
	bm_position_after(p, &next, &w, &next);
	assert_memory_equal(body + 72, next.iv, 8);
	bm_protection_free(p);

	p = protect(BM_SSL3, 0x0005, false);
	bm_position_start(p, &pos);
	next = pos;
	for (size_t n = 1; n <= 50; n++) {
		w.body.n = n;
		bm_position_after(p, &next, &w, &next);
	}
	step = pos;
	bm_rc4_skip(&step.rc4, 50 * 51 / 2);
	assert_int_equal(50, next.seq);
	assert_int_equal(50 * 51 / 2, next.rc4.position);
	assert_memory_equal(&step.rc4, &next.rc4, sizeof(step.rc4));
	bm_protection_free(p);

	/* DTLS stays in its epoch, TLS counts through. */
	static const struct {
		unsigned version, suite;
		uint64_t seq, next;
	} counts[] = {
		{BM_DTLS12, 0x009c, UINT64_C(0x0001000000000000), UINT64_C(0x0001000000000001)},
		{BM_DTLS12, 0x009c, UINT64_C(0x0001ffffffffffff), UINT64_C(0x0001000000000000)},
		{BM_DTLS10, 0x002f, UINT64_C(0xfffffffffffffffe), UINT64_C(0xffffffffffffffff)},
		{BM_DTLS13, 0x1301, 7, 8},
		{BM_TLS12, 0x002f, UINT64_C(0xffffffffffff), UINT64_C(0x1000000000000)},
		{BM_TLS13, 0x1301, UINT64_MAX, 0},
	};
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		p = protect(counts[i].version, counts[i].suite, false);
		bm_position_start(p, &pos);
		pos.seq = counts[i].seq;
		bm_position_after(p, &pos, &w, &next);
		assert_true(next.seq == counts[i].next);
		assert_true(pos.seq == counts[i].seq);
		bm_protection_free(p);
	}
}

static void
test_cid_too_long(void **unused)
{
	static uint8_t cid[256], body[100];
	struct bm_protection *p = protect(BM_DTLS12, 0x009c, false);
	struct bm_wire w = {.type = BM_TLS12_CID,
		.version = BM_DTLS12,
		.cid = bm_view(cid, 256),
		.body = bm_view(body, sizeof(body))};
	struct bm_position pos;
	struct bm_outcome o;

	(void)unused;
	bm_position_start(p, &pos);
	assert_int_equal(BM_USAGE, bm_verify(p, &pos, &w, false, &scratch, &o));
	w.cid.n = 255;
	assert_int_equal(BM_BAD_TAG, verify(p, &pos, &w, false, &o));
	memcpy(body + 84, o.computed, 16);
	assert_int_equal(BM_VERIFIED, verify(p, &pos, &w, false, &o));
	bm_protection_free(p);
}

/* A record of n octets of text at seq. */
static void
seal(const struct bm_protection *p, uint64_t seq, uint8_t *bytes, size_t n, struct bm_wire *w)
{
	struct bm_position pos;
	struct bm_outcome o;

	for (size_t i = BM_HEADER; i < BM_HEADER + n; i++)
		bytes[i] = (uint8_t)(i * 7 + seq);
	bytes[0] = BM_APPLICATION_DATA;
	bm_store16(bytes + 1, BM_TLS12);
	bm_store16(bytes + 3, (unsigned)n);
	*w = (struct bm_wire){.type = BM_APPLICATION_DATA,
		.version = BM_TLS12,
		.header = bm_view(bytes, BM_HEADER),
		.body = bm_view(bytes + BM_HEADER, n)};
	bm_position_start(p, &pos);
	pos.seq = seq;
	(void)verify(p, &pos, w, false, &o);
	memcpy(bytes + BM_HEADER + n - o.tag_len, o.computed, o.tag_len);
}

/* The number that a GCM record was made with, and of no other record one. */
static void
test_solve_number(void **unused)
{
	static const struct {
		unsigned version, suite;
		bool solvable, quick;
	} suites[] = {{BM_TLS13, 0x1301, true, true}, {BM_TLS13, 0x1302, true, true},
		{BM_TLS12, 0x009c, true, false}, {BM_TLS12, 0xc030, true, false},
		{BM_TLS12, 0xc050, true, false}, {BM_TLS12, 0xc08a, true, false},
		{BM_TLS13, 0x1303, false, false}, {BM_TLS13, 0x1304, false, false},
		{BM_TLS12, 0xc09c, false, false}, {BM_TLS12, 0x002f, false, false},
		{BM_DTLS12, 0x009c, false, false}};
	static const uint64_t numbers[] = {
		0, 1, 255, 256, 65536, UINT64_C(0x123456789abc), (UINT64_C(1) << 48) - 1};
	static const size_t sizes[] = {25, 26, 40, 41, 64, 1000};
	uint8_t bytes[1100];
	struct bm_wire w;
	uint64_t seq;

	(void)unused;
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
		struct bm_protection *p = protect(suites[i].version, suites[i].suite, false);
		const struct bm_traffic_keys *k = bm_protection_keys(p);
		assert_int_equal(suites[i].solvable, bm_number_solvable(p));
		for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
			for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
				seal(p, numbers[n], bytes, sizes[j], &w);
				assert_int_equal(suites[i].solvable, bm_solve_number(p, &w, &seq));
				assert_true(!suites[i].solvable || seq == numbers[n]);
				assert_int_equal(suites[i].quick, bm_number_of_keys(k, &w, &seq));
				assert_true(!suites[i].quick || seq == numbers[n]);
				/* One bit more or less, and it is nobody's. In TLS 1.2 the explicit nonce is part
				 * of what is checked. */
				bytes[BM_HEADER + sizes[j] / 2] ^= 0x10;
				assert_false(bm_solve_number(p, &w, &seq));
				assert_false(bm_number_of_keys(k, &w, &seq));
			}
		bm_protection_free(p);
	}
	/* A number that no connection comes to is none; nor has a record without text one. */
	struct bm_protection *p = protect(BM_TLS13, 0x1301, false);
	seal(p, UINT64_C(1) << 48, bytes, 40, &w);
	assert_false(bm_solve_number(p, &w, &seq));
	assert_false(bm_number_of_keys(bm_protection_keys(p), &w, &seq));
	for (size_t n = 0; n <= 16; n++) {
		w.body.n = n;
		assert_false(bm_solve_number(p, &w, &seq));
		assert_false(bm_number_of_keys(bm_protection_keys(p), &w, &seq));
	}
	bm_protection_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8448),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_cid_too_long),
		cmocka_unit_test(test_solve_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
