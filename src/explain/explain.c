/* Parts a log into lines, whatever its format, and hands them on. Refuses to know what they say. */
#define _GNU_SOURCE /* memrchr */
#include "explain/explain.h"

#include <stdlib.h>

#include "logs/text.h"

enum { BLOCK_LEAST = 1024, LONGEST_WORD = 128 };

enum encoding { ENCODING_UNKNOWN, ENCODING_OCTETS, ENCODING_UTF16 };

struct bm_explain {
	struct bm_rules *rules;
	struct bm_gather *gather;
	struct bm_jsse *jsse; /* NULL: secrets are left alone */
	struct bm_jsse_counts counts;
	struct bm_buf held;    /* the line that has not ended */
	struct bm_buf escaped; /* a line of JSON, its strings as they were */
	bool in_pieces;        /* part of that line has been looked at */
	enum encoding encoding;
	unsigned high;    /* UTF-16: the place of the high octet in a pair */
	uint8_t first[4]; /* of the log, until its encoding is known */
	size_t first_n;
	int pending; /* UTF-16: the first octet of a pair; -1: none */
	uint64_t lines, bytes;
	uint64_t hits[BM_SCAN_WORDS];
};

enum bm_status
bm_explain_new(struct bm_explain **out, struct bm_rules *rules, struct bm_keyring *keys)
{
	struct bm_explain *x = calloc(1, sizeof *x);

	*out = x;
	if (x == NULL)
		return BM_NOMEM;
	x->rules = rules;
	x->pending = -1;
	x->held.max = BM_EXPLAIN_LINE;
	x->escaped.max = BM_EXPLAIN_LINE;
	enum bm_status st = bm_gather_new(&x->gather, rules);
	if (st == BM_OK)
		st = bm_buf_reserve(&x->escaped, BM_EXPLAIN_LINE);
	if (st == BM_OK && keys != NULL)
		st = bm_jsse_new(&x->jsse, keys, &x->counts);
	if (st != BM_OK) {
		bm_explain_free(x);
		*out = NULL;
	}
	return st;
}

void
bm_explain_free(struct bm_explain *x)
{
	if (x == NULL)
		return;
	bm_gather_free(x->gather);
	(void)bm_jsse_end(x->jsse);
	bm_buf_wipe(&x->held);
	bm_buf_wipe(&x->escaped);
	free(x);
}

void
bm_explain_watch(struct bm_explain *x, bm_on_occurrence *on_occurrence, void *ctx)
{
	bm_gather_watch(x->gather, on_occurrence, ctx);
}

const struct bm_gather *
bm_explain_gather(const struct bm_explain *x)
{
	return x->gather;
}

struct bm_rules *
bm_explain_rules(const struct bm_explain *x)
{
	return x->rules;
}

/* The octet that an escape of a JSON string stands for, '?' where it is none of ASCII; *n: its
 * length. */
static uint8_t
unescape(struct bm_view v, size_t *n)
{
	static const char from[] = "ntrbf", to[] = "\n\t\r  ";
	unsigned code = 0;

	*n = 2;
	if (v.n < 2)
		*n = v.n;
	if (v.n < 2)
		return '\\';
	const char *at = v.p[1] != 0 ? strchr(from, v.p[1]) : NULL;
	if (at != NULL)
		return (uint8_t)to[at - from];
	if (v.p[1] != 'u' || v.n < 6)
		return v.p[1];
	for (size_t i = 2; i < 6; i++) {
		int digit = bm_hex_digit(v.p[i]);
		if (digit < 0)
			return v.p[1];
		code = code << 4 | (unsigned)digit;
	}
	*n = 6;
	return code < 0x80 ? (uint8_t)code : '?';
}

static void
write_unescaped(struct bm_explain *x, struct bm_view line)
{
	size_t n;

	x->escaped.n = 0;
	while (line.n != 0) {
		const uint8_t *slash = memchr(line.p, '\\', line.n);
		size_t plain = slash != NULL ? (size_t)(slash - line.p) : line.n;
		memcpy(x->escaped.p + x->escaped.n, line.p, plain);
		x->escaped.n += plain;
		line = bm_view(line.p + plain, line.n - plain);
		if (line.n == 0)
			break;
		x->escaped.p[x->escaped.n++] = unescape(line, &n);
		line = bm_view(line.p + n, line.n - n);
	}
}

/* A line with strings of JSON in it, as loggers write them. */
static bool
is_json(struct bm_view line)
{
	return line.n != 0 && memchr(line.p, '\\', line.n) != NULL &&
		   (text_find(line, "\":") != SIZE_MAX || text_find(line, "\\n") != SIZE_MAX);
}

