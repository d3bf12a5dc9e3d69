/* A good record that its receiver complains of, and of which octets came a second time: was what
 * came then another record? Hand-made segments through a flow table, which are read once more when
 * that is asked. */
#include "session/internal.h"

#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* TLS_RSA_WITH_NULL_SHA256: what is authenticated can be made by hand. */
enum { CONTENT = 100, MAC = 32, LEN = BM_HEADER + CONTENT + MAC, CUT = 60, FRAMES = 16, AT = 54 };

struct frame {
	struct bm_segment s;
	struct bm_piece piece;
	uint8_t bytes[LEN];
};

struct world {
	struct bm_tcp *tcp;
	struct bm_session_env env;
	struct bm_session s;
	struct half *client;
	struct bm_protection *keys;
	struct past past[2];
	uint8_t record[2][LEN];
	struct frame frames[FRAMES];
	size_t n, hidden; /* frames; those that cannot be read again, from the first on */
	bool unread;
};

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct world *w = ctx;
	struct bm_stream *s = bm_flow_stream(f, way);

	w->s.flow = f;
	w->client->stream = bm_flow_stream(f, BM_FORWARD);
	bm_stream_release(s, bm_stream_base(s) + bm_stream_avail(s, bm_stream_base(s)));
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	struct world *w = ctx;

	(void)f;
	bm_session_copy(&w->s, way, copy);
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	(void)ctx;
	(void)f;
}

static bool
walk(void *ctx, bool (*each)(void *each_ctx, const struct bm_segment *s), void *each_ctx)
{
	struct world *w = ctx;

	for (size_t i = w->hidden; i < w->n; i++)
		if (!each(each_ctx, &w->frames[i].s))
			break;
	return w->hidden == 0;
}

static void
make_record(struct world *w, const struct bm_traffic_keys *k, uint64_t seq)
{
	uint8_t *r = w->record[seq], head[13] = {0}, tag[BM_HASH_MAX];
	struct bm_hmac *h;

	memcpy(r, "\x17\x03\x03\0\x84", BM_HEADER);
	for (size_t i = 0; i < CONTENT; i++)
		r[BM_HEADER + i] = (uint8_t)(i * 7 + seq);
	head[7] = (uint8_t)seq;
	memcpy(head + 8, "\x17\x03\x03\0\x64", 5);
	struct bm_view v[] = {bm_view(head, sizeof head), bm_view(r + BM_HEADER, CONTENT)};
	assert_int_equal(bm_hmac_new(&h, BM_SHA256, bm_view(k->mac_key, MAC)), BM_OK);
	assert_int_equal(bm_hmac_tag(h, v, 2, tag), BM_OK);
	bm_hmac_free(h);
	memcpy(r + BM_HEADER + CONTENT, tag, MAC);
	w->past[seq] = (struct past){.seq = seq, .off = seq * LEN, .len = LEN, .epoch = 1};
}

/* From way, octets [from, to) of the two records; flip: the place of a bit that is another, or
 * none.
 */
static uint64_t
put(struct world *w, unsigned way, uint32_t from, uint32_t to, uint32_t ack, uint32_t flip,
	enum bm_checksum sum)
{
	struct frame *f = &w->frames[w->n++];

