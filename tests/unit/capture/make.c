/* See make.h. */
#include "make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

void
make_start(struct make *m, bool big)
{
	*m = (struct make){.b = {.max = (size_t)128 << 20}, .big = big};
}

void
make_free(struct make *m)
{
	bm_buf_clear(&m->b);
}

void
put_bytes(struct make *m, const void *p, size_t n)
{
	assert_int_equal(bm_buf_add(&m->b, bm_view(p, n)), BM_OK);
}

void
put8(struct make *m, unsigned v)
{
	uint8_t b = (uint8_t)v;
	put_bytes(m, &b, 1);
}

void
put16(struct make *m, unsigned v)
{
	put8(m, m->big ? v >> 8 : v);
	put8(m, m->big ? v : v >> 8);
}

void
put32(struct make *m, uint32_t v)
{
	put16(m, m->big ? v >> 16 : v & 0xffff);
	put16(m, m->big ? v & 0xffff : v >> 16);
}

void
put64(struct make *m, uint64_t v)
{
	put32(m, (uint32_t)(m->big ? v >> 32 : v));
	put32(m, (uint32_t)(m->big ? v : v >> 32));
}

void
put_pattern(struct make *m, unsigned seed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(m, (unsigned)(seed * 37 + i * 11 + i / 256));
}

void
put_pad(struct make *m)
{
	while (m->b.n % 4 != 0)
		put8(m, 0);
}

void
pcap_header(struct make *m, uint32_t magic, uint32_t link)
{
	put32(m, magic);
	put16(m, 2);
	put16(m, 4);
	put32(m, 0);
	put32(m, 0);
	put32(m, 65535);
	put32(m, link);
}

void
pcap_record(struct make *m, uint32_t s, uint32_t fraction, uint32_t captured, uint32_t wire)
{
	put32(m, s);
	put32(m, fraction);
	put32(m, captured);
	put32(m, wire);
}

void
block_begin(struct make *m, uint32_t type)
{
	m->block = m->b.n;
	put32(m, type);
	put32(m, 0);
}

void
block_end(struct make *m)
{
	put_pad(m);
	size_t len = m->b.n - m->block + 4;
	put32(m, (uint32_t)len);
	memcpy(m->b.p + m->block + 4, m->b.p + m->b.n - 4, 4);
}

void
section(struct make *m, bool big)
{
	m->big = big;
	block_begin(m, 0x0a0d0d0a);
	put32(m, 0x1a2b3c4d);
	put16(m, 1);
	put16(m, 0);
	put64(m, UINT64_MAX);
	block_end(m);
}

void
interface(struct make *m, unsigned link, uint32_t snap_len)
{
	block_begin(m, 1);
	put16(m, link);
	put16(m, 0);
	put32(m, snap_len);
	block_end(m);
}

void
enhanced(struct make *m, uint32_t id, uint64_t units, uint32_t captured, uint32_t wire)
{
	block_begin(m, 6);
	put32(m, id);
	put32(m, (uint32_t)(units >> 32));
	put32(m, (uint32_t)units);
	put32(m, captured);
	put32(m, wire);
	put_pattern(m, (unsigned)units, captured);
	block_end(m);
}

void
key_log(struct make *m, const char *text)
{
	block_begin(m, 10);
	put32(m, 0x544c534b);
	put32(m, (uint32_t)strlen(text));
	put_bytes(m, text, strlen(text));
	block_end(m);
}

long
trickle_read(void *ctx, uint8_t *p, size_t n)
{
	struct trickle *t = ctx;
	size_t left = t->bytes.n - t->off;

	assert_true(n > 0);
	if (t->off >= t->fail_at)
		return -1;
	n = n < t->chunk ? n : t->chunk;
	n = n < left ? n : left;
	if (n > t->fail_at - t->off)
		n = t->fail_at - t->off;
	if (n != 0)
		memcpy(p, t->bytes.p + t->off, n);
	else
		t->ended++;
	t->off += n;
	return (long)n;
}

