/* Where records stand and when they came, whatever the segments they are cut into, with cleartext
 * before them and octets that the capture lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ties.h"

struct flow {
	struct bm_tie *tie;
	struct bm_tie_watch *watch;
	struct bm_tcp *tcp;
	uint64_t packet;
	bool release;
};

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct flow *x = ctx;
	struct bm_stream *s = bm_flow_stream(f, way);
	uint64_t at = bm_stream_base(s), n;

	bm_tie_watch_data(x->watch, f, way);
	/* Nearly all at once: whoever reads records waits for a whole header as well. */
	while (x->release && ((n = bm_stream_avail(s, at)) != 0 || (n = bm_stream_gap(s, at)) != 0))
		at += n;
	if (x->release && at > 5)
		bm_stream_release(s, at - 5);
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	(void)ctx;
	(void)f;
	(void)way;
	(void)copy;
}

static void
on_datagram(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_segment *s)
{
	(void)f;
	bm_tie_watch_datagram(((struct flow *)ctx)->watch, way, s);
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	(void)ctx;
	(void)f;
}

static void
open_flow(struct flow *x, bool release)
{
	struct bm_tcp_events ev = {.on_data = on_data,
		.on_copy = on_copy,
		.on_datagram = on_datagram,
		.on_end = on_end,
		.ctx = x};
	struct bm_tcp_options o = {.flow_memory = 0};

	*x = (struct flow){.release = release};
	x->tie = ties_open();
	ties_log(x->tie, "java.log",
		"main, READ: TLSv1 Application Data, length = 20\n"
		"main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac\n");
	assert_int_equal(BM_OK, bm_tie_logs_end(x->tie));
	x->watch = bm_tie_watch_new(x->tie);
	assert_non_null(x->watch);
	assert_int_equal(BM_OK, bm_tcp_new(&x->tcp, &o, &ev));
}

static void
send(struct flow *x, uint32_t seq, const uint8_t *p, size_t n)
{
	struct bm_segment g = {.transport = BM_TCP,
		.src = {{192, 0, 2, 1}, 4, 50001},
		.dst = {{198, 51, 100, 7}, 4, 443},
		.packet = ++x->packet,
		.ts_ns = x->packet * 1000,
		.checksum = BM_CHECKSUM_VALID,
		.seq = seq,
		.flags = p != NULL ? BM_ACK : BM_SYN,
		.window = 65535,
		.payload = {p, n},
		.payload_len = (uint32_t)n};
	struct bm_piece piece = {.len = (uint32_t)n, .packet = g.packet, .packet_off = 54};

	g.pieces = &piece;
	g.piece_count = 1;
	assert_int_equal(BM_OK, bm_tcp_segment(x->tcp, 0, &g));
}

/* Application data of 20, 30 and 40 octets, after a handshake record. */
static size_t
records(uint8_t *out)
{
	static const uint8_t types[] = {22, 23, 23, 23}, lengths[] = {10, 20, 30, 40};
	size_t n = 0;

	for (size_t i = 0; i < sizeof types; i++) {
		const uint8_t header[] = {types[i], 3, 3, 0, lengths[i]};
		memcpy(out + n, header, 5);
		memset(out + n + 5, 0xa0 + (int)i, lengths[i]);
		n += 5u + lengths[i];
	}
	return n;
}

/* What is kept of it: a connection whose alert came in the last packet. */
static const struct tie_connection *
close_flow(struct flow *x)
{
	struct bm_alert a = {.direction = BM_CLIENT_TO_SERVER, .level = 2, .description = 20};
	struct bm_connection c = {.first_ts_ns = 1, .last_ts_ns = 2, .alerts = &a, .alert_count = 1};

	bm_tcp_finish(x->tcp);
	a.packet = x->packet;
	assert_int_equal(BM_OK, bm_tie_connection(x->tie, &c, BM_FORWARD, x->watch));
	bm_tie_watch_free(x->watch);
	bm_tcp_free(x->tcp);
	return &x->tie->connections[0];
}

