/* Whatever way a stream is cut into segments, mixed, repeated and overlapped, the same bytes come
 * out, each with the packet and the place in it that it came from. */
#include "rig.h"

#include <stdlib.h>

enum { STREAM = 60000, SEGMENTS = 16000 };

static uint64_t state64;

static uint32_t
below(uint32_t n)
{
	state64 = state64 * 6364136223846793005u + 1442695040888963407u;
	return n != 0 ? (uint32_t)(state64 >> 33) % n : 0;
}

struct sent {
	uint32_t from, len;
};

struct check {
	const uint8_t *stream;
	const struct sent *by_packet; /* index: packet number */
	uint64_t at;
};

static void
check_span(void *ctx, const struct bm_span *s)
{
	struct check *c = ctx;
	const struct sent *sent = &c->by_packet[s->packet];

	assert_int_equal(s->off, c->at);
	assert_memory_equal(s->data.p, c->stream + s->off, s->data.n);
	assert_true(s->off >= sent->from && s->off + s->data.n <= sent->from + sent->len);
	assert_int_equal(s->packet_off, HEADERS + (s->off - sent->from));
	c->at += s->data.n;
}

/* Cuts the stream, repeats and overlaps, mixes each `mix` neighbours. */
static size_t
plan(struct sent *out, uint32_t min_len, uint32_t max_len, uint32_t mix)
{
	size_t n = 0;

	for (uint32_t at = 0; at < STREAM && n < SEGMENTS - 2;) {
		uint32_t len = min_len + below(max_len);
		if (len > STREAM - at)
			len = STREAM - at;
		out[n++] = (struct sent){at, len};
		if (below(4) == 0) {
			uint32_t back = below(3 * max_len);
			uint32_t from = at > back ? at - back : 0;
			uint32_t most = STREAM - from < 2 * max_len ? STREAM - from : 2 * max_len;
			out[n++] = (struct sent){from, 1 + below(most)};
		}
		at += len;
	}
	for (size_t i = 0; i < n; i++) {
		size_t j = i + below(mix - (uint32_t)(i % mix));
		if (j < n) {
			struct sent x = out[i];
			out[i] = out[j];
			out[j] = x;
		}
	}
	return n;
}

static void
one_stream(unsigned seed, const uint8_t *stream)
{
	static struct sent sent[SEGMENTS + 8];
	struct check c = {stream, sent, 0};
	bool syn = seed % 3 != 0;
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	state64 = seed;
	*r = (struct rig){.isn = {(uint32_t)0 - below(2 * STREAM), below(UINT32_MAX)},
		.unstable = seed % 2 != 0,
		.keep = seed % 5 == 0,
		.quiet = true,
		.on_span = check_span,
		.ctx = &c};
	rig_open(r);
	if (syn)
		rig_send(r, F, "S", 0, 0, NULL, 0);
	size_t skip = r->packet + 1;
	size_t n = plan(sent + skip, syn ? 1 : 2, 20 + below(1460), 1 + below(syn ? 30 : 6));
	for (size_t i = skip; i < n + skip; i++)
		rig_send(r, F, "A", 1 + sent[i].from, 1, stream + sent[i].from, sent[i].len);
	rig_send(r, F, "FA", 1 + STREAM, 1, NULL, 0);
	assert_int_equal(r->status, BM_OK);
	assert_int_equal(c.at, STREAM);
	assert_int_equal(r->got[0][F].n, STREAM);
	assert_memory_equal(r->got[0][F].p, stream, STREAM);
	assert_true(r->told_end[0][F]);
	assert_int_equal(bm_tcp_stats(r->t)->differing, 0);
	assert_int_equal(bm_tcp_stats(r->t)->gaps, 0);
	rig_close(r);
	free(r);
}

static void
test_any_cut(void **state)
{
	(void)state;
	uint8_t *stream = malloc(STREAM);

	assert_non_null(stream);
	state64 = 42;
	for (size_t i = 0; i < STREAM; i++)
		stream[i] = (uint8_t)below(256);
	for (unsigned seed = 1; seed <= 300; seed++)
		one_stream(seed, stream);
	free(stream);
}

/* Every byte is sent twice, once right and once damaged with a checksum that tells, in any order
 * and cut: only right ones come out. */
