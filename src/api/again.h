/* Reads the captures of a place once more, for a failure that asks what else they hold. Of what
 * came through a pipe the last part is kept. Refuses to know what is looked for. */
#ifndef BM_API_AGAIN_H
#define BM_API_AGAIN_H

#include "api/inputs.h"
#include "packet/packet.h"

/* The newest frames of a stream, one behind the other in a ring. */
struct kept {
	uint8_t *bytes;
	size_t size;            /* of the ring; 0: nothing is kept */
	size_t head, tail, end; /* tail: the oldest; end: where those before the wrap end */
	bool wrapped;
	bool lost; /* frames have given way to newer ones */
};

struct again {
	const struct inputs *inputs;
	uint32_t site;
	size_t fragment_memory;
	struct kept kept;
};

/* A frame of a stream that is being read; `ring` octets of them are kept, never less than before.
 */
void again_keep(struct again *a, const struct bm_frame *f, size_t ring);
void again_clear(struct again *a);
/* As bm_traffic.walk wants it; ctx: struct again. */
bool again_walk(
	void *ctx, bool (*each)(void *each_ctx, const struct bm_segment *s), void *each_ctx);

#endif
