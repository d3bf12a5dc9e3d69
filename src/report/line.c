/* Puts text together for a terminal: numbers people can read, foreign bytes made harmless, styles.
 * Refuses to know what is being said. */
#include "report/lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

void
bm_say_wrapped(struct bm_lines *l, size_t at, size_t indent, const char *text)
{
	struct bm_view v = bm_view(text, strlen(text));

	while (v.n != 0) {
		const uint8_t *space = memchr(v.p, ' ', v.n);
		struct bm_view word = bm_view(v.p, space != NULL ? (size_t)(space - v.p) : v.n);
		if (at > indent && at + 1 + width_of(word) > BM_COLUMNS) {
			bm_say(l, "\n%*s", (int)indent, "");
			at = indent;
		} else if (v.p != (const uint8_t *)text) {
			bm_say(l, " ");
			at++;
		}
		at += say_safe(l, word);
		v.p += word.n;
		v.n -= word.n;
		if (v.n != 0) {
			v.p++;
			v.n--;
		}
	}
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
