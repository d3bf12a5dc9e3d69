/* Writes JSON piece by piece: members, lists, strings of plain ASCII. Refuses to know what they
 * mean; whoever calls keeps brackets in pairs. */
#ifndef BM_REPORT_JSON_OUT_H
#define BM_REPORT_JSON_OUT_H

#include "report/lines.h"
#include "verdict/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Where the next member or element goes. */
struct json {
	struct bm_out *out;
	bool bare; /* nothing stands before it in its object or array */
};

static inline void
raw(struct json *j, const char *text)
{
	bm_out_add(j->out, text, strlen(text));
}

/* Every byte outside printable ASCII leaves as an escape, so that the report is plain ASCII. */
static inline void
quote(struct json *j, const char *text)
{
	struct bm_view v = bm_view(text, strlen(text));

	raw(j, "\"");
	while (v.n != 0) {
		char piece[16];
		uint32_t code = 0xfffd;
		size_t n = 0;
		while (n < v.n && v.p[n] >= 0x20 && v.p[n] < 0x7f && v.p[n] != '"' && v.p[n] != '\\')
			n++;
		if (n != 0) {
			bm_out_add(j->out, v.p, n);
		} else {
			n = bm_utf8(v, &code);
			if (code == '"' || code == '\\')
				snprintf(piece, sizeof piece, "\\%c", (int)code);
			else if (code < 0x10000)
				snprintf(piece, sizeof piece, "\\u%04x", (unsigned)code);
			else
				snprintf(piece, sizeof piece, "\\u%04x\\u%04x",
					0xd800u + (unsigned)((code - 0x10000) >> 10),
					0xdc00u + (unsigned)((code - 0x10000) & 0x3ff));
			raw(j, piece);
			n = n != 0 ? n : 1;
		}
		v.p += n;
		v.n -= n;
	}
	raw(j, "\"");
}

static inline void
next(struct json *j)
{
	if (!j->bare)
		raw(j, ", ");
	j->bare = false;
}

static inline void
name(struct json *j, const char *key)
{
	next(j);
	quote(j, key);
	raw(j, ": ");
}

static inline void
begin(struct json *j, const char *bracket)
{
	raw(j, bracket);
	j->bare = true;
}

static inline void
end(struct json *j, const char *bracket)
{
	raw(j, bracket);
	j->bare = false;
}

static inline void
string_or_null(struct json *j, const char *key, const char *text)
{
	name(j, key);
	if (text != NULL)
		quote(j, text);
	else
		raw(j, "null");
}

static inline void
number(struct json *j, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, n);
	raw(j, text);
}

static inline void
number_or_null(struct json *j, const char *key, uint64_t n)
{
	name(j, key);
	if (n == BM_UNKNOWN)
		raw(j, "null");
	else
		number(j, n);
}

/* null for what is no number. For the command alone: where a program has chosen a locale, its
 * decimal point would be another. */
static inline void
real_or_null(struct json *j, const char *key, double value)
{
	char text[40];

	snprintf(text, sizeof text, "%.12g", value);
	name(j, key);
	raw(j, isfinite(value) ? text : "null");
}

static inline void
truth(struct json *j, const char *key, bool value)
{
	name(j, key);
	raw(j, value ? "true" : "false");
}

static inline void
hex(struct json *j, const char *key, struct bm_view v)
{
	char text[2 * 256 + 1];

	name(j, key);
	raw(j, "\"");
	while (v.n != 0) {
		size_t now = v.n < 256 ? v.n : 256;
		bm_hex(bm_view(v.p, now), text);
		raw(j, text);
		v.p += now;
		v.n -= now;
	}
	raw(j, "\"");
}

static inline void
strings(struct json *j, const char *key, const char *const *text, size_t n)
{
	name(j, key);
	begin(j, "[");
	for (size_t i = 0; i < n; i++) {
		next(j);
		quote(j, text[i] != NULL ? text[i] : "");
	}
	end(j, "]");
}

#endif
