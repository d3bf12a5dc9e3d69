/* Records that another implementation protected, for every protection in the suite table, and
 * records of real stacks: each verifies, and with anything altered none does. Knows no cryptography
 * of its own. */
#include "vectors.h"

static struct bm_scratch scratch;

struct state {
	struct bm_traffic_keys keys;
	struct bm_protection *p;
	struct bm_position pos;
	bool dtls, tls13, aead, has_cid;
	unsigned long records, attacks, poodles;
};

struct record {
	struct bm_wire w;
	struct bytes header, cid, body, plain, tag;
	uint8_t inner;
	size_t padding;
	uint64_t seq;
	bool good;
	enum bm_result result;
};

static enum bm_result
verify_at(const struct state *s, const struct bm_position *pos, const struct bm_wire *w, bool plain,
	struct bm_outcome *o)
{
	assert_int_equal(BM_OK, bm_verify(s->p, pos, w, plain, &scratch, o));
	return o->result;
}

static void
copy_field(uint8_t *to, size_t room, const char *hex)
{
	struct bytes b = bytes_of(hex);

	assert_true(b.n <= room);
	memcpy(to, b.p, b.n);
	bytes_free(&b);
}

static void
read_keys(struct state *s, char *const *field)
{
	const char *flags = field[3];
	const char *draft = strstr(flags, "draft");

	bm_protection_free(s->p);
	s->keys = (struct bm_traffic_keys){
		.version = (uint16_t)number_of(field[1]),
		.suite = bm_suite_find((unsigned)number_of(field[2])),
		.encrypt_then_mac = strstr(flags, "etm") != NULL,
		.truncated_hmac = strstr(flags, "trunc") != NULL,
		.draft = (uint16_t)(draft != NULL ? strtoul(draft + 5, NULL, 10) : 0),
	};
	assert_non_null(s->keys.suite);
	copy_field(s->keys.mac_key, sizeof(s->keys.mac_key), field[4]);
	copy_field(s->keys.key, sizeof(s->keys.key), field[5]);
	copy_field(s->keys.iv, sizeof(s->keys.iv), field[6]);
	s->has_cid = strstr(flags, "cid") != NULL;
	s->dtls = s->keys.version >= BM_DTLS13;
	s->tls13 = s->keys.suite->kx == BM_KX_TLS13;
	s->aead = s->keys.suite->mac == BM_HASH_NONE;
	assert_int_equal(BM_OK, bm_protection_new(&s->p, &s->keys));
	bm_position_start(s->p, &s->pos);
	assert_int_equal(0, s->pos.seq);
	bool chained = s->keys.suite->cipher == BM_RC4 ||
				   (s->keys.suite->mode == BM_MODE_CBC && s->keys.version <= BM_TLS10);
	assert_int_equal(chained, bm_protection_chained(s->p));
	assert_memory_equal(&s->keys, bm_protection_keys(s->p), sizeof(s->keys));
}

static enum bm_result
result_of(const char *name)
{
	static const char *const names[] = {"ok", "tag", "padding", "inner", "length"};

	for (unsigned i = 0; i < 5; i++)
		if (strcmp(names[i], name) == 0)
			return (enum bm_result)i;
	fail();
	return BM_VERIFIED;
}

static void
read_record(struct record *r, char *const *field)
{
	r->result = result_of(field[1]);
	r->good = r->result == BM_VERIFIED;
	r->seq = number_of(field[2]);
	r->header = bytes_of(field[5]);
	r->cid = bytes_of(field[6]);
	r->body = bytes_of(field[7]);
	r->inner = (uint8_t)number_of(field[8]);
	r->plain = bytes_of(field[9]);
	r->padding = strtoul(field[10], NULL, 10);
	r->tag = bytes_of(field[11]);
	r->w = (struct bm_wire){.type = (uint8_t)number_of(field[3]),
		.version = (uint16_t)number_of(field[4]),
		.header = bytes_view(r->header),
		.cid = bytes_view(r->cid),
		.body = bytes_view(r->body)};
}

