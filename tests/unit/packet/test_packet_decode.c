/* Frames of every link type and tunnel: what comes out, also when they are cut, padded or damaged.
 */
#include "make.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAGMENT_MEMORY = 1 << 20, TCP_HEADER = 32 };

static struct made m;
static struct bm_decoder *d;
static struct bm_segment s;

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(bm_decoder_new(&d, FRAGMENT_MEMORY), BM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_counted(d);
	bm_decoder_free(d);
	made_free(&m);
	return 0;
}

static void
assert_payload(size_t n)
{
	assert_int_equal(s.payload.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s.payload.p[i], made_byte(i));
}

static bool
is_tcp(const struct sample *x)
{
	return strstr(x->words, "tcp") != NULL;
}

/* The family of the innermost IP header. */
static bool
is_ip6(const struct sample *x)
{
	const char *last4 = NULL, *last6 = NULL;

	for (const char *p = x->words; (p = strstr(p, "ip4")) != NULL; p++)
		last4 = p;
	for (const char *p = x->words; (p = strstr(p, "ip6")) != NULL; p++)
		last6 = p;
	return last6 > last4;
}

static void
assert_whole(const struct sample *x)
{
	char text[BM_ADDRESS_TEXT_MAX];
	bool tcp = is_tcp(x);

	assert_int_equal(s.transport, tcp ? BM_TCP : BM_UDP);
	bm_address_text(&s.src, text);
	assert_string_equal(text, is_ip6(x) ? "[2001:db8::1]:49152" : "192.0.2.1:49152");
	bm_address_text(&s.dst, text);
	assert_string_equal(text, is_ip6(x) ? "[2001:db8::2]:443" : "198.51.100.2:443");
	assert_int_equal(s.tunnel, x->tunnel);
	assert_int_equal(s.ttl, 64);
	assert_int_equal(s.packet, m.f.number);
	assert_int_equal(s.ts_ns, m.f.ts_ns);
	assert_int_equal(s.payload_len, MADE_PAYLOAD);
	if (tcp) {
		assert_int_equal(s.seq, 0x01020304);
		assert_int_equal(s.ack, 0x05060708);
		assert_int_equal(s.flags, BM_PSH | BM_ACK);
		assert_int_equal(s.window, 0x1234);
	}
}

static void
test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		const struct sample *x = &samples[i];
		make(&m, x->words, MADE_PAYLOAD);
		make_frame(&m, x->link_type, 1);
		if (!bm_decode(d, &m.f, &s))
			fail_msg("%s (%u) is no segment", x->words, x->link_type);
		assert_whole(x);
		assert_payload(MADE_PAYLOAD);
		assert_int_equal(s.checksum, BM_CHECKSUM_VALID);
		assert_ptr_equal(s.home, s.payload.p);
		assert_int_equal(s.piece_count, 1);
		assert_pieces(&s, &m.f, 1);
		assert_int_equal(s.transport_header.n, is_tcp(x) ? TCP_HEADER : 8);
		assert_true(s.transport_header.p + s.transport_header.n == s.payload.p);
		/* Header, pseudo-header and payload together are what was judged. */
		uint64_t sum = bm_sum16(s.pseudo_sum, s.transport_header, false);
		assert_int_equal(bm_sum16_fold(bm_sum16(sum, s.payload, false)), 0xffff);
		made_free(&m);
	}
	assert_int_equal(bm_decoder_stats(d)->segments, sample_count);
}

/* What stands behind the IP packet, as Ethernet's padding does, is no payload. */
static void
test_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		/* The length of 802.3 frames, and of what they carry, is patched by no one here. */
		make(&m, samples[i].words, MADE_PAYLOAD);
		make_trailer(&m, 23);
		make_frame(&m, samples[i].link_type, 1);
		assert_true(bm_decode(d, &m.f, &s));
		assert_whole(&samples[i]);
		assert_payload(MADE_PAYLOAD);
		assert_int_equal(s.checksum, BM_CHECKSUM_VALID);
		made_free(&m);
	}
}

/* Cut by the capture after each byte: once the TCP header is there the segment is known,
 * with as much payload as there is; before that only a tunnel's own datagram may be. */
