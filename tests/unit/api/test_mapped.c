/* A file is read where it is mapped, or copied piece by piece: how is no part of the report. */
#include "diagnose.h"

/* A word that the checksum of TCP covers becomes another one (RFC 1624). */
static void
replace(uint8_t *checksum, uint8_t *word, uint16_t is)
{
	uint32_t sum = (uint16_t)~bm_load16(checksum) + (uint32_t)(uint16_t)~bm_load16(word) + is;

	sum = (sum & 0xffff) + (sum >> 16);
	bm_store16(checksum, (uint16_t) ~(sum + (sum >> 16)));
	bm_store16(word, is);
}

/* All packets between other addresses; TCP over IPv4 over Ethernet. */
static void
move(uint8_t *p, const uint8_t *end, unsigned by)
{
	enum { PACKET_HEADER = 16, IP = 14, TCP = 20 };

	while (p < end) {
		uint32_t n;
		memcpy(&n, p + 8, sizeof n);
		uint8_t *ip = p + PACKET_HEADER + IP;
		assert_int_equal(ip[0], 0x45);
		for (size_t at = 12; at < TCP; at += 4)
			replace(ip + TCP + 16, ip + at, (uint16_t)(bm_load16(ip + at) ^ by));
		p += PACKET_HEADER + n;
	}
}

/* `count` connections like the one of the capture, one behind the other: enough for many batches.
 */
static struct bm_buf
repeated(const char *name, size_t count)
{
	enum { FILE_HEADER = 24 };
	struct bm_buf one = load(name), all = {.max = (size_t)64 << 20};

	assert_int_equal(bm_buf_add(&all, bm_buf_view(&one)), BM_OK);
	for (size_t i = 1; i < count; i++) {
		assert_int_equal(
			bm_buf_add(&all, bm_view(one.p + FILE_HEADER, one.n - FILE_HEADER)), BM_OK);
		move(all.p + all.n - (one.n - FILE_HEADER), all.p + all.n, (unsigned)i);
	}
	bm_buf_clear(&one);
	return all;
}

static void
same_either_way(struct bm_view keys, struct bm_view capture, uint64_t least)
{
	struct diagnosis want, got;

	diagnose(&want, keys, capture, NULL);
	assert_int_equal(want.status, BADMAC_OK);
	assert_true(want.verified >= least);
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
		/* A stream has another name; what it says is the same. */
		for (size_t chunk = 1000; chunk < 300000; chunk *= 4) {
			const struct way_in way = {.stream = true, .chunk = chunk, .threads = threads};
			diagnose(&got, keys, capture, &way);
			assert_int_equal(got.status, BADMAC_OK);
			assert_int_equal(got.verified, want.verified);
			assert_int_equal(got.failed, want.failed);
			assert_int_equal(got.undecided, want.undecided);
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
		uint64_t least; /* records that verify in each connection */
	} files[] = {
		{"ssldump/tls1.3_chacha.pcap", "ssldump/log.txt", 1, 4},
		{"ssldump/tls1.3_curl_google.pcap", "ssldump/log.txt", 60, 8},
		{"ssldump/tls1.3_curl_google.pcap", NULL, 40, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct bm_buf capture = repeated(files[i].capture, files[i].count);
		struct bm_buf keys = {.max = 1 << 20};
		if (files[i].keys != NULL)
			keys = load(files[i].keys);
		same_either_way(bm_buf_view(&keys), bm_buf_view(&capture), files[i].least * files[i].count);
		/* Cut off, and with a byte that is wrong. */
		same_either_way(bm_buf_view(&keys), bm_view(capture.p, capture.n - 100), 0);
		capture.p[capture.n / 2] ^= 1;
		same_either_way(bm_buf_view(&keys), bm_buf_view(&capture), 0);
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