static void
free_record(struct record *r)
{
	bytes_free(&r->header);
	bytes_free(&r->cid);
	bytes_free(&r->body);
	bytes_free(&r->plain);
	bytes_free(&r->tag);
}

/* A batch says of each what it says of that alone: of this record, of damaged ones and cut ones, at
 * this number and others. */
static void
check_batch(const struct state *s, const struct record *r)
{
	static struct bm_check checks[BM_CHECKS_MAX + 5];
	static uint64_t seed = 5;
	struct bm_check *list[BM_CHECKS_MAX + 5];
	struct bytes bodies[BM_CHECKS_MAX + 5];
	size_t n = 1 + (size_t)(r->seq + r->body.n) % (BM_CHECKS_MAX + 5);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		struct bm_check *c = list[i] = &checks[i];
		bodies[i] = bytes_copy(r->w.body);
		*c = (struct bm_check){.p = s->p, .pos = s->pos, .w = r->w};
		c->w.body = bytes_view(bodies[i]);
		if (i % 4 == 1 && bodies[i].n != 0)
			bodies[i].p[(seed >> 33) % bodies[i].n] ^= (uint8_t)(1u << (seed >> 30 & 7));
		if (i % 4 == 2)
			c->pos.seq++;
		if (i % 4 == 3)
			c->w.body.n -= (seed >> 40) % (c->w.body.n + 1);
	}
	bm_verify_batch(list, n);
	for (size_t i = 0; i < n; i++) {
		struct bm_outcome o;
		bool cid = s->has_cid && r->w.type == BM_TLS12_CID;
		enum bm_status st = bm_verify(s->p, &checks[i].pos, &checks[i].w, false, &scratch, &o);
		assert_int_equal(BM_OK, st);
		if (cid && checks[i].status != BM_OK) {
			assert_int_equal(BM_LIMIT, checks[i].status);
		} else {
			const struct bm_outcome *b = &checks[i].o;
			assert_int_equal(BM_OK, checks[i].status);
			assert_true(!cid || o.result == BM_BAD_LENGTH);
			assert_int_equal(o.result, b->result);
			assert_int_equal(o.type, b->type);
			assert_int_equal(o.padding, b->padding);
			assert_int_equal(o.tag_len, b->tag_len);
			assert_memory_equal(o.computed, b->computed, sizeof o.computed);
			assert_memory_equal(o.received, b->received, sizeof o.received);
			assert_int_equal(0, b->plain.n);
			assert_int_equal(o.rc4_after != NULL, b->rc4_after != NULL);
			if (o.rc4_after != NULL)
				assert_memory_equal(o.rc4_after, b->rc4_after, sizeof *o.rc4_after);
		}
	}
	for (size_t i = 0; i < n; i++)
		bytes_free(&bodies[i]);
}

/* The outcome as the vector has it, and the same whether plaintext was asked for or not. */
static void
check_outcome(const struct state *s, const struct record *r)
{
	struct bm_outcome o[2];

	for (int plain = 0; plain < 2; plain++) {
		assert_int_equal(r->result, verify_at(s, &s->pos, &r->w, plain != 0, &o[plain]));
		assert_int_equal(r->tag.n, o[plain].tag_len);
		assert_memory_equal(r->tag.p, o[plain].computed, r->tag.n);
		for (size_t i = r->tag.n; i < BM_HASH_MAX; i++)
			assert_int_equal(0, o[plain].computed[i] | o[plain].received[i]);
		assert_int_equal(r->padding, o[plain].padding);
		assert_int_equal(r->good ? r->inner : r->w.type, o[plain].type);
		if (r->good)
			assert_memory_equal(o[plain].computed, o[plain].received, r->tag.n);
	}
	assert_int_equal(r->tag.n, bm_protection_tag_len(s->p));
	if (r->good) {
		assert_int_equal(r->plain.n, o[1].plain.n);
		assert_memory_equal(r->plain.p, o[1].plain.p, r->plain.n);
		assert_true(o[0].plain.n == 0 || bm_view_equal(o[0].plain, o[1].plain));
	}
	assert_true(o[1].plain.n == 0 || o[1].plain.p == scratch.bytes);
	check_batch(s, r);
}

