/* Datagrams cut at random, in any order, twice and with overlaps, come out as they were; and
 * what attackers do to reassembly stays within bounds. */
#include "make.h"

#include <stdlib.h>

enum { FRAMES_MAX = 6000, MEMORY = 1 << 20, SIZE = 5000 };

static struct bm_decoder *d;
static struct bm_segment s;
static struct bm_frame frames[FRAMES_MAX];
static size_t frame_count;
static uint64_t seed;
static struct made m;

static uint32_t
random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % n;
}

static void
forget_frames(void)
{
	for (size_t i = 0; i < frame_count; i++)
		free((void *)frames[i].data.p);
	frame_count = 0;
}

static int
setup(void **state)
{
	(void)state;
	seed = 0x2545f4914f6cdd1d;
	assert_int_equal(bm_decoder_new(&d, MEMORY), BM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_counted(d);
	bm_decoder_free(d);
	forget_frames();
	made_free(&m);
	return 0;
}

/* Keeps the packet in m, an IP packet, as a frame, and decodes it. */
static bool
feed(uint8_t *p, size_t n, uint64_t ts_ns)
{
	assert_true(frame_count < FRAMES_MAX);
	struct bm_frame *f = &frames[frame_count];
	*f = (struct bm_frame){.data = bm_view(p, n),
		.wire_len = (uint32_t)n,
		.ts_ns = ts_ns,
		.link_type = 101,
		.number = ++frame_count,
		.home = p};
	return bm_decode(d, f, &s);
}

/* Feeds [off, off + len) of the payload of the IP packet whole, in a fragment of its own. */
static bool
feed_fragment(struct bm_view whole, uint32_t id, size_t off, size_t len, bool more, uint64_t ts_ns)
{
	bool four = whole.p[0] >> 4 == 4;
	size_t header = four ? 20 : 40, size = four ? 20 : 48;
	uint8_t *p = malloc(size + len);

	assert_non_null(p);
	memcpy(p, whole.p, header);
	if (four) {
		bm_store16(p + 2, (unsigned)(size + len));
		bm_store16(p + 4, id & 0xffff);
		bm_store16(p + 6, (unsigned)(off / 8) | (more ? 0x2000 : 0));
	} else {
		bm_store16(p + 4, (unsigned)(8 + len));
		p[40] = p[6];
		p[6] = 44;
		p[41] = 0;
		bm_store16(p + 42, (unsigned)off | more);
		bm_store32(p + 44, id);
	}
	memcpy(p + size, whole.p + header + off, len);
	return feed(p, size + len, ts_ns);
}

static struct bm_view
packet(const char *words, size_t n)
{
	made_free(&m);
	make(&m, words, n);
	make_frame(&m, 101, 1);
	return m.f.data;
}

static size_t
payload_of(struct bm_view whole)
{
	return whole.n - (whole.p[0] >> 4 == 4 ? 20 : 40);
}

static void
assert_datagram(size_t n)
{
	assert_int_equal(s.payload_len, n);
	assert_int_equal(s.payload.n, n);
	for (size_t i = 0; i < n; i++)
		if (s.payload.p[i] != made_byte(i))
			fail_msg("byte %zu differs", i);
	assert_int_equal(s.checksum, BM_CHECKSUM_VALID);
	assert_int_equal(s.packet, frame_count);
	assert_int_equal(s.ts_ns, frames[frame_count - 1].ts_ns);
	assert_null(s.home);
	assert_pieces(&s, frames, frame_count);
}

struct part {
	size_t off, len;
};

static size_t
cut(size_t n, struct part *parts, size_t max, uint32_t largest)
{
	size_t count = 0;

	for (size_t off = 0; off < n; count++) {
		assert_true(count < max);
		size_t len = 8 * (size_t)(1 + random_below(largest));
		parts[count] = (struct part){off, off + len < n ? len : n - off};
		off += parts[count].len;
	}
	return count;
}

static void
shuffle(struct part *parts, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t k = random_below((uint32_t)i);
		struct part keep = parts[i - 1];
		parts[i - 1] = parts[k];
		parts[k] = keep;
	}
}