static enum bm_status
take_line(struct bm_explain *x, struct bm_view line)
{
	struct bm_view rest = line, part;
	enum bm_status st = BM_OK;

	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	rest = line;
	if (is_json(line)) {
		write_unescaped(x, line);
		rest = bm_buf_view(&x->escaped);
	}
	while (st == BM_OK && text_line(&rest, &part)) {
		if (part.n != 0 && part.p[part.n - 1] == '\r')
			part.n--;
		bm_gather_line(x->gather, x->lines + 1, part);
		if (x->jsse != NULL)
			st = bm_jsse_line(x->jsse, part);
	}
	return st;
}

/* What is held, from the beginning of a word on: half a name is none to redaction. */
static struct bm_view
held_words(const struct bm_explain *x)
{
	struct bm_view v = bm_buf_view(&x->held);
	const uint8_t *blank =
		x->in_pieces ? memchr(v.p, ' ', v.n < LONGEST_WORD ? v.n : LONGEST_WORD) : NULL;
	size_t n = blank != NULL ? (size_t)(blank - v.p) : 0;

	return bm_view(v.p + n, v.n - n);
}

/* What is held has grown to its limit: it is looked at, and its end is kept for what follows. */
static enum bm_status
take_piece(struct bm_explain *x)
{
	enum bm_status st = take_line(x, held_words(x));
	size_t keep = BM_EXPLAIN_OVERLAP;

	memmove(x->held.p, x->held.p + x->held.n - keep, keep);
	x->held.n = keep;
	x->in_pieces = true;
	return st;
}

static enum bm_status
hold(struct bm_explain *x, struct bm_view v)
{
	enum bm_status st = BM_OK;

	while (st == BM_OK && v.n != 0) {
		size_t room = BM_EXPLAIN_LINE - x->held.n;
		size_t now = v.n < room ? v.n : room;
		st = bm_buf_add(&x->held, bm_view(v.p, now));
		v = bm_view(v.p + now, v.n - now);
		if (st == BM_OK && x->held.n == BM_EXPLAIN_LINE)
			st = take_piece(x);
	}
	return st;
}

static enum bm_status
end_line(struct bm_explain *x)
{
	enum bm_status st = take_line(x, held_words(x));

	x->held.n = 0;
	x->in_pieces = false;
	x->lines++;
	return st;
}

static uint64_t
count_ends(struct bm_view v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += v.p[i] == '\n';
	return n;
}

/* The lines from `from` up to `to`, the last of which ends there, say nothing. */
static void
pass_over(struct bm_explain *x, struct bm_view v, size_t from, size_t to)
{
	struct bm_view quiet = bm_view(v.p + from, to - from);
	uint64_t n = count_ends(quiet);

	bm_gather_quiet(x->gather, x->lines + 1, quiet, n);
	x->lines += n;
}

/* Whole lines out of v, most of them unseen; *taken: how much of it. */
static enum bm_status
take_block(struct bm_explain *x, struct bm_view v, size_t *taken)
{
	enum bm_status st = BM_OK;
	size_t at = 0;

	v.n = v.n < BM_SCAN_TEXT ? v.n : BM_SCAN_TEXT;
	bm_rules_scan(x->rules, v, x->hits);
	while (st == BM_OK && at < v.n) {
		size_t hit = bm_scan_next(x->hits, at, v.n);
		const uint8_t *start = hit > at ? memrchr(v.p + at, '\n', hit - at) : NULL;
		if (start != NULL) {
			size_t to = (size_t)(start - v.p) + 1;
			pass_over(x, v, at, to);
			at = to;
		}
		if (hit == v.n)
			break;
		const uint8_t *end = memchr(v.p + at, '\n', v.n - at);
		if (end == NULL || (size_t)(end - v.p) - at > BM_EXPLAIN_LINE)
			break;
		st = take_line(x, bm_view(v.p + at, (size_t)(end - v.p) - at));
		x->lines++;
		at = (size_t)(end - v.p) + 1;
	}
	*taken = at;
	return st;
}

