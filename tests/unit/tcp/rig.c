/* See rig.h. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 3, 4))) static void
note(struct rig *r, const struct bm_flow *f, const char *format, ...)
{
	va_list ap;

	if (r->quiet)
		return;
	char *to = r->log + r->log_n;
	size_t room = sizeof r->log - r->log_n;
	int n = 0;
	if (bm_flow_id(f) != 0)
		n = snprintf(to, room, "%llu:", (unsigned long long)bm_flow_id(f));
	va_start(ap, format);
	n += vsnprintf(to + n, room - (size_t)n, format, ap);
	va_end(ap);
	r->log_n += (size_t)n;
	assert_true(r->log_n < sizeof r->log);
}

static void
read_spans(struct rig *r, struct bm_stream *s, uint64_t off, size_t n, struct bm_buf *got)
{
	size_t count = bm_stream_spans(s, off, n, NULL, 0);
	struct bm_span *spans = calloc(count, sizeof *spans);
	uint8_t *copy = malloc(n);
	uint64_t at = off;

	assert_true(count != 0);
	if (spans == NULL || copy == NULL)
		abort();
	assert_int_equal(bm_stream_spans(s, off, n, spans, count), count);
	assert_true(bm_stream_read(s, off, copy, n));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(spans[i].off, at);
		assert_memory_equal(spans[i].data.p, copy + (at - off), spans[i].data.n);
		assert_ptr_equal(bm_stream_peek(s, at, spans[i].data.n), spans[i].data.p);
		at += spans[i].data.n;
		if (r->on_span != NULL)
			r->on_span(r->ctx, &spans[i]);
	}
	assert_int_equal(at, off + n);
	struct bm_span last;
	assert_true(bm_stream_last_span(s, off, n, &last));
	for (size_t i = 0; i < count; i++)
		assert_true(spans[i].packet <= last.packet);
	assert_int_equal(bm_buf_add(got, bm_view(copy, n)), BM_OK);
	free(spans);
	free(copy);
}

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct rig *r = ctx;
	uint64_t id = bm_flow_id(f);
	char side = way == BM_FORWARD ? 'F' : 'B';
	struct bm_stream *s = bm_flow_stream(f, way);

	if (r->ignore) {
		bm_flow_ignore(f);
		note(r, f, "ignored ");
		return;
	}
	if (id >= RIG_FLOWS)
		return;
	r->flow[id] = f;
	uint64_t *off = &r->cursor[id][way];
	for (;;) {
		size_t n = bm_stream_avail(s, *off);
		uint64_t gap = bm_stream_gap(s, *off);
		if (n != 0) {
			assert_int_equal(gap, 0);
			note(r, f, "%c+%zu ", side, n);
			read_spans(r, s, *off, n, &r->got[id][way]);
			*off += n;
		} else if (gap != 0) {
			note(r, f, "%c?%llu ", side, (unsigned long long)gap);
			*off += gap;
		} else {
			break;
		}
	}
	uint64_t end = 0;
	if (bm_stream_ended(s, &end) && !r->told_end[id][way]) {
		r->told_end[id][way] = true;
		assert_int_equal(end, *off);
		note(r, f, "%c%s ", side, bm_stream_reset(s) ? "!" : ".");
	}
	if (!r->keep)
		bm_stream_release(s, *off);
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	note(ctx, f, "%c=%llu+%zu%c ", way == BM_FORWARD ? 'F' : 'B', (unsigned long long)copy->off,
		copy->data.n, "UVIO"[copy->checksum]);
}

static void
on_datagram(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_segment *s)
{
	struct rig *r = ctx;

	r->datagrams++;
	note(r, f, "%cu%u ", way == BM_FORWARD ? 'F' : 'B', s->payload_len);
}

static void
on_oddity(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_oddity *o)
{
	note(ctx, f, "%c%c%llu+%llu@%llu ", way == BM_FORWARD ? 'F' : 'B', "rcgfx"[o->kind],
		(unsigned long long)o -> off, (unsigned long long)o -> len,
		(unsigned long long)o -> packet);
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	struct rig *r = ctx;

	if (bm_flow_id(f) < RIG_FLOWS)
		r->flow[bm_flow_id(f)] = NULL;
	note(r, f, "end ");
}

void
rig_open(struct rig *r)
{
	struct bm_tcp_events ev = {.on_data = on_data,
		.on_copy = on_copy,
		.on_oddity = r->odd ? on_oddity : NULL,
		.on_datagram = on_datagram,
		.on_end = on_end,
		.ctx = r};

	for (unsigned i = 0; i < RIG_FLOWS * 2; i++)
		r->got[i / 2][i % 2].max = 64 << 20;
	if (r->port[0] == 0) {
		r->port[0] = 40000;
		r->port[1] = 443;
	}
	if (r->ts_ns == 0)
		r->ts_ns = 1000000000;
	if (r->transport == 0)
		r->transport = BM_TCP;
	if (r->checksum == BM_CHECKSUM_UNKNOWN)
		r->checksum = BM_CHECKSUM_VALID;
	r->status = bm_tcp_new(&r->t, &r->o, &ev);
}

void
rig_close(struct rig *r)
{
	if (r->t != NULL)
		bm_tcp_finish(r->t);
	bm_tcp_free(r->t);
	for (unsigned i = 0; i < RIG_FLOWS * 2; i++)
		bm_buf_clear(&r->got[i / 2][i % 2]);
}

static uint8_t
flag_bits(const char *flags)
{
	static const char names[] = "FSRPA";
	uint8_t bits = 0;

	for (; *flags != '\0'; flags++)
		bits |= (uint8_t)(1u << (strchr(names, *flags) - names));
	return bits;
}

void
rig_send(struct rig *r, unsigned way, const char *flags, uint32_t seq, uint32_t ack,
	const void *payload, size_t n)
{
	uint8_t *transient = NULL;
	struct bm_piece piece = {0, (uint32_t)n - r->cut, ++r->packet, HEADERS};
	struct bm_segment g = {.transport = r->transport,
		.tunnel = r->tunnel,
		.ttl = (uint8_t)(60 + way),
		.packet = r->packet,
		.ts_ns = r->ts_ns,
		.checksum = r->checksum,
		.home = r->unstable ? NULL : payload,
		.seq = r->isn[way] + seq,
		.ack = r->isn[1 - way] + ack,
		.flags = flag_bits(flags),
		.payload = bm_view(payload, n - r->cut),
		.payload_len = (uint32_t)n,
		.pieces = &piece,
		.piece_count = n != 0};

	g.src = (struct bm_address){{10, 0, 0, (uint8_t)(1 + way)}, 4, r->port[way]};
	g.dst = (struct bm_address){{10, 0, 0, (uint8_t)(2 - way)}, 4, r->port[1 - way]};
	if (r->unstable && g.payload.n != 0) {
		transient = malloc(g.payload.n);
		if (transient == NULL)
			return;
		memcpy(transient, payload, g.payload.n);
		g.payload.p = transient;
		/* Every other one stays for a while. */
		g.home = r->packet % 2 != 0 ? transient : NULL;
	}
	bm_tcp_homes_pass(r->t, r->unstable);
	enum bm_status st = bm_tcp_segment(r->t, r->site, &g);
	enum bm_status settled = bm_tcp_settle(r->t);
	st = st == BM_OK ? settled : st;
	if (r->status == BM_OK)
		r->status = st;
	free(transient);
}

void
rig_text(struct rig *r, unsigned way, uint32_t seq, uint32_t ack, const char *text)
{
	rig_send(r, way, "A", seq, ack, text, strlen(text));
}

void
rig_shake(struct rig *r)
{
	rig_send(r, F, "S", 0, 0, NULL, 0);
	rig_send(r, B, "SA", 0, 1, NULL, 0);
	rig_send(r, F, "A", 1, 1, NULL, 0);
	rig_log(r, "");
}

void
rig_log_at(struct rig *r, const char *want, const char *file, int line)
{
	if (r->log_n != 0)
		r->log[--r->log_n] = '\0'; /* the space at the end */
	_assert_string_equal(r->log, want, file, line);
	assert_int_equal(r->status, BM_OK);
	r->log_n = 0;
	r->log[0] = '\0';
}
