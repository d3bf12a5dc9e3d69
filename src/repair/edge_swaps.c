/* Words next to each other that changed places where at least one of them is no text, or not all of
 * it: over the edge of the explicit nonce, over that of the tag, and within either. There are few,
 * so each is put back and verified. Refuses to know the algebra of any tag. */
#include "repair/search.h"

#include <string.h>

enum { WORD_MAX = 8 };

/* From the first place behind the header; those all of text are the solvers' own. */
static size_t
next_place(const struct bm_search *s, size_t at, size_t n)
{
	size_t tag = s->n - s->parts.tag.n;

	return at >= s->text_at && at + 2 * n <= tag ? tag - 2 * n + 1 : at;
}

static void
swap_back(struct bm_search *s, size_t at, size_t n)
{
	uint8_t word[WORD_MAX];

	if (memcmp(s->trial + at, s->trial + at + n, n) == 0)
		return;
	uint8_t *trial = bm_search_take(s);
	memcpy(word, trial + at, n);
	memmove(trial + at, trial + at + n, n);
	memcpy(trial + at + n, word, n);
	(void)bm_search_try(s);
}

static size_t
places(const struct bm_search *s, size_t n)
{
	size_t count = 0;

	for (size_t at = next_place(s, s->d->wire.header.n, n); at + 2 * n <= s->n;
		 at = next_place(s, at + 1, n))
		count++;
	return count;
}

void
bm_search_edge_swaps(struct bm_search *s)
{
	static const struct bm_family_name name =
		BM_FAMILY_NAME("two words next to each other swapped, not both of the text");
	size_t all = 0;

	if (s->over)
		return;
	for (size_t n = 1; n <= WORD_MAX; n *= 2)
		all += places(s, n);
	if (!bm_search_open(s, &name, BM_QUICK, (double)all, (double)all * (double)(s->n / 16 + 4)))
		return;
	bm_search_swaps(s);
	for (size_t n = 1; n <= WORD_MAX; n *= 2)
		for (size_t at = next_place(s, s->d->wire.header.n, n); at + 2 * n <= s->n;
			 at = next_place(s, at + 1, n))
			swap_back(s, at, n);
	bm_search_close(s);
}
