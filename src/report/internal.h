/* What the files of src/report share: the buffered way out, and the two kinds of report. */
#ifndef BM_REPORT_INTERNAL_H
#define BM_REPORT_INTERNAL_H

#include "report/report.h"

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

/* Octets that a max_fragment_length in the model stands for: it may be the extension's code
 * (RFC 6066, section 4). */
unsigned bm_fragment_octets(unsigned value);

/* A chance that is no chance (a tag of 0 bits, or no number at all) proves nothing and is not
 * shown. */
bool bm_proof_counts(const struct bm_failure *f);

void bm_json_connection(struct bm_out *o, bool first, const struct bm_connection *c);
void bm_json_finish(struct bm_out *o, bool first, const struct bm_summary *s,
	const struct bm_report_logs *logs /* NULL: none */);

struct bm_text;

enum bm_status bm_text_new(struct bm_text **out, const struct bm_report_options *o);
void bm_text_free(struct bm_text *t);
/* BM_NOMEM. What does not fit the memory set aside is counted only. */
enum bm_status bm_text_connection(struct bm_text *t, const struct bm_connection *c);
enum bm_status bm_text_finish(struct bm_text *t, const struct bm_summary *s,
	const struct bm_report_logs *logs /* NULL: none */, struct bm_out *o);

/* line.c: a run of text that is being put together in a capped buffer. */
enum bm_style { BM_PLAIN_STYLE, BM_BOLD, BM_RED, BM_GREEN, BM_YELLOW, BM_DIM };

/* A place in the text where something about a failure is put in when the report ends. */
struct bm_mark {
	size_t at; /* octets before it */
	uint64_t connection;
	size_t failure;
};
struct bm_marks {
	struct bm_mark *item;
	size_t n, cap;
};

struct bm_lines {
	struct bm_buf buf;
	struct bm_marks *marks; /* NULL: none are wanted */
	enum bm_status status;  /* sticky */
	bool color;
};

/* The text must be the program's own. */
__attribute__((format(printf, 2, 3))) void bm_say(struct bm_lines *l, const char *format, ...);
/* Text from elsewhere: what could steer a terminal, and what is not UTF-8, is shown as \xNN. */
void bm_say_safe(struct bm_lines *l, const char *text);
/* The same, broken at spaces where a line would grow past BM_COLUMNS; it starts at column `at`, and
 * goes on at column `indent`. */
enum { BM_COLUMNS = 96 };
void bm_say_wrapped(struct bm_lines *l, size_t at, size_t indent, const char *text);
void bm_say_hex(struct bm_lines *l, struct bm_view v, size_t most);
void bm_style(struct bm_lines *l, enum bm_style style);

/* marks.c: one is set here. */
void bm_mark(struct bm_lines *l, uint64_t connection, size_t failure);
/* Text, with what logs (NULL: none) say of failures where it is marked; l is empty then. BM_NOMEM.
 */
enum bm_status bm_send_marked(struct bm_lines *l, const struct bm_marks *m,
	const struct bm_report_logs *logs, struct bm_out *o);
/* What logs say of nothing that is told of before. BM_NOMEM. */
enum bm_status bm_send_rest(
	bool color, bool verbose, const struct bm_report_logs *logs, struct bm_out *o);

/* 1234567 as "1,234,567". */
struct bm_digits {
	char s[28];
};
struct bm_digits bm_grouped(uint64_t n);

/* detail.c: one connection in full. */
void bm_detail(struct bm_lines *l, const struct bm_connection *c, bool verbose);
/* Did it end with a fatal alert? Which one; NULL: it did not. */
const struct bm_alert *bm_detail_fatal(const struct bm_connection *c);
/* "10.0.0.1:40112 -> 10.0.0.2:443 (example.org)". */
void bm_detail_who(struct bm_lines *l, const struct bm_connection *c);
/* "TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256". */
void bm_detail_what(struct bm_lines *l, const struct bm_connection *c);

#endif
