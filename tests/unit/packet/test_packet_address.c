/* Addresses as text: the examples of RFC 5952, and every address against inet_ntop. */
#include "make.h"

#include <arpa/inet.h>
#include <stdio.h>

static void
assert_text(const char *ip, uint16_t port, const char *expected)
{
	struct bm_address a = {.port = port};
	char out[BM_ADDRESS_TEXT_MAX];

	a.family = inet_pton(AF_INET, ip, a.ip) == 1 ? 4 : 6;
	if (a.family == 6)
		assert_int_equal(inet_pton(AF_INET6, ip, a.ip), 1);
	memset(out, 'x', sizeof out);
	bm_address_text(&a, out);
	assert_string_equal(out, expected);
}

static void
test_rfc5952(void **state)
{
	(void)state;
	assert_text("2001:0db8:0000:0000:0000:0000:0000:0001", 80, "[2001:db8::1]:80"); /* 4.1 */
	assert_text("2001:db8:0:0:0:0:2:1", 80, "[2001:db8::2:1]:80");                  /* 4.2.1 */
	assert_text("2001:db8:0:1:1:1:1:1", 80, "[2001:db8:0:1:1:1:1:1]:80");           /* 4.2.2 */
	assert_text("2001:0:0:1:0:0:0:1", 80, "[2001:0:0:1::1]:80");                    /* 4.2.3 */
	assert_text("2001:db8:0:0:1:0:0:1", 80, "[2001:db8::1:0:0:1]:80");              /* 4.2.3 */
	assert_text("2001:DB8::ABCD", 80, "[2001:db8::abcd]:80");                       /* 4.3 */
	assert_text("::ffff:192.0.2.1", 80, "[::ffff:192.0.2.1]:80");                   /* 5 */
}

static void
test_edges(void **state)
{
	(void)state;
	assert_text("::", 0, "[::]:0");
	assert_text("::1", 1, "[::1]:1");
	assert_text("1::", 65535, "[1::]:65535");
	assert_text("0:0:1::", 443, "[0:0:1::]:443");
	assert_text("1:2:3:4:5:6:0:0", 443, "[1:2:3:4:5:6::]:443");
	assert_text("0:2:3:4:5:6:7:0", 443, "[0:2:3:4:5:6:7:0]:443");
	assert_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	assert_text("0.0.0.0", 0, "0.0.0.0:0");
	assert_text("192.0.2.1", 49152, "192.0.2.1:49152");
	assert_text("255.255.255.255", 65535, "255.255.255.255:65535");
}

/* Every pattern of zero groups. Addresses that begin with six zero groups are left out:
 * inet_ntop writes their end as IPv4, which RFC 5952 does not ask for. */
static void
test_against_libc(void **state)
{
	(void)state;
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		struct bm_address a = {.family = 6, .port = 443};
		char libc[INET6_ADDRSTRLEN], expected[80], out[BM_ADDRESS_TEXT_MAX];
		for (unsigned i = 0; i < 8; i++)
			bm_store16(a.ip + i * 2, (pattern >> i & 1) != 0 ? 0x10u << (i % 3) * 4 | i : 0);
		if ((pattern & 0x3f) == 0)
			continue;
		assert_non_null(inet_ntop(AF_INET6, a.ip, libc, sizeof libc));
		snprintf(expected, sizeof expected, "[%s]:443", libc);
		bm_address_text(&a, out);
		assert_string_equal(out, expected);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc5952),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_against_libc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