/* Memory that is lent to a capture anew before every so many items, and how far it can be read. */
struct lender {
	struct bm_view bytes;
	size_t room, every, asked, fail_at;
	bool pauses;
	uint8_t *lent;
};

static bool
lender_read(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	const struct lender *l = ctx;

	assert_true(n != 0 && off < l->bytes.n && n <= l->bytes.n - off);
	assert_true(p >= l->lent && n <= l->room - (size_t)(p - l->lent));
	if (off + n > l->fail_at)
		return false;
	memcpy(p, l->bytes.p + off, n);
	return true;
}

static void
lend(struct lender *l, struct bm_capture *c)
{
	uint8_t *before = l->lent;

	l->lent = malloc(l->room);
	assert_non_null(l->lent);
	const struct bm_loan loan = {l->lent, l->room, lender_read, l};
	bm_capture_borrow(c, &loan, l->asked);
	free(before);
}

static void
drain(struct reading *r, struct bm_capture *c, struct lender *l)
{
	struct bm_error again;
	struct bm_capture_item item;

	r->format = bm_capture_format(c);
	for (;;) {
		if (l != NULL && r->count % l->every == 0)
			lend(l, c);
		uint64_t before = bm_capture_offset(c);
		bool may_pause = l != NULL && l->pauses && r->count % l->every != 0;
		bm_capture_may_pause(c, may_pause);
		enum bm_status s = bm_capture_next(c, &item, &r->end);
		if (s == BM_PAUSED) {
			assert_true(may_pause && bm_capture_offset(c) >= before);
			lend(l, c);
			bm_capture_may_pause(c, false);
			s = bm_capture_next(c, &item, &r->end);
		}
		assert_true(bm_capture_offset(c) >= before);
		if (s != BM_OK) {
			assert_int_equal(s, r->end.status);
			assert_non_null(r->end.what);
			break;
		}
		assert_true(r->count < sizeof r->items / sizeof r->items[0]);
		struct bm_view v = item.event == BM_CAPTURE_FRAME ? item.frame.data : item.secrets.key_log;
		r->data_at[r->count] = r->data.n;
		assert_int_equal(bm_buf_add(&r->data, v), BM_OK);
		r->items[r->count++] = item;
	}
	r->offset = bm_capture_offset(c);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bm_capture_next(c, &item, &again), r->end.status);
		assert_true(again.offset == r->end.offset);
		assert_string_equal(again.what, r->end.what);
	}
	bm_capture_free(c);
}

static void
fresh(struct reading *r)
{
	memset(r, 0, sizeof *r);
	r->data.max = (size_t)256 << 20;
	r->format = "none";
	r->end.what = "none";
}

void
read_memory(struct reading *r, struct bm_view bytes)
{
	struct bm_capture *c;

	fresh(r);
	r->open_status = bm_capture_open_memory(&c, bytes, &r->end);
	if (r->open_status == BM_OK)
		drain(r, c, NULL);
	else
		assert_null(c);
}

void
read_stream(struct reading *r, struct trickle *t)
{
	struct bm_capture *c;

	fresh(r);
	r->open_status = bm_capture_open_stream(&c, trickle_read, t, &r->end);
	if (r->open_status == BM_OK)
		drain(r, c, NULL);
	else
		assert_null(c);
	/* Having been told of the end, nobody asks again. */
	assert_true(t->ended <= 1);
}

void
reading_free(struct reading *r)
{
	bm_buf_clear(&r->data);
}

