/* Puts text together for a terminal: numbers people can read, foreign bytes made harmless, styles.
 * Refuses to know what is being said. */
#include "report/lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
add(struct bm_lines *l, const void *p, size_t n)
{
	if (l->status == BM_OK)
		l->status = bm_buf_add(&l->buf, bm_view(p, n));
}

void
bm_say(struct bm_lines *l, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (n > 0)
		add(l, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Control characters, and what turns the direction of writing or hides: they would let a name
 * from the wire pretend to be something else. */
static bool
harmless(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != 0xad && c != 0x61c && c != 0xfeff &&
		   !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
		   !(c >= 0x2060 && c <= 0x206f) && !(c >= 0xe0000 && c <= 0xe0fff);
}

/* Returns how many columns it takes. */
static size_t
say_safe(struct bm_lines *l, struct bm_view v)
{
	size_t columns = 0;

	while (v.n != 0) {
		uint32_t code = 0;
		size_t run = 0, n;
		while (run < v.n && v.p[run] >= 0x20 && v.p[run] < 0x7f)
			run++;
		if (run != 0) {
			add(l, v.p, run);
			n = run;
			columns += run;
		} else if ((n = bm_utf8(v, &code)) != 0 && harmless(code)) {
			add(l, v.p, n);
			columns++;
		} else {
			n = n != 0 ? n : 1;
			columns += 4 * n;
			for (size_t i = 0; i < n; i++)
				bm_say(l, "\\x%02x", v.p[i]);
		}
		v.p += n;
		v.n -= n;
	}
	return columns;
}

void
bm_say_safe(struct bm_lines *l, const char *text)
{
	(void)say_safe(l, bm_view(text, strlen(text)));
}

/* The columns a word takes at most: what is not plain ASCII may become an escape. */
static size_t
width_of(struct bm_view word)
{
	size_t columns = 0;

	for (size_t i = 0; i < word.n; i++)
		columns += word.p[i] >= 0x20 && word.p[i] < 0x7f ? 1 : 4;
	return columns;
}

static size_t
columns_of(const struct bm_lines *l)
{
	size_t n = l->columns != 0 ? l->columns : BM_COLUMNS;

	return n > BM_COLUMNS_LEAST ? n : BM_COLUMNS_LEAST;
}

static void
new_line(struct bm_lines *l, size_t indent)
{
	bm_say(l, "\n%*s", (int)indent, "");
}

/* The next word: up to a space, and what is so many per cent is one. Where backquotes enclose
 * commands, a word with one goes on to its end. */
static struct bm_view
word_of(struct bm_view v, bool commands)
{
	bool within = false;
	size_t n = 0;

	for (; n < v.n && (within || v.p[n] != ' ' || (n != 0 && n + 1 < v.n && v.p[n + 1] == '%'));
		 n++)
		if (commands && v.p[n] == '`')
			within = !within;
	return bm_view(v.p, n);
}

/* Text without the backquotes of commands; returns how many columns it takes. */
static size_t
say_word(struct bm_lines *l, struct bm_view word, bool commands)
{
	size_t columns = 0;

	while (word.n != 0) {
		const uint8_t *mark = commands ? memchr(word.p, '`', word.n) : NULL;
		size_t n = mark != NULL ? (size_t)(mark - word.p) : word.n;
		columns += say_safe(l, bm_view(word.p, n));
		n += mark != NULL;
		word.p += n;
		word.n -= n;
	}
	return columns;
}

static void
wrap(struct bm_lines *l, size_t at, size_t indent, struct bm_view v, bool commands)
{
	size_t blanks = 0; /* before the next word: none of them ends a line */

	while (v.n != 0) {
		struct bm_view word = word_of(v, commands);
		v.n -= word.n;
		v.p += word.n;
		if (word.n == 0) {
			blanks++;
			v.p++;
			v.n--;
			continue;
		}
		if (at > indent && at + blanks + width_of(word) > columns_of(l)) {
			new_line(l, indent);
			at = indent;
		} else {
			bm_say(l, "%*s", (int)blanks, "");
			at += blanks;
		}
		blanks = 0;
		at += say_word(l, word, commands);
	}
}

void
bm_say_wrapped(struct bm_lines *l, size_t at, size_t indent, const char *text)
{
	wrap(l, at, indent, bm_view(text, strlen(text)), false);
}

/* The first command that is not in brackets: what stands between its backquotes. */
static bool
find_command(struct bm_view v, struct bm_view *command)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] != '`')
			continue;
		const uint8_t *end = memchr(v.p + i + 1, '`', v.n - i - 1);
		if (end == NULL)
			return false;
		*command = bm_view(v.p + i + 1, (size_t)(end - v.p) - i - 1);
		if (i == 0 || v.p[i - 1] != '(')
			return true;
		i = (size_t)(end - v.p);
	}
	return false;
}