	assert_true(w->n <= FRAMES && to - from <= LEN);
	for (uint32_t i = from; i < to; i++)
		f->bytes[i - from] = w->record[i / LEN][i % LEN] ^ (i == flip ? 4 : 0);
	f->piece = (struct bm_piece){0, to - from, w->n, AT};
	f->s = (struct bm_segment){.transport = BM_TCP,
		.src = {{10, 0, 0, (uint8_t)(1 + way)}, 4, (uint16_t)(way == 0 ? 40000 : 443)},
		.dst = {{10, 0, 0, (uint8_t)(2 - way)}, 4, (uint16_t)(way == 0 ? 443 : 40000)},
		.packet = w->n,
		.ts_ns = 1000000000 + w->n * 1000,
		.checksum = sum,
		.sum = 0xffff,
		.home = f->bytes,
		.seq = way == 0 ? UINT32_C(0xffffff80) + from - (w->n == 1) : 7,
		.ack = way == 0 ? 7 : UINT32_C(0xffffff80) + ack,
		.flags = w->n == 1 ? BM_SYN : BM_ACK,
		.payload = bm_view(f->bytes, to - from),
		.payload_len = to - from,
		.pieces = &f->piece,
		.piece_count = to != from};
	assert_int_equal(bm_tcp_segment(w->tcp, 0, &f->s), BM_OK);
	for (unsigned i = 0; i < 2; i++)
		if (w->past[i].packet == 0 && way == 0 && to >= (i + 1) * LEN)
			w->past[i].packet = w->n;
	return w->n;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct bm_tcp_options o = {0};
	struct bm_tcp_events ev = {.on_data = on_data, .on_copy = on_copy, .on_end = on_end, .ctx = w};
	struct bm_traffic_keys k = {.version = BM_TLS12, .suite = bm_suite_find(0x003b)};

	if (w == NULL)
		return 1;
	memset(k.mac_key, 0x3a, MAC);
	assert_int_equal(bm_protection_new(&w->keys, &k), BM_OK);
	assert_int_equal(bm_tcp_new(&w->tcp, &o, &ev), BM_OK);
	make_record(w, &k, 0);
	make_record(w, &k, 1);
	w->env.traffic = (struct bm_traffic){walk, w};
	w->s.env = &w->env;
	w->s.tls = true;
	w->s.facts.version = BM_TLS12;
	for (unsigned side = 0; side < 2; side++) {
		w->s.half[side].s = &w->s;
		w->s.half[side].side = side;
		w->s.half[side].way = side == 0 ? BM_FORWARD : BM_BACKWARD;
	}
	w->client = &w->s.half[0];
	w->client->keys = w->keys;
	w->client->epoch = 1;
	w->client->protected = true;
	w->client->pos.seq = 2;
	w->client->past = w->past;
	w->client->past_count = 2;
	/* SYN: stream offset 0 is the first octet of the first record. */
	put(w, 0, 0, 0, 0, UINT32_MAX, BM_CHECKSUM_VALID);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < w->s.case_count; i++)
		case_clear(&w->s.cases[i]);
	free(w->s.cases);
	bm_tcp_finish(w->tcp);
	bm_tcp_free(w->tcp);
	bm_protection_free(w->keys);
	free(w);
	return 0;
}

/* The server complains of what came after packet `since`. */
static const struct bm_case *
complain(struct world *w, uint64_t since, uint32_t acked)
{
	uint64_t packet = put(w, 1, 0, 0, acked, UINT32_MAX, BM_CHECKSUM_VALID);
	struct bm_alert_seen a = {.direction = 1, .level = 2, .description = 20, .packet = packet};

	w->unread = false;
	if (!w->client->repeated || !tell_taken(w->client, &a, since, &w->past[1], &w->unread))
		return NULL;
	assert_int_equal(w->s.case_count, 1);
	return &w->s.cases[0];
}

#define NO_FLIP UINT32_MAX
#define GOOD BM_CHECKSUM_VALID

static void
test_second_is_other(void **state)
{
	struct world *w = *state;

	put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	uint64_t head = put(w, 0, LEN, LEN + CUT, 0, NO_FLIP, GOOD);
	uint64_t first = put(w, 0, LEN + CUT, 2 * LEN, 0, NO_FLIP, GOOD);
	uint64_t second = put(w, 0, LEN + CUT, 2 * LEN, 0, LEN + 70, GOOD);
	const struct bm_case *c = complain(w, 0, 2 * LEN);

	assert_non_null(c);
	assert_false(w->unread);
	assert_int_equal(c->kind, BM_CASE_BAD_RECORD);
	assert_int_equal(c->off, LEN);
	assert_int_equal(c->len, LEN);
	assert_int_equal(c->seq, 1);
	assert_int_equal(c->position->seq, 1);
	assert_int_equal(c->result, BM_BAD_TAG);
	assert_true(c->good_first);
	assert_int_equal(c->other_packet, second);
	assert_int_equal(c->apart_ns, 1000);
	assert_int_equal(c->alert, 20);
	/* What was taken is the record, and what came first the other copy. */
	assert_int_equal(c->record[70], w->record[1][70] ^ 4);
	assert_int_equal(c->packet_count, 2);
	assert_int_equal(c->packets[0], head);
	assert_int_equal(c->packets[1], second);
	assert_int_equal(c->fragment_count, 2);
	assert_int_equal(c->fragments[1].record_off, CUT);
	assert_int_equal(c->fragments[1].packet_off, AT);
	assert_int_equal(c->copy_count, 1);
	assert_int_equal(c->copies[0].packet, first);
	assert_int_equal(c->copies[0].record_off, CUT);
	assert_memory_equal(c->copies[0].bytes.p, w->record[1] + CUT, LEN - CUT);
}

