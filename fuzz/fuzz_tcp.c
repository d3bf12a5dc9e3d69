/* Any bytes as a sequence of segments of a few flows: what is readable only grows, the spans cover
 * it, and every way of reading says the same. Refuses to know what is right to deliver. */
#include "tcp/tcp.h"

#include <stdlib.h>

enum { FLOWS = 4096 };

struct reader {
	uint64_t seen[FLOWS][2]; /* how far each stream has been read */
	bool ignored[FLOWS];
	unsigned how;
	uint64_t copies, opened, ended;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
read_run(const struct bm_stream *s, uint64_t off, size_t n)
{
	struct bm_span few[4];
	size_t count = bm_stream_spans(s, off, n, few, 4);
	uint8_t *bytes = malloc(n);
	uint64_t at = off;

	must(count != 0 && bytes != NULL);
	must(bm_stream_read(s, off, bytes, n));
	must(!bm_stream_read(s, off, bytes, n + 1));
	struct bm_span *all = calloc(count, sizeof *all);
	must(all != NULL && bm_stream_spans(s, off, n, all, count) == count);
	for (size_t i = 0; i < count; i++) {
		must(all[i].off == at && all[i].data.n != 0);
		must(memcmp(all[i].data.p, bytes + (at - off), all[i].data.n) == 0);
		must(bm_stream_peek(s, at, all[i].data.n) == all[i].data.p);
		at += all[i].data.n;
	}
	must(at == off + n);
	if (n > 1)
		must(bm_stream_spans(s, off + 1, n - 1, NULL, 0) >= count - 1);
	size_t copies = bm_stream_copies(s, off, n, few, 4);
	for (size_t i = 0; i < copies && i < 4; i++)
		must(few[i].off >= off && few[i].off + few[i].data.n <= off + n && few[i].data.p != NULL);
	free(all);
	free(bytes);
}

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct reader *r = ctx;
	struct bm_stream *s = bm_flow_stream(f, way);
	uint64_t id = bm_flow_id(f);

	must(id < FLOWS && !r->ignored[id]);
	uint64_t off = r->seen[id][way], end;
	must(off >= bm_stream_base(s));
	for (;;) {
		uint64_t gap = bm_stream_gap(s, off);
		size_t n = bm_stream_avail(s, off);
		must(gap == 0 || n == 0);
		if (n != 0)
			read_run(s, off, n);
		if (n + gap == 0)
			break;
		off += n + gap;
	}
	if (bm_stream_ended(s, &end))
		must(end == off);
	r->seen[id][way] = off;
	switch (r->how++ % 4) {
	case 0:
		bm_stream_release(s, off);
		break;
	case 1:
		bm_stream_release(s, off - (off - bm_stream_base(s)) / 2);
		break;
	case 2:
		if (r->how % 64 == 3) {
			bm_flow_ignore(f);
			r->ignored[id] = true;
		}
		break;
	default:
		break;
	}
	must(bm_stream_base(s) <= off);
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	struct reader *r = ctx;

	(void)f;
	(void)way;
	must(copy->data.n != 0);
	r->copies += copy->data.p[0] + copy->data.p[copy->data.n - 1];
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	struct reader *r = ctx;

	for (unsigned way = 0; way < 2 && !r->ignored[bm_flow_id(f)]; way++)
		must(
			bm_stream_avail(bm_flow_stream(f, (enum bm_way)way), r->seen[bm_flow_id(f)][way]) == 0);
	r->ended++;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t payload[70000];
	struct bm_reader rd = bm_reader(bm_view(p, n));
	struct reader *r = calloc(1, sizeof *r);
	uint8_t options = bm_u8(&rd);
	struct bm_tcp_options o = {.flow_memory = options & 1 ? 5000 : 0,
		.total_memory = options & 2 ? 20000 : 0,
		.max_flows = options & 4 ? 2 : 0};
	struct bm_tcp_events ev = {.on_data = on_data, .on_copy = on_copy, .on_end = on_end, .ctx = r};
	struct bm_tcp *t;
	uint32_t seq[2] = {0xffffff00u, 5000};
	uint64_t ts_ns = 1000000000;

	must(r != NULL && bm_tcp_new(&t, &o, &ev) == BM_OK);
	bm_tcp_homes_pass(t, (options & 8) != 0);
	for (uint64_t packet = 1; bm_left(&rd) != 0 && packet < FLOWS; packet++) {
		uint8_t kind = bm_u8(&rd), flags = bm_u8(&rd);
		unsigned way = kind & 1;
		uint32_t off = bm_u16(&rd), len = bm_u8(&rd), ack = bm_u16(&rd);
		uint8_t more = bm_u8(&rd);
		if (more & 1)
			len *= 250;
		if (more & 2)
			off <<= 16;
		if (more & 4)
			ts_ns += (uint64_t)(more >> 3) * 100000000;
		if (more == 0x80)
			seq[way] += 0x30000000u;
		memset(payload, kind & 0x40 ? more : 'a', len + 1);
		uint32_t cut = kind & 0x20 ? len / 3 : 0;
		uint8_t *borrowed = malloc(len - cut + 1);
		must(borrowed != NULL);
		memcpy(borrowed, payload, len - cut);
		struct bm_piece pieces[2] = {
			{0, len / 2, packet, 54}, {len / 2, len - len / 2, packet, 80}};
		struct bm_segment g = {.transport = flags & 0x40 ? BM_UDP : BM_TCP,
			.src = {{10, 0, 0, (uint8_t)way}, 4, (uint16_t)(kind >> 7)},
			.dst = {{10, 0, 0, (uint8_t)(1 - way)}, 4, (uint16_t)(kind >> 7)},
			.packet = packet,
			.ts_ns = ts_ns,
			.checksum = (enum bm_checksum)(kind >> 1 & 3),
			.home = (kind & 8) != 0 ? payload : NULL,
			.seq = seq[way] + off,
			.ack = seq[1 - way] + ack,
			.flags = flags & 0x1f,
			.payload_len = len,
			.pieces = pieces,
			.payload = bm_view(kind & 8 ? payload : borrowed, len - cut),
			.piece_count = 2};
		if ((options & 8) != 0 && (kind & 8) == 0)
			g.home = borrowed;
		if (kind & 8) {
			/* Bytes that stay must not change under the table: one value for all. */
			memset(payload, 'a', sizeof payload);
		}
		must(bm_tcp_segment(t, 0, &g) == BM_OK);
		must(bm_tcp_settle(t) == BM_OK);
		free(borrowed);
	}
	bm_tcp_finish(t);
	must(r->ended == bm_tcp_stats(t)->flows);
	bm_tcp_free(t);
	free(r);
	return 0;
}
