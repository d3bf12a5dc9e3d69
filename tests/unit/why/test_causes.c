/* bad-padding, mac-construction, stale-data, sender-miscomputed on records that are sealed here:
 * every length of padding, every threshold from both sides, and noise that must stay unexplained.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../repair/seal.h"
#include "why/why.h"

static struct sealed r;
static struct bm_scratch scratch;
static struct bm_arena arena = {.max = 1 << 20};
static struct bm_protection *protection;
static struct bm_finding finding;
static const char *because;

typedef enum bm_answer (*asking)(const struct bm_why *, struct bm_finding *, const char **);

/* Asks about the record as it stands in r, with damage to its bytes looked for in vain. */
static enum bm_answer
ask(asking hypothesis, const struct kind *k, enum bm_result result)
{
	struct bm_damage_search none = {.asked = true, .status = BM_OK};
	struct bm_session_facts facts = {.version = k->version};
	struct bm_case c = {.kind = BM_CASE_BAD_RECORD,
		.seq = 5,
		.record = r.bytes,
		.len = (uint32_t)(5 + r.body_n),
		.region = (uint32_t)(5 + r.body_n),
		.protection = protection,
		.position = &r.position,
		.result = result,
		.after = BM_AFTER_NEXT,
		.alert = 255};
	uint64_t spent = 0;
	struct bm_why w = {.c = &c,
		.facts = &facts,
		.scratch = &scratch,
		.arena = &arena,
		.share = 2000000000,
		.spent = &spent,
		.repair = &none};

	memset(&finding, 0, sizeof finding);
	because = NULL;
	enum bm_answer a = hypothesis(&w, &finding, &because);
	if (a == BM_SHOWN)
		assert_true(finding.evidence_count > 0);
	else if (a == BM_EXCLUDED)
		assert_non_null(because);
	/* Plaintext and keystream stay nowhere. */
	if (hypothesis != bm_ask_stale)
		for (size_t i = 0; i < sizeof scratch.bytes; i++)
			assert_int_equal(0, scratch.bytes[i]);
	return a;
}

static void
begin(const struct kind *k, size_t n)
{
	seal(&r, k, n, 0);
	assert_int_equal(BM_OK, bm_protection_new(&protection, &r.keys));
}

static void
end(void)
{
	bm_protection_free(protection);
	protection = NULL;
	bm_arena_clear(&arena);
}

static bool
said(const char *words)
{
	for (size_t i = 0; i < finding.evidence_count; i++)
		if (strstr(finding.evidence[i], words) != NULL)
			return true;
	return false;
}

static bool
is_cbc(const struct kind *k)
{
	return bm_suite_find(k->suite)->mode == BM_MODE_CBC && k->version != BM_DTLS12;
}

/* -- bad-padding ---------------------------------------------------------------------------------
 */

/* MAC-then-encrypt with t octets behind the MAC, taken from `tail`. */
static void
craft(const struct kind *k, const uint8_t *tail, size_t t)
{
	size_t block = r.keys.suite->cipher == BM_3DES ? 8 : 16;
	size_t iv_n = k->version >= BM_TLS11 ? block : 0;
	uint8_t *text = r.bytes + 5 + iv_n, mac[64];
	size_t n = 64 + (block - (r.tag_n + t) % block) % block;

	fill(text, n);
	mac_of(&r, text, n, mac);
	memcpy(text + n, mac, r.tag_n);
	memcpy(text + n + r.tag_n, tail, t);
	cbc(&r, iv_n != 0 ? r.bytes + 5 : r.position.iv, text, n + r.tag_n + t);
	r.body_n = iv_n + n + r.tag_n + t;
	bm_store16(r.bytes + 3, (unsigned)r.body_n);
}

static void
test_every_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (!is_cbc(k) || k->encrypt_then_mac)
			continue;
		size_t block = bm_suite_find(k->suite)->cipher == BM_3DES ? 8 : 16;
		begin(k, 64);
		for (size_t t = 0; t <= 256; t++) {
			uint8_t tail[256];
			char words[80];
			/* One too many, one too few, all zero with a right length octet. */
			for (int how = 0; how < 3; how++) {
				memset(tail, how == 0 ? (int)t : how == 1 ? (int)t - 2 : 0, t);
				if (how == 2 && t != 0)
					tail[t - 1] = (uint8_t)(t - 1);
				/* SSL 3.0 looks at the length octet alone. */
				bool well = how == 2 && (t == 1 || (k->version == BM_SSL3 && t != 0 && t <= block));
				craft(k, tail, t);
				snprintf(words, sizeof words, "where %zu octets follow it", t);
				enum bm_answer a = ask(bm_ask_padding, k, BM_BAD_PADDING);
				if (well) {
					assert_int_equal(BM_EXCLUDED, a);
					continue;
				}
				assert_int_equal(BM_SHOWN, a);
				assert_int_equal(BM_STRENGTH_PROVEN, finding.strength);
				assert_int_equal(0, finding.change_count);
				assert_true(said(words));
			}
			bm_arena_clear(&arena);
		}
		end();
	}
}

