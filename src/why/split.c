#include "why/split.h"
bool
bm_split_new(struct bm_split *split, const struct bm_linear *l, size_t tail, size_t head)
{
	(void)split;
	(void)l;
	(void)tail;
	(void)head;
	return false;
}
bool
bm_split_solve(const struct bm_split *split, const struct bm_linear *l, struct bm_term x, size_t at,
	size_t end, uint8_t *mask)
{
	(void)split;
	(void)l;
	(void)x;
	(void)at;
	(void)end;
	(void)mask;
	return false;
}
