/* Writes captures byte by byte for the tests, and reads captures in every way there is,
 * demanding the same of all. Refuses to know what any one test is about. */
#ifndef TEST_CAPTURE_MAKE_H
#define TEST_CAPTURE_MAKE_H

#include "base/buf.h"
#include "capture/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct make {
	struct bm_buf b;
	bool big;
	size_t block; /* where the open block starts */
};

void make_start(struct make *m, bool big);
void make_free(struct make *m);
void put8(struct make *m, unsigned v);
void put16(struct make *m, unsigned v);
void put32(struct make *m, uint32_t v);
void put64(struct make *m, uint64_t v);
void put_bytes(struct make *m, const void *p, size_t n);
/* n bytes that differ from position to position, and from one seed to the next. */
void put_pattern(struct make *m, unsigned seed, size_t n);
/* Zeros up to the next multiple of four. */
void put_pad(struct make *m);

void pcap_header(struct make *m, uint32_t magic, uint32_t link);
void pcap_record(struct make *m, uint32_t s, uint32_t fraction, uint32_t captured, uint32_t wire);

void block_begin(struct make *m, uint32_t type);
void block_end(struct make *m);
void section(struct make *m, bool big);
void interface(struct make *m, unsigned link, uint32_t snap_len);
void enhanced(struct make *m, uint32_t id, uint64_t units, uint32_t captured, uint32_t wire);
void key_log(struct make *m, const char *text);

/* What a capture held, copied. */
struct reading {
	enum bm_status open_status;
	struct bm_capture_item items[2048];
	size_t count;
	size_t data_at[2048]; /* of each item in data */
	struct bm_buf data;
	struct bm_error end;
	const char *format;
	uint64_t offset;
};

/* A read function that hands out at most chunk bytes a call and fails at fail_at. */
struct trickle {
	struct bm_view bytes;
	size_t off;
	size_t chunk;
	size_t fail_at; /* SIZE_MAX: never */
	unsigned ended; /* how often the end was told */
};
long trickle_read(void *ctx, uint8_t *p, size_t n);

void read_memory(struct reading *r, struct bm_view bytes);
void read_stream(struct reading *r, struct trickle *t);
void reading_free(struct reading *r);

/* Everything but the lifetime of the data is the same. */
void assert_same(const struct reading *a, const struct reading *b);

/* In memory, and as a stream in pieces of many sizes; *r is what memory gave. */
void read_both(struct reading *r, struct bm_view bytes);

/* As read_both, and once more gzipped and zstandard-compressed. */
void read_all_ways(struct reading *r, struct bm_view bytes);

/* Cuts the capture at every byte: what was complete before the cut is yielded, then
 * BM_TRUNCATED, or BM_END at one of the given block boundaries. */
void check_every_cut(struct bm_view bytes, const size_t *boundary, size_t boundaries);

/* Adds a gzip member or a zstd frame that holds v. */
void pack_gzip(struct bm_buf *out, struct bm_view v);
void pack_zstd(struct bm_buf *out, struct bm_view v);

void assert_frame(const struct reading *r, size_t i, uint64_t number, uint64_t ts_ns, uint32_t link,
	uint32_t captured, uint32_t wire);
void assert_pattern(const struct reading *r, size_t i, unsigned seed);
struct bm_view item_data(const struct reading *r, size_t i);

/* A file below tests/data, read whole. */
void load(struct bm_buf *b, const char *name);

#endif