/* Feeds all parts; exactly one, the last that was missing, completes the datagram. */
static bool
feed_parts(struct bm_view whole, uint32_t id, const struct part *parts, size_t count)
{
	size_t n = payload_of(whole);

	for (size_t i = 0; i < count; i++) {
		size_t end = parts[i].off + parts[i].len;
		if (feed_fragment(whole, id, parts[i].off, parts[i].len, end < n, 1))
			return i + 1 == count;
	}
	return false;
}

static void
test_any_order(void **state)
{
	static const char *const words[] = {"ip4 udp", "ip6 udp", "ip4 tcp", "ip6 tcp"};
	struct part parts[BM_PIECES_MAX];

	(void)state;
	for (uint32_t round = 0; round < 400; round++) {
		struct bm_view whole = packet(words[round % 4], SIZE);
		size_t count = cut(payload_of(whole), parts, BM_PIECES_MAX, 40 + random_below(300));
		if (count == 1)
			continue;
		shuffle(parts, count);
		assert_true(feed_parts(whole, round, parts, count));
		assert_datagram(SIZE);
		forget_frames();
	}
	assert_int_equal(bm_decoder_stats(d)->fragments_dropped, 0);
	assert_true(bm_decoder_stats(d)->segments > 350);
}

/* Twice each, and with overlaps of any kind. A few fragments are left over: they begin datagrams
 * that never end, under identifiers that are not used again. */
static void
test_overlaps(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 400; round++) {
		struct bm_view whole = packet(round % 2 == 0 ? "ip4 udp" : "ip4 tcp", SIZE);
		size_t n = payload_of(whole);
		bool done = false;
		for (size_t i = 0; i < 5000 && !done; i++) {
			size_t off = 8 * (size_t)random_below((uint32_t)(n / 8 + 1));
			size_t len = 8 * (size_t)(1 + random_below(150));
			off = off < n ? off : 0;
			len = off + len < n ? len : n - off;
			done = feed_fragment(whole, round, off, len, off + len < n, 1);
		}
		assert_true(done);
		assert_datagram(SIZE);
		forget_frames();
	}
	assert_int_equal(bm_decoder_stats(d)->fragments_dropped, 0);
}

