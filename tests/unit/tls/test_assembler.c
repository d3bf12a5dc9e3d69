/* Handshake messages put together: split, reordered, repeated, overlapping, too long; with memory
 * that fails and memory that is looked at when it is freed. */
#include <malloc.h>

#include "../starve.h"
#include "tsv.h"

static unsigned freed, dirty;
static const uint8_t marker[8] = {0xd1, 0x5e, 0xc2, 0xe7, 0x97, 0x3b, 0x41, 0x08};

static bool
holds_marker(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + sizeof marker <= n; i++)
		if (memcmp(p + i, marker, sizeof marker) == 0)
			return true;
	return false;
}

static void
look(void *p, bool moved)
{
	assert_false(moved); /* it would leave a copy behind */
	freed++;
	dirty += holds_marker(p, malloc_usable_size(p));
}

enum { MAX = 4096, MESSAGES = 24 };

/* What came out, one message after the other. */
struct log {
	uint8_t b[1 << 17];
	size_t n, count;
};

static void
drain(struct bm_assembler *a, struct log *l)
{
	struct bm_message m;

	while (bm_assembler_next(a, &m)) {
		size_t header = a->dtls != NULL ? 12 : 4;
		assert_int_equal(m.whole.n, header + m.body.n);
		assert_int_equal(m.whole.p[0], m.type);
		assert_int_equal(bm_load24(m.whole.p + 1), m.body.n);
		if (m.body.n != 0)
			assert_ptr_equal(m.body.p, m.whole.p + header);
		assert_true(l->n + m.whole.n <= sizeof l->b);
		memcpy(l->b + l->n, m.whole.p, m.whole.n);
		l->n += m.whole.n;
		l->count++;
	}
}

static void
must_add(struct bm_assembler *a, const uint8_t *p, size_t n, struct log *l)
{
	uint8_t *q = exact(bm_view(p, n));

	assert_int_equal(bm_assembler_add(a, bm_view(q, n)), BM_OK);
	memset(q, 0xee, n);
	drain(a, l);
	free(q);
}

/* A flight: bodies of 0 to 300 bytes, one of them long. */
static size_t
flight(uint8_t *b, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = i == 5 ? 3000 : i % 4 == 0 ? 0 : rnd() % 300;
		assert_true(n + 4 + len <= size);
		b[n] = (uint8_t)(11 + i);
		b[n + 1] = 0;
		bm_store16(b + n + 2, (unsigned)len);
		for (size_t k = 0; k < len; k++)
			b[n + 4 + k] = (uint8_t)rnd();
		n += 4 + len;
	}
	return n;
}

static void
test_split(void **state)
{
	static uint8_t b[1 << 15];
	static struct log l;
	size_t n = flight(b, sizeof b);

	(void)state;
	/* All at once, in two at every place, in pieces of every size, in random ones. */
	for (size_t at = 0; at <= n; at++) {
		struct bm_assembler a = {.buf.max = MAX};
		l.n = l.count = 0;
		must_add(&a, b, at, &l);
		must_add(&a, b + at, n - at, &l);
		assert_int_equal(l.count, MESSAGES);
		assert_int_equal(l.n, n);
		assert_memory_equal(l.b, b, n);
		assert_false(a.broken);
		bm_assembler_clear(&a);
	}
	for (size_t piece = 1; piece < 64; piece++) {
		struct bm_assembler a = {.buf.max = MAX};
		l.n = l.count = 0;
		for (size_t at = 0; at < n;) {
			size_t len = piece < 32 ? piece : 1 + rnd() % 700;
			len = len < n - at ? len : n - at;
			must_add(&a, b + at, len, &l);
			at += len;
		}
		assert_int_equal(l.n, n);
		assert_memory_equal(l.b, b, n);
		bm_assembler_clear(&a);
	}
}

/* Too long by one, and much too long: passed over, and what follows is found. The cap itself is
 * allowed. */
