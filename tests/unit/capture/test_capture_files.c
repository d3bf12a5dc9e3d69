/* Captures that real tools wrote. Every number here is what tshark 4.0.17 says:
 * frames and octets from `tshark -r FILE -q -z io,stat,0`, the rest from
 * `tshark -T fields -e frame.time_epoch -e frame.len -e frame.encap_type`. */
#include "make.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct reading r;

struct file {
	const char *name;
	const char *format;
	size_t frames;
	uint64_t octets;
	uint64_t first_ns, last_ns;
	uint32_t first_len, last_len;
	uint32_t first_link, last_link; /* LINKTYPE_: 0 BSD loopback, 1 Ethernet */
	size_t secrets;
};

static const struct file files[] = {
	{"hotplace/testcase/tls/http/curl_http1_tls12.pcapng", "pcapng", 21, 7237, 1750396016098057000,
		1750396016812234000, 66, 54, 1, 1, 0},
	{"hotplace/testcase/tls/tls13/tls13_TLS_AES_128_GCM_SHA256.pcapng", "pcapng", 23, 3225,
		1748412238521648000, 1748412242054829000, 76, 64, 0, 0, 0},
	/* mergecap of the two above */
	{"hotplace/two-interfaces.pcapng", "pcapng", 44, 10462, 1748412238521648000,
		1750396016812234000, 76, 54, 0, 1, 0},
	{"illustrated-tls13/capture.pcap", "pcap", 22, 3480, 1648774116286233000, 1648774116350462000,
		68, 56, 0, 0, 0},
	/* editcap --inject-secrets tls,keylog.txt capture.pcap */
	{"illustrated-tls13/with-secrets.pcapng", "pcapng", 22, 3480, 1648774116286233000,
		1648774116350462000, 68, 56, 0, 0, 1},
	/* editcap -F pcapng capture.pcap, then zstd -19 */
	{"illustrated-tls13/capture.pcapng.zst", "pcapng (zstd)", 22, 3480, 1648774116286233000,
		1648774116350462000, 68, 56, 0, 0, 0},
	{"zeek/tls-fragmented-handshake.pcap.gz", "pcap (gzip)", 416, 367841, 1426117218064063000,
		1426117218286833000, 78, 66, 1, 1, 0},
};

static const struct bm_frame *
frame_at(size_t i)
{
	assert_int_equal(r.items[i].event, BM_CAPTURE_FRAME);
	return &r.items[i].frame;
}

static void
check_file(const struct file *f)
{
	assert_int_equal(r.open_status, BM_OK);
	assert_int_equal(r.end.status, BM_END);
	assert_string_equal(r.format, f->format);
	assert_int_equal(r.count, f->frames + f->secrets);
	uint64_t octets = 0;
	uint64_t number = 0;
	for (size_t i = 0; i < r.count; i++) {
		if (r.items[i].event == BM_CAPTURE_SECRETS)
			continue;
		assert_true(r.items[i].frame.number == ++number);
		octets += r.items[i].frame.wire_len;
	}
	assert_true(octets == f->octets);
	const struct bm_frame *first = frame_at(f->secrets);
	const struct bm_frame *last = frame_at(r.count - 1);
	assert_true(first->ts_ns == f->first_ns && last->ts_ns == f->last_ns);
	assert_int_equal(first->wire_len, f->first_len);
	assert_int_equal(last->wire_len, f->last_len);
	assert_int_equal(first->link_type, f->first_link);
	assert_int_equal(last->link_type, f->last_link);
}

static void
test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		static struct reading streamed;
		struct bm_buf b;
		load(&b, files[i].name);
		read_memory(&r, bm_buf_view(&b));
		check_file(&files[i]);
		for (size_t chunk = 1; chunk < 4096; chunk = chunk * 3 + 1) {
			struct trickle t = {.bytes = bm_buf_view(&b), .chunk = chunk, .fail_at = SIZE_MAX};
			read_stream(&streamed, &t);
			assert_same(&r, &streamed);
			reading_free(&streamed);
		}
		reading_free(&r);
		bm_buf_clear(&b);
	}
}

/* tshark lists 66 frames of both files behind each other, in two sections. */
static void
test_concatenated_sections(void **state)
{
	(void)state;
	struct bm_buf a;
	struct bm_buf b;
	load(&a, "illustrated-tls13/with-secrets.pcapng");
	load(&b, "hotplace/two-interfaces.pcapng");
	assert_int_equal(bm_buf_add(&a, bm_buf_view(&b)), BM_OK);
	read_all_ways(&r, bm_buf_view(&a));
	assert_int_equal(r.end.status, BM_END);
	assert_int_equal(r.count, 67);
	assert_true(frame_at(66)->number == 66);
	assert_true(frame_at(66)->ts_ns == 1750396016812234000);
	assert_int_equal(frame_at(66)->link_type, 1);
	reading_free(&r);
	bm_buf_clear(&a);
	bm_buf_clear(&b);
}

/* The key log comes out as it went in. */
static enum bm_status
keep(void *ctx, const struct bm_secrets *s)
{
	return bm_buf_add(ctx, s->key_log);
}

static void
test_injected_secrets(void **state)
{
	(void)state;
	struct bm_buf capture;
	struct bm_buf keys;
	struct bm_buf found = {.max = 1 << 20};
	load(&capture, "illustrated-tls13/with-secrets.pcapng");
	load(&keys, "illustrated-tls13/keylog.txt");
	assert_int_equal(bm_capture_scan_secrets(bm_buf_view(&capture), keep, &found, NULL), BM_OK);
	assert_true(found.n != 0);
	assert_true(bm_view_equal(bm_buf_view(&found), bm_buf_view(&keys)));
	bm_buf_clear(&capture);
	bm_buf_clear(&keys);
	bm_buf_clear(&found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_concatenated_sections),
		cmocka_unit_test(test_injected_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