/* Its second half is there before the first one is let go. */
static void
test_within_the_record(void **state)
{
	struct world *w = *state;

	put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	put(w, 0, LEN, LEN + CUT, 0, NO_FLIP, GOOD);
	put(w, 0, LEN - 20, LEN + CUT, 0, LEN + 9, GOOD);
	put(w, 0, LEN + CUT, 2 * LEN, 0, NO_FLIP, GOOD);
	const struct bm_case *c = complain(w, 0, 2 * LEN);

	assert_non_null(c);
	assert_int_equal(c->off, LEN);
	assert_int_equal(c->record[9], w->record[1][9] ^ 4);
	assert_int_equal(c->fragments[0].packet_off, AT + 20);
	assert_int_equal(c->fragments[0].segment_off, 20);
}

/* Of two records that may be meant the first is told of. */
static void
test_the_first_of_two(void **state)
{
	struct world *w = *state;

	put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	put(w, 0, 0, LEN, 0, 50, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, NO_FLIP, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, LEN + 50, GOOD);
	const struct bm_case *c = complain(w, 0, 2 * LEN);

	assert_non_null(c);
	assert_int_equal(c->off, 0);
	assert_int_equal(c->seq, 0);
}

/* ... but not one that came before its receiver's last word: that was mended. */
static void
test_before_the_last_word(void **state)
{
	struct world *w = *state;

	put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	uint64_t since = put(w, 0, 0, LEN, 0, 50, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, NO_FLIP, GOOD);
	assert_null(complain(w, since, 2 * LEN));
	assert_false(w->unread);
}

static void
test_same_again(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++)
		put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	for (int i = 0; i < 2; i++)
		put(w, 0, LEN, 2 * LEN, 0, NO_FLIP, GOOD);
	assert_null(complain(w, 0, 2 * LEN));
	assert_false(w->unread);
	assert_int_equal(w->s.case_count, 0);
}

/* Its receiver drops one whose checksum is wrong, and what it had before. */
static void
test_never_taken(void **state)
{
	struct world *w = *state;

	put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, NO_FLIP, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, LEN + 50, BM_CHECKSUM_INVALID);
	assert_false(w->client->repeated);
	put(w, 1, 0, 0, 2 * LEN, NO_FLIP, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, LEN + 50, GOOD);
	assert_false(w->client->repeated);
	/* ... also where another copy had a reason to be looked at. */
	w->client->repeated = true;
	assert_null(complain(w, 0, 2 * LEN));
	assert_false(w->unread);
}

/* What cannot be read again is no evidence either way. */
static void
test_unread(void **state)
{
	struct world *w = *state;

	put(w, 0, 0, LEN, 0, NO_FLIP, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, NO_FLIP, GOOD);
	put(w, 0, LEN, 2 * LEN, 0, LEN + 50, GOOD);
	w->hidden = 3;
	assert_null(complain(w, 0, 2 * LEN));
	assert_true(w->unread);
	w->hidden = 0;
	w->env.traffic.walk = NULL;
	assert_null(complain(w, 0, 2 * LEN));
	assert_true(w->unread);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_second_is_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_within_the_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_first_of_two, setup, teardown),
		cmocka_unit_test_setup_teardown(test_before_the_last_word, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unread, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
