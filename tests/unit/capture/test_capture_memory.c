/* Each allocation fails in turn: a status, what was read before, and nothing leaked.
 * Linked so that malloc, calloc and realloc of the core come through here. */
#include "../starve.h"
#include "make.h"

/* Frames read until something else than BM_OK, which is in *end. */
static unsigned
frames_until(struct bm_view bytes, bool stream, unsigned long fail_at, enum bm_status *end)
{
	struct trickle t = {.bytes = bytes, .chunk = SIZE_MAX, .fail_at = SIZE_MAX};
	struct bm_capture *c;
	struct bm_capture_item item;
	struct bm_error e = {BM_OK, NULL, 0};
	unsigned frames = 0;

	starve_at(fail_at);
	*end = stream ? bm_capture_open_stream(&c, trickle_read, &t, &e)
				  : bm_capture_open_memory(&c, bytes, &e);
	if (*end == BM_OK) {
		while ((*end = bm_capture_next(c, &item, &e)) == BM_OK)
			frames += item.event == BM_CAPTURE_FRAME;
	} else {
		assert_null(c);
	}
	assert_int_equal(e.status, *end);
	bm_capture_free(c);
	starve_stop();
	return frames;
}

static void
test_every_allocation_fails(void **state)
{
	(void)state;
	static const uint8_t zeros[700000];
	struct make m;
	struct bm_buf gz = {.max = 16 << 20};
	struct bm_buf zst = {.max = 16 << 20};

	make_start(&m, false);
	section(&m, false);
	/* Interfaces enough to grow their table, a block that makes the window grow. */
	for (unsigned i = 0; i < 40; i++)
		interface(&m, 1, 0);
	enhanced(&m, 3, 1, 60, 60);
	block_begin(&m, 10);
	put32(&m, 0x544c534b);
	put32(&m, sizeof zeros);
	put_bytes(&m, zeros, sizeof zeros);
	block_end(&m);
	enhanced(&m, 39, 1, 60, 60);
	pack_gzip(&gz, bm_buf_view(&m.b));
	pack_zstd(&zst, bm_buf_view(&m.b));

	const struct bm_view inputs[] = {bm_buf_view(&m.b), bm_buf_view(&gz), bm_buf_view(&zst)};
	for (size_t i = 0; i < 6; i++) {
		enum bm_status end = BM_NOMEM;
		unsigned failed = 0;
		for (unsigned n = 0; end == BM_NOMEM; n++) {
			unsigned frames = frames_until(inputs[i / 2], i % 2 != 0, n, &end);
			assert_true(end == BM_NOMEM || end == BM_END);
			assert_int_equal(frames == 2, end == BM_END);
			failed += end == BM_NOMEM;
		}
		/* The handle, and three sizes of the table. */
		assert_true(failed >= 4);
	}
	make_free(&m);
	bm_buf_clear(&gz);
	bm_buf_clear(&zst);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