void
bm_say_step(struct bm_lines *l, size_t at, size_t indent, const char *text)
{
	struct bm_view v = bm_view(text, strlen(text)), command;
	bool begun = false; /* something stands in the line */

	while (find_command(v, &command)) {
		size_t n = (size_t)(command.p - v.p) - 1;
		while (n != 0 && v.p[n - 1] == ' ')
			n--;
		if (n != 0 && begun)
			new_line(l, at = indent);
		wrap(l, at, indent, bm_view(v.p, n), true);
		if (n != 0 || begun)
			new_line(l, indent + 2);
		(void)say_safe(l, command);
		begun = true;
		n = (size_t)(command.p - v.p) + command.n + 1;
		while (n < v.n && strchr(" ,;", v.p[n]) != NULL)
			n++;
		v = bm_view(v.p + n, v.n - n);
	}
	if (v.n != 0 && begun)
		new_line(l, at = indent);
	wrap(l, at, indent, v, true);
}

/* Escapes of styles take no column, nor does what goes on after the first octet of a character. */
static size_t
columns_in(struct bm_view v)
{
	size_t columns = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\033')
			while (i + 1 < v.n && v.p[i] != 'm')
				i++;
		else
			columns += (v.p[i] & 0xc0) != 0x80;
	}
	return columns;
}

/* Up to two blanks in a row. */
static struct bm_view
part_of(struct bm_view v)
{
	size_t n = 0;

	while (n < v.n && !(v.p[n] == ' ' && n + 1 < v.n && v.p[n + 1] == ' '))
		n++;
	return bm_view(v.p, n);
}

void
bm_wrap_since(struct bm_lines *l, size_t from, size_t indent)
{
	size_t n = l->buf.n - from, at = 0;

	if (l->status != BM_OK || columns_in(bm_view(l->buf.p + from, n)) <= columns_of(l))
		return;
	uint8_t *line = malloc(n);
	if (line == NULL) {
		l->status = BM_NOMEM;
		return;
	}
	memcpy(line, l->buf.p + from, n);
	l->buf.n = from;
	for (size_t i = 0; i < n;) {
		size_t blanks = 0, word = 0;
		while (i + blanks < n && line[i + blanks] == ' ')
			blanks++;
		while (i + blanks + word < n && line[i + blanks + word] != ' ')
			word++;
		size_t width = columns_in(bm_view(line + i + blanks, word));
		/* What two blanks set apart stays together, if a line can hold it. */
		size_t apart =
			blanks >= 2 ? columns_in(part_of(bm_view(line + i + blanks, n - i - blanks))) : width;
		if (apart + indent > columns_of(l))
			apart = width;
		if (at > indent && blanks != 0 && at + blanks + apart > columns_of(l)) {
			new_line(l, indent);
			at = indent;
		} else {
			add(l, line + i, blanks);
			at += blanks;
		}
		add(l, line + i + blanks, word);
		at += width;
		i += blanks + word;
	}
	free(line);
}

void
bm_say_hex(struct bm_lines *l, struct bm_view v, size_t most)
{
	size_t n = v.n < most ? v.n : most;

	if (v.n == 0)
		bm_say(l, "nothing");
	for (size_t i = 0; i < n; i++)
		bm_say(l, "%02x", v.p[i]);
	if (n < v.n)
		bm_say(l, "... (%s bytes)", bm_grouped(v.n).s);
}

void
bm_style(struct bm_lines *l, enum bm_style style)
{
	static const char *const code[] = {"0", "1", "1;31", "1;32", "1;33", "2"};

	if (l->color)
		bm_say(l, "\033[%sm", code[style]);
}

struct bm_digits
bm_grouped(uint64_t n)
{
	struct bm_digits d = {""};
	char plain[24];
	int len = snprintf(plain, sizeof plain, "%" PRIu64, n);
	size_t to = 0;

	for (int i = 0; i < len; i++) {
		if (i != 0 && (len - i) % 3 == 0)
			d.s[to++] = ',';
		d.s[to++] = plain[i];
	}
	return d;
}