static void
end(struct flow *x)
{
	assert_int_equal(0, x->tie->watching);
	ties_settle(x->tie, 0, 1);
	bm_tie_free(x->tie);
}

static void
judge(struct flow *x, uint64_t off)
{
	static const uint16_t lengths[] = {20, 30, 40};
	const struct tie_connection *c = close_flow(x);

	assert_int_equal(3, c->record_count[BM_CLIENT_TO_SERVER]);
	assert_int_equal(0, c->record_count[BM_SERVER_TO_CLIENT]);
	off += 15;
	for (size_t i = 0; i < 3; i++) {
		const struct tie_record *r = &c->records[BM_CLIENT_TO_SERVER][i];
		assert_int_equal(lengths[i], r->len);
		assert_int_equal(off, r->off);
		off += 5u + lengths[i];
	}
	assert_int_equal(x->packet * 1000, c->alerts[0].ts_ns);
	end(x);
}

static void
test_any_segments(void **state)
{
	uint8_t bytes[200];
	size_t n = records(bytes);
	struct flow x;

	(void)state;
	for (size_t step = 1; step <= n; step++) {
		for (int release = 0; release < 2; release++) {
			open_flow(&x, release != 0);
			send(&x, 99, NULL, 0);
			for (size_t at = 0; at < n; at += step)
				send(&x, (uint32_t)(100 + at), bytes + at, n - at < step ? n - at : step);
			judge(&x, 0);
		}
	}
}

static void
test_cleartext_before(void **state)
{
	static const char ask[] = "EHLO example.org\r\nSTARTTLS\r\n";
	uint8_t bytes[200];
	size_t n = records(bytes), skip = sizeof ask - 1;
	struct flow x;

	(void)state;
	open_flow(&x, true);
	send(&x, 99, NULL, 0);
	send(&x, 100, (const uint8_t *)ask, 18);
	send(&x, 118, (const uint8_t *)ask + 18, skip - 18);
	send(&x, (uint32_t)(100 + skip), bytes, 60);
	send(&x, (uint32_t)(160 + skip), bytes + 60, n - 60);
	judge(&x, skip);
}

/* A gap within a record is passed over; one where a header is due ends it. */
static void
test_gaps(void **state)
{
	uint8_t bytes[200];
	size_t n = records(bytes);
	struct flow x;

	(void)state;
	open_flow(&x, true);
	send(&x, 99, NULL, 0);
	send(&x, 100, bytes, 48);
	send(&x, 100 + 60, bytes + 60, n - 60);
	judge(&x, 0);

	open_flow(&x, true);
	send(&x, 99, NULL, 0);
	send(&x, 100, bytes, 40);
	send(&x, 100 + 50, bytes + 50, n - 50);
	const struct tie_connection *c = close_flow(&x);
	assert_int_equal(1, c->record_count[BM_CLIENT_TO_SERVER]);
	end(&x);
}

/* Only the last ones are kept. */
static void
test_many(void **state)
{
	uint8_t record[25] = {23, 3, 3, 0, 20};
	struct flow x;

	(void)state;
	open_flow(&x, true);
	send(&x, 99, NULL, 0);
	for (unsigned i = 0; i < 3 * TIE_RECORDS; i++)
		send(&x, 100 + 25 * i, record, sizeof record);
	const struct tie_connection *c = close_flow(&x);
	assert_int_equal(TIE_RECORDS, c->record_count[BM_CLIENT_TO_SERVER]);
	const struct tie_record *r = c->records[BM_CLIENT_TO_SERVER];
	assert_int_equal(25 * 2 * TIE_RECORDS, r[0].off);
	assert_int_equal(25 * (3 * TIE_RECORDS - 1), r[TIE_RECORDS - 1].off);
	end(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_segments),
		cmocka_unit_test(test_cleartext_before),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