static void
cut(const struct sample *x, size_t payload_at, size_t keep)
{
	uint8_t *copy = malloc(keep != 0 ? keep : 1);
	struct bm_frame f = m.f;

	assert_non_null(copy);
	memcpy(copy, m.f.data.p, keep);
	f.data = bm_view(copy, keep);
	bool segment = bm_decode(d, &f, &s);
	size_t minimum = payload_at - (is_tcp(x) ? TCP_HEADER - 20 : 0);
	if (keep >= minimum && !segment)
		fail_msg("%s: %zu bytes are no segment", x->words, keep);
	if (keep >= minimum) {
		assert_whole(x);
		assert_payload(keep > payload_at ? keep - payload_at : 0);
	}
	if (segment) {
		assert_true(keep >= minimum || s.transport == BM_UDP);
		assert_pieces(&s, &f, 1);
		assert_int_equal(s.checksum, BM_CHECKSUM_UNKNOWN);
	}
	free(copy);
}

static void
test_cut_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		make(&m, samples[i].words, MADE_PAYLOAD);
		make_frame(&m, samples[i].link_type, 1);
		size_t payload_at = m.f.data.n - MADE_PAYLOAD;
		for (size_t keep = 0; keep < m.f.data.n; keep++)
			cut(&samples[i], payload_at, keep);
		/* A frame that claims to be no longer than this tells less, and is survived. */
		for (size_t keep = 0; keep < m.f.data.n; keep++) {
			struct bm_frame f = m.f;
			f.data.n = keep;
			f.wire_len = (uint32_t)keep;
			if (bm_decode(d, &f, &s))
				assert_pieces(&s, &f, 1);
		}
		made_free(&m);
	}
}

static void
test_every_bit_flipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		make(&m, samples[i].words, MADE_PAYLOAD);
		make_frame(&m, samples[i].link_type, 1);
		for (size_t bit = 0; bit < m.f.data.n * 8; bit++) {
			m.frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (bm_decode(d, &m.f, &s)) {
				assert_pieces(&s, &m.f, 1);
				/* One bit never hides from the sum. */
				if (bit / 8 >= m.f.data.n - MADE_PAYLOAD)
					assert_int_equal(s.checksum, BM_CHECKSUM_INVALID);
			}
			m.frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		made_free(&m);
	}
}

static void
test_random(void **state)
{
	static const uint32_t links[] = {
		0, 1, 9, 12, 50, 51, 101, 104, 105, 108, 113, 127, 204, 228, 229, 276};
	uint8_t bytes[96];
	uint64_t x = 88172645463325252;

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		for (size_t k = 0; k < sizeof bytes; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[k] = (uint8_t)x;
		}
		struct bm_frame f = {.data = bm_view(bytes, x % (sizeof bytes + 1)),
			.number = 1,
			.link_type = links[i % (sizeof links / sizeof links[0])]};
		f.wire_len = (uint32_t)f.data.n + (uint32_t)(x >> 32 & 15);
		if (bm_decode(d, &f, &s))
			assert_pieces(&s, &f, 1);
	}
	assert_counted(d);
}

/* DTLS may run on the port of any tunnel. */
static void
test_datagram_on_tunnel_port(void **state)
{
	static const unsigned ports[] = {1701, 2152, 3544, 4789, 4790, 6081, 6635, 8472};
	static const char *const starts[] = {"\x16\xfe\xff\0\0\0\0\0\0\0\0",
		"\x17\xfe\xfd\0\1\0\0\0\0\0\5", "\x2f\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a",
		"\x30\xff\x00\x1d\x04\x05\x06\x07\x08\x09\x0a",
		"\x08\0\0\0\x0a\x0b\x0c\0\0\0\0" /* a VXLAN header around nothing */,
		"\x0c\0\0\1\x0a\x0b\x0c\0\x15\0\0", "\0\0\x08\0\0\0\1\0\x15\0\0",
		"\0\0\1\x41\x15\0\0\0\0\0\0", "\x60\0\0\0\0\0\0\0\0\0\0"};

	(void)state;
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
		for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
			char words[32];
			snprintf(words, sizeof words, "eth ip4 udp%u", ports[i]);
			make(&m, words, MADE_PAYLOAD);
			make_frame(&m, 1, 1);
			uint8_t *payload = m.frame + m.f.data.n - MADE_PAYLOAD;
			memcpy(payload, starts[k], 11);
			memcpy(payload + 20, "\x08", 2); /* VXLAN: the type of an inner IPv4 that is none */
			if (!bm_decode(d, &m.f, &s))
				fail_msg("nothing at port %u, start %zu", ports[i], k);
			assert_int_equal(s.transport, BM_UDP);
			assert_int_equal(s.dst.port, ports[i]);
			assert_int_equal(s.payload.n, MADE_PAYLOAD);
			assert_true(s.payload.p == payload);
			assert_int_equal(s.tunnel, 0);
			assert_int_equal(s.ttl, 64);
			made_free(&m);
		}
}