static void
test_cap(void **state)
{
	static const size_t sizes[] = {MAX - 4, MAX - 3, 3 * MAX, 0xffff};
	static uint8_t b[1 << 17];
	static struct log l;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (size_t piece = 1; piece < 40000; piece = piece * 3 + 1) {
			struct bm_assembler a = {.buf.max = MAX};
			memset(b, 0, sizeof b);
			b[0] = 14;
			b[4] = 11;
			bm_store16(b + 6, (unsigned)sizes[i]);
			size_t n = 8 + sizes[i];
			b[n] = 20;
			b[n + 3] = 1;
			n += 5;
			l.n = l.count = 0;
			for (size_t at = 0; at < n; at += piece) {
				must_add(&a, b + at, piece < n - at ? piece : n - at, &l);
				assert_true(a.buf.cap <= 2 * (MAX + (piece > 256 ? piece : 256)));
			}
			assert_int_equal(l.count, sizes[i] == MAX - 4 ? 3 : 2);
			assert_int_equal(a.broken, sizes[i] != MAX - 4);
			assert_int_equal(l.b[l.n - 5], 20);
			bm_assembler_clear(&a);
		}
	}
}

/* Nobody takes the messages away: bounded. */
static void
test_undrained(void **state)
{
	struct bm_assembler a = {.buf.max = MAX};
	static uint8_t b[1000];
	enum bm_status st = BM_OK;
	unsigned added = 0;

	(void)state;
	for (unsigned i = 0; i < 100 && st == BM_OK; i++) {
		st = bm_assembler_add(&a, bm_view(b, sizeof b));
		added += st == BM_OK;
	}
	assert_int_equal(st, BM_LIMIT);
	assert_int_equal(added, 5);
	bm_assembler_clear(&a);
}

static uint8_t *
put_fragment(uint8_t *p, unsigned type, unsigned seq, size_t length, size_t off,
	const uint8_t *body, size_t n)
{
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)(length >> 16);
	bm_store16(p + 2, (unsigned)(length & 0xffff));
	bm_store16(p + 4, seq);
	p[6] = (uint8_t)(off >> 16);
	bm_store16(p + 7, (unsigned)(off & 0xffff));
	p[9] = (uint8_t)(n >> 16);
	bm_store16(p + 10, (unsigned)(n & 0xffff));
	if (n != 0)
		memcpy(p + 12, body, n);
	return p + 12 + n;
}

static void
add_dtls(struct bm_assembler *a, const uint8_t *p, size_t n, struct log *l)
{
	uint8_t *q = exact(bm_view(p, n));

	assert_int_equal(bm_assembler_add_dtls(a, bm_view(q, n)), BM_OK);
	memset(q, 0xee, n);
	drain(a, l);
	free(q);
}

static void
add_fragment(struct bm_assembler *a, unsigned type, unsigned seq, size_t length, size_t off,
	const uint8_t *body, size_t n, struct log *l)
{
	static uint8_t b[1 << 17];

	add_dtls(a, b, (size_t)(put_fragment(b, type, seq, length, off, body, n) - b), l);
}

/* A flight of messages, the first a hello, and what is to come out. */
struct sent {
	uint8_t body[10][1500];
	size_t len[10];
	struct log want;
};

static const uint8_t flight_types[10] = {2, 11, 22, 12, 13, 14, 4, 15, 16, 20};

static void
make_sent(struct sent *s)
{
	s->want.n = s->want.count = 0;
	for (unsigned i = 0; i < 10; i++) {
		s->len[i] = i == 5 ? 0 : i == 0 ? 80 : 1 + rnd() % 1500;
		for (size_t k = 0; k < s->len[i]; k++)
			s->body[i][k] = (uint8_t)rnd();
		uint8_t *end = put_fragment(
			s->want.b + s->want.n, flight_types[i], i, s->len[i], 0, s->body[i], s->len[i]);
		s->want.n = (size_t)(end - s->want.b);
		s->want.count++;
	}
}

static void
same(const struct log *got, const struct log *want)
{
	assert_int_equal(got->count, want->count);
	assert_int_equal(got->n, want->n);
	assert_memory_equal(got->b, want->b, want->n);
}

/* Fragments of any size, overlapping and repeated, in any order; at last all there is. */
static void
test_dtls_any_order(void **state)
{
	static struct sent s;
	static struct log l;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct bm_assembler a = {.buf.max = 1 << 16};
		make_sent(&s);
		l.n = l.count = 0;
		for (unsigned i = 0; i < 200; i++) {
			unsigned k = rnd() % 10;
			size_t off = s.len[k] != 0 ? rnd() % s.len[k] : 0;
			size_t n = s.len[k] - off != 0 ? rnd() % (s.len[k] - off) : 0;
			/* A hello that comes late would end the wait for nothing: it stands first. */
			add_fragment(&a, flight_types[k], k, s.len[k], off, s.body[k] + off, n, &l);
		}
		for (unsigned k = 10; k-- > 0;)
			add_fragment(&a, flight_types[k], k, s.len[k], 0, s.body[k], s.len[k], &l);
		same(&l, &s.want);
		/* All of it again: nothing new. */
		for (unsigned k = 0; k < 10; k++)
			add_fragment(&a, flight_types[k], k, s.len[k], 0, s.body[k], s.len[k], &l);
		same(&l, &s.want);
		assert_false(a.broken);
		bm_assembler_clear(&a);
	}
}

