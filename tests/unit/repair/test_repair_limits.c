/* What a search refuses and reports: limits of work, sizes, headers of DTLS, the parts of a check,
 * and the choice of a solver. */
#include "damage.h"

#include "repair/search.h"

/* The solver of HMAC suites is no part of these tests; the library's own takes its place when there
 * is one. */
__attribute__((weak)) enum bm_status
bm_repair_hmac(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out)
{
	(void)d;
	(void)scratch;
	(void)out;
	return BM_UNSUPPORTED;
}

static void
test_parts(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], 77, &dice);
		struct bm_wire w = {.type = r->sent[0],
			.version = bm_load16(r->sent + 1),
			.header = bm_view(r->sent, BM_HEADER),
			.body = bm_view(r->sent + BM_HEADER, r->n - BM_HEADER)};
		struct bm_aead_parts parts;
		uint8_t tag[16];
		assert_true(bm_verify_parts(r->protection, &r->position, &w, &parts));
		assert_int_equal(77, parts.text.n);
		assert_ptr_equal(r->sent + r->text_at, parts.text.p);
		assert_int_equal(r->tag_n, parts.tag.n);
		assert_memory_equal(r->sent, parts.aad + parts.type_at, 3);
		/* Together they make the tag. */
		assert_int_equal(BM_OK, bm_aead_tag(parts.aead, parts.nonce,
									bm_view(parts.aad, parts.aad_len), parts.text, NULL, tag));
		assert_memory_equal(parts.tag.p, tag, parts.tag.n);
		/* Too short by any amount. */
		for (w.body.n = r->text_at - BM_HEADER + r->tag_n; w.body.n-- > 0;)
			assert_false(bm_verify_parts(r->protection, &r->position, &w, &parts));
		unseal(r);
	}
}

/* Truncated at every length: no tag fits, and nothing is read behind the end. */
static void
test_lengths(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], 100, &dice);
		size_t whole = r->n;
		for (size_t n = BM_HEADER; n < whole; n++) {
			uint8_t *exact = malloc(n);
			assert_non_null(exact);
			memcpy(exact, r->sent, n);
			struct bm_repair out = {.sent = r->repaired};
			struct bm_damaged d = {.protection = r->protection,
				.position = &r->position,
				.wire = {.type = exact[0],
					.version = bm_load16(exact + 1),
					.header = bm_view(exact, BM_HEADER),
					.body = bm_view(exact + BM_HEADER, n - BM_HEADER)},
				.effort = n % 16 == 0 ? BM_NORMAL : BM_QUICK};
			assert_int_equal(BM_OK, solver_of(r)(&d, &test_scratch, &out));
			assert_false(out.found);
			/* Nothing of the body to search: then no family says that it was. */
			if (n < r->text_at + r->tag_n)
				assert_int_equal(0, out.family_count);
			free(exact);
		}
		unseal(r);
	}
}

static void
test_work(void **unused)
{
	(void)unused;
	struct sealed *r = seal(suites[GCM13], 4096, &dice);

	flip(r, 8 * r->text_at + 5);
	flip(r, 8 * r->text_at + 20000);
	/* So little that even one pass over the blocks is too much. */
	repair_with(r, bm_repair_gcm, BM_NORMAL, 64);
	expect_nothing(r);
	assert_true(r->repair.family_count > 0);
	assert_false(r->repair.family[0].complete);
	assert_int_equal(0, r->repair.family[0].candidates);
	/* Enough for what is quick. */
	repair_with(r, bm_repair_gcm, BM_NORMAL, 1 << 20);
	expect_nothing(r);
	assert_true(r->repair.family[0].complete);
	size_t cut_short = 0;
	for (size_t i = 0; i < r->repair.family_count; i++)
		cut_short += !r->repair.family[i].complete;
	assert_true(cut_short > 0);
	repair_with(r, bm_repair_gcm, BM_QUICK, 0);
	expect_nothing(r);
	repair_with(r, bm_repair_gcm, BM_NORMAL, 0);
	expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
	assert_string_equal("two bits anywhere", r->repair.shape);
	/* The same twice. */
	static struct bm_repair first;
	first = r->repair;
	repair_with(r, bm_repair_gcm, BM_NORMAL, 0);
	assert_int_equal(first.candidates, r->repair.candidates);
	assert_int_equal(first.family_count, r->repair.family_count);
	assert_true(first.accepted_log2 == r->repair.accepted_log2);
	unseal(r);
}

