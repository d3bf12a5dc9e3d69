/* How many trials of damage there are in a minute of one processor, for each kind of payload, and
 * what a trial takes beside the two sums over the segment that it cannot do without.
 * Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <time.h>

#include "odds/simulate.h"
#include "packet/packet.h"

enum { SEGMENT = 20 + BM_PAYLOAD };

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
two_sums(void)
{
	static uint8_t segment[SEGMENT];
	double start = now_ns(), spent;
	uint64_t sum = 0;
	long times = 0;

	do {
		for (int i = 0; i < 512; i++)
			sum = bm_sum16(bm_sum16_fold(sum), bm_view(segment, SEGMENT), false);
		times += 256;
		spent = now_ns() - start;
	} while (spent < 2e8);
	printf(
		"two sums of %d B %8.1f ns (%04x)\n", SEGMENT, spent / (double)times, bm_sum16_fold(sum));
	return spent / (double)times;
}

static void
trials(struct bm_pattern p, enum bm_content_kind content, double sums)
{
	struct bm_simulation s = {.pattern = p, .content = content, .trials = 2000000, .seed = 1};
	char name[BM_PATTERN_NAME];
	double start = now_ns();

	if (bm_simulate(&s, NULL) != BM_OK)
		return;
	double each = (now_ns() - start) / (double)s.trials;
	bm_pattern_name(p, name);
	printf("%-10s %-10s %8.1f ns, %4.1f times the sums, %5.0f million a minute\n", name,
		bm_content_name(content), each, each / sums, 60e3 / each);
}

int
main(void)
{
	static const struct bm_pattern patterns[] = {{BM_PATTERN_BITS, 2}, {BM_PATTERN_BURST, 17},
		{BM_PATTERN_SWAP_WORDS, 0}, {BM_PATTERN_STALE, 64}};
	double sums = two_sums();

	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		for (enum bm_content_kind c = 0; c < BM_CONTENTS; c++)
			trials(patterns[i], c, sums);
	return 0;
}
