/* The JSON diagnosis besides a report in text: octet for octet what a report in JSON is, in the
 * order in which the text comes; and a sink that stops the run. */
#include "diagnose.h"

#include <string.h>

struct sink {
	struct bm_buf bytes;
	size_t stop_at; /* 0: never */
};

static int
keep(void *ctx, const char *bytes, size_t n)
{
	struct sink *s = ctx;

	if (s->stop_at != 0 && s->bytes.n + n >= s->stop_at)
		return -1;
	return bm_buf_add(&s->bytes, bm_view(bytes, n)) == BM_OK ? 0 : -1;
}

static enum badmac_status
run(enum badmac_format format, struct sink *report, struct sink *json, unsigned threads)
{
	struct bm_buf keys = load("damaged/tls13-aes256gcm/bitflip/keys.log");
	struct bm_buf capture = load("damaged/tls13-aes256gcm/bitflip/receiver.pcap");
	struct badmac_options o = {.format = format,
		.threads = threads,
		.write = keep,
		.write_ctx = report,
		.write_json = json != NULL ? keep : NULL,
		.write_json_ctx = json};
	struct badmac *b;

	assert_int_equal(badmac_new(&b, &o, NULL), BADMAC_OK);
	assert_int_equal(badmac_add_keys(b, keys.p, keys.n, NULL), BADMAC_OK);
	assert_int_equal(badmac_add_capture(b, "receiver.pcap", capture.p, capture.n, NULL), BADMAC_OK);
	enum badmac_status s = badmac_run(b, NULL);
	badmac_free(b);
	bm_buf_clear(&keys);
	bm_buf_clear(&capture);
	return s;
}

static void
test_same_as_a_report(void **state)
{
	struct sink json = {.bytes = {.max = 1 << 20}}, text = json, alone = json, both = json;

	(void)state;
	assert_int_equal(run(BADMAC_JSON, &alone, NULL, 1), BADMAC_OK);
	assert_true(alone.bytes.n > 1000);
	for (unsigned threads = 1; threads <= 2; threads++) {
		assert_int_equal(run(BADMAC_TEXT, &text, &json, threads), BADMAC_OK);
		assert_memory_equal(text.bytes.p, "FAILED:", 7);
		assert_true(bm_view_equal(bm_buf_view(&json.bytes), bm_buf_view(&alone.bytes)));
		json.bytes.n = text.bytes.n = 0;
	}
	assert_int_equal(run(BADMAC_JSON, &both, &json, 1), BADMAC_OK);
	assert_true(bm_view_equal(bm_buf_view(&json.bytes), bm_buf_view(&alone.bytes)));
	assert_true(bm_view_equal(bm_buf_view(&both.bytes), bm_buf_view(&alone.bytes)));
	bm_buf_clear(&json.bytes);
	bm_buf_clear(&text.bytes);
	bm_buf_clear(&alone.bytes);
	bm_buf_clear(&both.bytes);
}

static void
test_stops(void **state)
{
	struct sink text = {.bytes = {.max = 1 << 20}},
				json = {.bytes = {.max = 1 << 20}, .stop_at = 100};

	(void)state;
	assert_int_equal(run(BADMAC_TEXT, &text, &json, 1), BADMAC_IO);
	assert_true(json.bytes.n < 100);
	bm_buf_clear(&json.bytes);
	bm_buf_clear(&text.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_a_report), cmocka_unit_test(test_stops)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