/* Counted by hand: 32 octets of text, so 256 bits, 31 and 29 and 25 and 17 swaps of neighbours. */
static void
test_count(void **unused)
{
	(void)unused;
	static const uint64_t want[] = {256, 31, 29, 25, 17, 128 + 8128 + 341376 + 10668000};
	struct sealed *r = seal(suites[GCM13], 32, &dice);
	uint64_t sum = 0;

	flip(r, 8 * r->n - 1);
	repair(r, BM_QUICK);
	expect_repaired(r, BM_REPAIR_TAG_DAMAGED);
	assert_int_equal(6, r->repair.family_count);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(want[i], r->repair.family[i].candidates);
		sum += want[i];
	}
	assert_int_equal(sum, r->repair.candidates);
	assert_true(r->repair.accepted_log2 > 23.39 && r->repair.accepted_log2 < 23.4);
	unseal(r);
}

static void
test_masks(void **unused)
{
	(void)unused;
	/* By trying all of 2 octets. */
	for (unsigned bits = 1; bits <= 16; bits++) {
		unsigned n = 0;
		for (unsigned m = 1; m < 65536; m++)
			n += bm_weight((const uint8_t[]){(uint8_t)m, (uint8_t)(m >> 8)}, 2) <= bits;
		assert_true(bm_masks_of_weight(2, bits) == (double)n);
	}
	/* And of 3. */
	for (size_t octets = 1; octets <= 3; octets++) {
		unsigned n = 0;
		for (unsigned m = 1; m < 1u << 24; m++)
			n += bm_within(
				(const uint8_t[]){(uint8_t)m, (uint8_t)(m >> 8), (uint8_t)(m >> 16)}, 3, octets);
		assert_true(bm_masks_in_run(3, octets) == (double)n);
	}
}

/* A DTLS record, its tag made by the check itself. */
static size_t
datagram(const struct bm_protection *p, const struct bm_position *pos, struct bm_wire *w,
	uint8_t *bytes, size_t head, size_t body)
{
	struct bm_outcome o;

	w->header = bm_view(bytes, head);
	w->body = bm_view(bytes + head, body);
	assert_int_equal(BM_OK, bm_verify(p, pos, w, false, &test_scratch, &o));
	memcpy(bytes + head + body - o.tag_len, o.computed, o.tag_len);
	return head + body;
}

static void
dtls(uint16_t version, unsigned suite, size_t head, size_t damaged_at)
{
	struct bm_traffic_keys k = {.version = version, .suite = bm_suite_find(suite)};
	struct bm_protection *p;
	struct bm_position pos;
	uint8_t bytes[13 + 8 + 64 + 16], received[sizeof(bytes)], sent[sizeof(bytes)];
	struct bm_wire w = {.type = 23, .version = version};
	struct bm_repair out = {.sent = sent};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)draw(&dice);
	for (size_t i = 0; i < BM_KEY_MAX; i++)
		k.key[i] = (uint8_t)draw(&dice);
	assert_int_equal(BM_OK, bm_protection_new(&p, &k));
	bm_position_start(p, &pos);
	pos.seq = UINT64_C(1) << 48 | 9;
	bytes[0] = version == BM_DTLS13 ? 0x2d : 23;
	bm_store16(bytes + 1, version);
	size_t n = datagram(p, &pos, &w, bytes, head, sizeof(bytes) - 13);
	memcpy(received, bytes, n);
	received[damaged_at] ^= 4;
	struct bm_damaged d = {.protection = p, .position = &pos, .wire = w};
	d.wire.header.p = received;
	d.wire.body.p = received + head;
	if (version != BM_DTLS13) {
		d.wire.type = received[0];
		d.wire.version = bm_load16(received + 1);
	}
	assert_int_equal(BM_OK, bm_repair(&d, &test_scratch, &out));
	assert_true(out.found);
	assert_memory_equal(bytes, sent, n);
	assert_int_equal(
		damaged_at < head ? BM_REPAIR_HEADER_DAMAGED : BM_REPAIR_BITS_FLIPPED, out.kind);
	bm_protection_free(p);
}