/* Several fragments in one record, cut at every byte: what is whole before the cut counts. */
static void
test_dtls_cut(void **state)
{
	static struct log l;
	static uint8_t b[512];
	uint8_t body[60] = {0};
	uint8_t *p = put_fragment(b, 2, 0, 60, 0, body, 60);
	size_t first = (size_t)(p - b);

	(void)state;
	p = put_fragment(p, 14, 1, 0, 0, NULL, 0);
	p = put_fragment(p, 20, 2, 30, 0, body, 30);
	size_t n = (size_t)(p - b);
	for (size_t cut = 0; cut <= n; cut++) {
		struct bm_assembler a = {.buf.max = MAX};
		l.n = l.count = 0;
		add_dtls(&a, b, cut, &l);
		assert_int_equal(l.count, (cut >= first) + (cut >= first + 12) + (cut == n));
		assert_int_equal(a.broken, cut != 0 && cut != first && cut != first + 12 && cut != n);
		bm_assembler_clear(&a);
	}
	/* Fragments that reach past their message. */
	struct bm_assembler a = {.buf.max = MAX};
	l.n = l.count = 0;
	add_fragment(&a, 11, 0, 10, 8, body, 3, &l);
	assert_true(a.broken);
	add_fragment(&a, 11, 0, 10, 11, body, 0, &l);
	add_fragment(&a, 11, 0, 10, 0, body, 10, &l);
	assert_int_equal(l.count, 1);
	bm_assembler_clear(&a);
}

static void
hello(struct bm_assembler *a, unsigned type, unsigned seq, uint8_t random, struct log *l)
{
	uint8_t body[80];

	memset(body, random, sizeof body);
	if (random == 0xcf)
		memcpy(body + 2, "\xcf\x21\xad\x74\xe5\x9a\x61\x11", 8);
	add_fragment(a, type, seq, sizeof body, 0, body, sizeof body, l);
}

static void
test_dtls_handshakes(void **state)
{
	static struct log l;
	struct bm_assembler a = {.buf.max = MAX};
	uint8_t body[40] = {0};

	(void)state;
	/* Client: hello, hello with a cookie, key exchange, finished. Each again: skipped. */
	for (unsigned round = 0; round < 2; round++) {
		hello(&a, 1, 0, 7, &l);
		hello(&a, 1, 1, 7, &l);
		add_fragment(&a, 16, 2, 40, 0, body, 40, &l);
		add_fragment(&a, 20, 3, 12, 0, body, 12, &l);
		assert_int_equal(l.count, 4);
	}
	/* Renegotiation: another random, counted from 0. */
	hello(&a, 1, 0, 8, &l);
	add_fragment(&a, 16, 1, 40, 0, body, 40, &l);
	assert_int_equal(l.count, 6);
	hello(&a, 1, 0, 8, &l);
	assert_int_equal(l.count, 6);
	/* The server's hello after a HelloRequest, which was skipped as old. */
	add_fragment(&a, 0, 0, 0, 0, NULL, 0, &l);
	hello(&a, 2, 1, 9, &l);
	assert_int_equal(l.count, 7);
	bm_assembler_clear(&a);
	/* Lost messages before a hello are not waited for; fragments of the hello in either order. */
	l.n = l.count = 0;
	memset(body, 5, sizeof body);
	add_fragment(&a, 2, 1, 60, 40, body, 20, &l);
	add_fragment(&a, 11, 2, 8, 0, body, 8, &l);
	add_fragment(&a, 2, 1, 60, 0, body, 40, &l);
	assert_int_equal(l.count, 2);
	bm_assembler_clear(&a);
	/* A hello so far ahead that its place in the window is that of a message that was begun. */
	l.n = l.count = 0;
	memset(body, 5, sizeof body);
	add_fragment(&a, 2, 0, 60, 0, body, 30, &l);
	add_fragment(&a, 2, 16, 60, 0, body, 40, &l);
	add_fragment(&a, 2, 16, 60, 40, body, 20, &l);
	assert_int_equal(l.count, 1);
	assert_int_equal(bm_load16(l.b + 4), 16);
	bm_assembler_clear(&a);
	/* A HelloRetryRequest (RFC 9147) that is repeated after the hello is no new handshake. */
	l.n = l.count = 0;
	hello(&a, 2, 0, 0xcf, &l);
	hello(&a, 2, 1, 3, &l);
	hello(&a, 2, 0, 0xcf, &l);
	add_fragment(&a, 8, 2, 8, 0, body, 8, &l);
	assert_int_equal(l.count, 3);
	bm_assembler_clear(&a);
}

