/* Captures cut, bent and handed over in every way: the same report, a named finding or a status;
 * never a crash, never a failure where there is none. */
#include "../stride.h"
#include "diagnose.h"

#include <stdio.h>
#include <stdlib.h>

struct subject {
	const char *capture, *keys;
	uint64_t verified;
};

/* Small, clean, and different in everything: versions, stacks, file formats, transports. */
static const struct subject clean[] = {
	{"ssldump/tls1.3_aes256gcm.pcap", "ssldump/log.txt", 20},
	{"ssldump/tls1.3_keyupdates_aes256.pcap", "ssldump/log.txt", 20},
	{"ssldump/tls1.2_aes256.pcap", "ssldump/log.txt", 7},
	{"illustrated-tls12/capture.pcap", "illustrated-tls12/keylog.txt", 5},
	{"illustrated-dtls13/capture.pcap", "illustrated-dtls13/keylog.txt", 9},
	{"hotplace/testcase/tls/dtls12/dtls12.pcapng", "hotplace/testcase/tls/dtls12/sslkeylog", 5},
	{"zeek/tls12-decryption.pcap", "zeek/tls12-decryption.keylog", UINT64_MAX},
};

enum { SUBJECTS = sizeof clean / sizeof clean[0], PCAP_HEADER = 24, PCAP_RECORD = 16 };

static struct bm_buf capture[SUBJECTS], keys[SUBJECTS];

/* Every step-th place is tried, from another one on for each subject: all of them unless
 * BADMAC_STRIDE says otherwise. */
static size_t step = 1;

static int
load_all(void **state)
{
	(void)state;
	step = stride();
	for (size_t i = 0; i < SUBJECTS; i++) {
		capture[i] = load(clean[i].capture);
		keys[i] = load(clean[i].keys);
	}
	return 0;
}

static int
free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		bm_buf_clear(&capture[i]);
		bm_buf_wipe(&keys[i]);
	}
	return 0;
}

static void
test_clean(void **state)
{
	struct diagnosis d;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		diagnose(&d, bm_buf_view(&keys[i]), bm_buf_view(&capture[i]), NULL);
		assert_int_equal(d.status, BADMAC_OK);
		assert_int_equal(d.result, BADMAC_VERIFIED);
		assert_int_equal(d.connections, 1);
		assert_int_equal(d.failed, 0);
		assert_int_equal(d.undecided, 0);
		if (clean[i].verified != UINT64_MAX)
			assert_int_equal(d.verified, clean[i].verified);
		diagnosis_clear(&d);
	}
}

/* Cut short anywhere, a clean capture has no failure, and never more records than the whole. */
static void
test_cut_everywhere(void **state)
{
	struct diagnosis d;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		uint64_t before = 0;
		for (size_t n = i % step; n < capture[i].n; n += step) {
			diagnose(&d, bm_buf_view(&keys[i]), bm_view(capture[i].p, n), NULL);
			if (d.status != BADMAC_OK) {
				assert_int_equal(d.status, BADMAC_FORMAT);
				assert_true(n < 256);
			} else {
				if (d.result == BADMAC_FAILED || d.failed != 0)
					fail_msg("%s cut at %zu: a failure", clean[i].capture, n);
				if (d.verified < before)
					fail_msg("%s cut at %zu: fewer records than before", clean[i].capture, n);
				before = d.verified;
			}
			diagnosis_clear(&d);
		}
	}
}

/* Whatever size the pieces have in which it is read, the report is the same. */
static void
test_any_pieces(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 7, 16, 61, 1000, 4096, 65536};
	struct diagnosis whole, d;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct way_in way = {.stream = true};
		diagnose(&whole, bm_buf_view(&keys[i]), bm_buf_view(&capture[i]), &way);
		assert_int_equal(whole.result, BADMAC_VERIFIED);
		for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
			way.chunk = sizes[k];
			diagnose(&d, bm_buf_view(&keys[i]), bm_buf_view(&capture[i]), &way);
			assert_int_equal(d.status, BADMAC_OK);
			assert_true(bm_view_equal(bm_buf_view(&d.report), bm_buf_view(&whole.report)));
			diagnosis_clear(&d);
		}
		diagnosis_clear(&whole);
	}
}

/* Every byte of every file replaced, in memory and as a stream: no crash, and the same both ways.
 */
static void
test_every_byte_bent(void **state)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff};
	const struct way_in streamed = {.stream = true, .chunk = 777};
	struct diagnosis d, e;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		for (size_t at = i % step; at < capture[i].n; at += step) {
			uint8_t mask = masks[(at + i) % sizeof masks];
			capture[i].p[at] ^= mask;
			diagnose(&d, bm_buf_view(&keys[i]), bm_buf_view(&capture[i]), NULL);
			if (at % 16 == 0) {
				diagnose(&e, bm_buf_view(&keys[i]), bm_buf_view(&capture[i]), &streamed);
				assert_int_equal(e.status, d.status);
				assert_int_equal(e.result, d.result);
				assert_int_equal(e.verified, d.verified);
				diagnosis_clear(&e);
			}
			capture[i].p[at] ^= mask;
			diagnosis_clear(&d);
		}
	}
}