static void
test_dtls(void **unused)
{
	(void)unused;
	static const unsigned old[] = {0x009c, 0xcca8, 0xc09c, 0xc0a0};
	static const unsigned new[] = {0x1301, 0x1303, 0x1304, 0x1305};
	for (size_t i = 0; i < 4; i++) {
		dtls(BM_DTLS12, old[i], 13, 0);
		dtls(BM_DTLS12, old[i], 13, 2);
		dtls(BM_DTLS12, old[i], 13, 13 + 20);
		dtls(BM_DTLS13, new[i], 5, 0);
		dtls(BM_DTLS13, new[i], 5, 4);
		dtls(BM_DTLS13, new[i], 2, 1);
		dtls(BM_DTLS13, new[i], 5, 5 + 33);
	}
}

/* bm_repair picks by mode; each solver answers with its method. */
static void
test_choice(void **unused)
{
	(void)unused;
	static const char *const methods[KINDS] = {[GCM12] = "ghash-syndrome",
		[GCM13] = "ghash-syndrome",
		[ARIA12] = "ghash-syndrome",
		[POLY12] = "poly1305-difference",
		[POLY13] = "poly1305-difference",
		[CCM12] = "ccm-meeting",
		[CCM13] = "ccm-meeting",
		[SHORT12] = "ccm-meeting",
		[SHORT13] = "ccm-meeting"};
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], 50, &dice);
		flip(r, 8 * r->text_at + 99);
		repair_with(r, bm_repair, BM_QUICK, 0);
		expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
		assert_string_equal(methods[kind], r->repair.method);
		unseal(r);
	}
}

/* Camellia and SM4, that OpenSSL cannot seal with: tags by the check itself. */
static void
test_other_ciphers(void **unused)
{
	(void)unused;
	static const unsigned more[] = {0xc07a, 0xc07b, 0xc051, 0x00c6};
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		const struct bm_suite *s = bm_suite_find(more[i]);
		struct bm_traffic_keys k = {.version = BM_TLS12, .suite = s};
		struct bm_protection *p;
		struct bm_position pos;
		uint8_t bytes[5 + 8 + 200 + 16], received[sizeof(bytes)], sent[sizeof(bytes)];
		struct bm_repair out = {.sent = sent};
		assert_non_null(s);
		if (s->kx == BM_KX_TLS13)
			k.version = BM_TLS13;
		for (size_t b = 0; b < sizeof(bytes); b++)
			bytes[b] = (uint8_t)draw(&dice);
		memcpy(bytes, "\x17\x03\x03\x00\xe0", 5);
		assert_int_equal(BM_OK, bm_protection_new(&p, &k));
		bm_position_start(p, &pos);
		struct bm_wire w = {.type = 23, .version = BM_TLS12};
		size_t n = datagram(p, &pos, &w, bytes, 5, sizeof(bytes) - 5);
		memcpy(received, bytes, n);
		received[5 + 100] ^= 0x42;
		received[5 + 101] ^= 0xff;
		struct bm_damaged d = {.protection = p, .position = &pos, .wire = w};
		d.wire.header.p = received;
		d.wire.body.p = received + 5;
		assert_int_equal(BM_OK, bm_repair(&d, &test_scratch, &out));
		assert_true(out.found);
		assert_memory_equal(bytes, sent, n);
		bm_protection_free(p);
	}
}

