/* How fast the ones'-complement sum is over payloads of several sizes that lie in the cache.
 * Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <time.h>

#include "packet/packet.h"

static uint8_t in[65536];

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
measure(size_t n)
{
	double start = now_ns(), spent;
	uint64_t sum = 0;
	long times = 0;

	do {
		for (int i = 0; i < 256; i++)
			sum = bm_sum16(bm_sum16_fold(sum), bm_view(in, n), false);
		times += 256;
		spent = now_ns() - start;
	} while (spent < 2e8);
	printf("%6zu B %8.1f ns %8.2f GB/s (%04x)\n", n, spent / (double)times,
		(double)n * (double)times / spent, bm_sum16_fold(sum));
}

int
main(void)
{
	static const size_t sizes[] = {20, 64, 200, 1448, 9000, 16384, 65536};

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 131 >> 3);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		measure(sizes[i]);
	return 0;
}