/* A tunnel that carries something else than TCP or UDP is no datagram. */
static void
test_tunnel_of_something_else(void **state)
{
	(void)state;
	make(&m, "eth ip4 udp4789 vxlan eth ip4 udp", MADE_PAYLOAD);
	make_frame(&m, 1, 1);
	/* The inner protocol becomes ICMP. */
	m.frame[m.f.data.n - MADE_PAYLOAD - 8 - 20 + 9] = 1;
	assert_false(bm_decode(d, &m.f, &s));
	assert_int_equal(bm_decoder_stats(d)->not_transport, 1);
}

static void
make_free_and_make(const char *words, const char *more)
{
	char all[512];

	made_free(&m);
	snprintf(all, sizeof all, "%s%s", words, more);
	make(&m, all, MADE_PAYLOAD);
	make_frame(&m, 1, 1);
}

static void
test_depth(void **state)
{
	char words[512] = "eth";
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	/* With Ethernet, IP and TCP 32 layers, which is what is followed. */
	for (size_t i = 0; i < 30; i++) {
		strcat(words, " vlan");
		make_free_and_make(words, " ip4 tcp");
		assert_true(bm_decode(d, &m.f, &s) == (i < 29));
	}
	assert_int_equal(t->malformed, 1);
	/* As for a tunnel that never ends: the datagram that carries it is one. */
	strcpy(words, "eth ip4 udp6081 geneve eth");
	for (size_t i = 0; i < 40; i++)
		strcat(words, " vlan");
	make_free_and_make(words, " ip4 tcp");
	assert_true(bm_decode(d, &m.f, &s));
	assert_int_equal(s.transport, BM_UDP);
	assert_int_equal(s.dst.port, 6081);
}

/* What a network card is to cut into segments, and what is longer than a length field. */
static void
test_segmentation_offload(void **state)
{
	static const char *const words[] = {"eth ip4tso tcp", "eth ip6tso tcp"};
	static const size_t sizes[] = {9000, 65000, 120000};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		make(&m, words[i % 2], sizes[i / 2]);
		make_frame(&m, 1, 1);
		assert_true(bm_decode(d, &m.f, &s));
		assert_payload(sizes[i / 2]);
		assert_int_equal(s.payload_len, sizes[i / 2]);
		assert_int_equal(s.checksum, BM_CHECKSUM_VALID);
		made_free(&m);
	}
}

/* Where IP tells no length, that of the link says what is padding. */
static void
test_link_length(void **state)
{
	static const char *const words[] = {"eth pppoe ppp ip4tso tcp", "eth8023 snap ip4tso tcp",
		"eth ip4 pptp ppp ip4tso tcp", "eth ip4tso gre ip4 tcp"};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		made_free(&m);
		make(&m, words[i], MADE_PAYLOAD);
		make_trailer(&m, 9);
		make_frame(&m, 1, 1);
		assert_true(bm_decode(d, &m.f, &s));
		assert_payload(MADE_PAYLOAD);
		assert_int_equal(s.checksum, BM_CHECKSUM_VALID);
	}
	/* The length of enhanced GRE is the shorter one here. */
	made_free(&m);
	make(&m, "eth ip4 pptp ppp ip4tso tcp", MADE_PAYLOAD);
	make_frame(&m, 1, 1);
	uint8_t *len = m.frame + 14 + 20 + 4;
	bm_store16(len, bm_load16(len) - 5U);
	assert_true(bm_decode(d, &m.f, &s));
	assert_payload(MADE_PAYLOAD - 5);
}

