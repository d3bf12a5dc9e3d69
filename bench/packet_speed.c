/* How fast the ones'-complement sum is over payloads of several sizes that lie in the cache, and
 * the decoder over frames with such payloads.
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

/* Ethernet, IPv4, TCP without options; the checksum is wrong, which costs the same. */
static void
decode(struct bm_decoder *d, size_t payload)
{
	struct bm_frame f = {.data = bm_view(in, 54 + payload), .link_type = 1, .number = 1};
	struct bm_segment s;
	double start = now_ns(), spent;
	long times = 0, segments = 0;

	memset(in, 1, 54);
	f.wire_len = (uint32_t)f.data.n;
	bm_store16(in + 12, 0x0800);
	in[14] = 0x45;
	bm_store16(in + 16, (unsigned)(40 + payload));
	bm_store16(in + 20, 0x4000);
	in[23] = BM_TCP;
	in[46] = 0x50;
	do {
		for (int i = 0; i < 256; i++)
			segments += bm_decode(d, &f, &s);
		times += 256;
		spent = now_ns() - start;
	} while (spent < 2e8);
	printf("frame with %6zu B %8.1f ns%s\n", payload, spent / (double)times,
		segments == times ? "" : " (not decoded)");
}

int
main(void)
{
	struct bm_decoder *d;
	static const size_t sizes[] = {20, 64, 200, 1448, 9000, 16384, 65536};

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 131 >> 3);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		measure(sizes[i]);
	if (bm_decoder_new(&d, 0) != BM_OK)
		return 1;
	for (size_t i = 0; i + 1 < sizeof sizes / sizeof sizes[0]; i++)
		decode(d, sizes[i]);
	bm_decoder_free(d);
	return 0;
}
