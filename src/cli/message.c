/* Lines on standard error. Refuses to let a name steer the terminal. */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at p (RFC 3629), 0 if there is none; *point is what it encodes. */
static size_t
utf8(const unsigned char *p, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

	if (n == 0)
		return 0;
	*point = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2) /* the final zero ends it too */
			return 0;
		*point = *point << 6 | (p[i] & 0x3fu);
	}
	if (*point < least[n] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return n;
}

static bool
is_harmless(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
	bool turns = c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
				 (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;

	return !control && !turns;
}

void
make_harmless(char *out, size_t n, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0;

	while (*p != '\0') {
		uint32_t point;
		size_t len = utf8(p, &point);
		bool plain = len != 0 && is_harmless(point);
		size_t take = len != 0 ? len : 1;
		if (at + (plain ? take : 4 * take) + 1 > n)
			break;
		for (size_t i = 0; i < take; i++) {
			if (plain)
				out[at++] = (char)p[i];
			else
				at += (size_t)snprintf(out + at, n - at, "\\x%02x", p[i]);
		}
		p += take;
	}
	out[at] = '\0';
}

static void
say_line(const char *format, va_list ap)
{
	char line[6000], shown[8000];

	(void)vsnprintf(line, sizeof line, format, ap);
	make_harmless(shown, sizeof shown, line);
	fprintf(stderr, "badmac: %s\n", shown);
}

void
say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_line(format, ap);
	va_end(ap);
}

int
say_usage(const char *command, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_line(format, ap);
	va_end(ap);
	fprintf(stderr, "try 'badmac %s%s--help'\n", command != NULL ? command : "",
		command != NULL ? " " : "");
	return EXIT_TROUBLE;
}

bool
say_trouble(const char *input, const struct badmac_error *e)
{
	if (input != NULL && e->offset != 0)
		say("%s: %s, at byte %" PRIu64, input, e->what, e->offset);
	else if (input != NULL)
		say("%s: %s", input, e->what);
	else
		say("%s", e->what);
	return false;
}

bool
say_status(const char *name, enum bm_status status, const struct bm_error *e)
{
	const char *what = status == BM_NOMEM             ? strerror(ENOMEM)
					   : e != NULL && e->what != NULL ? e->what
													  : bm_status_text(status);

	if (status == BM_OK || (status == BM_IO && name == NULL))
		return status == BM_OK;
	if (name != NULL && e != NULL && e->offset != 0)
		say("%s: %s, at byte %" PRIu64, name, what, e->offset);
	else
		say("%s%s%s", name != NULL ? name : "", name != NULL ? ": " : "", what);
	return false;
}