/* In IPv4 what came first stays. */
static void
test_first_copy_stays(void **state)
{
	(void)state;
	struct bm_view whole = packet("ip4 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 504, true, 1));
	/* Its first eight octets are those that are there already, and differ. */
	memset(m.frame + 20 + 496, 0x55, 8);
	assert_true(feed_fragment(whole, 1, 496, 512, false, 1));
	assert_datagram(1000);
	assert_int_equal(s.piece_count, 2);
}

/* In IPv6 a second copy is harmless, any other overlap ends the datagram for good. */
static void
test_ipv6_overlap(void **state)
{
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	struct bm_view whole = packet("ip6 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 504, true, 1));
	assert_false(feed_fragment(whole, 1, 0, 504, true, 1));
	assert_true(feed_fragment(whole, 1, 504, 504, false, 1));
	assert_datagram(1000);
	assert_int_equal(t->fragments_dropped, 0);

	assert_false(feed_fragment(whole, 2, 0, 504, true, 1));
	assert_false(feed_fragment(whole, 2, 496, 512, false, 1));
	assert_int_equal(t->fragments_dropped, 2);
	assert_false(feed_fragment(whole, 2, 504, 504, false, 1));
	assert_int_equal(t->fragments_dropped, 3);
	/* So is a part of a fragment, wherever it begins. */
	assert_false(feed_fragment(whole, 4, 0, 504, true, 1));
	assert_false(feed_fragment(whole, 4, 0, 248, true, 1));
	assert_int_equal(t->fragments_dropped, 5);
	assert_false(feed_fragment(whole, 5, 0, 504, true, 1));
	assert_false(feed_fragment(whole, 5, 256, 248, true, 1));
	assert_int_equal(t->fragments_dropped, 7);
	/* A copy of the same range with other bytes is an overlap. */
	assert_false(feed_fragment(whole, 3, 0, 504, true, 1));
	m.frame[40 + 100] ^= 1;
	assert_false(feed_fragment(whole, 3, 0, 504, true, 1));
	assert_int_equal(t->fragments_dropped, 9);
	assert_int_equal(t->segments, 1);
	assert_int_equal(t->fragments, t->frames - 1);
}

static void
test_largest(void **state)
{
	struct part parts[BM_PIECES_MAX];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		size_t n = i == 0 ? 65535 - 20 - 8 : 65535 - 8 - 8;
		struct bm_view whole = packet(i == 0 ? "ip4 udp" : "ip6 udp", n);
		size_t count = 0;
		for (size_t off = 0; off < n + 8; off += 1480)
			parts[count++] = (struct part){off, n + 8 - off < 1480 ? n + 8 - off : 1480};
		assert_true(feed_parts(whole, 7, parts, count));
		assert_datagram(n);
	}
	/* One octet more than a datagram can have. */
	assert_false(feed_fragment(packet("ip4 udp", 60000), 8, 0, 1480, true, 1));
	uint8_t *p = malloc(20 + 1480);
	assert_non_null(p);
	memcpy(p, m.frame, 20 + 1480);
	bm_store16(p + 2, 1500);
	bm_store16(p + 4, 8);
	bm_store16(p + 6, 0x1fff);
	assert_false(feed(p, 1500, 1));
	assert_int_equal(bm_decoder_stats(d)->fragments_dropped, 1);
}

static void
test_too_many_pieces(void **state)
{
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	for (uint32_t pieces = BM_PIECES_MAX; pieces <= BM_PIECES_MAX + 1; pieces++) {
		struct bm_view whole = packet("ip4 udp", pieces * 16 - 8);
		bool done = false;
		for (uint32_t i = 0; i < pieces; i++) {
			assert_false(done);
			done = feed_fragment(whole, pieces, i * 16, 16, i + 1 < pieces, 1);
		}
		assert_int_equal(done, pieces == BM_PIECES_MAX);
		if (done)
			assert_datagram(pieces * 16 - 8);
	}
	assert_int_equal(t->fragments_dropped, BM_PIECES_MAX + 1);
}

static void
test_age(void **state)
{
	static const uint64_t second = 1000000000;
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	struct bm_view whole = packet("ip4 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 504, true, 100 * second));
	assert_true(feed_fragment(whole, 1, 504, 504, false, 130 * second));
	assert_false(feed_fragment(whole, 1, 0, 504, true, 200 * second));
	assert_false(feed_fragment(whole, 1, 504, 504, false, 231 * second));
	assert_int_equal(t->fragments_dropped, 1);
	/* Time that runs backwards across captures. */
	assert_false(feed_fragment(whole, 1, 0, 504, true, 100 * second));
	assert_int_equal(t->fragments_dropped, 2);
	assert_true(feed_fragment(whole, 1, 504, 504, false, 99 * second));
	assert_datagram(1000);
}

/* The end of the datagram told twice and differently, or in the middle of what is there. */
static void
test_contradictions(void **state)
{
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	struct bm_view whole = packet("ip4 udp", 3000);
	assert_false(feed_fragment(whole, 1, 800, 80, false, 1));
	assert_false(feed_fragment(whole, 1, 960, 80, false, 1));
	assert_int_equal(t->fragments_dropped, 2);
	assert_false(feed_fragment(whole, 1, 0, 800, true, 1));
	assert_int_equal(t->fragments_dropped, 3);
	assert_false(feed_fragment(whole, 2, 960, 80, true, 1));
	assert_false(feed_fragment(whole, 2, 800, 80, false, 1));
	assert_int_equal(t->fragments_dropped, 5);
	assert_false(feed_fragment(whole, 3, 800, 80, false, 1));
	assert_false(feed_fragment(whole, 3, 880, 80, true, 1));
	assert_int_equal(t->fragments_dropped, 7);
	/* Nothing in it. */
	assert_false(feed_fragment(whole, 4, 0, 0, true, 1));
	assert_int_equal(t->fragments_dropped, 8);
	assert_int_equal(t->segments, 0);
}

/* IPv4 drops what is over a multiple of eight, IPv6 the fragment. */
static void
test_odd_lengths(void **state)
{
	(void)state;
	struct bm_view whole = packet("ip4 udp", 1000);
	uint8_t keep[3];
	memcpy(keep, m.frame + 20 + 504, 3);
	memset(m.frame + 20 + 504, 0x55, 3);
	assert_false(feed_fragment(whole, 1, 0, 507, true, 1));
	memcpy(m.frame + 20 + 504, keep, 3);
	assert_true(feed_fragment(whole, 1, 504, 504, false, 1));
	assert_datagram(1000);
	whole = packet("ip6 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 507, true, 1));
	assert_int_equal(bm_decoder_stats(d)->fragments_dropped, 1);
	assert_false(feed_fragment(whole, 1, 504, 504, false, 1));
}

/* A fragment that the capture cut cannot be used; what leads nowhere is not kept. */
static void
test_unusable(void **state)
{
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	struct bm_view whole = packet("ip4 udp", 1000);
	uint8_t *p = malloc(20 + 504);
	assert_non_null(p);
	memcpy(p, whole.p, 20 + 504);
	bm_store16(p + 2, 20 + 504);
	bm_store16(p + 6, 0x2000);
	struct bm_frame f = {
		.data = bm_view(p, 20 + 503), .wire_len = 20 + 504, .link_type = 101, .number = 1};
	assert_false(bm_decode(d, &f, &s));
	assert_int_equal(t->fragments_dropped, 1);
	f.data.n++;
	p[9] = 1; /* ICMP */
	assert_false(bm_decode(d, &f, &s));
	assert_int_equal(t->not_transport, 1);
	assert_int_equal(t->fragments, 1);
	free(p);
}

/* Identifiers, addresses, protocols and tunnels keep datagrams apart. */
static void
test_identity(void **state)
{
	(void)state;
	struct bm_view whole = packet("ip4 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 504, true, 1));
	assert_false(feed_fragment(whole, 2, 504, 504, false, 1));
	m.frame[15]++;
	assert_false(feed_fragment(whole, 1, 504, 504, false, 1));
	m.frame[15]--;
	m.frame[9] = 6;
	assert_false(feed_fragment(whole, 1, 504, 504, false, 1));
	m.frame[9] = 17;
	assert_true(feed_fragment(whole, 1, 504, 504, false, 1));
	assert_datagram(1000);

	/* The same fragments inside VXLAN, in one network and in another. */
	enum { INNER = 14 + 20 + 8 + 8 + 14 };
	static const unsigned networks[] = {1, 2, 1};
	for (unsigned i = 0; i < 3; i++) {
		made_free(&m);
		make(&m, "eth ip4 udp4789 vxlan eth ip4 udp", 1000 - 504 * (i == 2 ? 1 : 0));
		make_frame(&m, 1, 1);
		uint8_t *p = m.frame;
		p[14 + 20 + 8 + 6] = (uint8_t)networks[i];
		bm_store16(p + INNER + 6, i == 0 ? 0x2000 : 1008 / 8);
		bm_store16(p + INNER + 2, i == 0 ? 20 + 1008 : 20 + 504);
		assert_int_equal(bm_decode(d, &m.f, &s), i == 2);
	}
	assert_int_equal(s.tunnel, (MADE_VNI & 0xffff00) + 2);
}

/* Memory stays below the cap: the oldest datagrams go, the newest is completed. */
static void
test_memory_limit(void **state)
{
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	struct bm_view whole = packet("ip6 udp", 30000);
	for (uint32_t id = 0; id < 2000; id++)
		assert_false(feed_fragment(whole, id, 28000, 1000, true, 1));
	/* Not one of 32 KiB more than fits in a mebibyte. */
	assert_true(t->fragments_dropped >= 2000 - 32);
	assert_true(t->fragments_dropped < 2000 - 20);
	assert_false(feed_fragment(whole, 1999, 29000, 1008, false, 1));
	assert_true(feed_fragment(whole, 1999, 0, 28000, true, 1));
	assert_datagram(30000);
	assert_false(feed_fragment(whole, 5, 0, 28000, true, 1));
}

/* The oldest one makes room for itself at the cost of others. */
static void
test_oldest_grows(void **state)
{
	(void)state;
	struct bm_view whole = packet("ip4 udp", 60000);
	assert_false(feed_fragment(whole, 0, 0, 8, true, 1));
	for (uint32_t id = 1; bm_decoder_stats(d)->fragments < 31; id++)
		assert_false(feed_fragment(whole, id, 28000, 1000, true, 1));
	assert_int_equal(bm_decoder_stats(d)->fragments_dropped, 0);
	assert_false(feed_fragment(whole, 0, 8, 30000, true, 1));
	assert_true(feed_fragment(whole, 0, 30008, 30000, false, 1));
	assert_datagram(60000);
	assert_true(bm_decoder_stats(d)->fragments_dropped > 0);
}

static void
test_no_memory_at_all(void **state)
{
	struct bm_decoder *none;

	(void)state;
	assert_int_equal(bm_decoder_new(&none, 0), BM_OK);
	struct bm_decoder *keep = d;
	d = none;
	struct bm_view whole = packet("ip4 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 504, true, 1));
	assert_false(feed_fragment(whole, 1, 504, 504, false, 1));
	assert_int_equal(bm_decoder_stats(none)->fragments_dropped, 2);
	assert_counted(none);
	bm_decoder_free(none);
	d = keep;
}

/* Many datagrams begun and none ended: each frame costs the same. */
static void
test_flood(void **state)
{
	uint8_t p[28 + 8];
	struct bm_frame f = {.data = bm_view(p, 28), .wire_len = 28, .link_type = 101, .number = 1};
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	(void)state;
	memcpy(p, packet("ip4 udp", 8).p, 36);
	bm_store16(p + 2, 28);
	bm_store16(p + 6, 0x2000);
	for (uint32_t i = 0; i < 300000; i++) {
		bm_store16(p + 4, i & 0xffff);
		bm_store16(p + 14, i >> 16);
		assert_false(bm_decode(d, &f, &s));
	}
	assert_int_equal(t->fragments, 300000);
	assert_true(t->fragments_dropped > 300000 - 1000);
}

/* A fragmented tunnel that carries fragments: each byte is traced through both. */
static void
test_fragments_in_fragments(void **state)
{
	static uint8_t inner[2][20 + 2008];
	static uint8_t outer[20 + 4 + sizeof inner[0]];

	(void)state;
	struct bm_view whole = packet("ip4 udp", 3000);
	for (unsigned i = 0; i < 2; i++) {
		size_t off = i == 0 ? 0 : 2000, len = i == 0 ? 2000 : 1008;
		memcpy(inner[i], whole.p, 20);
		bm_store16(inner[i] + 2, (unsigned)(20 + len));
		bm_store16(inner[i] + 6, (unsigned)(off / 8) | (i == 0 ? 0x2000 : 0));
		memcpy(inner[i] + 20, whole.p + 20 + off, len);
		/* IPv4, GRE without options, the inner fragment. */
		memcpy(outer, whole.p, 20);
		outer[9] = 47;
		memcpy(outer + 20, "\0\0\x08\0", 4);
		memcpy(outer + 24, inner[i], 20 + len);
		struct bm_view tunnel = bm_view(outer, 24 + 20 + len);
		assert_false(feed_fragment(tunnel, 100 + i, 0, 800, true, 1));
		bool done = feed_fragment(tunnel, 100 + i, 800, 24 + len - 800, false, 1);
		assert_int_equal(done, i == 1);
	}
	assert_datagram(3000);
	assert_int_equal(s.piece_count, 4);
}

/* The same as one of many link layers. */
static void
test_padding_is_cut(void **state)
{
	(void)state;
	struct bm_view whole = packet("ip4 udp", 1000);
	assert_false(feed_fragment(whole, 1, 0, 1000, true, 1));
	uint8_t *p = calloc(1, 60);
	assert_non_null(p);
	memcpy(p, whole.p, 20);
	memcpy(p + 20, whole.p + 20 + 1000, 8);
	bm_store16(p + 2, 28);
	bm_store16(p + 4, 1);
	bm_store16(p + 6, 125);
	assert_true(feed(p, 60, 1));
	assert_datagram(1000);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_any_order),
		TEST(test_overlaps),
		TEST(test_first_copy_stays),
		TEST(test_ipv6_overlap),
		TEST(test_largest),
		TEST(test_too_many_pieces),
		TEST(test_age),
		TEST(test_contradictions),
		TEST(test_odd_lengths),
		TEST(test_unusable),
		TEST(test_identity),
		TEST(test_memory_limit),
		TEST(test_oldest_grows),
		TEST(test_no_memory_at_all),
		TEST(test_flood),
		TEST(test_fragments_in_fragments),
		TEST(test_padding_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
