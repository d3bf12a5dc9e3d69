/* Where the pieces of zstd frames lie (RFC 8878, section 3.1): headers, blocks, checksums.
 * Refuses to decompress anything.
 *
 * libzstd forgets what a call has already put out when it meets an error later in
 * the same call. Given one piece at a time it cannot, and the same comes out however
 * the input was cut. */
#ifndef BM_CAPTURE_ZSTD_WALK_H
#define BM_CAPTURE_ZSTD_WALK_H

#include "base/bytes.h"

enum bm_zstd_piece {
	BM_ZSTD_START, /* magic and the octet behind it */
	BM_ZSTD_HEADER,
	BM_ZSTD_BLOCK_HEADER,
	BM_ZSTD_BLOCK,
	BM_ZSTD_CHECKSUM,
	BM_ZSTD_SKIP_SIZE,
	BM_ZSTD_SKIP,
	BM_ZSTD_DONE
};

struct bm_zstd_walk {
	enum bm_zstd_piece piece;
	uint32_t left;   /* of the piece */
	uint8_t head[5]; /* its first octets */
	unsigned head_len;
	bool last_block, checksum;
};

/* At the start of a frame. */
void bm_zstd_walk_start(struct bm_zstd_walk *w);

/* Moves past octets of the current piece: v.n is at most w->left. Afterwards w->left is
 * 0 only behind the frame. */
void bm_zstd_walk(struct bm_zstd_walk *w, struct bm_view v);

#endif