static bool
mac_then_encrypt(const struct state *s)
{
	return s->keys.suite->mode == BM_MODE_CBC && !s->keys.encrypt_then_mac;
}

static void
expect(struct state *s, const struct bm_position *pos, const struct bm_wire *w, enum bm_result want)
{
	struct bm_outcome o;

	s->attacks++;
	assert_int_equal(want, verify_at(s, pos, w, s->attacks % 2 != 0, &o));
	if (want == BM_BAD_LENGTH)
		assert_int_equal(0, o.tag_len);
	else if (want == BM_BAD_TAG)
		assert_memory_not_equal(o.computed, o.received, o.tag_len);
}

/* The altered body is not good. MAC-then-encrypt leaves open which of its two checks says so. */
static void
expect_bad(struct state *s, const struct bm_wire *w)
{
	struct bm_outcome o;

	s->attacks++;
	if (!mac_then_encrypt(s)) {
		expect(s, &s->pos, w, BM_BAD_TAG);
		return;
	}
	enum bm_result got = verify_at(s, &s->pos, w, false, &o);
	/* SSL 3.0 authenticates no padding: if it fills the last block, that block may be anything that
	 * ends in the right octet. */
	if (got == BM_VERIFIED && s->keys.version == BM_SSL3) {
		assert_int_equal(bm_cipher_block(s->keys.suite->cipher), o.padding);
		s->poodles++;
		return;
	}
	assert_true(got == BM_BAD_TAG || got == BM_BAD_PADDING);
	assert_true(got == BM_BAD_PADDING || memcmp(o.computed, o.received, o.tag_len) != 0);
}

static void
attack_body(struct state *s, const struct record *r)
{
	struct bm_wire w = r->w;
	struct bytes body = bytes_copy(w.body);
	/* Every bit of short records, one of each octet of long ones. */
	unsigned step = body.n < 100 ? 1 : 8;

	w.body = bytes_view(body);
	for (size_t i = 0; i < body.n; i++) {
		for (unsigned bit = (unsigned)i % step; bit < 8; bit += step) {
			body.p[i] ^= (uint8_t)(1u << bit);
			expect_bad(s, &w);
			body.p[i] ^= (uint8_t)(1u << bit);
		}
	}
	expect(s, &s->pos, &w, BM_VERIFIED);
	bytes_free(&body);
}

/* What RFCs say of lengths, put down once more. */
static bool
length_possible(const struct state *s, size_t n)
{
	const struct bm_suite *suite = s->keys.suite;
	size_t tag = bm_protection_tag_len(s->p);
	size_t block = bm_cipher_block(suite->cipher);

	if (s->tls13)
		return n >= tag + 1;
	if (s->aead)
		return n >= tag + (suite->mode == BM_MODE_POLY1305 ? 0 : 8) + (s->has_cid ? 1 : 0);
	if (suite->mode == BM_MODE_STREAM)
		return n >= tag;
	size_t iv = s->keys.version <= BM_TLS10 ? 0 : block;
	if (s->keys.encrypt_then_mac)
		return n >= iv + block + tag && (n - iv - tag) % block == 0;
	return n >= iv + tag + 1 && (n - iv) % block == 0;
}

static void
attack_length(struct state *s, const struct record *r)
{
	struct bm_wire w = r->w;

	for (size_t n = 0; n < r->body.n; n++) {
		struct bytes body = bytes_copy(bm_view(r->body.p, n));
		w.body = bytes_view(body);
		if (length_possible(s, n))
			expect_bad(s, &w);
		else
			expect(s, &s->pos, &w, BM_BAD_LENGTH);
		bytes_free(&body);
	}
	struct bytes more = {malloc(r->body.n + 16), 0};
	assert_non_null(more.p);
	memcpy(more.p, r->body.p, r->body.n);
	memset(more.p + r->body.n, 0, 16);
	for (size_t n = 1; n <= 16; n++) {
		w.body = bm_view(more.p, r->body.n + n);
		if (length_possible(s, w.body.n))
			expect_bad(s, &w);
		else
			expect(s, &s->pos, &w, BM_BAD_LENGTH);
	}
	bytes_free(&more);
}

