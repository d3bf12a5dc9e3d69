/* Tells by the form of a line whether it begins a record of a log or goes on with one. Refuses to
 * know what lines say. */
#include "explain/lines.h"

#include "logs/text.h"

/* What a program wrote, where syslog or the journal put its name and number before each line. */
static struct bm_view
message_of(struct bm_view line)
{
	size_t most = line.n < 128 ? line.n : 128;

	for (size_t at = 0; at + 2 < most; at++) {
		const uint8_t *bracket = memchr(line.p + at, ']', most - 2 - at);
		if (bracket == NULL)
			break;
		at = (size_t)(bracket - line.p);
		if (bracket[1] == ':' && bracket[2] == ' ')
			return bm_view(bracket + 3, line.n - at - 3);
	}
	return line;
}

bool
bm_line_goes_on(struct bm_view line)
{
	line = message_of(line);
	struct bm_view t = text_trim(line);

	return t.n == 0 || line.p[0] == ' ' || line.p[0] == '\t' ||
		   (t.n > 10 && memcmp(t.p, "Caused by:", 10) == 0) ||
		   (t.n > 3 && memcmp(t.p, "at ", 3) == 0);
}

bool
bm_line_chains(struct bm_view line)
{
	static const char *const words[] = {"During handling of the above exception, another exception",
		"The above exception was the direct cause of the following exception"};

	line = text_trim(message_of(line));
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (line.n >= strlen(words[i]) && memcmp(line.p, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

bool
bm_line_begins_record(struct bm_view line)
{
	if (line.n < 8)
		return false;
	uint8_t c = line.p[0];
	bool day = c >= 'A' && c <= 'Z' && line.p[3] == ' ';
	bool java = line.n > 14 && memcmp(line.p, "javax.net.ssl|", 14) == 0;
	return java || (c >= '0' && c <= '9') || c == '[' || c == '{' || c == '<' || day;
}

struct bm_view
bm_line_last(struct bm_view *v)
{
	size_t end = v->n - (v->n != 0 && v->p[v->n - 1] == '\n'), at = end;

	while (at != 0 && v->p[at - 1] != '\n')
		at--;
	struct bm_view line = bm_view(v->p + at, end - at);
	*v = bm_view(v->p, at);
	return line;
}