/* A block of nothing but padding that is garbled, as damage on the way would do it. */
static void
test_garbled_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (!is_cbc(k) || k->encrypt_then_mac)
			continue;
		begin(k, 64);
		for (int n = 0; n < 50; n++) {
			uint8_t tail[160];
			memset(tail, 159, sizeof tail);
			fill(tail + 144, 15);
			tail[159] = 3;
			craft(k, tail, sizeof tail);
			assert_int_equal(BM_EXCLUDED, ask(bm_ask_padding, k, BM_BAD_PADDING));
			assert_non_null(strstr(because, "the MAC holds"));
		}
		end();
	}
}

/* -- records of which nothing is right
 * ------------------------------------------------------------- */

static void
test_noise(void **state)
{
	static const asking all[] = {
		bm_ask_padding, bm_ask_construction, bm_ask_stale, bm_ask_miscomputed};

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].version == BM_DTLS12)
			continue;
		for (size_t n = 0; n < 40; n++) {
			begin(&kinds[i], n * 31 % 997);
			/* The MAC of a stream suite, the last block of the others: nothing is left of it. */
			fill(r.bytes + 5 + r.body_n - 10, 10);
			for (size_t h = 0; h < sizeof all / sizeof all[0]; h++)
				assert_int_not_equal(BM_SHOWN, ask(all[h], &kinds[i], BM_BAD_TAG));
			fill(r.bytes + 5, r.body_n);
			for (size_t h = 0; h < sizeof all / sizeof all[0]; h++)
				assert_int_not_equal(BM_SHOWN, ask(all[h], &kinds[i], BM_BAD_TAG));
			end();
		}
	}
}

/* A good record is never one by another rule. */
static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].version == BM_DTLS12)
			continue;
		for (size_t n = 0; n < 20; n++) {
			begin(&kinds[i], n * 53);
			assert_int_not_equal(BM_SHOWN, ask(bm_ask_construction, &kinds[i], BM_BAD_TAG));
			assert_int_not_equal(BM_SHOWN, ask(bm_ask_padding, &kinds[i], BM_BAD_TAG));
			end();
		}
	}
}

/* -- mac-construction
 * -------------------------------------------------------------------------------- */

/* Sealed as kind `made`, judged as kind `due`. */
static enum bm_answer
by_rule(const struct kind *made, const struct kind *due)
{
	seal(&r, made, 200, 0);
	r.keys.encrypt_then_mac = due->encrypt_then_mac;
	r.keys.truncated_hmac = due->truncated;
	assert_int_equal(BM_OK, bm_protection_new(&protection, &r.keys));
	return ask(bm_ask_construction, due, BM_BAD_TAG);
}

static void
test_rules(void **state)
{
	struct kind a, b;

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		a = b = kinds[i];
		/* Not in SSL 3.0. */
		if (a.version == BM_SSL3 || a.version == BM_DTLS12)
			continue;
		bool md5 = bm_suite_find(a.suite)->mac == BM_MD5;
		b.truncated = !b.truncated;
		assert_int_equal(BM_SHOWN, by_rule(&a, &b));
		assert_int_equal(BM_STRENGTH_PROVEN, finding.strength);
		assert_int_equal(
			a.truncated ? 80 : 8 * bm_hash_size(bm_suite_find(a.suite)->mac), finding.tag_bits);
		assert_true(said(a.truncated ? "80 bits" : "the whole MAC"));
		end();
		if (!is_cbc(&a) || md5)
			continue;
		b = a;
		b.encrypt_then_mac = !b.encrypt_then_mac;
		assert_int_equal(BM_SHOWN, by_rule(&a, &b));
		assert_true(said("encrypt-then-MAC"));
		end();
	}
}

/* -- stale-data
 * ------------------------------------------------------------------------------------ */

static const struct kind *const cbc_kind = &kinds[6]; /* TLS 1.2, with an IV in front */

