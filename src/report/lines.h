/* The way out of every report: bytes to the caller's write function, and text that is put together
 * line by line. Refuses to know what is reported. */
#ifndef BM_REPORT_LINES_H
#define BM_REPORT_LINES_H

#include "base/buf.h"

/* Bytes on their way to the caller's write function. A write that fails is remembered for good. */
struct bm_out {
	int (*write)(void *ctx, const char *bytes, size_t n);
	void *ctx;
	size_t n;
	bool failed;
	char bytes[16384];
};

void bm_out_add(struct bm_out *o, const void *bytes, size_t n);
void bm_out_flush(struct bm_out *o);

/* Length of the UTF-8 sequence (RFC 3629) that v starts with, and its code point; 0 when it starts
 * with none. */
size_t bm_utf8(struct bm_view v, uint32_t *code);

/* "2026-01-31T12:00:00.000000001Z" (RFC 3339). */
#define BM_TIME_TEXT_MAX 40
void bm_time_text(uint64_t ts_ns, char out[BM_TIME_TEXT_MAX]);

/* line.c: a run of text that is being put together in a capped buffer. */
enum bm_style { BM_PLAIN_STYLE, BM_BOLD, BM_RED, BM_GREEN, BM_YELLOW, BM_DIM };

struct bm_marks; /* of src/report alone */
struct bm_lines {
	struct bm_buf buf;
	struct bm_marks *marks; /* NULL: none are wanted */
	enum bm_status status;  /* sticky */
	bool color;
	size_t columns; /* of a line; 0: BM_COLUMNS */
};
enum { BM_COLUMNS = 96, BM_COLUMNS_LEAST = 40 };

/* The text must be the program's own. */
__attribute__((format(printf, 2, 3))) void bm_say(struct bm_lines *l, const char *format, ...);
/* Text from elsewhere: what could steer a terminal, and what is not UTF-8, is shown as \xNN. */
void bm_say_safe(struct bm_lines *l, const char *text);
/* The same, broken at spaces where a line would grow past its columns; it starts at column `at`,
 * and goes on at column `indent`. */
void bm_say_wrapped(struct bm_lines *l, size_t at, size_t indent, const char *text);
/* The same of a sentence with commands between backquotes: they are never broken. One in brackets
 * stays where it is; any other gets a line of its own, so that it can be copied whole. */
void bm_say_step(struct bm_lines *l, size_t at, size_t indent, const char *text);
/* Breaks what was said since `from`, octets into l->buf, in the same way: a line's beginning stood
 * there. */
void bm_wrap_since(struct bm_lines *l, size_t from, size_t indent);
void bm_say_hex(struct bm_lines *l, struct bm_view v, size_t most);
void bm_style(struct bm_lines *l, enum bm_style style);

/* 1234567 as "1,234,567". */
struct bm_digits {
	char s[28];
};
struct bm_digits bm_grouped(uint64_t n);

#endif
