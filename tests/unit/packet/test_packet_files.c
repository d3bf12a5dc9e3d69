/* Captures that real tools wrote. Every number here is what tshark 4.0.17 says
 * (tests/oracle/packets.py --counts), except that it calls offloaded checksums bad: which
 * of those are offloaded is known from where the capture was taken. */
#include "make.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

struct file {
	const char *name;
	size_t frames, segments, tcp;
	uint64_t octets;
	size_t valid, invalid, offloaded, unknown;
};

static const struct file files[] = {
	{"mercury/nokeys/gre.pcap", 1, 0, 0, 0, 0, 0, 0, 0},
	{"mercury/nokeys/http_rawip.pcap", 81, 81, 81, 34770, 81, 0, 0, 0},
	{"mercury/nokeys/ip_encapsulation.pcap", 5, 5, 5, 3713, 5, 0, 0, 0},
	{"mercury/nokeys/pppoe_double_vlan_tagging.pcap", 432, 30, 30, 1326, 30, 0, 0, 0},
	{"mercury/nokeys/sll2_tls.pcap", 1, 1, 1, 517, 0, 0, 1, 0},
	{"mercury/nokeys/sll_tls.pcap", 1, 1, 1, 517, 0, 0, 1, 0},
	{"mercury/nokeys/dtls_fragmented_client_hello.pcap", 2, 2, 0, 357, 2, 0, 0, 0},
	/* Half of it from the loopback of macOS. */
	{"hotplace/two-interfaces.pcapng", 44, 44, 44, 7808, 35, 0, 9, 0},
	{"hotplace/testcase/tls/dtls12/dtls12.pcapng", 19, 19, 0, 2737, 19, 0, 0, 0},
	{"damaged/on-the-wire/tls12-aes128gcm/flip1/sender.pcap", 39, 39, 39, 23297, 39, 0, 0, 0},
	{"damaged/on-the-wire/tls12-aes128gcm/flip1/receiver.pcap", 39, 39, 39, 23297, 38, 1, 0, 0},
	{"damaged/on-the-wire/tls12-aes128gcm/wordswap/receiver.pcap", 22, 22, 22, 8891, 22, 0, 0, 0},
	{"damaged/on-the-wire/tls12-aes128gcm/flip1fix/receiver.pcap", 22, 22, 22, 8891, 22, 0, 0, 0},
	/* From the loopback of Linux. */
	{"zeek/dtls13-cid.pcap", 43, 43, 0, 18307, 0, 0, 43, 0},
	{"zeek/chrome-63.0.3211.0-canary-tls_experiment.pcap", 13, 13, 13, 4207, 13, 0, 0, 0},
	{"zeek/tls-fragmented-handshake.pcap.gz", 416, 416, 416, 340365, 416, 0, 0, 0},
	{"suricata-verify/nokeys/tls-client-hello-frag-01__dump_mtu300.pcap", 62, 62, 62, 21421, 12, 0,
		50, 0},
	{"joy/tls12.pcap", 10, 10, 10, 2115, 3, 0, 7, 0},
};

static void
load(struct bm_buf *b, const char *name)
{
	const char *root = getenv("BADMAC_TESTS");
	char path[512];
	uint8_t part[4096];
	size_t n;

	assert_non_null(root);
	snprintf(path, sizeof path, "%s/data/%s", root, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	*b = (struct bm_buf){.max = 16 << 20};
	while ((n = fread(part, 1, sizeof part, f)) != 0)
		assert_int_equal(bm_buf_add(b, bm_view(part, n)), BM_OK);
	fclose(f);
}

static void
check_segment(const struct bm_segment *s, const struct bm_frame *f)
{
	assert_int_equal(s->packet, f->number);
	assert_int_equal(s->ts_ns, f->ts_ns);
	assert_true((s->home == NULL) == (f->home == NULL));
	if (f->home != NULL)
		assert_ptr_equal(s->home, f->home + s->pieces[0].packet_off);
	assert_int_equal(s->piece_count, 1);
	assert_true(s->payload.p == f->data.p + s->pieces[0].packet_off);
	assert_int_equal(s->pieces[0].len, s->payload.n);
	assert_int_equal(s->pieces[0].packet, f->number);
}

static void
check_file(const struct file *x, struct bm_view bytes)
{
	struct bm_capture *c;
	struct bm_decoder *d;
	struct bm_capture_item item;
	struct bm_segment s;
	struct bm_error e;
	size_t tcp = 0, checksums[4] = {0};
	uint64_t octets = 0;

	assert_int_equal(bm_capture_open_memory(&c, bytes, &e), BM_OK);
	assert_int_equal(bm_decoder_new(&d, 1 << 20), BM_OK);
	while (bm_capture_next(c, &item, &e) == BM_OK) {
		if (item.event != BM_CAPTURE_FRAME || !bm_decode(d, &item.frame, &s))
			continue;
		check_segment(&s, &item.frame);
		tcp += s.transport == BM_TCP;
		octets += s.payload_len;
		checksums[s.checksum]++;
	}
	assert_int_equal(bm_decoder_stats(d)->frames, x->frames);
	assert_int_equal(bm_decoder_stats(d)->segments, x->segments);
	assert_int_equal(bm_decoder_stats(d)->malformed, 0);
	assert_int_equal(bm_decoder_stats(d)->unknown_link, 0);
	assert_counted(d);
	assert_int_equal(tcp, x->tcp);
	assert_int_equal(octets, x->octets);
	assert_int_equal(checksums[BM_CHECKSUM_VALID], x->valid);
	assert_int_equal(checksums[BM_CHECKSUM_INVALID], x->invalid);
	assert_int_equal(checksums[BM_CHECKSUM_OFFLOADED], x->offloaded);
	assert_int_equal(checksums[BM_CHECKSUM_UNKNOWN], x->unknown);
	bm_decoder_free(d);
	bm_capture_free(c);
}

static void
test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct bm_buf b;
		load(&b, files[i].name);
		check_file(&files[i], bm_buf_view(&b));
		bm_buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