static void
test_runs_of_one_value(void **state)
{
	(void)state;
	/* Of 16 KB: 8 octets are rarer than 2^-40, 7 are not. */
	for (size_t n = 6; n < 12; n++) {
		begin(cbc_kind, 16000);
		for (size_t at = 100; at < 120; at++) {
			uint8_t kept[24];
			memcpy(kept, r.bytes + at - 1, sizeof kept);
			memset(r.bytes + at, 0xa5, n);
			r.bytes[at - 1] = r.bytes[at + n] = 0;
			assert_int_equal(
				n < 8 ? BM_EXCLUDED : BM_SHOWN, ask(bm_ask_stale, cbc_kind, BM_BAD_TAG));
			if (n >= 8) {
				assert_int_equal(BM_CAUSE_BYTES_DAMAGED, finding.cause);
				assert_int_equal(at, finding.changes[0].record_off);
				assert_int_equal(n, finding.changes[0].received.n);
				assert_true(finding.changes[0].sent_unknown);
				assert_int_equal(8 * (n - 1), finding.tag_bits);
				assert_true(finding.chance_log2 <= -40);
			}
			memcpy(r.bytes + at - 1, kept, sizeof kept);
		}
		end();
	}
}

static void
test_repeats(void **state)
{
	(void)state;
	/* 2^28 pairs of places in 16 KB: 9 octets are rare enough, 8 are not. */
	for (size_t n = 7; n < 40; n++) {
		begin(cbc_kind, 16000);
		memcpy(r.bytes + 9000, r.bytes + 3000, n);
		r.bytes[9000 + n] = (uint8_t)(r.bytes[3000 + n] ^ 1);
		r.bytes[8999] = (uint8_t)(r.bytes[2999] ^ 1);
		assert_int_equal(n < 9 ? BM_EXCLUDED : BM_SHOWN, ask(bm_ask_stale, cbc_kind, BM_BAD_TAG));
		if (n >= 9) {
			assert_int_equal(9000, finding.changes[0].record_off);
			assert_int_equal(n, finding.changes[0].received.n);
			assert_true(said("stand at offset 3000 of the same record"));
		}
		end();
	}
}

/* What costs most: every place is like every other. It ends, and soon. */
static void
test_periodic(void **state)
{
	(void)state;
	for (size_t period = 1; period < 70; period++) {
		begin(cbc_kind, 16000);
		for (size_t i = 5; i < 5 + r.body_n; i++)
			r.bytes[i] = (uint8_t)(i % period * 37);
		assert_int_equal(BM_SHOWN, ask(bm_ask_stale, cbc_kind, BM_BAD_TAG));
		end();
	}
}

/* -- sender-miscomputed
 * ------------------------------------------------------------------------------ */

/* Content of the record replaced, and a MAC that belongs to nothing. */
static void
miscompute(const struct kind *k, const uint8_t *content, size_t n)
{
	size_t block = r.keys.suite->cipher == BM_3DES ? 8 : 16;
	size_t iv_n = k->version >= BM_TLS11 ? block : 0;
	uint8_t *text = r.bytes + 5 + iv_n;
	size_t pad = block - (n + r.tag_n) % block;

	memcpy(text, content, n);
	fill(text + n, r.tag_n);
	memset(text + n + r.tag_n, (int)pad - 1, pad);
	r.body_n = iv_n + n + r.tag_n + pad;
	bm_store16(r.bytes + 3, (unsigned)r.body_n);
	cbc(&r, iv_n != 0 ? r.bytes + 5 : r.position.iv, text, r.body_n - iv_n);
}

static void
test_miscomputed(void **state)
{
	static const char line[] =
		"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n";
	static uint8_t content[4096];

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (!is_cbc(k) || k->encrypt_then_mac)
			continue;
		begin(k, 64);
		for (size_t n = 16; n < sizeof content; n = n * 3 / 2) {
			for (size_t j = 0; j < n; j++)
				content[j] = (uint8_t)line[j % (sizeof line - 1)];
			miscompute(k, content, n);
			enum bm_answer answer = ask(bm_ask_miscomputed, k, BM_BAD_TAG);
			/* Too little content in the block that the MAC begins in: damage would not show. */
			size_t block = bm_suite_find(k->suite)->cipher == BM_3DES ? 8 : 16;
			size_t tail = n > block ? n % block : 0;
			if (tail > 0 && tail < 4) {
				assert_int_equal(BM_EXCLUDED, answer);
				continue;
			}
			assert_int_equal(BM_SHOWN, answer);
			assert_int_equal(BM_STRENGTH_SUPPORTED, finding.strength);
			/* Nothing of it is said. */
			assert_false(said("index") || said("HTTP") || said("example"));
			if (n < 64)
				continue;
			/* 24 octets of it that could be anything. */
			fill(content + n / 2, 24);
			miscompute(k, content, n);
			assert_int_equal(BM_EXCLUDED, ask(bm_ask_miscomputed, k, BM_BAD_TAG));
			assert_non_null(strstr(because, "look like noise"));
		}
		end();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_padding),
		cmocka_unit_test(test_garbled_padding),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_runs_of_one_value),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_miscomputed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
