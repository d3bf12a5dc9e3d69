/* How long each family of changes takes to search: a record that nothing repairs, its families one
 * after the other, by what the limit of work lets through. Prints seconds; no test. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "why/repair.h"

enum { TEXT = 16384, SEGMENT = 1460 };

static struct bm_scratch scratch;
static uint8_t received[5 + 8 + TEXT + 16], sent[sizeof(received)];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int
main(int argc, char **argv)
{
	struct bm_traffic_keys k = {.version = BM_TLS13};
	struct bm_protection *p;
	struct bm_position pos;
	struct bm_repair out = {.sent = sent};
	uint32_t edges[TEXT / SEGMENT + 1];
	size_t n = argc > 3 ? (size_t)atoi(argv[3]) : TEXT, count = 0;

	k.suite = bm_suite_find(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 16) : 0x1301);
	if (n > TEXT || k.suite == NULL)
		return 2;
	if (k.suite->kx != BM_KX_TLS13)
		k.version = BM_TLS12;
	for (size_t i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)(i * 7);
	if (bm_protection_new(&p, &k) != BM_OK)
		return 1;
	bm_position_start(p, &pos);
	uint32_t x = 1;
	for (size_t i = 5; i < sizeof(received); i++)
		received[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	memcpy(received, "\x17\x03\x03", 3);
	size_t body =
		n + k.suite->tag_len + (k.version == BM_TLS12 && k.suite->fixed_iv_len == 4 ? 8 : 0);
	bm_store16(received + 3, (unsigned)body);
	for (size_t at = SEGMENT; at < body && argc <= 4; at += SEGMENT)
		edges[count++] = (uint32_t)at;
	struct bm_damaged d = {.protection = p,
		.position = &pos,
		.wire = {0x17, 0x0303, {received, 5}, {NULL, 0}, {received + 5, body}},
		.edges = edges,
		.edge_count = count,
		.effort = argc > 2 ? (enum bm_effort)atoi(argv[2]) : BM_NORMAL};
	double from = now();
	if (bm_repair(&d, &scratch, &out) != BM_OK)
		return 1;
	printf("%s, %zu octets: %.3f s, 2^%.1f accepted\n", k.suite->name, n, now() - from,
		out.accepted_log2);
	for (size_t i = 0; i < out.family_count; i++)
		printf("  %20llu%s %s\n", (unsigned long long)out.family[i].candidates,
			out.family[i].complete ? "" : " (cut)", out.family[i].name);
	bm_protection_free(p);
	return 0;
}
