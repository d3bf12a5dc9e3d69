/* Each allocation of a whole diagnosis fails in turn: a status, no crash, nothing leaked (with a
 * sanitizer). Linked so that malloc, calloc, realloc and free of the core come through here. */
#include "../starve.h"
#include "diagnose.h"

/* second_name: of another place; NULL for none. */
static void
starve_way(const struct way_in *way, const char *capture_name, const char *second_name,
	const char *keys_name, enum badmac_result expected)
{
	struct bm_buf capture = load(capture_name), keys = {.max = 0}, other = {.max = 0};
	struct bm_view second;
	struct diagnosis d;
	unsigned long refused = 0, n = 0;

	if (keys_name != NULL)
		keys = load(keys_name);
	if (second_name != NULL)
		other = load(second_name);
	second = bm_buf_view(&other);
	for (;; n++) {
		starve_at(n);
		diagnose_two(&d, bm_buf_view(&keys), bm_buf_view(&capture),
			second_name != NULL ? &second : NULL, way);
		bool done = !starve_stop();
		refused += d.status == BADMAC_NOMEM;
		/* A search may go without what it could not have; a wrong answer may not come of it. */
		if (d.status == BADMAC_OK)
			assert_int_equal(d.result, expected);
		else if (d.status == BADMAC_NOMEM)
			assert_non_null(d.error.what);
		diagnosis_clear(&d);
		if (done)
			break;
		assert_true(n < 100000);
	}
	assert_true(refused > n / 2);
	bm_buf_clear(&capture);
	bm_buf_clear(&other);
	bm_buf_wipe(&keys);
}

static void
starve(const char *capture_name, const char *second_name, const char *keys_name,
	enum badmac_result expected)
{
	starve_way(NULL, capture_name, second_name, keys_name, expected);
}

static void
test_clean(void **state)
{
	(void)state;
	starve("ssldump/tls1.3_keyupdates_aes256.pcap", NULL, "ssldump/log.txt", BADMAC_VERIFIED);
}

static void
test_failed(void **state)
{
	(void)state;
	starve("damaged/tls12-aes128gcm/bitflip/receiver.pcap", NULL,
		"damaged/tls12-aes128gcm/bitflip/keys.log", BADMAC_FAILED);
	starve("damaged/tls10-rc4sha-gnutls/droprec/receiver.pcap", NULL,
		"damaged/tls10-rc4sha-gnutls/droprec/keys.log", BADMAC_FAILED);
}

static void
test_two_places(void **state)
{
	(void)state;
	starve("damaged/tls12-aes128gcm/drop/sender.pcap", "damaged/tls12-aes128gcm/drop/receiver.pcap",
		"damaged/tls12-aes128gcm/drop/keys.log", BADMAC_FAILED);
}

/* Several captures are read more than once, and each time the states of chained ciphers are kept.
 */
static void
test_nothing_left(void **state)
{
	struct bm_buf keys = load("damaged/tls10-rc4sha-gnutls/bitflip/keys.log");
	struct bm_buf sender = load("damaged/tls10-rc4sha-gnutls/bitflip/sender.pcap");
	struct bm_buf receiver = load("damaged/tls10-rc4sha-gnutls/bitflip/receiver.pcap");
	struct bm_view second = bm_buf_view(&receiver);
	struct diagnosis d;

	(void)state;
	starve_at(STARVE_NEVER);
	diagnose_two(&d, bm_buf_view(&keys), bm_buf_view(&sender), &second, NULL);
	assert_int_equal(d.status, BADMAC_OK);
	assert_int_equal(d.result, BADMAC_FAILED);
	diagnosis_clear(&d);
	(void)starve_stop();
	assert_int_equal(starve_live(), 0);
	bm_buf_clear(&sender);
	bm_buf_clear(&receiver);
	bm_buf_wipe(&keys);
}

static void
test_keyless(void **state)
{
	(void)state;
	starve("damaged/tls12-aes128gcm/swap/receiver.pcap", NULL, NULL, BADMAC_FAILED);
	starve("damaged/tls10-aes128cbc-sha/inject_raw/receiver.pcap", NULL, NULL, BADMAC_FAILED);
	starve("damaged/tls13-aes256gcm/bitflip/receiver.pcap", NULL, NULL, BADMAC_UNDECIDED);
}

static void
test_dtls(void **state)
{
	(void)state;
	starve(
		"illustrated-dtls13/capture.pcap", NULL, "illustrated-dtls13/keylog.txt", BADMAC_VERIFIED);
}

static void
test_html(void **state)
{
	static const struct way_in way = {.html = true};

	(void)state;
	starve_way(&way, "damaged/tls12-aes128gcm/bitflip/receiver.pcap", NULL,
		"damaged/tls12-aes128gcm/bitflip/keys.log", BADMAC_FAILED);
	starve_way(
		&way, "ssldump/tls1.3_keyupdates_aes256.pcap", NULL, "ssldump/log.txt", BADMAC_VERIFIED);
	starve_way(&way, "illustrated-dtls13/capture.pcap", NULL, "illustrated-dtls13/keylog.txt",
		BADMAC_VERIFIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_two_places),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_keyless),
		cmocka_unit_test(test_dtls),
		cmocka_unit_test(test_html),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
