/* Bits that differ, octet by octet. */
#include "base/flips.h"

void
bm_flips_add(struct bm_flips *f, struct bm_view was, struct bm_view is)
{
	if (was.n != is.n)
		return;
	for (size_t i = 0; i < was.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			unsigned before = was.p[i] >> bit & 1, after = is.p[i] >> bit & 1;
			if (before == after)
				continue;
			f->bits++;
			f->columns |= 1u << bit;
			f->to |= 1u << after;
		}
}

int
bm_flips_column(const struct bm_flips *f)
{
	for (int bit = 0; bit < 8; bit++)
		if (f->columns == 1u << bit)
			return bit;
	return -1;
}
