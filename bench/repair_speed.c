/* How long the search for damage takes in a full record under HMAC, for each suite: to the answer
 * for a change of each family, which is searched to its end like those before it. Refuses to be a
 * test, but for saying whether the answer was right. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../tests/unit/repair/seal.h"
#include "repair/repair.h"

static struct sealed sealed;
static struct bm_scratch scratch;
static uint8_t got[5 + RECORD_MAX], sent[5 + RECORD_MAX];
static struct bm_repair repair;
static uint32_t edges[16];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
swap(size_t i, size_t j, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		uint8_t t = got[5 + i + k];
		got[5 + i + k] = got[5 + j + k];
		got[5 + j + k] = t;
	}
}

static void
damage(int what)
{
	switch (what) {
	case 0:
		got[5 + 300] ^= 1;
		break;
	case 1:
		swap(300, 308, 8);
		break;
	case 2:
		swap(1455, 1655, 4);
		break;
	case 3:
		swap(1457, 1657, 2);
		break;
	case 4:
		got[5 + 300] ^= 0x7e;
		break;
	default:
		for (size_t i = 100;; i += 2)
			if (((got[5 + i] ^ got[5 + i + 800]) & 1) != 0) {
				got[5 + i] ^= 1;
				got[5 + i + 800] ^= 1;
				return;
			}
	}
}

static void
measure(const struct kind *k, size_t n, int what, enum bm_effort effort)
{
	static const char *const names[] = {
		"one bit", "neighbours", "32-bit words", "16-bit words", "one octet", "two neutral bits"};
	struct bm_protection *p;

	seal(&sealed, k, n, 0);
	memcpy(got, sealed.bytes, sizeof got);
	damage(what);
	if (bm_protection_new(&p, &sealed.keys) != BM_OK)
		return;
	struct bm_damaged d = {.protection = p,
		.position = &sealed.position,
		.effort = effort,
		.edges = edges,
		.wire = {.type = got[0],
			.version = bm_load16(got + 1),
			.header = {got, 5},
			.body = {got + 5, sealed.body_n}}};
	for (uint32_t at = 1455; at < sealed.body_n; at += 1460)
		edges[d.edge_count++] = at;
	memset(&repair, 0, sizeof repair);
	repair.sent = sent;
	double start = now();
	if (bm_repair_hmac(&d, &scratch, &repair) != BM_OK)
		return;
	double spent = now() - start;
	bool right = repair.found && memcmp(sent, sealed.bytes, 5 + sealed.body_n) == 0;
	const struct bm_family *f = &repair.family[repair.family_count - 1];
	printf("%-28s %5zu B %-17s %8.3f s  %s, last family %llu candidates%s\n", k->name, n,
		names[what], spent, right ? "found" : "not found", (unsigned long long)f->candidates,
		f->complete ? "" : " (cut short)");
	fflush(stdout);
	bm_protection_free(p);
}

/* Arguments: the longest family to measure (0 to 5), octets of content, effort (0 to 2), kind. */
int
main(int argc, char **argv)
{
	int most = argc > 1 ? atoi(argv[1]) : 0;
	size_t n = argc > 2 ? (size_t)atoi(argv[2]) : 16384;
	int effort = argc > 3 ? atoi(argv[3]) : most > 1 ? 2 : 1;
	int only = argc > 4 ? atoi(argv[4]) : -1;

	for (size_t k = 0; k < KINDS; k++)
		for (int what = 0; what <= most; what++)
			if (only < 0 || (int)k == only)
				measure(&kinds[k], n, what, (enum bm_effort)effort);
	return 0;
}
