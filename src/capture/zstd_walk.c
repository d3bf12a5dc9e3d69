/* Follows the lengths in zstd frames. Leaves it to libzstd to complain. */
#include "capture/zstd_walk.h"

static void
enter(struct bm_zstd_walk *w, enum bm_zstd_piece piece, uint32_t len)
{
	w->piece = piece;
	w->left = len;
	w->head_len = 0;
}

void
bm_zstd_walk_start(struct bm_zstd_walk *w)
{
	enter(w, BM_ZSTD_START, 5);
}

static void
after_start(struct bm_zstd_walk *w)
{
	static const uint8_t content_size[4] = {0, 2, 4, 8};
	static const uint8_t dictionary_id[4] = {0, 1, 2, 4};

	/* 0x184d2a50 to 5f, little-endian. */
	if ((w->head[0] & 0xf0) == 0x50) {
		uint8_t low = w->head[4];
		enter(w, BM_ZSTD_SKIP_SIZE, 3);
		w->head[0] = low;
		w->head_len = 1;
		return;
	}
	/* Section 3.1.1.1.1: the descriptor tells which fields follow. */
	unsigned descriptor = w->head[4];
	bool single_segment = descriptor >> 5 & 1;
	uint32_t len = content_size[descriptor >> 6];
	if (single_segment && len == 0)
		len = 1;
	if (!single_segment)
		len++;
	w->checksum = descriptor >> 2 & 1;
	enter(w, BM_ZSTD_HEADER, len + dictionary_id[descriptor & 3]);
}

static void
after_block(struct bm_zstd_walk *w)
{
	if (!w->last_block)
		enter(w, BM_ZSTD_BLOCK_HEADER, 3);
	else if (w->checksum)
		enter(w, BM_ZSTD_CHECKSUM, 4);
	else
		enter(w, BM_ZSTD_DONE, 0);
}

/* Section 3.1.1.2: 1 bit last, 2 bits type, 21 bits size. */
static void
after_block_header(struct bm_zstd_walk *w)
{
	enum { TYPE_RLE = 1 };

	uint32_t v = (uint32_t)w->head[0] | (uint32_t)w->head[1] << 8 | (uint32_t)w->head[2] << 16;
	w->last_block = v & 1;
	/* What is repeated is one octet, however often. */
	uint32_t len = (v >> 1 & 3) == TYPE_RLE ? 1 : v >> 3;
	if (len == 0)
		after_block(w);
	else
		enter(w, BM_ZSTD_BLOCK, len);
}

static void
after_skip_size(struct bm_zstd_walk *w)
{
	uint32_t len = (uint32_t)w->head[0] | (uint32_t)w->head[1] << 8 | (uint32_t)w->head[2] << 16 |
				   (uint32_t)w->head[3] << 24;
	enter(w, len == 0 ? BM_ZSTD_DONE : BM_ZSTD_SKIP, len);
}

void
bm_zstd_walk(struct bm_zstd_walk *w, struct bm_view v)
{
	for (size_t i = 0; i < v.n && w->head_len < sizeof w->head; i++)
		w->head[w->head_len++] = v.p[i];
	w->left -= (uint32_t)v.n;
	if (w->left != 0)
		return;
	switch (w->piece) {
	case BM_ZSTD_START:
		after_start(w);
		break;
	case BM_ZSTD_HEADER:
		enter(w, BM_ZSTD_BLOCK_HEADER, 3);
		break;
	case BM_ZSTD_BLOCK_HEADER:
		after_block_header(w);
		break;
	case BM_ZSTD_BLOCK:
		after_block(w);
		break;
	case BM_ZSTD_SKIP_SIZE:
		after_skip_size(w);
		break;
	case BM_ZSTD_CHECKSUM:
	case BM_ZSTD_SKIP:
	case BM_ZSTD_DONE:
		enter(w, BM_ZSTD_DONE, 0);
		break;
	}
}