/* Families whose accepted alterations would leave no proof are not searched, and those that only
 * cost too much are said to be incomplete. */
static void
test_too_much_to_prove(void **unused)
{
	(void)unused;
	static const struct bm_family_name name = BM_FAMILY_NAME("a test");
	static const uint64_t work[3] = {1600, 1600, 1600};
	struct sealed *r = seal(suites[SHORT13], 64, &dice);
	struct bm_repair out = {.sent = r->repaired};
	struct bm_damaged d = {.protection = r->protection,
		.position = &r->position,
		.wire = {23, BM_TLS12, {r->sent, BM_HEADER}, {NULL, 0},
			{r->sent + BM_HEADER, r->n - BM_HEADER}},
		.effort = BM_NORMAL};
	struct bm_search s;
	assert_true(bm_search_begin(&s, &d, &test_scratch, &out, "test", work));
	assert_false(bm_search_open(&s, &name, BM_QUICK, 0x1p24 + 1, 1));
	assert_false(bm_search_open(&s, &name, BM_DEEP, 1, 1));
	assert_false(bm_search_open(&s, &name, BM_QUICK, 0, 1));
	assert_int_equal(0, out.family_count);
	assert_false(bm_search_open(&s, &name, BM_QUICK, 1, 101));
	assert_int_equal(1, out.family_count);
	assert_false(out.family[0].complete);
	assert_true(bm_search_open(&s, &name, BM_NORMAL, 0x1p24 - 2, 60));
	bm_search_close(&s);
	assert_false(bm_search_open(&s, &name, BM_QUICK, 1, 41));
	assert_true(bm_search_open(&s, &name, BM_QUICK, 2, 40));
	/* Two changes that fit, or seem to: neither is shown, and nothing more is searched. */
	assert_true(bm_search_try(&s));
	s.fits = 2;
	bm_search_close(&s);
	assert_false(out.found);
	assert_string_equal("a test: two different changes fit, so neither is shown",
		out.family[out.family_count - 1].name);
	assert_false(bm_search_open(&s, &name, BM_QUICK, 0, 0));
	assert_int_equal(BM_OK, bm_search_end(&s));
	assert_true(out.accepted_log2 == 24);
	assert_int_equal(1 << 24, out.candidates);
	unseal(r);
}

/* Records of a few octets, and of none where the protocol has such. */
static void
test_tiny(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t n = 0; n < 18; n++) {
			bool tls13 = suites[kind] >> 8 == 0x13;
			if (n == 0 && tls13)
				continue;
			struct sealed *r = seal(suites[kind], n, &dice);
			for (size_t bit = 0; bit < 8 * r->tag_n; bit += 7) {
				heal(r);
				flip(r, 8 * (r->n - r->tag_n) + bit);
				repair(r, BM_NORMAL);
				expect_repaired(r, BM_REPAIR_TAG_DAMAGED);
			}
			for (size_t bit = 0; bit < 8 * n; bit++) {
				heal(r);
				flip(r, 8 * r->text_at + bit);
				repair(r, BM_QUICK);
				expect_repaired(r, BM_REPAIR_BITS_FLIPPED);
			}
			heal(r);
			r->received[0] ^= 1;
			repair(r, BM_QUICK);
			expect_repaired(r, BM_REPAIR_HEADER_DAMAGED);
			unseal(r);
		}
}

/* A good record is repaired by nothing; the caller asks about others alone. */
static void
test_good(void **unused)
{
	(void)unused;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct sealed *r = seal(suites[kind], 64, &dice);
		repair(r, BM_QUICK);
		if (r->repair.found)
			assert_memory_equal(r->sent, r->repaired, r->n);
		unseal(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_dtls),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_other_ciphers),
		cmocka_unit_test(test_too_much_to_prove),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
