/* How fast key logs are read and how little they take: ten million lines made here, or as many as
 * the argument says. Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tls/keyring.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Octets of this process in memory. */
static double
resident(void)
{
	long size = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static uint64_t
random_word(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static size_t
write_line(char *p)
{
	static const char digit[] = "0123456789abcdef";
	char *start = p;

	memcpy(p, "CLIENT_RANDOM ", 14);
	p += 14;
	for (size_t i = 0; i < 64 + 96; i += 16) {
		uint64_t word = random_word();
		if (i == 64)
			*p++ = ' ';
		for (size_t j = 0; j < 16; j++, word >>= 4)
			*p++ = digit[word & 15];
	}
	*p++ = '\n';
	return (size_t)(p - start);
}

int
main(int argc, char **argv)
{
	size_t lines = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 10000000;
	char *text = malloc(lines * 176 + 1);
	struct bm_keyring *k;
	struct bm_key_counts c = {0};
	size_t n = 0;

	if (text == NULL || bm_keyring_new(&k) != BM_OK)
		return 1;
	for (size_t i = 0; i < lines; i++)
		n += write_line(text + n);
	double before = resident(), start = now();
	enum bm_status st = bm_keyring_add_key_log(k, bm_view(text, n), BM_SOURCE_KEY_LOG, &c);
	double spent = now() - start, held = resident() - before;
	printf("%s: %.0f lines, %.2f million lines/s, %.2f GB/s, %.1f octets held a line\n",
		bm_status_text(st), (double)c.secrets, (double)lines / spent / 1e6, (double)n / spent / 1e9,
		held / (double)lines);
	start = now();
	bm_keyring_free(k);
	printf("wiped and freed in %.2f s\n", now() - start);
	free(text);
	return 0;
}
