/* Takes text apart, by length alone. */
#include "host/text.h"

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bm_view
from(struct bm_view v, size_t off)
{
	return (struct bm_view){off < v.n ? v.p + off : NULL, v.n - off};
}

bool
bm_cut(struct bm_view v, char c, struct bm_view *head, struct bm_view *rest)
{
	const uint8_t *at = v.n != 0 ? memchr(v.p, c, v.n) : NULL;

	*head = v;
	*rest = (struct bm_view){NULL, 0};
	if (at == NULL)
		return false;
	head->n = (size_t)(at - v.p);
	*rest = from(v, head->n + 1);
	return true;
}

bool
bm_line(struct bm_view *text, struct bm_view *line)
{
	if (text->n == 0)
		return false;
	(void)bm_cut(*text, '\n', line, text);
	return true;
}

bool
bm_word(struct bm_view *line, struct bm_view *word)
{
	size_t begin = 0, end;

	while (begin < line->n && blank(line->p[begin]))
		begin++;
	for (end = begin; end < line->n && !blank(line->p[end]); end++)
		;
	*word = (struct bm_view){end != begin ? line->p + begin : NULL, end - begin};
	*line = from(*line, end);
	return word->n != 0;
}

struct bm_view
bm_trim(struct bm_view v)
{
	while (v.n != 0 && blank(v.p[v.n - 1]))
		v.n--;
	size_t begin = 0;
	while (begin < v.n && blank(v.p[begin]))
		begin++;
	return from(v, begin);
}

bool
bm_is(struct bm_view v, const char *text)
{
	return bm_view_equal(v, bm_view(text, strlen(text)));
}

bool
bm_has_word(struct bm_view list, const char *word)
{
	struct bm_view w;

	while (bm_word(&list, &w))
		if (bm_is(w, word))
			return true;
	return false;
}

bool
bm_number(struct bm_view v, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		unsigned digit = (unsigned)v.p[i] - '0';
		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return v.n != 0;
}
