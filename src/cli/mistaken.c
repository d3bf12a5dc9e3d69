/* Says of a file that is given as a log what else it is, where badmac knows it: nothing would be
 * found in it, and that would pass for an answer. A log that quotes such a file, or begins like
 * one, is a log. Refuses to know what stands in any of them. */
#define _GNU_SOURCE /* explicit_bzero */
#include "cli/mistaken.h"

#include <string.h>

struct kind {
	const char *begins;
	size_t n;
	const char *is;
};

static const char capture[] = "a capture, not a log: badmac diagnose reads it";
static const char packed[] = "compressed: unpack it, and give what is in it (zcat FILE | badmac "
							 "explain -); of a capture badmac diagnose does that by itself";

static const struct kind kinds[] = {
	{"\xd4\xc3\xb2\xa1", 4, capture},
	{"\xa1\xb2\xc3\xd4", 4, capture},
	{"\x4d\x3c\xb2\xa1", 4, capture},
	{"\xa1\xb2\x3c\x4d", 4, capture},
	{"\x0a\x0d\x0d\x0a", 4, capture},
	{"\x1f\x8b\x08", 3, packed},
	{"\x28\xb5\x2f\xfd", 4, packed},
	{"\xfd\x37\x7a\x58\x5a", 6, packed},
	{"BZh91AY&SY", 10, packed},
	{"SQLite format 3", 16, "a store of findings, not a log: badmac history reads it"},
	{"-----BEGIN PRIVATE KEY-----", 27, "a private key, not a log: badmac diagnose -k takes it"},
	{"-----BEGIN RSA PRIVATE KEY-----", 31,
		"a private key, not a log: badmac diagnose -k takes it"},
};

/* What badmac writes as JSON, by the name in its first member. */
static const struct kind schemas[] = {
	{"diagnosis.v1\"", 13,
		"a report of badmac diagnose, not a log: badmac prove, carve, odds --report and history "
		"--add read it"},
	{"explanation.v1\"", 15, "a report of badmac explain, not a log: it is for people and scripts"},
	{"host.v1\"", 8, "a report of badmac host, not a log: it is for people and scripts"},
	{"odds.v1\"", 8, "a report of badmac odds, not a log: it is for people and scripts"},
	{"proof.v1\"", 9, "a report of badmac prove, not a log: it is for people and scripts"},
	{"history.v1\"", 11, "a report of badmac history, not a log: it is for people and scripts"},
};

static const char *
find(const struct kind *list, size_t count, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (n >= list[i].n && memcmp(p, list[i].begins, list[i].n) == 0)
			return list[i].is;
	return NULL;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind blanks and these words; 0: they do not stand there. */
static size_t
behind(const struct mistaken *m, size_t at, const char *words)
{
	size_t n = strlen(words);

	while (at < m->n && is_blank(m->head[at]))
		at++;
	return m->n - at >= n && memcmp(m->head + at, words, n) == 0 ? at + n : 0;
}

static const char *
report_as_json(const struct mistaken *m, size_t at)
{
	static const char *const opening[] = {"{", "\"schema\"", ":", "\"badmac."};

	for (size_t i = 0; i < sizeof opening / sizeof opening[0]; i++)
		if ((at = behind(m, at, opening[i])) == 0)
			return NULL;
	return find(schemas, sizeof schemas / sizeof schemas[0], m->head + at, m->n - at);
}

static const char *
report_as_page(const struct mistaken *m, size_t at)
{
	static const char mark[] = "<meta name=\"generator\" content=\"badmac ";
	size_t n = sizeof mark - 1;

	if (behind(m, at, "<!DOCTYPE html>") == 0)
		return NULL;
	for (size_t i = at; i + n + 8 <= m->n; i++) {
		if (memcmp(m->head + i, mark, n) != 0)
			continue;
		return memcmp(m->head + i + n, "diagnose", 8) == 0
				   ? "a page of badmac diagnose, not a log: a browser shows it, and badmac prove, "
					 "carve, odds --report and history --add read it"
				   : "a page of badmac, not a log: a browser shows it";
	}
	return NULL;
}

static size_t
hex_digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && ((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f') ||
						(p[i] >= 'A' && p[i] <= 'F')))
		i++;
	return i;
}

/* "LABEL random secret", each in hex; RSA's label is followed by 8 octets. */
static bool
is_secret(const char *p, size_t n)
{
	size_t label = 0;

	while (label < n && ((p[label] >= 'A' && p[label] <= 'Z') || p[label] == '_' ||
							(label != 0 && p[label] >= '0' && p[label] <= '9')))
		label++;
	if (label < 3 || label == n || p[label] != ' ')
		return false;
	size_t random = hex_digits(p + label + 1, n - label - 1), at = label + 1 + random;
	if (random < 16 || at == n || p[at] != ' ')
		return false;
	size_t secret = hex_digits(p + at + 1, n - at - 1);
	return secret >= 64 && at + 1 + secret == n;
}

static void
end_line(struct mistaken *m)
{
	size_t n = m->line_n, at = 0;

	while (n != 0 && is_blank((uint8_t)m->line[n - 1]))
		n--;
	while (at < n && is_blank((uint8_t)m->line[at]))
		at++;
	if (is_secret(m->line + at, n - at))
		m->secrets++;
	else if (at != n && m->line[at] != '#')
		m->other = true;
	m->line_n = 0;
}

void
mistaken_take(struct mistaken *m, const uint8_t *p, size_t n)
{
	size_t room = sizeof m->head - m->n, now = n < room ? n : room;

	if (now != 0)
		memcpy(m->head + m->n, p, now);
	m->n += now;
	/* One line that is none of a key log's is enough. */
	for (size_t i = 0; i < n && !m->other; i++) {
		if (p[i] == '\n')
			end_line(m);
		else if (m->line_n == sizeof m->line)
			m->other = true;
		else
			m->line[m->line_n++] = (char)p[i];
	}
}

const char *
mistaken_for(struct mistaken *m, bool ended)
{
	size_t mark = m->n >= 3 && memcmp(m->head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	const char *is = find(kinds, sizeof kinds / sizeof kinds[0], m->head, m->n);

	if (is == NULL)
		is = report_as_json(m, mark);
	if (is == NULL)
		is = report_as_page(m, mark);
	if (is != NULL || !ended)
		return is;
	end_line(m);
	return m->secrets != 0 && !m->other ? "a key log, and nothing else, not a log of what "
										  "happened: badmac diagnose -k takes "
										  "it, with a capture"
										: NULL;
}

void
mistaken_forget(struct mistaken *m)
{
	explicit_bzero(m, sizeof *m);
}