/* A header that is nearly that of the tunnel. */
static void
test_nearly_a_tunnel(void **state)
{
	static const struct {
		const char *words;
		size_t at; /* in the UDP payload */
		uint8_t flip;
	} x[] = {{"eth ip4 udp4789 vxlan eth ip4 tcp", 0, 0x08},
		{"eth ip4 udp4789 vxlan eth ip4 tcp", 0, 0x01},
		{"eth ip4 udp4789 vxlan eth ip4 tcp", 7, 0x01}, {"eth ip4 udp4790 gpe ip4 tcp", 3, 0x10},
		{"eth ip4 udp6081 geneve eth ip4 tcp", 0, 0x80},
		{"eth ip4 udp6081 geneve eth ip4 tcp", 1, 0x01},
		{"eth ip4 udp6081 geneve eth ip4 tcp", 2, 0x01}, {"eth ip4 udp2152 gtpu ip4 tcp", 0, 0x20},
		{"eth ip4 udp2152 gtpu ip4 tcp", 1, 0x01}, {"eth ip4 udp2152 gtpu ip4 tcp", 3, 0x01},
		{"eth ip4 udp2152 gtpu ip4 tcp", 8, 0x80}, {"eth ip4 udp2152 gtpu ip4 tcp", 10, 0x40},
		{"eth ip4 udp3544 ip6 tcp", 0, 0x80}, {"eth ip4 udp3544 ip6 tcp", 5, 0x02},
		{"eth ip4 udp1701 l2tp pppff ip4 tcp", 0, 0x80},
		{"eth ip4 udp1701 l2tp pppff ip4 tcp", 1, 0x01},
		{"eth ip4 udp1701 l2tp pppff ip4 tcp", 3, 0x01}, {"eth ip4 udp6635 mpls ip4 tcp", 4, 0x80}};

	(void)state;
	for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) {
		make_free_and_make(x[i].words, "");
		assert_true(bm_decode(d, &m.f, &s));
		assert_int_equal(s.transport, BM_TCP);
		m.frame[14 + 20 + 8 + x[i].at] ^= x[i].flip;
		if (!bm_decode(d, &m.f, &s) || s.transport != BM_UDP)
			fail_msg("%s is taken for the tunnel, case %zu", x[i].words, i);
		assert_true(s.payload.p == m.frame + 14 + 20 + 8);
		assert_int_equal(s.payload_len, m.f.data.n - (14 + 20 + 8));
		assert_int_equal(s.tunnel, 0);
	}
}

/* Lengths that contradict each other. Offsets are those of "eth ip4 tcp" and "eth ip4 udp". */
static void
test_lengths(void **state)
{
	(void)state;
	/* IP says more than the frame ever had: the rest is missing. */
	make(&m, "eth ip4 tcp", MADE_PAYLOAD);
	make_frame(&m, 1, 1);
	bm_store16(m.frame + 16, 20 + 32 + 100);
	assert_true(bm_decode(d, &m.f, &s));
	assert_payload(MADE_PAYLOAD);
	assert_int_equal(s.payload_len, 100);
	assert_int_equal(s.checksum, BM_CHECKSUM_UNKNOWN);
	/* IP ends inside the TCP options, before the header, in itself. */
	for (unsigned total = 20 + 31; total > 0; total--) {
		bm_store16(m.frame + 16, total);
		assert_false(bm_decode(d, &m.f, &s));
	}
	made_free(&m);
	make(&m, "eth ip4 tcp", MADE_PAYLOAD);
	make_frame(&m, 1, 1);
	m.frame[34 + 12] = 0x40; /* a TCP header of 16 octets */
	assert_false(bm_decode(d, &m.f, &s));
	m.frame[34 + 12] = 0xf0;
	assert_true(bm_decode(d, &m.f, &s));
	assert_int_equal(s.payload_len, MADE_PAYLOAD - (60 - 32));
	made_free(&m);

	make(&m, "eth ip4 udp", MADE_PAYLOAD);
	make_frame(&m, 1, 1);
	bm_store16(m.frame + 34 + 4, 8 + 11);
	assert_true(bm_decode(d, &m.f, &s));
	assert_payload(11);
	assert_int_equal(s.payload_len, 11);
	bm_store16(m.frame + 34 + 4, 0);
	assert_true(bm_decode(d, &m.f, &s));
	assert_payload(MADE_PAYLOAD);
	bm_store16(m.frame + 34 + 4, 7);
	assert_false(bm_decode(d, &m.f, &s));
	bm_store16(m.frame + 34 + 4, 8 + MADE_PAYLOAD + 1);
	assert_false(bm_decode(d, &m.f, &s));
}