static void
attack_sequence(struct state *s, const struct record *r)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		struct bm_position pos = s->pos;
		bool counts = !(s->dtls && s->tls13 && bit >= 48);
		pos.seq ^= UINT64_C(1) << bit;
		expect(s, &pos, &r->w, counts ? BM_BAD_TAG : BM_VERIFIED);
	}
}

static void
attack_header(struct state *s, const struct record *r)
{
	bool bare = s->keys.draft != 0 && s->keys.draft < 25;

	for (unsigned bit = 0; bit < 24; bit++) {
		struct bm_wire w = r->w;
		if (bit < 8)
			w.type ^= (uint8_t)(1u << bit);
		else
			w.version ^= (uint16_t)(1u << (bit - 8));
		bool counts = !s->tls13 && (bit < 8 || s->keys.version != BM_SSL3);
		expect(s, &s->pos, &w, counts ? BM_BAD_TAG : BM_VERIFIED);
	}
	for (size_t i = 0; i < r->header.n; i++) {
		r->header.p[i] ^= 1;
		expect(s, &s->pos, &r->w, s->tls13 && !bare ? BM_BAD_TAG : BM_VERIFIED);
		r->header.p[i] ^= 1;
	}
	bool cid = s->has_cid && !s->tls13;
	for (size_t i = 0; i < r->cid.n; i++) {
		struct bm_wire w = r->w;
		r->cid.p[i] ^= 1;
		expect(s, &s->pos, &w, cid ? BM_BAD_TAG : BM_VERIFIED);
		r->cid.p[i] ^= 1;
		w.cid = bm_view(r->cid.p, i);
		expect(s, &s->pos, &w, cid ? BM_BAD_TAG : BM_VERIFIED);
	}
}

/* Every octet of key, MAC key and IV is used. Encrypt-then-MAC rests on the MAC key alone. */
static void
attack_keys(const struct state *s, const struct record *r)
{
	const struct bm_suite *suite = s->keys.suite;
	size_t sizes[3] = {suite->key_len, bm_hash_size(suite->mac), 0};

	if (s->tls13)
		sizes[2] = 12;
	else if (s->aead)
		sizes[2] = suite->fixed_iv_len;
	else if (suite->mode == BM_MODE_CBC && s->keys.version <= BM_TLS10)
		sizes[2] = bm_cipher_block(suite->cipher);
	for (unsigned part = 0; part < 3; part++) {
		if (s->keys.encrypt_then_mac && part != 1)
			continue;
		for (size_t i = 0; i < sizes[part]; i++) {
			struct bm_traffic_keys k = s->keys;
			struct bm_protection *p;
			struct bm_position pos;
			struct bm_outcome o;
			uint8_t *at = part == 0 ? k.key : part == 1 ? k.mac_key : k.iv;
			/* Not the lowest bit: DES keys have their parity there. */
			at[i] ^= 0x10;
			assert_int_equal(BM_OK, bm_protection_new(&p, &k));
			bm_position_start(p, &pos);
			pos.seq = r->seq;
			assert_int_equal(BM_OK, bm_verify(p, &pos, &r->w, false, &scratch, &o));
			assert_int_not_equal(BM_VERIFIED, o.result);
			bm_protection_free(p);
		}
	}
}

/* Under rules that were not negotiated. */
static void
attack_rules(struct state *s, const struct record *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct bm_traffic_keys k = s->keys;
		struct bm_protection *p;
		struct bm_outcome o;
		if (i == 0)
			k.encrypt_then_mac = !k.encrypt_then_mac;
		else
			k.truncated_hmac = !k.truncated_hmac;
		bool counts =
			!s->aead && k.version != BM_SSL3 && (i == 1 || s->keys.suite->mode == BM_MODE_CBC);
		assert_int_equal(BM_OK, bm_protection_new(&p, &k));
		assert_int_equal(BM_OK, bm_verify(p, &s->pos, &r->w, false, &scratch, &o));
		assert_int_equal(!counts, o.result == BM_VERIFIED);
		bm_protection_free(p);
	}
}