void
assert_same(const struct reading *a, const struct reading *b)
{
	assert_int_equal(a->open_status, b->open_status);
	assert_int_equal(a->end.status, b->end.status);
	assert_string_equal(a->end.what, b->end.what);
	assert_true(a->end.offset == b->end.offset);
	assert_true(a->offset == b->offset);
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct bm_capture_item *x = &a->items[i];
		const struct bm_capture_item *y = &b->items[i];
		assert_int_equal(x->event, y->event);
		assert_true(a->data_at[i] == b->data_at[i]);
		if (x->event == BM_CAPTURE_SECRETS) {
			assert_true(x->secrets.offset == y->secrets.offset);
			assert_true(x->secrets.key_log.n == y->secrets.key_log.n);
			continue;
		}
		assert_true(x->frame.data.n == y->frame.data.n);
		assert_true(x->frame.wire_len == y->frame.wire_len);
		assert_true(x->frame.ts_ns == y->frame.ts_ns);
		assert_true(x->frame.link_type == y->frame.link_type);
		assert_true(x->frame.number == y->frame.number);
		assert_true(x->frame.offset == y->frame.offset);
		assert_int_equal(x->frame.direction, y->frame.direction);
	}
	assert_true(bm_view_equal(bm_buf_view(&a->data), bm_buf_view(&b->data)));
}

/* A loan of any size, at any place, changes nothing of what is read. */
static void
same_on_loan(const struct reading *want, struct bm_view bytes)
{
	static struct reading got;
	static const size_t room[] = {1, 16, 60, 100, 1000, 5000, 40000, 400000};
	static const size_t every[] = {1, 2, 3, 7, 100};

	for (size_t i = 0; i < sizeof room / sizeof room[0] * (sizeof every / sizeof every[0]); i++) {
		struct lender l = {.bytes = bytes, .room = room[i / 5], .every = every[i % 5]};
		l.asked = i % 3 == 0 ? l.room : i % 3 == 1 ? 1 : SIZE_MAX;
		l.fail_at = i % 4 == 0 ? bytes.n * (i % 7) / 7 : SIZE_MAX;
		struct bm_capture *c;
		fresh(&got);
		got.open_status = bm_capture_open_memory(&c, bytes, &got.end);
		assert_int_equal(got.open_status, want->open_status);
		if (c == NULL || !bm_capture_stays(c) || want->count / l.every * l.room > 100 << 20) {
			bm_capture_free(c);
			return;
		}
		drain(&got, c, &l);
		assert_same(want, &got);
		for (size_t k = 0; k < got.count; k++) {
			const struct bm_frame *f = &got.items[k].frame;
			if (got.items[k].event == BM_CAPTURE_FRAME && f->data.n != 0)
				assert_ptr_equal(f->home, bytes.p + f->offset);
		}
		reading_free(&got);
		free(l.lent);
	}
}

static void
same_in_pieces(const struct reading *want, struct bm_view bytes)
{
	static struct reading got;
	static const size_t chunk[] = {1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 24, 31, 97, 1000, 65536};

	for (size_t i = 0; i <= sizeof chunk / sizeof chunk[0]; i++) {
		size_t n = i < sizeof chunk / sizeof chunk[0] ? chunk[i] : SIZE_MAX;
		/* Large inputs by single bytes prove nothing more and take long. */
		if (bytes.n / n > 500000)
			continue;
		struct trickle t = {.bytes = bytes, .chunk = n, .fail_at = SIZE_MAX};
		read_stream(&got, &t);
		assert_same(want, &got);
		for (size_t k = 0; k < got.count; k++) {
			if (got.items[k].event == BM_CAPTURE_FRAME)
				assert_null(got.items[k].frame.home);
		}
		reading_free(&got);
	}
}

