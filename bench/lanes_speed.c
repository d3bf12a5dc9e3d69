/* How fast hashes run side by side, against one after the other: gigabytes of message a second.
 * Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <time.h>

#include "crypto/lanes.h"

enum { MESSAGE = 16384 };

static struct bm_lanes state;
static struct bm_lane_block block;
static _Alignas(64) uint8_t schedule[MESSAGE / 64 * BM_LANE_SCHEDULE];
static uint8_t message[MESSAGE];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
measure(const struct bm_lane_hash *k)
{
	size_t blocks = MESSAGE / k->block;
	double start = now(), spent;
	long times = 0;

	for (size_t i = 0; i < blocks; i++)
		bm_lane_schedule(k->hash, message + i * k->block, schedule + i * k->schedule);
	do {
		for (int i = 0; i < 8; i++, times++)
			k->shared(&state, schedule, blocks);
		spent = now() - start;
	} while (spent < 0.3);
	double shared = (double)times * MESSAGE * BM_LANES / spent / 1e9;
	start = now();
	times = 0;
	do {
		for (int i = 0; i < 1024; i++, times++)
			k->own(&state, &block);
		spent = now() - start;
	} while (spent < 0.3);
	printf("  %-7s %6.2f GB/s shared blocks %6.2f GB/s own blocks\n", k->name, shared,
		(double)times * k->block * BM_LANES / spent / 1e9);
}

int
main(void)
{
	static const struct {
		enum bm_hash hash;
		const char *name;
	} all[] = {{BM_MD5, "MD5"}, {BM_SHA1, "SHA-1"}, {BM_SHA256, "SHA-256"}, {BM_SHA384, "SHA-384"}};

	for (size_t h = 0; h < sizeof(all) / sizeof(*all); h++) {
		struct bm_view v = {message, MESSAGE};
		uint8_t digest[BM_HASH_MAX];
		const struct bm_lane_hash *k;
		double start = now(), spent;
		long times = 0;
		do {
			for (int i = 0; i < 16; i++, times++)
				if (bm_hash_once(all[h].hash, &v, 1, digest) != BM_OK)
					return 1;
			spent = now() - start;
		} while (spent < 0.3);
		printf("%s: the library, one after the other, %.2f GB/s\n", all[h].name,
			(double)times * MESSAGE / spent / 1e9);
		for (size_t i = 0; (k = bm_lane_hash_at(all[h].hash, i)) != NULL; i++)
			measure(k);
	}
	return 0;
}
