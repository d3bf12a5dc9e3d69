/* Picks from what a program said. Refuses to know which program it was. */
#include "lab/said.h"

/* A stack's words for errors are few. */
static bool
is_telling(const char *line, size_t n)
{
	static const char *const words[] = {"rror", "lert", "atal", "ailed", "MAC", "mac"};
	char copy[256];

	if (n == 0 || n >= sizeof copy)
		return false;
	memcpy(copy, line, n);
	copy[n] = '\0';
	/* That the lab's own certificate is nobody's is no news, nor are GnuTLS's and NSS's lists of
	 * what was agreed. */
	if (strncmp(copy, "verify error", 12) == 0 || strncmp(copy, "- ", 2) == 0 ||
		strncmp(copy, "selfserv: SSL version", 21) == 0)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strstr(copy, words[i]) != NULL)
			return true;
	return false;
}

unsigned
lab_said_tell(FILE *out, const struct bm_buf *said, unsigned most)
{
	unsigned told = 0;

	for (size_t at = 0, n; at < said->n && told < most; at += n + 1) {
		const char *line = (const char *)said->p + at, *end = memchr(line, '\n', said->n - at);
		n = end != NULL ? (size_t)(end - line) : said->n - at;
		if (!is_telling(line, n))
			continue;
		size_t shown = n > 0 && line[n - 1] == '\r' ? n - 1 : n;
		fputs("    ", out);
		for (size_t i = 0; i < shown; i++)
			fputc(line[i] >= ' ' && line[i] < 127 ? line[i] : '?', out);
		fputc('\n', out);
		told++;
	}
	return told;
}

void
lab_said_last(const struct bm_buf *said, char out[LAB_LAST])
{
	size_t end = said->n, start;

	while (end > 0 && (said->p[end - 1] == '\n' || said->p[end - 1] == '\r'))
		end--;
	for (start = end; start > 0 && said->p[start - 1] != '\n' && end - start < LAB_LAST - 1;)
		start--;
	if (end > start)
		memcpy(out, said->p + start, end - start);
	out[end - start] = '\0';
}

void
lab_said_why(const struct bm_buf *first, const struct bm_buf *other, char out[LAB_LAST])
{
	lab_said_last(first, out);
	if (out[0] == '\0' && other != NULL)
		lab_said_last(other, out);
	if (out[0] == '\0')
		(void)snprintf(
			out, LAB_LAST, "%s", other != NULL ? "neither said why" : "it did not say why");
}
