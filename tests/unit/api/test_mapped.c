/* A file is read where it is mapped, or copied piece by piece: how is no part of the report. */
#include "diagnose.h"

/* `count` times the capture, one behind the other: long enough for many batches. */
static struct bm_buf
repeated(const char *name, size_t count)
{
	enum { FILE_HEADER = 24 };
	struct bm_buf one = load(name), all = {.max = (size_t)64 << 20};

	assert_int_equal(bm_buf_add(&all, bm_buf_view(&one)), BM_OK);
	for (size_t i = 1; i < count; i++)
		assert_int_equal(
			bm_buf_add(&all, bm_view(one.p + FILE_HEADER, one.n - FILE_HEADER)), BM_OK);
	bm_buf_clear(&one);
	return all;
}

static void
same_either_way(struct bm_view keys, struct bm_view capture)
{
	struct diagnosis want, got;

	diagnose(&want, keys, capture, NULL);
	assert_int_equal(want.status, BADMAC_OK);
	for (unsigned threads = 1; threads <= 2; threads++) {
		const size_t n = capture.n;
		const struct way_in ways[] = {{0}, {.refuse = 1}, {.refuse = 2}, {.refuse = 3},
			{.fail_at = 1}, {.fail_at = n / 3}, {.fail_at = n - 1}};
		for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
			struct way_in way = ways[i];
			way.mapped = true;
			way.threads = threads;
			diagnose(&got, keys, capture, &way);
			assert_int_equal(got.status, BADMAC_OK);
			assert_int_equal(got.damaged, want.damaged);
			if (!bm_view_equal(bm_buf_view(&got.report), bm_buf_view(&want.report)))
				fail_msg("%u threads, way %zu: another report", threads, i);
			diagnosis_clear(&got);
		}
	}
	diagnosis_clear(&want);
}

static void
test_same_report(void **state)
{
	static const struct {
		const char *capture, *keys;
		size_t count;
	} files[] = {
		{"ssldump/tls1.3_chacha.pcap", "ssldump/log.txt", 1},
		{"ssldump/tls1.3_curl_google.pcap", "ssldump/log.txt", 60},
		{"ssldump/tls1.3_curl_google.pcap", NULL, 40},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct bm_buf capture = repeated(files[i].capture, files[i].count);
		struct bm_buf keys = {.max = 1 << 20};
		if (files[i].keys != NULL)
			keys = load(files[i].keys);
		same_either_way(bm_buf_view(&keys), bm_buf_view(&capture));
		/* Cut off, and with a byte that is wrong. */
		same_either_way(bm_buf_view(&keys), bm_view(capture.p, capture.n - 100));
		capture.p[capture.n / 2] ^= 1;
		same_either_way(bm_buf_view(&keys), bm_buf_view(&capture));
		bm_buf_clear(&capture);
		bm_buf_clear(&keys);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_report)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
