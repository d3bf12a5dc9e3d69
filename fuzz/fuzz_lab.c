/* Any bytes as what two ends of a relayed connection send, with a fault that the input names: all
 * that is sent is accounted for, and what no fault struck arrives as it was sent. Knows nothing of
 * sockets. */
#include "lab/lane.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* The first line is the fault; what cannot be read as one gives way to a flipped bit. */
static size_t
read_spec(const uint8_t *p, size_t n, struct lab_spec *spec)
{
	char text[200], problem[300];
	size_t len = 0;

	while (len < n && len < sizeof text - 1 && p[len] != '\n')
		len++;
	if (len != 0)
		memcpy(text, p, len);
	text[len] = '\0';
	if (!lab_spec_parse(text, spec, problem, sizeof problem))
		must(problem[0] != '\0' &&
			 lab_spec_parse("bits-flipped:record=0", spec, problem, sizeof problem));
	return len < n ? len + 1 : n;
}

/* A copy to the exact size: reading on is seen. */
static void
feed(struct lab_lane lanes[2], struct lab_tls *tls, struct lab_plan *plan, enum lab_direction d,
	const uint8_t *p, size_t n, bool ended)
{
	struct lab_passed passed = {.again = false};
	uint8_t *q = malloc(n != 0 ? n : 1);

	must(q != NULL);
	if (n != 0)
		memcpy(q, p, n);
	bool before = lanes[d].struck;
	size_t waited = lanes[d].in.n;
	must(lab_lane_feed(&lanes[d], &lanes[1 - d], tls, plan, 0, bm_view(q, n), ended, &passed));
	must(passed.sent.n + lanes[d].in.n == waited + n);
	must(!ended || lanes[d].in.n == 0);
	must(passed.from <= passed.to && passed.to <= passed.received.n);
	/* What was dropped changes nothing of what arrives. */
	must(passed.dropped.n == 0 ||
		 (passed.dropped.n == passed.received.n &&
			 bm_view_equal(bm_buf_view(&passed.sent), bm_buf_view(&passed.received))));
	if (!before && !lanes[d].struck)
		must(bm_view_equal(bm_buf_view(&passed.sent), bm_buf_view(&passed.received)));
	lab_passed_clear(&passed);
	free(q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct lab_spec spec;
	struct lab_lane lanes[2] = {{.direction = LAB_C2S}, {.direction = LAB_S2C}};
	struct lab_tls tls = {.version = 0};
	struct lab_plan plan = {
		.specs = &spec, .spec_count = 1, .probability = -1, .seed = n, .keeps_truth = true};
	size_t at = read_spec(p, n, &spec);

	/* Pieces: a direction and a length in front of each. */
	while (at + 2 <= n) {
		enum lab_direction d = p[at] & 1 ? LAB_S2C : LAB_C2S;
		size_t len = (size_t)(p[at] >> 1) << 8 | p[at + 1];
		at += 2;
		len = len < n - at ? len : n - at;
		feed(lanes, &tls, &plan, d, p + at, len, false);
		at += len;
	}
	for (size_t d = 0; d < 2; d++) {
		feed(lanes, &tls, &plan, (enum lab_direction)d, NULL, 0, true);
		must(lanes[d].held.n == 0);
		lab_lane_clear(&lanes[d]);
	}
	lab_plan_clear(&plan);
	return 0;
}
