/* Finds the diagnosis in a file, and how much there is of it, before any memory is spent on it.
 * Refuses to know what its members mean. */
#include "findings/internal.h"

#include <stdio.h>

static enum bm_status
refuse(struct taker *t, enum bm_status status, const char *what)
{
	(void)snprintf(t->problem, t->n, "%s", what);
	t->status = status;
	return status;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Without what may stand before the first character: a byte order mark, white space. */
static struct bm_view
trimmed(struct bm_view v)
{
	if (v.n >= 3 && memcmp(v.p, "\xef\xbb\xbf", 3) == 0)
		v = bm_view(v.p + 3, v.n - 3);
	while (v.n != 0 && is_space(v.p[0]))
		v = bm_view(v.p + 1, v.n - 1);
	return v;
}

/* From the first place of a text on, or empty. */
static struct bm_view
from(struct bm_view v, const char *text)
{
	size_t len = strlen(text);

	while (v.n >= len) {
		const uint8_t *p = memchr(v.p, text[0], v.n - len + 1);
		if (p == NULL)
			break;
		v = bm_view(p, v.n - (size_t)(p - v.p));
		if (memcmp(p, text, len) == 0)
			return v;
		v = bm_view(p + 1, v.n - 1);
	}
	return bm_view(NULL, 0);
}

static struct bm_view
in_page(struct taker *t, struct bm_view page)
{
	static const char tag[] = "<script type=\"application/json\" id=\"diagnosis\">";
	struct bm_view start = from(page, tag);

	if (start.n == 0) {
		(void)refuse(t, BM_FORMAT, "a page without a diagnosis");
		return start;
	}
	start = bm_view(start.p + sizeof tag - 1, start.n - (sizeof tag - 1));
	struct bm_view end = from(start, "</script");
	if (end.n == 0)
		(void)refuse(t, BM_FORMAT, "the page ends inside the diagnosis");
	return bm_view(start.p, start.n - end.n);
}

/* Every value but the first of an array or object follows a comma, and every member a colon, so
 * what is counted is never less than what there is. */
static void
weigh(struct taker *t, struct bm_view json)
{
	size_t depth = 0, values = 1;
	bool text = false;

	for (size_t i = 0; i < json.n; i++) {
		uint8_t c = json.p[i];
		if (text) {
			i += c == '\\';
			text = c != '"';
			continue;
		}
		text = c == '"';
		if (c == '[' || c == '{') {
			depth++;
			values++;
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		} else if (c == ',' || c == ':') {
			values++;
		}
		if (depth > BM_FINDINGS_DEPTH || values > BM_FINDINGS_VALUES) {
			(void)refuse(t, BM_LIMIT,
				depth > BM_FINDINGS_DEPTH ? "too deep for a diagnosis"
										  : "more values than a diagnosis has");
			return;
		}
	}
}

/* What else badmac reads or writes, given where a report is due. */
static const char *
what_else(struct bm_view v)
{
	static const struct bm_magic known[] = {
		{"\xd4\xc3\xb2\xa1", 4, "a capture, not a report of badmac diagnose"},
		{"\xa1\xb2\xc3\xd4", 4, "a capture, not a report of badmac diagnose"},
		{"\x4d\x3c\xb2\xa1", 4, "a capture, not a report of badmac diagnose"},
		{"\xa1\xb2\x3c\x4d", 4, "a capture, not a report of badmac diagnose"},
		{"\x0a\x0d\x0d\x0a", 4, "a capture, not a report of badmac diagnose"},
		{"\x1f\x8b", 2, "compressed, and no report of badmac diagnose"},
		{"\x28\xb5\x2f\xfd", 4, "compressed, and no report of badmac diagnose"},
		{"-----BEGIN ", 11, "key material, not a report of badmac diagnose: give it with -k"},
		{"# SSL/TLS secrets", 17, "key material, not a report of badmac diagnose: give it with -k"},
		{"CLIENT_", 7, "key material, not a report of badmac diagnose: give it with -k"},
		{"SERVER_", 7, "key material, not a report of badmac diagnose: give it with -k"},
		{"SQLite format 3", 16, "a database, not a report of badmac diagnose"},
		{"FAILED: ", 8, "a report as text: make one with --format json, or html"},
		{"OK: ", 4, "a report as text: make one with --format json, or html"},
		{"UNDECIDED: ", 11, "a report as text: make one with --format json, or html"},
	};

	return bm_magic_means(v, known, sizeof known / sizeof known[0]);
}

struct bm_view
bm_findings_json(struct taker *t, struct bm_view report)
{
	const char *other = what_else(report);

	if (other != NULL) {
		(void)refuse(t, BM_FORMAT, other);
		return report;
	}
	if (report.n > BM_FINDINGS_MOST) {
		(void)refuse(t, BM_LIMIT, "longer than 64 MiB");
		return report;
	}
	struct bm_view json = trimmed(report);
	if (json.n != 0 && json.p[0] == '<')
		json = in_page(t, json);
	if (t->status == BM_OK)
		weigh(t, json);
	return json;
}

enum bm_status
bm_findings_find(struct bm_view report, struct bm_view *json, char *problem, size_t n)
{
	struct taker t = {.problem = problem, .n = n};

	problem[0] = '\0';
	*json = bm_findings_json(&t, report);
	return t.status;
}
