/* What a program may not do with the library is refused, and what it may read early is harmless. */
#include "diagnose.h"

#include "api/inputs.h"

#include <stdio.h>
#include <string.h>

static int
pass_over(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	return 0;
}

static long
read_nothing(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return 0;
}

static struct badmac *
fresh(void)
{
	struct badmac_options o = {.write = pass_over, .format = BADMAC_JSON};
	struct badmac *b;

	assert_int_equal(badmac_new(&b, &o, NULL), BADMAC_OK);
	return b;
}

static void
test_values_out_of_range(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		struct badmac_options o = {.write = pass_over};
		struct badmac_error e = {.status = BADMAC_OK};
		struct badmac *b = (struct badmac *)&o;
		bool fine = false;
		switch (i) {
		case 0:
			o.place = (enum badmac_place)(BADMAC_AT_MIDDLE + 1);
			break;
		case 1:
			o.place = (enum badmac_place) - 1;
			break;
		case 2:
			o.effort = (enum badmac_effort)(BADMAC_DEEP + 1);
			break;
		case 3:
			o.format = (enum badmac_format)(BADMAC_HTML + 1);
			break;
		case 4:
			o.write = NULL;
			break;
		case 5:
			o.format = (enum badmac_format) - 1;
			break;
		case 6:
			o.redact = (enum badmac_redact)(BADMAC_REDACT_ALL + 1);
			break;
		default:
			o.redact = BADMAC_REDACT_ALL;
			o.place = BADMAC_AT_MIDDLE;
			o.effort = BADMAC_DEEP;
			o.format = BADMAC_JSON;
			fine = true;
			break;
		}
		assert_int_equal(badmac_new(&b, &o, &e), fine ? BADMAC_OK : BADMAC_USAGE);
		assert_int_equal(e.status, fine ? BADMAC_OK : BADMAC_USAGE);
		assert_true((b != NULL) == fine);
		badmac_free(b);
	}
	assert_int_equal(badmac_new(NULL, NULL, NULL), BADMAC_USAGE);
}

static void
test_too_late(void **state)
{
	(void)state;
	struct bm_buf capture = load("ssldump/tls1.3_chacha.pcap"), keys = load("ssldump/log.txt");
	struct badmac *b = fresh();

	assert_int_equal(badmac_result(b), BADMAC_UNDECIDED); /* nothing is known yet */
	assert_null(badmac_notice(b, 0));
	assert_null(badmac_undecided_because(b, 0, NULL));
	assert_int_equal(badmac_add_keys(b, keys.p, keys.n, NULL), BADMAC_OK);
	assert_int_equal(badmac_add_capture(b, "a", capture.p, capture.n, NULL), BADMAC_OK);
	assert_int_equal(badmac_result(b), BADMAC_UNDECIDED);
	assert_int_equal(badmac_run(b, NULL), BADMAC_OK);
	assert_int_equal(badmac_result(b), BADMAC_VERIFIED);
	assert_int_equal(badmac_add_keys(b, keys.p, keys.n, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_add_named_keys(b, "k", keys.p, keys.n, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_add_capture(b, "a", capture.p, capture.n, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_add_stream(b, "a", read_nothing, NULL, NULL), BADMAC_USAGE);
	assert_int_equal(
		badmac_add_mapped(b, "a", capture.p, capture.n, NULL, NULL, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_run(b, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_result(b), BADMAC_VERIFIED);
	badmac_free(b);
	assert_int_equal(badmac_result(NULL), BADMAC_UNDECIDED);
	bm_buf_clear(&capture);
	bm_buf_clear(&keys);
}

/* A run that could not be carried out says nothing, least of all that all is well. */
static void
test_unfinished(void **state)
{
	(void)state;
	struct badmac *b = fresh();
	struct badmac_error e = {.what = NULL};

	assert_int_equal(badmac_add_stream(b, "pipe", read_nothing, NULL, NULL), BADMAC_OK);
	assert_int_equal(badmac_run(b, &e), BADMAC_FORMAT);
	assert_string_equal(e.input, "pipe");
	assert_int_equal(badmac_result(b), BADMAC_UNDECIDED);
	badmac_free(b);
}

static void
test_named_keys(void **state)
{
	(void)state;
	static const char text[] = "# SSL/TLS secrets log file\nCLIENT_RANDOM 00 00\n";
	struct badmac *b = fresh();

	assert_int_equal(badmac_add_named_keys(b, NULL, text, sizeof text - 1, NULL), BADMAC_USAGE);
	assert_int_equal(badmac_add_named_keys(b, "a.log", text, sizeof text - 1, NULL), BADMAC_OK);
	assert_int_equal(badmac_add_keys(b, text, sizeof text - 1, NULL), BADMAC_OK);
	assert_string_equal(
		badmac_notice(b, 0), "a.log: 1 line could not be read, the first is line 2");
	assert_string_equal(
		badmac_notice(b, 1), "key material: 1 line could not be read, the first is line 2");
	assert_null(badmac_notice(b, 2));
	badmac_free(b);
}

/* A pcap of two frames of one byte each, at these seconds. */
static void
tiny(uint8_t out[24 + 2 * 17], uint32_t first, uint32_t last)
{
	static const uint8_t head[24] = {
		0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [16] = 0xff, 0xff, 0, 0, 1};
	const uint32_t times[2] = {first, last};

	memset(out, 0, 24 + 2 * 17);
	memcpy(out, head, sizeof head);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *p = out + 24 + i * 17;
		for (size_t k = 0; k < 4; k++)
			p[k] = (uint8_t)(times[i] >> 8 * k);
		p[8] = p[12] = 1;
	}
}

/* A capture goes on the one that ended first of those it follows; what overlaps all is another
 * place. */
static void
test_pieces_and_places(void **state)
{
	(void)state;
	static const struct {
		uint32_t first, last, site;
	} want[] = {{100, 200, 0}, {110, 190, 1}, {120, 180, 2}, {200, 300, 0}, {210, 290, 1},
		{300, 310, 2}, {301, 309, 0}, {302, 308, 1}, {303, 307, 3}, {400, 500, 2}};
	enum { N = sizeof want / sizeof want[0] };
	uint8_t bytes[N][24 + 2 * 17];
	struct inputs in = {0};

	for (size_t i = 0; i < N; i++) {
		size_t at = (i * 7 + 3) % N; /* in any order */
		char name[8];
		snprintf(name, sizeof name, "%zu", at);
		tiny(bytes[at], want[at].first, want[at].last);
		const struct input one = {.bytes = bm_view(bytes[at], sizeof bytes[at])};
		assert_int_equal(inputs_add(&in, name, &one), BM_OK);
	}
	assert_int_equal(inputs_order(&in), BM_OK);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(in.item[i].first_ns, want[i].first * UINT64_C(1000000000));
		assert_int_equal(in.item[i].site, want[i].site);
	}
	assert_string_equal(in.item[4].site_name, "1");
	inputs_clear(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_out_of_range),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_named_keys),
		cmocka_unit_test(test_pieces_and_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
