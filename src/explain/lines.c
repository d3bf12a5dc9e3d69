/* Tells by the form of a line whether it begins a record of a log or goes on with one. Refuses to
 * know what lines say. */
#include "explain/lines.h"

#include "logs/text.h"

/* What a program wrote, where syslog or the journal put its name and number before each line. */
static struct bm_view
message_of(struct bm_view line)
{
	struct bm_view head = bm_view(line.p, line.n < 128 ? line.n : 128);
	size_t at = text_find(head, "]: ");

	return at != SIZE_MAX ? bm_view(line.p + at + 3, line.n - at - 3) : line;
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

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (text_find(line, words[i]) != SIZE_MAX)
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