static void
test_directions(void **state)
{
	static const enum bm_frame_direction directions[] = {
		BM_FRAME_INBOUND, BM_FRAME_UNKNOWN, BM_FRAME_UNKNOWN, BM_FRAME_UNKNOWN, BM_FRAME_OUTBOUND};

	(void)state;
	for (unsigned type = 0; type < 5; type++) {
		make(&m, "sll ip4 tcp", MADE_PAYLOAD);
		make_frame(&m, 113, 1);
		m.frame[1] = (uint8_t)type;
		assert_true(bm_decode(d, &m.f, &s));
		assert_int_equal(s.direction, directions[type]);
		m.f.direction = BM_FRAME_INBOUND; /* what the capture says goes first */
		assert_true(bm_decode(d, &m.f, &s));
		assert_int_equal(s.direction, BM_FRAME_INBOUND);
		made_free(&m);
		make(&m, "sll2 ip4 tcp", MADE_PAYLOAD);
		make_frame(&m, 276, 1);
		m.frame[10] = (uint8_t)type;
		assert_true(bm_decode(d, &m.f, &s));
		assert_int_equal(s.direction, directions[type]);
		made_free(&m);
	}
}

/* Frames of 802.11 that hold no packet in the clear: by octet and bit of the header. */
static void
test_wireless_of_no_use(void **state)
{
	static const struct {
		size_t at;
		uint8_t set;
	} x[] = {{0, 0x40} /* null */, {0, 0x04} /* extension */, {1, 0x40} /* protected */,
		{1, 0x04} /* more fragments */, {22, 0x03} /* the fourth fragment */,
		{24, 0x80} /* aggregate */};

	(void)state;
	for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) {
		made_free(&m);
		make(&m, "wifiqos snap ip4 tcp", MADE_PAYLOAD);
		make_frame(&m, 105, 1);
		assert_true(bm_decode(d, &m.f, &s));
		m.frame[x[i].at] |= x[i].set;
		assert_false(bm_decode(d, &m.f, &s));
		assert_int_equal(bm_decoder_stats(d)->not_transport, i + 1);
	}
}

static void
test_counts(void **state)
{
	static const uint8_t arp[42] = {[12] = 0x08, [13] = 0x06};
	struct bm_frame f = {
		.data = bm_view(arp, sizeof arp), .wire_len = 42, .number = 1, .link_type = 1};
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	assert_false(bm_decode(d, &f, &s));
	assert_int_equal(t->not_transport, 1);
	f.link_type = 147;
	assert_false(bm_decode(d, &f, &s));
	assert_int_equal(t->unknown_link, 1);
	assert_int_equal(t->last_unknown_link, 147);
	f.link_type = 1;
	f.data.n = 13;
	assert_false(bm_decode(d, &f, &s));
	assert_int_equal(t->malformed, 1);
	f.data = bm_view(NULL, 0);
	assert_false(bm_decode(d, &f, &s));
	assert_int_equal(t->malformed, 2);
	assert_int_equal(t->frames, 4);
	assert_int_equal(t->segments, 0);
}

static void
test_without_home(void **state)
{
	(void)state;
	make(&m, "eth ip4 tcp", MADE_PAYLOAD);
	make_frame(&m, 1, 1);
	m.f.home = NULL;
	assert_true(bm_decode(d, &m.f, &s));
	assert_null(s.home);
	/* What is looked at may be a copy. */
	uint8_t *elsewhere = m.frame + 100000;
	m.f.home = elsewhere;
	assert_true(bm_decode(d, &m.f, &s));
	assert_ptr_equal(s.home, elsewhere + (s.payload.p - m.f.data.p));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_samples),
		TEST(test_padding),
		TEST(test_cut_everywhere),
		TEST(test_every_bit_flipped),
		TEST(test_random),
		TEST(test_datagram_on_tunnel_port),
		TEST(test_tunnel_of_something_else),
		TEST(test_depth),
		TEST(test_segmentation_offload),
		TEST(test_link_length),
		TEST(test_nearly_a_tunnel),
		TEST(test_lengths),
		TEST(test_directions),
		TEST(test_wireless_of_no_use),
		TEST(test_counts),
		TEST(test_without_home),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
