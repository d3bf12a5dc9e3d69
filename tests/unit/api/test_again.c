/* Captures read once more: the frames of a stream that are kept, in their order, whatever the ring
 * holds; and that it says when some are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/again.h"

enum { RAW_IP = 101, HEAD = 40, MOST = 3000 };

/* IPv4 and TCP around n octets, each the frame's number. */
static struct bm_frame
make(uint8_t *to, uint64_t number, size_t n)
{
	memset(to, 0, HEAD);
	to[0] = 0x45;
	bm_store16(to + 2, (unsigned)(HEAD + n));
	to[8] = 64;
	to[9] = 6;
	to[12] = to[16] = 10;
	to[15] = 1;
	to[19] = 2;
	bm_store16(to + 20, 1000);
	bm_store16(to + 22, 443);
	to[32] = 0x50;
	to[33] = 0x10;
	memset(to + HEAD, (int)(number & 0xff), n);
	return (struct bm_frame){.data = bm_view(to, HEAD + n),
		.wire_len = (uint32_t)(HEAD + n),
		.link_type = RAW_IP,
		.number = number};
}

struct seen {
	uint64_t next, count, stop;
};

static bool
each(void *ctx, const struct bm_segment *s)
{
	struct seen *v = ctx;

	/* One that is longer than the ring may be left out. */
	assert_true(s->packet >= v->next);
	for (size_t i = 0; i < s->payload.n; i++)
		assert_int_equal(s->packet & 0xff, s->payload.p[i]);
	v->next = s->packet + 1;
	v->count++;
	return v->count != v->stop;
}

static long
never(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return -1;
}

static void
test_ring(void **state)
{
	static uint8_t bytes[HEAD + MOST];
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (size_t ring = 64; ring < 40000; ring = ring * 5 / 4 + 1) {
		struct input in = {.read = never};
		struct inputs all = {.item = &in, .n = 1};
		struct again a = {.inputs = &all, .fragment_memory = 1 << 16};
		for (uint64_t k = 1; k < 300; k++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			struct bm_frame f = make(bytes, k, (size_t)(seed % (k % 7 == 0 ? MOST : 200)));
			/* It grows in between. */
			size_t now = k < 100 ? ring / 2 : ring;
			again_keep(&a, &f, now);
			struct seen v = {.next = 0};
			bool whole = again_walk(&a, each, &v);
			/* The newest one is there, unless it is longer than all of the ring. */
			size_t room = sizeof f + f.data.n + 7;
			if (room <= now)
				assert_int_equal(k, v.next - 1);
			if (whole)
				assert_int_equal(k, v.count);
			else
				assert_true(v.count < k);
			v = (struct seen){.stop = 1};
			(void)again_walk(&a, each, &v);
			assert_true(v.count <= 1);
		}
		again_clear(&a);
	}
}

/* A capture in memory of frames first, first + 1, ..., as far as their octets tell. */
static size_t
put_capture(uint8_t *to, uint64_t first, unsigned frames)
{
	uint8_t *p = to;

	bm_store32(p, 0xa1b2c3d4);
	bm_store32(p + 4, 0x00020004);
	memset(p + 8, 0, 8);
	bm_store32(p + 16, 262144);
	bm_store32(p + 20, RAW_IP);
	p += 24;
	for (unsigned i = 0; i < frames; i++) {
		struct bm_frame f = make(p + 16, first + i, 10);
		bm_store32(p, 1);
		bm_store32(p + 4, i);
		bm_store32(p + 8, (uint32_t)f.data.n);
		bm_store32(p + 12, (uint32_t)f.data.n);
		p += 16 + f.data.n;
	}
	return (size_t)(p - to);
}

/* Pieces on both sides of one that is being read: frames behind it get their numbers, or none. */
static void
test_behind_a_stream(void **state)
{
	static uint8_t before[512], behind[512], bytes[512];
	struct bm_capture_piece piece[] = {{"a", 0, 2}, {"b", 2, UINT64_MAX}, {"c", UINT64_MAX, 3}};
	struct input in[] = {{.bytes = bm_view(before, put_capture(before, 1, 2)), .piece = &piece[0]},
		{.read = never, .piece = &piece[1]},
		{.bytes = bm_view(behind, put_capture(behind, 5, 3)), .piece = &piece[2]}};
	struct inputs all = {.item = in, .n = 3};
	struct again a = {.inputs = &all, .fragment_memory = 1 << 16};
	struct seen v = {.next = 0};

	(void)state;
	struct bm_frame f = make(bytes, 3, 10);
	again_keep(&a, &f, 1024);
	assert_false(again_walk(&a, each, &v));
	assert_int_equal(v.count, 3);
	assert_int_equal(v.next, 4);
	f = make(bytes, 4, 10);
	again_keep(&a, &f, 1024);
	piece[1].packets = 2;
	piece[2].before = in[2].packets_before = 4;
	v = (struct seen){.next = 0};
	assert_true(again_walk(&a, each, &v));
	assert_int_equal(v.count, 7);
	assert_int_equal(v.next, 8);
	again_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring), cmocka_unit_test(test_behind_a_stream)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