/* Every byte of a key log replaced: at worst the keys are missing or do not fit. */
static void
test_every_key_byte_bent(void **state)
{
	struct diagnosis d;

	(void)state;
	size_t i = 3;
	for (size_t at = 0; at < keys[i].n; at++) {
		keys[i].p[at] ^= 0x11;
		diagnose(&d, bm_buf_view(&keys[i]), bm_buf_view(&capture[i]), NULL);
		if (d.status == BADMAC_OK)
			assert_int_not_equal(d.result, BADMAC_FAILED);
		else
			assert_int_equal(d.status, BADMAC_FORMAT);
		keys[i].p[at] ^= 0x11;
		diagnosis_clear(&d);
	}
}

/* Any two neighbouring packets change places, any packet stands twice: TCP copes, so do we. */
static void
reorder(const struct subject *s, struct bm_view file, struct bm_view key, bool twice)
{
	struct bm_buf b = {.max = 1 << 20};
	struct diagnosis d;
	size_t at[512], n = 0;

	for (size_t off = PCAP_HEADER; off + PCAP_RECORD <= file.n && n < 511;) {
		uint32_t len;
		memcpy(&len, file.p + off + 8, 4);
		at[n++] = off;
		off += PCAP_RECORD + len;
		at[n] = off;
	}
	assert_true(n > 4);
	for (size_t i = 0; i + 1 < n; i++) {
		b.n = 0;
		enum bm_status st = bm_buf_add(&b, bm_view(file.p, at[i]));
		if (twice)
			st |= bm_buf_add(&b, bm_view(file.p + at[i], at[i + 1] - at[i]));
		else
			st |= bm_buf_add(&b, bm_view(file.p + at[i + 1], at[i + 2] - at[i + 1]));
		st |= bm_buf_add(&b, bm_view(file.p + at[i], at[i + 1] - at[i]));
		size_t rest = twice ? at[i + 1] : at[i + 2];
		st |= bm_buf_add(&b, bm_view(file.p + rest, file.n - rest));
		assert_int_equal(st, BM_OK);
		diagnose(&d, key, bm_buf_view(&b), NULL);
		assert_int_equal(d.status, BADMAC_OK);
		if (d.result != BADMAC_VERIFIED || d.verified != s->verified)
			fail_msg("%s, packet %zu %s: result %d, %llu verified, %llu undecided", s->capture,
				i + 1, twice ? "doubled" : "late", (int)d.result, (unsigned long long)d.verified,
				(unsigned long long)d.undecided);
		diagnosis_clear(&d);
	}
	bm_buf_clear(&b);
}

static void
test_reordered_and_doubled(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		reorder(&clean[i], bm_buf_view(&capture[i]), bm_buf_view(&keys[i]), false);
		reorder(&clean[i], bm_buf_view(&capture[i]), bm_buf_view(&keys[i]), true);
	}
}

/* Any packet left out of the capture: undecided or nothing, never a failure. */
static void
test_any_packet_left_out(void **state)
{
	struct diagnosis d;
	struct bm_buf b = {.max = 1 << 20};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct bm_view file = bm_buf_view(&capture[i]);
		for (size_t off = PCAP_HEADER, nth = 1; off + PCAP_RECORD <= file.n; nth++) {
			uint32_t len;
			memcpy(&len, file.p + off + 8, 4);
			size_t next = off + PCAP_RECORD + len;
			b.n = 0;
			assert_int_equal(bm_buf_add(&b, bm_view(file.p, off)), BM_OK);
			assert_int_equal(bm_buf_add(&b, bm_view(file.p + next, file.n - next)), BM_OK);
			diagnose(&d, bm_buf_view(&keys[i]), bm_buf_view(&b), NULL);
			assert_int_equal(d.status, BADMAC_OK);
			if (d.result == BADMAC_FAILED)
				fail_msg("%s without packet %zu: a failure", clean[i].capture, nth);
			diagnosis_clear(&d);
			off = next;
		}
	}
	bm_buf_clear(&b);
}

static void
test_failing_reads_and_writes(void **state)
{
	struct diagnosis d;

	(void)state;
	for (size_t at = 1; at < capture[0].n; at += 13) {
		struct way_in way = {.stream = true, .chunk = 100, .fail_at = at};
		diagnose(&d, bm_buf_view(&keys[0]), bm_buf_view(&capture[0]), &way);
		assert_int_equal(d.status, BADMAC_IO);
		diagnosis_clear(&d);
	}
	for (size_t at = 1; at < 400; at += 7) {
		struct way_in way = {.write_at = at};
		diagnose(&d, bm_buf_view(&keys[0]), bm_buf_view(&capture[0]), &way);
		assert_int_equal(d.status, BADMAC_IO);
		diagnosis_clear(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_every_byte_bent),
		cmocka_unit_test(test_every_key_byte_bent),
		cmocka_unit_test(test_reordered_and_doubled),
		cmocka_unit_test(test_any_packet_left_out),
		cmocka_unit_test(test_failing_reads_and_writes),
	};
	return cmocka_run_group_tests(tests, load_all, free_all);
}
