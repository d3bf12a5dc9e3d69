/* How a MAC is made, as src/verify tells it, against the MAC that a check computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../repair/seal.h"

static struct sealed sealed;
static struct bm_scratch scratch;

/* HMAC over the header and the text of the check, put together here. */
static void
header_and_key(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t n = 1; n < 300; n += 37) {
			struct bm_protection *p;
			struct bm_mac_rules r;
			struct bm_outcome o;
			uint8_t head[BM_MAC_HEADER_MAX], mac[64];
			static uint8_t input[1024];
			seal(&sealed, &kinds[k], n, 0);
			assert_int_equal(bm_protection_new(&p, &sealed.keys), BM_OK);
			struct bm_wire w = {.type = 23,
				.version = (uint16_t)kinds[k].version,
				.header = {sealed.bytes, 5},
				.body = {sealed.bytes + 5, sealed.body_n}};
			assert_int_equal(bm_verify(p, &sealed.position, &w, true, &scratch, &o), BM_OK);
			assert_int_equal(o.result, BM_VERIFIED);
			bm_protection_mac(p, &r);
			bool cbc_mode = sealed.keys.suite->mode == BM_MODE_CBC;
			assert_int_equal(r.order, !cbc_mode                   ? BM_MAC_BEHIND
									  : kinds[k].encrypt_then_mac ? BM_MAC_ENCRYPT_THEN
																  : BM_MAC_THEN_ENCRYPT);
			assert_int_equal(r.hash, sealed.keys.suite->mac);
			assert_int_equal(r.ssl3, kinds[k].version == BM_SSL3);
			assert_int_equal(r.tag_len, sealed.tag_n);
			assert_int_equal(r.tag_len, bm_protection_tag_len(p));
			assert_int_equal(r.cbc != NULL, cbc_mode);
			struct bm_view text = {scratch.bytes, n};
			if (r.order == BM_MAC_ENCRYPT_THEN)
				text = bm_view(w.body.p, w.body.n - r.tag_len);
			size_t h = bm_mac_header(p, &sealed.position, &w, text.n, head);
			assert_int_equal(h, r.ssl3 ? 11 : 13);
			memcpy(input, head, h);
			memcpy(input + h, text.p, text.n);
			if (r.ssl3)
				ssl3_mac(&sealed, input, h + text.n, mac);
			else
				HMAC(md_of(r.hash), r.key.p, (int)r.key.n, input, h + text.n, mac, NULL);
			assert_memory_equal(mac, o.computed, r.tag_len);
			bm_protection_free(p);
		}
}

static void
no_mac(void **state)
{
	(void)state;
	struct bm_traffic_keys keys = {.version = BM_TLS12, .suite = bm_suite_find(0x009c)};
	struct bm_protection *p;
	struct bm_mac_rules r;

	assert_int_equal(bm_protection_new(&p, &keys), BM_OK);
	bm_protection_mac(p, &r);
	assert_int_equal(r.order, BM_MAC_NONE);
	assert_int_equal(r.key.n, 0);
	bm_protection_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(header_and_key), cmocka_unit_test(no_mac)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
