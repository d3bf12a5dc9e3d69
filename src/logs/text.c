/* Lines and words of logs. Refuses to know what they say. */
#define _GNU_SOURCE /* memmem */
#include "logs/text.h"

#include <stdlib.h>

bool
text_line(struct bm_view *rest, struct bm_view *line)
{
	if (rest->n == 0)
		return false;
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	*line = bm_view(rest->p, n);
	n += end != NULL;
	*rest = bm_view(rest->p + n, rest->n - n);
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct bm_view
text_trim(struct bm_view v)
{
	while (v.n != 0 && is_blank(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n != 0 && is_blank(v.p[v.n - 1]))
		v.n--;
	return v;
}

bool
text_ends(struct bm_view v, const char *words, struct bm_view *head)
{
	size_t n = strlen(words);

	if (v.n < n || memcmp(v.p + v.n - n, words, n) != 0)
		return false;
	*head = bm_view(v.p, v.n - n);
	return true;
}

size_t
text_find(struct bm_view v, const char *words)
{
	const uint8_t *at = v.n != 0 ? memmem(v.p, v.n, words, strlen(words)) : NULL;

	return at != NULL ? (size_t)(at - v.p) : SIZE_MAX;
}

/* The high octet's place in each pair; -1: not UTF-16. Without a byte order mark, two ASCII
 * characters tell. */
static int
high_octet(struct bm_view v)
{
	if (v.n < 4)
		return -1;
	if ((v.p[0] == 0xff && v.p[1] == 0xfe) ||
		(v.p[0] != 0 && v.p[1] == 0 && v.p[2] != 0 && v.p[3] == 0))
		return 1;
	if ((v.p[0] == 0xfe && v.p[1] == 0xff) ||
		(v.p[0] == 0 && v.p[1] != 0 && v.p[2] == 0 && v.p[3] != 0))
		return 0;
	return -1;
}

enum bm_status
text_from_utf16(struct bm_view bytes, uint8_t **out, size_t *n)
{
	int high = high_octet(bytes);

	*out = NULL;
	*n = 0;
	if (high < 0)
		return BM_OK;
	uint8_t *p = malloc(bytes.n / 2);
	if (p == NULL)
		return BM_NOMEM;
	size_t mark = bytes.p[0] >= 0xfe ? 2 : 0;
	for (size_t i = mark; i + 1 < bytes.n; i += 2) {
		uint8_t c = bytes.p[i + (high == 0)];
		p[(*n)++] = bytes.p[i + (high == 1)] == 0 && c < 0x80 ? c : '?';
	}
	*out = p;
	return BM_OK;
}