/* The same of a stream, which may pause then. */
static void
same_lent_stream(const struct reading *want, struct bm_view bytes)
{
	static struct reading got;
	static const size_t room[] = {1, 30, 100, 1000, 5000, 40000, 400000};
	static const size_t every[] = {1, 2, 5, 100}, chunk[] = {1, 10, 1000, SIZE_MAX};

	for (size_t i = 0; i < 7 * 4 * 4; i++) {
		struct lender l = {.room = room[i / 16], .every = every[i / 4 % 4], .pauses = i % 3 != 0};
		struct trickle t = {.bytes = bytes, .chunk = chunk[i % 4], .fail_at = SIZE_MAX};
		if (bytes.n / t.chunk > 100000 || want->count / l.every * l.room > 100 << 20)
			continue;
		struct bm_capture *c;
		fresh(&got);
		got.open_status = bm_capture_open_stream(&c, trickle_read, &t, &got.end);
		if (got.open_status == BM_OK)
			drain(&got, c, &l);
		assert_same(want, &got);
		reading_free(&got);
		free(l.lent);
	}
}

void
read_both(struct reading *r, struct bm_view bytes)
{
	read_memory(r, bytes);
	for (size_t i = 0; i < r->count; i++) {
		const struct bm_capture_item *item = &r->items[i];
		struct bm_view v =
			item->event == BM_CAPTURE_FRAME ? item->frame.data : item->secrets.key_log;
		uint64_t off = item->event == BM_CAPTURE_FRAME ? item->frame.offset : item->secrets.offset;
		/* In memory nothing is copied, and offsets are where the data are. */
		if (item->event == BM_CAPTURE_FRAME && v.n != 0)
			assert_ptr_equal(item->frame.home, v.p);
		if (v.n != 0)
			assert_ptr_equal(v.p, bytes.p + off);
	}
	same_in_pieces(r, bytes);
	same_on_loan(r, bytes);
	same_lent_stream(r, bytes);
}

void
pack_gzip(struct bm_buf *out, struct bm_view v)
{
	z_stream z = {0};
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t room = deflateBound(&z, v.n);
	assert_int_equal(bm_buf_reserve(out, room), BM_OK);
	/* zlib does not write to its input. */
	memcpy(&z.next_in, &v.p, sizeof v.p);
	z.avail_in = (uInt)v.n;
	z.next_out = out->p + out->n;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->n += room - z.avail_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
}

void
pack_zstd(struct bm_buf *out, struct bm_view v)
{
	size_t room = ZSTD_compressBound(v.n);
	assert_int_equal(bm_buf_reserve(out, room), BM_OK);
	/* With a checksum at the end of the frame, as the command writes it. */
	ZSTD_CCtx *z = ZSTD_createCCtx();
	assert_non_null(z);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)));
	size_t n = ZSTD_compress2(z, out->p + out->n, room, v.p, v.n);
	(void)ZSTD_freeCCtx(z);
	assert_false(ZSTD_isError(n));
	out->n += n;
}

/* The same items and end from compressed input, cut into three members. */
static void
same_packed(
	const struct reading *want, struct bm_view bytes, void (*pack)(struct bm_buf *, struct bm_view))
{
	static struct reading got;
	struct bm_buf packed = {.max = (size_t)256 << 20};
	size_t third = bytes.n / 3;

	pack(&packed, bm_view(bytes.p, third));
	pack(&packed, bm_view(bytes.p + third, third));
	pack(&packed, bm_view(bytes.p + 2 * third, bytes.n - 2 * third));
	read_memory(&got, bm_buf_view(&packed));
	assert_same(want, &got);
	reading_free(&got);
	same_in_pieces(want, bm_buf_view(&packed));
	bm_buf_clear(&packed);
}

void
read_all_ways(struct reading *r, struct bm_view bytes)
{
	read_both(r, bytes);
	same_packed(r, bytes, pack_gzip);
	same_packed(r, bytes, pack_zstd);
}

