/* One line of a javax.net.debug log: what it is, who speaks, which octets it shows.
 * Refuses to know the lines around it. */
#include "logs/jsse_internal.h"

#include "base/hash64.h"
#include "logs/text.h"

static const struct {
	const char *words;
	enum jsse_kind kind;
} titles[] = {
	{"SESSION KEYGEN:", JSSE_SESSION},
	{"CONNECTION KEYGEN:", JSSE_CONNECTION},
	{"PreMaster Secret:", JSSE_PREMASTER}, /* before the one that it ends with */
	{"Master Secret:", JSSE_MASTER},
	{"Client Nonce:", JSSE_CLIENT_NONCE},
	{"Server Nonce:", JSSE_SERVER_NONCE},
	{"MAC write Secret:", JSSE_WRITE_KEY},
	{"Server write key:", JSSE_LAST_KEY},
	{"write key:", JSSE_WRITE_KEY},
	{"write IV:", JSSE_WRITE_KEY},
};

/* What stands between the words of a prefix, in every log format seen. */
static bool
is_separator(uint8_t c)
{
	return !bm_is_alnum(c) && (c == 0 || strchr("_.:/+-$#@%", c) == NULL);
}

/* A word of digits and of what dates, times and time zones are written with. */
static bool
is_numeric(struct bm_view word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!bm_is_digit(word.p[i]) && strchr(":./+-TZ", word.p[i]) == NULL)
			return false;
	return true;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Of the words that stay the same from line to line. */
uint64_t
jsse_speaker(struct bm_view prefix)
{
	uint64_t h = BM_FNV1A;
	size_t i = 0;

	while (i < prefix.n) {
		size_t start = i;
		while (i < prefix.n && !is_separator(prefix.p[i]))
			i++;
		struct bm_view word = bm_view(prefix.p + start, i - start);
		if (!is_numeric(word)) {
			for (size_t j = 0; j < word.n; j++)
				h = bm_fnv1a(h, word.p[j]);
			h = bm_fnv1a(h, 0);
		}
		i += i < prefix.n;
	}
	return h;
}

static void
name_speaker(struct bm_view prefix, struct jsse_line *out)
{
	out->bare = text_trim(prefix).n == 0;
	out->speaker = jsse_speaker(prefix);
}

static bool
octet_at(struct bm_view v, size_t at, uint8_t *out)
{
	if (at + 2 > v.n)
		return false;
	int high = bm_hex_digit(v.p[at]), low = bm_hex_digit(v.p[at + 1]);
	if (high < 0 || low < 0 || (at + 2 < v.n && !is_space(v.p[at + 2])))
		return false;
	*out = (uint8_t)(high << 4 | low);
	return true;
}

/* Up to 16 octets, the two eights three blanks apart. After a short line many blanks stand before
 * the characters. */
static size_t
read_octets(struct bm_view v, uint8_t out[16])
{
	size_t n = 0, at = 0;

	while (n < 16 && octet_at(v, at, &out[n])) {
		n++;
		at += 2;
		size_t gap = 0;
		while (at < v.n && is_space(v.p[at])) {
			at++;
			gap++;
		}
		if (gap > 3)
			break;
	}
	return n;
}

/* "0010: BC 06" somewhere in the line. */
static bool
read_dump(struct bm_view line, struct jsse_line *out)
{
	for (size_t i = 4; i + 4 <= line.n; i++) {
		uint8_t high, low;
		if (line.p[i] != ':' || !is_space(line.p[i + 1]) || (i > 4 && bm_is_alnum(line.p[i - 5])))
			continue;
		int d[4];
		bool hex = true;
		for (size_t j = 0; j < 4; j++) {
			d[j] = bm_hex_digit(line.p[i - 4 + j]);
			hex = hex && d[j] >= 0;
		}
		if (!hex || d[3] != 0)
			continue;
		high = (uint8_t)(d[0] << 4 | d[1]);
		low = (uint8_t)(d[2] << 4 | d[3]);
		out->len = read_octets(bm_view(line.p + i + 2, line.n - i - 2), out->bytes);
		if (out->len == 0)
			continue;
		out->kind = JSSE_DUMP;
		out->offset = (unsigned)high << 8 | low;
		name_speaker(bm_view(line.p, i - 4), out);
		return true;
	}
	return false;
}

/* A decimal number of at most ten digits; *v starts after it and what stands between numbers. */
static bool
read_number(struct bm_view *v, int64_t *out)
{
	size_t i = 0, digits = 0;
	bool minus = false;

	while (i < v->n && (is_space(v->p[i]) || v->p[i] == ','))
		i++;
	if (i < v->n && v->p[i] == '-') {
		minus = true;
		i++;
	}
	for (*out = 0; i < v->n && bm_is_digit(v->p[i]) && digits < 10; i++, digits++)
		*out = *out * 10 + (v->p[i] - '0');
	*out = minus ? -*out : *out;
	*v = bm_view(v->p + i, v->n - i);
	return digits != 0;
}

/* Java adds up signed octets: each that is 128 or more takes one from the octet above. */
static void
split_time(int64_t time, uint8_t out[4])
{
	uint32_t t = (uint32_t)time;

	for (unsigned i = 4; i-- > 0; t >>= 8) {
		out[i] = (uint8_t)t;
		t += out[i] >= 0x80 ? 0x100u : 0;
	}
}

static bool
read_cookie(struct bm_view line, struct jsse_line *out)
{
	size_t at = text_find(line, "RandomCookie:");
	if (at == SIZE_MAX)
		return false;
	struct bm_view v = bm_view(line.p + at, line.n - at);
	size_t gmt = text_find(v, "GMT:");
	size_t brace = text_find(v, "bytes = {");
	int64_t number;

	if (gmt == SIZE_MAX || brace == SIZE_MAX)
		return false;
	struct bm_view time = bm_view(v.p + gmt + 4, v.n - gmt - 4);
	struct bm_view rest = bm_view(v.p + brace + 9, v.n - brace - 9);
	if (!read_number(&time, &number))
		return false;
	split_time(number, out->bytes);
	for (size_t i = 4; i < BM_RANDOM; i++) {
		if (!read_number(&rest, &number) || number < 0 || number > 255)
			return false;
		out->bytes[i] = (uint8_t)number;
	}
	rest = text_trim(rest);
	if (rest.n == 0 || rest.p[0] != '}')
		return false;
	out->kind = JSSE_COOKIE;
	out->len = BM_RANDOM;
	name_speaker(bm_view(line.p, at), out);
	return true;
}

void
jsse_read_line(struct bm_view line, struct jsse_line *out)
{
	struct bm_view head;

	*out = (struct jsse_line){.kind = JSSE_OTHER};
	line = text_trim(line);
	if (line.n > 4096 || line.n < 8)
		return;
	for (size_t i = 0; line.p[line.n - 1] == ':' && i < sizeof titles / sizeof titles[0]; i++) {
		if (!text_ends(line, titles[i].words, &head))
			continue;
		if (titles[i].kind == JSSE_WRITE_KEY && text_trim(head).n >= 6) {
			head = text_trim(head); /* Client, Server */
			head.n -= 6;
		}
		out->kind = titles[i].kind;
		name_speaker(head, out);
		return;
	}
	if (read_dump(line, out) || read_cookie(line, out))
		return;
	size_t at = text_find(line, "*** ClientHello");
	if (at != SIZE_MAX) {
		out->kind = JSSE_CLIENT_HELLO;
		name_speaker(bm_view(line.p, at), out);
	}
}
