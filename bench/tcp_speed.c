/* How fast streams are put together and flows come and go: segments and flows a second.
 * Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tcp/tcp.h"

enum { MSS = 1460, RECORD = 16384 };

static uint8_t bytes[1 << 20];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Releases each full record, as a reader of TLS does. */
static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct bm_stream *s = bm_flow_stream(f, way);
	uint64_t base = bm_stream_base(s);

	(void)ctx;
	if (bm_stream_avail(s, base) >= RECORD)
		bm_stream_release(s, base + RECORD);
}

static struct bm_segment
segment(uint32_t client, uint8_t flags)
{
	struct bm_segment g = {
		.transport = BM_TCP, .ts_ns = 1, .checksum = BM_CHECKSUM_VALID, .flags = flags, .ack = 1};

	bm_store32(g.src.ip, client);
	g.src.family = g.dst.family = 4;
	g.dst.ip[0] = 10;
	g.src.port = (uint16_t)(client * 7);
	g.dst.port = 443;
	return g;
}

static void
check(enum bm_status st)
{
	if (st != BM_OK) {
		fprintf(stderr, "%s\n", bm_status_text(st));
		exit(1);
	}
}

static void
streams(uint32_t flows, uint32_t rounds, bool stable)
{
	struct bm_tcp_events ev = {.on_data = on_data};
	struct bm_tcp *t;
	struct bm_piece piece = {0, MSS, 0, 54};

	check(bm_tcp_new(&t, NULL, &ev));
	for (uint32_t i = 0; i < flows; i++) {
		struct bm_segment g = segment(i, BM_SYN);
		check(bm_tcp_segment(t, 0, &g));
	}
	double start = now();
	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t i = 0; i < flows; i++) {
			struct bm_segment g = segment(i, BM_ACK);
			g.seq = 1 + round * MSS;
			g.stable = stable;
			g.payload = bm_view(bytes + i % 1024, MSS);
			g.payload_len = MSS;
			g.packet = piece.packet = (uint64_t)round * flows + i;
			g.pieces = &piece;
			g.piece_count = 1;
			check(bm_tcp_segment(t, 0, &g));
		}
	}
	double spent = now() - start, n = (double)rounds * flows;
	printf("%8u flows, %s: %6.2f million segments/s, %6.2f GB/s\n", flows,
		stable ? "mapped" : "copied", n / spent / 1e6, n * MSS / spent / 1e9);
	bm_tcp_finish(t);
	bm_tcp_free(t);
}

static void
new_flows(uint32_t open, uint32_t n)
{
	struct bm_tcp_events ev = {.on_data = on_data};
	struct bm_tcp_options o = {.max_flows = open};
	struct bm_tcp *t;

	check(bm_tcp_new(&t, &o, &ev));
	double start = now();
	for (uint32_t i = 0; i < n; i++) {
		struct bm_segment g = segment(i, BM_SYN);
		check(bm_tcp_segment(t, 0, &g));
	}
	double spent = now() - start;
	printf("%8u flows open: %6.2f million new flows/s\n", open, (double)n / spent / 1e6);
	bm_tcp_finish(t);
	bm_tcp_free(t);
}

int
main(void)
{
	streams(1, 20000000, true);
	streams(1, 10000000, false);
	streams(1000, 20000, true);
	streams(1000000, 10, true);
	new_flows(1000, 10000000);
	new_flows(1000000, 4000000);
	return 0;
}