void
check_every_cut(struct bm_view bytes, const size_t *boundary, size_t boundaries)
{
	static struct reading whole;
	static struct reading cut;

	read_memory(&whole, bytes);
	assert_int_equal(whole.end.status, BM_END);
	for (size_t n = 0; n < bytes.n; n++) {
		/* A copy of exact size, so that the sanitizer sees a read past the cut. */
		uint8_t *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy + 1, bytes.p, n);
		read_memory(&cut, bm_view(copy + 1, n));
		if (n < 4) {
			assert_int_equal(cut.open_status, BM_FORMAT);
		} else {
			bool clean = false;
			for (size_t i = 0; i < boundaries; i++)
				clean = clean || boundary[i] == n;
			assert_int_equal(cut.open_status, BM_OK);
			assert_int_equal(cut.end.status, clean ? BM_END : BM_TRUNCATED);
			assert_true(cut.end.offset == n);
		}
		size_t complete = 0;
		while (complete < whole.count) {
			const struct bm_capture_item *it = &whole.items[complete];
			bool frame = it->event == BM_CAPTURE_FRAME;
			uint64_t end = (frame ? it->frame.offset : it->secrets.offset) +
						   (frame ? it->frame.data.n : it->secrets.key_log.n);
			if (end > n)
				break;
			complete++;
		}
		/* Less by one where data are there and the rest of their block is not. */
		assert_true(cut.count == complete || cut.count + 1 == complete);
		if (cut.count + 1 == complete)
			assert_int_equal(cut.end.status, BM_TRUNCATED);
		assert_true(bm_view_equal(bm_buf_view(&cut.data), bm_view(whole.data.p, cut.data.n)));

		static struct reading streamed;
		static const size_t chunk[] = {1, 5, SIZE_MAX};
		for (size_t i = 0; i < 3; i++) {
			struct trickle t = {
				.bytes = bm_view(copy + 1, n), .chunk = chunk[i], .fail_at = SIZE_MAX};
			read_stream(&streamed, &t);
			assert_same(&cut, &streamed);
			reading_free(&streamed);
		}
		/* A stream that breaks there instead of ending says so. */
		struct trickle t = {.bytes = bytes, .chunk = 6, .fail_at = n};
		read_stream(&streamed, &t);
		assert_int_equal(
			streamed.open_status == BM_OK ? streamed.end.status : streamed.open_status, BM_IO);
		assert_int_equal(streamed.count, cut.count);
		reading_free(&streamed);
		reading_free(&cut);
		free(copy);
	}
	reading_free(&whole);
}

struct bm_view
item_data(const struct reading *r, size_t i)
{
	assert_true(i < r->count);
	size_t n = r->items[i].event == BM_CAPTURE_FRAME ? r->items[i].frame.data.n
													 : r->items[i].secrets.key_log.n;
	return bm_view(r->data.p + r->data_at[i], n);
}

void
assert_frame(const struct reading *r, size_t i, uint64_t number, uint64_t ts_ns, uint32_t link,
	uint32_t captured, uint32_t wire)
{
	assert_true(i < r->count);
	assert_int_equal(r->items[i].event, BM_CAPTURE_FRAME);
	const struct bm_frame *f = &r->items[i].frame;
	assert_true(f->number == number);
	assert_true(f->ts_ns == ts_ns);
	assert_int_equal(f->link_type, link);
	assert_int_equal(f->data.n, captured);
	assert_int_equal(f->wire_len, wire);
}

void
assert_pattern(const struct reading *r, size_t i, unsigned seed)
{
	struct make m;
	make_start(&m, false);
	struct bm_view v = item_data(r, i);
	put_pattern(&m, seed, v.n);
	assert_true(bm_view_equal(v, bm_buf_view(&m.b)));
	make_free(&m);
}

void
load(struct bm_buf *b, const char *name)
{
	char path[1024];
	const char *tests = getenv("BADMAC_TESTS");

	assert_non_null(tests);
	assert_true(snprintf(path, sizeof path, "%s/data/%s", tests, name) < (int)sizeof path);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	*b = (struct bm_buf){.max = (size_t)64 << 20};
	uint8_t piece[4096];
	size_t n;
	while ((n = fread(piece, 1, sizeof piece, f)) != 0)
		assert_int_equal(bm_buf_add(b, bm_view(piece, n)), BM_OK);
	assert_int_equal(fclose(f), 0);
}