static void
test_damaged_doubles(void **state)
{
	(void)state;
	enum { N = 8000 };
	uint8_t *right = malloc(N), *wrong = malloc(N);

	uint64_t differing = 0;
	assert_true(right != NULL && wrong != NULL);
	for (unsigned seed = 1; seed <= 100; seed++) {
		struct rig *r = calloc(1, sizeof *r);
		struct sent todo[2][400];
		size_t n[2] = {0, 0}, at[2] = {0, 0};
		assert_non_null(r);
		r->quiet = true;
		r->unstable = seed % 2 != 0;
		state64 = seed;
		for (size_t i = 0; i < N; i++) {
			right[i] = (uint8_t)below(256);
			wrong[i] = below(10) == 0 ? (uint8_t)~right[i] : right[i];
		}
		for (unsigned bad = 0; bad < 2; bad++) {
			for (uint32_t off = 0; off < N; off += todo[bad][n[bad]++].len) {
				uint32_t len = 20 + below(bad ? 60 : 200);
				todo[bad][n[bad]] = (struct sent){off, len < N - off ? len : N - off};
			}
		}
		rig_open(r);
		rig_shake(r);
		/* Enough good ones that nobody takes the checksums for unreliable. */
		rig_send(r, F, "A", 1, 1, right, N);
		for (unsigned i = 0; i < 100; i++)
			rig_send(r, F, "A", 1, 1, right, 100);
		while (at[0] < n[0] || at[1] < n[1]) {
			unsigned bad = below(2);
			if (below(10) != 0 && at[1] * n[0] > at[0] * n[1] + 60 * n[0])
				bad = 0;
			if (at[bad] >= n[bad] || (!bad && at[0] * n[1] > at[1] * n[0] + below(10) * n[0]))
				bad = 1 - bad;
			if (at[bad] >= n[bad])
				bad = 1 - bad;
			const struct sent *s = &todo[bad][at[bad]++];
			r->checksum = bad ? BM_CHECKSUM_INVALID : BM_CHECKSUM_VALID;
			rig_send(r, F, "A", 1 + N + s->from, 1, (bad ? wrong : right) + s->from, s->len);
			if (below(3) == 0) {
				r->checksum = BM_CHECKSUM_VALID;
				rig_send(r, B, "A", 1, 1, NULL, 0); /* the receiver asks, and asks again */
			}
		}
		assert_int_equal(r->got[0][F].n, 2 * N);
		assert_memory_equal(r->got[0][F].p + N, right, N);
		differing += bm_tcp_stats(r->t)->differing;
		rig_close(r);
		free(r);
	}
	assert_true(differing > 1000);
	free(right);
	free(wrong);
}

/* Past 4 GiB sequence numbers repeat; offsets do not. */
static void
test_five_gigabytes(void **state)
{
	(void)state;
	enum { CHUNK = 1 << 20 };
	struct rig *r = calloc(1, sizeof *r);
	uint8_t *chunk = calloc(1, CHUNK);

	uint64_t off = 0;
	struct bm_tcp_events none = {0};
	assert_true(r != NULL && chunk != NULL);
	*r = (struct rig){.isn = {0xfffffff0u, 3},
		.port = {40000, 443},
		.transport = BM_TCP,
		.checksum = BM_CHECKSUM_VALID,
		.ts_ns = 1};
	assert_int_equal(bm_tcp_new(&r->t, NULL, &none), BM_OK);
	rig_send(r, F, "S", 0, 0, NULL, 0);
	for (uint32_t i = 0; i < 5 * 1024; i++, off += CHUNK)
		rig_send(r, F, "A", (uint32_t)(1 + off), 1, chunk, CHUNK);
	assert_int_equal(bm_tcp_stats(r->t)->out_of_order, 0);
	assert_int_equal(bm_tcp_stats(r->t)->retransmitted, 0);
	assert_int_equal(r->status, BM_OK);
	/* Nobody released: the cap turned the oldest into gaps. */
	assert_true(bm_tcp_stats(r->t)->dropped_bytes >= (uint64_t)5 * 1024 * CHUNK - (8 << 20));
	free(chunk);
	rig_close(r);
	free(r);
}

static void
test_pieces(void **state)
{
	(void)state;
	struct rig r = {.keep = true};
	struct bm_span span[4];
	static const struct bm_piece pieces[] = {{0, 4, 11, 42}, {4, 3, 13, 34}, {7, 5, 12, 34}};

	/* A segment put together from three IP fragments. */
	rig_open(&r);
	rig_shake(&r);
	struct bm_segment g = {.transport = BM_TCP,
		.src = {{10, 0, 0, 1}, 4, 40000},
		.dst = {{10, 0, 0, 2}, 4, 443},
		.packet = 13,
		.ts_ns = r.ts_ns,
		.checksum = BM_CHECKSUM_VALID,
		.seq = 1,
		.ack = 1,
		.flags = BM_ACK,
		.payload = bm_view("abcdefghijkl", 12),
		.payload_len = 12,
		.pieces = pieces,
		.piece_count = 3};
	assert_int_equal(bm_tcp_segment(r.t, 0, &g), BM_OK);
	rig_log(&r, "F+12");
	struct bm_stream *s = bm_flow_stream(r.flow[0], BM_FORWARD);
	assert_int_equal(bm_stream_spans(s, 2, 8, span, 2), 3);
	assert_int_equal(bm_stream_spans(s, 2, 8, span, 4), 3);
	assert_int_equal(span[0].packet, 11);
	assert_int_equal(span[0].packet_off, 44);
	assert_int_equal(span[0].data.n, 2);
	assert_int_equal(span[1].packet, 13);
	assert_int_equal(span[1].packet_off, 34);
	assert_int_equal(span[2].packet, 12);
	assert_int_equal(span[2].data.n, 3);
	assert_true(span[0].segment == span[1].segment && span[1].segment == span[2].segment);
	assert_null(bm_stream_peek(s, 2, 4));
	assert_memory_equal(bm_stream_peek(s, 4, 3), "efg", 3);
	/* Pieces that lie: overlapping, past the end. */
	static const struct bm_piece odd[] = {{0, 8, 21, 42}, {4, 6, 22, 34}, {9, 0xffffffffu, 23, 34}};
	g.pieces = odd;
	g.seq = 13;
	assert_int_equal(bm_tcp_segment(r.t, 0, &g), BM_OK);
	rig_log(&r, "F+12");
	rig_got(&r, 0, F, "abcdefghijklabcdefghijkl");
	assert_int_equal(bm_stream_spans(s, 12, 12, span, 4), 3);
	assert_int_equal(span[1].off, 20);
	assert_int_equal(span[1].packet_off, 38);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_cut),
		cmocka_unit_test(test_damaged_doubles), cmocka_unit_test(test_five_gigabytes),
		cmocka_unit_test(test_pieces)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
