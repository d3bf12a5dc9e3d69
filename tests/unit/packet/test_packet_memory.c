/* Each allocation fails in turn: a status from the constructor, a dropped and counted fragment
 * from the decoder, and nothing leaked. Linked so that malloc, calloc and realloc of the core
 * come through here. */
#include "../starve.h"
#include "make.h"

static struct made m;

/* Two fragments of one datagram, the second of which makes its buffer grow. */
static bool
decode_two(struct bm_decoder *d, struct bm_segment *s, unsigned id)
{
	enum { SIZE = 4000, FIRST = 1200 };
	uint8_t *p = m.frame;
	uint8_t second[20 + SIZE + 8 - FIRST];

	memcpy(second, p, 20);
	memcpy(second + 20, p + 20 + FIRST, SIZE + 8 - FIRST);
	bm_store16(p + 2, 20 + FIRST);
	bm_store16(p + 4, id);
	bm_store16(p + 6, 0x2000);
	bm_store16(second + 2, 20 + SIZE + 8 - FIRST);
	bm_store16(second + 4, id);
	bm_store16(second + 6, FIRST / 8);
	struct bm_frame f = {
		.data = bm_view(p, 20 + FIRST), .wire_len = 20 + FIRST, .link_type = 101, .number = 1};
	if (bm_decode(d, &f, s))
		return false;
	f.data = bm_view(second, 20 + SIZE + 8 - FIRST);
	f.wire_len = (uint32_t)f.data.n;
	f.number = 2;
	return bm_decode(d, &f, s) && s->payload.n == SIZE && s->checksum == BM_CHECKSUM_VALID;
}

static void
test_every_allocation_fails(void **state)
{
	bool done = false;
	unsigned refused = 0;

	(void)state;
	make(&m, "ip4 udp", 4000);
	make_frame(&m, 101, 1);
	for (unsigned n = 0; !done; n++) {
		struct bm_decoder *d;
		struct bm_segment s;
		starve_at(n);
		enum bm_status st = bm_decoder_new(&d, 1 << 20);
		if (st != BM_OK) {
			starve_stop();
			assert_int_equal(st, BM_NOMEM);
			assert_null(d);
			refused++;
			continue;
		}
		done = decode_two(d, &s, 1);
		starve_stop();
		assert_int_equal(bm_decoder_stats(d)->fragments_dropped == 0, done);
		refused += !done;
		/* What failed once does not keep the next datagram from being put together. */
		assert_true(decode_two(d, &s, 2));
		bm_decoder_free(d);
	}
	/* The decoder, its table, the datagram, its buffer twice. */
	assert_int_equal(refused, 5);
	made_free(&m);
}

/* Frames that are no fragments cost no allocation. */
static void
test_no_allocation_per_frame(void **state)
{
	struct bm_decoder *d;
	struct bm_segment s;

	(void)state;
	assert_int_equal(bm_decoder_new(&d, 1 << 20), BM_OK);
	for (size_t i = 0; i < sample_count; i++) {
		make(&m, samples[i].words, MADE_PAYLOAD);
		make_frame(&m, samples[i].link_type, 1);
		starve_at(STARVE_NEVER);
		bool segment = bm_decode(d, &m.f, &s);
		starve_stop();
		assert_true(segment);
		assert_int_equal(starve_asked(), 0);
		made_free(&m);
	}
	bm_decoder_free(d);
	bm_decoder_free(NULL);
}

/* A datagram that was yielded is gone once the next frame is decoded. */
static void
test_nothing_piles_up(void **state)
{
	long live = 0;
	struct bm_decoder *d;
	struct bm_segment s;

	(void)state;
	assert_int_equal(bm_decoder_new(&d, 1 << 20), BM_OK);
	for (unsigned id = 0; id < 100; id++) {
		make(&m, "ip4 udp", 4000);
		make_frame(&m, 101, 1);
		starve_at(STARVE_NEVER);
		assert_true(decode_two(d, &s, id));
		starve_stop();
		/* The datagram and its buffer. */
		live += starve_live();
		assert_int_equal(live, 2);
		made_free(&m);
	}
	bm_decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_fails),
		cmocka_unit_test(test_no_allocation_per_frame),
		cmocka_unit_test(test_nothing_piles_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