/* Damage: a first fragment that lies about length or number does not stop the rest. */
static void
test_dtls_damaged(void **state)
{
	static struct log l;
	struct bm_assembler a = {.buf.max = MAX};
	uint8_t body[40] = {0};

	(void)state;
	l.n = l.count = 0;
	add_fragment(&a, 11, 0, 400, 0, body, 40, &l);
	add_fragment(&a, 11, 0, 41, 0, body, 40, &l); /* contradicts, and is no whole: ignored */
	assert_int_equal(l.count, 0);
	add_fragment(&a, 11, 0, 40, 0, body, 40, &l);
	assert_int_equal(l.count, 1);
	add_fragment(&a, 14, 40000, 0, 0, NULL, 0, &l);
	add_fragment(&a, 14, 1, 0, 0, NULL, 0, &l);
	assert_int_equal(l.count, 2);
	/* One is lost for good: those far behind it come out in the end. */
	for (unsigned seq = 3; seq < 40; seq++)
		add_fragment(&a, 4, seq, 4, 0, body, 4, &l);
	assert_int_equal(l.count, 2 + 37);
	bm_assembler_clear(&a);
}

/* Messages ahead take no more than there is, and give way to the one that is due. */
static void
test_dtls_memory(void **state)
{
	static struct log l;
	static uint8_t body[3000];
	struct bm_assembler a = {.buf.max = MAX};

	(void)state;
	l.n = l.count = 0;
	for (unsigned seq = 1; seq < 10; seq++)
		add_fragment(&a, 11, seq, 1500, 0, body, 1500, &l);
	add_fragment(&a, 11, 0, 3000, 0, body, 3000, &l);
	assert_int_equal(l.count, 1);
	add_fragment(&a, 11, 1, 1500, 0, body, 1500, &l);
	assert_int_equal(l.count, 2);
	/* Too long at all: passed over. */
	add_fragment(&a, 11, 2, 0xffff, 0, body, 100, &l);
	add_fragment(&a, 11, 2, 0xffff, 100, body, 100, &l);
	add_fragment(&a, 11, 3, 10, 0, body, 10, &l);
	assert_int_equal(l.count, 3);
	assert_true(a.broken);
	bm_assembler_clear(&a);
}

/* Nothing of a message is left in memory that is given back. */
static void
test_wiped(void **state)
{
	static struct log l;
	uint8_t body[400], record[800];
	struct bm_assembler a = {.buf.max = MAX}, d = {.buf.max = MAX};

	(void)state;
	for (size_t i = 0; i < sizeof body; i += sizeof marker)
		memcpy(body + i, marker, sizeof marker);
	record[0] = 20;
	record[1] = 0;
	bm_store16(record + 2, sizeof body);
	memcpy(record + 4, body, sizeof body);
	freed = dirty = 0;
	starve_watch(look);
	for (size_t i = 0; i < 9; i++) {
		size_t n = 4 + sizeof body, piece = 100;
		for (size_t at = 0; at < n; at += piece) {
			assert_int_equal(
				bm_assembler_add(&a, bm_view(record + at, piece < n - at ? piece : n - at)), BM_OK);
			drain(&a, &l);
		}
		/* Dealt with: gone before the next record comes. */
		if (a.buf.n == 0)
			assert_false(holds_marker(a.buf.p, a.buf.cap));
		uint8_t *end = put_fragment(record + 404, 20, (unsigned)i, sizeof body, 0, body, 300);
		assert_int_equal(
			bm_assembler_add_dtls(&d, bm_view(record + 404, (size_t)(end - record) - 404)), BM_OK);
		if (i != 8) {
			end = put_fragment(record + 404, 20, (unsigned)i, sizeof body, 200, body, 200);
			assert_int_equal(
				bm_assembler_add_dtls(&d, bm_view(record + 404, (size_t)(end - record) - 404)),
				BM_OK);
		}
		drain(&d, &l);
	}
	assert_int_equal(bm_assembler_add(&a, bm_view(record, 300)), BM_OK);
	bm_assembler_clear(&a);
	bm_assembler_clear(&d);
	starve_watch(NULL);
	assert_true(freed >= 12);
	assert_int_equal(dirty, 0);
}

