/* The frames of one capture in batches, each with what it holds. Other threads read and decode
 * ahead of the caller. Refuses to know what follows from a frame. */
#ifndef BM_API_FRAMES_H
#define BM_API_FRAMES_H

#include "api/inputs.h"
#include "base/pool.h"
#include "packet/packet.h"

struct frames;

/* Frames are numbered from in->packets_before + 1 on. The pool (which may be NULL) outlives the
 * handle. The capture is opened, or *e says why not and *out is NULL. */
BM_MUST_USE enum bm_status frames_open(
	struct frames **out, const struct input *in, struct bm_pool *pool, struct bm_error *e);

struct frames_batch {
	size_t n; /* perhaps 0 */
	const struct bm_frame *frame;
	struct bm_decoded *decoded;
	/* Frames and what they hold stay until the next batch, and no longer: bm_tcp_homes_pass. */
	bool passes;
	/* Else the part of the capture that it was read from, as bm_tcp_lend wants it: good for this
	 * batch and the next one. */
	const uint8_t *home, *near;
	size_t octets;             /* 0: it was read where it stays */
	struct bm_secrets secrets; /* of a stream, behind the frames; key_log.n 0: none */
};
/* A batch is valid until the next call. Of a stream it has what is there without waiting for more,
 * but for the first frame. BM_OK, or why there are no more. */
BM_MUST_USE enum bm_status frames_next_batch(
	struct frames *f, struct frames_batch *out, struct bm_error *e);
/* Other threads go on with the batches that follow: to be called once they have nothing better to
 * do for this one. */
void frames_read_on(struct frames *f);
/* bm_capture_input_offset, about, and bm_capture_format. */
uint64_t frames_offset(const struct frames *f);
const char *frames_format(const struct frames *f);
/* bm_capture_repaired, once there are no more batches. */
bool frames_repaired(const struct frames *f);
void frames_close(struct frames *f); /* NULL allowed */

#endif