static void
check_record(struct state *s, char *const *field)
{
	struct record r;
	bool first = s->pos.seq == 0;

	read_record(&r, field);
	if (s->dtls)
		s->pos.seq = r.seq;
	/* In a stream the number is that of the count. */
	assert_int_equal(r.seq, s->pos.seq);
	check_outcome(s, &r);
	s->records++;
	if (!r.good) {
		free_record(&r);
		return;
	}
	attack_body(s, &r);
	attack_length(s, &r);
	attack_sequence(s, &r);
	attack_header(s, &r);
	attack_rules(s, &r);
	if (first || s->dtls)
		attack_keys(s, &r);

	struct bm_position next;
	bm_position_after(s->p, &s->pos, &r.w, &next);
	assert_int_equal(r.seq + 1, next.seq);
	/* A chained record does not verify under the state that follows it, even with its number. */
	next.seq = r.seq;
	struct bm_outcome o;
	bool chained = bm_protection_chained(s->p);
	/* Encrypt-then-MAC: the IV is not authenticated, only a short record's padding suffers. */
	if (!s->keys.encrypt_then_mac || !chained)
		assert_int_equal(!chained, verify_at(s, &next, &r.w, false, &o) == BM_VERIFIED);
	bm_position_after(s->p, &s->pos, &r.w, &s->pos);
	free_record(&r);
}

/* Returns how many records were in the file. */
static unsigned long
check_file(const char *name)
{
	struct state s = {.p = NULL};
	static struct vectors v;

	vectors_open(&v, name);
	while (vectors_next(&v)) {
		if (strcmp(v.field[0], "keys") == 0) {
			assert_int_equal(7, v.fields);
			read_keys(&s, v.field);
		} else {
			assert_int_equal(12, v.fields);
			check_record(&s, v.field);
		}
	}
	/* One in 256 of the flips that could. */
	assert_true(s.poodles < 20);
	print_message("# %s: %lu records, %lu alterations\n", name, s.records, s.attacks);
	bm_protection_free(s.p);
	vectors_close(&v);
	return s.records;
}

static void
test_made(void **unused)
{
	(void)unused;
	assert_true(check_file("verify-vectors.tsv") > 3000);
}

/* Of real stacks, opened by another implementation. */
static void
test_real(void **unused)
{
	(void)unused;
	assert_true(check_file("real-vectors.tsv") > 80);
}

static bool
same_protection(const struct bm_suite *a, const struct bm_suite *b)
{
	return a->cipher == b->cipher && a->mode == b->mode && a->key_len == b->key_len &&
		   a->fixed_iv_len == b->fixed_iv_len && a->tag_len == b->tag_len && a->mac == b->mac;
}

/* Each suite of the table is protected like one that has vectors. */
static void
test_coverage(void **unused)
{
	static const struct bm_suite *seen[64];
	static struct vectors v;
	size_t n = 0, count, missing = 0;
	const struct bm_suite *table = bm_suite_table(&count);

	(void)unused;
	vectors_open(&v, "verify-vectors.tsv");
	while (vectors_next(&v)) {
		if (strcmp(v.field[0], "keys") != 0)
			continue;
		const struct bm_suite *s = bm_suite_find((unsigned)number_of(v.field[2]));
		if (n != 0 && seen[n - 1] == s)
			continue;
		assert_true(n < 64);
		seen[n++] = s;
	}
	vectors_close(&v);
	for (size_t i = 0; i < count; i++) {
		bool found = !table[i].verifiable;
		for (size_t k = 0; k < n && !found; k++)
			found = same_protection(&table[i], seen[k]);
		if (!found)
			print_message("# no vector for %s\n", table[i].name);
		missing += !found;
	}
	assert_int_equal(0, missing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
