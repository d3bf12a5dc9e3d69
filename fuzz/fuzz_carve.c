/* Reads any bytes as a report of badmac diagnose, a zero, and a capture, and carves what the report
 * speaks of, as captured and as it was sent. Knows that a file comes of it that can be read, with
 * as many packets as were said, and that what is not repaired is what was captured. */
#include <stdlib.h>

#include "base/buf.h"
#include "carve/carve.h"

enum { KEPT = 1 << 24 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static int
keep(void *ctx, const char *bytes, size_t n)
{
	return bm_buf_add(ctx, bm_view(bytes, n)) == BM_OK ? 0 : -1;
}

static uint64_t
count_frames(struct bm_view file)
{
	struct bm_capture *c;
	struct bm_capture_item item;
	uint64_t n = 0;
	enum bm_status st;

	must(bm_capture_open_memory(&c, file, NULL) == BM_OK);
	while ((st = bm_capture_next(c, &item, NULL)) == BM_OK)
		n += item.event == BM_CAPTURE_FRAME;
	must(st == BM_END);
	bm_capture_free(c);
	return n;
}

static void
carve(const struct bm_findings *report, struct bm_view capture, bool repaired)
{
	const struct bm_carve_options o = {
		.report = report, .repaired = repaired, .program = "a fuzzer"};
	struct bm_buf file = {.max = KEPT};
	struct bm_carve *c;
	struct bm_error e = {.what = NULL};
	const char *input;
	char problem[200];
	enum bm_status st = bm_carve_new(&c, &o, problem, sizeof problem);

	must(st == BM_OK || (st == BM_USAGE && c == NULL && problem[0] != '\0'));
	if (st != BM_OK)
		return;
	must(bm_carve_add_capture(c, "capture", capture, NULL, NULL) == BM_OK);
	st = bm_carve_read(c, &e, &input);
	must(st == BM_OK || e.what != NULL);
	if (st == BM_OK && bm_carve_write(c, repaired, keep, &file) == BM_OK)
		must(count_frames(bm_buf_view(&file)) == bm_carve_packets(c));
	bm_buf_clear(&file);
	bm_carve_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *zero = n != 0 ? memchr(p, 0, n) : NULL;
	size_t report = zero != NULL ? (size_t)(zero - p) : n;
	struct bm_findings f;
	char problem[BM_FINDINGS_PROBLEM];
	enum bm_status st = bm_findings_read(bm_view(p, report), &f, problem, sizeof problem);

	must(st == BM_OK || ((st == BM_FORMAT || st == BM_LIMIT) && problem[0] != '\0'));
	if (st == BM_OK && zero != NULL) {
		struct bm_view capture = bm_view(zero + 1, n - report - 1);
		carve(&f, capture, false);
		carve(&f, capture, true);
	}
	bm_findings_clear(&f);
	return 0;
}
