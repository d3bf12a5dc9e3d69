/* The frames of one capture, each with what it holds. Other threads read and decode ahead of the
 * caller where frames stay: of a capture in memory that is not compressed. Refuses to know what
 * follows from a frame. */
#ifndef BM_API_FRAMES_H
#define BM_API_FRAMES_H

#include "api/inputs.h"
#include "base/pool.h"
#include "packet/packet.h"

struct frames;

/* Frames are numbered from in->packets_before + 1 on. decoder counts what was decoded, in order; it
 * and the pool (which may be NULL) outlive the handle. The capture is opened, or *e says why not
 * and *out is NULL. */
BM_MUST_USE enum bm_status frames_open(struct frames **out, const struct input *in,
	struct bm_decoder *decoder, struct bm_pool *pool, struct bm_error *e);

/* Valid until the next call. */
struct frames_item {
	const struct bm_frame *frame;     /* NULL: secrets of a stream */
	const struct bm_segment *segment; /* NULL: the frame completes none */
	struct bm_secrets secrets;
};
/* As bm_capture_next; where there are no batches. */
BM_MUST_USE enum bm_status frames_next(
	struct frames *f, struct frames_item *item, struct bm_error *e);
/* A batch of frames at a time, for who works on them with several threads. Either this or
 * frames_next. */
bool frames_in_batches(const struct frames *f);
struct frames_batch {
	size_t n; /* perhaps 0 */
	/* The part of the capture that it was read from, as bm_tcp_lend wants it: good for this batch
	 * and the next one. */
	const uint8_t *home, *near;
	size_t octets; /* 0: it was read where it stays */
	const struct bm_frame *frame;
	struct bm_decoded *decoded;
};
BM_MUST_USE enum bm_status frames_next_batch(
	struct frames *f, struct frames_batch *out, struct bm_error *e);
/* Other threads go on with the batches that follow: to be called once they have nothing better to
 * do for this one. */
void frames_read_on(struct frames *f);
/* bm_capture_input_offset, about, and bm_capture_format. */
uint64_t frames_offset(const struct frames *f);
const char *frames_format(const struct frames *f);
void frames_close(struct frames *f); /* NULL allowed */

#endif