/* Each allocation fails in turn. */
static void
test_no_memory(void **state)
{
	static struct sent s;
	static uint8_t b[1 << 15];
	static struct log l;
	size_t n = flight(b, sizeof b);
	unsigned failures = 0;
	bool again = true;

	(void)state;
	make_sent(&s);
	for (unsigned nth = 0; again; nth++) {
		struct bm_assembler a = {.buf.max = MAX}, d = {.buf.max = 1 << 16};
		enum bm_status st = BM_OK;
		l.n = l.count = 0;
		starve_at(nth);
		for (size_t at = 0; at < n && st == BM_OK; at += 500) {
			st = bm_assembler_add(&a, bm_view(b + at, n - at < 500 ? n - at : 500));
			drain(&a, &l);
		}
		for (unsigned k = 10; k-- > 0 && st == BM_OK;) {
			uint8_t f[1600];
			uint8_t *end = put_fragment(f, flight_types[k], k, s.len[k], 0, s.body[k], s.len[k]);
			st = bm_assembler_add_dtls(&d, bm_view(f, (size_t)(end - f)));
			drain(&d, &l);
		}
		starve_stop();
		assert_true(st == BM_OK || st == BM_NOMEM);
		again = st != BM_OK;
		failures += again;
		if (!again)
			assert_int_equal(l.count, MESSAGES + 10);
		/* Usable again after a failure. */
		bm_assembler_clear(&a);
		bm_assembler_clear(&d);
		assert_int_equal(a.buf.max, MAX);
		l.n = l.count = 0;
		must_add(&a, b, n, &l);
		assert_int_equal(l.count, MESSAGES);
		bm_assembler_clear(&a);
	}
	assert_true(failures >= 12);
}

/* Every datagram `times` times. Messages as "type:message_seq:length". */
static void
read_datagrams(char *list, unsigned times, char *out, size_t size)
{
	struct bm_assembler a = {.buf.max = 1 << 16};
	size_t at = 0;

	out[0] = '\0';
	for (char *p = strtok(list, " "); p != NULL; p = strtok(NULL, " ")) {
		struct bm_view v;
		uint8_t *q = tsv_bytes(p, &v);
		for (unsigned i = 0; i < times; i++) {
			struct bm_reader rd = bm_reader(v);
			struct bm_dtls_record r;
			struct bm_message m;
			bool bad;
			while (bm_dtls_next(&rd, 0, &r, &bad)) {
				if (r.unified || r.epoch != 0 || r.type != BM_HANDSHAKE)
					continue;
				assert_int_equal(bm_assembler_add_dtls(&a, r.body), BM_OK);
				while (bm_assembler_next(&a, &m))
					at += (size_t)snprintf(out + at, size - at, "%s%u:%u:%zu", at != 0 ? " " : "",
						m.type, bm_load16(m.whole.p + 4), m.body.n);
			}
		}
		free(q);
	}
	assert_false(a.broken);
	bm_assembler_clear(&a);
}

static void
test_captured(void **state)
{
	static struct tsv t;
	static char copy[TSV_LINE], got[1024];
	unsigned count = 0;

	(void)state;
	tsv_open(&t, "datagram-vectors.tsv");
	while (tsv_next(&t)) {
		for (unsigned times = 1; times <= 2; times++) {
			strcpy(copy, t.field[2]);
			read_datagrams(copy, times, got, sizeof got);
			assert_string_equal(got, t.field[1]);
		}
		count++;
	}
	assert_true(count > 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_undrained),
		cmocka_unit_test(test_dtls_any_order),
		cmocka_unit_test(test_dtls_cut),
		cmocka_unit_test(test_dtls_handshakes),
		cmocka_unit_test(test_dtls_damaged),
		cmocka_unit_test(test_dtls_memory),
		cmocka_unit_test(test_captured),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