static enum bm_status
take_octets(struct bm_explain *x, struct bm_view v)
{
	enum bm_status st = BM_OK;

	while (st == BM_OK && v.n != 0) {
		/* Secrets stand in lines that no rule is about. */
		if (x->jsse == NULL && x->held.n == 0 && !x->in_pieces && v.n >= BLOCK_LEAST) {
			size_t taken;
			st = take_block(x, v, &taken);
			v = bm_view(v.p + taken, v.n - taken);
			if (taken != 0)
				continue;
		}
		const uint8_t *end = memchr(v.p, '\n', v.n);
		size_t n = end != NULL ? (size_t)(end - v.p) : v.n;
		if (end != NULL && x->held.n == 0 && n <= BM_EXPLAIN_LINE) {
			st = take_line(x, bm_view(v.p, n));
			x->lines++;
		} else {
			st = hold(x, bm_view(v.p, n));
			if (st == BM_OK && end != NULL)
				st = end_line(x);
		}
		n += end != NULL;
		v = bm_view(v.p + n, v.n - n);
	}
	return st;
}

/* What Windows writes: characters that are not ASCII have nothing to say here. */
static enum bm_status
take_utf16(struct bm_explain *x, struct bm_view v)
{
	uint8_t text[4096];
	size_t n = 0;
	enum bm_status st = BM_OK;

	for (size_t i = 0; st == BM_OK && i < v.n; i++) {
		if (x->pending < 0) {
			x->pending = v.p[i];
			continue;
		}
		unsigned high = x->high == 0 ? (unsigned)x->pending : v.p[i];
		unsigned low = x->high == 0 ? v.p[i] : (unsigned)x->pending;
		x->pending = -1;
		text[n++] = high == 0 && low < 0x80 ? (uint8_t)low : '?';
		if (n == sizeof text) {
			st = take_octets(x, bm_view(text, n));
			n = 0;
		}
	}
	if (st == BM_OK && n != 0)
		st = take_octets(x, bm_view(text, n));
	bm_wipe(text, sizeof text);
	return st;
}

static enum bm_status
take(struct bm_explain *x, struct bm_view v)
{
	return x->encoding == ENCODING_UTF16 ? take_utf16(x, v) : take_octets(x, v);
}

/* A byte order mark, or ASCII with zeros in between. */
static enum bm_status
find_encoding(struct bm_explain *x)
{
	const uint8_t *p = x->first;
	bool enough = x->first_n == sizeof x->first;
	bool little = enough && ((p[0] == 0xff && p[1] == 0xfe) ||
								(p[0] != 0 && p[1] == 0 && p[2] != 0 && p[3] == 0));
	bool big = enough && ((p[0] == 0xfe && p[1] == 0xff) ||
							 (p[0] == 0 && p[1] != 0 && p[2] == 0 && p[3] != 0));

	x->encoding = little || big ? ENCODING_UTF16 : ENCODING_OCTETS;
	x->high = big ? 0 : 1;
	size_t mark = (little || big) && p[0] >= 0xfe ? 2 : 0;
	return take(x, bm_view(p + mark, x->first_n - mark));
}

enum bm_status
bm_explain_feed(struct bm_explain *x, struct bm_view v)
{
	enum bm_status st = BM_OK;

	x->bytes += v.n;
	if (x->encoding == ENCODING_UNKNOWN) {
		size_t room = sizeof x->first - x->first_n;
		size_t now = v.n < room ? v.n : room;
		if (now != 0)
			memcpy(x->first + x->first_n, v.p, now);
		x->first_n += now;
		v = bm_view(v.p + now, v.n - now);
		if (x->first_n < sizeof x->first)
			return BM_OK;
		st = find_encoding(x);
	}
	return st == BM_OK ? take(x, v) : st;
}

enum bm_status
bm_explain_end(struct bm_explain *x)
{
	enum bm_status st = BM_OK;

	if (x->encoding == ENCODING_UNKNOWN && x->first_n != 0)
		st = find_encoding(x);
	if (st == BM_OK && (x->held.n != 0 || x->in_pieces))
		st = end_line(x);
	bm_gather_end(x->gather);
	enum bm_status end = bm_jsse_end(x->jsse);
	x->jsse = NULL;
	return st != BM_OK ? st : end;
}

void
bm_explain_summary(const struct bm_explain *x, struct bm_explain_summary *out)
{
	size_t n;
	const struct bm_incident *i = bm_gather_incidents(x->gather, &n);

	*out = (struct bm_explain_summary){.lines = x->lines, .bytes = x->bytes, .incident_count = n};
	out->secrets = x->counts.masters + x->counts.premasters;
	out->left_out = bm_gather_left_out(x->gather);
	out->occurrences = out->left_out;
	for (size_t k = 0; k < n; k++) {
		out->occurrences += i[k].count;
		out->doubtful += bm_incident_is_doubtful(&i[k]) ? i[k].count : 0;
	}
}
